/**
 * Memory as the model's software and devices see it: bytes at physical addresses, little-endian. Addresses are
 * safe integers below 2^52.
 */
export interface PhysicalMemory {
  read8(address: number): number;
  /** Unsigned; any alignment within one 64 KiB chunk. */
  read32(address: number): number;
  /** As a safe integer below 2^52: the upper twelve bits are dropped. See {@link PhysicalMemory.read32} for all bits. */
  read52(address: number): number;
  write8(address: number, value: number): void;
  write32(address: number, value: number): void;
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

/** From here on a `subarray` and a native copy beat a loop: measured at 1,514 bytes, 200 against 1,000 ns. */
const LARGE = 192;

/** Below this address chunks are found by index, above it in a map. 64 GiB: a million four-byte entries. */
const DIRECT_LIMIT = 2 ** 36;

/** Byte offset within a chunk. Not `%`, which for numbers above 2^31 is a call into the C library. */
function within(address: number): number {
  return (address - Math.floor(address * CHUNK_SCALE) * CHUNK_BYTES) | 0;
}

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
  private readonly index: Int32Array;
  private readonly far = new Map<number, number>();
  private readonly u8: Uint8Array[] = [];
  private readonly i32: Int32Array[] = [];

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
    return this.u8.length * CHUNK_BYTES;
  }

  read8(address: number): number {
    return this.u8[this.chunk(address)][within(address)];
  }

  write8(address: number, value: number): void {
    this.u8[this.chunk(address)][within(address)] = value;
  }

  read32(address: number): number {
    const chunk = this.chunk(address);
    const at = within(address);
    if ((at & 3) === 0) return this.i32[chunk][at >> 2] >>> 0;
    const u8 = this.u8[chunk];
    if (at > CHUNK_BYTES - 4) {
      return (
        (this.read8(address) |
          (this.read8(address + 1) << 8) |
          (this.read8(address + 2) << 16) |
          (this.read8(address + 3) << 24)) >>>
        0
      );
    }
    return (u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >>> 0;
  }

  read52(address: number): number {
    return this.read32(address) + (this.read32(address + 4) & 0xfffff) * 2 ** 32;
  }

  write32(address: number, value: number): void {
    const at = within(address);
    if ((at & 3) === 0) {
      this.i32[this.chunk(address)][at >> 2] = value;
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
      const start = within(at);
      const run = Math.min(left, CHUNK_BYTES - start);
      target.set(this.u8[this.chunk(at)].subarray(start, start + run), to);
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
      const start = within(at);
      const run = Math.min(left, CHUNK_BYTES - start);
      this.u8[this.chunk(at)].set(source.subarray(from, from + run), start);
      at += run;
      from += run;
      left -= run;
    }
  }

  /**
   * As {@link SparseMemory.copyOut} into a buffer that is seen as bytes and as words. Small copies go word by
   * word where both ends are aligned: a `subarray` is a new object, and for a frame of 64 bytes making it costs more than the copy.
   */
  copyOutWords(address: number, bytes: number, u8: Uint8Array, i32: Int32Array, offset: number): void {
    const start = within(address);
    if (bytes >= LARGE || ((start | offset) & 3) !== 0 || start + bytes > CHUNK_BYTES) {
      this.copyOut(address, bytes, u8, offset);
      return;
    }
    const chunk = this.chunk(address);
    const source = this.i32[chunk];
    const words = bytes >> 2;
    const from = start >> 2;
    const to = offset >> 2;
    let i = 0;
    for (; i + 3 < words; i += 4) {
      i32[to + i] = source[from + i];
      i32[to + i + 1] = source[from + i + 1];
      i32[to + i + 2] = source[from + i + 2];
      i32[to + i + 3] = source[from + i + 3];
    }
    for (; i < words; i++) i32[to + i] = source[from + i];
    if ((bytes & 3) !== 0) {
      const tail = this.u8[chunk];
      for (let at = words << 2; at < bytes; at++) u8[offset + at] = tail[start + at];
    }
  }

  /** As {@link SparseMemory.copyIn} from a buffer that is seen as bytes and as words. */
  copyInWords(address: number, bytes: number, u8: Uint8Array, i32: Int32Array, offset: number): void {
    const start = within(address);
    if (bytes >= LARGE || ((start | offset) & 3) !== 0 || start + bytes > CHUNK_BYTES) {
      this.copyIn(address, bytes, u8, offset);
      return;
    }
    const chunk = this.chunk(address);
    const target = this.i32[chunk];
    const words = bytes >> 2;
    const to = start >> 2;
    const from = offset >> 2;
    let i = 0;
    for (; i + 3 < words; i += 4) {
      target[to + i] = i32[from + i];
      target[to + i + 1] = i32[from + i + 1];
      target[to + i + 2] = i32[from + i + 2];
      target[to + i + 3] = i32[from + i + 3];
    }
    for (; i < words; i++) target[to + i] = i32[from + i];
    if ((bytes & 3) !== 0) {
      const tail = this.u8[chunk];
      for (let at = words << 2; at < bytes; at++) tail[start + at] = u8[offset + at];
    }
  }

  /** The chunk that holds `address`, as words: for software that keeps a mapping of its own memory. */
  wordsAt(address: number): Int32Array {
    return this.i32[this.chunk(address)];
  }

  /** Number of the chunk that holds `address`, allocated if this is the first touch. */
  private chunk(address: number): number {
    if (address < DIRECT_LIMIT) {
      const number = (address * CHUNK_SCALE) | 0;
      const chunk = this.index[number];
      return chunk > 0 ? chunk - 1 : this.allocate(address, number); // outside: undefined, refused there
    }
    const number = Math.floor(address * CHUNK_SCALE);
    return this.far.get(number) ?? this.allocate(address, number);
  }

  private allocate(address: number, number: number): number {
    if (!(address >= 0 && address < this.limit)) {
      throw new RangeError(`address must be from 0 to ${this.limit - 1}, got ${address}`);
    }
    const buffer = new ArrayBuffer(CHUNK_BYTES);
    const chunk = this.u8.push(new Uint8Array(buffer)) - 1;
    this.i32.push(new Int32Array(buffer));
    if (address < DIRECT_LIMIT) this.index[number] = chunk + 1;
    else this.far.set(number, chunk);
    return chunk;
  }
}

/** Byte offset of `address` within its chunk; see {@link SparseMemory.wordsAt}. */
export function offsetInChunk(address: number): number {
  return within(address);
}
