import { ProbeKind } from '../kernel/index.ts';
import { RESENT_DOWNSTREAM, unpackTlpLink } from '../pcie/index.ts';
import type { BinaryLog } from './log-reader.ts';

const { TLP_LINK, TLP_RESENT, LINK_STATE } = ProbeKind;
const SEQUENCE_MASK = 0xfff;
const HALF = 2048;

/**
 * What is not known of the receivers at the beginning of a log that does not begin with power-on: it may begin within a replay, so that
 * what leaves is discarded. What the first replay of a direction does not send again was acknowledged by then. What it does send again
 * had left before it for nothing, or its Ack was lost: the log does not say, unless it has the TLP that was hit.
 */
export class FirstReplays {
  /** Sequence numbers of the first TLPs that are sent again, upstream and downstream; -1 for none, or where all is known. */
  readonly from: readonly number[];

  constructor(log: BinaryLog) {
    const from = [-1, -1];
    this.from = from;
    if (log.lost === 0 && (log.header.startPs ?? 0) === 0) return;
    let direction = -1;
    for (const { kind, a, c } of log.recordsOf(TLP_RESENT, TLP_LINK, LINK_STATE)) {
      // From there on both directions begin anew.
      if (kind === LINK_STATE) return;
      if (kind === TLP_RESENT) direction = Number((c & RESENT_DOWNSTREAM) !== 0);
      else if (direction >= 0) {
        if (from[direction] < 0) from[direction] = unpackTlpLink(a).sequence;
        direction = -1;
        if (Math.min(...from) >= 0) return;
      }
    }
  }
}

/** Whether a TLP comes at or behind another one, by their sequence numbers. */
export function isFrom(sequence: number, from: number): boolean {
  return ((sequence - from) & SEQUENCE_MASK) < HALF;
}
