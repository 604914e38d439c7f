import type { DelayLine } from './delay-line.ts';
import { WaitingEvent } from './waiting-event.ts';

/** Width of a bucket of the wheel: 1,024 ps. Narrow enough that most buckets hold one to three events. */
const BUCKET_SHIFT = 10;
const BUCKET_PS = 1 << BUCKET_SHIFT;
/** The wheel spans 4,096 buckets = 4.19 us: a DMA round trip fits, interrupt moderation goes to the heap. */
const BUCKETS = 4096;
const BUCKET_MASK = BUCKETS - 1;
const HORIZON_PS = BUCKETS * BUCKET_PS;
/** How far the wheel may stay behind the present before it is moved up. */
export const LAG_PS = HORIZON_PS / 8;

const NONE = -1;
/** Task 0 marks an event that was cancelled. */
const CANCELLED = 0;

/**
 * Events in any order: the near future is a timing wheel, the far future a binary heap; whatever lies within
 * the wheel's horizon is moved into it before anything else can be put there, so that events of equal time
 * leave in the order in which they came, wherever they waited.
 *
 * `front` shows the earliest to the scheduler as if the wheel were a line.
 */
export class EventWheel {
  private readonly front: DelayLine;
  /** Bucket of the earliest event; NONE if that is in the heap. */
  private frontBucket = NONE;

  /** Ends every list. */
  readonly nothing = new WaitingEvent();
  private free: WaitingEvent;

  // A bucket is a list in order of time. The bit maps tell which are not empty, 32 buckets a word, 32 words a
  // word.
  private readonly head: WaitingEvent[];
  private readonly tail: WaitingEvent[];
  private readonly occupied = new Int32Array(BUCKETS >> 5);
  private readonly summary = new Int32Array(BUCKETS >> 10);
  /** Start of the bucket at the cursor; never after the present. */
  base = Number.NaN;
  private cursor = 0;

  /** By (time, order of scheduling); what is behind `heapSize` is of no use. */
  private readonly heap: WaitingEvent[] = [];
  private heapSize = 0;

  constructor(front: DelayLine) {
    this.front = front;
    this.base = 0;
    this.free = this.nothing;
    this.head = Array.from({ length: BUCKETS }, () => this.nothing);
    this.tail = Array.from({ length: BUCKETS }, () => this.nothing);
  }

  /** An event to fill in and {@link EventWheel.add}. */
  blank(): WaitingEvent {
    const event = this.free;
    if (event === this.nothing) return new WaitingEvent();
    this.free = event.next;
    return event;
  }

  /** Takes an event in. If it is now the earliest, `front` is set to it. */
  add(event: WaitingEvent): void {
    const time = event.time;
    const offset = time - this.base;
    let bucket = NONE;
    if (offset < HORIZON_PS) {
      bucket = (((offset | 0) >> BUCKET_SHIFT) + this.cursor) & BUCKET_MASK;
      this.insert(event, bucket);
    } else this.pushHeap(event);
    const front = this.front;
    front.count++;
    if (time < front.time) {
      front.time = time;
      front.order = event.order;
      this.frontBucket = bucket;
    }
  }

  /** Task of the earliest event; there must be one. */
  get frontTask(): number {
    return this.frontBucket === NONE ? this.heap[0].task : this.head[this.frontBucket].task;
  }

  /** Takes the earliest event out; what it holds stays in it until the next {@link EventWheel.blank}. */
  take(): WaitingEvent {
    const bucket = this.frontBucket;
    let event: WaitingEvent;
    let first = this.nothing;
    if (bucket === NONE) {
      event = this.heap[0];
      this.popHeap();
    } else {
      event = this.head[bucket];
      first = event.next;
      this.head[bucket] = first;
      if (first === this.nothing) {
        const word = bucket >> 5;
        const left = this.occupied[word] & ~(1 << bucket);
        this.occupied[word] = left;
        if (left === 0) this.summary[word >> 5] &= ~(1 << word);
      }
    }
    event.next = this.free;
    this.free = event;
    const front = this.front;
    if (--front.count === 0) {
      front.time = Number.POSITIVE_INFINITY;
      return event;
    }
    if (first === this.nothing) {
      const next = this.nextBucket();
      first = next === NONE ? this.heap[0] : this.head[next];
      this.frontBucket = next;
    }
    front.time = first.time;
    front.order = first.order;
    return event;
  }

