/** Rounds `value` up to a multiple of `alignment`. Safe integers, not only 32-bit ones. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** True for 1, 2, 4, ... up to 2^30. */
export function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

/** The smallest power of two that is not below `value` (1 to 2^30). */
export function ceilPowerOfTwo(value: number): number {
  return value <= 1 ? 1 : 1 << (32 - Math.clz32(value - 1));
}

/** The exponent of the power of two `value`. */
export function log2Exact(value: number): number {
  return 31 - Math.clz32(value);
}

/** By four byte enables, the bits of the bytes that they name: bit i for byte i. */
const LANES = Int32Array.from({ length: 16 }, (_, enables) => {
  let lanes = 0;
  for (let i = 0; i < 4; i++) if ((enables & (1 << i)) !== 0) lanes |= 0xff << (8 * i);
  return lanes;
});

/** The bits of the bytes that four byte enables name: bit i for byte i. */
export function lanesOf(byteEnables: number): number {
  return LANES[byteEnables & 15];
}

/** `value` in hexadecimal, padded to `digits`, without a prefix. */
export function hex(value: number, digits = 0): string {
  return (value < 0 ? value + 2 ** 32 : value).toString(16).padStart(digits, '0');
}
