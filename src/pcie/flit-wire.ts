import { checkInteger } from '../base/index.ts';
import { FLIT_BYTES, FLIT_TLP_BYTES, FlitClock } from './flit.ts';
import { FlitPacker } from './flit-packer.ts';
import { flitModeBytes } from './flit-tlp.ts';
import type { LinkRate } from './link-rate.ts';
import type { Wire } from './link-wire.ts';
import type { Tlp } from './tlp-pool.ts';

/** An UpdateFC of a class at most in so many flits: all three classes find room, as a flit has room for one. */
const UPDATE_FLITS = 4;
/** Flits to come whose DLP bytes have been given away, that are kept apart. */
const TAKEN = 8;

/**
 * One direction of a link in Flit Mode: flits without a pause, whose TLP bytes carry TLPs or NOP TLPs, whose DLP bytes carry
 * an Ack or Nak and one other DLLP, and a CRC and FEC behind them (PCI Express Base 6.0 4.2.3.4).
 *
 * A TLP begins as soon as there is room in the flit that is on its way, and has arrived with the end of the flit that has its
 * last byte: before that neither FEC nor CRC can say whether it is good. Acks and UpdateFCs take no symbol times of TLPs.
 */
export class FlitWire implements Wire {
  readonly updateLatencyPs: number;
  readonly skipBytes: number;
  /** Time of a flit. */
  readonly dllpPs: number;
  /** Nothing is due that would hold up TLPs, and no Ack is a packet of its own. */
  readonly nextDuePs = Number.POSITIVE_INFINITY;
  nextAckPs = Number.POSITIVE_INFINITY;
  /** DLP, CRC and FEC of a flit. */
  readonly dllpBytes = FLIT_BYTES - FLIT_TLP_BYTES;
  /** Of them, those whose DLP bytes have an UpdateFC that was due. */
  updatesSent = 0;
  skipsSent = 0;
  /** When the next TLP can begin. */
  freeAt = 0;
  tlpBytes = 0;

  readonly clock: FlitClock;
  private readonly time: { readonly now: number };
  readonly packer = new FlitPacker();
  /** Time of the packer's place. */
  private packedPs = 0;
  private firstEndPs = 0;
  private lastEndPs = 0;
  /** Flits whose DLP bytes carry an UpdateFC already: the youngest of them, in a ring. */
  private readonly taken = new Float64Array(TAKEN).fill(-1);
  private takes = 0;
  /** What had been counted at the last reset. */
  private flitsBefore = 0;
  private skipsBefore = 0;

  /** @throws RangeError for a generation other than 6, or a width that does not exist. */
  constructor(time: { readonly now: number }, rate: LinkRate) {
    checkInteger('generation in Flit Mode', rate.generation, 6, 6);
    const clock = new FlitClock(rate);
    this.time = time;
    this.clock = clock;
    this.dllpPs = clock.endOf(0);
    this.updateLatencyPs = clock.timeOf(UPDATE_FLITS, 0);
    this.skipBytes = (clock.skipPs * clock.lanes) / clock.symbol;
  }

  /** Flits that have carried TLPs: each has DLP bytes with an Ack and another DLLP. All others are NOP flits. */
  get dllpsSent(): number {
    return this.packer.flits - this.flitsBefore;
  }

  /** Time of TLPs, of DLP, CRC and FEC of their flits, and of SKIPs, in ps. NOP TLPs and NOP flits are idle. */
  get busyPs(): number {
    return (
      (this.tlpBytes + this.dllpsSent * this.dllpBytes) * this.psPerByte + this.skipsSent * this.clock.skipPs
    );
  }

  /** ps that a byte takes over all lanes. */
  get psPerByte(): number {
    return this.clock.symbol / this.clock.lanes;
  }

