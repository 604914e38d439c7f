/**
 * Page sizes, named by the level of the table that holds the leaf entry: level 1 maps 4 KiB, level 2 maps 2 MiB and
 * level 3 maps 1 GiB (VT-d 3.7, second-stage translation).
 */

/** Bytes of the smallest page, and of a table. */
export const PAGE_BYTES = 4096;
/** Bits of an address that the table of one level resolves. */
const LEVEL_BITS = 9;
/** Entries of a table, 8 bytes each. */
export const TABLE_ENTRIES = 1 << LEVEL_BITS;
/** The highest level whose entries can be leaves. */
export const MAX_LEAF_LEVEL = 3;
/** The highest level that this model walks. */
export const MAX_LEVELS = 4;

/** Bytes that one entry of a table covers, by the table's level; index 0 is unused. */
export const LEVEL_BYTES: readonly number[] = [0, 2 ** 12, 2 ** 21, 2 ** 30, 2 ** 39];
/** Their reciprocals: multiplying by a power of two is exact, and cheaper than dividing. */
const PER_LEVEL_BYTES: readonly number[] = [0, 2 ** -12, 2 ** -21, 2 ** -30, 2 ** -39];

/** Bits of the addresses that so many levels of tables translate: 39 for 3, 48 for 4. */
export function addressBitsOf(levels: number): number {
  return 12 + LEVEL_BITS * levels;
}

/** Number of the page that holds `address`, counted in units of what one entry at `level` covers. */
export function pageNumber(address: number, level: number): number {
  return Math.floor(address * PER_LEVEL_BYTES[level]);
}

/** `address` rounded down to a multiple of what one entry at `level` covers. */
export function pageBase(address: number, level: number): number {
  return pageNumber(address, level) * LEVEL_BYTES[level];
}

/** Byte offset, within the table at `level`, of the entry that leads to `address`. */
export function entryOffset(address: number, level: number): number {
  // The bit operators take the page number modulo 2^32, which leaves the nine bits that count.
  return (pageNumber(address, level) & (TABLE_ENTRIES - 1)) << 3;
}