  /** Moves the wheel up to the present. All that waits is due later, so the buckets that are passed are empty. */
  catchUp(now: number): void {
    const number = Math.floor(now / BUCKET_PS);
    this.base = number * BUCKET_PS;
    // Not number % BUCKETS: for numbers above 2^31 that is a call into the C library.
    this.cursor = number - Math.floor(number / BUCKETS) * BUCKETS;
    while (this.heapSize > 0) {
      const event = this.heap[0];
      const offset = event.time - this.base;
      if (offset >= HORIZON_PS) break;
      this.popHeap();
      const bucket = (((offset | 0) >> BUCKET_SHIFT) + this.cursor) & BUCKET_MASK;
      this.insert(event, bucket);
      if (event.order === this.front.order) this.frontBucket = bucket;
    }
  }

  /** Marks the `count` events of a task as cancelled, the last of which is `last`; they leave when they are due. */
  cancel(task: number, last: WaitingEvent, count: number): void {
    // An event is of no task once it has left.
    if (count === 1 && last.task === task) {
      last.task = CANCELLED;
      return;
    }
    for (let i = 0; i < this.heapSize; i++) if (this.heap[i].task === task) this.heap[i].task = CANCELLED;
    for (let event of this.head) {
      for (; event !== this.nothing; event = event.next) if (event.task === task) event.task = CANCELLED;
    }
  }

  private insert(event: WaitingEvent, bucket: number): void {
    const time = event.time;
    const nothing = this.nothing;
    const first = this.head[bucket];
    if (first === nothing) {
      event.next = nothing;
      this.head[bucket] = event;
      this.tail[bucket] = event;
      const word = bucket >> 5;
      this.occupied[word] |= 1 << bucket;
      this.summary[word >> 5] |= 1 << word;
      return;
    }
    const tail = this.tail[bucket];
    if (time >= tail.time) {
      event.next = nothing;
      tail.next = event;
      this.tail[bucket] = event;
      return;
    }
    if (time < first.time) {
      event.next = first;
      this.head[bucket] = event;
      return;
    }
    // Behind all that are not later: equal times keep the order of scheduling.
    let before = first;
    while (before.next.time <= time) before = before.next;
    event.next = before.next;
    before.next = event;
  }

  /** The first bucket at or behind the cursor, around the wheel, that is not empty. */
  private nextBucket(): number {
    const occupied = this.occupied;
    const cursor = this.cursor;
    const word = cursor >> 5;
    const first = occupied[word] & (-1 << cursor);
    // Written out, because this is the common case and V8 does not inline what it calls.
    if (first !== 0) return (word << 5) + 31 - Math.clz32(first & -first);
    const group = word >> 5;
    // Words behind this one in its group (-2 << 31 is 0).
    const rest = this.summary[group] & (-2 << word);
    if (rest !== 0) {
      const at = (group << 5) + 31 - Math.clz32(rest & -rest);
      const bits = occupied[at];
      return (at << 5) + 31 - Math.clz32(bits & -bits);
    }
    const groups = this.summary.length;
    for (let i = 1; i <= groups; i++) {
      const at = (group + i) % groups;
      let words = this.summary[at];
      // Back in the first group: only what lies before the cursor is left.
      if (i === groups) words &= ~(-2 << word);
      if (words !== 0) return lowestInWord(occupied, (at << 5) + lowestBit(words));
    }
    return NONE;
  }

  private pushHeap(event: WaitingEvent): void {
    const heap = this.heap;
    if (this.heapSize === heap.length) heap.push(event);
    const time = event.time;
    let at = this.heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // The new event has the highest order, so at equal times it stays below.
      if (heap[parent].time <= time) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  private popHeap(): void {
    const heap = this.heap;
    const size = --this.heapSize;
    const last = heap[size];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}

function before(x: WaitingEvent, y: WaitingEvent): boolean {
  return x.time < y.time || (x.time === y.time && ((x.order - y.order) | 0) < 0);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function lowestInWord(occupied: Int32Array, word: number): number {
  return (word << 5) + lowestBit(occupied[word]);
}
