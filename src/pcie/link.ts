import { assert, IntRing } from '../base/index.ts';
import { type Component, type Probe, ProbeKind, type Scheduler, Serializer, Timer } from '../kernel/index.ts';
import { type CreditAdvertisement, CreditGate } from './credits.ts';
import {
  type LinkRate,
  linkPsPerByte,
  SKIP_INTERVAL_SYMBOLS,
  SKIP_SYMBOLS,
  symbolPs,
  updateLatencySymbols,
} from './link-rate.ts';
import { DLLP_BYTES, FlowClass, TlpKind } from './tlp.ts';
import type { TlpPool } from './tlp-pool.ts';

/** What stands at the end of a direction of a link. */
export interface TlpReceiver {
  /** The TLP train `tlp` has arrived. The receiver owns the row, and gives its credits back with {@link LinkDirection.release}. */
  receive(tlp: number): void;
}

/** How a link is made. */
export interface LinkOptions {
  readonly rate: LinkRate;
  /** From the last symbol's departure to the TLP's delivery: both physical and data link layers and the trace, in ps. */
  readonly flightPs: number;
  /** Max_Payload_Size in force, for the limits of Ack and UpdateFC. */
  readonly maxPayloadBytes: number;
  /** What the device advertises for what travels downstream. */
  readonly deviceCredits: CreditAdvertisement;
  /** What the root port advertises for what travels upstream. */
  readonly rootCredits: CreditAdvertisement;
}

/** Trains that the transmit queue of one class holds. */
const QUEUE_TRAINS = 32;
/** The transmitter commits TLPs to the link until it is busy for this long, ... */
const HIGH_WATER_PS = 96_000;
/** ... and looks again when it is busy for no longer than this. One event then sends several TLPs. */
const LOW_WATER_PS = 24_000;
/** Acks and UpdateFCs that wait for their place on the link, at most; power of two. */
const OWED = 128;

/** The two directions of a PCI Express link. */
export class PcieLink implements Component {
  readonly name: string;
  /** From the device to the root complex. */
  readonly upstream: LinkDirection;
  /** From the root complex to the device. */
  readonly downstream: LinkDirection;

  constructor(name: string, scheduler: Scheduler, probe: Probe, tlps: TlpPool, options: LinkOptions) {
    this.name = name;
    this.upstream = new LinkDirection(
      `${name}.upstream`,
      scheduler,
      probe,
      tlps,
      options,
      options.rootCredits,
    );
    this.downstream = new LinkDirection(
      `${name}.downstream`,
      scheduler,
      probe,
      tlps,
      options,
      options.deviceCredits,
    );
    this.upstream.reverse = this.downstream;
    this.downstream.reverse = this.upstream;
  }

  reset(): void {
    this.upstream.reset();
    this.downstream.reset();
  }

  counters(): Record<string, number> {
    return {
      ...prefixed('upstream', this.upstream.counters()),
      ...prefixed('downstream', this.downstream.counters()),
    };
  }
}

/**
 * One direction of a link: transmit queues by flow-control class, credits, serialisation, and the DLLPs and SKIP ordered sets
 * that share the symbols with the TLPs. PCI Express Base 2.4 (ordering), 2.6 (flow control), 3.5 (Ack), 4.2.7 (SKIP).
 */
export class LinkDirection implements Component {
  readonly name: string;
  receiver: TlpReceiver | null = null;
  /** Called when a transmit queue that had refused a train has room again. */
  onRoom: (() => void) | null = null;
  /** Set by {@link PcieLink}. */
  reverse!: LinkDirection;

  tlpsSent = 0;
  tlpBytes = 0;
  payloadBytes = 0;
  dllpsSent = 0;
  skipsSent = 0;
  /** Trains that had to wait for credits. */
  creditStalls = 0;

