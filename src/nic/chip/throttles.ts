import type { Scheduler } from '../../kernel/index.ts';

/** Fields of EITR (82599 data sheet 8.2.3.5.12). */
const INTERVAL_SHIFT = 3;
const INTERVAL_MASK = 0x1ff;
export const LLI_MODERATION = 1 << 15;
const CREDIT_SHIFT = 16;
const CREDIT_MASK = 0x1f;
const COUNTER_SHIFT = 21;
const COUNTER_MASK = 0x7f;
export const CNT_WDIS = 1 << 31;
/** What EITR holds: interval and LLI moderation. */
const STORED = (INTERVAL_MASK << INTERVAL_SHIFT) | LLI_MODERATION;
/** The counter has nine bits, of which the register shows the upper seven. */
const HIDDEN_BITS = 2;
/** A low latency credit comes every so many ps, times what GPIE.LL_Interval says (8.2.3.5.18). */
const CREDIT_UNIT_PS = 4_000_000;

/**
 * Interrupt moderation (82599 data sheet 7.3.2): EITR of every vector. Its counter is loaded with the interval when the vector
 * interrupts, counts down and stops at zero; the vector interrupts again no sooner than that. Low latency interrupts do not wait for it;
 * where they are moderated, each takes a credit, of which there are 31 at most and none at first.
 */
export class Throttles {
  private readonly scheduler: Scheduler;
  private readonly unitPs: number;
  private readonly stored: Int32Array;
  /** When the counter is at zero. */
  private readonly endsPs: Float64Array;
  private readonly credits: Uint8Array;
  /** From when on time counts for the next credit. */
  private readonly creditedPs: Float64Array;
  /** Time between two credits; 0: low latency interrupts are not moderated. */
  private creditPs = 0;

  constructor(scheduler: Scheduler, vectors: number, unitPs: number) {
    this.scheduler = scheduler;
    this.unitPs = unitPs;
    this.stored = new Int32Array(vectors);
    this.endsPs = new Float64Array(vectors);
    this.credits = new Uint8Array(vectors);
    this.creditedPs = new Float64Array(vectors);
  }

  /** EITR as software reads it; CNT_WDIS reads as 0. */
  read(vector: number): number {
    this.settle(vector);
    const units = Math.ceil(Math.max(0, this.endsPs[vector] - this.scheduler.now) / this.unitPs);
    const counter = Math.min(units >> HIDDEN_BITS, COUNTER_MASK);
    return this.stored[vector] | (this.credits[vector] << CREDIT_SHIFT) | (counter << COUNTER_SHIFT);
  }

  /** EITR as software writes it. Returns whether the counter was written, too: what waits for it may be due sooner. */
  write(vector: number, value: number): boolean {
    this.settle(vector);
    this.stored[vector] = value & STORED;
    if ((value & CNT_WDIS) !== 0) return false;
    this.credits[vector] = (value >> CREDIT_SHIFT) & CREDIT_MASK;
    this.creditedPs[vector] = this.scheduler.now;
    const counter = ((value >> COUNTER_SHIFT) & COUNTER_MASK) << HIDDEN_BITS;
    this.endsPs[vector] = this.scheduler.now + counter * this.unitPs;
    return true;
  }

  /** The interval alone, in ps. */
  setInterval(vector: number, intervalPs: number): void {
    this.stored[vector] = (Math.round(intervalPs / this.unitPs) & INTERVAL_MASK) << INTERVAL_SHIFT;
  }

  intervalPs(vector: number): number {
    return ((this.stored[vector] >> INTERVAL_SHIFT) & INTERVAL_MASK) * this.unitPs;
  }

  /** GPIE.LL_Interval. */
  setCreditRate(interval: number): void {
    for (let vector = 0; vector < this.stored.length; vector++) this.settle(vector);
    this.creditPs = interval * CREDIT_UNIT_PS;
  }

  /** When a vector may interrupt, in ps. */
  duePs(vector: number): number {
    return this.endsPs[vector];
  }

  /** Whether a low latency interrupt may go out now; then its credit is taken. */
  takeCredit(vector: number): boolean {
    if ((this.stored[vector] & LLI_MODERATION) === 0 || this.creditPs === 0) return true;
    this.settle(vector);
    if (this.credits[vector] === 0) return false;
    this.credits[vector]--;
    return true;
  }

  /** A vector has interrupted. */
  reload(vector: number): void {
    this.endsPs[vector] = this.scheduler.now + this.intervalPs(vector);
  }

  /** As after a reset. */
  reset(vector: number): void {
    this.stored[vector] = this.credits[vector] = 0;
    this.endsPs[vector] = 0;
    this.creditedPs[vector] = this.scheduler.now;
  }

  /** Credits that have come by now. */
  private settle(vector: number): void {
    const { now } = this.scheduler;
    if (this.creditPs === 0) {
      this.creditedPs[vector] = now;
      return;
    }
    const came = Math.floor((now - this.creditedPs[vector]) / this.creditPs);
    this.credits[vector] = Math.min(CREDIT_MASK, this.credits[vector] + came);
    this.creditedPs[vector] += came * this.creditPs;
  }
}
