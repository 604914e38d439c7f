import { alignUp, offsetInChunk, type SparseMemory } from '../base/index.ts';

const PAGE_BYTES = 4096;
const PAGE_WORDS = PAGE_BYTES / 4;

/**
 * A piece of memory that a driver and its device share, as the driver has it mapped. `address` is what the
 * driver gives the device: guest physical in a guest, physical on the host.
 */
export class DmaRegion {
  readonly address: number;
  readonly bytes: number;
  // For each page the words of the chunk that holds it, and where in them it begins.
  private readonly words: Int32Array[] = [];
  private readonly base: Int32Array;
  private readonly physical: Float64Array;

  constructor(memory: SparseMemory, address: number, bytes: number, physicalOf: (address: number) => number) {
    this.address = address;
    this.bytes = bytes;
    const pages = Math.ceil(bytes / PAGE_BYTES);
    this.base = new Int32Array(pages);
    this.physical = new Float64Array(pages);
    for (let page = 0; page < pages; page++) {
      const physical = physicalOf(address + page * PAGE_BYTES);
      this.physical[page] = physical;
      this.words.push(memory.wordsAt(physical));
      this.base[page] = offsetInChunk(physical) >> 2;
    }
  }

  /** The double word with index `word`, signed. */
  read(word: number): number {
    return this.words[word >> 10][this.base[word >> 10] + (word & (PAGE_WORDS - 1))];
  }

  /** Sets the double word with index `word`. */
  write(word: number, value: number): void {
    this.words[word >> 10][this.base[word >> 10] + (word & (PAGE_WORDS - 1))] = value;
  }

  /**
   * The words that hold the page of `word`: with {@link DmaRegion.indexOf}, for reading several words of one
   * page.
   */
  wordsOf(word: number): Int32Array {
    return this.words[word >> 10];
  }

  /** Where in {@link DmaRegion.wordsOf} the double word is. */
  indexOf(word: number): number {
    return this.base[word >> 10] + (word & (PAGE_WORDS - 1));
  }

  /** Physical address of the byte at `offset`. */
  physicalOf(offset: number): number {
    const page = Math.floor(offset / PAGE_BYTES);
    return this.physical[page] + (offset - page * PAGE_BYTES);
  }

  /** Number of the physical page, its address divided by 4,096, in which the byte at `offset` is. */
  pageOf(offset: number): number {
    return this.physicalOf(offset - (offset % PAGE_BYTES)) / PAGE_BYTES;
  }

  /** Copies bytes in. `offset` is a multiple of four. */
  writeBytes(offset: number, source: Uint8Array, from: number, bytes: number): void {
    for (let at = 0; at < bytes; at += 4) {
      const left = Math.min(4, bytes - at);
      let word = 0;
      for (let i = 0; i < left; i++) word |= source[from + at + i] << (8 * i);
      this.write((offset + at) >> 2, word);
    }
  }

  /** Copies bytes out. `offset` is a multiple of four. */
  readBytes(offset: number, target: Uint8Array, to: number, bytes: number): void {
    for (let at = 0; at < bytes; at++) {
      target[to + at] = this.read((offset + at) >> 2) >>> (8 * (at & 3));
    }
  }
}

/** Memory of one owner, a guest or the host, from which DMA regions are taken in order of address. */
export class AddressSpace {
  /** First address behind the space. */
  readonly end: number;
  private readonly memory: SparseMemory;
  private readonly physicalPages: (address: number) => number;
  private readonly first: number;
  private next: number;

  /**
   * @param firstFree first address that is handed out.
   * @param end first address behind the space.
   * @param physicalOf where a page of this space lies.
   */
  constructor(memory: SparseMemory, firstFree: number, end: number, physicalOf: (address: number) => number) {
    this.end = end;
    this.memory = memory;
    this.first = this.next = firstFree;
    this.physicalPages = physicalOf;
  }

  /**
   * A region of whole pages.
   *
   * @throws RangeError when the space has no room left.
   */
  allocate(bytes: number): DmaRegion {
    const address = this.next;
    const size = alignUp(bytes, PAGE_BYTES);
    if (address + size > this.end) {
      throw new RangeError(`no room for ${bytes} bytes: ${this.end - address} are left`);
    }
    this.next = address + size;
    return new DmaRegion(this.memory, address, bytes, this.physicalPages);
  }

  /** Takes all regions back: their owners are gone. */
  release(): void {
    this.next = this.first;
  }
}
