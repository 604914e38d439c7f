import { type Component, ProbeKind, type Scheduler } from '../kernel/index.ts';
import { AckNak } from './ack-nak.ts';
import { BAD_DLLP, BAD_TLP, RECEIVER_ERROR, REPLAY_ROLLOVER, REPLAY_TIMEOUT } from './capabilities/aer.ts';
import { CAP_PCI_EXPRESS } from './capabilities/ids.ts';
import { CreditUpdates } from './credit-updates.ts';
import { Damage, type DataLinkErrors, type LinkPacket } from './data-link-errors.ts';
import { reportCorrectable } from './error-report.ts';
import type { PcieFunction } from './function.ts';
import { pauseDirection, resend, sendDllp } from './link-again.ts';
import type { LinkDirection } from './link-direction.ts';
import { symbolPs } from './link-rate.ts';
import { LinkWire } from './link-wire.ts';
import { ReplayBuffer, type ReplayCause, type ReplayEntry, type Replayer } from './replay-buffer.ts';
import { replayTimerSymbols, SIMPLIFIED_GENERATION } from './replay-timer.ts';
import { DLLP_BYTES, type FlowClass, TlpKind } from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';
import type { Foresight } from './tlp-receiver.ts';
import { recordResent } from './tlp-record.ts';

/** Which packets of a direction bit errors hit, and who is told what comes of it. Sequence numbers have twelve bits. */
export interface BitErrors {
  /** In which of the bytes of a packet that leaves now the first wrong bit is, counted from 0; -1 for none. */
  hits(bytes: number, isTlp: boolean): number;
  /** It has been hit, and arrives in `delayPs`; `sequence` is that of a TLP, -1 for DLLPs. */
  struck(packet: LinkPacket, sequence: number, delayPs: number, damage: Damage): void;
  /** All from a sequence number on is sent again: so many TLPs, perhaps after the link has been retrained. */
  replayed(cause: ReplayCause, sequence: number, tlps: number, isRetrained: boolean): void;
  /** The TLP with that number, which had been lost, has left again and arrives in `delayPs` to be taken. */
  recovered(sequence: number, delayPs: number): void;
}

const SEQUENCE_MASK = 0xfff;
/** Estimate: from L0 through Recovery and back. */
const RETRAIN_PS = 10_000_000;
/** Link Control, from the PCI Express capability on, and its Extended Synch (7.8.7). */
const LINK_CONTROL = 0x10;
const EXTENDED_SYNCH = 1 << 7;
/** From this generation on packets begin with tokens, have no end symbol, and a wrong token ends the data stream. */
const TOKENS = 3;
/** Bytes of STP and SDP tokens (4.2.2.3). */
const STP_BYTES = 4;
const SDP_BYTES = 2;
/** Bits of an event's second number for {@link Damage}; the epoch is above. */
const DAMAGE_BITS = 2;
const IS_NAK = 1 << DAMAGE_BITS;

/**
 * Bit errors of one direction of a link, and how its data link layers repair them (PCI Express Base 3.6). A TLP whose LCRC is
 * wrong is discarded with a Nak, and all behind it as out of sequence, until the transmitter has sent them again from its
 * replay buffer. A DLLP whose CRC is wrong is discarded: a lost Ack or Nak is made good by a later Ack or by REPLAY_TIMER, a lost
 * UpdateFC by the next (`CreditUpdates`). A packet whose framing is wrong is none for the receiver, which from 8 GT/s on
 * has the link retrained.
 *
 * It stands before whoever foresees arrivals, and is there only while somebody wants errors; what has left before it came
 * arrives. A train is delivered as a whole, when the last of its TLPs is taken. Acks for this direction go through the one
 * of the other direction, if there is one.
 */
export class LinkErrors implements Foresight, DataLinkErrors, Replayer, Component {
  readonly name: string;
  /** What runs for a train that is not as usual, and when: of the one that was asked about last. */
  foreseen: number;
  foreseenPs = 0;
  /** Packets that arrived with a wrong LCRC or CRC-16, TLPs out of sequence among them; those that were none. */
  badTlps = 0;
  badDllps = 0;
  receiverErrors = 0;
  /** TLPs sent again, times that REPLAY_NUM rolled over, and that the receiver had the link retrained. */
  replayed = 0;
  rollovers = 0;
  recoveries = 0;

