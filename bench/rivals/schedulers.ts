/** The usual ways to write a scheduler in JavaScript, each done reasonably well, for comparison. */

type Handler = (a: number, b: number) => void;

/** A binary heap of (time, order) over typed arrays: no allocation, O(log n) an event. */
export class HeapScheduler {
  now = 0;
  readonly #handlers: Handler[] = [];
  #size = 0;
  #order = 0;
  readonly #times: Float64Array;
  readonly #orders: Float64Array;
  readonly #payload: Int32Array;
  readonly #heap: Int32Array;
  readonly #free: Int32Array;

  constructor(capacity = 1 << 14) {
    this.#times = new Float64Array(capacity);
    this.#orders = new Float64Array(capacity);
    this.#payload = new Int32Array(capacity * 3);
    this.#heap = new Int32Array(capacity);
    this.#free = Int32Array.from({ length: capacity }, (_, row) => row);
  }

  task(_name: string, handler: Handler): number {
    return this.#handlers.push(handler) - 1;
  }

  schedule(delayPs: number, task: number, a: number, b: number): void {
    const size = this.#size++;
    const row = this.#free[size];
    const time = this.now + delayPs;
    const payload = this.#payload;
    this.#times[row] = time;
    this.#orders[row] = this.#order++;
    payload[row * 3] = task;
    payload[row * 3 + 1] = a;
    payload[row * 3 + 2] = b;
    const heap = this.#heap;
    const times = this.#times;
    let at = size;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[heap[parent]] <= time) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = row;
  }

  step(): boolean {
    if (this.#size === 0) return false;
    const heap = this.#heap;
    const row = heap[0];
    const size = --this.#size;
    const last = heap[size];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(heap[child + 1], heap[child])) child++;
      if (!this.#before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    this.#free[size] = row;
    const payload = this.#payload;
    this.now = this.#times[row];
    this.#handlers[payload[row * 3]](payload[row * 3 + 1], payload[row * 3 + 2]);
    return true;
  }

  #before(x: number, y: number): boolean {
    const tx = this.#times[x];
    const ty = this.#times[y];
    return tx < ty || (tx === ty && this.#orders[x] < this.#orders[y]);
  }
}

/** An array of closures, kept in order by binary search and `splice`: what one writes first. */
export class ClosureQueue {
  now = 0;
  readonly #handlers: Handler[] = [];
  /** Latest first, so that the next one is taken off the end. */
  readonly #queue: { time: number; run: () => void }[] = [];

  task(_name: string, handler: Handler): number {
    return this.#handlers.push(handler) - 1;
  }

  schedule(delayPs: number, task: number, a: number, b: number): void {
    const time = this.now + delayPs;
    const handler = this.#handlers[task];
    const queue = this.#queue;
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // An equal time goes in front of those already there, that is, runs after them.
      if (queue[middle].time > time) low = middle + 1;
      else high = middle;
    }
    queue.splice(low, 0, { time, run: () => handler(a, b) });
  }

  step(): boolean {
    const event = this.#queue.pop();
    if (event === undefined) return false;
    this.now = event.time;
    event.run();
    return true;
  }
}
