import { ProbeKind } from '../kernel/index.ts';
import { RESENT_DOWNSTREAM, unpackTlpHeader, unpackTlpLink } from '../pcie/index.ts';
import { FirstReplays, isFrom } from './first-replays.ts';
import type { BinaryLog, LogRecord } from './log-reader.ts';

/** A time at which a train, or the end of it, has left. */
export interface TrainDeparture {
  /** When it was given to the link, and when its last symbol has left; ps. */
  readonly timePs: number;
  readonly leftPs: number;
  /** When it arrives; Infinity where the receiver does not have all of the train then, or has had it before. */
  arrivalPs: number;
  /** Which of its TLPs is the first that leaves, from 0 on. */
  readonly first: number;
  /** How many of them the receiver takes. */
  taken: number;
  /** False where a log that begins within a replay does not say whether the receiver takes more: it is sent again. */
  isKnown: boolean;
}

/** A train, and all times that it has left. */
interface SentTrain {
  readonly number: number;
  readonly tlps: number;
  readonly departures: TrainDeparture[];
}

/** What has left last in a direction: TLPs from `sequence` on, of which the receiver takes some from `from` on. */
interface Latest {
  readonly train: SentTrain | undefined;
  readonly sequence: number;
  readonly tlps: number;
  readonly from: number;
  readonly arrivalPs: number;
}

/** A direction of the link. */
interface Direction {
  /** Sequence number that the receiver takes next, and that of the next new train; -1 before the first. */
  expected: number;
  next: number;
  latest: Latest | null;
  /** By the sequence number of the first TLP. */
  readonly trains: Map<number, SentTrain>;
  /** Until the first replay of a log that may begin within one: the TLPs from there on may be discarded. Else -1. */
  unsure: number;
  /** Whether a TLP was hit since the log begins. */
  isBehindBad: boolean;
}

const { TLP_SENT, TLP_HEADER, TLP_LINK, TLP_RESENT, TLP_BAD, LINK_STATE } = ProbeKind;
const SEQUENCE_MASK = 0xfff;

/**
 * When the trains of a log arrive of which a TLP was hit by a bit error, or that came behind such a one: the receiver takes none but
 * the TLP with the next sequence number, and the others are sent again (PCI Express Base 3.5.2.1). The log has a train where it leaves
 * first, so that it is read beforehand.
 */
export class TrainArrivals {
  /** Of trains that did not arrive at once, by number of the train. */
  private readonly departures = new Map<number, readonly TrainDeparture[]>();
  private directions = restarted([-1, -1]);

  constructor(log: BinaryLog) {
    // Most logs have none, and need not be read.
    if (log.recordsOf(TLP_RESENT, TLP_BAD).next().done === true) return;
    this.directions = restarted(new FirstReplays(log).from);
    let count = 0;
    let sent: LogRecord | null = null;
    let downstream = false;
    for (const record of log.recordsOf(TLP_SENT, TLP_HEADER, TLP_LINK, TLP_RESENT, TLP_BAD, LINK_STATE)) {
      const { kind, a, b } = record;
      if (kind === TLP_SENT || kind === TLP_RESENT) sent = record;
      else if (kind === TLP_HEADER) downstream = unpackTlpHeader(b).downstream;
      else if (kind === TLP_LINK && sent !== null) {
        if (sent.kind === TLP_RESENT) this.again(sent, record);
        else this.leaves({ number: count++, tlps: sent.c, departures: [] }, Number(downstream), record);
        sent = null;
      } else if (kind === TLP_BAD) this.bad(this.directions[a & 1], b);
      else if (kind === LINK_STATE) this.directions = restarted([-1, -1]);
    }
  }

  /** All times that a train has left, by its number in the log from 0 on; empty for one that arrived at once. */
  of(train: number): readonly TrainDeparture[] {
    return this.departures.get(train) ?? [];
  }

  /** A new train leaves. */
  private leaves(train: SentTrain, number: number, link: LogRecord): void {
    const direction = this.directions[number];
    const { sequence } = unpackTlpLink(link.a);
    // Another number than the next one: the link has been trained anew.
    if (sequence !== direction.next) direction.expected = sequence;
    direction.next = (sequence + train.tlps) & SEQUENCE_MASK;
    direction.trains.set(sequence, train);
    this.left(direction, train, link, 0, train.tlps);
  }

  /** A train, or the end of it, leaves once more. */
  private again({ b: tlps, c }: LogRecord, link: LogRecord): void {
    const direction = this.directions[(c & RESENT_DOWNSTREAM) === 0 ? 0 : 1];
    const first = c & (RESENT_DOWNSTREAM - 1);
    // What is in front of it has been acknowledged.
    if (direction.unsure >= 0) direction.expected = unpackTlpLink(link.a).sequence;
    direction.unsure = -1;
    const train = direction.trains.get((unpackTlpLink(link.a).sequence - first) & SEQUENCE_MASK);
    this.left(direction, train, link, first, tlps);
  }

  private left(
    direction: Direction,
    train: SentTrain | undefined,
    { timePs, a, b, c }: LogRecord,
    first: number,
    tlps: number,
  ): void {
    const { sequence } = unpackTlpLink(a);
    const { expected, unsure } = direction;
    const arrivalPs = timePs + c;
    const end = (sequence + tlps) & SEQUENCE_MASK;
    const isUnsure = unsure >= 0 && isFrom((end - 1) & SEQUENCE_MASK, unsure);
    const from = isUnsure && isFrom(sequence, unsure) ? sequence : expected;
    direction.latest = { train, sequence, tlps, from, arrivalPs };
    if (isUnsure) direction.expected = from === sequence ? sequence : unsure;
    else if (from >= 0 && ((from - sequence) & SEQUENCE_MASK) < tlps) direction.expected = end;
    if (train === undefined) return;
    const isKnown = !isUnsure || direction.isBehindBad;
    train.departures.push({ timePs, leftPs: timePs + b, arrivalPs, first, taken: 0, isKnown });
    this.settle(direction);
  }

  /** A TLP of what has left last does not arrive as it should: nothing from it on is taken. */
  private bad(direction: Direction, sequence: number): void {
    const { latest, expected } = direction;
    if (latest === null) return;
    const isTaken = ((sequence - latest.from) & SEQUENCE_MASK) < ((expected - latest.from) & SEQUENCE_MASK);
    if (isTaken) direction.expected = sequence;
    if (direction.unsure >= 0) {
      // Nothing from it on is taken: of what is in front of it, it may not be known.
      const departure = latest.train?.departures.at(-1);
      if (departure !== undefined && sequence === expected) departure.isKnown = true;
      direction.isBehindBad = true;
    }
    this.settle(direction);
  }

  /** Notes what the receiver takes of what has left last. */
  private settle({ latest, expected }: Direction): void {
    const train = latest?.train;
    if (latest === null || train === undefined) return;
    const departure = train.departures[train.departures.length - 1];
    const { sequence, tlps, from, arrivalPs } = latest;
    departure.taken = (expected - from) & SEQUENCE_MASK;
    const isWhole = departure.taken > 0 && expected === ((sequence + tlps) & SEQUENCE_MASK);
    departure.arrivalPs = isWhole ? arrivalPs : Number.POSITIVE_INFINITY;
    if (train.departures.length > 1 || !isWhole) this.departures.set(train.number, train.departures);
  }
}

function restarted(unsure: readonly number[]): readonly Direction[] {
  return unsure.map((sequence) => ({
    expected: -1,
    next: -1,
    latest: null,
    trains: new Map<number, SentTrain>(),
    unsure: sequence,
    isBehindBad: false,
  }));
}
