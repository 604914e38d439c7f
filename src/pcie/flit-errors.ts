import type { Component, Scheduler } from '../kernel/index.ts';
import { RECEIVER_ERROR, REPLAY_ROLLOVER } from './capabilities/aer.ts';
import { CAP_PCI_EXPRESS } from './capabilities/ids.ts';
import { CreditUpdates } from './credit-updates.ts';
import { Damage, type DataLinkErrors, type LinkPacket } from './data-link-errors.ts';
import { reportCorrectable } from './error-report.ts';
import { FlitFate, FlitFates, type WrongBits } from './flit-fates.ts';
import { FlitWire } from './flit-wire.ts';
import type { PcieFunction } from './function.ts';
import { pauseDirection } from './link-again.ts';
import type { LinkDirection } from './link-direction.ts';
import type { FlowClass } from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';
import type { Foresight } from './tlp-receiver.ts';

/** Flits with TLPs that may have no Ack: half of what ten bits of sequence number tell apart (MAX_UNACKNOWLEDGED_FLITS). */
const MOST_FLITS = 511;
/** Replays without progress until the link is retrained: FLIT_REPLAY_NUM has three bits. */
const REPLAYS = 8;
/** Estimate, as of other links: from L0 through Recovery and back. */
const RETRAIN_PS = 10_000_000;
/** Link Control, from the PCI Express capability on, and its Extended Synch (7.5.3.7). */
const LINK_CONTROL = 0x10;
const EXTENDED_SYNCH = 1 << 7;

/** A flit with TLPs that has left and has no Ack yet: an entry of the retry buffer. */
interface SentFlit {
  /** Its number on the wire: that of its last transmission. */
  flit: number;
  /** Bytes of TLPs in it. */
  bytes: number;
}

/** A train that has left and will not arrive before its flits have been sent again. */
interface PendingTrain {
  readonly index: number;
  /** Sequence number of the flit with its last byte. */
  readonly sequence: number;
}

/**
 * Bit errors of one direction of a link in Flit Mode, and how it repairs them (PCI Express Base 6.0 4.2.3.4). Three
 * interleaved codes (FEC) correct one byte each in every flit; that costs nothing and is counted. A flit with more wrong
 * bytes has a wrong CRC and is discarded. The flit behind it says whether it had TLPs: if so the receiver sends a Nak, and
 * discards all flits with TLPs until it has that one. The transmitter sends all from it on again from its retry buffer, whole flits
 * in the next ones that are empty (standard Nak). Acks, Naks and UpdateFCs of the other direction are lost with their flits;
 * an Ack or Nak is in every flit, an UpdateFC is made good by the next (`CreditUpdates`).
 *
 * It stands before whoever foresees arrivals, and is there only while somebody wants errors. A train is delivered
 * as a whole, when the flit with its last byte is taken.
 *
 * @example
 * const random = new RandomStreams(7).stream('upstream');
 * new FlitErrors(scheduler, link.upstream, tlps, wrongBitsAt(1e-6, random), rootPort.function, card.functions[0]);
 */
export class FlitErrors implements Foresight, DataLinkErrors, Component {
  readonly name: string;
  foreseen: number;
  foreseenPs = 0;
  /** Flits with TLPs whose CRC is wrong at the receiver, each time: they are sent again. */
  badFlits = 0;
  replayedFlits = 0;
  /** Each for the first bad flit of those that are sent again; more may be bad behind it. */
  naks = 0;
  /** Times that FLIT_REPLAY_NUM rolled over. */
  rollovers = 0;

  private readonly scheduler: Scheduler;
  private readonly direction: LinkDirection;
  private readonly wire: FlitWire;
  private readonly tlps: TlpPool;
  private readonly inner: Foresight | null;
  private readonly fates: FlitFates;
  private readonly receiver: PcieFunction;
  private readonly transmitter: PcieFunction;
  private readonly credits: CreditUpdates;
  private readonly discard: number;
  private readonly missed: number;
  private readonly nak: number;
  private readonly room: number;
  /** The retry buffer, oldest first; sequence number of its first flit. */
  private sent: SentFlit[] = [];
  private oldest = 0;
  /** Sequence number of the first flit of which it is not known whether the receiver takes it. */
  private judged = 0;
  /** Sequence number of the flit that the receiver waits for and that is lost; -1 for none. */
  private lost = -1;
  /** Trains that wait for a replay, in the order in which they have left. */
  private pending: PendingTrain[] = [];
  private replayNumber = 0;
  /** What the last replay began with. */
  private replayedFrom = -1;
  private counted = { corrected: 0, lost: 0 };

