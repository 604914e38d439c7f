import { AssertionError, assert, IntRing } from '../base/index.ts';
import type { Component, Probe, ProbeSink, Scheduler } from '../kernel/index.ts';
import { ProbeKind, Timer } from '../kernel/index.ts';
import { type CreditAdvertisement, CreditGate } from './credits.ts';
import type { DataLinkErrors } from './data-link-errors.ts';
import type { LinkOptions } from './link-options.ts';
import type { LinkRate } from './link-rate.ts';
import { LinkWire, type Wire } from './link-wire.ts';
import { CREDIT_BYTES, FlowClass, TlpKind } from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';
import type { Foresight, TlpReceiver } from './tlp-receiver.ts';
import { recordTlp, type TlpDeparture } from './tlp-record.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const POSTED = FlowClass.POSTED;
const MEMORY_READ = TlpKind.MEMORY_READ;
const TLP_SENT = ProbeKind.TLP_SENT;

/** Trains that a transmit queue of one class takes before it says that it is full; ... */
const QUEUE_TRAINS = 32;
/** ... one request of a client may still be cut into this many, where credits or tags are few. */
const QUEUE_CAPACITY = 512;
/** The transmitter commits TLPs to the link until it is busy for this long, ... */
const HIGH_WATER_PS = 96_000;
/** ... and looks again when it is busy for no longer than this. One event then sends several TLPs. */
const LOW_WATER_PS = 24_000;

/**
 * One direction of a link: transmit queues by flow-control class, ordering between them, credits, and the
 * symbols that TLPs share with DLLPs and SKIP ordered sets (`LinkWire`). PCI Express Base 2.4 (ordering), 2.6
 * (flow control), 3.5 (Ack).
 */
export class LinkDirection implements Component {
  readonly name: string;
  receiver: TlpReceiver | null = null;
  /** The receiver, if it foresees, or who looks on. */
  foresight: Foresight | null = null;
  /** Called when a transmit queue that had refused a train has room again. */
  onRoom: (() => void) | null = null;
  /** Who takes what is to be sent while the link is down. */
  deadEnd: ((tlp: Tlp) => void) | null = null;
  /** The data link layers, while packets can be lost. */
  errors: DataLinkErrors | null = null;
  /** Set by {@link PcieLink}. */
  reverse!: LinkDirection;

  tlpsSent = 0;
  tlpBytes = 0;
  payloadBytes = 0;
  /** Trains that had to wait for credits. */
  creditStalls = 0;

  private readonly scheduler: Scheduler;
  readonly probe: Probe;
  readonly flightPs: number;
  private readonly tlps: TlpPool;
  /** Its symbols; what they say of the past is as far as {@link LinkDirection.settle} has been asked. */
  readonly wire: Wire;
  readonly gates: readonly CreditGate[];
  /** Units of payload of the largest TLP of each class. */
  readonly largestData: Int32Array;
  private readonly queues = [
    new IntRing(QUEUE_CAPACITY),
    new IntRing(QUEUE_CAPACITY),
    new IntRing(QUEUE_CAPACITY),
  ];
  /** What runs when a train arrives that nobody has foreseen: with its number and {@link LinkDirection.epoch}. */
  readonly arrive: number;
  private readonly pumpTimer: Timer;
  /** Classes (a bit each) that somebody has found short of room. */
  private refused = 0;
  /** Whose turn it is: the last request sent was a posted one. */
  private postedLast = false;
  private waitsForCredits = false;
  /** Trains in the three queues; 1 while the link is down, so that nothing is sent past them. */
  private waiting = 0;
  /** Nothing is sent: what is given to it comes to a dead end. */
  isDown = false;
  /** 1 while the replay buffer is full: it counts as a train that waits. */
  private held = 0;
  /** The link is retrained until then. */
  trainedAt = 0;
  /** TLPs sent before it was trained last: sequence numbers begin anew. */
  private sentBefore = 0;
  /** Whether the train at the head of a class has been counted as waiting. */
  private readonly stalled = new Uint8Array(3);
  // Posted trains ever queued and sent, modulo 2^32: what was queued behind one may not go before it.
  private postedQueued = 0;
  private postedSent = 0;
  /** Resets so far: what was on the link at one does not arrive. */
  private resets = 0;
  /** 0 from the device to the root complex, 1 from there to the device: for probes. */
  readonly number: number;
  readonly rate: LinkRate;
  readonly maxPayloadBytes: number;

