const LOW_BITS = 48n;
const LOW = 2 ** 48;
const HIGH = 2 ** 16;

/**
 * Counters of 64 bits, which wrap: each is a double that is counted in, and beside it what has been carried out of
 * that double's lower 48 bits. Counting is adding to a double; carrying is for whoever has time for it.
 */
export class WideCounts {
  /** What is counted in: below 2^53 at any time, so that it is exact. */
  declare readonly low: Float64Array;
  private readonly high: Float64Array;
  private carried = false;

  constructor(counts: number) {
    this.low = new Float64Array(counts);
    this.high = new Float64Array(counts);
  }

  /** Whether some counter has grown so much that it takes more than a double. */
  get isWide(): boolean {
    return this.carried;
  }

  /** Carries counter `i` on, if there is something to carry. */
  carry(i: number): void {
    const { low, high } = this;
    if (low[i] < LOW) return;
    this.carried = true;
    high[i] = (high[i] + Math.floor(low[i] / LOW)) % HIGH;
    low[i] %= LOW;
  }

  /** Exact to 2^53. */
  value(i: number): number {
    return this.carried ? Number(this.exact(i)) : this.low[i];
  }

  exact(i: number): bigint {
    return BigInt.asUintN(64, (BigInt(this.high[i]) << LOW_BITS) + BigInt(this.low[i]));
  }

  set(i: number, count: bigint): void {
    this.low[i] = Number(BigInt.asUintN(Number(LOW_BITS), count));
    this.high[i] = Number(BigInt.asUintN(64, count) >> LOW_BITS);
    if (this.high[i] !== 0) this.carried = true;
  }

  /** Counters from `from` to before `to` at zero. */
  clear(from = 0, to: number = this.low.length): void {
    this.low.fill(0, from, to);
    this.high.fill(0, from, to);
    if (from === 0 && to === this.low.length) this.carried = false;
  }
}
