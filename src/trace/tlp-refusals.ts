import { ProbeKind } from '../kernel/index.ts';
import type { BinaryLog } from './log-reader.ts';

/** Which trains of a log the root port has refused. */
export class TlpRefusals {
  /** Why, by number of the train. */
  private readonly reasons = new Map<number, string>();

  constructor(log: BinaryLog) {
    /** Trains by the numbers of their records in the pool. */
    const trains = new Map<number, number>();
    let count = 0;
    for (const { kind, a, c } of log.recordsOf(ProbeKind.TLP_SENT, ProbeKind.REQUEST_REFUSED)) {
      const train = trains.get(a);
      if (kind === ProbeKind.TLP_SENT) trains.set(a, count++);
      else if (train !== undefined)
        this.reasons.set(train, c === 1 ? 'refused by the IOMMU' : 'refused: no memory there');
    }
  }

  /** Why a train was refused, by its number in the log from 0 on; null for one that was not. */
  of(train: number): string | null {
    return this.reasons.get(train) ?? null;
  }
}
