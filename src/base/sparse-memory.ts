import { SliceCache } from './slice-cache.ts';

/**
 * Memory as the model's software and devices see it: bytes at physical addresses, little-endian. Addresses
 * are safe integers below 2^52.
 */
export interface PhysicalMemory {
  /** Unsigned. */
  read8(address: number): number;
  /** Unsigned; any alignment within one 64 KiB chunk. */
  read32(address: number): number;
  /**
   * As a safe integer below 2^52: the upper twelve bits are dropped. See {@link PhysicalMemory.read32} for
   * all bits.
   */
  read52(address: number): number;
  /** Writes the lowest 8 bits of `value`. */
  write8(address: number, value: number): void;
  /** Writes the lowest 32 bits of `value`; any alignment within one 64 KiB chunk. */
  write32(address: number, value: number): void;
  /** Writes two double words, `low` at the address; any alignment of each within one 64 KiB chunk. */
  write64(address: number, low: number, high: number): void;
  /** Copies `bytes` at `address` into `target` from `offset` on. */
  copyOut(address: number, bytes: number, target: Uint8Array, offset: number): void;
  /** Copies `bytes` of `source` from `offset` on to `address`. */
  copyIn(address: number, bytes: number, source: Uint8Array, offset: number): void;
}

/** log2 of the bytes that are allocated at first touch. */
const CHUNK_SHIFT = 16;
const CHUNK_BYTES = 1 << CHUNK_SHIFT;
const CHUNK_SCALE = 1 / CHUNK_BYTES;

/** From here on a native copy beats a loop. Measured: 35 ns against 39 at 192 bytes, 59 against 269 at 1,514. */
const LARGE = 192;

/** From here on words are copied in pairs: four of them. */
const PAIRED = 32;

/** Below this address chunks are found by index, above it in a map. 64 GiB: a million four-byte entries. */
const DIRECT_LIMIT = 2 ** 36;
const DIRECT_CHUNKS = DIRECT_LIMIT / CHUNK_BYTES;

/**
 * One buffer, seen as bytes, as words of 32 bits and as pairs of those: on-die memory of a device, which payload comes
 * from and goes to. The views begin at the same byte.
 */
export interface WordStore {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly i64: BigInt64Array;
}

/** `buffer` seen in each way; what does not fill a word or a pair at its end is seen as bytes alone. */
export function wordStore(buffer: ArrayBufferLike): WordStore {
  const { byteLength } = buffer;
  return {
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer, 0, byteLength >> 2),
    i64: new BigInt64Array(buffer, 0, byteLength >> 3),
  };
}

/**
 * What is allocated at first touch.
 * @internal
 */
export class Chunk implements WordStore {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly i64: BigInt64Array;
  /** Parts of it, once a large piece has been copied out. */
  slices: SliceCache | null = null;

  constructor() {
    const buffer = new ArrayBuffer(CHUNK_BYTES);
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
  }
}

/**
 * Copies words between two buffers, four in each turn; the last four may have been copied in part already.
 * `| 0` says that a sum does not overflow, which V8 would check each time: 15 words take 27 ns instead of 38.
 */
const copyWords = (target: Int32Array, to: number, source: Int32Array, from: number, words: number): void => {
  let at = from | 0;
  let into = to | 0;
  const end = (from + words) | 0;
  if (words < 4) {
    for (; at < end; at = (at + 1) | 0) {
      target[into] = source[at];
      into = (into + 1) | 0;
    }
    return;
  }
  const last = (end - 4) | 0;
  for (;;) {
    target[into] = source[at];
    target[(into + 1) | 0] = source[(at + 1) | 0];
    target[(into + 2) | 0] = source[(at + 2) | 0];
    target[(into + 3) | 0] = source[(at + 3) | 0];
    const left = (last - at) | 0;
    if (left === 0) return;
    const step = left < 4 ? left : 4;
    at = (at + step) | 0;
    into = (into + step) | 0;
  }
};

/**
 * The same for pairs of words, four at least. V8 makes one load and one store of each and no bigint: a frame of 64 bytes
 * takes 109 machine instructions instead of 182. Written out twice, because one function for both kinds of array would be
 * compiled for any kind.
 */
const copyPairs = (
  target: BigInt64Array,
  to: number,
  source: BigInt64Array,
  from: number,
  pairs: number,
): void => {
  let at = from | 0;
  let into = to | 0;
  const last = (from + pairs - 4) | 0;
  for (;;) {
    target[into] = source[at];
    target[(into + 1) | 0] = source[(at + 1) | 0];
    target[(into + 2) | 0] = source[(at + 2) | 0];
    target[(into + 3) | 0] = source[(at + 3) | 0];
    const left = (last - at) | 0;
    if (left === 0) return;
    const step = left < 4 ? left : 4;
    at = (at + step) | 0;
    into = (into + step) | 0;
  }
};