  /**
   * @param bits which bits of the direction arrive wrong, from its next flit on.
   * @param receiver and `transmitter` note what they find in AER.
   * @throws RangeError for a link that is not in Flit Mode.
   */
  constructor(
    scheduler: Scheduler,
    direction: LinkDirection,
    tlps: TlpPool,
    bits: WrongBits,
    receiver: PcieFunction,
    transmitter: PcieFunction,
  ) {
    const { wire, name } = direction;
    if (!(wire instanceof FlitWire))
      throw new RangeError(`${name} must be in Flit Mode, got one with framing`);
    this.name = name;
    this.scheduler = scheduler;
    this.direction = direction;
    this.wire = wire;
    this.tlps = tlps;
    this.inner = direction.foresight;
    this.receiver = receiver;
    this.transmitter = transmitter;
    // What is under way is right.
    wire.clock.locate(scheduler.now);
    const begun = wire.clock.offset > 0 ? wire.clock.flit + 1 : wire.clock.flit;
    this.fates = new FlitFates(bits, Math.max(wire.packer.lastFlit + 1, begun));
    this.credits = new CreditUpdates(scheduler, direction, () => this.extendedSynch());
    this.discard = scheduler.task(`${name}.discard`, () => {});
    this.missed = scheduler.task(`${name}.missed`, (sequence, epoch) => {
      if (epoch === direction.epoch) this.miss(sequence);
    });
    this.nak = scheduler.task(`${name}.nak`, (sequence, epoch) => {
      if (epoch === direction.epoch) this.replay(sequence);
    });
    this.room = scheduler.task(`${name}.acked`, (_, epoch) => {
      if (epoch === direction.epoch) this.makeRoom();
    });
    this.foreseen = this.discard;
    wire.packer.watcher = (flit, bytes) => this.placed(flit, bytes);
    direction.foresight = this;
    direction.errors = this;
  }

  foresee(tlp: Tlp, delayPs: number): boolean {
    this.purge();
    this.judge();
    const sequence = this.end - 1;
    if (this.sent.length > MOST_FLITS) this.hold();
    if (this.lost >= 0) {
      this.pending.push({ index: tlp.index, sequence });
      this.foreseen = this.discard;
      this.foreseenPs = 0;
      return true;
    }
    const { inner } = this;
    if (inner === null || !inner.foresee(tlp, delayPs)) return false;
    this.foreseen = inner.foreseen;
    this.foreseenPs = inner.foreseenPs;
    return true;
  }

  release(flowClass: FlowClass, headers: number, data: number, delayPs: number): void {
    this.credits.release(flowClass, headers, data, delayPs);
  }

  restart(waiting: Tlp[]): void {
    const { records } = this.tlps;
    for (const { index } of this.pending) waiting.push(records[index]);
    this.oldest = this.judged = this.end;
    this.sent = [];
    this.pending = [];
    this.lost = this.replayedFrom = -1;
    this.replayNumber = 0;
    this.credits.restart();
  }

  dllpLeaves(_packet: LinkPacket, delayPs: number): Damage {
    const { clock } = this.wire;
    // In the flit behind whose end the next one begins then.
    clock.locate(this.scheduler.now + delayPs - this.direction.flightPs);
    return this.fates.of(clock.flit - 1) === FlitFate.LOST ? Damage.CRC : Damage.NONE;
  }

  /** Of the flit, nothing is noted: only those with TLPs are missed. */
  dllpDamaged(): void {}

  retrain(durationPs: number): void {
    pauseDirection(this.direction, this.scheduler.now, durationPs);
  }

  reset(): void {
    this.badFlits = this.replayedFlits = this.naks = this.rollovers = 0;
    this.settle();
    this.counted = { corrected: this.fates.corrected, lost: this.fates.lost };
  }

  counters(): Record<string, number> {
    this.settle();
    const { badFlits, replayedFlits, naks, rollovers, fates, counted } = this;
    return {
      correctedFlits: fates.corrected - counted.corrected,
      uncorrectedFlits: fates.lost - counted.lost,
      badFlits,
      naks,
      replayedFlits,
      retrained: rollovers,
    };
  }

  /** The first flit whose DLP bytes can say something from `timePs` on, and that arrives as it is. */
  flitHeard(timePs: number): number {
    let flit = this.wire.dlpFlit(timePs);
    while (this.fates.of(flit) === FlitFate.LOST) flit++;
    return flit;
  }

  /** Sequence number behind the last flit that has left. */
  private get end(): number {
    return this.oldest + this.sent.length;
  }

  /** TLPs, or parts of one, go into a flit. */
  private placed(flit: number, bytes: number): void {
    const last = this.sent.at(-1);
    if (last !== undefined && last.flit === flit) last.bytes += bytes;
    else this.sent.push({ flit, bytes });
  }

  /** Flits have been given to the wire: which of them the receiver takes. */
  private judge(): void {
    const { end, sent, oldest } = this;
    while (this.judged < end) {
      const sequence = this.judged++;
      const { flit } = sent[sequence - oldest];
      if (this.fates.of(flit) !== FlitFate.LOST) continue;
      this.badFlits++;
      // Behind one that is lost all are discarded, and sent again with it.
      if (this.lost >= 0) continue;
      this.lost = sequence;
      // The flit behind it says that it had TLPs; if that is lost as well, the next one with a right CRC says so.
      let next = flit + 1;
      while (this.fates.of(next) === FlitFate.LOST) next++;
      this.schedule(this.arrivalPs(next), this.missed, sequence);
    }
  }

