import { checkInteger, checkPowerOfTwo, log2Exact } from '../base/index.ts';

/** Words of a ring's control: how many entries were ever put in, modulo 2^32; */
export const RING_TAIL = 0;
/** and the tail at which it is full. */
export const RING_LIMIT = 1;

/** Where the controls of rings are: that of port p at `words[(p << shift) + offset]`. */
export interface RingControl {
  readonly words: Int32Array;
  readonly shift: number;
  readonly offset: number;
}

/**
 * A bounded ring of 32-bit words for each port, all in one array: the data path finds any of them without following
 * an object, and has their controls where it needs other words of the port as well.
 *
 * Tail and limit count without wrapping to the ring's size (they wrap at 2^32), so all entries can be used: full is
 * tail = limit, empty is tail = limit - capacity.
 */
export class PortRings {
  declare readonly ports: number;
  /** Entries of each ring. */
  declare readonly capacity: number;
  /** @internal Entry number n of port p is `items[(p << itemShift) + (n & (capacity - 1))]`. */
  declare readonly items: Int32Array;
  /** @internal */
  declare readonly itemShift: number;
  /** @internal */
  declare readonly control: Int32Array;
  /** @internal */
  declare readonly controlShift: number;
  /** @internal */
  declare readonly controlOffset: number;

  /** @param capacity entries a ring; a power of two. */
  constructor(ports: number, capacity: number, control: RingControl) {
    this.ports = checkInteger('ports', ports, 1, 1 << 16);
    this.capacity = checkPowerOfTwo('ringEntries', capacity, 1, 1 << 16);
    this.itemShift = log2Exact(capacity);
    this.items = new Int32Array(ports * capacity);
    this.control = control.words;
    this.controlShift = control.shift;
    this.controlOffset = control.offset;
    this.clear();
  }

  /** Empties all rings. */
  clear(): void {
    for (let port = 0; port < this.ports; port++) {
      const at = this.#controlOf(port);
      this.control[at + RING_TAIL] = 0;
      this.control[at + RING_LIMIT] = this.capacity;
    }
  }

  /** Entries in the ring of `port`. */
  length(port: number): number {
    return this.capacity - this.room(port);
  }

  /** Entries that can still be put into the ring of `port`. */
  room(port: number): number {
    const at = this.#controlOf(port);
    return (this.control[at + RING_LIMIT] - this.control[at + RING_TAIL]) | 0;
  }

  /** Appends `entry` to the ring of `port`; false, and nothing done, when it is full. */
  push(port: number, entry: number): boolean {
    const { control } = this;
    const at = this.#controlOf(port);
    const tail = control[at + RING_TAIL];
    if (tail === control[at + RING_LIMIT]) return false;
    this.items[(port << this.itemShift) + (tail & (this.capacity - 1))] = entry;
    control[at + RING_TAIL] = (tail + 1) | 0;
    return true;
  }

  /** Takes the oldest entry of the ring of `port`, -1 when it is empty. */
  shift(port: number): number {
    const { control } = this;
    const at = this.#controlOf(port);
    const limit = control[at + RING_LIMIT];
    const head = (limit - this.capacity) | 0;
    if (head === control[at + RING_TAIL]) return -1;
    control[at + RING_LIMIT] = (limit + 1) | 0;
    return this.items[(port << this.itemShift) + (head & (this.capacity - 1))];
  }

  /** Appends `source[from]` to `source[from + count - 1]`, as many as there is room for, and returns how many. */
  pushBurst(port: number, source: Int32Array, from: number, count: number): number {
    const { items, control } = this;
    const at = this.#controlOf(port);
    const mask = this.capacity - 1;
    const first = port << this.itemShift;
    const tail = control[at + RING_TAIL];
    const taken = Math.min(count, (control[at + RING_LIMIT] - tail) | 0);
    for (let i = 0; i < taken; i++) items[first | ((tail + i) & mask)] = source[(from + i) | 0];
    control[at + RING_TAIL] = (tail + taken) | 0;
    return taken;
  }

  /** Takes up to `max` of the oldest entries into `target`, from its beginning, and returns how many. */
  shiftBurst(port: number, target: Int32Array, max: number = target.length): number {
    const { items, control, capacity } = this;
    const at = this.#controlOf(port);
    const mask = capacity - 1;
    const first = port << this.itemShift;
    const limit = control[at + RING_LIMIT];
    const head = (limit - capacity) | 0;
    const given = Math.min(max, (control[at + RING_TAIL] - head) | 0);
    for (let i = 0; i < given; i++) target[i] = items[first | ((head + i) & mask)];
    control[at + RING_LIMIT] = (limit + given) | 0;
    return given;
  }

  /** @internal Index of the oldest entry of `port` in `items`; the others follow, up to the end of its words. */
  indexOfOldest(port: number): number {
    const head = this.control[this.#controlOf(port) + RING_LIMIT] & (this.capacity - 1);
    return (port << this.itemShift) + head;
  }

  /** @internal Takes `count` of the oldest entries, which are there, and forgets them. */
  drop(port: number, count: number): void {
    const at = this.#controlOf(port) + RING_LIMIT;
    this.control[at] = (this.control[at] + count) | 0;
  }

  #controlOf(port: number): number {
    return (port << this.controlShift) + this.controlOffset;
  }
}
