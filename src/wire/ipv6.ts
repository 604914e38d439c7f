import { read16, read32, write16, write32 } from './bytes.ts';

/** Byte offsets of the fields of an IPv6 header (RFC 8200, section 3). */
export const IPV6 = {
  VERSION: 0,
  PAYLOAD_LENGTH: 4,
  NEXT_HEADER: 6,
  HOP_LIMIT: 7,
  SOURCE: 8,
  DESTINATION: 24,
} as const;

/** Bytes of an IPv6 header without extension headers. */
export const IPV6_HEADER_BYTES = 40;

/** An IPv6 header. */
export interface Ipv6Header {
  /** DSCP and ECN. */
  readonly trafficClass: number;
  /** 0 to 2^20 - 1. */
  readonly flowLabel: number;
  /** Bytes behind this header, extension headers included. */
  readonly payloadBytes: number;
  /** One of {@link IpProtocol}, or the number of an extension header. */
  readonly nextHeader: number;
  readonly hopLimit: number;
  /** Sixteen bytes. */
  readonly source: Uint8Array;
  /** Sixteen bytes. */
  readonly destination: Uint8Array;
}

/**
 * The IPv6 header at `offset`, with `bytes` bytes left in the frame; undefined when it is another version or longer
 * than the frame. The addresses are copies.
 */
export function parseIpv6(u8: Uint8Array, offset: number, bytes: number): Ipv6Header | undefined {
  if (bytes < IPV6_HEADER_BYTES || u8[offset] >>> 4 !== 6) return undefined;
  const payloadBytes = read16(u8, offset + IPV6.PAYLOAD_LENGTH);
  if (IPV6_HEADER_BYTES + payloadBytes > bytes) return undefined;
  const word = read32(u8, offset + IPV6.VERSION);
  return {
    trafficClass: (word >>> 20) & 0xff,
    flowLabel: word & 0xf_ffff,
    payloadBytes,
    nextHeader: u8[offset + IPV6.NEXT_HEADER],
    hopLimit: u8[offset + IPV6.HOP_LIMIT],
    source: Uint8Array.from(u8.subarray(offset + IPV6.SOURCE, offset + IPV6.SOURCE + 16)),
    destination: Uint8Array.from(u8.subarray(offset + IPV6.DESTINATION, offset + IPV6.DESTINATION + 16)),
  };
}

/** Writes `header` at `offset` and returns the bytes written. */
export function writeIpv6(u8: Uint8Array, offset: number, header: Ipv6Header): number {
  write32(u8, offset + IPV6.VERSION, 0x6000_0000 | (header.trafficClass << 20) | header.flowLabel);
  write16(u8, offset + IPV6.PAYLOAD_LENGTH, header.payloadBytes);
  u8[offset + IPV6.NEXT_HEADER] = header.nextHeader;
  u8[offset + IPV6.HOP_LIMIT] = header.hopLimit;
  u8.set(header.source, offset + IPV6.SOURCE);
  u8.set(header.destination, offset + IPV6.DESTINATION);
  return IPV6_HEADER_BYTES;
}
