/**
 * Sets of ports as rows of bits in an Int32Array: port p is bit `p & 31` of word `row + (p >>> 5)`. Shift counts are
 * taken modulo 32 by the language, so the `& 31` need not be written.
 */

/** Words of a row that holds `ports` ports. */
export function rowWords(ports: number): number {
  return (ports + 31) >>> 5;
}

/** True if `port` is in the set at `row`. */
export function hasBit(words: Int32Array, row: number, port: number): boolean {
  return ((words[row + (port >>> 5)] >>> port) & 1) !== 0;
}

/** Puts `port` into the set at `row`, or takes it out. */
export function writeBit(words: Int32Array, row: number, port: number, member: boolean): void {
  const at = row + (port >>> 5);
  if (member) words[at] |= 1 << port;
  else words[at] &= ~(1 << port);
}

/** The lowest member of the set at `row`, or -1. */
export function firstBit(words: Int32Array, row: number, rowLength: number): number {
  for (let w = 0; w < rowLength; w++) {
    const word = words[row + w];
    if (word !== 0) return (w << 5) + lowestBit(word);
  }
  return -1;
}

/** Members of the set at `row`. */
export function countBits(words: Int32Array, row: number, rowLength: number): number {
  let count = 0;
  for (let w = 0; w < rowLength; w++) {
    for (let word = words[row + w]; word !== 0; word &= word - 1) count++;
  }
  return count;
}

/** Number of the lowest set bit of `word`, which is not 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
