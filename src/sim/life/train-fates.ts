import { ProbeKind } from '../../kernel/index.ts';
import type { BinaryLog, LogRecord } from '../../trace/index.ts';
import type { Train } from './trains.ts';

/** What has kept a request from having its effect. */
export interface TrainFate {
  /** `linkDown`: it was under way, or waited at the root port, when the link went down; `refused`: the root port took it, and has not done it. */
  readonly what: 'linkDown' | 'refused';
  readonly timePs: number;
  /** Of a refused one: whether translation has refused it; else nothing is behind its address. */
  readonly byTranslation: boolean;
}

/**
 * Which trains have not done what they were sent for: a link that goes down takes with it what is on it, and writes that wait at the
 * root port for a page walk, their own or that of one before them (PCI Express Base 2.4.1, 2.9.1).
 */
export class TrainFates {
  private readonly fates = new Map<Train, TrainFate>();
  /** Trains that have not arrived. */
  private underWay: Train[] = [];
  /** Requests of the card, by the number of their record. */
  private readonly requests = new Map<number, Train>();
  private readonly waiting: ReadonlySet<number>;

  constructor({ trailer }: BinaryLog) {
    this.waiting = new Set(trailer.waiting);
  }

  /** What a train has met, or null. */
  of(train: Train): TrainFate | null {
    return this.fates.get(train) ?? null;
  }

  /** Whether a train waits at the root port when the log ends, for a page walk or behind one that does. */
  isWaiting(train: Train): boolean {
    return this.waiting.has(train.index) && this.requests.get(train.index) === train;
  }

  /** A train has been given to the link. */
  sent(train: Train): void {
    this.underWay.push(train);
    if (!train.downstream) this.requests.set(train.index, train);
  }

  /** Takes every record of the log. */
  record({ kind, a, c, timePs }: LogRecord): void {
    if (this.underWay.length > 0)
      this.underWay = this.underWay.filter(({ arrivalPs }) => arrivalPs >= timePs);
    if (kind === ProbeKind.LINK_STATE && a === 0) {
      for (const train of this.underWay) this.met(train, 'linkDown', timePs);
      this.underWay = [];
    } else if (kind === ProbeKind.WRITE_LOST) this.met(this.requests.get(a), 'linkDown', timePs);
    else if (kind === ProbeKind.REQUEST_REFUSED) this.met(this.requests.get(a), 'refused', timePs, c === 1);
  }

  private met(
    train: Train | undefined,
    what: TrainFate['what'],
    timePs: number,
    byTranslation = false,
  ): void {
    if (train !== undefined && !this.fates.has(train)) this.fates.set(train, { what, timePs, byTranslation });
  }
}
