import { Histogram } from '../kernel/index.ts';
import { FCS_BYTES, findStamp, MIN_FRAME_BYTES, readStampFlow, readStampSequence } from '../wire/index.ts';
import type { FrameCount } from './report.ts';

/** Frames of a flow whose time of sending is remembered: more than can be on their way at once. */
const SENT_WINDOW = 1 << 15;
const SENT_MASK = SENT_WINDOW - 1;
/** Last sequence numbers at each receiver that are checked for duplicates. */
const SEEN_WINDOW = 1 << 12;
const SEEN_MASK = SEEN_WINDOW - 1;

/** One flow at one receiver. */
class Arrivals {
  highest = -1;
  readonly seen = new Int32Array(SEEN_WINDOW).fill(-1);
}

/** What has become of the frames of one flow. */
export class FlowRecord {
  readonly index: number;
  offered = 0;
  delivered = 0;
  reordered = 0;
  duplicated = 0;
  readonly latency = new Histogram();
  private readonly sentPs = new Float64Array(SENT_WINDOW);
  private readonly arrivals: (Arrivals | undefined)[] = [];
  private offeredBefore = 0;
  private deliveredBefore = 0;
  private missingBefore = 0;
  private duplicatedBefore = 0;

  constructor(index: number) {
    this.index = index;
  }

  /** A frame is offered at `timePs`; returns its sequence number. */
  offer(timePs: number): number {
    const sequence = this.offered++ & 0x7fff_ffff;
    this.sentPs[sequence & SENT_MASK] = timePs;
    return sequence;
  }

  /** A copy of a frame has come to a receiver. Returns how long it took, in ps. */
  arrive(receiver: number, sequence: number, timePs: number): number {
    this.delivered++;
    let arrivals = this.arrivals[receiver];
    if (arrivals === undefined) {
      arrivals = new Arrivals();
      this.arrivals[receiver] = arrivals;
    }
    const { seen } = arrivals;
    if (seen[sequence & SEEN_MASK] === sequence) this.duplicated++;
    else if (sequence < arrivals.highest) this.reordered++;
    else arrivals.highest = sequence;
    seen[sequence & SEEN_MASK] = sequence;
    const latencyPs = timePs - this.sentPs[sequence & SENT_MASK];
    this.latency.record(latencyPs);
    return latencyPs;
  }

  /** Frames offered since the measurement began. */
  get measuredOffered(): number {
    return this.offered - this.offeredBefore;
  }

  /** Frames and copies of frames that came since the measurement began. */
  get measuredDelivered(): number {
    return this.delivered - this.deliveredBefore;
  }

  /** Frames that came twice since the measurement began. */
  get measuredDuplicated(): number {
    return this.duplicated - this.duplicatedBefore;
  }

  /**
   * Frames lost since the measurement began: those that their one receiver has not got although it got later ones, so that what
   * is on its way does not count. Of a flow that nobody has got anything of, all; of one with several receivers none can be told.
   */
  get lost(): number {
    return this.missing() - this.missingBefore;
  }

  /** The warm-up is over: from here on it is measured. */
  startMeasuring(): void {
    this.missingBefore = this.missing();
    this.duplicatedBefore = this.duplicated;
    this.reordered = 0;
    this.offeredBefore = this.offered;
    this.deliveredBefore = this.delivered;
    this.latency.reset();
  }

  private missing(): number {
    if (this.delivered === 0) return this.offered;
    const receivers = this.arrivals.filter((arrivals) => arrivals !== undefined);
    if (receivers.length > 1) return 0;
    return receivers[0].highest + 1 - (this.delivered - this.duplicated);
  }
}

/** What one endpoint has sent and received, over the whole run where it does not say otherwise. */
export class EndpointRecord {
  /** Frames received. */
  totalReceived = 0;
  receivedBytes = 0;
  offeredFrames = 0;
  offeredBytes = 0;
  /** Frames that traffic wanted to send but the sender had no room for. */
  notSent = 0;
  /** Of the frames received since the measurement began. */
  readonly latency = new Histogram();
  private offeredBefore: FrameCount = { frames: 0, bytes: 0 };
  private receivedBefore: FrameCount = { frames: 0, bytes: 0 };

