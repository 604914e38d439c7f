import { checkInteger } from '../base/index.ts';

/** How many frames of a kind may pass. */
export interface FrameRate {
  /** Frames a second in the long run, 0 to 1,000,000,000; 0 lets none pass. */
  readonly framesPerSecond: number;
  /**
   * Frames that may pass at once after a pause, 1 to 9,000. Default: those of 1 ms, but 2 at least, so that
   * frames may come a little early or late.
   */
  readonly burstFrames?: number;
}

/** Where the switch reads the time, in ps from any origin, never running backwards. A Scheduler is one. */
export interface SwitchClock {
  readonly now: number;
}

/** A frame, in units of which a bucket gains the rate in each ps: so that all of it is whole numbers. */
const FRAME = 1e12;
const MAX_RATE = 1e9;
/** Times FRAME below 2^53. */
const MAX_BURST = 9000;

/**
 * A token bucket that counts frames. It is full at first. Levels are whole numbers below 2^53: exact at any
 * rate, however long it runs.
 */
export class FrameRateLimit {
  readonly framesPerSecond: number;
  readonly burstFrames: number;
  private readonly capacity: number;
  private level: number;
  private since: number;

  /** @throws TypeError or RangeError that names the argument. */
  constructor(name: string, rate: FrameRate, now: number) {
    this.framesPerSecond = checkInteger(`${name}.framesPerSecond`, rate.framesPerSecond, 0, MAX_RATE);
    this.burstFrames = checkInteger(`${name}.burstFrames`, burstOf(rate), 1, MAX_BURST);
    this.capacity = this.framesPerSecond === 0 ? 0 : this.burstFrames * FRAME;
    this.level = this.capacity;
    this.since = now;
  }

  /** Lets a frame pass at `now`, or not. */
  take(now: number): boolean {
    // Beyond 2^53 the product is no longer exact, but then it is more than the bucket holds.
    const gained = (now - this.since) * this.framesPerSecond;
    this.since = now;
    const missing = this.capacity - this.level;
    this.level += gained < missing ? gained : missing;
    if (this.level < FRAME) return false;
    this.level -= FRAME;
    return true;
  }

  /** Whether it is a bucket for `rate`. */
  isFor(rate: FrameRate): boolean {
    return this.framesPerSecond === rate.framesPerSecond && this.burstFrames === burstOf(rate);
  }
}

function burstOf({ framesPerSecond, burstFrames }: FrameRate): number {
  return burstFrames ?? Math.min(MAX_BURST, Math.max(2, Math.floor(framesPerSecond / 1000)));
}
