import { Serializer } from '../kernel/index.ts';
import {
  type LinkRate,
  linkPsPerByte,
  SKIP_INTERVAL_SYMBOLS,
  SKIP_SYMBOLS,
  symbolPs,
  updateLatencySymbols,
} from './link-rate.ts';
import { DLLP_BYTES } from './tlp.ts';

/** Acks and UpdateFCs that wait for their place on the link, at most; power of two. */
const OWED = 128;
const OWED_MASK = OWED - 1;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * The symbols of one direction of a link: TLPs, and between them the DLLPs and SKIP ordered sets that have come due.
 *
 * Nothing here needs an event. What is due is kept by its instant, and takes its symbols when a TLP follows or somebody
 * looks: one after another in the order of time, so that looking changes nothing.
 */
export class LinkWire {
  dllpsSent = 0;
  skipsSent = 0;
  /** Longest wait with an Ack or an UpdateFC, in ps. */
  readonly updateLatencyPs: number;
  /** Time that a DLLP takes, in ps. */
  readonly dllpPs: number;

  readonly #symbols: Serializer;
  readonly #skipPs: number;
  readonly #skipIntervalPs: number;
  #nextSkipPs: number;
  /** The earliest of what is due: SKIP, Ack, UpdateFC. */
  #nextDuePs: number;
  // Acks that this direction carries for TLPs of the other one; UpdateFCs likewise. Instants at which they are due.
  readonly #ackDue = new Float64Array(OWED);
  #ackHead = 0;
  #ackTail = 0;
  #nextAckPs = 0;
  readonly #updateDue = new Float64Array(OWED);
  #updateHead = 0;
  #updateTail = 0;

  constructor(rate: LinkRate, maxPayloadBytes: number) {
    const [numerator, denominator] = linkPsPerByte(rate);
    this.#symbols = new Serializer(numerator, denominator);
    const symbol = symbolPs(rate);
    this.updateLatencyPs = Math.ceil(updateLatencySymbols(rate, maxPayloadBytes) * symbol);
    this.dllpPs = this.#symbols.duration(DLLP_BYTES);
    this.#skipPs = SKIP_SYMBOLS * symbol;
    this.#skipIntervalPs = SKIP_INTERVAL_SYMBOLS * symbol;
    this.#nextSkipPs = this.#nextDuePs = this.#skipIntervalPs;
  }

  /** First instant at which no symbol is under way, as far as it is settled. */
  get freeAt(): number {
    return this.#symbols.freeAt;
  }

  /** Time for which symbols of TLPs, DLLPs or SKIPs have left, in ps, as far as it is settled. */
  get busyPs(): number {
    return this.#symbols.busyPs + this.skipsSent * this.#skipPs;
  }

  /** ps that a byte takes over all lanes. */
  get psPerByte(): number {
    return this.#symbols.psPerByte;
  }

  /** Bytes that a SKIP ordered set takes over all lanes. */
  get skipBytes(): number {
    return this.#skipPs / this.#symbols.psPerByte;
  }

  /** Time that `bytes` take on their own, rounded up. */
  duration(bytes: number): number {
    return this.#symbols.duration(bytes);
  }

  /** Sends `bytes` of TLPs behind whatever comes due before them; returns when the last one has left. */
  send(nowPs: number, bytes: number): number {
    const symbols = this.#symbols;
    if (this.#nextDuePs <= Math.max(nowPs, symbols.freeAt)) this.#sendDue(nowPs, true);
    return symbols.reserve(nowPs, bytes);
  }

  /** Sends what was due by `nowPs`. */
  settle(nowPs: number): void {
    if (this.#nextDuePs <= nowPs) this.#sendDue(nowPs, false);
  }

  /**
   * `count` TLPs of the other direction arrive from `firstPs` to `lastPs`, evenly: an Ack covers one and all that arrive until
   * it is due, so that a long train takes several.
   */
  oweAcks(firstPs: number, lastPs: number, count: number): void {
    while (lastPs >= this.#nextAckPs) {
      let arrival = firstPs;
      if (this.#nextAckPs > firstPs) {
        const every = (lastPs - firstPs) / (count - 1);
        const steps = Math.ceil((this.#nextAckPs - firstPs) / every);
        arrival = Math.min(lastPs, Math.floor(firstPs + steps * every));
      }
      const due = arrival + this.updateLatencyPs;
      this.#nextAckPs = due;
      if (this.#ackTail - this.#ackHead === OWED)
        this.#sendDue(this.#ackDue[this.#ackHead & OWED_MASK], false);
      this.#ackDue[this.#ackTail++ & OWED_MASK] = due;
      if (due < this.#nextDuePs) this.#nextDuePs = due;
    }
  }

  /** An UpdateFC is due at `duePs`. */
  oweUpdate(duePs: number): void {
    if (this.#updateTail - this.#updateHead === OWED)
      this.#sendDue(this.#updateDue[this.#updateHead & OWED_MASK], false);
    // In order of time: one class's may be due after what another class releases later.
    let at = this.#updateTail++;
    while (at !== this.#updateHead && this.#updateDue[(at - 1) & OWED_MASK] > duePs) {
      this.#updateDue[at & OWED_MASK] = this.#updateDue[(at - 1) & OWED_MASK];
      at--;
    }
    this.#updateDue[at & OWED_MASK] = duePs;
    if (duePs < this.#nextDuePs) this.#nextDuePs = duePs;
  }

  /** Idle, nothing owed, nothing counted; SKIPs go on in their rhythm. */
  reset(nowPs: number): void {
    this.settle(nowPs);
    this.#symbols.reset();
    this.dllpsSent = this.skipsSent = 0;
    this.#ackHead = this.#ackTail;
    this.#updateHead = this.#updateTail;
    this.#nextAckPs = 0;
    this.#nextDuePs = this.#nextSkipPs;
  }

  /** Sends what was due by `timePs`; with `untilFree` also what comes due while that leaves, as a TLP behind it sees it. */
  #sendDue(timePs: number, untilFree: boolean): void {
    const symbols = this.#symbols;
    for (;;) {
      const due = this.#nextDuePs;
      const limit = untilFree && symbols.freeAt > timePs ? symbols.freeAt : timePs;
      if (due > limit) return;
      if (due === this.#nextSkipPs) {
        this.#sendSkips(Math.min(limit, this.#oldestAck(), this.#oldestUpdate()));
      } else {
        if (due === this.#oldestAck()) this.#ackHead++;
        else this.#updateHead++;
        symbols.reserve(due, DLLP_BYTES);
        this.dllpsSent++;
      }
      this.#nextDuePs = Math.min(this.#nextSkipPs, this.#oldestAck(), this.#oldestUpdate());
    }
  }

  #oldestAck(): number {
    return this.#ackHead === this.#ackTail ? NEVER : this.#ackDue[this.#ackHead & OWED_MASK];
  }

  #oldestUpdate(): number {
    return this.#updateHead === this.#updateTail ? NEVER : this.#updateDue[this.#updateHead & OWED_MASK];
  }

  /** Sends the SKIP that is due; on an idle link also those up to `limitPs`, of which only the last can hold anything up. */
  #sendSkips(limitPs: number): void {
    const symbols = this.#symbols;
    const interval = this.#skipIntervalPs;
    let due = this.#nextSkipPs;
    if (symbols.freeAt <= due) {
      const more = Math.floor((limitPs - due) / interval);
      due += more * interval;
      this.skipsSent += more;
      symbols.freeAt = due;
    }
    this.skipsSent++;
    symbols.freeAt += this.#skipPs;
    this.#nextSkipPs = due + interval;
  }
}
