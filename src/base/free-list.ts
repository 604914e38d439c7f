import { checkInteger } from './check.ts';

/** Hands out the integers `0 .. capacity - 1`, the most recently returned first (its data is still in cache). */
export class FreeList {
  readonly capacity: number;
  private readonly stack: Int32Array;
  private free: number;

  constructor(capacity: number) {
    this.capacity = checkInteger('capacity', capacity, 1, 1 << 26);
    this.stack = new Int32Array(capacity);
    this.free = capacity;
    this.reset();
  }

  /** Integers that can be taken now. */
  get available(): number {
    return this.free;
  }

  /** A free integer, or -1 when all are taken. */
  take(): number {
    if (this.free === 0) return -1;
    const free = (this.free - 1) | 0;
    this.free = free;
    return this.stack[free];
  }

  /** Returns `index`, which must be taken. */
  give(index: number): void {
    const { free } = this;
    this.stack[free] = index;
    this.free = (free + 1) | 0;
  }

  /** All free again; the next ones taken are 0, 1, 2, ... */
  reset(): void {
    const capacity = this.capacity;
    for (let i = 0; i < capacity; i++) this.stack[i] = capacity - 1 - i;
    this.free = capacity;
  }
}
