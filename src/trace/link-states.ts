import { ProbeKind } from '../kernel/index.ts';
import type { BinaryLog } from './log-reader.ts';

/** A time for which a link was down; Infinity where it does not come up again. */
export interface LinkDownTime {
  readonly downPs: number;
  readonly upPs: number;
}

/**
 * When the link of a log was down. Trains are given to the link before their symbols leave, so that the log has to be looked
 * at beforehand: what is on the link when it goes down never arrives.
 */
export class LinkStates {
  /** In the order of time. One that was down before the first record is so from 0 on. */
  readonly downTimes: readonly LinkDownTime[];
  /** Whether the log would say it: older programs recorded nothing of it. */
  readonly areKnown: boolean;

  constructor(log: BinaryLog) {
    const times: LinkDownTime[] = [];
    let downPs = 0;
    for (const { timePs, a } of log.recordsOf(ProbeKind.LINK_STATE)) {
      if (a === 1) times.push({ downPs, upPs: timePs });
      downPs = a === 1 ? Number.POSITIVE_INFINITY : timePs;
    }
    if (downPs > 0 && downPs < Number.POSITIVE_INFINITY)
      times.push({ downPs, upPs: Number.POSITIVE_INFINITY });
    this.downTimes = times;
    this.areKnown = log.header.kinds?.['LINK_STATE'] !== undefined;
  }

  /**
   * When the link went down before a train had arrived that was given to it at `timePs`; Infinity for one that has arrived. A
   * train arrives as a whole or not at all.
   */
  lostAt({
    timePs,
    leftPs,
    arrivalPs,
  }: {
    readonly timePs: number;
    readonly leftPs: number;
    readonly arrivalPs: number;
  }): number {
    for (const { downPs, upPs } of this.downTimes) {
      if (upPs <= timePs && downPs < timePs) continue;
      // The read of several requests arrives with the first of them.
      return downPs <= Math.max(leftPs - 1, arrivalPs) ? downPs : Number.POSITIVE_INFINITY;
    }
    return Number.POSITIVE_INFINITY;
  }
}
