import { checkPowerOfTwo } from './check.ts';

/**
 * A bounded queue of 32-bit integers, for slots, tags and handles.
 *
 * Head and tail count without wrapping to the ring's size (they wrap at 2^32), so all `capacity` entries can
 * be used: full is `tail - head === capacity`, empty is `tail === head`.
 */
export class IntRing {
  readonly capacity: number;
  private readonly items: Int32Array;
  private readonly mask: number;
  private head = 0;
  private tail = 0;

  /** @param capacity entries; a power of two. */
  constructor(capacity: number) {
    this.capacity = checkPowerOfTwo('capacity', capacity, 1, 1 << 26);
    this.items = new Int32Array(capacity);
    this.mask = capacity - 1;
  }

  /** Entries held now. */
  get length(): number {
    return (this.tail - this.head) | 0;
  }

  /** Entries that can still be pushed. */
  get room(): number {
    return this.capacity - ((this.tail - this.head) | 0);
  }

  /** Appends `value`; false, and nothing done, when the ring is full. */
  push(value: number): boolean {
    const tail = this.tail;
    if (((tail - this.head) | 0) === this.capacity) return false;
    this.items[tail & this.mask] = value;
    this.tail = (tail + 1) | 0;
    return true;
  }

  /** Takes the oldest entry. Only for a ring that is not empty. */
  shift(): number {
    const head = this.head;
    this.head = (head + 1) | 0;
    return this.items[head & this.mask];
  }

  /** The entry `index` places behind the oldest one, left where it is. */
  peek(index = 0): number {
    return this.items[(this.head + index) & this.mask];
  }

  /** Forgets all entries. */
  clear(): void {
    this.head = this.tail;
  }
}
