import { type Component, ProbeKind, type Scheduler } from '../kernel/index.ts';
import { BAD_TLP, REPLAY_ROLLOVER } from './capabilities/aer.ts';
import { reportCorrectable } from './error-report.ts';
import type { PcieFunction } from './function.ts';
import type { LinkDirection } from './link-direction.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';
import type { Foresight } from './tlp-receiver.ts';
import { recordResent } from './tlp-record.ts';

/** Which TLPs bit errors hit, and who is told what comes of it. */
export interface BitErrors {
  /** Whether the TLP that leaves now will arrive with a wrong bit. */
  hits(): boolean;
  /** It has the sequence number `sequence`, and arrives in `delayPs`. */
  struck(sequence: number, delayPs: number): void;
  /**
   * The Nak for it has come, and all from it on is sent again: so many TLPs, perhaps after the link has been retrained.
   */
  replayed(sequence: number, tlps: number, isRetrained: boolean): void;
  /** The TLP with that number has left again and arrives in `delayPs`, without an error. */
  recovered(sequence: number, delayPs: number): void;
}

const SEQUENCE_MASK = 0xfff;
/** Replays without progress until the link is retrained: REPLAY_NUM has two bits (3.5.2.1). */
const REPLAYS = 4;
/** Estimate: from L0 through Recovery and back. */
const RETRAIN_PS = 10_000_000;

/** A train that the receiver discards. */
interface HeldTrain {
  /** Of its record. */
  readonly index: number;
  /** The TLP from which on it is sent again. */
  readonly first: number;
  /** Of its first TLP. */
  readonly sequence: number;
}

/**
 * Bit errors of one direction of a link, and how its data link layers repair them (PCI Express Base 3.5): the receiver
 * discards a TLP whose LCRC is wrong, with a Nak, and all behind it, whose sequence numbers are not the next one; the
 * transmitter sends all of them again from its replay buffer, before anything new. Four replays without progress retrain
 * the link.
 *
 * It stands before whoever foresees arrivals, and is there only while somebody wants errors. A train of several TLPs is
 * sent again from the one that was hit, and is delivered as a whole.
 */
export class LinkErrors implements Foresight, Component {
  readonly name: string;
  /** What runs for a train that is not as usual, and when: of the one that was asked about last. */
  foreseen: number;
  foreseenPs = 0;
  /** TLPs that arrived with a wrong LCRC, Naks for them, TLPs sent again, times that the link was retrained. */
  badTlps = 0;
  naks = 0;
  replayed = 0;
  retrained = 0;

  private readonly scheduler: Scheduler;
  private readonly direction: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly inner: Foresight | null;
  private readonly errors: BitErrors;
  private readonly receiver: PcieFunction;
  private readonly transmitter: PcieFunction;
  private readonly discard: number;
  private readonly nak: number;
  /** Trains that the receiver discards, in order. */
  private held: HeldTrain[] = [];
  /** Sequence number of the train that is sent again; -1 while none is. */
  private again = -1;
  /** From which of its TLPs on. */
  private againFrom = 0;
  private replayNumber = 0;
  /** When the TLP that was hit arrives; what was discarded behind one before it may be on its way still. */
  private badPs = Number.NaN;

  /** @param receiver and `transmitter` note what they find in AER. */
  constructor(
    scheduler: Scheduler,
    direction: LinkDirection,
    tlps: TlpPool,
    errors: BitErrors,
    receiver: PcieFunction,
    transmitter: PcieFunction,
  ) {
    this.name = direction.name;
    this.scheduler = scheduler;
    this.direction = direction;
    this.tlps = tlps;
    this.inner = direction.foresight;
    this.errors = errors;
    this.receiver = receiver;
    this.transmitter = transmitter;
    this.discard = scheduler.task(`${direction.name}.discard`, (index, epoch) =>
      this.discarded(index, epoch),
    );
    this.nak = scheduler.task(`${direction.name}.nak`, (_, epoch) => this.replay(epoch));
    this.foreseen = this.discard;
    direction.foresight = this;
  }

