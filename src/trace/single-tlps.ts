import { ProbeKind } from '../kernel/index.ts';
import { RESENT_DOWNSTREAM, unpackTlpLink } from '../pcie/index.ts';
import { FirstReplays, isFrom } from './first-replays.ts';
import { LinkStates } from './link-states.ts';
import { LogError, type LogLink } from './log-format.ts';
import type { BinaryLog, LogRecord } from './log-reader.ts';
import { type LogTrain, LogTrains } from './log-trains.ts';
import { type CutTrain, cutTrain, type Departure, type SingleTlp, tlpsOf } from './tlp-cut.ts';
import { isCompletion } from './tlp-kinds.ts';
import { OutstandingRequests } from './tlp-requests.ts';

/**
 * The TLPs of a log one by one, in the order in which their first symbols leave: trains are cut where the link cuts them,
 * by Max_Payload_Size, Max_Read_Request_Size and Read Completion Boundary, and follow each other without a gap at the rate
 * of the link. What is on the link when it goes down is lost; what had not begun to leave is not among them.
 *
 * @throws LogError for a log without a link, and trains that do not come out as they were counted.
 * @example
 * for (const { startPs, downstream, sequence, tag } of singleTlps(new BinaryLog(bytes)))
 *   console.log(startPs, downstream ? 'down' : 'up', sequence, tag);
 */
export function* singleTlps(log: BinaryLog): Generator<SingleTlp> {
  const { link } = log.header;
  if (link === null) throw new LogError('says nothing of a link: there are no TLPs to be had from it');
  const view = new LinkView(link, new LinkStates(log), new FirstReplays(log));
  const trains = new LogTrains();
  for (const record of log.records()) {
    const { kind, timePs } = record;
    const train = trains.add(record);
    if (train !== null) {
      yield* view.until(train.timePs);
      view.sent(train);
    } else if (kind === ProbeKind.LINK_STATE) {
      yield* view.until(timePs);
      view.restart();
    } else if (kind === ProbeKind.TLP_BAD) {
      view.bad(record);
    } else if (kind === ProbeKind.TLP_RESENT || kind === ProbeKind.TLP_LINK) {
      yield* view.until(timePs);
      view.resent(record);
    }
  }
  yield* view.until(Number.POSITIVE_INFINITY);
}

const SEQUENCE_MASK = 0xfff;
const HALF = 2048;
/** How TLP_BAD says that it arrives: with a wrong LCRC, with wrong framing, while the link is retrained. */
const DAMAGED = ['bad', 'unframed', 'discarded'] as const;

/** One direction of the link. */
class Direction {
  /** The link takes trains before their symbols leave: what has not left yet. */
  ahead: SingleTlp[] = [];
  /** The train that was given to it last. */
  last: CutTrain | null = null;
  /** Sequence number that the receiver takes next; -1 before the first. */
  expected = -1;
  /** Sequence number of the next train. */
  next = -1;
  /** Trains by the sequence numbers of their first TLPs: what is sent again has the same. */
  readonly trains = new Map<number, CutTrain>();

  /** What it was when the last train was given to the link. */
  before = -1;
  /** Until the first replay of a log that may begin within one: the TLPs from there on may be discarded. Else -1. */
  unsure: number;
  /** Whether a TLP was hit since the log begins. */
  isBehindBad = false;

  constructor(unsure = -1) {
    this.unsure = unsure;
  }

  /** What the receiver makes of a TLP without an error (PCI Express Base 3.6.3.1). */
  take(sequence: number): 'good' | 'duplicate' | 'discarded' | 'unknown' {
    if (this.unsure >= 0 && isFrom(sequence, this.unsure)) return this.isBehindBad ? 'discarded' : 'unknown';
    if (this.expected < 0) this.expected = sequence;
    if (sequence !== this.expected)
      return ((this.expected - sequence) & SEQUENCE_MASK) <= HALF ? 'duplicate' : 'discarded';
    this.expected = (sequence + 1) & SEQUENCE_MASK;
    return 'good';
  }

  /** A TLP of what was given to the link last does not arrive as it should: what is taken ends in front of it. */
  takeBack(sequence: number): void {
    const { before, expected } = this;
    const isTaken = ((sequence - before) & SEQUENCE_MASK) < ((expected - before) & SEQUENCE_MASK);
    if (isTaken) this.expected = sequence;
  }

  /** A replay begins: what is in front of it has been acknowledged. */
  replayed(sequence: number): void {
    if (this.unsure >= 0) this.expected = sequence;
    this.unsure = -1;
  }
}

/** What is on both directions of the link. */
class LinkView {
  private readonly link: LogLink;
  private readonly outstanding: OutstandingRequests;
  private readonly states: LinkStates;
  private directions: readonly Direction[];
  private count = 0;
  private again: LogRecord | null = null;

  constructor(link: LogLink, states: LinkStates, { from }: FirstReplays) {
    this.directions = from.map((sequence) => new Direction(sequence));
    this.link = link;
    this.states = states;
    this.outstanding = new OutstandingRequests(link.tags);
  }

  /** The link goes down, or is up again: both directions begin anew. */
  restart(): void {
    this.directions = [new Direction(), new Direction()];
    this.outstanding.restart();
  }

