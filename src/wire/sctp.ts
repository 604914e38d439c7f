import { read16, read32, write16, write32 } from './bytes.ts';
import { crc32c } from './crc.ts';

/** Byte offsets of the fields of the SCTP common header (RFC 9260, section 3.1). */
export const SCTP = { SOURCE_PORT: 0, DESTINATION_PORT: 2, VERIFICATION_TAG: 4, CHECKSUM: 8 } as const;

/** Bytes of the SCTP common header. */
export const SCTP_HEADER_BYTES = 12;

/** The SCTP common header, apart from its checksum. */
export interface SctpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
}

const ZEROS = new Uint8Array(4);

/** The SCTP common header at `offset`, with `bytes` bytes left in the packet; undefined when it does not fit. */
export function parseSctp(u8: Uint8Array, offset: number, bytes: number): SctpHeader | undefined {
  if (bytes < SCTP_HEADER_BYTES) return undefined;
  return {
    sourcePort: read16(u8, offset + SCTP.SOURCE_PORT),
    destinationPort: read16(u8, offset + SCTP.DESTINATION_PORT),
    verificationTag: read32(u8, offset + SCTP.VERIFICATION_TAG),
  };
}

/**
 * Writes `header` at `offset`, with a checksum of 0, and returns the bytes written; {@link writeSctpChecksum} fills in
 * the checksum once the chunks are there.
 */
export function writeSctp(u8: Uint8Array, offset: number, header: SctpHeader): number {
  write16(u8, offset + SCTP.SOURCE_PORT, header.sourcePort);
  write16(u8, offset + SCTP.DESTINATION_PORT, header.destinationPort);
  write32(u8, offset + SCTP.VERIFICATION_TAG, header.verificationTag);
  write32(u8, offset + SCTP.CHECKSUM, 0);
  return SCTP_HEADER_BYTES;
}

/** CRC-32C of the SCTP packet of `bytes` bytes at `offset`, as if its checksum field held zero. There is no pseudo header. */
export function sctpChecksum(u8: Uint8Array, offset: number, bytes: number): number {
  const before = crc32c(u8, offset, SCTP.CHECKSUM);
  const field = crc32c(ZEROS, 0, 4, before);
  return crc32c(u8, offset + SCTP_HEADER_BYTES, bytes - SCTP_HEADER_BYTES, field);
}

/** Computes and writes the checksum of the SCTP packet at `offset`: its low byte first (RFC 9260, appendix A). */
export function writeSctpChecksum(u8: Uint8Array, offset: number, bytes: number): void {
  const checksum = sctpChecksum(u8, offset, bytes);
  for (let i = 0; i < 4; i++) u8[offset + SCTP.CHECKSUM + i] = checksum >>> (8 * i);
}

/** True when the SCTP packet of `bytes` bytes at `offset` holds the right checksum. */
export function isSctpChecksumValid(u8: Uint8Array, offset: number, bytes: number): boolean {
  const checksum = sctpChecksum(u8, offset, bytes);
  return [0, 1, 2, 3].every((i) => u8[offset + SCTP.CHECKSUM + i] === ((checksum >>> (8 * i)) & 0xff));
}
