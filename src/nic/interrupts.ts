import { type Component, type Probe, ProbeKind, type Scheduler } from '../kernel/index.ts';

/** What the interrupt block needs of the card's bus side. */
export interface InterruptBus {
  /**
   * Whether the function may send interrupt messages: MSI-X enabled, not masked as a whole, Bus Master Enable
   * set.
   */
  messagesEnabled(fn: number): boolean;
  /** Sends a message of function `fn`; false if there is no room just now. */
  sendMessage(fn: number, address: number, data: number): boolean;
}

/** Interrupt causes, masks and the MSI-X tables of a card's functions, as its registers and BARs use them. */
export interface CardInterrupts extends Component {
  /** Causes (EICR), mask (EIMS), auto-clear (EIAC) and auto-mask (EIAM), a word a function; bit = vector for VFs. */
  readonly causes: Int32Array;
  readonly enabled: Int32Array;
  readonly autoClear: Int32Array;
  readonly autoMask: Int32Array;
  /** Vector of the causes from 16 on (IVAR_MISC). */
  readonly otherVector: Int32Array;
  /** Messages sent, by function. */
  readonly sent: Float64Array;
  readonly raised: number;
  readonly delivered: number;
  readonly moderated: number;
  /** A cause of function `fn` has come up: a bit of EICR, or what `vectorOf` of its registers gives for a queue. */
  raise(fn: number, bit: number): void;
  enable(fn: number, mask: number): void;
  disable(fn: number, mask: number): void;
  setInterval(fn: number, vector: number, intervalPs: number): void;
  intervalOf(fn: number, vector: number): number;
  readTable(fn: number, offset: number): number;
  writeTable(fn: number, offset: number, value: number): void;
  readPending(fn: number, word: number): number;
  recheck(fn: number): void;
  resetFunction(fn: number): void;
}

/** A class of a card's interrupts, made as {@link InterruptBlock} is. */
export type InterruptsClass = new (...parts: ConstructorParameters<typeof InterruptBlock>) => CardInterrupts;

/** Entries of the MSI-X table that one function has at most. */
export const VECTORS = 64;
/** Bits of a cause register. */
const CAUSES = 32;
/** Words of an MSI-X table entry: address, upper address, data, vector control (PCI 3.0, 6.8.2). */
const ENTRY_WORDS = 4;
const ENTRY_MASKED = 1;
/** EICR bits from here on are no queues. */
const OTHER_CAUSES = 16;
/** Time after which a message is tried again that found no room. */
const RETRY_PS = 100_000;

/**
 * Interrupt causes, masks, moderation and the MSI-X tables of the PF (function 0) and the VFs (function 1 +
 * i), as the EICR and VTEICR families of the 82599 have them (datasheet 7.3, 8.2.3.5, 8.3.4).
 */
export class InterruptBlock implements CardInterrupts {
  readonly name: string;
  /** Causes (EICR), mask (EIMS), auto-clear (EIAC) and auto-mask (EIAM), a word a function; bit = vector for VFs. */
  readonly causes: Int32Array;
  readonly enabled: Int32Array;
  readonly autoClear: Int32Array;
  readonly autoMask: Int32Array;
  /** Vector of the causes from 16 on (IVAR_MISC); the others have the vector of their number. */
  readonly otherVector: Int32Array;
  /** Messages sent, by function. */
  readonly sent: Float64Array;
  raised = 0;
  delivered = 0;
  moderated = 0;

  private readonly scheduler: Scheduler;
  private readonly probe: Probe;
  private readonly bus: InterruptBus;
  private readonly tables: Int32Array;
  /** Of each vector, in ps: `fn * VECTORS + vector`. */
  readonly intervalPs: Float64Array;
  private readonly nextPs: Float64Array;
  private readonly armed: Uint8Array;
  private readonly expire: number;
  private readonly ready: number;
  private readonly latencyPs: number;