/**
 * Sparse memory, allocated by chunks of 64 KiB at the first touch; untouched memory reads as zero.
 *
 * @example
 * const memory = new SparseMemory(2 ** 40);
 * memory.write32(0x12_3456_7000, 0xdeadbeef);
 * memory.read32(0x12_3456_7000).toString(16); // 'deadbeef'
 */
export class SparseMemory implements PhysicalMemory {
  /** First address behind the memory. */
  readonly limit: number;
  /** Place in `chunks` by number of the chunk; 0 for one that has not been touched. */
  private readonly index: Int32Array;
  private readonly far = new Map<number, number>();
  private readonly chunks: Chunk[] = [];
  /** Parts of each array that a large piece has been copied in from, and of the one that this was done from last. */
  private readonly sources = new WeakMap<Uint8Array, SliceCache>();
  private source = new SliceCache(new Uint8Array(0));

  /** @param limit bytes of address space, at most 2^52. */
  constructor(limit: number = 2 ** 52) {
    if (!(Number.isSafeInteger(limit) && limit > 0 && limit <= 2 ** 52)) {
      throw new RangeError(`limit must be an integer from 1 to 2^52, got ${limit}`);
    }
    this.limit = limit;
    this.index = new Int32Array(Math.ceil(Math.min(limit, DIRECT_LIMIT) * CHUNK_SCALE));
  }

  /** Bytes allocated so far. */
  get allocatedBytes(): number {
    return this.chunks.length * CHUNK_BYTES;
  }

  // Where an address lies is worked out in each of these, in the same two lines: the chunk's number by a
  // product with a power of two, and not `%`, which for numbers above 2^31 is a call into the C library. What
  // devices use most also finds the chunk by itself, so that no address is passed on.

  read8(address: number): number {
    const number = Math.floor(address * CHUNK_SCALE);
    return this.chunk(number, address).u8[(address - number * CHUNK_BYTES) | 0];
  }

  write8(address: number, value: number): void {
    const number = Math.floor(address * CHUNK_SCALE);
    this.chunk(number, address).u8[(address - number * CHUNK_BYTES) | 0] = value;
  }

  read32(address: number): number {
    const number = Math.floor(address * CHUNK_SCALE);
    const at = (address - number * CHUNK_BYTES) | 0;
    if ((at & 3) === 0) return this.chunk(number, address).i32[at >> 2] >>> 0;
    return (
      (this.read8(address) |
        (this.read8(address + 1) << 8) |
        (this.read8(address + 2) << 16) |
        (this.read8(address + 3) << 24)) >>>
      0
    );
  }

  read52(address: number): number {
    return this.read32(address) + (this.read32(address + 4) & 0xfffff) * 2 ** 32;
  }

  write32(address: number, value: number): void {
    const number = Math.floor(address * CHUNK_SCALE);
    const at = (address - number * CHUNK_BYTES) | 0;
    if ((at & 3) === 0) {
      this.chunk(number, address).i32[at >> 2] = value;
      return;
    }
    for (let i = 0; i < 4; i++) this.write8(address + i, value >>> (8 * i));
  }

  write64(address: number, low: number, high: number): void {
    this.write32(address, low);
    this.write32(address + 4, high);
  }

  copyOut(address: number, bytes: number, target: Uint8Array, offset: number): void {
    let at = address;
    let to = offset;
    let left = bytes;
    while (left > 0) {
      const number = Math.floor(at * CHUNK_SCALE);
      const start = (at - number * CHUNK_BYTES) | 0;
      const run = Math.min(left, CHUNK_BYTES - start);
      target.set(this.chunk(number, at).u8.subarray(start, start + run), to);
      at += run;
      to += run;
      left -= run;
    }
  }

  copyIn(address: number, bytes: number, source: Uint8Array, offset: number): void {
    let at = address;
    let from = offset;
    let left = bytes;
    while (left > 0) {
      const number = Math.floor(at * CHUNK_SCALE);
      const start = (at - number * CHUNK_BYTES) | 0;
      const run = Math.min(left, CHUNK_BYTES - start);
      this.chunk(number, at).u8.set(source.subarray(from, from + run), start);
      at += run;
      from += run;
      left -= run;
    }
  }

