import { ProbeKind } from '../kernel/index.ts';
import type { BinaryLog } from './log-reader.ts';

const { TLP_SENT, REQUEST_REFUSED, WRITE_LOST } = ProbeKind;
const LOST = 'lost at the root port: the link went down';

/** Which requests of a log have arrived, and were not done by the root port. */
export class TlpRefusals {
  /** Why, by number of the train. */
  private readonly reasons = new Map<number, string>();

  constructor(log: BinaryLog) {
    /** Trains by the numbers of their records in the pool. */
    const trains = new Map<number, number>();
    let count = 0;
    for (const { kind, a, c } of log.recordsOf(TLP_SENT, REQUEST_REFUSED, WRITE_LOST)) {
      const train = trains.get(a);
      if (kind === TLP_SENT) trains.set(a, count++);
      else if (train !== undefined)
        this.reasons.set(
          train,
          kind === WRITE_LOST ? LOST : c === 1 ? 'refused by the IOMMU' : 'refused: no memory there',
        );
    }
  }

  /** Why a train was not done, by its number in the log from 0 on; null for one that was, as far as is known. */
  of(train: number): string | null {
    return this.reasons.get(train) ?? null;
  }
}
