import type { WaitingEvent } from './waiting-event.ts';

/** What runs when an event is due. `a` and `b` are the 32-bit integers that were given when it was scheduled. */
export type EventHandler = (a: number, b: number) => void;

/**
 * Words of an event in a line: how much later it is due than the one before it, its number in the order of
 * scheduling, `a`, `b`.
 */
const WORDS_SHIFT = 2;
/**
 * What is due later than this after the last event of its line goes elsewhere, so that the difference is a
 * 32-bit integer.
 */
export const MAX_GAP_PS = 2 ** 31;

/**
 * The events of one task in the order in which they are due: a ring of 16 bytes an event that grows by
 * doubling. What waits first has its time and order in fields of the line itself, because that is what lines
 * are compared by.
 *
 * Four events a cache line, and none of them an object: as records with a time and an order, both of them
 * objects beside the record, an event took three lines, and of the 283 lines that a frame fetched into the
 * first cache 30 were those.
 */
export class DelayLine {
  readonly task: number;
  readonly handler: EventHandler;
  /** When the first event is due, in ps; as it was if none waits. */
  time = Number.NaN;
  /** When the last event is due. */
  lastTime = Number.NaN;
  /** Number of the first event in the order of scheduling, modulo 2^32. */
  order = 0;
  /** Events that wait: `head`, and so on around the ring. It is full if their number has passed the mask. */
  count = 0;
  head = 0;
  mask = 0;
  ring: Int32Array;
  /** The line that is due next after this one; of use while an event waits. */
  next: DelayLine;
  /** Events of the task that wait in the wheel, and the one that came last. */
  elsewhere = 0;
  lastElsewhere: WaitingEvent;

  /** @param nothing stands for an event where there is none. */
  constructor(task: number, handler: EventHandler, nothing: WaitingEvent) {
    this.task = task;
    this.handler = handler;
    this.time = Number.POSITIVE_INFINITY;
    this.lastTime = Number.NEGATIVE_INFINITY;
    this.ring = new Int32Array(1 << WORDS_SHIFT);
    this.next = this;
    this.lastElsewhere = nothing;
  }

  /** Doubles the ring, which is full. */
  grow(): void {
    const { ring, count } = this;
    const head = this.head << WORDS_SHIFT;
    this.ring = new Int32Array(2 * ring.length);
    this.ring.set(ring.subarray(head));
    this.ring.set(ring.subarray(0, head), ring.length - head);
    this.head = 0;
    this.mask = 2 * count - 1;
  }

  /** Forgets what waits. */
  clear(): void {
    this.count = 0;
  }
}
