/** Transfers between the first and the last arrival, at least: a train more or less at the ends is of no matter then. */
const LEAST_TRANSFERS = 64;

/**
 * The rate of transfers of equal size from one arrival to another one: what came behind the first, over the time between the two.
 * A fixed window would count a transfer whole whose greater part was before or after it.
 */
export class ArrivalMeter {
  private readonly warmUpPs: number;
  private readonly leastPs: number;
  private readonly period: number;
  private firstPs = -1;
  private arrivals = 0;
  private transfers = 0;
  private tookPs = 0;

  /**
   * @param warmUpPs arrivals before are not counted. @param leastPs time from the first to the last, at least.
   * @param period so many transfers come in a rhythm, and whole ones are counted.
   */
  constructor(warmUpPs: number, leastPs: number, period = 1) {
    this.warmUpPs = warmUpPs;
    this.leastPs = leastPs;
    this.period = period;
  }

  /** Whether enough has come. */
  get isDone(): boolean {
    return this.transfers > 0;
  }

  /** A transfer has come whole. */
  arrived(nowPs: number): void {
    if (this.isDone || nowPs < this.warmUpPs) return;
    if (this.firstPs < 0) {
      this.firstPs = nowPs;
      return;
    }
    const took = nowPs - this.firstPs;
    const count = ++this.arrivals;
    if (count < LEAST_TRANSFERS || took < this.leastPs || count % this.period > 0) return;
    this.transfers = count;
    this.tookPs = took;
  }

  /** Gb/s of transfers of `size` bytes. Only when enough has come. */
  gbps(size: number): number {
    return (this.transfers * size * 8000) / this.tookPs;
  }
}
