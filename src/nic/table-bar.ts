import type { BarTarget } from '../pcie/index.ts';
import type { CardInterrupts } from './interrupts.ts';

/** Where the pending bits are in the BAR of the MSI-X table, as the functions' capabilities say. */
const PENDING_BITS = 0x2000;

/** The BAR that holds the MSI-X table and the pending bits of function `fn` of the interrupt block. */
export function tableBar(interrupts: CardInterrupts, fn: number, vectors: number): BarTarget {
  return {
    read32: (offset) => {
      if (offset < 16 * vectors) return interrupts.readTable(fn, offset);
      const word = (offset - PENDING_BITS) >> 2;
      return word >= 0 && 32 * word < vectors ? interrupts.readPending(fn, word) : 0;
    },
    write32: (offset, value) => {
      if (offset < 16 * vectors) interrupts.writeTable(fn, offset, value);
    },
  };
}
