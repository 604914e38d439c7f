import { ceilPowerOfTwo } from '../base/index.ts';

/** Bounded queues of 32-bit words, all in one array. */
export class EgressQueues {
  readonly queues: number;
  /** Entries in all of them. */
  entries = 0;
  private readonly capacity: number;
  private readonly shiftBy: number;
  private readonly mask: number;
  private readonly items: Int32Array;
  /** Oldest entry of each, and how many there are. */
  private readonly heads: Int32Array;
  private readonly counts: Int32Array;

  constructor(queues: number, capacity: number) {
    const room = ceilPowerOfTwo(capacity);
    this.queues = queues;
    this.capacity = capacity;
    this.shiftBy = 31 - Math.clz32(room);
    this.mask = room - 1;
    this.items = new Int32Array(queues * room);
    this.heads = new Int32Array(queues);
    this.counts = new Int32Array(queues);
  }

  length(queue: number): number {
    return this.counts[queue];
  }

  /** False, and nothing done, when the queue is full. */
  push(queue: number, entry: number): boolean {
    const count = this.counts[queue];
    if (count === this.capacity) return false;
    this.items[(queue << this.shiftBy) + ((this.heads[queue] + count) & this.mask)] = entry;
    this.counts[queue] = count + 1;
    this.entries++;
    return true;
  }

  /** The oldest entry of a queue that has one. */
  shift(queue: number): number {
    const head = this.heads[queue];
    this.heads[queue] = (head + 1) & this.mask;
    this.counts[queue]--;
    this.entries--;
    return this.items[(queue << this.shiftBy) + head];
  }
}