  constructor(
    name: string,
    scheduler: Scheduler,
    probe: Probe,
    tlps: TlpPool,
    options: LinkOptions,
    credits: CreditAdvertisement,
    number = 0,
  ) {
    this.name = name;
    this.number = number;
    this.rate = options.rate;
    this.maxPayloadBytes = options.maxPayloadBytes;
    this.scheduler = scheduler;
    this.probe = probe;
    this.tlps = tlps;
    const { flitMode, rate } = options;
    this.wire = flitMode?.(scheduler, rate) ?? new LinkWire(scheduler, rate, options.maxPayloadBytes);
    this.flightPs = options.flightPs;
    const payload = options.maxPayloadBytes / CREDIT_BYTES;
    this.largestData = Int32Array.of(payload, 1, payload);
    this.gates = [
      new CreditGate(credits.postedHeaders, credits.postedData),
      new CreditGate(credits.nonPostedHeaders, credits.nonPostedData),
      new CreditGate(credits.completionHeaders, credits.completionData),
    ];
    const { records } = tlps;
    this.arrive = scheduler.task(`${name}.arrive`, (index, epoch) => {
      const receiver = this.receiver as TlpReceiver;
      if (epoch === this.resets) {
        receiver.receive(records[index]);
      } else {
        receiver.lost?.(records[index]);
        tlps.lose(records[index]);
      }
    });
    this.pumpTimer = new Timer(scheduler, `${name}.transmit`, () => this.pump());
  }

  /** Trains of `flowClass` that can still be queued. Fewer than half the queue arms {@link LinkDirection.onRoom}. */
  room(flowClass: FlowClass): number {
    if (this.waiting === 0) return QUEUE_TRAINS;
    const room = QUEUE_TRAINS - this.queues[flowClass].length;
    if (room < QUEUE_TRAINS / 2) this.refused |= 1 << flowClass;
    return room > 0 ? room : 0;
  }

  /** Sends a train now if it can, else queues it; there must be room. */
  send(tlp: Tlp): void {
    const { scheduler, wire } = this;
    const now = scheduler.now;
    if (wire.nextDuePs <= now) wire.settle(now);
    const gate = this.gates[tlp.flowClass];
    const count = tlp.count;
    if (this.waiting > 0 || wire.freeAt - now >= HIGH_WATER_PS || !gate.has(count, tlp.dataCredits)) {
      this.enqueue(tlp);
      return;
    }
    gate.consume(count, tlp.dataCredits);
    this.postedLast = tlp.flowClass === POSTED;
    const last = wire.send(tlp.linkBytes, count, tlp) + this.flightPs;
    const bytes = tlp.linkBytes;
    const first = count === 1 ? last : last - wire.duration(bytes - bytes / count);
    this.tlpsSent += count;
    this.tlpBytes += bytes;
    // Asked here, so that most TLPs are spared the call and the instants that it passes.
    const reverse = this.reverse.wire;
    if (last >= reverse.nextAckPs) reverse.oweAcks(first, last, count);
    let arrival = last;
    // The completer starts on the first request of a train while the others still arrive.
    if (tlp.kind === MEMORY_READ) arrival = first;
    else this.payloadBytes += tlp.bytes;
    const { sink } = this.probe;
    let delayPs = (arrival - now + tlp.extraPs) | 0;
    if (sink !== null) {
      sink.record(now, TLP_SENT, tlp.index, bytes, count);
      this.recordSent(sink, tlp, delayPs);
    }
    let task = this.arrive;
    const { foresight } = this;
    if (foresight !== null && foresight.foresee(tlp, delayPs) === true) {
      delayPs += foresight.foreseenPs;
      task = foresight.foreseen;
    }
    scheduler.schedule(delayPs, task, tlp.index, this.resets);
  }

  private recordSent(sink: ProbeSink, tlp: Tlp, delayPs: number): void {
    const departure = this.departure(tlp.flowClass, this.nextSequence - tlp.count, delayPs);
    recordTlp(sink, this.scheduler.now, tlp, departure);
  }

  /** What a probe is told of TLPs of a class that have just been given to the link, from `sequence` on. */
  departure(flowClass: FlowClass, sequence: number, delayPs: number): TlpDeparture {
    const { number, scheduler, wire } = this;
    const { now } = scheduler;
    const gate = this.gates[flowClass];
    gate.peek(now);
    return {
      number,
      sequence,
      headerCredits: gate.seenHeaders,
      dataCredits: gate.seenData,
      leftPs: wire.freeAt - now,
      delayPs,
    };
  }

  /** Whether new TLPs have to wait, because the replay buffer is full. */
  hold(held: 0 | 1): void {
    if (held === this.held) return;
    this.waiting += held - this.held;
    this.held = held;
    if (held === 0) this.pump();
  }

