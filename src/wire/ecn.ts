import { read16, write16 } from './bytes.ts';
import { ETHERNET, EtherType } from './ethernet.ts';
import { IPV4, IPV4_HEADER_BYTES, isIpv4ChecksumValid } from './ipv4.ts';
import { IPV6_HEADER_BYTES } from './ipv6.ts';

/** Values of the two ECN bits of an IP header (RFC 3168 section 5). */
export const Ecn = {
  /** The transport does not understand marks. */
  NOT_ECT: 0,
  ECT1: 1,
  ECT0: 2,
  /** Congestion Experienced: the mark. */
  CE: 3,
} as const;

/** One of {@link Ecn}. */
export type Ecn = (typeof Ecn)[keyof typeof Ecn];

/** Tags in front of an IP header that are looked through: more make a frame that no network carries. */
const MOST_TAGS = 4;
const TAG_BYTES = 4;

/**
 * Offset of the IP header of the frame of `bytes` bytes at `offset`, behind its VLAN tags; -1 if it is no IP
 * packet, or not a whole header of one.
 */
export function findIpHeader(u8: Uint8Array, offset: number, bytes: number): number {
  const end = offset + bytes;
  let at = offset + ETHERNET.TYPE;
  for (let tags = 0; tags <= MOST_TAGS && at + 2 <= end; tags++) {
    const type = read16(u8, at);
    const header = at + 2;
    if (type === EtherType.IPV4) {
      return header + IPV4_HEADER_BYTES <= end && u8[header] >>> 4 === 4 ? header : -1;
    }
    if (type === EtherType.IPV6) {
      return header + IPV6_HEADER_BYTES <= end && u8[header] >>> 4 === 6 ? header : -1;
    }
    if (type !== EtherType.VLAN && type !== EtherType.SERVICE_VLAN) return -1;
    at += TAG_BYTES;
  }
  return -1;
}

/** The ECN bits of the IP header at `header`. */
export function readEcn(u8: Uint8Array, header: number): Ecn {
  const isIpv6 = u8[header] >>> 4 === 6;
  // IPv6: the traffic class lies across two bytes, ECN in bits 5:4 of the second.
  return (isIpv6 ? (u8[header + 1] >>> 4) & 3 : u8[header + IPV4.TRAFFIC_CLASS] & 3) as Ecn;
}

/**
 * Sets the ECN bits of the IP header at `header`. An IPv4 header's checksum is brought along by what has
 * changed (RFC 1624, equation 3), so that a wrong one stays wrong.
 */
export function writeEcn(u8: Uint8Array, header: number, ecn: Ecn): void {
  if (u8[header] >>> 4 === 6) {
    u8[header + 1] = (u8[header + 1] & ~0x30) | (ecn << 4);
    return;
  }
  const before = read16(u8, header);
  const after = (before & ~3) | ecn;
  write16(u8, header, after);
  const checksum = read16(u8, header + IPV4.CHECKSUM);
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  write16(u8, header + IPV4.CHECKSUM, ~sum);
}

/** Whether an IPv4 header's checksum is right; an IPv6 header has none, and is always right. */
export function isIpHeaderValid(u8: Uint8Array, header: number): boolean {
  return u8[header] >>> 4 === 6 || isIpv4ChecksumValid(u8, header);
}
