/** Cyclic redundancy checks: CRC-32 of the Ethernet frame check sequence and CRC-32C of SCTP, bit-reflected. */

const CRC32 = crcTable(0xedb8_8320);
const CRC32C = crcTable(0x82f6_3b78);

/**
 * CRC-32 of `bytes` bytes at `offset`, unsigned (IEEE 802.3, clause 3.2.9). To go on over several ranges, pass the
 * result of the one before as `previous`.
 */
export function crc32(u8: Uint8Array, offset: number, bytes: number, previous = 0): number {
  return crc(CRC32, u8, offset, bytes, previous);
}

/** CRC-32C (Castagnoli) of `bytes` bytes at `offset`, unsigned; `previous` as for {@link crc32}. */
export function crc32c(u8: Uint8Array, offset: number, bytes: number, previous = 0): number {
  return crc(CRC32C, u8, offset, bytes, previous);
}

/**
 * Writes the frame check sequence behind the frame of `bytes` bytes at `offset`: four bytes, the CRC's low byte first,
 * because Ethernet sends the least significant bit of each byte first and the CRC's most significant one.
 */
export function writeFcs(u8: Uint8Array, offset: number, bytes: number): void {
  const fcs = crc32(u8, offset, bytes);
  for (let i = 0; i < 4; i++) u8[offset + bytes + i] = fcs >>> (8 * i);
}

/** True when the last four of the `bytes` bytes at `offset` are the frame check sequence of those before them. */
export function isFcsValid(u8: Uint8Array, offset: number, bytes: number): boolean {
  const at = offset + bytes - 4;
  const fcs = (u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >>> 0;
  return bytes >= 4 && fcs === crc32(u8, offset, bytes - 4);
}

function crc(table: Int32Array, u8: Uint8Array, offset: number, bytes: number, previous: number): number {
  let remainder = ~previous;
  const end = offset + bytes;
  for (let at = offset; at < end; at++) remainder = table[(remainder ^ u8[at]) & 0xff] ^ (remainder >>> 8);
  return ~remainder >>> 0;
}

/** Remainder of every byte value under the reflected `polynomial`. */
function crcTable(polynomial: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++)
      remainder = (remainder >>> 1) ^ ((remainder & 1) === 0 ? 0 : polynomial);
    return remainder;
  });
}