  private enqueue(tlp: Tlp): void {
    if (this.isDown) {
      this.deadEnd?.(tlp);
      return;
    }
    const { flowClass } = tlp;
    if (flowClass === POSTED) this.postedQueued = (this.postedQueued + 1) | 0;
    else tlp.postedBefore = this.postedQueued;
    const queued = this.queues[flowClass].push(tlp.index);
    assert(queued, 'a TLP was sent to a full transmit queue');
    this.waiting++;
    // While a timer waits the link is busy or out of credits: the train's turn comes then.
    if (!this.pumpTimer.pending || this.waitsForCredits) this.pump();
  }

  /**
   * The receiver has made room, or will have in `delayPs`: credits for `headers` TLPs and `data` units of
   * payload go back to the transmitter.
   */
  release(flowClass: FlowClass, headers: number, data: number, delayPs = 0): void {
    const gate = this.gates[flowClass];
    if (gate.infinite) return;
    if (this.errors !== null) {
      this.errors.release(flowClass, headers, data, delayPs);
      return;
    }
    // At most one UpdateFC of a class every update latency, and releases in between travel together; but
    // where the receiver had nothing left, it says at once that it has (2.6.1.2).
    const at = this.scheduler.now + delayPs;
    const last = gate.lastUpdatePs;
    if (last > at) {
      gate.join(headers, data);
    } else {
      const isShort = gate.isShort(this.largestData[flowClass]);
      const due = isShort ? at : Math.max(at, last + this.wire.updateLatencyPs);
      const { wire } = this.reverse;
      if (gate.restore(wire.dllpEndPs(due) + this.flightPs, headers, data)) {
        gate.lastUpdatePs = due;
        wire.oweUpdate(due);
      }
    }
    if (this.waitsForCredits) this.pump();
  }

  /** Credits have come that did not announce themselves. */
  creditsCame(): void {
    if (this.waitsForCredits) this.pump();
  }

  /** Time for which symbols of TLPs, DLLPs or SKIPs have left, in ps; see {@link LinkDirection.settle}. */
  get busyPs(): number {
    return this.wire.busyPs;
  }

  /**
   * TLPs of a class, and units of 16 bytes, that a train may have: what the receiver has advertised, 2^30 for
   * infinite.
   */
  trainLimits(flowClass: FlowClass): { headers: number; data: number } {
    const { initialHeaders, initialData } = this.gates[flowClass];
    return { headers: initialHeaders, data: initialData };
  }

  /** Number of the next TLP, from 0 when the link has been trained (PCI Express Base 3.5.2.1), not cut to twelve bits. */
  get nextSequence(): number {
    return this.tlpsSent - this.sentBefore;
  }

  /** Resets so far: what left before one does not arrive. */
  get epoch(): number {
    return this.resets;
  }

  /** Whether the receiver has advertised credits of a class without end: then nothing needs to be given back. */
  isInfinite(flowClass: FlowClass): boolean {
    return this.gates[flowClass].infinite;
  }

  /** Acks and UpdateFCs that have left; in Flit Mode flits with TLPs. See {@link LinkDirection.settle}. */
  get dllpsSent(): number {
    return this.wire.dllpsSent;
  }

  /** SKIP ordered sets that have left; see {@link LinkDirection.settle}. */
  get skipsSent(): number {
    return this.wire.skipsSent;
  }

  /** ps that a byte takes over all lanes. */
  get psPerByte(): number {
    return this.wire.psPerByte;
  }

  /** Bytes that a SKIP ordered set takes over all lanes. */
  get skipBytes(): number {
    return this.wire.skipBytes;
  }

  /** Header credits of a class now. */
  headerCredits(flowClass: FlowClass): number {
    return this.gates[flowClass].headersAt(this.scheduler.now);
  }

  /** Counts in what was due by now although no TLP has asked: Acks, UpdateFCs and SKIPs of an idle link. */
  settle(): void {
    this.wire.settle(this.scheduler.now);
  }

  reset(): void {
    for (const tlp of this.restart()) this.tlps.lose(tlp);
    this.wire.reset(this.scheduler.now);
    this.tlpsSent = this.tlpBytes = this.payloadBytes = this.creditStalls = this.sentBefore = 0;
  }

  /** Nothing counted; TLPs, credits and sequence numbers go on. */
  resetCounters(): void {
    this.wire.resetCounters(this.scheduler.now);
    this.sentBefore -= this.tlpsSent;
    this.tlpsSent = this.tlpBytes = this.payloadBytes = this.creditStalls = 0;
  }

