import { ScheduledTurns, type TransmitEngine, TransmitShares } from '../dma/index.ts';
import { type ByteTime, byteTimeOf, EgressScheduler, type Scheduler } from '../kernel/index.ts';
import { byteTimeOfFactor } from '../nicswitch/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import type { NicProfile } from './profile.ts';
import { readTransmitShares, resetTransmitBuffer } from './transmit-division.ts';

/** RTTBCNRC: RS_ENA, and the rate factor. */
const RS_ENA = 1 << 31;
const RATE_FACTOR = 0xff_ffff;
/** RTTBCNRM.MMW_SIZE, in KB. */
const MMW_SIZE = 0x7ff;
const KB = 1024;
/** RTTDCS: arbitration of classes and of pools, and neither. */
const TDPAC = 1 << 0;
const VMPAC = 1 << 1;
const ARBDIS = 1 << 6;
const SPEED_CHG = 1 << 31;
/** MTQC. */
const RT_ENA = 1 << 0;
const VT_ENA = 1 << 1;
const EIGHT_CLASSES = 3;
/** RTTDT1C.CRQ and RTTDT2C: credit in units of 64 bytes. */
const T1_CRQ = 0x3fff;
const T2_CRQ = 0x1ff;
const T2_MCL_SHIFT = 12;
const T2_MCL = 0xfff;
const LSP = 1 << 31;
const CREDIT_BYTES = 64;
/** A card with exact rates: limit in kb/s, and class of the pool. */
const RATE_KBPS = 0x7fff_ffff;
const T1_CLASS_SHIFT = 16;

const CLASSES = 8;
/** First queue of each class without virtualization (82599 datasheet 7.2.1.2.1). */
const FIRST_OF_EIGHT: readonly number[] = [0, 32, 64, 80, 96, 104, 112, 120];
const FIRST_OF_FOUR: readonly number[] = [0, 64, 96, 112];

/**
 * The transmit descriptor plane: limits of queues, weights of pools, priorities and weights of traffic classes
 * (82599 datasheet 7.7.2 and 8.2.3.10; X550 data sheet, section 7.6.2), as registers ask for them. While they
 * ask for nothing the DMA engine takes its rings in turn, and this costs nothing.
 *
 * Where registers divide the transmit packet buffer among classes, a ring fills the part of the class that it
 * has here, and one whose class has no room is passed over without losing turn, credit or tokens.
 *
 * A card whose profile has exact rates differs: RTTBCNRC of a pool's first queue limits the pool, to so many
 * kb/s, and RTTDT1C has the pool's class in bits 18:16.
 */
export class TransmitScheduling {
  private readonly name: string;
  private readonly scheduler: Scheduler;
  private readonly engine: TransmitEngine;
  private readonly file: RegisterFile;
  private readonly profile: NicProfile;
  private readonly linkMbps: number;
  /** RTTBCNRC and RTTDT1C of each queue. */
  private readonly limits: Int32Array;
  private readonly credits: Int32Array;
  private limited = 0;
  private egress: EgressScheduler | null = null;
  private turns: ScheduledTurns | null = null;
  private inUse = false;

  constructor(
    name: string,
    scheduler: Scheduler,
    engine: TransmitEngine,
    file: RegisterFile,
    profile: NicProfile,
    linkGbps: number,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.engine = engine;
    this.file = file;
    this.profile = profile;
    this.linkMbps = linkGbps * 1000;
    const queues = engine.rings.all.length;
    this.limits = new Int32Array(queues);
    this.credits = new Int32Array(queues);
    file.onRead('RTTBCNRC', () => this.limits[this.selected]);
    file.onWrite('RTTBCNRC', (_, stored) => this.setLimit(this.selected, stored));
    file.onRead('RTTDT1C', () => this.credits[this.selected]);
    file.onWrite('RTTDT1C', (_, stored) => {
      this.credits[this.selected] = stored;
      this.apply();
    });
    file.onWrite('RTTBCNRM', () => this.applyLimits());
    for (const name of ['RTTDCS', 'RTTDT2C', 'MTQC']) file.onWrite(name, () => this.apply());
    resetTransmitBuffer(file, profile.transmitBufferBytes);
  }

  /** The link has another speed: rate factors, which are relative to it, are cleared, and software is told. */
  linkSpeedChanged(): void {
    this.limits.fill(0);
    this.limited = 0;
    this.file.set('RTTDCS', this.file.get('RTTDCS') | SPEED_CHG);
    this.applyLimits();
    this.apply();
  }

  /** TXPBSIZE or TXPBTHRESH has been written. */
  bufferChanged(): void {
    this.apply();
  }

  /** As after CTRL.RST; the register file has been reset. */
  reset(): void {
    resetTransmitBuffer(this.file, this.profile.transmitBufferBytes);
    this.limits.fill(0);
    this.credits.fill(0);
    this.limited = 0;
    this.applyLimits();
    this.apply();
  }

  private get selected(): number {
    return this.file.get('RTTDQSEL') % this.limits.length;
  }

  private setLimit(queue: number, value: number): void {
    this.limited += (value < 0 ? 1 : 0) - (this.limits[queue] < 0 ? 1 : 0);
    this.limits[queue] = value;
    // Limits change on the fly without disturbing what others have of their weights (4.6.11).
    if (!this.inUse || this.limited === 0) this.apply();
    this.applyLimit(queue);
  }

