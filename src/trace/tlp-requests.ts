import type { LogTrain } from './log-trains.ts';
import { isCompletion } from './tlp-kinds.ts';
import type { TlpPiece } from './tlp-pieces.ts';

/** A train of requests that wants completions. */
export interface TlpRequest {
  readonly train: LogTrain;
  /** What each of its requests is for, and its tag; -1 if none is left. */
  readonly pieces: readonly TlpPiece[];
  readonly tags: readonly number[];
}

/** Tags that a requester of one byte of tags has: software's, in the root complex. */
const ROOT_TAGS = 256;

/**
 * The requests that wait for completions, as a log tells of them, and their tags. The model counts tags and does not
 * number them; here each request takes the lowest that is free, and it is free again when the last symbol of its last
 * completion has arrived, which is when the model counts it so. So no two requests that are outstanding have the same one
 * (PCI Express Base 2.2.6.2), and there are never more of them than the device has.
 */
export class OutstandingRequests {
  private readonly pools: readonly TagPool[];
  /** By number of the record in the pool, which a request keeps until its completion has been taken. */
  private readonly waiting = new Map<number, TlpRequest>();
  /** Sequence number that comes next, by direction; -1 before the first. */
  private readonly expected = [-1, -1];

  /** @param deviceTags tags that the device has for reads. */
  constructor(deviceTags: number) {
    this.pools = [new TagPool(deviceTags), new TagPool(ROOT_TAGS)];
  }

  /**
   * To be told of each train in the order of the log. A link that was reset counts anew, and nothing is outstanding. A
   * record that is used for another request is free: the completion of the one before is lost, and its time is up.
   */
  note(train: LogTrain): void {
    const { downstream, sequence, tlps, index, timePs, kind } = train;
    const direction = Number(downstream);
    const expected = this.expected[direction];
    if (expected >= 0 && sequence !== expected) {
      this.restart();
    }
    this.expected[direction] = (sequence + tlps) & 0xfff;
    const before = this.waiting.get(index);
    if (before !== undefined && !isCompletion(kind)) this.end(before, timePs);
  }

  /** The link has gone down: nothing is outstanding. */
  restart(): void {
    this.waiting.clear();
    for (const pool of this.pools) pool.reset();
    this.expected.fill(-1);
  }

  /** A train of requests has left; returns it with its tags, one a request. */
  asked(train: LogTrain, pieces: readonly TlpPiece[]): TlpRequest {
    const pool = this.pools[Number(train.downstream)];
    pool.settle(train.timePs);
    for (const [, oldest] of this.waiting) {
      if (pool.available >= pieces.length) break;
      // More than the device can have: the completions of the oldest never came.
      if (oldest.train.downstream !== train.downstream) continue;
      this.end(oldest, train.timePs);
      pool.settle(train.timePs);
    }
    const request = { train, pieces, tags: pieces.map(() => pool.take()) };
    this.waiting.set(train.index, request);
    return request;
  }

  /** The train of all its completions has left; returns the request, or null for one from before the log. */
  answered(train: LogTrain): TlpRequest | null {
    const request = this.waiting.get(train.index);
    if (request === undefined || request.train.downstream === train.downstream) return null;
    this.end(request, train.arrivalPs);
    return request;
  }

  /** The completions that have left arrive at another time; infinity for those that are lost so far. */
  arrivesAt(request: TlpRequest, timePs: number): void {
    this.pools[Number(request.train.downstream)].giveAt(timePs, request.tags);
  }

  private end(request: TlpRequest, timePs: number): void {
    this.waiting.delete(request.train.index);
    this.pools[Number(request.train.downstream)].giveAt(timePs, request.tags);
  }
}

/** Numbers from 0 on, of which the lowest that is free goes first. */
class TagPool {
  available: number;
  private readonly used: Uint8Array;
  /** What will be free, in the order of time. */
  private coming: { readonly timePs: number; readonly tags: readonly number[] }[] = [];

  constructor(tags: number) {
    this.available = tags;
    this.used = new Uint8Array(tags);
  }

  take(): number {
    const tag = this.used.indexOf(0);
    if (tag < 0) return -1;
    this.used[tag] = 1;
    this.available--;
    return tag;
  }

  /** They will be free then, and not when it was said before. */
  giveAt(timePs: number, tags: readonly number[]): void {
    this.coming = this.coming.filter((due) => due.tags !== tags);
    this.coming.push({ timePs, tags });
  }

  /** Takes back what is free by `timePs`. */
  settle(timePs: number): void {
    if (this.coming.every((due) => due.timePs > timePs)) return;
    for (const due of this.coming) if (due.timePs <= timePs) this.give(due.tags);
    this.coming = this.coming.filter((due) => due.timePs > timePs);
  }

  reset(): void {
    this.coming = [];
    this.used.fill(0);
    this.available = this.used.length;
  }

  private give(tags: readonly number[]): void {
    for (const tag of tags) {
      if (tag < 0) continue;
      this.used[tag] = 0;
      this.available++;
    }
  }
}