  /**
   * Sends `count` TLPs of `linkBytes` now, behind what is under way; returns when the flit with their end has left. Those of
   * `tlp` are to have framing and LCRC that they do not have here: its own `linkBytes` become what it takes.
   */
  send(linkBytes: number, count = 1, tlp?: Tlp): number {
    const { packer, clock } = this;
    let bytes = linkBytes;
    if (tlp !== undefined) bytes = tlp.linkBytes = flitModeBytes(tlp);
    this.skipIdle();
    // TLPs of a train are taken to be as long as each other.
    const each = (bytes / count) & ~3;
    let left = bytes;
    for (let i = 1; i < count; i++, left -= each) {
      packer.place(each);
      if (i === 1) this.firstEndPs = clock.endOf(packer.lastFlit);
    }
    packer.place(left);
    this.tlpBytes += bytes;
    this.freeAt = this.packedPs = clock.timeOf(packer.flit, packer.offset);
    this.lastEndPs = clock.endOf(packer.lastFlit);
    if (count === 1) this.firstEndPs = this.lastEndPs;
    return this.lastEndPs;
  }

  /** Sends flits again, `count` with `bytes` of TLPs, behind what is under way; returns the first of their new numbers. */
  sendFlits(count: number, bytes: number): number {
    const { packer, clock } = this;
    this.skipIdle();
    const first = packer.placeFlits(count);
    this.tlpBytes += bytes;
    this.freeAt = this.packedPs = clock.timeOf(packer.flit, packer.offset);
    return first;
  }

  /** The first flit whose DLP bytes have not begun to leave at `timePs`. */
  dlpFlit(timePs: number): number {
    const { clock } = this;
    clock.locate(timePs);
    return clock.offset > FLIT_TLP_BYTES ? clock.flit + 1 : clock.flit;
  }

  /** Time from the arrival of the first TLP of the train that was sent last to that of its last one. */
  duration(): number {
    return this.lastEndPs - this.firstEndPs;
  }

  /** When the flit has left that has room for a DLLP that is due at `duePs`. */
  dllpEndPs(duePs: number): number {
    return this.clock.endOf(this.dllpFlit(duePs));
  }

  /** An UpdateFC is due at `duePs`, for the next DLP bytes that are not taken. */
  oweUpdate(duePs: number): void {
    this.taken[this.takes++ % TAKEN] = this.dllpFlit(duePs);
    this.updatesSent++;
  }

  /** Every flit has its Ack. */
  oweAcks(): void {}

  settle(nowPs: number): void {
    this.skipsSent = Math.floor(nowPs / this.clock.periodPs) - this.skipsBefore;
  }

  /** As {@link FlitWire.restart}, and nothing counted. */
  reset(nowPs: number): void {
    this.restart(nowPs);
    this.resetCounters(nowPs);
  }

  /** Nothing counted; what is under way stays. */
  resetCounters(nowPs: number): void {
    this.tlpBytes = this.updatesSent = this.skipsSent = 0;
    this.flitsBefore = this.packer.flits;
    this.skipsBefore = Math.floor(nowPs / this.clock.periodPs);
  }

  /** Idle, nothing owed; flits and SKIPs go on in their rhythm. */
  restart(nowPs: number): void {
    this.settle(nowPs);
    this.taken.fill(-1);
    // What was on its way is given up: the next TLP begins in a flit of its own.
    if (this.packedPs > nowPs) this.packer.skipTo(this.packer.lastFlit + 1, 0);
    this.freeAt = this.packedPs = this.clock.timeOf(this.packer.flit, this.packer.offset);
  }

  /** NOP TLPs up to what can be sent next. */
  private skipIdle(): void {
    const { clock } = this;
    const at = Math.max(this.time.now, this.freeAt);
    if (at <= this.packedPs) return;
    clock.locate(at);
    this.packer.skipTo(clock.flit, clock.offset);
  }

  private dllpFlit(duePs: number): number {
    let flit = this.dlpFlit(duePs);
    while (this.taken.includes(flit)) flit++;
    return flit;
  }
}
