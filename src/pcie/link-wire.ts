import {
  checkLinkRate,
  type LinkRate,
  linkPsPerByte,
  SKIP_INTERVAL_SYMBOLS,
  SKIP_SYMBOLS,
  symbolPs,
  updateLatencySymbols,
} from './link-rate.ts';
import { DLLP_BYTES } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** Acks and UpdateFCs that wait for their place on the link, at most; power of two. */
const OWED = 128;
const OWED_MASK = OWED - 1;
/** Fewer bytes than these take less than 2^31 parts of a ps: a numerator is 8125 at most. */
const SHORT = 2 ** 18;
const NEVER = Number.POSITIVE_INFINITY;

/** What sends the symbols of one direction of a link: a `LinkWire`, or a `FlitWire` in Flit Mode. */
export interface Wire {
  readonly dllpsSent: number;
  /** Bytes of each of them. */
  readonly dllpBytes: number;
  readonly skipsSent: number;
  readonly updateLatencyPs: number;
  /** Time that a DLLP takes. */
  readonly dllpPs: number;
  freeAt: number;
  readonly nextDuePs: number;
  nextAckPs: number;
  readonly busyPs: number;
  readonly psPerByte: number;
  readonly skipBytes: number;
  send(bytes: number, count?: number, tlp?: Tlp): number;
  duration(bytes: number): number;
  dllpEndPs(duePs: number): number;
  settle(nowPs: number): void;
  oweAcks(firstPs: number, lastPs: number, count: number): void;
  oweUpdate(duePs: number): void;
  reset(nowPs: number): void;
  resetCounters(nowPs: number): void;
  restart(nowPs: number): void;
}

/**
 * The symbols of one direction of a link: TLPs, and between them the DLLPs and SKIP ordered sets that have
 * come due.
 *
 * Nothing here needs an event. What is due is kept by its instant, and takes its symbols when a TLP follows
 * or somebody looks: one after another in the order of time, so that looking changes nothing.
 */
export class LinkWire implements Wire {
  dllpsSent = 0;
  readonly dllpBytes = DLLP_BYTES;
  skipsSent = 0;
  /** Longest wait with an Ack or an UpdateFC, in ps. */
  readonly updateLatencyPs: number;
  /** Time that a DLLP takes, in ps. */
  readonly dllpPs: number;

  /** First instant at which no symbol is under way, as far as it is settled. */
  freeAt = 0;
  /** The earliest of what is due: SKIP, Ack, UpdateFC. */
  nextDuePs: number;
  /** Arrivals before this instant are covered by an Ack that is owed already. */
  nextAckPs = 0;

  private readonly clock: { readonly now: number };
  // A byte takes numerator / denominator ps. What is no whole number of ps is carried on while symbols follow
  // each other.
  private readonly numerator: number;
  private readonly denominator: number;
  /** log2 of the denominator; -1 if it is no power of two, as with twelve lanes. */
  private readonly shift: number;
  private remainder = 0;
  private bytesPs = 0;
  private readonly skipPs: number;
  private readonly skipIntervalPs: number;
  private nextSkipPs: number;
  // Acks that this direction carries for TLPs of the other one; UpdateFCs likewise. Instants at which they
  // are due.
  private readonly ackDue = new Float64Array(OWED);
  private ackHead = 0;
  private ackTail = 0;
  private readonly updateDue = new Float64Array(OWED);
  private updateHead = 0;
  private updateTail = 0;

  constructor(clock: { readonly now: number }, rate: LinkRate, maxPayloadBytes: number) {
    this.clock = clock;
    // Generation 6 is in Flit Mode, whose wire is another.
    checkLinkRate(rate, 5);
    const [numerator, denominator] = linkPsPerByte(rate);
    this.numerator = numerator;
    this.denominator = denominator;
    this.shift = (denominator & (denominator - 1)) === 0 ? 31 - Math.clz32(denominator) : -1;
    const symbol = symbolPs(rate);
    this.updateLatencyPs = Math.ceil(updateLatencySymbols(rate, maxPayloadBytes) * symbol);
    this.dllpPs = this.duration(DLLP_BYTES);
    this.skipPs = SKIP_SYMBOLS * symbol;
    this.skipIntervalPs = SKIP_INTERVAL_SYMBOLS * symbol;
    this.nextSkipPs = this.nextDuePs = this.skipIntervalPs;
  }

  /** Time for which symbols of TLPs, DLLPs or SKIPs have left, in ps, as far as it is settled. */
  get busyPs(): number {
    return this.bytesPs + this.skipsSent * this.skipPs;
  }

  /** ps that a byte takes over all lanes. */
  get psPerByte(): number {
    return this.numerator / this.denominator;
  }

  /** Bytes that a SKIP ordered set takes over all lanes. */
  get skipBytes(): number {
    return this.skipPs / this.psPerByte;
  }

  /** Time that `bytes` take on their own, rounded up. */
  duration(bytes: number): number {
    return Math.ceil((bytes * this.numerator) / this.denominator);
  }

  /** When the last symbol of a DLLP has left that is due at `duePs`, if nothing holds it up. */
  dllpEndPs(duePs: number): number {
    return duePs + this.dllpPs;
  }