  private readonly scheduler: Scheduler;
  private readonly direction: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly inner: Foresight | null;
  private readonly errors: BitErrors;
  private readonly receiver: PcieFunction;
  private readonly transmitter: PcieFunction;
  private readonly discard: number;
  private readonly arrive: number;
  private readonly answer: number;
  private readonly buffer: ReplayBuffer;
  private readonly acks: AckNak;
  private readonly credits: CreditUpdates;
  /** What the receiver will expect when all has arrived that has left. */
  private ahead: number;
  /** While the receiver is not in a data stream, it takes nothing: from one instant to another. */
  private deafFrom = 0;
  private deafUntil = 0;

  /**
   * @param receiver and `transmitter` note what they find in AER.
   * @throws RangeError for a link in Flit Mode, whose errors are those of flits.
   */
  constructor(
    scheduler: Scheduler,
    direction: LinkDirection,
    tlps: TlpPool,
    errors: BitErrors,
    receiver: PcieFunction,
    transmitter: PcieFunction,
  ) {
    const { name, nextSequence } = direction;
    if (!(direction.wire instanceof LinkWire))
      throw new RangeError('bit errors must be on a link of generation 1 to 5, got one in Flit Mode');
    this.name = name;
    this.scheduler = scheduler;
    this.direction = direction;
    this.tlps = tlps;
    this.inner = direction.foresight;
    this.errors = errors;
    this.receiver = receiver;
    this.transmitter = transmitter;
    this.discard = scheduler.task(`${name}.discard`, () => {});
    this.arrive = scheduler.task(`${name}.tlp`, (sequence, what) => this.arrived(sequence, what));
    this.answer = scheduler.task(`${name}.answer`, (sequence, what) => this.answered(sequence, what));
    this.foreseen = this.discard;
    this.ahead = nextSequence;
    this.buffer = new ReplayBuffer(name, scheduler, this, nextSequence, () => this.replayTimerPs());
    const { updateLatencyPs } = direction.wire;
    this.acks = new AckNak(name, scheduler, nextSequence, updateLatencyPs, (isNak, sequence) =>
      this.reply(isNak, sequence),
    );
    this.credits = new CreditUpdates(scheduler, direction, () => this.extendedSynch(this.receiver));
    direction.foresight = this;
    direction.errors = this;
    // Its Acks are sent one by one from here on.
    direction.reverse.wire.nextAckPs = Number.POSITIVE_INFINITY;
  }

