import { read16, write16 } from './bytes.ts';
import { isTransportChecksumValid, transportChecksum } from './checksum.ts';
import { IpProtocol } from './ipv4.ts';

/** Byte offsets of the fields of a UDP header (RFC 768). */
export const UDP = { SOURCE_PORT: 0, DESTINATION_PORT: 2, LENGTH: 4, CHECKSUM: 6 } as const;

/** Bytes of a UDP header. */
export const UDP_HEADER_BYTES = 8;

/** A UDP header. */
export interface UdpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Bytes of the datagram, with its header. */
  readonly totalBytes: number;
  /** 0 for none. */
  readonly checksum: number;
}

/** The UDP header at `offset`, with `bytes` bytes left in the packet; undefined when its length contradicts that. */
export function parseUdp(u8: Uint8Array, offset: number, bytes: number): UdpHeader | undefined {
  if (bytes < UDP_HEADER_BYTES) return undefined;
  const totalBytes = read16(u8, offset + UDP.LENGTH);
  if (totalBytes < UDP_HEADER_BYTES || totalBytes > bytes) return undefined;
  return {
    sourcePort: read16(u8, offset + UDP.SOURCE_PORT),
    destinationPort: read16(u8, offset + UDP.DESTINATION_PORT),
    totalBytes,
    checksum: read16(u8, offset + UDP.CHECKSUM),
  };
}

/**
 * Writes `header` at `offset` and returns the bytes written. Without a checksum in `header` the field is 0, for none;
 * {@link writeUdpChecksum} fills it in once the payload is there.
 */
export function writeUdp(
  u8: Uint8Array,
  offset: number,
  header: Omit<UdpHeader, 'checksum'> & Partial<UdpHeader>,
): number {
  write16(u8, offset + UDP.SOURCE_PORT, header.sourcePort);
  write16(u8, offset + UDP.DESTINATION_PORT, header.destinationPort);
  write16(u8, offset + UDP.LENGTH, header.totalBytes);
  write16(u8, offset + UDP.CHECKSUM, header.checksum ?? 0);
  return UDP_HEADER_BYTES;
}

/** Computes and writes the checksum of the UDP datagram at `offset`, under the IP header at `networkOffset`. */
export function writeUdpChecksum(u8: Uint8Array, networkOffset: number, offset: number): void {
  const bytes = read16(u8, offset + UDP.LENGTH);
  const checksum = transportChecksum(u8, networkOffset, IpProtocol.UDP, offset, bytes, UDP.CHECKSUM);
  // Zero means "no checksum", so a sum of zero is sent as its other representation.
  write16(u8, offset + UDP.CHECKSUM, checksum === 0 ? 0xffff : checksum);
}

/** True when the UDP datagram at `offset` holds the right checksum or, under IPv4, none. */
export function isUdpChecksumValid(u8: Uint8Array, networkOffset: number, offset: number): boolean {
  if (read16(u8, offset + UDP.CHECKSUM) === 0) return u8[networkOffset] >>> 4 === 4;
  const bytes = read16(u8, offset + UDP.LENGTH);
  return isTransportChecksumValid(u8, networkOffset, IpProtocol.UDP, offset, bytes);
}
