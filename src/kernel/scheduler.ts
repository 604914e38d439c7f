import { AssertionError, assert } from '../base/index.ts';
import { END_OF_TIME } from './time.ts';

/** What runs when an event is due. `a` and `b` are the 32-bit integers that were given when it was scheduled. */
export type EventHandler = (a: number, b: number) => void;

/** Width of a bucket of the wheel: 1,024 ps. Narrow enough that most buckets hold one to three events. */
const BUCKET_SHIFT = 10;
const BUCKET_PS = 1 << BUCKET_SHIFT;
/** The wheel spans 4,096 buckets = 4.19 us: a DMA round trip fits, interrupt moderation goes to the heap. */
const BUCKETS = 4096;
const BUCKET_MASK = BUCKETS - 1;
const HORIZON_PS = BUCKETS * BUCKET_PS;

const NONE = -1;
/** Task 0 marks an event that was cancelled. */
const CANCELLED = 0;

/**
 * The one scheduler of a machine: events are (time, order of scheduling, task, two integers) in typed arrays.
 *
 * The near future is a timing wheel, the far future a binary heap; whatever lies within the wheel's horizon is moved
 * into it before anything else can be scheduled there, so that events of equal time run in the order in which they
 * were scheduled, wherever they waited. Idle time is jumped over. Running is re-entrant: a handler may run the
 * scheduler itself to wait for something (a driver that reads a register does).
 *
 * @example
 * const scheduler = new Scheduler();
 * const tick = scheduler.task('tick', (count) => {
 *   if (count > 0) scheduler.schedule(6_400, tick, count - 1, 0);
 * });
 * scheduler.schedule(0, tick, 10, 0);
 * scheduler.runUntil(1_000_000);
 */
export class Scheduler {
  /** The present, in ps. */
  now = 0;
  /** Events that have run. */
  events = 0;

  private readonly handlers: EventHandler[] = [() => {}];
  private readonly names: string[] = ['cancelled'];

  // One event a row; rows are recycled through the list that starts at `free`.
  private time = new Float64Array(1024);
  private tasks = new Int32Array(1024);
  private a = new Int32Array(1024);
  private b = new Int32Array(1024);
  private next = new Int32Array(1024);
  private free = NONE;
  private pendingCount = 0;

  // A bucket is a list in order of time. The bit maps tell which are not empty, 32 buckets a word, 32 words a word.
  private readonly head = new Int32Array(BUCKETS).fill(NONE);
  private readonly tail = new Int32Array(BUCKETS).fill(NONE);
  private readonly occupied = new Int32Array(BUCKETS >> 5);
  private readonly summary = new Int32Array(BUCKETS >> 10);
  /** Start of the bucket at the cursor; never after `now`. */
  private base = 0;
  private cursor = 0;

  // The heap orders rows by (time, order of scheduling).
  private heap = new Int32Array(256);
  private heapOrder = new Float64Array(1024);
  private heapSize = 0;
  private order = 0;

  private lastTime = 0;
  private readonly digestWords = new Int32Array([0x6a09e667, 0xbb67ae85 | 0]);
  private stopping = false;

  constructor() {
    this.chainFree(0);
  }

  /**
   * Makes a task: the number under which `handler` is scheduled from now on. Components make theirs once, at
   * construction.
   */
  task(name: string, handler: EventHandler): number {
    this.names.push(name);
    return this.handlers.push(handler) - 1;
  }

  /** Name of a task, for people. */
  taskName(task: number): string {
    return this.names[task];
  }

  /** Events that wait. */
  get pending(): number {
    return this.pendingCount;
  }

  /**
   * Schedules `task` `delayPs` from now, with two 32-bit integers, and returns a handle as {@link Scheduler.post} does. Any
   * number of events of a task may wait.
   *
   * The hot path schedules by delay, not by instant: a delay is a small integer, while V8 makes a heap object of every
   * instant that is passed to a function it does not inline. From here on the instant stays in the array.
   */
  schedule(delayPs: number, task: number, a: number, b: number): number {
    if (this.free === NONE) this.grow();
    const row = this.free;
    this.time[row] = this.now + delayPs;
    return this.place(row, task, a, b);
  }

