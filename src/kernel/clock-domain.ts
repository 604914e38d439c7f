import { checkInteger } from '../base/index.ts';

/** A clock: its edges are the multiples of its period. */
export class ClockDomain {
  readonly name: string;
  /** ps between two edges. */
  readonly periodPs: number;

  /** @param periodPs a whole number of ps, from 1 to 10^9. */
  constructor(name: string, periodPs: number) {
    this.name = name;
    this.periodPs = checkInteger('periodPs', periodPs, 1, 1e9);
  }

  /** The first edge at or after `timePs`. */
  edgeAtOrAfter(timePs: number): number {
    return Math.ceil(timePs / this.periodPs) * this.periodPs;
  }

  /** Number of the cycle that `timePs` lies in. */
  cycleOf(timePs: number): number {
    return Math.floor(timePs / this.periodPs);
  }

  /** Length of `cycles` cycles in ps. */
  cycles(cycles: number): number {
    return cycles * this.periodPs;
  }
}