  /**
   * As {@link SparseMemory.copyOut} into a buffer that is seen as words too. Small copies go word by word where both
   * ends are aligned: for a frame of 64 bytes calling the native copy costs more than that. Large ones make no new
   * objects.
   */
  copyOutWords(address: number, bytes: number, store: WordStore, offset: number): void {
    const number = Math.floor(address * CHUNK_SCALE);
    const start = (address - number * CHUNK_BYTES) | 0;
    if (start + bytes > CHUNK_BYTES) {
      this.copyOut(address, bytes, store.u8, offset);
      return;
    }
    const place = number < DIRECT_CHUNKS ? this.index[number] : 0;
    const chunk = place > 0 ? this.chunks[place - 1] : this.chunk(number, address);
    if (bytes >= LARGE || ((start | offset) & 3) !== 0) {
      chunk.slices ??= new SliceCache(chunk.u8);
      store.u8.set(chunk.slices.slice(start, bytes), offset);
      return;
    }
    const words = bytes >> 2;
    if (bytes >= PAIRED && ((start | offset) & 7) === 0) {
      copyPairs(store.i64, offset >> 3, chunk.i64, start >> 3, bytes >> 3);
      if ((bytes & 4) !== 0) store.i32[(offset >> 2) + words - 1] = chunk.i32[(start >> 2) + words - 1];
    } else copyWords(store.i32, offset >> 2, chunk.i32, start >> 2, words);
    if ((bytes & 3) !== 0) {
      const tail = chunk.u8;
      const { u8 } = store;
      for (let at = words << 2; at < bytes; at++) u8[offset + at] = tail[start + at];
    }
  }

  /** As {@link SparseMemory.copyIn} from a buffer that is seen as words too. */
  copyInWords(address: number, bytes: number, store: WordStore, offset: number): void {
    const number = Math.floor(address * CHUNK_SCALE);
    const start = (address - number * CHUNK_BYTES) | 0;
    if (start + bytes > CHUNK_BYTES) {
      this.copyIn(address, bytes, store.u8, offset);
      return;
    }
    const place = number < DIRECT_CHUNKS ? this.index[number] : 0;
    const chunk = place > 0 ? this.chunks[place - 1] : this.chunk(number, address);
    if (bytes >= LARGE || ((start | offset) & 3) !== 0) {
      if (this.source.bytes !== store.u8) this.useSource(store.u8);
      chunk.u8.set(this.source.slice(offset, bytes), start);
      return;
    }
    const words = bytes >> 2;
    if (bytes >= PAIRED && ((start | offset) & 7) === 0) {
      copyPairs(chunk.i64, start >> 3, store.i64, offset >> 3, bytes >> 3);
      if ((bytes & 4) !== 0) chunk.i32[(start >> 2) + words - 1] = store.i32[(offset >> 2) + words - 1];
    } else copyWords(chunk.i32, start >> 2, store.i32, offset >> 2, words);
    if ((bytes & 3) !== 0) {
      const tail = chunk.u8;
      const { u8 } = store;
      for (let at = words << 2; at < bytes; at++) tail[start + at] = u8[offset + at];
    }
  }

  /** The chunk that holds `address`, as words: for software that keeps a mapping of its own memory. */
  wordsAt(address: number): Int32Array {
    return this.chunk(Math.floor(address * CHUNK_SCALE), address).i32;
  }

  /** A chunk by its number, allocated if `address`, which is in it, is the first touch. */
  private chunk(number: number, address: number): Chunk {
    if (number < DIRECT_CHUNKS) {
      const place = this.index[number];
      // Outside it is undefined, and refused there.
      return place > 0 ? this.chunks[place - 1] : this.allocate(number, address);
    }
    const place = this.far.get(number);
    return place === undefined ? this.allocate(number, address) : this.chunks[place - 1];
  }

  private allocate(number: number, address: number): Chunk {
    if (!(address >= 0 && address < this.limit)) {
      throw new RangeError(`address must be from 0 to ${this.limit - 1}, got ${address}`);
    }
    const chunk = new Chunk();
    const place = this.chunks.push(chunk);
    if (number < DIRECT_CHUNKS) this.index[number] = place;
    else this.far.set(number, place);
    return chunk;
  }

  private useSource(u8: Uint8Array): void {
    const known = this.sources.get(u8);
    this.source = known ?? new SliceCache(u8);
    if (known === undefined) this.sources.set(u8, this.source);
  }
}

/** Byte offset of `address` within its chunk; see {@link SparseMemory.wordsAt}. */
export function offsetInChunk(address: number): number {
  return (address - Math.floor(address * CHUNK_SCALE) * CHUNK_BYTES) | 0;
}
