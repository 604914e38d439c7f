import { hasBit, writeBit } from './bitmap.ts';

/** Entries of a {@link HashFilter}. */
export const HASH_ENTRIES = 4096;

/** How far the last 16 bits of the address are shifted, by the two bits of MCSTCTRL.MO. */
const SHIFTS = [4, 3, 2, 0];

/**
 * An imperfect filter: a table of 4,096 bits, indexed by 12 bits of the address (82599: MTA for group
 * addresses, PFUTA for single ones). Addresses that share the 12 bits share the entry.
 */
export class HashFilter {
  private readonly bits = new Int32Array(HASH_ENTRIES >> 5);

  set(index: number, on: boolean): void {
    writeBit(this.bits, 0, index, on);
  }

  get(index: number): boolean {
    return hasBit(this.bits, 0, index);
  }

  clear(): void {
    this.bits.fill(0);
  }
}

/**
 * Entry of an address.
 *
 * @param high its last two bytes, the last one in the upper half (82599: RAH, bits 15:0).
 * @param offset which 12 bits are taken: MCSTCTRL.MO, 0 to 3.
 */
export function hashIndex(high: number, offset: number): number {
  return (high >>> SHIFTS[offset]) & (HASH_ENTRIES - 1);
}