  /** Takes over who is weighted how, and puts this in charge of the engine or out of it. */
  private apply(): void {
    const control = this.file.get('RTTDCS');
    const arbiters = (control & ARBDIS) !== 0 ? 0 : control & (TDPAC | VMPAC);
    const shares = readTransmitShares(this.file, this.profile);
    if (this.limited === 0 && arbiters === 0 && shares === null) {
      this.engine.shares?.divide(null);
      if (this.inUse) this.engine.useTurns(null);
      this.inUse = false;
      return;
    }
    const egress = this.prepare();
    const weighted = (arbiters & VMPAC) !== 0;
    egress.setWeighted(weighted);
    const account = this.engine.shares ?? (shares === null ? null : this.useShares(egress));
    const modes = this.file.get('MTQC');
    for (const queue of this.limits.keys()) {
      const { trafficClass, pool, first } = this.placeOf(queue, modes);
      egress.place(queue, trafficClass, pool);
      account?.place(queue, trafficClass);
      // A pool without credit is as good as never served.
      const quantum = Math.max(1, (this.credits[queue] & T1_CRQ) * CREDIT_BYTES);
      if (first) egress.setVPortWeight(pool, quantum, trafficClass);
    }
    egress.setClassArbitration((arbiters & TDPAC) !== 0 ? 'index' : 'frame');
    for (let each = 0; each < CLASSES; each++) this.applyClass(egress, each);
    account?.divide(shares);
    if (this.inUse || this.turns === null) {
      if (account !== null) this.engine.resume();
      return;
    }
    this.inUse = true;
    this.engine.useTurns(this.turns);
  }

  private applyClass(egress: EgressScheduler, trafficClass: number): void {
    const value = this.file.get('RTTDT2C', trafficClass);
    if ((value & LSP) !== 0) {
      egress.setStrict(trafficClass);
      return;
    }
    const quantum = (value & T2_CRQ) * CREDIT_BYTES;
    const most = ((value >> T2_MCL_SHIFT) & T2_MCL) * CREDIT_BYTES;
    egress.setClassWeight(trafficClass, quantum, Math.max(1, most));
  }

  private applyLimits(): void {
    for (const queue of this.limits.keys()) this.applyLimit(queue);
    if (this.inUse) this.engine.resume();
  }

  private applyLimit(queue: number): void {
    const { egress } = this;
    if (egress === null) return;
    const { now } = this.scheduler;
    const window = (this.file.get('RTTBCNRM') & MMW_SIZE) * KB;
    const byteTime = this.byteTimeOf(this.limits[queue]);
    if (this.profile.exactRates !== true) egress.setQueueRate(queue, byteTime, window, now);
    else if (queue % this.profile.queuesPerPool === 0) {
      egress.setVPortRate(queue / this.profile.queuesPerPool, byteTime, window, now);
    }
    if (this.inUse) this.engine.resume();
  }

  private byteTimeOf(limit: number): ByteTime | null {
    if ((limit & RS_ENA) === 0) return null;
    if (this.profile.exactRates === true) return byteTimeOf(Math.max(1, limit & RATE_KBPS));
    return byteTimeOfFactor(limit & RATE_FACTOR, this.linkMbps);
  }

  /** Class and pool of a queue, and whether it stands for its pool in that class. */
  private placeOf(queue: number, modes: number): { trafficClass: number; pool: number; first: boolean } {
    const queuesPerPool = Math.max(this.profile.queuesPerPool, queuesByMode(modes));
    const eight = ((modes >> 2) & 3) === EIGHT_CLASSES;
    if ((modes & RT_ENA) === 0) {
      const first = queue - (queue % queuesPerPool);
      const trafficClass =
        this.profile.exactRates === true ? (this.credits[first] >> T1_CLASS_SHIFT) & (CLASSES - 1) : 0;
      return { trafficClass, pool: first / queuesPerPool, first: queue === first };
    }
    if ((modes & VT_ENA) !== 0) {
      const classes = eight ? 8 : 4;
      return { trafficClass: queue % classes, pool: Math.floor(queue / classes), first: true };
    }
    const trafficClass = (eight ? FIRST_OF_EIGHT : FIRST_OF_FOUR).findLastIndex((first) => first <= queue);
    return { trafficClass, pool: 0, first: false };
  }

  /** @internal */
  useShares(egress: EgressScheduler): TransmitShares {
    const { engine, profile, limits } = this;
    const setClosed = (trafficClass: number, closed: boolean) => egress.setPaused(trafficClass, closed);
    engine.shares = new TransmitShares(limits.length, profile.frameSlots, setClosed);
    return engine.shares;
  }

  /** @internal */
  prepare(): EgressScheduler {
    if (this.egress !== null) return this.egress;
    const { engine, profile } = this;
    const rings = engine.rings.all;
    const egress = new EgressScheduler({ queues: rings.length, vports: profile.pools, classes: CLASSES });
    this.egress = egress;
    this.turns = new ScheduledTurns(this.name, rings, egress, this.scheduler, () => engine.resume());
    return egress;
  }
}

/** Queues of a pool by MTQC: two, four or eight. */
function queuesByMode(modes: number): number {
  return (modes & VT_ENA) === 0 ? 0 : 1 << ((modes >> 2) & 3);
}
