import { read16, read32, write16, write32 } from './bytes.ts';
import { internetChecksum, internetSum } from './checksum.ts';

/** Byte offsets of the fields of an IPv4 header (RFC 791, section 3.1). */
export const IPV4 = {
  VERSION_IHL: 0,
  TRAFFIC_CLASS: 1,
  TOTAL_LENGTH: 2,
  IDENTIFICATION: 4,
  FRAGMENT: 6,
  TIME_TO_LIVE: 8,
  PROTOCOL: 9,
  CHECKSUM: 10,
  SOURCE: 12,
  DESTINATION: 16,
} as const;

/** Bytes of an IPv4 header without options. */
export const IPV4_HEADER_BYTES = 20;

/** Values of the Protocol field of IPv4 and the Next Header field of IPv6. */
export const IpProtocol = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58, SCTP: 132 } as const;

/** An IPv4 header, apart from its options. */
export interface Ipv4Header {
  /** Bytes of the header with options: 20 to 60. */
  readonly headerBytes: number;
  /** DSCP and ECN as they stand in their byte. */
  readonly trafficClass: number;
  /** Bytes of the packet, with its header. */
  readonly totalBytes: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Place of this fragment in the packet, in bytes. */
  readonly fragmentOffset: number;
  readonly timeToLive: number;
  /** One of {@link IpProtocol}, or another. */
  readonly protocol: number;
  /** As 32-bit integers, the first byte most significant. */
  readonly source: number;
  readonly destination: number;
}

/**
 * The IPv4 header at `offset`, with `bytes` bytes left in the frame; undefined when it is another version, or when its
 * lengths contradict each other or the frame. Does not look at the checksum: {@link isIpv4ChecksumValid}.
 */
export function parseIpv4(u8: Uint8Array, offset: number, bytes: number): Ipv4Header | undefined {
  if (bytes < IPV4_HEADER_BYTES || u8[offset] >>> 4 !== 4) return undefined;
  const headerBytes = ipv4HeaderBytes(u8, offset);
  const totalBytes = read16(u8, offset + IPV4.TOTAL_LENGTH);
  if (headerBytes < IPV4_HEADER_BYTES || totalBytes < headerBytes || totalBytes > bytes) return undefined;
  const fragment = read16(u8, offset + IPV4.FRAGMENT);
  return {
    headerBytes,
    trafficClass: u8[offset + IPV4.TRAFFIC_CLASS],
    totalBytes,
    identification: read16(u8, offset + IPV4.IDENTIFICATION),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    timeToLive: u8[offset + IPV4.TIME_TO_LIVE],
    protocol: u8[offset + IPV4.PROTOCOL],
    source: read32(u8, offset + IPV4.SOURCE),
    destination: read32(u8, offset + IPV4.DESTINATION),
  };
}

/** What {@link writeIpv4} needs to know; the rest has defaults. */
export type Ipv4Fields = Partial<Omit<Ipv4Header, 'headerBytes'>> &
  Pick<Ipv4Header, 'totalBytes' | 'protocol' | 'source' | 'destination'>;

/**
 * Writes an IPv4 header without options at `offset`, checksum included, and returns the bytes written. Unless the
 * header says otherwise the packet is no fragment, may be fragmented, and lives for 64 hops.
 */
export function writeIpv4(u8: Uint8Array, offset: number, header: Ipv4Fields): number {
  const flags = (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0);
  u8[offset + IPV4.VERSION_IHL] = 0x40 | (IPV4_HEADER_BYTES / 4);
  u8[offset + IPV4.TRAFFIC_CLASS] = header.trafficClass ?? 0;
  write16(u8, offset + IPV4.TOTAL_LENGTH, header.totalBytes);
  write16(u8, offset + IPV4.IDENTIFICATION, header.identification ?? 0);
  write16(u8, offset + IPV4.FRAGMENT, flags | ((header.fragmentOffset ?? 0) / 8));
  u8[offset + IPV4.TIME_TO_LIVE] = header.timeToLive ?? 64;
  u8[offset + IPV4.PROTOCOL] = header.protocol;
  write32(u8, offset + IPV4.SOURCE, header.source);
  write32(u8, offset + IPV4.DESTINATION, header.destination);
  writeIpv4Checksum(u8, offset);
  return IPV4_HEADER_BYTES;
}

/** Bytes of the IPv4 header at `offset`, options included. */
export function ipv4HeaderBytes(u8: Uint8Array, offset: number): number {
  return (u8[offset] & 0xf) * 4;
}

/** Computes and writes the header checksum of the IPv4 header at `offset`. */
export function writeIpv4Checksum(u8: Uint8Array, offset: number): void {
  write16(u8, offset + IPV4.CHECKSUM, 0);
  write16(u8, offset + IPV4.CHECKSUM, internetChecksum(u8, offset, ipv4HeaderBytes(u8, offset)));
}

/** True when the IPv4 header at `offset` holds the right header checksum. */
export function isIpv4ChecksumValid(u8: Uint8Array, offset: number): boolean {
  return internetSum(u8, offset, ipv4HeaderBytes(u8, offset)) === 0xffff;
}

/** `address` as four decimal numbers. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}