  /**
   * Schedules `task` at `timePs` and returns a handle for {@link Scheduler.cancel}, valid until the event has run.
   * Prefer {@link Timer} where an event may have to be cancelled.
   */
  post(timePs: number, task: number, a: number, b: number): number {
    if (this.free === NONE) this.grow();
    const row = this.free;
    this.time[row] = timePs;
    return this.place(row, task, a, b);
  }

  /** Takes the first free row, whose time is set, into the queue. */
  private place(row: number, task: number, a: number, b: number): number {
    const timePs = this.time[row];
    // Not assert(): its message would be built at every call.
    if (!(timePs >= this.now && timePs <= END_OF_TIME)) this.refuse(timePs, task);
    this.free = this.next[row];
    this.pendingCount++;
    this.tasks[row] = task;
    this.a[row] = a;
    this.b[row] = b;
    const offset = timePs - this.base;
    if (offset < HORIZON_PS) this.insert(row, ((offset | 0) >> BUCKET_SHIFT) + this.cursor);
    else this.pushHeap(row);
    return row;
  }

  /** Cancels an event that has not run. */
  cancel(handle: number): void {
    assert(this.tasks[handle] !== CANCELLED, 'an event was cancelled twice');
    this.tasks[handle] = CANCELLED;
  }

  /** Runs everything up to and including `timePs`, which is then the present. */
  runUntil(timePs: number): void {
    this.stopping = false;
    while (this.runOne(timePs)) {
      if (this.stopping) return;
    }
    if (timePs > this.now) this.now = timePs;
  }

  /** Runs the next event, if one waits. Returns whether one ran. */
  step(): boolean {
    return this.runOne(END_OF_TIME);
  }

  /** Runs until nothing waits. */
  runUntilIdle(): void {
    this.stopping = false;
    while (!this.stopping && this.runOne(END_OF_TIME));
  }

  /** Makes {@link Scheduler.runUntil} return after the event that is running. */
  stop(): void {
    this.stopping = true;
  }

  /**
   * Sixteen hexadecimal digits over every event that has run: its time, task and integers. Two runs with equal
   * digests took the same course.
   */
  get digest(): string {
    const digits = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
    return digits(this.digestWords[0]) + digits(this.digestWords[1]);
  }

  private runOne(limit: number): boolean {
    for (;;) {
      const row = this.pop(limit);
      if (row === NONE) return false;
      const task = this.tasks[row];
      const time = this.time[row];
      const a = this.a[row];
      const b = this.b[row];
      this.next[row] = this.free;
      this.free = row;
      this.pendingCount--;
      // Also for a cancelled event: the wheel has moved to its bucket, and the present must not stay behind the wheel.
      this.now = time;
      if (task === CANCELLED) continue;
      this.events++;
      // Two independent lanes; the difference of times is what changes, so its low 32 bits suffice.
      const digest = this.digestWords;
      const h = Math.imul(digest[0] ^ ((time - this.lastTime) | 0) ^ Math.imul(task, 0x27d4eb2f), 0x9e3779b1);
      digest[0] = h ^ (h >>> 15);
      const g = Math.imul(digest[1] ^ a ^ Math.imul(b, 0x85ebca6b), 0xc2b2ae35);
      digest[1] = g ^ (g >>> 13) ^ h;
      this.lastTime = time;
      this.handlers[task](a, b);
      return true;
    }
  }

  /** Takes the earliest row out if it is due by `limit`. */
  private pop(limit: number): number {
    let bucket = this.cursor;
    let row = this.head[bucket];
    if (row === NONE) {
      bucket = this.nextBucket();
      if (bucket === NONE) {
        if (this.heapSize === 0) return NONE;
        const time = this.time[this.heap[0]];
        if (time > limit) return NONE;
        const number = Math.floor(time / BUCKET_PS);
        // Not number % BUCKETS: for numbers above 2^31 that is a call into the C library.
        this.advanceTo(number * BUCKET_PS, number - Math.floor(number / BUCKETS) * BUCKETS);
      } else {
        row = this.head[bucket];
        if (this.time[row] > limit) return NONE;
        const ahead = (bucket - this.cursor) & BUCKET_MASK;
        this.advanceTo(this.base + ahead * BUCKET_PS, bucket);
      }
      bucket = this.cursor;
      row = this.head[bucket];
    }
    if (this.time[row] > limit) return NONE;
    const next = this.next[row];
    this.head[bucket] = next;
    if (next === NONE) {
      this.tail[bucket] = NONE;
      const word = bucket >> 5;
      const left = this.occupied[word] & ~(1 << bucket);
      this.occupied[word] = left;
      if (left === 0) this.summary[word >> 5] &= ~(1 << word);
    }
    return row;
  }

