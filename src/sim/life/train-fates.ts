import { ProbeKind } from '../../kernel/index.ts';
import { TlpKind } from '../../pcie/index.ts';
import type { LogRecord } from '../../trace/index.ts';
import type { Train } from './trains.ts';

/** What has kept a request from having its effect. */
export interface TrainFate {
  /** `linkDown`: it was under way, or waited at the root port, when the link went down; `refused`: the root port took it, and has not done it. */
  readonly what: 'linkDown' | 'refused';
  readonly timePs: number;
  /** Of a refused one: whether translation has refused it; else nothing is behind its address. */
  readonly byTranslation: boolean;
}

/** A posted request that is not in memory yet, as far as the log tells. */
interface Posted {
  readonly train: Train;
  /** The walk that it waits for, once it has arrived. */
  walk: string | null;
  arrived: boolean;
}

/**
 * Which trains have not done what they were sent for: a link that goes down takes with it what is on it, and writes that wait at the
 * root port for a page walk, their own or that of one before them (PCI Express Base 2.4.1, 2.9.1).
 */
export class TrainFates {
  private readonly fates = new Map<Train, TrainFate>();
  /** Trains that have not arrived. */
  private underWay: Train[] = [];
  /** In the order in which they were sent, which is that in which they are done. */
  private posted: Posted[] = [];
  /** Walks that go on, by page. */
  private readonly walks = new Map<string, number>();
  /** Requests of the card, by the number of their record. */
  private readonly requests = new Map<number, Train>();

  /** What a train has met, or null. */
  of(train: Train): TrainFate | null {
    return this.fates.get(train) ?? null;
  }

  /** A train has been given to the link. */
  sent(train: Train): void {
    this.underWay.push(train);
    if (train.downstream) return;
    this.requests.set(train.index, train);
    if (train.kind === TlpKind.MEMORY_WRITE) this.posted.push({ train, walk: null, arrived: false });
  }

  /** Takes every record of the log. */
  record({ kind, a, b, c, timePs }: LogRecord): void {
    this.arrive(timePs);
    if (kind === ProbeKind.PAGE_WALK) this.count(String(b), 1);
    else if (kind === ProbeKind.PAGE_WALK_END) this.count(String(b), -1);
    else if (kind === ProbeKind.LINK_STATE && a === 0) this.down(timePs);
    else if (kind === ProbeKind.REQUEST_REFUSED) {
      const train = this.requests.get(a);
      if (train !== undefined) this.fates.set(train, { what: 'refused', timePs, byTranslation: c === 1 });
    }
  }

  private count(page: string, more: number): void {
    const walks = (this.walks.get(page) ?? 0) + more;
    if (walks > 0) {
      this.walks.set(page, walks);
      return;
    }
    this.walks.delete(page);
    for (const each of this.posted) if (each.walk === page) each.walk = null;
    this.drain();
  }

  /** What arrives before an instant is there; a walk for it has begun when it arrived, or before. */
  private arrive(timePs: number): void {
    if (this.underWay.length === 0) return;
    this.underWay = this.underWay.filter(({ arrivalPs }) => arrivalPs >= timePs);
    for (const each of this.posted) {
      if (each.arrived || each.train.arrivalPs >= timePs) continue;
      each.arrived = true;
      const page = String(Math.floor(each.train.address / 4096) | 0);
      if (this.walks.has(page)) each.walk = page;
    }
    this.drain();
  }

  private drain(): void {
    const { posted } = this;
    let done = 0;
    while (done < posted.length && posted[done].arrived && posted[done].walk === null) done++;
    if (done > 0) this.posted = posted.slice(done);
  }

  private down(timePs: number): void {
    const fate = { what: 'linkDown', timePs, byTranslation: false } as const;
    for (const train of this.underWay) this.fates.set(train, fate);
    for (const { train } of this.posted) this.fates.set(train, fate);
    this.underWay = [];
    this.posted = [];
  }
}
