import { read32 } from './bytes.ts';

/** Bytes of the secret key of receive-side scaling. */
export const TOEPLITZ_KEY_BYTES = 40;

/**
 * Toeplitz hash of `bytes` bytes at `offset`, unsigned, as receive-side scaling defines it: for each bit of the input that
 * is one, the 32 bits of the key that begin at its place are added modulo 2. The hash of an input in several pieces is
 * the exclusive or of theirs.
 *
 * @param key {@link TOEPLITZ_KEY_BYTES} bytes.
 * @param position place of the piece in the input, in bytes; `position + bytes` is 36 at most.
 * @example
 * // Addresses of an IPv4 header at `ip`, and ports of the TCP header at `tcp`.
 * const hash = (toeplitzHash(key, u8, ip + 12, 8) ^ toeplitzHash(key, u8, tcp, 4, 8)) >>> 0;
 */
export function toeplitzHash(
  key: Uint8Array,
  u8: Uint8Array,
  offset: number,
  bytes: number,
  position = 0,
): number {
  let hash = 0;
  let window = read32(key, position) | 0;
  for (let i = 0; i < bytes; i++) {
    const byte = u8[offset + i];
    const next = key[position + 4 + i];
    for (let bit = 7; bit >= 0; bit--) {
      if (((byte >> bit) & 1) !== 0) hash ^= window;
      window = (window << 1) | ((next >> bit) & 1);
    }
  }
  return hash >>> 0;
}