  /** As after initialisation, or down, but for what it has counted; returns what had not left. */
  restart(isDown = false): Tlp[] {
    const waiting: Tlp[] = [];
    for (const gate of this.gates) gate.reset();
    for (const queue of this.queues) while (queue.length > 0) waiting.push(this.tlps.records[queue.shift()]);
    this.pumpTimer.cancel();
    this.waitsForCredits = false;
    this.isDown = isDown;
    this.held = this.trainedAt = 0;
    this.waiting = isDown ? 1 : 0;
    this.sentBefore = this.tlpsSent;
    this.refused = 0;
    this.stalled.fill(0);
    this.postedSent = this.postedQueued;
    this.wire.restart(this.scheduler.now);
    this.resets++;
    this.errors?.restart(waiting);
    if (this.reverse.errors !== null) this.wire.nextAckPs = Number.POSITIVE_INFINITY;
    return waiting;
  }

  counters(): Record<string, number> {
    this.settle();
    const { tlpsSent, tlpBytes, payloadBytes, dllpsSent, skipsSent, creditStalls } = this;
    return { tlps: tlpsSent, tlpBytes, payloadBytes, dllps: dllpsSent, skips: skipsSent, creditStalls };
  }

  private pump(): void {
    this.pumpTimer.cancel();
    this.waitsForCredits = false;
    if (this.held === 1) return;
    const now = this.scheduler.now;
    const wire = this.wire;
    if (wire.nextDuePs <= now) wire.settle(now);
    const posted = this.queues[FlowClass.POSTED];
    const completions = this.queues[FlowClass.COMPLETION];
    const nonPosted = this.queues[FlowClass.NON_POSTED];
    // Posted and non-posted requests in turn, so that neither starves; one that lacks credits lets the others
    // pass, as posted requests must be able to (2.4.1).
    while (this.waiting > 0 && wire.freeAt - now < HIGH_WATER_PS) {
      const postedFirst = !this.postedLast;
      const sent =
        this.trySend(completions) ||
        this.trySend(postedFirst ? posted : nonPosted) ||
        this.trySend(postedFirst ? nonPosted : posted);
      if (!sent) {
        this.waitForCredits();
        break;
      }
    }
    if (this.waiting > 0 && !this.waitsForCredits)
      this.pumpTimer.schedule(Math.max(0, wire.freeAt - LOW_WATER_PS - now) | 0);
    if (this.refused !== 0) this.tellOfRoom();
  }

  private tellOfRoom(): void {
    let roomy = 0;
    for (let i = 0; i < 3; i++) if (this.queues[i].length <= QUEUE_TRAINS / 2) roomy |= 1 << i;
    if ((this.refused & roomy) === 0) return;
    this.refused &= ~roomy;
    if (this.onRoom !== null) this.onRoom();
  }

  private trySend(queue: IntRing): boolean {
    if (queue.length === 0) return false;
    const tlp = this.tlps.records[queue.peek()];
    const flowClass = tlp.flowClass;
    // Neither a read nor a completion passes a posted request that was queued before it (2.4.1).
    if (flowClass !== POSTED && ((tlp.postedBefore - this.postedSent) | 0) > 0) return false;
    const gate = this.gates[flowClass];
    const headers = tlp.count;
    const data = tlp.dataCredits;
    if (!gate.has(headers, data) && !gate.allows(this.scheduler.now, headers, data)) {
      this.noteStall(flowClass, headers, data);
      return false;
    }
    if (flowClass === POSTED) this.postedSent = (this.postedSent + 1) | 0;
    this.stalled[flowClass] = 0;
    queue.shift();
    // It goes as if nothing else waited: the same few lines for all, which stay in the processor's cache.
    const others = this.waiting - 1;
    this.waiting = 0;
    this.send(tlp);
    this.waiting = others + this.held;
    return true;
  }

  private noteStall(flowClass: number, headers: number, data: number): void {
    if (this.stalled[flowClass] === 1) return;
    this.stalled[flowClass] = 1;
    this.creditStalls++;
    const { initialHeaders, initialData } = this.gates[flowClass];
    if (headers <= initialHeaders && data <= initialData) return;
    throw new AssertionError(
      `${this.name}: a train needs ${headers} header and ${data} data credits, ` +
        `the receiver advertises ${initialHeaders} and ${initialData}`,
    );
  }

  private waitForCredits(): void {
    this.waitsForCredits = true;
    let due = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      if (this.stalled[i] === 1) due = Math.min(due, this.gates[i].nextUpdatePs());
    }
    // Without an update under way the next release() comes back here.
    if (due !== Number.POSITIVE_INFINITY) this.pumpTimer.scheduleAt(Math.max(due, this.scheduler.now));
  }
}