  foresee(tlp: Tlp, delayPs: number): boolean {
    const { direction, buffer } = this;
    const { index, flowClass, count, kind } = tlp;
    const sequence = direction.nextSequence - count;
    const bytes = tlp.linkBytes / count;
    const isRead = kind === TlpKind.MEMORY_READ;
    const entry = { index, flowClass, isRead, sequence, count, bytes, delivered: false };
    buffer.add(entry, direction.wire.freeAt - this.duration(entry, 1));
    if (buffer.isFull) direction.hold(1);
    this.transmit(entry, 0, false);
    if (!entry.delivered) {
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

  replay(cause: ReplayCause, tlps: number, isRetrained: boolean): void {
    const { buffer, direction, scheduler } = this;
    const { now } = scheduler;
    this.replayed += tlps;
    this.errors.replayed(cause, (buffer.acked + 1) & SEQUENCE_MASK, tlps, isRetrained);
    if (cause === 'REPLAY_TIMER') reportCorrectable(this.transmitter, REPLAY_TIMEOUT);
    if (isRetrained) {
      this.rollovers++;
      reportCorrectable(this.transmitter, REPLAY_ROLLOVER);
      this.retrainBoth();
    }
    let isFirst = true;
    for (const entry of buffer.entries) {
      const first = Math.max(0, buffer.acked + 1 - entry.sequence);
      resend(direction, now, Math.round(entry.bytes * (entry.count - first)));
      if (isFirst) buffer.again(direction.wire.freeAt - this.duration(entry, first + 1));
      isFirst = false;
      this.transmitAgain(entry, first);
    }
  }

  release(flowClass: FlowClass, headers: number, data: number, delayPs: number): void {
    this.credits.release(flowClass, headers, data, delayPs);
  }

  restart(waiting: Tlp[]): void {
    const { records } = this.tlps;
    for (const { index } of this.buffer.restart()) waiting.push(records[index]);
    this.acks.restart();
    this.credits.restart();
    this.ahead = this.deafFrom = this.deafUntil = 0;
  }

  dllpLeaves(packet: LinkPacket, delayPs: number): Damage {
    const at = this.errors.hits(DLLP_BYTES, false);
    const damage = this.damageOf(at, DLLP_BYTES, SDP_BYTES, delayPs);
    if (at >= 0) this.errors.struck(packet, -1, delayPs, damage);
    return damage;
  }

  dllpDamaged(damage: Damage): void {
    if (damage === Damage.FRAMING) this.framingError();
    if (damage !== Damage.CRC) return;
    this.badDllps++;
    reportCorrectable(this.receiver, BAD_DLLP);
  }

  retrain(durationPs: number): void {
    pauseDirection(this.direction, this.scheduler.now, durationPs);
    this.buffer.hold(durationPs);
  }

  reset(): void {
    this.badTlps = this.badDllps = this.receiverErrors = this.replayed = this.rollovers = this.recoveries = 0;
    this.buffer.timeouts = this.acks.acks = this.acks.naks = this.acks.duplicates = 0;
  }

  counters(): Record<string, number> {
    const { badTlps, badDllps, receiverErrors, replayed, rollovers, recoveries, acks, buffer } = this;
    return {
      badTlps,
      badDllps,
      receiverErrors,
      duplicateTlps: acks.duplicates,
      acks: acks.acks,
      naks: acks.naks,
      replayedTlps: replayed,
      replayTimeouts: buffer.timeouts,
      retrained: rollovers + recoveries,
    };
  }

  /** Time from the end of the TLP before number `from` of a train to the end of the last one. */
  private duration({ bytes, count }: ReplayEntry, from: number): number {
    return from === count ? 0 : this.direction.wire.duration(bytes * (count - from));
  }

  /** The TLPs of a train, from `first` on, have been given to the link: which are hit, and what the receiver takes. */
  private transmit(entry: ReplayEntry, first: number, isAgain: boolean): void {
    const { scheduler, direction, errors } = this;
    const { count } = entry;
    const bytes = Math.round(entry.bytes);
    const lastPs = direction.wire.freeAt + direction.flightPs - scheduler.now;
    for (let i = first; i < count; i++) {
      const delayPs = lastPs - this.duration(entry, i + 1);
      const sequence = entry.sequence + i;
      const short = sequence & SEQUENCE_MASK;
      const at = errors.hits(bytes, true);
      const damage = this.damageOf(at, bytes, STP_BYTES, delayPs);
      if (at >= 0) errors.struck('TLP', short, delayPs, damage);
      if (damage !== Damage.NONE) {
        const where = direction.number | ((damage - 1) << 1);
        direction.probe.record(ProbeKind.TLP_BAD, where, short, delayPs);
      } else if (sequence === this.ahead) {
        this.ahead++;
        if (isAgain) errors.recovered(short, delayPs);
      }
      scheduler.schedule(delayPs, this.arrive, sequence | 0, damage | (direction.epoch << DAMAGE_BITS));
    }
    if (this.ahead >= entry.sequence + count) entry.delivered = true;
  }

  /** As {@link LinkErrors.transmit}, from the replay buffer. */
  private transmitAgain(entry: ReplayEntry, first: number): void {
    const { scheduler, direction, inner } = this;
    const { index, flowClass, sequence, isRead, delivered } = entry;
    const lastPs = direction.wire.freeAt + direction.flightPs - scheduler.now;
    const tlp = this.tlps.records[index];
    // Of a train that has been delivered the record may be another's.
    const extraPs = delivered ? 0 : tlp.extraPs;
    // A train of reads begins to be answered with its first request, and so the rest of one with the last.
    const delayPs = lastPs + extraPs - (isRead && first === 0 ? this.duration(entry, 1) : 0);
    const { sink } = direction.probe;
    if (sink !== null) {
      const departure = direction.departure(flowClass, sequence + first, delayPs);
      recordResent(sink, scheduler.now, entry, first, departure);
    }
    this.transmit(entry, first, true);
    if (delivered || !entry.delivered) return;
    const isForeseen = inner?.foresee(tlp, delayPs, entry.bytes * (entry.count - first)) === true;
    const task = isForeseen ? inner.foreseen : direction.arrive;
    scheduler.schedule(delayPs + (isForeseen ? inner.foreseenPs : 0), task, index, direction.epoch);
  }

  /** What a wrong bit in a byte makes of a packet that arrives in `delayPs`; -1 for no such byte. */
  private damageOf(at: number, bytes: number, tokenBytes: number, delayPs: number): Damage {
    const arrivalPs = this.scheduler.now + delayPs;
    if (arrivalPs > this.deafFrom && arrivalPs < this.deafUntil) return Damage.RECOVERY;
    if (at < 0) return Damage.NONE;
    const hasTokens = this.direction.rate.generation >= TOKENS;
    if (hasTokens ? at >= tokenBytes : at > 0 && at < bytes - 1) return Damage.CRC;
    if (hasTokens) {
      this.deafFrom = arrivalPs;
      this.deafUntil = arrivalPs + RETRAIN_PS;
    }
    return Damage.FRAMING;
  }

  /** A TLP has arrived. */
  private arrived(low: number, what: number): void {
    if (what >> DAMAGE_BITS !== this.direction.epoch) return;
    const damage = what & (IS_NAK - 1);
    if (damage === Damage.RECOVERY) return;
    if (damage === Damage.FRAMING) {
      this.framingError();
      return;
    }
    const { acks } = this;
    const outcome = acks.receive(acks.expected + ((low - acks.expected) | 0), damage === Damage.NONE);
    if (outcome !== 'bad' && outcome !== 'outOfSequence') return;
    this.badTlps++;
    reportCorrectable(this.receiver, BAD_TLP);
  }

  private framingError(): void {
    this.receiverErrors++;
    reportCorrectable(this.receiver, RECEIVER_ERROR);
    if (this.direction.rate.generation < TOKENS || this.scheduler.now < this.direction.trainedAt) return;
    this.recoveries++;
    this.retrainBoth();
  }

  private retrainBoth(): void {
    const { reverse } = this.direction;
    this.retrain(RETRAIN_PS);
    if (reverse.errors === null) pauseDirection(reverse, this.scheduler.now, RETRAIN_PS);
    else reverse.errors.retrain(RETRAIN_PS);
  }

  /** The receiver sends an Ack or a Nak. */
  private reply(isNak: boolean, sequence: number): void {
    const { scheduler, direction } = this;
    const { reverse } = direction;
    const delayPs = sendDllp(reverse, scheduler.now);
    const damage = reverse.errors?.dllpLeaves(isNak ? 'Nak' : 'Ack', delayPs) ?? Damage.NONE;
    const what = damage | (isNak ? IS_NAK : 0) | (direction.epoch << (DAMAGE_BITS + 1));
    scheduler.schedule(delayPs, this.answer, sequence | 0, what);
  }

  /** An Ack or a Nak has arrived. */
  private answered(low: number, what: number): void {
    const { direction, buffer } = this;
    if (what >> (DAMAGE_BITS + 1) !== direction.epoch) return;
    const damage = (what & (IS_NAK - 1)) as Damage;
    if (damage !== Damage.NONE) {
      direction.reverse.errors?.dllpDamaged(damage);
      return;
    }
    buffer.acknowledge(buffer.acked + ((low - buffer.acked) | 0), (what & IS_NAK) !== 0);
    if (!buffer.isFull) direction.hold(0);
  }

  /** REPLAY_TIMER limit: that of the specification, or the round trip of a link whose ends are further from each other. */
  private replayTimerPs(): number {
    const { rate, maxPayloadBytes, flightPs, wire } = this.direction;
    const isExtended = rate.generation >= SIMPLIFIED_GENERATION && this.extendedSynch(this.transmitter);
    const limitPs = replayTimerSymbols(rate, maxPayloadBytes, isExtended) * symbolPs(rate);
    return Math.max(limitPs, 2 * (flightPs + wire.dllpPs) + wire.updateLatencyPs);
  }

  private extendedSynch(fn: PcieFunction): boolean {
    return (fn.config.read16(fn.findCapability(CAP_PCI_EXPRESS) + LINK_CONTROL) & EXTENDED_SYNCH) !== 0;
  }
}
