/** Big-endian fields ("network order") in a byte array; the offsets are in bytes. */

/** The 16-bit big-endian number at `offset`. */
export function read16(u8: Uint8Array, offset: number): number {
  return (u8[offset] << 8) | u8[offset + 1];
}

/** The 32-bit big-endian number at `offset`, unsigned. */
export function read32(u8: Uint8Array, offset: number): number {
  return ((u8[offset] << 24) | (u8[offset + 1] << 16) | (u8[offset + 2] << 8) | u8[offset + 3]) >>> 0;
}

/** Writes the low 16 bits of `value`. */
export function write16(u8: Uint8Array, offset: number, value: number): void {
  u8[offset] = value >>> 8;
  u8[offset + 1] = value;
}

/** Writes the low 32 bits of `value`. */
export function write32(u8: Uint8Array, offset: number, value: number): void {
  u8[offset] = value >>> 24;
  u8[offset + 1] = value >>> 16;
  u8[offset + 2] = value >>> 8;
  u8[offset + 3] = value;
}