  /** Moves the wheel to the bucket that starts at `basePs`, and what now lies within its horizon into it. */
  private advanceTo(basePs: number, bucket: number): void {
    this.base = basePs;
    this.cursor = bucket;
    const horizon = basePs + HORIZON_PS;
    while (this.heapSize > 0) {
      const row = this.heap[0];
      const time = this.time[row];
      if (time >= horizon) break;
      this.popHeap();
      this.insert(row, (((time - basePs) | 0) >> BUCKET_SHIFT) + bucket);
    }
  }

  private insert(row: number, bucketUnwrapped: number): void {
    const time = this.time[row];
    const bucket = bucketUnwrapped & BUCKET_MASK;
    const tail = this.tail[bucket];
    if (tail === NONE) {
      this.next[row] = NONE;
      this.head[bucket] = row;
      this.tail[bucket] = row;
      const word = bucket >> 5;
      this.occupied[word] |= 1 << bucket;
      this.summary[word >> 5] |= 1 << word;
      return;
    }
    if (time >= this.time[tail]) {
      this.next[row] = NONE;
      this.next[tail] = row;
      this.tail[bucket] = row;
      return;
    }
    // Behind every row that is not later: equal times keep the order of scheduling.
    let before = NONE;
    let at = this.head[bucket];
    while (this.time[at] <= time) {
      before = at;
      at = this.next[at];
    }
    this.next[row] = at;
    if (before === NONE) this.head[bucket] = row;
    else this.next[before] = row;
  }

  /** The first bucket at or behind the cursor, around the wheel, that is not empty. */
  private nextBucket(): number {
    const occupied = this.occupied;
    const cursor = this.cursor;
    const word = cursor >> 5;
    const first = occupied[word] & (-1 << cursor);
    if (first !== 0) return (word << 5) + lowestBit(first);
    const group = word >> 5;
    // Words behind this one in its group (-2 << 31 is 0).
    const rest = this.summary[group] & (-2 << word);
    if (rest !== 0) return lowestInWord(occupied, (group << 5) + lowestBit(rest));
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

  private pushHeap(row: number): void {
    if (this.heapSize === this.heap.length) this.heap = grown(this.heap);
    const order = this.order++;
    this.heapOrder[row] = order;
    const heap = this.heap;
    const time = this.time[row];
    let at = this.heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // The new row has the highest order, so at equal times it stays below.
      if (this.time[heap[parent]] <= time) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = row;
  }

  private popHeap(): void {
    const heap = this.heap;
    const row = heap[--this.heapSize];
    const size = this.heapSize;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], row)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = row;
  }

  private before(x: number, y: number): boolean {
    const tx = this.time[x];
    const ty = this.time[y];
    return tx < ty || (tx === ty && this.heapOrder[x] < this.heapOrder[y]);
  }

  private refuse(timePs: number, task: number): never {
    throw new AssertionError(
      `${this.names[task]} scheduled at ${timePs} ps, now is ${this.now} ps, the end is ${END_OF_TIME} ps`,
    );
  }

  private grow(): void {
    const rows = this.time.length;
    this.time = grown(this.time);
    this.tasks = grown(this.tasks);
    this.a = grown(this.a);
    this.b = grown(this.b);
    this.next = grown(this.next);
    this.heapOrder = grown(this.heapOrder);
    this.chainFree(rows);
  }

  private chainFree(from: number): void {
    const next = this.next;
    for (let row = next.length - 1; row >= from; row--) {
      next[row] = this.free;
      this.free = row;
    }
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function lowestInWord(occupied: Int32Array, word: number): number {
  return (word << 5) + lowestBit(occupied[word]);
}

function grown<T extends Int32Array | Float64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}
