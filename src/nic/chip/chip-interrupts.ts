import { type Probe, ProbeKind, type Scheduler } from '../../kernel/index.ts';
import { MsiInterrupts, type PcieFunction, type Requester } from '../../pcie/index.ts';
import type { CardInterrupts, InterruptBus } from '../interrupts.ts';
import { IntxLine } from './intx-line.ts';
import { Throttles } from './throttles.ts';

/** Entries of the MSI-X table that one function has at most. */
const VECTORS = 64;
/** The PF's number among the functions; VF i has 1 + i. */
const PF = 0;
/** Vectors that have a cause of their own in EICR; the others have theirs in the extended registers. */
const SHARED_VECTORS = 16;
/** What {@link ChipInterrupts.raise} is told for a vector of the PF's: its number and this, beyond the bits of EICR. */
export const PF_VECTORS = 64;
/** EICR: causes that are no queues, and the TCP timer. */
const OTHER_CAUSES = 0x3fff_0000;
export const TCP_TIMER = 30;
const ALL_CAUSES = 0x7fff_ffff;
/** Words of an MSI-X table entry, and its mask bit (PCI 3.0 6.8.2). */
const ENTRY_WORDS = 4;
const ENTRY_MASKED = 1;
/** A unit of EITR at 10 and 1 Gb/s (8.2.3.5.12). */
const UNIT_PS = 2_048_000;
/** Time after which a message is tried again that found no room. */
const RETRY_PS = 100_000;
/** What a vector waits for: nothing, an unmasked entry (which its pending bit tells), or that its function may send. */
const NOTHING = 0;
const MASK = 1;
const MASTER = 2;

/** What GPIE says (82599 data sheet 8.2.3.5.18), as far as causes and messages go. */
export interface InterruptMode {
  /** Multiple_MSIX: the PF's queues have vectors; else all causes have one. */
  isMultiple: boolean;
  /** EIMEN: what EICS sets does not wait for EITR. */
  setsAtOnce: boolean;
  /** PBA_support: enabling a cause by EIMS clears the pending bit of its vector. */
  enablingClearsPending: boolean;
}

/**
 * Interrupts of an 82599 (data sheet 7.3): causes of 64 vectors of the PF and three of each VF, other causes that share one, MSI-X
 * with pending bits, MSI and INTx for the PF, moderation by vector with low latency interrupts.
 *
 * A vector's message goes out after a cause of it has come up that is enabled, or has been enabled while it was up: once, whether
 * the cause is cleared or not, until it comes up again.
 */
export class ChipInterrupts implements CardInterrupts {
  readonly name: string;
  readonly causes: Int32Array;
  readonly enabled: Int32Array;
  readonly autoClear: Int32Array;
  readonly autoMask: Int32Array;
  /** IVAR_MISC: vectors of the other causes and of the TCP timer, -1 for none. */
  readonly otherVector: Int32Array;
  timerVector = -1;
  /** Of the PF's vectors, a bit each, as the extended registers have them; those below 16 are in EICR, EIMS and EIAM. */
  readonly highCauses = new Int32Array(VECTORS / 32);
  readonly highEnabled = new Int32Array(VECTORS / 32);
  readonly highAutoMask = new Int32Array(VECTORS / 32);
  readonly mode: InterruptMode = { isMultiple: false, setsAtOnce: false, enablingClearsPending: false };
  readonly throttles: Throttles;
  readonly sent: Float64Array;
  raised = 0;
  delivered = 0;
  moderated = 0;

  private readonly scheduler: Scheduler;
  private readonly probe: Probe;
  private readonly bus: InterruptBus;
  private readonly latencyPs: number;
  private readonly tables: Int32Array;
  private readonly armed: Uint8Array;
  /** When the message of an armed vector goes out. */
  private readonly dueAt: Float64Array;
  private readonly waits: Uint8Array;
  private readonly ready: number;
  private pf: PcieFunction | null = null;
  private msi: MsiInterrupts | null = null;
  private intx: IntxLine | null = null;
  /** How the PF was to interrupt when its configuration was last looked at. */
  private wasMsix = false;
  private wasMsi = false;

