import { checkInteger, checkPowerOfTwo } from '../base/index.ts';

/** Words of a ring: how many entries were ever put in, modulo 2^32; */
export const RING_TAIL = 0;
/** the tail at which it is full; */
export const RING_LIMIT = 1;
/** the entries, behind a cache line that they do not share. */
export const RING_ITEMS = 16;

/**
 * A bounded ring of 32-bit words for each port, all in one array: the data path finds any of them without following
 * an object.
 *
 * Tail and limit count without wrapping to the ring's size (they wrap at 2^32), so all entries can be used: full is
 * tail = limit, empty is tail = limit - capacity.
 */
export class PortRings {
  readonly ports: number;
  /** Entries of each ring. */
  readonly capacity: number;
  /** Words from one ring to the next. */
  readonly stride: number;
  /** Ring p begins at `p * stride`; see {@link RING_TAIL}, {@link RING_LIMIT}, {@link RING_ITEMS}. */
  readonly words: Int32Array;

  /** @param capacity entries a ring; a power of two. */
  constructor(ports: number, capacity: number) {
    this.ports = checkInteger('ports', ports, 1, 1 << 16);
    this.capacity = checkPowerOfTwo('capacity', capacity, 1, 1 << 16);
    this.stride = RING_ITEMS + ((capacity + 15) & ~15);
    this.words = new Int32Array(ports * this.stride);
    this.clear();
  }

  /** Empties all rings. */
  clear(): void {
    for (let port = 0; port < this.ports; port++) {
      this.words[port * this.stride + RING_TAIL] = 0;
      this.words[port * this.stride + RING_LIMIT] = this.capacity;
    }
  }

  /** Entries in the ring of `port`. */
  length(port: number): number {
    return this.capacity - this.room(port);
  }

  /** Entries that can still be put into the ring of `port`. */
  room(port: number): number {
    const ring = Math.imul(port, this.stride);
    return (this.words[ring + RING_LIMIT] - this.words[ring + RING_TAIL]) | 0;
  }

  /** Appends `entry` to the ring of `port`; false, and nothing done, when it is full. */
  push(port: number, entry: number): boolean {
    const { words } = this;
    const ring = Math.imul(port, this.stride);
    const tail = words[ring + RING_TAIL];
    if (tail === words[ring + RING_LIMIT]) return false;
    words[ring + RING_ITEMS + (tail & (this.capacity - 1))] = entry;
    words[ring + RING_TAIL] = (tail + 1) | 0;
    return true;
  }

  /** Takes the oldest entry of the ring of `port`, -1 when it is empty. */
  shift(port: number): number {
    const { words } = this;
    const ring = Math.imul(port, this.stride);
    const head = (words[ring + RING_LIMIT] - this.capacity) | 0;
    if (head === words[ring + RING_TAIL]) return -1;
    words[ring + RING_LIMIT] = (words[ring + RING_LIMIT] + 1) | 0;
    return words[ring + RING_ITEMS + (head & (this.capacity - 1))];
  }

  /** Appends `source[from]` to `source[from + count - 1]`, as many as there is room for, and returns how many. */
  pushBurst(port: number, source: Int32Array, from: number, count: number): number {
    const { words } = this;
    const mask = this.capacity - 1;
    const ring = Math.imul(port, this.stride);
    const items = ring + RING_ITEMS;
    const tail = words[ring + RING_TAIL];
    const taken = Math.min(count, (words[ring + RING_LIMIT] - tail) | 0);
    for (let i = 0; i < taken; i++) words[items + ((tail + i) & mask)] = source[from + i];
    words[ring + RING_TAIL] = (tail + taken) | 0;
    return taken;
  }

  /** Takes up to `max` of the oldest entries into `target`, from its beginning, and returns how many. */
  shiftBurst(port: number, target: Int32Array, max: number = target.length): number {
    const { words, capacity } = this;
    const mask = capacity - 1;
    const ring = Math.imul(port, this.stride);
    const items = ring + RING_ITEMS;
    const head = (words[ring + RING_LIMIT] - capacity) | 0;
    const given = Math.min(max, (words[ring + RING_TAIL] - head) | 0);
    for (let i = 0; i < given; i++) target[i] = words[items + ((head + i) & mask)];
    words[ring + RING_LIMIT] = (words[ring + RING_LIMIT] + given) | 0;
    return given;
  }
}