  /** The receiver misses a flit with TLPs. */
  private miss(sequence: number): void {
    this.naks++;
    reportCorrectable(this.receiver, RECEIVER_ERROR);
    this.schedule(this.answerPs(this.scheduler.now), this.nak, sequence);
  }

  /** A Nak has come: all flits from this one on are sent again. */
  private replay(sequence: number): void {
    const { direction, wire, scheduler } = this;
    this.purge(sequence);
    this.replayNumber = sequence === this.replayedFrom ? this.replayNumber + 1 : 1;
    this.replayedFrom = sequence;
    if (this.replayNumber === REPLAYS) {
      this.replayNumber = 0;
      this.rollovers++;
      reportCorrectable(this.transmitter, REPLAY_ROLLOVER);
      this.retrainBoth();
    }
    const { sent } = this;
    const bytes = sent.reduce((sum, each) => sum + each.bytes, 0);
    const first = wire.sendFlits(sent.length, bytes);
    sent.forEach((each, i) => {
      each.flit = first + i;
    });
    direction.tlpBytes += bytes;
    this.replayedFlits += sent.length;
    this.lost = -1;
    this.judged = sequence;
    this.judge();
    this.deliver(scheduler.now);
    this.makeRoom();
  }

  /** Trains whose last flit is taken now that it has been sent again. */
  private deliver(now: number): void {
    const { pending, lost, inner, direction, scheduler } = this;
    const taken = lost < 0 ? this.end : lost;
    while (pending.length > 0 && pending[0].sequence < taken) {
      const { index, sequence } = pending.shift() as PendingTrain;
      const tlp = this.tlps.records[index];
      const delayPs = this.arrivalPs(this.sent[sequence - this.oldest].flit) - now + tlp.extraPs;
      const isForeseen = inner?.foresee(tlp, delayPs, tlp.linkBytes) === true;
      const task = isForeseen ? inner.foreseen : direction.arrive;
      scheduler.schedule(delayPs + (isForeseen ? inner.foreseenPs : 0), task, index, direction.epoch);
    }
  }

  /** Gives up the entries of the retry buffer of which an Ack has come by now, or all before `sequence`. */
  private purge(sequence = -1): void {
    const { sent, scheduler, lost } = this;
    let done = 0;
    while (done < sent.length && this.oldest + done !== lost) {
      if (this.oldest + done >= sequence && this.ackPs(sent[done]) > scheduler.now) break;
      done++;
    }
    if (done === 0) return;
    sent.splice(0, done);
    this.oldest += done;
    this.fates.forget(this.wire.dlpFlit(scheduler.now) - 2);
  }

  /** Nothing more leaves until an Ack has come. */
  private hold(): void {
    this.direction.hold(1);
    if (this.oldest !== this.lost) this.schedule(this.ackPs(this.sent[0]), this.room, 0);
  }

  private makeRoom(): void {
    this.purge();
    if (this.sent.length > MOST_FLITS) this.hold();
    else this.direction.hold(0);
  }

  /** When the Ack of a flit that the receiver takes is there. */
  private ackPs({ flit }: SentFlit): number {
    return this.answerPs(this.arrivalPs(flit));
  }

  /** When an Ack or Nak is there that the receiver has to send at `timePs`. */
  private answerPs(timePs: number): number {
    const { reverse } = this.direction;
    const { clock } = reverse.wire as FlitWire;
    const leavesPs = Math.max(timePs, reverse.trainedAt);
    const flit =
      reverse.errors instanceof FlitErrors
        ? reverse.errors.flitHeard(leavesPs)
        : (reverse.wire as FlitWire).dlpFlit(leavesPs);
    return clock.endOf(flit) + reverse.flightPs;
  }

  private arrivalPs(flit: number): number {
    return this.wire.clock.endOf(flit) + this.direction.flightPs;
  }

  private schedule(timePs: number, task: number, sequence: number): void {
    const { scheduler, direction } = this;
    scheduler.schedule(Math.max(0, timePs - scheduler.now), task, sequence, direction.epoch);
  }

  private retrainBoth(): void {
    const { reverse } = this.direction;
    this.retrain(RETRAIN_PS);
    if (reverse.errors === null) pauseDirection(reverse, this.scheduler.now, RETRAIN_PS);
    else reverse.errors.retrain(RETRAIN_PS);
  }

  /** Flits that have left by now, without TLPs too. */
  private settle(): void {
    const { wire, scheduler } = this;
    wire.clock.locate(scheduler.now);
    this.fates.of(wire.clock.flit - 1);
  }

  private extendedSynch(): boolean {
    const { receiver } = this;
    return (
      (receiver.config.read16(receiver.findCapability(CAP_PCI_EXPRESS) + LINK_CONTROL) & EXTENDED_SYNCH) !== 0
    );
  }
}