  constructor(
    name: string,
    scheduler: Scheduler,
    probe: Probe,
    bus: InterruptBus,
    functions: number,
    latencyPs: number,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.probe = probe;
    this.bus = bus;
    this.latencyPs = latencyPs;
    this.causes = new Int32Array(functions);
    this.enabled = new Int32Array(functions);
    this.autoClear = new Int32Array(functions);
    this.autoMask = new Int32Array(functions);
    this.otherVector = new Int32Array(functions);
    this.sent = new Float64Array(functions);
    this.tables = new Int32Array(functions * VECTORS * ENTRY_WORDS);
    this.armed = new Uint8Array(functions * VECTORS);
    this.dueAt = new Float64Array(functions * VECTORS);
    this.waits = new Uint8Array(functions * VECTORS);
    this.throttles = new Throttles(scheduler, functions * VECTORS, UNIT_PS);
    this.ready = scheduler.task(`${name}.raise`, (fn, vector) => this.expired(fn, vector));
    this.reset();
  }

  /** The card's functions are there: the PF may interrupt by MSI and INTx, too. */
  connect(pf: PcieFunction, requester: Requester): void {
    this.pf = pf;
    this.msi = new MsiInterrupts(pf, (_, low, high, data) => this.sendMsi(low, high, data));
    const { scheduler } = this;
    const again = scheduler.task(`${this.name}.intx`, () => this.intx?.tell());
    this.intx = new IntxLine(pf, (routingId, code) => {
      const isRoom = requester.canWrite();
      scheduler.cancel(again);
      if (isRoom) requester.errorMessage(routingId, code);
      else scheduler.schedule(RETRY_PS, again, 0, 0);
      return isRoom;
    });
    pf.events.on('configWrite', (fn) => {
      if (!fn.isVirtual) this.configured();
    });
    pf.events.on('busMaster', (fn) => this.recheck(fn.vfIndex + 1));
  }

  /** @param bit of EICR, or of VTEICR; from 64 on a vector of the PF's. */
  raise(fn: number, bit: number): void {
    this.raised++;
    if (bit < PF_VECTORS) this.cause(fn, 1 << bit, false);
    else this.queueCause(bit - PF_VECTORS, false);
  }

  /** Causes that software sets: EICS or VTEICS. */
  set(fn: number, mask: number): void {
    this.raised++;
    this.cause(fn, mask & ALL_CAUSES, this.mode.setsAtOnce);
  }

  /** Causes of the vectors from `32 * word` on that software sets (EICS_EX). */
  setHigh(word: number, mask: number): void {
    for (let bit = 0; bit < 32; bit++) {
      const vector = 32 * word + bit;
      if (((mask >>> bit) & 1) === 0 || vector < SHARED_VECTORS) continue;
      this.raised++;
      this.highCause(vector, this.mode.setsAtOnce);
    }
  }

  /** Causes cleared by software (EICR). */
  clear(fn: number, mask: number): void {
    this.causes[fn] &= ~mask;
    this.settle(fn);
  }

  enable(fn: number, mask: number): void {
    const fresh = mask & ~this.enabled[fn];
    this.enabled[fn] |= mask;
    if (this.mode.enablingClearsPending) {
      for (let bit = 0; bit < 32; bit++)
        if (((mask >>> bit) & 1) !== 0) this.drop(fn, this.vectorOf(fn, bit));
    }
    this.cause(fn, fresh & this.causes[fn] & ALL_CAUSES, false);
  }

  disable(fn: number, mask: number): void {
    this.enabled[fn] &= ~mask;
    this.settle(fn);
  }

