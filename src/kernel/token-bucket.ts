import { checkInteger } from '../base/index.ts';

/** The time that a byte takes, as a fraction of picoseconds: an exact rate. */
export interface ByteTime {
  readonly numerator: number;
  readonly denominator: number;
}

/** ps a byte at 1 kb/s. */
const KILOBIT_BYTE_PS = 8_000_000_000;
/** With this the time of 65,535 bytes, in parts of a picosecond, is exact. */
const MAX_NUMERATOR = 2 ** 36;

/**
 * The exact time of a byte at `kbps` (1,000 bits a second), 1 to 2^31.
 *
 * @throws TypeError or RangeError that names the argument.
 */
export function byteTimeOf(kbps: number): ByteTime {
  checkInteger('kbps', kbps, 1, 2 ** 31);
  const divisor = greatestCommonDivisor(KILOBIT_BYTE_PS, kbps);
  return { numerator: KILOBIT_BYTE_PS / divisor, denominator: kbps / divisor };
}

/**
 * A rate limit: a frame may start when the bucket is not in debt, and each frame moves the instant at which
 * the next one may start by the time that its bytes take at the rate. What is not used is kept, up to
 * `windowBytes`. So in any span of time t, taken to the picosecond, no more leaves than rate x t + window + one
 * frame.
 *
 * That is the transmit rate-scheduler of the 82599 and its successors (time stamp, rate factor, MMW; X550
 * data sheet, section 7.6.2.1), whose decision does not depend on the length of the frame that waits. A bucket
 * that never lets more than `burst` pass at once is one with a window of `burst` less the longest frame.
 *
 * Whole picoseconds are counted, and what is left over is carried: there is no drift, over hours.
 *
 * @example
 * const bucket = new TokenBucket();
 * bucket.setRate(byteTimeOf(1_000_000), 0, 0); // 1 Gb/s: a byte takes 8,000 ps
 * bucket.charge(0, 1_518);
 * bucket.readyPs; // 12,144,000
 */
export class TokenBucket {
  /** First instant at which a frame may start, in ps; -Infinity without a limit. */
  readyPs = Number.NEGATIVE_INFINITY;
  /** Whether there is a limit. */
  limited = false;
  /** How far {@link TokenBucket.readyPs} can fall behind the present. */
  private windowPs = Number.NaN;
  private numerator = Number.NaN;
  private denominator = 1;
  /** What readyPs was rounded up by, in parts of a picosecond. */
  private remainder = Number.NaN;

  /**
   * Sets the rate, from `nowPs` on. A bucket that had no limit begins without debt and without credit; one
   * that had keeps its debt.
   *
   * @param windowBytes credit that can be kept, 0 to 2^31.
   * @throws TypeError or RangeError that names the argument.
   */
  setRate(byteTime: ByteTime, windowBytes: number, nowPs: number): void {
    const numerator = checkInteger('numerator', byteTime.numerator, 1, MAX_NUMERATOR);
    const denominator = checkInteger('denominator', byteTime.denominator, 1, 2 ** 31);
    checkInteger('windowBytes', windowBytes, 0, 2 ** 31);
    if (!this.limited) this.readyPs = nowPs;
    this.limited = true;
    this.remainder = 0;
    this.numerator = numerator;
    this.denominator = denominator;
    this.windowPs = Number((BigInt(windowBytes) * BigInt(numerator)) / BigInt(denominator));
  }

  /** Takes the limit away, and the debt with it. */
  clear(): void {
    this.limited = false;
    this.readyPs = Number.NEGATIVE_INFINITY;
  }

  /** A frame of `bytes` (at most 65,535) starts at `nowPs`. Nothing without a limit. */
  charge(nowPs: number, bytes: number): void {
    if (!this.limited) return;
    const oldest = nowPs - this.windowPs;
    // A frame that starts within the picosecond in which it may is not late: its part of one is carried.
    if (this.readyPs < oldest) {
      this.readyPs = oldest;
      this.remainder = 0;
    }
    const parts = bytes * this.numerator - this.remainder;
    const whole = Math.ceil(parts / this.denominator);
    this.remainder = whole * this.denominator - parts;
    this.readyPs += whole;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
