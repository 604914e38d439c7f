import { ProbeKind } from '../../kernel/index.ts';
import type { LogRecord } from '../../trace/index.ts';
import type { LogNames } from '../views/log-names.ts';
import type { LoggedRings } from '../views/logged-rings.ts';
import { TAIL } from './queue-access.ts';
import type { Train } from './trains.ts';

/** A write of a ring's tail. */
export interface TailWrite {
  /** REGISTER_WRITE. */
  readonly record: LogRecord;
  /** Position in the log. */
  readonly at: number;
  /** Descriptors from this one on, and up to the value, are handed over; null where the log does not have the write before. */
  readonly before: number | null;
  /** Of a receive ring, the descriptor that was filled last by then, or -1. */
  readonly filled: number;
  /** Descriptors of the ring. */
  readonly size: number;
  /** What carried it over the link; null if the log does not have it. */
  readonly train: Train | null;
}

/** All writes of tails in a log. */
export class RingTails {
  private readonly names: LogNames;
  private readonly rings: LoggedRings;
  private readonly byQueue = new Map<string, TailWrite[]>();
  private readonly filled = new Map<number, number>();
  /** Writes of software's that have not arrived. */
  private underWay: Train[] = [];

  /** @param names and `rings` at the record that is taken next. */
  constructor(names: LogNames, rings: LoggedRings) {
    this.names = names;
    this.rings = rings;
  }

  /** A register write on its way to the card. */
  train(train: Train): void {
    this.underWay.push(train);
  }

  /** Takes every record, before the rings do. */
  record(record: LogRecord, at: number): void {
    const { a, b, c, timePs, kind } = record;
    if (kind === ProbeKind.RX_DESCRIPTOR) this.filled.set(a, b);
    if (kind !== ProbeKind.REGISTER_WRITE) return;
    const train =
      this.underWay.find(({ arrivalPs, word }) => arrivalPs === timePs && word === c >>> 0) ?? null;
    this.underWay = this.underWay.filter((each) => each !== train && each.arrivalPs >= timePs);
    const access = this.names.queueRegister(a, b);
    if (access?.register !== TAIL) return;
    const { transmit, queue } = access;
    const { tail, running, size } = this.rings.ring(queue, transmit);
    const filled = transmit ? -1 : (this.filled.get(queue) ?? -1);
    const write = { record, at, before: tail, filled, size: running ?? size ?? 0, train };
    const key = keyOf(transmit, queue);
    const writes = this.byQueue.get(key);
    if (writes === undefined) this.byQueue.set(key, [write]);
    else writes.push(write);
  }

  /**
   * The write that handed a descriptor over: the last one in front of the record `untilAt`, or, where that is below
   * zero, the first one after `fromPs`.
   */
  handedOver(transmit: boolean, queue: number, index: number, untilAt: number, fromPs = 0): TailWrite | null {
    const writes = this.byQueue.get(keyOf(transmit, queue)) ?? [];
    const covering = writes.filter((write) => covers(write, index));
    if (untilAt >= 0) return covering.filter(({ at }) => at < untilAt).pop() ?? null;
    return covering.find(({ record }) => record.timePs >= fromPs) ?? null;
  }
}

function keyOf(transmit: boolean, queue: number): string {
  return `${transmit ? 't' : 'r'}${queue}`;
}

function covers({ before, filled, record, size }: TailWrite, index: number): boolean {
  if (size === 0) return false;
  const tail = record.c & 0xffff;
  if (before !== null) return isBetween(before, tail, index, size);
  // Software gives back no more than was filled, so that a tail between a filled descriptor and the last one has passed it.
  return filled >= 0 && filled !== index && isBetween(index + 1, filled, tail, size);
}

/** Whether `index` is one of those from `from` on, up to and without `to`, in a ring of `size`. */
function isBetween(from: number, to: number, index: number, size: number): boolean {
  const distance = (to - from + size) % size;
  return (index - from + size) % size < distance;
}
