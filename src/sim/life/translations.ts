import { ProbeKind } from '../../kernel/index.ts';
import type { LogHeader, LogRecord } from '../../trace/index.ts';
import type { Train } from './trains.ts';

/** What the IOMMU did for a request. Times in ps from power-on. */
export interface Translation {
  /**
   * `hit`: the page was in the IOTLB; `walk`: a walk began for it; `joined`: it waited for the walk of another request;
   * `bypassed`: requests of this function pass as they are.
   */
  readonly outcome: 'hit' | 'walk' | 'joined' | 'bypassed';
  readonly beganPs: number;
  /** Of a walk; null where the log ends before it. */
  readonly endedPs: number | null;
  /** Memory accesses of the walk, level of the page, and the reason of a fault or 0. */
  readonly accesses: number;
  readonly level: number;
  readonly fault: number;
}

interface Walk {
  readonly beganPs: number;
  ended: LogRecord | null;
}

/** A request that is followed. */
interface Followed {
  readonly train: Train;
  walk: Walk | null;
  outcome: 'hit' | 'walk' | 'joined' | 'unknown' | null;
}

const PAGE = 4096;

/**
 * Finds out what the IOMMU did for single requests of the device. A walk is recorded when it begins and when it ends; what
 * needed none was in the IOTLB, if requests of its function are translated at all, which its walks say.
 */
export class Translations {
  private readonly walkers: number;
  private readonly hasEnds: boolean;
  private readonly active = new Map<string, Walk>();
  /** Level that a function's last walk has found: 0 if its requests pass as they are. */
  private readonly levels = new Map<number, number>();
  private readonly followed = new Map<Train, Followed>();
  private open: Followed[] = [];

  /** @param walkers walks that the IOMMU does at once. */
  constructor(header: LogHeader, walkers: number) {
    this.walkers = walkers;
    this.hasEnds = Object.hasOwn((header as { kinds?: object }).kinds ?? {}, 'PAGE_WALK_END');
  }

  /** Follows a request of the device that has just been sent. */
  follow(train: Train): void {
    const followed = { train, walk: null, outcome: null };
    this.followed.set(train, followed);
    this.open.push(followed);
  }

  /** Takes every record of the log. */
  record(record: LogRecord): void {
    const { kind, timePs } = record;
    if (this.open.length > 0) this.settle(timePs);
    if (kind === ProbeKind.PAGE_WALK) this.began(record);
    else if (kind === ProbeKind.PAGE_WALK_END) this.ended(record);
  }

  /** What became of a request that was followed; null if the log does not say. */
  of(train: Train): Translation | null {
    const followed = this.followed.get(train);
    if (followed === undefined) return null;
    const { walk } = followed;
    const outcome = followed.outcome ?? 'unknown';
    if (outcome === 'unknown') return null;
    if (walk !== null) {
      const c = walk.ended?.c ?? 0;
      return {
        outcome: outcome as 'walk' | 'joined',
        beganPs: outcome === 'walk' ? walk.beganPs : train.arrivalPs,
        endedPs: walk.ended?.timePs ?? null,
        accesses: c & 0xff,
        level: (c >> 8) & 0xf,
        fault: c >> 12,
      };
    }
    const level = this.levels.get(train.requester);
    if (level === undefined) return null;
    return {
      outcome: level === 0 ? 'bypassed' : 'hit',
      beganPs: train.arrivalPs,
      endedPs: null,
      accesses: 0,
      level: 0,
      fault: 0,
    };
  }

  /** Requests that have arrived and for which no walk has begun by then have a translation, or wait for a walker. */
  private settle(timePs: number): void {
    for (const followed of this.open) {
      const { train } = followed;
      if (train.arrivalPs >= timePs || followed.outcome !== null) continue;
      const walk = this.active.get(keyOf(train.requester, pageOf(train)));
      if (walk !== undefined) {
        followed.walk = walk;
        followed.outcome = 'joined';
      } else followed.outcome = this.isBusyFor(train) ? 'unknown' : 'hit';
    }
    this.open = this.open.filter(({ outcome }) => outcome === null);
  }

  /** Whether a request may wait for a walker, or for the walk of another function of its guest. */
  private isBusyFor(train: Train): boolean {
    if (this.active.size >= this.walkers) return true;
    const page = String(pageOf(train));
    for (const key of this.active.keys()) if (key.split(' ')[1] === page) return true;
    return false;
  }

  private began({ a, b, timePs }: LogRecord): void {
    const walk: Walk = { beganPs: timePs, ended: null };
    if (this.hasEnds) this.active.set(keyOf(a & 0xffff, b), walk);
    for (const followed of this.open) {
      const { train } = followed;
      if (train.requester !== (a & 0xffff) || pageOf(train) !== b || train.arrivalPs !== timePs) continue;
      followed.walk = walk;
      followed.outcome = 'walk';
    }
  }

  private ended(record: LogRecord): void {
    const routingId = record.a & 0xffff;
    const key = keyOf(routingId, record.b);
    const walk = this.active.get(key);
    if (walk !== undefined) walk.ended = record;
    // A request that arrives at this very instant has found its page, or waited for the end: the log does not say.
    for (const followed of this.open) {
      const { requester, arrivalPs } = followed.train;
      if (requester === routingId && pageOf(followed.train) === record.b && arrivalPs === record.timePs)
        followed.outcome ??= 'unknown';
    }
    this.active.delete(key);
    if (record.c >> 12 === 0) this.levels.set(routingId, (record.c >> 8) & 0xf);
  }
}

function pageOf({ address }: Train): number {
  return Math.floor(address / PAGE) | 0;
}

function keyOf(routingId: number, page: number): string {
  return `${routingId} ${page}`;
}
