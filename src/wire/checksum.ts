import { read16 } from './bytes.ts';

/** Checksum of the Internet protocols: the one's complement of the one's complement sum of 16-bit words (RFC 1071). */

/**
 * One's complement sum of `bytes` bytes at `offset`, started from `initial`; an odd last byte counts as the upper half
 * of a word. Folded to 16 bits, not complemented: sums of several ranges are chained through `initial`, as long as
 * all but the last have an even length.
 */
export function internetSum(u8: Uint8Array, offset: number, bytes: number, initial = 0): number {
  let sum = initial;
  const end = offset + (bytes & ~1);
  for (let at = offset; at < end; at += 2) sum += (u8[at] << 8) | u8[at + 1];
  if ((bytes & 1) !== 0) sum += u8[end] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return sum;
}

/**
 * The 16-bit Internet checksum of `bytes` bytes at `offset`, whose checksum field must hold zero. Over a range with
 * its right checksum in place the result is 0.
 */
export function internetChecksum(u8: Uint8Array, offset: number, bytes: number, initial = 0): number {
  return ~internetSum(u8, offset, bytes, initial) & 0xffff;
}

/**
 * Sum of the pseudo header of TCP and UDP: the addresses of the IPv4 or IPv6 header at `networkOffset`, the protocol,
 * and the bytes of the TCP segment or UDP datagram (RFC 9293 section 3.1, RFC 8200 section 8.1). It is the `initial` of
 * {@link internetSum}, and what drivers put into the checksum field when the card is to finish the work.
 */
export function pseudoHeaderSum(
  u8: Uint8Array,
  networkOffset: number,
  protocol: number,
  transportBytes: number,
): number {
  const isIpv6 = u8[networkOffset] >>> 4 === 6;
  // The length has 32 bits under IPv6: its upper half is a word of its own.
  const rest = protocol + (transportBytes & 0xffff) + (transportBytes >>> 16);
  return isIpv6 ? internetSum(u8, networkOffset + 8, 32, rest) : internetSum(u8, networkOffset + 12, 8, rest);
}

/**
 * Checksum of the TCP segment or UDP datagram of `bytes` bytes at `offset`, as if its checksum field, `field` bytes
 * behind `offset`, held zero.
 */
export function transportChecksum(
  u8: Uint8Array,
  networkOffset: number,
  protocol: number,
  offset: number,
  bytes: number,
  field: number,
): number {
  const pseudo = pseudoHeaderSum(u8, networkOffset, protocol, bytes);
  // Subtracting a word in one's complement is adding its complement. The sum is never zero (the protocol is part of
  // it), so its two representations of zero cannot be confused.
  const initial = pseudo + (~read16(u8, offset + field) & 0xffff);
  return internetChecksum(u8, offset, bytes, initial);
}

/** True when the TCP segment or UDP datagram of `bytes` bytes at `offset` holds the right checksum. */
export function isTransportChecksumValid(
  u8: Uint8Array,
  networkOffset: number,
  protocol: number,
  offset: number,
  bytes: number,
): boolean {
  return internetSum(u8, offset, bytes, pseudoHeaderSum(u8, networkOffset, protocol, bytes)) === 0xffff;
}