  /**
   * Sends `bytes` of TLPs now, behind whatever comes due before them; returns when the last one has left:
   * {@link LinkWire.freeAt}.
   */
  send(bytes: number): number {
    const now = this.clock.now;
    if (this.nextDuePs <= now || this.nextDuePs <= this.freeAt) this.sendDue(now, true);
    if (now > this.freeAt) {
      this.freeAt = now;
      this.remainder = 0;
    }
    this.occupy(bytes);
    return this.freeAt;
  }

  /** Sends what was due by `nowPs`. */
  settle(nowPs: number): void {
    if (this.nextDuePs <= nowPs) this.sendDue(nowPs, false);
  }

  /**
   * `count` TLPs of the other direction arrive from `firstPs` to `lastPs`, evenly: an Ack covers one and all
   * that arrive until it is due, so that a long train takes several.
   */
  oweAcks(firstPs: number, lastPs: number, count: number): void {
    while (lastPs >= this.nextAckPs) {
      let arrival = firstPs;
      if (this.nextAckPs > firstPs) {
        const every = (lastPs - firstPs) / (count - 1);
        const steps = Math.ceil((this.nextAckPs - firstPs) / every);
        arrival = Math.min(lastPs, Math.floor(firstPs + steps * every));
      }
      const due = arrival + this.updateLatencyPs;
      this.nextAckPs = due;
      if (this.ackTail - this.ackHead === OWED) this.sendDue(this.ackDue[this.ackHead & OWED_MASK], false);
      this.ackDue[this.ackTail++ & OWED_MASK] = due;
      if (due < this.nextDuePs) this.nextDuePs = due;
    }
  }

  /** An UpdateFC is due at `duePs`. */
  oweUpdate(duePs: number): void {
    if (this.updateTail - this.updateHead === OWED)
      this.sendDue(this.updateDue[this.updateHead & OWED_MASK], false);
    // In order of time: one class's may be due after what another class releases later.
    let at = this.updateTail++;
    while (at !== this.updateHead && this.updateDue[(at - 1) & OWED_MASK] > duePs) {
      this.updateDue[at & OWED_MASK] = this.updateDue[(at - 1) & OWED_MASK];
      at--;
    }
    this.updateDue[at & OWED_MASK] = duePs;
    if (duePs < this.nextDuePs) this.nextDuePs = duePs;
  }

  /** As {@link LinkWire.restart}, and nothing counted. */
  reset(nowPs: number): void {
    this.restart(nowPs);
    this.resetCounters(nowPs);
  }

  /** Nothing counted; what is under way or owed stays. */
  resetCounters(nowPs: number): void {
    this.settle(nowPs);
    this.bytesPs = 0;
    this.dllpsSent = this.skipsSent = 0;
  }

  /** Idle, nothing owed; SKIPs go on in their rhythm. */
  restart(nowPs: number): void {
    this.settle(nowPs);
    this.freeAt = 0;
    this.remainder = 0;
    this.ackHead = this.ackTail;
    this.updateHead = this.updateTail;
    this.nextAckPs = 0;
    this.nextDuePs = this.nextSkipPs;
  }

  /** `bytes` follow what is under way. */
  private occupy(bytes: number): void {
    let whole: number;
    // Integers and a shift: the division of doubles took 40 instructions a TLP, and the next one waits for it.
    if (this.shift >= 0 && bytes < SHORT) {
      const parts = (Math.imul(bytes, this.numerator) + this.remainder) | 0;
      whole = parts >> this.shift;
      this.remainder = parts - (whole << this.shift);
    } else {
      const parts = bytes * this.numerator + this.remainder;
      whole = Math.floor(parts / this.denominator);
      this.remainder = parts - whole * this.denominator;
    }
    this.bytesPs += whole;
    this.freeAt += whole;
  }

  /**
   * Sends what was due by `timePs`; with `untilFree` also what comes due while that leaves, as a TLP behind
   * it sees it.
   */
  private sendDue(timePs: number, untilFree: boolean): void {
    for (;;) {
      const due = this.nextDuePs;
      const limit = untilFree && this.freeAt > timePs ? this.freeAt : timePs;
      if (due > limit) return;
      if (due === this.nextSkipPs) {
        this.sendSkips(Math.min(limit, this.oldestAck(), this.oldestUpdate()));
      } else {
        if (due === this.oldestAck()) this.ackHead++;
        else this.updateHead++;
        if (due > this.freeAt) {
          this.freeAt = due;
          this.remainder = 0;
        }
        this.occupy(DLLP_BYTES);
        this.dllpsSent++;
      }
      this.nextDuePs = Math.min(this.nextSkipPs, this.oldestAck(), this.oldestUpdate());
    }
  }

  private oldestAck(): number {
    return this.ackHead === this.ackTail ? NEVER : this.ackDue[this.ackHead & OWED_MASK];
  }

  private oldestUpdate(): number {
    return this.updateHead === this.updateTail ? NEVER : this.updateDue[this.updateHead & OWED_MASK];
  }

  /**
   * Sends the SKIP that is due; on an idle link also those up to `limitPs`, of which only the last can hold
   * anything up.
   */
  private sendSkips(limitPs: number): void {
    const interval = this.skipIntervalPs;
    let due = this.nextSkipPs;
    if (this.freeAt <= due) {
      const more = Math.floor((limitPs - due) / interval);
      due += more * interval;
      this.skipsSent += more;
      this.freeAt = due;
    }
    this.skipsSent++;
    this.freeAt += this.skipPs;
    this.nextSkipPs = due + interval;
  }
}
