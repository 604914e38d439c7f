import { alignUp, SparseMemory } from '../base/index.ts';

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
 * The host's memory: DRAM below 2 GiB and from 4 GiB on, windows for BARs between and above, and an allocator
 * that hands out pages from the bottom up, and larger pieces from 4 GiB up as long as there are any, else
 * from 2 GiB down.
 */
export class HostMemory {
  readonly memory: SparseMemory;
  readonly memoryBytes: number;
  private readonly lowTop: number;
  private readonly highTop: number;
  /**
   * What is free: low memory between these two, high memory from the third on, and what is left of a huge
   * page that was cut.
   */
  private nextPage = FIRST_FREE;
  private lowEnd: number;
  private nextHigh = FOUR_GIB;
  private readonly cut: number[] = [];

  constructor(options: MemoryMapOptions) {
    this.memoryBytes = options.memoryBytes;
    this.lowTop = Math.min(options.memoryBytes, LOW_MEMORY_TOP);
    this.lowEnd = Math.floor(this.lowTop / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
    this.highTop = FOUR_GIB + options.memoryBytes - this.lowTop;
    this.memory = new SparseMemory(this.highTop);
  }

  /** Whether memory stands behind `bytes` bytes at `address`. */
  readonly isMemory = (address: number, bytes: number): boolean => {
    const end = address + bytes;
    return end <= this.lowTop ? address >= 0 : address >= FOUR_GIB && end <= this.highTop;
  };

  /**
   * Address of a free page of 4 KiB, or with `huge` of 2 MiB.
   *
   * @throws RangeError when the host has none left.
   */
  readonly allocatePage = (huge = false): number => {
    if (huge) return this.allocateRange(HUGE_PAGE_BYTES);
    if (this.nextPage + PAGE_BYTES <= this.lowEnd) {
      const page = this.nextPage;
      this.nextPage += PAGE_BYTES;
      return page;
    }
    // Low memory is used up: cut huge pages.
    if (this.cut.length === 0) {
      const page = this.allocateRange(HUGE_PAGE_BYTES);
      for (let at = HUGE_PAGE_BYTES - PAGE_BYTES; at >= 0; at -= PAGE_BYTES) this.cut.push(page + at);
    }
    return this.cut.pop() as number;
  };

  /**
   * Address of `bytes` bytes in one piece, on a multiple of 2 MiB.
   *
   * @throws RangeError when the host has no such piece left.
   */
  allocateRange(bytes: number): number {
    const size = alignUp(bytes, HUGE_PAGE_BYTES);
    if (this.nextHigh + size <= this.highTop) {
      const address = this.nextHigh;
      this.nextHigh += size;
      return address;
    }
    if (this.lowEnd - size >= this.nextPage) {
      this.lowEnd -= size;
      return this.lowEnd;
    }
    throw new RangeError(`the host's ${this.memoryBytes / 2 ** 30} GiB of memory have no ${size} bytes left`);
  }
}