  /** EIMS_EX, of the vectors from 16 on. */
  enableHigh(word: number, mask: number): void {
    const fresh = mask & ~this.highEnabled[word];
    this.highEnabled[word] |= mask;
    for (let bit = 0; bit < 32; bit++) {
      const vector = 32 * word + bit;
      if (((mask >>> bit) & 1) === 0 || vector < SHARED_VECTORS) continue;
      if (this.mode.enablingClearsPending) this.drop(PF, vector);
      if (((fresh & this.highCauses[word]) >>> bit) & 1) this.highCause(vector, false);
    }
  }

  /** EIMC_EX, of the vectors from 16 on. */
  disableHigh(word: number, mask: number): void {
    this.highEnabled[word] &= ~mask;
  }

  setInterval(fn: number, vector: number, intervalPs: number): void {
    this.throttles.setInterval(fn * VECTORS + vector, intervalPs);
  }

  intervalOf(fn: number, vector: number): number {
    return this.throttles.intervalPs(fn * VECTORS + (vector % VECTORS));
  }

  /** EITR or VTEITR. */
  readThrottle(fn: number, vector: number): number {
    return this.throttles.read(fn * VECTORS + vector);
  }

  /** EITR or VTEITR: what waits for the counter waits for the one that is written. */
  writeThrottle(fn: number, vector: number, value: number): void {
    const line = fn * VECTORS + vector;
    if (!this.throttles.write(line, value) || this.armed[line] === 0) return;
    this.armed[line] = 0;
    this.arm(fn, vector, false);
  }

  readTable(fn: number, offset: number): number {
    const word = offset >> 2;
    return word < VECTORS * ENTRY_WORDS ? this.tables[fn * VECTORS * ENTRY_WORDS + word] >>> 0 : 0;
  }

  writeTable(fn: number, offset: number, value: number): void {
    const word = offset >> 2;
    if (word >= VECTORS * ENTRY_WORDS) return;
    this.tables[fn * VECTORS * ENTRY_WORDS + word] = value;
    if ((word & 3) === 3) this.recheck(fn);
  }

  readPending(fn: number, word: number): number {
    let pending = 0;
    for (let bit = 0; bit < 32; bit++) {
      const vector = 32 * word + bit;
      if (vector < VECTORS && this.waits[fn * VECTORS + vector] === MASK) pending |= 1 << bit;
    }
    return pending >>> 0;
  }

  /** PBACL or VFPBACL: what waits for its mask is given up. */
  clearPending(fn: number, word: number, mask: number): void {
    for (let bit = 0; bit < 32; bit++) if (((mask >>> bit) & 1) !== 0) this.drop(fn, 32 * word + bit);
  }

  recheck(fn: number): void {
    for (let vector = 0; vector < VECTORS; vector++) {
      const line = fn * VECTORS + vector;
      if (this.waits[line] === NOTHING || (this.waits[line] === MASK && this.isMasked(fn, vector))) continue;
      this.waits[line] = NOTHING;
      if (this.isUp(fn, vector)) this.arm(fn, vector, false);
    }
  }

  resetFunction(fn: number): void {
    this.causes[fn] = this.enabled[fn] = this.autoClear[fn] = this.autoMask[fn] = 0;
    for (let vector = 0; vector < VECTORS; vector++) {
      const line = fn * VECTORS + vector;
      this.armed[line] = 0;
      this.waits[line] = NOTHING;
      this.throttles.reset(line);
      this.tables.fill(0, line * ENTRY_WORDS, (line + 1) * ENTRY_WORDS);
      this.tables[line * ENTRY_WORDS + 3] = ENTRY_MASKED;
    }
    if (fn !== PF) return;
    this.otherVector[PF] = this.timerVector = -1;
    for (const words of [this.highCauses, this.highEnabled, this.highAutoMask]) words.fill(0);
    this.configured();
    this.settle(PF);
  }

  reset(): void {
    for (let fn = 0; fn < this.causes.length; fn++) this.resetFunction(fn);
    this.sent.fill(0);
    this.raised = this.delivered = this.moderated = 0;
  }

  counters(): Record<string, number> {
    return { raised: this.raised, delivered: this.delivered, moderated: this.moderated };
  }

