import { read16, read32, write16, write32 } from './bytes.ts';
import { isTransportChecksumValid, transportChecksum } from './checksum.ts';
import { IpProtocol } from './ipv4.ts';

/** Byte offsets of the fields of a TCP header (RFC 9293, section 3.1). */
export const TCP = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  SEQUENCE: 4,
  ACKNOWLEDGEMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  WINDOW: 14,
  CHECKSUM: 16,
  URGENT: 18,
} as const;

/** Bytes of a TCP header without options. */
export const TCP_HEADER_BYTES = 20;

/** Bits of the flags of a TCP header. */
export const TcpFlag = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;

/** A TCP header, apart from its options. */
export interface TcpHeader {
  /** Bytes of the header with options: 20 to 60. */
  readonly headerBytes: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** Bits of {@link TcpFlag}. */
  readonly flags: number;
  readonly window: number;
  readonly checksum: number;
  readonly urgent: number;
}

/** The TCP header at `offset`, with `bytes` bytes left in the packet; undefined when its length contradicts that. */
export function parseTcp(u8: Uint8Array, offset: number, bytes: number): TcpHeader | undefined {
  if (bytes < TCP_HEADER_BYTES) return undefined;
  const headerBytes = (u8[offset + TCP.DATA_OFFSET] >>> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > bytes) return undefined;
  return {
    headerBytes,
    sourcePort: read16(u8, offset + TCP.SOURCE_PORT),
    destinationPort: read16(u8, offset + TCP.DESTINATION_PORT),
    sequence: read32(u8, offset + TCP.SEQUENCE),
    acknowledgement: read32(u8, offset + TCP.ACKNOWLEDGEMENT),
    flags: u8[offset + TCP.FLAGS],
    window: read16(u8, offset + TCP.WINDOW),
    checksum: read16(u8, offset + TCP.CHECKSUM),
    urgent: read16(u8, offset + TCP.URGENT),
  };
}

/** What {@link writeTcp} needs to know; what is left out is 0. */
export type TcpFields = Partial<TcpHeader> & Pick<TcpHeader, 'sourcePort' | 'destinationPort'>;

/**
 * Writes `header` at `offset` and returns its bytes: with a `headerBytes` above 20 the options are the caller's to
 * write. {@link writeTcpChecksum} fills in the checksum once the payload is there.
 */
export function writeTcp(u8: Uint8Array, offset: number, header: TcpFields): number {
  const headerBytes = header.headerBytes ?? TCP_HEADER_BYTES;
  write16(u8, offset + TCP.SOURCE_PORT, header.sourcePort);
  write16(u8, offset + TCP.DESTINATION_PORT, header.destinationPort);
  write32(u8, offset + TCP.SEQUENCE, header.sequence ?? 0);
  write32(u8, offset + TCP.ACKNOWLEDGEMENT, header.acknowledgement ?? 0);
  u8[offset + TCP.DATA_OFFSET] = (headerBytes / 4) << 4;
  u8[offset + TCP.FLAGS] = header.flags ?? 0;
  write16(u8, offset + TCP.WINDOW, header.window ?? 0);
  write16(u8, offset + TCP.CHECKSUM, header.checksum ?? 0);
  write16(u8, offset + TCP.URGENT, header.urgent ?? 0);
  return headerBytes;
}

/** Computes and writes the checksum of the segment of `bytes` bytes at `offset`, under the IP header at `networkOffset`. */
export function writeTcpChecksum(u8: Uint8Array, networkOffset: number, offset: number, bytes: number): void {
  const checksum = transportChecksum(u8, networkOffset, IpProtocol.TCP, offset, bytes, TCP.CHECKSUM);
  write16(u8, offset + TCP.CHECKSUM, checksum);
}

/** True when the segment of `bytes` bytes at `offset`, under the IP header at `networkOffset`, holds the right checksum. */
export function isTcpChecksumValid(
  u8: Uint8Array,
  networkOffset: number,
  offset: number,
  bytes: number,
): boolean {
  return isTransportChecksumValid(u8, networkOffset, IpProtocol.TCP, offset, bytes);
}
