import type { LogRecord } from '../../trace/index.ts';
import type { CardReplay } from './card-replay.ts';
import { queueAccess, TAIL } from './queue-access.ts';
import type { Train } from './trains.ts';

/** A write of a ring's tail. */
export interface TailWrite {
  /** REGISTER_WRITE. */
  readonly record: LogRecord;
  /** Position in the log. */
  readonly at: number;
  /** Descriptors from this one on, and up to the value, are handed over. */
  readonly before: number;
  /** What carried it over the link; null if the log does not have it. */
  readonly train: Train | null;
}

/** All writes of tails in a log. */
export class RingTails {
  private readonly card: CardReplay;
  private readonly byQueue = new Map<string, TailWrite[]>();
  private readonly tails = new Map<string, number>();
  private readonly vfs = new Map<number, number>();
  /** Writes of software's that have not arrived. */
  private underWay: Train[] = [];

  constructor(card: CardReplay) {
    this.card = card;
  }

  /** A register write on its way to the card. */
  train(train: Train): void {
    this.underWay.push(train);
  }

  /** A REGISTER_WRITE. */
  record(record: LogRecord, at: number): void {
    const { a, b, c, timePs } = record;
    const train =
      this.underWay.find(({ arrivalPs, word }) => arrivalPs === timePs && word === c >>> 0) ?? null;
    this.underWay = this.underWay.filter((each) => each !== train && each.arrivalPs >= timePs);
    if (a >> 16 !== 0) return;
    const access = queueAccess(this.card.nic.profile, this.vfOf(a & 0xffff), b);
    if (access === null) return;
    const key = keyOf(access.transmit, access.queue);
    if (access.register !== TAIL) return;
    const tail = c & 0xffff;
    const write = { record, at, before: this.tails.get(key) ?? 0, train };
    this.tails.set(key, tail);
    const writes = this.byQueue.get(key);
    if (writes === undefined) this.byQueue.set(key, [write]);
    else writes.push(write);
  }

  /**
   * The write that handed a descriptor over: the last one in front of the record `untilAt`, or, where that is below
   * zero, the first one after `fromPs`.
   */
  handedOver(transmit: boolean, queue: number, index: number, untilAt: number, fromPs = 0): TailWrite | null {
    const { data } = this.card.nic;
    const { size } = (transmit ? data.transmit : data.receive).rings.ring(queue);
    if (size === 0) return null;
    const writes = this.byQueue.get(keyOf(transmit, queue)) ?? [];
    const covering = writes.filter(({ before, record }) => isBetween(before, record.c & 0xffff, index, size));
    if (untilAt >= 0) return covering.filter(({ at }) => at < untilAt).pop() ?? null;
    return covering.find(({ record }) => record.timePs >= fromPs) ?? null;
  }

  private vfOf(routingId: number): number {
    let vf = this.vfs.get(routingId);
    if (vf === undefined) {
      vf = this.card.vfOf(routingId);
      this.vfs.set(routingId, vf);
    }
    return vf;
  }
}

function keyOf(transmit: boolean, queue: number): string {
  return `${transmit ? 't' : 'r'}${queue}`;
}

/** Whether `index` is one of those from `from` on, up to and without `to`, in a ring of `size`. */
function isBetween(from: number, to: number, index: number, size: number): boolean {
  const distance = (to - from + size) % size;
  return (index - from + size) % size < distance;
}