  /** What was offered since the measurement began. */
  get offered(): FrameCount {
    const { frames, bytes } = this.offeredBefore;
    return { frames: this.offeredFrames - frames, bytes: this.offeredBytes - bytes };
  }

  /** What was received since the measurement began. */
  get received(): FrameCount {
    const { frames, bytes } = this.receivedBefore;
    return { frames: this.totalReceived - frames, bytes: this.receivedBytes - bytes };
  }

  startMeasuring(): void {
    this.offeredBefore = { frames: this.offeredFrames, bytes: this.offeredBytes };
    this.receivedBefore = { frames: this.totalReceived, bytes: this.receivedBytes };
    this.latency.reset();
  }
}

/**
 * Follows frames from the software that sends them to the software that receives them, by nothing but their bytes: a
 * generated frame carries a stamp with flow and sequence number, a captured one is known by its contents.
 */
export class FlowTracker {
  readonly flows: FlowRecord[] = [];
  readonly endpoints: EndpointRecord[];
  /** Captured frames that are on their way, by a hash of their contents: flow and sequence number. */
  private readonly captured = new Map<number, readonly [FlowRecord, number]>();

  /** @param endpoints how many there are. */
  constructor(endpoints: number) {
    this.endpoints = Array.from({ length: endpoints }, () => new EndpointRecord());
  }

  addFlow(): FlowRecord {
    const record = new FlowRecord(this.flows.length);
    this.flows.push(record);
    return record;
  }

  /** An endpoint offers a frame of a flow; returns its sequence number. `bytes` are those in memory. */
  offer(endpoint: number, flow: FlowRecord, bytes: number, timePs: number): number {
    const record = this.endpoints[endpoint];
    record.offeredFrames++;
    record.offeredBytes += Math.max(MIN_FRAME_BYTES, bytes + FCS_BYTES);
    return flow.offer(timePs);
  }

  /** A captured frame is offered: its contents are what it will be known by. */
  noteCaptured(flow: FlowRecord, sequence: number, hash: number): void {
    this.captured.set(hash, [flow, sequence]);
  }

  /** A frame has come to an endpoint's software: `bytes` from word `at` of `words` on. */
  receive(endpoint: number, words: Int32Array, at: number, bytes: number, timePs: number): void {
    const record = this.endpoints[endpoint];
    record.totalReceived++;
    record.receivedBytes += Math.max(MIN_FRAME_BYTES, bytes + FCS_BYTES);
    const stamp = findStamp(words, at, bytes);
    let flow: FlowRecord | undefined;
    let sequence: number;
    if (stamp >= 0) {
      flow = this.flows[readStampFlow(words, stamp)];
      sequence = readStampSequence(words, stamp);
    } else {
      const captured = this.captured.get(frameHash(words, at, bytes));
      if (captured === undefined) return;
      [flow, sequence] = captured;
    }
    if (flow === undefined) return;
    record.latency.record(flow.arrive(endpoint, sequence, timePs));
  }

  startMeasuring(): void {
    for (const flow of this.flows) flow.startMeasuring();
    for (const endpoint of this.endpoints) endpoint.startMeasuring();
  }
}

/** VLAN EtherType as it stands in a little-endian word. */
const VLAN_WORD = 0x0081;

/**
 * A number for the contents of a frame, the same with and without an 802.1Q tag: FNV-1a over the words of the addresses and
 * what follows the tag.
 */
export function frameHash(words: Int32Array, at: number, bytes: number): number {
  const tagged = (words[at + 3] & 0xffff) === VLAN_WORD;
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < 3; i++) hash = Math.imul(hash ^ words[at + i], 0x01000193);
  const first = tagged ? 4 : 3;
  const whole = bytes >> 2;
  for (let i = first; i < whole; i++) hash = Math.imul(hash ^ words[at + i], 0x01000193);
  if ((bytes & 3) !== 0) {
    const rest = words[at + whole] & ((1 << (8 * (bytes & 3))) - 1);
    hash = Math.imul(hash ^ rest, 0x01000193);
  }
  return hash;
}
