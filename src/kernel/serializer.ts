import { checkInteger } from '../base/index.ts';

/**
 * Something that passes one byte after another at a fixed rate: a lane bundle, a wire, a memory channel.
 *
 * The rate is a fraction of ps a byte. What does not come out as a whole number of ps is carried to the next
 * reservation while the thing stays busy, so that a long run has exactly the nominal rate (8 GT/s x8 takes
 * 8125/64 ps a byte). It needs no event: it keeps the instant at which it is free.
 */
export class Serializer {
  /** First instant at which nothing is being sent. */
  freeAt = 0;
  /** Sum of all reserved time, in ps. */
  busyPs = 0;
  private readonly numerator: number;
  private readonly denominator: number;
  private remainder = 0;

  /** A byte takes `numerator / denominator` ps. */
  constructor(numerator: number, denominator = 1) {
    this.numerator = checkInteger('numerator', numerator, 1, 2 ** 31);
    this.denominator = checkInteger('denominator', denominator, 1, 2 ** 20);
  }

  /** ps a byte, as a fraction in one number. */
  get psPerByte(): number {
    return this.numerator / this.denominator;
  }

  /**
   * Sends `bytes` as soon as possible at or after `timePs`; returns the instant at which the last one has
   * left, which is then {@link Serializer.freeAt}.
   */
  reserve(timePs: number, bytes: number): number {
    let start = this.freeAt;
    if (timePs > start) {
      start = timePs;
      this.remainder = 0;
    }
    const parts = bytes * this.numerator + this.remainder;
    if (this.denominator === 1) {
      this.busyPs += parts;
      this.freeAt = start + parts;
      return this.freeAt;
    }
    const whole = Math.floor(parts / this.denominator);
    this.remainder = parts - whole * this.denominator;
    this.busyPs += whole;
    this.freeAt = start + whole;
    return this.freeAt;
  }

  /** Time that `bytes` take on their own, rounded up. */
  duration(bytes: number): number {
    return Math.ceil((bytes * this.numerator) / this.denominator);
  }

  reset(): void {
    this.freeAt = 0;
    this.busyPs = 0;
    this.remainder = 0;
  }
}
