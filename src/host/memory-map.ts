import { SparseMemory } from '../base/index.ts';

/** Where things lie in the host's physical address space. */
export interface MemoryMapOptions {
  /** Bytes of memory. */
  readonly memoryBytes: number;
}

/** Memory below the 32-bit hole ends here at the latest. */
const LOW_MEMORY_TOP = 0x8000_0000;
const FOUR_GIB = 2 ** 32;
/** The first mebibyte is left alone, as on a PC. */
const FIRST_FREE = 0x10_0000;
const PAGE_BYTES = 4096;
const HUGE_PAGE_BYTES = 2 ** 21;

/** Window for 32-bit BARs: from 2 GiB to the range of interrupt messages. */
export const MMIO_LOW = { base: 0x8000_0000, bytes: 0x7ee0_0000 } as const;
/** Window for 64-bit BARs: 1 TiB from 32 TiB on. */
export const MMIO_HIGH = { base: 0x2000_0000_0000, bytes: 0x100_0000_0000 } as const;

/**
 * The host's memory: DRAM below 2 GiB and from 4 GiB on, windows for BARs between and above, and an allocator that hands
 * out pages in order of address.
 */
export class HostMemory {
  readonly memory: SparseMemory;
  readonly memoryBytes: number;
  readonly #lowTop: number;
  readonly #highTop: number;
  #nextPage: number;
  #nextHuge: number;

  constructor(options: MemoryMapOptions) {
    this.memoryBytes = options.memoryBytes;
    this.#lowTop = Math.min(options.memoryBytes, LOW_MEMORY_TOP);
    this.#highTop = FOUR_GIB + options.memoryBytes - this.#lowTop;
    this.memory = new SparseMemory(this.#highTop);
    this.#nextPage = FIRST_FREE;
    // Huge pages from 4 GiB on where there is memory, else from the middle of what there is.
    this.#nextHuge =
      this.#highTop > FOUR_GIB ? FOUR_GIB : Math.ceil(this.#lowTop / 2 / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
  }

  /** Whether memory stands behind `bytes` bytes at `address`. */
  readonly isMemory = (address: number, bytes: number): boolean => {
    const end = address + bytes;
    return end <= this.#lowTop ? address >= 0 : address >= FOUR_GIB && end <= this.#highTop;
  };

  /**
   * Address of a free page of 4 KiB, or with `huge` of 2 MiB.
   *
   * @throws RangeError when the host has none left.
   */
  readonly allocatePage = (huge = false): number => {
    if (huge) {
      const page = this.#nextHuge;
      const top = page >= FOUR_GIB ? this.#highTop : this.#lowTop;
      if (page + HUGE_PAGE_BYTES > top) throw outOfMemory(this.memoryBytes);
      this.#nextHuge += HUGE_PAGE_BYTES;
      return page;
    }
    const low = Math.min(this.#lowTop, this.#nextHuge);
    if (this.#nextPage + PAGE_BYTES <= low) {
      const page = this.#nextPage;
      this.#nextPage += PAGE_BYTES;
      return page;
    }
    // Low memory is used up: cut huge pages.
    if (this.#cut.length === 0) {
      const huge2 = this.allocatePage(true);
      for (let at = HUGE_PAGE_BYTES - PAGE_BYTES; at >= 0; at -= PAGE_BYTES) this.#cut.push(huge2 + at);
    }
    return this.#cut.pop() as number;
  };

  readonly #cut: number[] = [];
}

function outOfMemory(bytes: number): RangeError {
  return new RangeError(`the host's ${bytes / 2 ** 30} GiB of memory are used up`);
}