  /** Causes of a function have gone: INTx is deasserted, and what waits of them no longer does. */
  settle(fn: number): void {
    for (let vector = 0; vector < VECTORS; vector++)
      if (this.waits[fn * VECTORS + vector] !== NOTHING && !this.isUp(fn, vector)) this.drop(fn, vector);
    if (fn === PF && this.intx !== null && !this.isUp(PF, 0)) this.intx.set(false);
  }

  private queueCause(vector: number, atOnce: boolean): void {
    if (vector >= SHARED_VECTORS && this.mode.isMultiple) this.highCause(vector, atOnce);
    else this.cause(PF, 1 << (vector & (SHARED_VECTORS - 1)), atOnce);
  }

  private highCause(vector: number, atOnce: boolean): void {
    const word = vector >> 5;
    const bit = 1 << (vector & 31);
    this.highCauses[word] |= bit;
    if ((this.highEnabled[word] & bit) !== 0 && this.hasVectors) this.arm(PF, vector, atOnce);
  }

  private cause(fn: number, mask: number, atOnce: boolean): void {
    this.causes[fn] |= mask;
    const up = mask & this.enabled[fn];
    for (let bit = 0; bit < 32 && up >>> bit !== 0; bit++)
      if (((up >>> bit) & 1) !== 0) this.arm(fn, this.vectorOf(fn, bit), atOnce);
  }

  /** Has the message of a vector go out: after the card's latency, and when EITR lets it. */
  private arm(fn: number, vector: number, atOnce: boolean): void {
    if (vector < 0) return;
    const line = fn * VECTORS + vector;
    const earliest = this.scheduler.now + this.latencyPs;
    const throttled = Math.max(earliest, this.throttles.duePs(line));
    if (this.armed[line] !== 0 && this.dueAt[line] <= earliest) return;
    const due = atOnce && throttled > earliest && this.throttles.takeCredit(line) ? earliest : throttled;
    if (this.armed[line] !== 0 && this.dueAt[line] <= due) return;
    if (due > earliest) this.moderated++;
    this.post(fn, vector, due);
  }

  private post(fn: number, vector: number, duePs: number): void {
    const line = fn * VECTORS + vector;
    this.armed[line] = 1;
    this.dueAt[line] = duePs;
    this.scheduler.post(duePs, this.ready, fn, vector);
  }

  private expired(fn: number, vector: number): void {
    const line = fn * VECTORS + vector;
    // Since it was scheduled it may have become due at another time.
    if (this.armed[line] === 0 || this.dueAt[line] !== this.scheduler.now) return;
    this.armed[line] = 0;
    if (!this.isUp(fn, vector)) return;
    if (fn === PF && this.pf?.msixEnabled !== true) this.signal();
    else if (this.isMasked(fn, vector)) this.waits[line] = MASK;
    else if (!this.bus.messagesEnabled(fn)) this.waits[line] = MASTER;
    else this.send(fn, vector);
  }

  private send(fn: number, vector: number): void {
    const entry = (fn * VECTORS + vector) * ENTRY_WORDS;
    const address = (this.tables[entry] >>> 0) + (this.tables[entry + 1] & 0xfffff) * 2 ** 32;
    const data = this.tables[entry + 2];
    if (this.bus.sendMessage(fn, address, data)) this.done(fn, vector, data);
    else this.post(fn, vector, this.scheduler.now + RETRY_PS);
  }

  /** The PF interrupts without MSI-X. */
  private signal(): void {
    const { pf, msi, intx } = this;
    if (pf === null || msi === null || intx === null) return;
    if (pf.msiEnabled) {
      if (!pf.busMaster) this.waits[PF] = MASTER;
      else msi.signal(0);
      return;
    }
    const wasAsserted = intx.isAsserted;
    intx.set(true);
    if (intx.isAsserted && !wasAsserted) this.done(PF, 0, 0);
  }

  private sendMsi(low: number, high: number, data: number): void {
    const address = (low >>> 0) + (high & 0xfffff) * 2 ** 32;
    if (this.bus.sendMessage(PF, address, data)) this.done(PF, 0, data);
    else this.post(PF, 0, this.scheduler.now + RETRY_PS);
  }