  readonly #scheduler: Scheduler;
  readonly #probe: Probe;
  readonly #tlps: TlpPool;
  readonly #wire: Serializer;
  readonly #flightPs: number;
  readonly #updateLatencyPs: number;
  readonly #dllpPs: number;
  readonly #skipPs: number;
  readonly #skipIntervalPs: number;
  readonly #gates: readonly CreditGate[];
  readonly #queues = [new IntRing(QUEUE_TRAINS), new IntRing(QUEUE_TRAINS), new IntRing(QUEUE_TRAINS)];
  readonly #arrive: number;
  readonly #pumpTimer: Timer;
  #refused = false;
  /** Whose turn it is: the last request sent was a posted one. */
  #postedLast = false;
  #waitsForCredits = false;
  #nextSkipPs: number;
  // Acks that this direction carries for TLPs of the other one; UpdateFCs likewise. Instants at which they are due.
  readonly #ackDue = new Float64Array(OWED);
  #ackHead = 0;
  #ackTail = 0;
  #nextAckPs = 0;
  readonly #updateDue = new Float64Array(OWED);
  #updateHead = 0;
  #updateTail = 0;
  readonly #lastUpdatePs = new Float64Array(3);

  constructor(
    name: string,
    scheduler: Scheduler,
    probe: Probe,
    tlps: TlpPool,
    options: LinkOptions,
    credits: CreditAdvertisement,
  ) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#probe = probe;
    this.#tlps = tlps;
    const [numerator, denominator] = linkPsPerByte(options.rate);
    this.#wire = new Serializer(numerator, denominator);
    this.#flightPs = options.flightPs;
    const symbol = symbolPs(options.rate);
    this.#updateLatencyPs = Math.ceil(updateLatencySymbols(options.rate, options.maxPayloadBytes) * symbol);
    this.#dllpPs = this.#wire.duration(DLLP_BYTES);
    this.#skipPs = SKIP_SYMBOLS * symbol;
    this.#skipIntervalPs = SKIP_INTERVAL_SYMBOLS * symbol;
    this.#nextSkipPs = this.#skipIntervalPs;
    this.#gates = [
      new CreditGate(credits.postedHeaders, credits.postedData),
      new CreditGate(credits.nonPostedHeaders, credits.nonPostedData),
      new CreditGate(credits.completionHeaders, credits.completionData),
    ];
    this.#arrive = scheduler.task(`${name}.arrive`, (tlp) => this.#deliver(tlp));
    this.#pumpTimer = new Timer(scheduler, `${name}.transmit`, () => this.#pump());
  }

  /** Trains of `flowClass` that can still be queued. Fewer than half arms {@link LinkDirection.onRoom}. */
  room(flowClass: FlowClass): number {
    const room = this.#queues[flowClass].room;
    if (room < QUEUE_TRAINS / 2) this.#refused = true;
    return room;
  }

  /** Queues a train; there must be room. It leaves when its turn comes, the link is free and there are credits. */
  send(tlp: number): void {
    const queued = this.#queues[this.#tlps.flowClass[tlp]].push(tlp);
    assert(queued, 'a TLP was sent to a full transmit queue');
    // While a timer waits the link is busy or out of credits: the train's turn comes then.
    if (!this.#pumpTimer.pending || this.#waitsForCredits) this.#pump();
  }

  /** The receiver has made room: credits for `headers` TLPs and `data` units of payload go back to the transmitter. */
  release(flowClass: FlowClass, headers: number, data: number): void {
    const gate = this.#gates[flowClass];
    if (gate.infinite) return;
    // At most one UpdateFC of a class every update latency; releases in between travel together.
    const now = this.#scheduler.now;
    const last = this.#lastUpdatePs[flowClass];
    const due = Math.max(now, last > now ? last : last + this.#updateLatencyPs);
    if (gate.restore(due + this.#dllpPs + this.#flightPs, headers, data)) {
      this.#lastUpdatePs[flowClass] = due;
      this.reverse.#oweUpdate(due);
    }
    if (this.#waitsForCredits) this.#pump();
  }

  /** Share of the time from `fromPs` to `toPs` in which symbols of TLPs, DLLPs or SKIP left, if counted since then. */
  get busyPs(): number {
    return this.#wire.busyPs + this.skipsSent * this.#skipPs;
  }

  /** ps that a byte takes over all lanes. */
  get psPerByte(): number {
    return this.#wire.psPerByte;
  }

  /** Bytes that a SKIP ordered set takes over all lanes. */
  get skipBytes(): number {
    return this.#skipPs / this.#wire.psPerByte;
  }

  /** Header credits of a class now. */
  headerCredits(flowClass: FlowClass): number {
    return this.#gates[flowClass].headersAt(this.#scheduler.now);
  }

  /** Counts in what was due by now although no TLP has asked: Acks, UpdateFCs and SKIPs of an idle link. */
  settle(): void {
    this.#settleOwed(this.#scheduler.now);
    this.#settleSkips(this.#scheduler.now);
  }

  reset(): void {
    for (const gate of this.#gates) gate.reset();
    for (const queue of this.#queues) queue.clear();
    this.#pumpTimer.cancel();
    this.#waitsForCredits = false;
    this.#refused = false;
    this.#ackHead = this.#ackTail;
    this.#updateHead = this.#updateTail;
    this.tlpsSent =
      this.tlpBytes =
      this.payloadBytes =
      this.dllpsSent =
      this.skipsSent =
      this.creditStalls =
        0;
  }

  counters(): Record<string, number> {
    this.settle();
    const { tlpsSent, tlpBytes, payloadBytes, dllpsSent, skipsSent, creditStalls } = this;
    return { tlps: tlpsSent, tlpBytes, payloadBytes, dllps: dllpsSent, skips: skipsSent, creditStalls };
  }

  #pump(): void {
    this.#pumpTimer.cancel();
    this.#waitsForCredits = false;
    const now = this.#scheduler.now;
    const wire = this.#wire;
    const posted = this.#queues[FlowClass.POSTED];
    const completions = this.#queues[FlowClass.COMPLETION];
    const nonPosted = this.#queues[FlowClass.NON_POSTED];
    let waiting = posted.length + completions.length + nonPosted.length;
    // Posted and non-posted requests in turn, so that neither starves; one that lacks credits lets the others pass, as
    // posted requests must be able to (2.4.1).
    while (waiting > 0 && wire.freeAt - now < HIGH_WATER_PS) {
      const postedFirst = !this.#postedLast;
      const sent =
        this.#trySend(completions) ||
        this.#trySend(postedFirst ? posted : nonPosted) ||
        this.#trySend(postedFirst ? nonPosted : posted);
      if (!sent) {
        this.#waitForCredits();
        break;
      }
      waiting--;
    }
    if (waiting > 0 && !this.#waitsForCredits)
      this.#pumpTimer.scheduleAt(Math.max(now, wire.freeAt - LOW_WATER_PS));
    if (
      this.#refused &&
      posted.length <= QUEUE_TRAINS / 2 &&
      nonPosted.length <= QUEUE_TRAINS / 2 &&
      completions.length <= QUEUE_TRAINS / 2
    ) {
      this.#refused = false;
      if (this.onRoom !== null) this.onRoom();
    }
  }

  #trySend(queue: IntRing): boolean {
    if (queue.length === 0) return false;
    const tlps = this.#tlps;
    const tlp = queue.peek();
    const flowClass = tlps.flowClass[tlp];
    const gate = this.#gates[flowClass];
    const headers = tlps.count[tlp];
    const data = tlps.dataCredits[tlp];
    if (!gate.allows(this.#scheduler.now, headers, data)) return false;
    gate.consume(headers, data);
    queue.shift();
    this.#postedLast = flowClass === FlowClass.POSTED;
    this.#transmit(tlp);
    return true;
  }

  #waitForCredits(): void {
    this.creditStalls++;
    this.#waitsForCredits = true;
    let due = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      if (this.#queues[i].length > 0) due = Math.min(due, this.#gates[i].nextUpdatePs());
    }
    // Without an update under way the next release() comes back here.
    if (due !== Number.POSITIVE_INFINITY) this.#pumpTimer.scheduleAt(Math.max(due, this.#scheduler.now));
  }

  #transmit(tlp: number): void {
    const tlps = this.#tlps;
    const now = this.#scheduler.now;
    const wire = this.#wire;
    const start = Math.max(now, wire.freeAt);
    this.#settleOwed(start);
    if (start >= this.#nextSkipPs) this.#settleSkips(start);
    const bytes = tlps.linkBytes[tlp];
    const count = tlps.count[tlp];
    const end = wire.reserve(now, bytes);
    this.tlpsSent += count;
    this.tlpBytes += bytes;
    let seen = end;
    if (tlps.kind[tlp] === TlpKind.MEMORY_READ) {
      // The completer starts on the first request of a train while the others still arrive.
      seen = end - wire.duration(bytes - bytes / count);
    } else {
      this.payloadBytes += tlps.bytes[tlp];
    }
    const arrival = seen + this.#flightPs + tlps.extraPs[tlp];
    this.reverse.#oweAck(arrival);
    this.#probe.record(ProbeKind.TLP_SENT, tlp, bytes, count);
    this.#scheduler.post(arrival, this.#arrive, tlp, 0);
  }

  #deliver(tlp: number): void {
    this.#probe.record(ProbeKind.TLP_ARRIVED, tlp, this.#tlps.linkBytes[tlp], this.#tlps.count[tlp]);
    (this.receiver as TlpReceiver).receive(tlp);
  }

  /** A TLP of the other direction arrives at `arrivalPs`: an Ack covers it and all that arrive until it is due. */
  #oweAck(arrivalPs: number): void {
    if (arrivalPs < this.#nextAckPs) return;
    const due = arrivalPs + this.#updateLatencyPs;
    this.#nextAckPs = due;
    if (this.#ackTail - this.#ackHead === OWED) this.#settleOwed(this.#ackDue[this.#ackHead & (OWED - 1)]);
    this.#ackDue[this.#ackTail++ & (OWED - 1)] = due;
  }

  #oweUpdate(due: number): void {
    if (this.#updateTail - this.#updateHead === OWED) {
      this.#settleOwed(this.#updateDue[this.#updateHead & (OWED - 1)]);
    }
    this.#updateDue[this.#updateTail++ & (OWED - 1)] = due;
  }

  /** Sends the DLLPs that were due by `timePs`. */
  #settleOwed(timePs: number): void {
    while (this.#ackHead !== this.#ackTail) {
      const due = this.#ackDue[this.#ackHead & (OWED - 1)];
      if (due > timePs) break;
      this.#ackHead++;
      this.#sendDllp(due);
    }
    while (this.#updateHead !== this.#updateTail) {
      const due = this.#updateDue[this.#updateHead & (OWED - 1)];
      if (due > timePs) break;
      this.#updateHead++;
      this.#sendDllp(due);
    }
  }

  #sendDllp(due: number): void {
    this.#wire.reserve(due, DLLP_BYTES);
    this.dllpsSent++;
  }

  /** Sends the SKIP ordered sets that were due by `timePs`; only the last of them can still hold anything up. */
  #settleSkips(timePs: number): void {
    const wire = this.#wire;
    if (timePs < this.#nextSkipPs) return;
    const missed = Math.floor((timePs - this.#nextSkipPs) / this.#skipIntervalPs) + 1;
    const last = this.#nextSkipPs + (missed - 1) * this.#skipIntervalPs;
    this.skipsSent += missed;
    this.#nextSkipPs = last + this.#skipIntervalPs;
    wire.freeAt = Math.max(wire.freeAt, last) + this.#skipPs;
  }
}

function prefixed(prefix: string, counters: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [`${prefix}.${name}`, value]));
}