  /** A train leaves. */
  sent(train: LogTrain): void {
    const direction = this.directions[Number(train.downstream)];
    const cut = cutTrain(train, this.count++, this.link, this.outstanding);
    direction.trains.set(train.sequence, cut);
    // Another number than the next one: the link has been trained anew, and nothing from before is sent again.
    if (train.sequence !== direction.next) direction.expected = train.sequence;
    direction.next = (train.sequence + train.tlps) & SEQUENCE_MASK;
    this.give(direction, cut, train.timePs, { ...train, first: 0, received: 'good', replayed: false });
  }

  /** A TLP of the train that has just left will not arrive as it should: what was taken from it on is not. */
  bad({ a, b: sequence }: LogRecord): void {
    const direction = this.directions[a & 1];
    const { last, ahead } = direction;
    const at = ahead.findLastIndex((tlp) => tlp.sequence === sequence);
    direction.isBehindBad = true;
    if (at < 0) {
      direction.takeBack(sequence);
      return;
    }
    const received = DAMAGED[a >> 1] ?? 'bad';
    const wasTaken = ahead[at].received === 'good' || ahead[at].received === 'unknown';
    if (ahead[at].received === 'good') direction.expected = sequence;
    direction.ahead = ahead.map((tlp, i) => {
      if (i < at || tlp.received === 'lost') return tlp;
      if (i === at) return { ...tlp, received };
      const isTaken = tlp.received === 'good' || tlp.received === 'unknown';
      return wasTaken && isTaken ? { ...tlp, received: 'discarded' } : tlp;
    });
    if (last !== null && wasTaken) this.hold(last);
  }

  /** The two records of a train that leaves again: which one, and how. */
  resent(record: LogRecord): void {
    const { again } = this;
    this.again = record.kind === ProbeKind.TLP_RESENT ? record : null;
    if (again === null || record.kind !== ProbeKind.TLP_LINK) return;
    const direction = this.directions[Number((again.c & RESENT_DOWNSTREAM) !== 0)];
    const first = again.c & (RESENT_DOWNSTREAM - 1);
    const how = unpackTlpLink(record.a);
    direction.replayed(how.sequence);
    const cut = direction.trains.get((how.sequence - first) & SEQUENCE_MASK);
    if (cut === undefined) {
      // Its train is in front of the log: only what the receiver expects then is known.
      direction.before = direction.expected;
      for (let i = 0; i < again.b; i++) direction.take((how.sequence + i) & SEQUENCE_MASK);
      return;
    }
    const [leftPs, arrivalPs] = [record.timePs + record.b, record.timePs + record.c];
    const departure: Departure = { ...how, first, leftPs, arrivalPs, received: 'good', replayed: true };
    const received = this.give(direction, cut, record.timePs, departure);
    if (received === 'good' && cut.request !== null && isCompletion(cut.train.kind))
      this.outstanding.arrivesAt(cut.request, arrivalPs);
  }

  /** Those that leave by `timePs`, both directions in the order of time. */
  *until(timePs: number): Generator<SingleTlp> {
    const at = [0, 0];
    for (;;) {
      const [up, down] = this.directions.map(
        ({ ahead }, i) => ahead[at[i]]?.startPs ?? Number.POSITIVE_INFINITY,
      );
      const earlier = down < up ? 1 : 0;
      const next = this.directions[earlier].ahead[at[earlier]];
      if (next === undefined || next.startPs > timePs) break;
      at[earlier]++;
      yield next;
    }
    this.directions.forEach(({ ahead }, i) => {
      ahead.splice(0, at[i]);
    });
  }

  /** Returns what becomes of its last TLP. */
  private give(
    direction: Direction,
    cut: CutTrain,
    timePs: number,
    departure: Departure,
  ): SingleTlp['received'] {
    direction.last = cut;
    direction.before = direction.expected;
    const downPs = this.states.lostAt({ ...departure, timePs });
    let received: SingleTlp['received'] = 'lost';
    for (const tlp of tlpsOf(cut, departure, this.link)) {
      // Also of one that is lost: what comes behind it may be there before the link goes down.
      const taken = direction.take(tlp.sequence);
      if (downPs === Number.POSITIVE_INFINITY) {
        received = taken;
        direction.ahead.push(received === 'good' ? tlp : { ...tlp, received });
      } else if (tlp.startPs < downPs) direction.ahead.push(lost(tlp, timePs, downPs));
    }
    // What is there already has arrived before.
    if (received !== 'good' && received !== 'duplicate') this.hold(cut);
    return received;
  }

  /** Completions that do not arrive: the tags of their requests are in use on. */
  private hold({ train, request }: CutTrain): void {
    if (request !== null && isCompletion(train.kind))
      this.outstanding.arrivesAt(request, Number.POSITIVE_INFINITY);
  }
}

/** A TLP of a train that the link was given at `timePs`, and that does not arrive. */
function lost(tlp: SingleTlp, timePs: number, downPs: number): SingleTlp {
  return {
    ...tlp,
    endPs: Math.min(tlp.endPs, downPs),
    arrivalPs: Number.POSITIVE_INFINITY,
    decidedPs: Math.min(tlp.decidedPs, timePs),
    received: 'lost',
  };
}