  /** A vector has interrupted: its causes are cleared and masked as registers say, and its counter begins anew. */
  private done(fn: number, vector: number, data: number): void {
    this.delivered++;
    this.sent[fn]++;
    this.probe.record(ProbeKind.INTERRUPT, fn, vector, data);
    this.throttles.reload(fn * VECTORS + vector);
    const told = this.causesOf(fn, vector) & this.causes[fn] & this.enabled[fn];
    this.causes[fn] &= ~(told & this.autoClear[fn]);
    this.enabled[fn] &= ~(told & this.autoMask[fn]);
    if (fn !== PF || vector < SHARED_VECTORS) return;
    const word = vector >> 5;
    const bit = 1 << (vector & 31);
    // No register tells of these causes, so that a message clears them always.
    this.highCauses[word] &= ~bit;
    this.highEnabled[word] &= ~(bit & this.highAutoMask[word]);
  }

  /** Whether the PF's causes go to vectors of their own. */
  private get hasVectors(): boolean {
    return this.mode.isMultiple && this.pf?.msixEnabled === true;
  }

  /** Vector of a cause, -1 for one that has none. */
  private vectorOf(fn: number, bit: number): number {
    if (fn !== PF) return bit;
    if (!this.hasVectors) return 0;
    if (bit < SHARED_VECTORS) return bit;
    return bit === TCP_TIMER ? this.timerVector : this.otherVector[PF];
  }

  /** Causes in EICR that a vector tells of. */
  private causesOf(fn: number, vector: number): number {
    if (fn !== PF) return 1 << vector;
    if (!this.hasVectors) return vector === 0 ? ALL_CAUSES : 0;
    const own = vector < SHARED_VECTORS ? 1 << vector : 0;
    const other = vector === this.otherVector[PF] ? OTHER_CAUSES : 0;
    return own | other | (vector === this.timerVector ? 1 << TCP_TIMER : 0);
  }

  private isUp(fn: number, vector: number): boolean {
    if ((this.causes[fn] & this.enabled[fn] & this.causesOf(fn, vector)) !== 0) return true;
    if (fn !== PF || vector < SHARED_VECTORS) return false;
    const word = vector >> 5;
    return (this.highCauses[word] & this.highEnabled[word] & (1 << (vector & 31))) !== 0;
  }

  private isMasked(fn: number, vector: number): boolean {
    const isFunctionMasked = this.functionOf(fn)?.msixMasked === true;
    return isFunctionMasked || (this.tables[(fn * VECTORS + vector) * ENTRY_WORDS + 3] & ENTRY_MASKED) !== 0;
  }

  private functionOf(fn: number): PcieFunction | null {
    if (fn === PF) return this.pf;
    const sriov = this.pf?.sriov ?? null;
    return sriov !== null && fn <= sriov.count ? sriov.vf(fn - 1) : null;
  }

  private drop(fn: number, vector: number): void {
    if (vector >= 0 && vector < VECTORS) this.waits[fn * VECTORS + vector] = NOTHING;
  }

  /** The PF's configuration has been written: it may interrupt another way now. */
  private configured(): void {
    const { pf, intx } = this;
    if (pf === null || intx === null) return;
    const { msixEnabled, msiEnabled } = pf;
    const isOther = msixEnabled !== this.wasMsix || msiEnabled !== this.wasMsi;
    this.wasMsix = msixEnabled;
    this.wasMsi = msiEnabled;
    if (!isOther) {
      const wasAsserted = intx.isAsserted;
      intx.settle();
      if (intx.isAsserted && !wasAsserted) this.done(PF, 0, 0);
      return;
    }
    intx.set(false);
    for (let vector = 0; vector < VECTORS; vector++) {
      this.waits[vector] = NOTHING;
      if (this.isUp(PF, vector)) this.arm(PF, vector, false);
    }
  }
}
