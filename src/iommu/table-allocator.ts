import { checkInteger, type PhysicalMemory } from '../base/index.ts';
import { PAGE_BYTES } from './page-size.ts';

const ZEROS = new Uint8Array(PAGE_BYTES);

/** Takes pages for tables from their owner and clears them. */
export class TableAllocator {
  private readonly memory: PhysicalMemory;
  private readonly allocatePage: () => number;

  constructor(memory: PhysicalMemory, allocatePage: () => number) {
    if (typeof allocatePage !== 'function') {
      throw new TypeError(`allocatePage must be a function, got ${String(allocatePage)}`);
    }
    this.memory = memory;
    this.allocatePage = allocatePage;
  }

  /**
   * Host physical address of a page full of zeros.
   *
   * @throws RangeError if what the owner gave is no page.
   */
  allocate(): number {
    const page = checkInteger('the page from allocatePage', this.allocatePage(), 0, 2 ** 52 - PAGE_BYTES);
    if (page % PAGE_BYTES !== 0) {
      throw new RangeError(`the page from allocatePage must be a multiple of 4096, got ${page}`);
    }
    this.memory.copyIn(page, PAGE_BYTES, ZEROS, 0);
    return page;
  }
}