  foresee(tlp: Tlp, delayPs: number): boolean {
    const first = this.again < 0 ? 0 : this.againFrom;
    const sequence = this.again < 0 ? this.direction.nextSequence - tlp.count : this.again;
    const { sink } = this.direction.probe;
    if (sink !== null && this.again >= 0) {
      const departure = this.direction.departure(tlp.flowClass, sequence + first, delayPs);
      recordResent(sink, this.scheduler.now, tlp, first, departure);
    }
    const hit = this.held.length > 0 ? first : this.hitOf(tlp, first);
    if (hit < tlp.count) {
      const isFirst = this.held.length === 0;
      this.held.push({ index: tlp.index, first: hit, sequence });
      this.foreseen = this.discard;
      this.foreseenPs = 0;
      if (isFirst) {
        const bad = (sequence + hit) & SEQUENCE_MASK;
        this.badPs = this.scheduler.now + delayPs;
        this.errors.struck(bad, delayPs);
        if (sink !== null)
          sink.record(this.scheduler.now, ProbeKind.TLP_BAD, this.direction.number, bad, delayPs);
      }
      return true;
    }
    this.replayNumber = 0;
    if (this.again >= 0) this.errors.recovered((sequence + first) & SEQUENCE_MASK, delayPs);
    const { inner } = this;
    if (inner === null || !inner.foresee(tlp, delayPs)) return false;
    this.foreseen = inner.foreseen;
    this.foreseenPs = inner.foreseenPs;
    return true;
  }

  reset(): void {
    this.badTlps = this.naks = this.replayed = this.retrained = 0;
  }

  counters(): Record<string, number> {
    const { badTlps, naks, replayed, retrained } = this;
    return { badTlps, naks, replayedTlps: replayed, retrained };
  }

  /** Which TLP of a train, from `first` on, is hit; `count` for none. */
  private hitOf({ count }: Tlp, first: number): number {
    let at = first;
    while (at < count && !this.errors.hits()) at++;
    return at;
  }

  /** A train arrives that is not taken; the first one has a wrong LCRC. */
  private discarded(index: number, epoch: number): void {
    const isBad = this.held[0]?.index === index && this.scheduler.now === this.badPs;
    if (!isBad || this.wasReset(epoch)) return;
    this.badTlps++;
    this.naks++;
    reportCorrectable(this.receiver, BAD_TLP);
    this.scheduler.schedule(this.direction.sendNak(), this.nak, 0, epoch);
  }

  /** Whether the link was reset meanwhile: then no Nak comes, and nothing is sent again. */
  private wasReset(epoch: number): boolean {
    if (epoch === this.direction.epoch) return false;
    for (const { index } of this.held.splice(0)) this.tlps.lose(this.tlps.records[index]);
    return true;
  }

  /** The Nak has come: all that was held is sent again, in order. */
  private replay(epoch: number): void {
    const { held, direction } = this;
    if (this.wasReset(epoch)) return;
    this.held = [];
    const { records } = this.tlps;
    const isRetrained = ++this.replayNumber === REPLAYS;
    if (isRetrained) {
      this.replayNumber = 0;
      this.retrained++;
      reportCorrectable(this.transmitter, REPLAY_ROLLOVER);
      direction.pause(RETRAIN_PS);
    }
    const count = held.reduce((sum, { index, first }) => sum + records[index].count - first, 0);
    this.replayed += count;
    this.errors.replayed((held[0].sequence + held[0].first) & SEQUENCE_MASK, count, isRetrained);
    for (const { index, first, sequence } of held) {
      const tlp = records[index];
      this.again = sequence;
      this.againFrom = first;
      direction.resend(tlp, tlp.count - first);
    }
    this.again = -1;
  }
}
