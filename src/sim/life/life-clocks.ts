import type { Nic } from '../../nic/index.ts';
import { symbolPs } from '../../pcie/index.ts';
import type { LifeClock } from './life-steps.ts';

/** The clocks that steps are told in. */
export class LifeClocks {
  private readonly periods: Readonly<Record<LifeClock, number>>;

  /** @param linkGbps rate of the port. */
  constructor({ profile }: Nic, linkGbps: number) {
    this.periods = {
      core: profile.coreClockPs,
      symbol: symbolPs(profile.pcie.rate),
      byte: 8000 / linkGbps,
    };
  }

  /** Period of a clock in ps. */
  periodPs(clock: LifeClock): number {
    return this.periods[clock];
  }

  /** Cycle that an instant lies in. */
  cycleAt(clock: LifeClock, timePs: number): number {
    return Math.floor(timePs / this.periods[clock]);
  }
}
