import { checkInteger } from '../base/index.ts';

/** Words of a queue's control: place of its oldest entry, */
export const QUEUE_HEAD = 0;
/** place of its next entry, at most the capacity, */
export const QUEUE_TAIL = 1;
/** and how many entries were ever taken out, modulo 2^32. */
export const QUEUE_TAKEN = 2;

/** Where the controls of queues are: that of port p at `words[(p << shift) + offset]`. */
export interface QueueControl {
  readonly words: Int32Array;
  readonly shift: number;
  readonly offset: number;
}

/**
 * Words between two queues: a cache line. Without it the same places of all queues, which are what is used at
 * a time, would lie a power of two apart and compete for a few lines of the cache. A loop that looks ahead
 * may read them.
 */
const MARGIN = 16;

/**
 * A bounded queue of 32-bit words for each port, all in one array: the data path finds any of them without
 * following an object, and has their controls where it needs other words of the port as well.
 *
 * No rings: a queue starts over at its first place whenever it has been emptied, which for bursts is all the
 * time. So a burst lies in one piece, fullness is a comparison with a constant, and the same few cache lines
 * are used again. Should the last place be reached with free ones in front, the entries are moved to the
 * front.
 */
export class PortQueues {
  // Declared only: see DirectPath.
  declare readonly ports: number;
  /** Entries that each queue can hold. */
  declare readonly capacity: number;
  /** @internal Place n of port p is `items[p * stride + n]`. */
  declare readonly items: Int32Array;
  /** @internal */
  declare readonly stride: number;
  /** @internal */
  declare readonly control: Int32Array;
  /** @internal */
  declare readonly controlShift: number;
  /** @internal */
  declare readonly controlOffset: number;

  /** @param capacity entries a queue, 1 to 65,536. */
  constructor(ports: number, capacity: number, control?: QueueControl) {
    this.ports = checkInteger('ports', ports, 1, 1 << 16);
    this.capacity = checkInteger('queueEntries', capacity, 1, 1 << 16);
    this.stride = capacity + MARGIN;
    this.items = new Int32Array(ports * this.stride);
    this.control = control?.words ?? new Int32Array(ports << 2);
    this.controlShift = control?.shift ?? 2;
    this.controlOffset = control?.offset ?? 0;
  }

  /** Entries in the queue of `port`. @throws RangeError for a port that there is not, as all methods do. */
  length(port: number): number {
    const at = this.controlOf(port);
    return this.control[at + QUEUE_TAIL] - this.control[at + QUEUE_HEAD];
  }

  /** Entries that can still be put into the queue of `port`. */
  room(port: number): number {
    return this.capacity - this.length(port);
  }

  /** Entries that were ever put into the queue of `port`, modulo 2^32. */
  pushed(port: number): number {
    return (this.control[this.controlOf(port) + QUEUE_TAKEN] + this.length(port)) | 0;
  }

  /** Appends `entry` to the queue of `port`; false, and nothing done, when it is full. */
  push(port: number, entry: number): boolean {
    const { control } = this;
    const at = this.controlOf(port);
    if (control[at + QUEUE_TAIL] === this.capacity && !this.moveToFront(port)) return false;
    const tail = control[at + QUEUE_TAIL];
    this.items[Math.imul(port, this.stride) + tail] = entry;
    control[at + QUEUE_TAIL] = tail + 1;
    return true;
  }

  /** Takes the oldest entry of the queue of `port`, -1 when it is empty. */
  shift(port: number): number {
    const { control } = this;
    const at = this.controlOf(port);
    const head = control[at + QUEUE_HEAD];
    if (head === control[at + QUEUE_TAIL]) return -1;
    const entry = this.items[Math.imul(port, this.stride) + head];
    this.drop(port, 1);
    return entry;
  }

  /** Appends `source[from]` to `source[from + count - 1]`, as many as there is room for, and returns how many. */
  pushBurst(port: number, source: Int32Array, from: number, count: number): number {
    const { items, control, capacity } = this;
    const at = this.controlOf(port);
    if (control[at + QUEUE_TAIL] + count > capacity) this.moveToFront(port);
    const tail = control[at + QUEUE_TAIL];
    const to = Math.imul(port, this.stride) + tail;
    const taken = Math.min(count, capacity - tail);
    copyWords(items, to, source, from, taken);
    control[at + QUEUE_TAIL] = tail + taken;
    return taken;
  }

  /** Takes up to `max` of the oldest entries into `target`, from its beginning, and returns how many. */
  shiftBurst(port: number, target: Int32Array, max: number = target.length): number {
    const { items } = this;
    const given = Math.min(max, this.length(port));
    const from = this.indexOfOldest(port);
    copyWords(target, 0, items, from, given);
    this.drop(port, given);
    return given;
  }

  /** @internal Index in `items` of the oldest entry of `port`; the others follow. */
  indexOfOldest(port: number): number {
    return Math.imul(port, this.stride) + this.control[this.controlOf(port) + QUEUE_HEAD];
  }

  /** @internal Forgets `count` of the oldest entries, which are there. */
  drop(port: number, count: number): void {
    const { control } = this;
    const at = this.controlOf(port);
    const head = control[at + QUEUE_HEAD] + count;
    const emptied = head === control[at + QUEUE_TAIL];
    control[at + QUEUE_HEAD] = emptied ? 0 : head;
    if (emptied) control[at + QUEUE_TAIL] = 0;
    control[at + QUEUE_TAKEN] = (control[at + QUEUE_TAKEN] + count) | 0;
  }

  /** @internal Makes room behind the entries; false if there is none in front. */
  moveToFront(port: number): boolean {
    const { items, control } = this;
    const at = this.controlOf(port);
    const head = control[at + QUEUE_HEAD];
    if (head === 0) return false;
    const first = Math.imul(port, this.stride);
    const tail = control[at + QUEUE_TAIL];
    items.copyWithin(first, first + head, first + tail);
    control[at + QUEUE_HEAD] = 0;
    control[at + QUEUE_TAIL] = tail - head;
    return true;
  }

  /** One comparison, which whole numbers in range pass: each method asks here before it does anything. */
  private controlOf(port: number): number {
    if (port >>> 0 >= this.ports) checkInteger('port', port, 0, this.ports - 1);
    return (port << this.controlShift) + this.controlOffset;
  }
}

/** Four words in each turn: for as few as a burst has, quicker than a copy by the runtime or word by word. */
function copyWords(target: Int32Array, to: number, source: Int32Array, from: number, count: number): void {
  let i = 0;
  for (; i < count - 3; i += 4) {
    const a = source[(from + i) | 0];
    const b = source[(from + i + 1) | 0];
    const c = source[(from + i + 2) | 0];
    const d = source[(from + i + 3) | 0];
    target[(to + i) | 0] = a;
    target[(to + i + 1) | 0] = b;
    target[(to + i + 2) | 0] = c;
    target[(to + i + 3) | 0] = d;
  }
  for (; i < count; i++) target[(to + i) | 0] = source[(from + i) | 0];
}