  /** @param latencyPs from a cause to its message, in ps. */
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
    this.intervalPs = new Float64Array(functions * VECTORS);
    this.nextPs = new Float64Array(functions * VECTORS);
    this.armed = new Uint8Array(functions * VECTORS);
    this.expire = scheduler.task(`${name}.throttle`, (line) => this.expired(line));
    this.ready = scheduler.task(`${name}.raise`, (fn, bit) => this.evaluate(fn, bit));
    this.reset();
  }

  /** Cause `bit` of function `fn` has come up. */
  raise(fn: number, bit: number): void {
    this.raised++;
    this.assert(fn, bit);
  }

  private assert(fn: number, bit: number): void {
    const mask = 1 << bit;
    if ((this.causes[fn] & mask) !== 0 && this.armed[fn * VECTORS + bit] !== 0) return;
    this.causes[fn] |= mask;
    if ((this.enabled[fn] & mask) === 0) return;
    const line = fn * VECTORS + bit;
    if (this.armed[line] !== 0) return;
    this.armed[line] = 1;
    const now = this.scheduler.now;
    const earliest = now + this.latencyPs;
    if (this.nextPs[line] > earliest) {
      this.moderated++;
      this.scheduler.post(this.nextPs[line], this.expire, line, 0);
    } else {
      this.scheduler.post(earliest, this.ready, fn, bit);
    }
  }

  /** Unmasks causes (EIMS); those that are up already fire. */
  enable(fn: number, mask: number): void {
    this.enabled[fn] |= mask;
    const waiting = this.causes[fn] & mask;
    for (let bit = 0; bit < CAUSES && waiting >>> bit !== 0; bit++) {
      if (((waiting >>> bit) & 1) === 0) continue;
      this.causes[fn] &= ~(1 << bit);
      this.assert(fn, bit);
    }
  }

  /** Masks causes (EIMC). */
  disable(fn: number, mask: number): void {
    this.enabled[fn] &= ~mask;
  }

  /** Shortest time between two messages of a vector, in ps (EITR). */
  setInterval(fn: number, vector: number, intervalPs: number): void {
    this.intervalPs[fn * VECTORS + vector] = intervalPs;
  }

  /** What was set so; 0 after a reset. */
  intervalOf(fn: number, vector: number): number {
    return this.intervalPs[fn * VECTORS + vector];
  }

  /** A double word of a function's MSI-X table. */
  readTable(fn: number, offset: number): number {
    const word = offset >> 2;
    return word < VECTORS * ENTRY_WORDS ? this.tables[fn * VECTORS * ENTRY_WORDS + word] >>> 0 : 0;
  }

  /** Writes a double word of a function's MSI-X table; unmasking a vector whose cause is up fires it. */
  writeTable(fn: number, offset: number, value: number): void {
    const word = offset >> 2;
    if (word >= VECTORS * ENTRY_WORDS) return;
    this.tables[fn * VECTORS * ENTRY_WORDS + word] = value;
    if ((word & 3) === 3 && (value & ENTRY_MASKED) === 0) this.recheck(fn);
  }

  /**
   * Pending bits of the vectors from 32 x `word` on: a cause is up and enabled, and the vector or the
   * function is masked (PCI 3.0, 6.8.2.9).
   */
  readPending(fn: number, word: number): number {
    let pending = 0;
    for (let bit = 0; bit < CAUSES; bit++) {
      if (((this.causes[fn] & this.enabled[fn]) >>> bit) & 1) {
        const vector = this.vectorOf(fn, bit);
        const isMasked = this.isMasked(fn, vector) || !this.bus.messagesEnabled(fn);
        if (isMasked && vector >> 5 === word) pending |= 1 << (vector & 31);
      }
    }
    return pending >>> 0;
  }

  /** Fires what is up, after masks outside this block have changed. */
  recheck(fn: number): void {
    this.enable(fn, this.enabled[fn] & this.causes[fn]);
  }

  /** A function's causes, masks and table as after a reset. */
  resetFunction(fn: number): void {
    this.causes[fn] = this.enabled[fn] = this.autoClear[fn] = this.autoMask[fn] = 0;
    for (let vector = 0; vector < VECTORS; vector++) {
      this.intervalPs[fn * VECTORS + vector] = 0;
      this.nextPs[fn * VECTORS + vector] = 0;
      this.tables.fill(0, (fn * VECTORS + vector) * ENTRY_WORDS, (fn * VECTORS + vector + 1) * ENTRY_WORDS);
      this.tables[(fn * VECTORS + vector) * ENTRY_WORDS + 3] = ENTRY_MASKED;
    }
  }

  reset(): void {
    for (let fn = 0; fn < this.causes.length; fn++) this.resetFunction(fn);
    this.sent.fill(0);
    this.raised = this.delivered = this.moderated = 0;
  }

  counters(): Record<string, number> {
    return { raised: this.raised, delivered: this.delivered, moderated: this.moderated };
  }

  private expired(line: number): void {
    this.evaluate(Math.floor(line / VECTORS), line % VECTORS);
  }

  /** Sends the message of a cause if it is still up and nothing masks it. */
  private evaluate(fn: number, bit: number): void {
    const line = fn * VECTORS + bit;
    const mask = 1 << bit;
    this.armed[line] = 0;
    if ((this.causes[fn] & this.enabled[fn] & mask) === 0) return;
    const vector = this.vectorOf(fn, bit);
    if (this.isMasked(fn, vector) || !this.bus.messagesEnabled(fn)) return;
    const entry = (fn * VECTORS + vector) * ENTRY_WORDS;
    const address = (this.tables[entry] >>> 0) + (this.tables[entry + 1] & 0xfffff) * 2 ** 32;
    const now = this.scheduler.now;
    if (!this.bus.sendMessage(fn, address, this.tables[entry + 2])) {
      this.armed[line] = 1;
      this.scheduler.post(now + RETRY_PS, this.expire, line, 0);
      return;
    }
    this.delivered++;
    this.sent[fn]++;
    this.probe.record(ProbeKind.INTERRUPT, fn, bit, this.tables[entry + 2]);
    this.nextPs[line] = now + this.intervalPs[fn * VECTORS + vector];
    if ((this.autoClear[fn] & mask) !== 0) this.causes[fn] &= ~mask;
    this.enabled[fn] &= ~this.autoMask[fn] | ~mask;
  }

  private vectorOf(fn: number, bit: number): number {
    return bit < OTHER_CAUSES ? bit : this.otherVector[fn];
  }

  private isMasked(fn: number, vector: number): boolean {
    return (this.tables[(fn * VECTORS + vector) * ENTRY_WORDS + 3] & ENTRY_MASKED) !== 0;
  }
}
