import { Histogram } from '../kernel/index.ts';
import {
  Ecn,
  FCS_BYTES,
  findStamp,
  MIN_FRAME_BYTES,
  readStampEcn,
  readStampFlow,
  readStampSequence,
} from '../wire/index.ts';
import { Arrivals, SENT_MASK, SENT_WINDOW } from './flow-arrivals.ts';
import { MirrorCopies } from './mirror-copies.ts';
import type { FrameCount } from './report.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const stampOf = findStamp;
const flowOf = readStampFlow;
const sequenceOf = readStampSequence;
const ecnOf = readStampEcn;
const CE = Ecn.CE;

/** What has become of the frames of one flow. */
export class FlowRecord {
  readonly index: number;
  /** Whether its frames say that their transport understands marks (ECN). */
  readonly ecn: boolean;
  offered = 0;
  private readonly sentPs = new Float64Array(SENT_WINDOW);
  /** One for each receiver that has got something. */
  private readonly arrivals: Arrivals[] = [];
  /** One for each endpoint that has got copies by mirroring rules. */
  private readonly copies: Arrivals[] = [];
  private offeredBefore = 0;
  private deliveredBefore = 0;
  private missingBefore = 0;
  private duplicatedBefore = 0;
  private mirroredBefore = 0;
  private markedBefore = 0;

  constructor(index: number, ecn: boolean) {
    this.index = index;
    this.ecn = ecn;
  }

  /**
   * So many frames are offered, the first at `timePs` and each `spacingPs` after the one before. Returns the
   * first one's sequence number; the numbers are modulo 2^31.
   */
  offer(timePs: number, spacingPs: number, count: number): number {
    const { sentPs, offered } = this;
    let time = timePs;
    for (let i = 0; i < count; i++) {
      sentPs[(offered + i) & SENT_MASK] = time;
      time += spacingPs;
    }
    this.offered = offered + count;
    return offered & 0x7fff_ffff;
  }

  /** What counts the frames that come to one more receiver. */
  addReceiver(): Arrivals {
    const arrivals = new Arrivals(this.sentPs);
    this.arrivals.push(arrivals);
    return arrivals;
  }

  /** What counts the copies by mirroring rules that come to one more endpoint. */
  addCopies(): Arrivals {
    const copies = new Arrivals(this.sentPs);
    this.copies.push(copies);
    return copies;
  }

  /** Frames that came after a later one, since the measurement began. */
  get reordered(): number {
    return this.arrivals.reduce((sum, { reordered }) => sum + reordered, 0);
  }

  /** How long frames took, since the measurement began. */
  get latency(): Histogram {
    return merged(this.arrivals);
  }

  /** Frames offered since the measurement began. */
  get measuredOffered(): number {
    return this.offered - this.offeredBefore;
  }

  /** Frames and copies of frames that came since the measurement began. */
  get measuredDelivered(): number {
    return this.delivered - this.deliveredBefore;
  }

  /** Copies by mirroring rules that came since the measurement began; none of those delivered is one. */
  get measuredMirrored(): number {
    return this.mirrored - this.mirroredBefore;
  }

  /** Of those delivered since the measurement began, frames with Congestion Experienced. */
  get measuredMarked(): number {
    return this.marked - this.markedBefore;
  }

  /** Frames that came twice since the measurement began. */
  get measuredDuplicated(): number {
    return this.duplicated - this.duplicatedBefore;
  }

  /**
   * Frames lost since the measurement began: those that their one receiver has not got although it got later
   * ones, so that what is on its way does not count. Of a flow that nobody has got anything of, all; of one
   * with several receivers none can be told.
   */
  get lost(): number {
    return this.missing() - this.missingBefore;
  }

  /** The warm-up is over: from here on it is measured. */
  startMeasuring(): void {
    this.missingBefore = this.missing();
    this.duplicatedBefore = this.duplicated;
    this.offeredBefore = this.offered;
    this.deliveredBefore = this.delivered;
    this.mirroredBefore = this.mirrored;
    this.markedBefore = this.marked;
    for (const arrivals of [...this.arrivals, ...this.copies]) {
      arrivals.reordered = 0;
      arrivals.latency.reset();
    }
  }

  private get delivered(): number {
    return this.arrivals.reduce((sum, { delivered }) => sum + delivered, 0);
  }

  private get marked(): number {
    return markedOf(this.arrivals);
  }

  private get mirrored(): number {
    return this.copies.reduce((sum, { delivered }) => sum + delivered, 0);
  }

  private get duplicated(): number {
    return this.arrivals.reduce((sum, { duplicated }) => sum + duplicated, 0);
  }

  private missing(): number {
    if (this.arrivals.length === 0) return this.offered;
    if (this.arrivals.length > 1) return 0;
    return this.arrivals[0].highest + 1 - (this.delivered - this.duplicated);
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
  /** What has come, by the number of its flow; null where nothing has. */
  readonly arrivals: (Arrivals | null)[] = [];
  /** What has come because of mirroring rules; null where nothing is mirrored to. */
  copies: MirrorCopies | null = null;
  private mirroredBefore = 0;
  private markedBefore = 0;
  private offeredBefore: FrameCount = { frames: 0, bytes: 0 };
  private receivedBefore: FrameCount = { frames: 0, bytes: 0 };

  /** Of the frames received since the measurement began. */
  get latency(): Histogram {
    return merged([...this.arrivals, ...(this.copies?.arrivals ?? [])]);
  }

  /** Copies by mirroring rules, of the frames received since the measurement began. */
  get mirrored(): number {
    return this.totalMirrored - this.mirroredBefore;
  }

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

  /** Frames with Congestion Experienced, of ECN-capable flows, received since the measurement began. */
  get marked(): number {
    return markedOf(this.arrivals) - this.markedBefore;
  }

  private get totalMirrored(): number {
    return this.copies?.arrivals.reduce((sum, { delivered }) => sum + delivered, 0) ?? 0;
  }

  startMeasuring(): void {
    this.mirroredBefore = this.totalMirrored;
    this.markedBefore = markedOf(this.arrivals);
    this.offeredBefore = { frames: this.offeredFrames, bytes: this.offeredBytes };
    this.receivedBefore = { frames: this.totalReceived, bytes: this.receivedBytes };
  }
}

/**
 * Follows frames from the software that sends them to the software that receives them, by nothing but their
 * bytes: a generated frame carries a stamp with flow and sequence number, a captured one is known by its
 * contents.
 */
export class FlowTracker {
  readonly flows: FlowRecord[] = [];
  readonly endpoints: EndpointRecord[];
  /** Whether some flow is ECN-capable. */
  countsMarks = false;
  /** Captured frames that are on their way, by a hash of their contents: flow and sequence number. */
  private readonly captured = new Map<number, readonly [FlowRecord, number]>();

  /** @param endpoints how many there are. */
  constructor(endpoints: number) {
    this.endpoints = Array.from({ length: endpoints }, () => new EndpointRecord());
  }

  /** @param ecn whether frames are ECN-capable, so that marks are counted. */
  addFlow(ecn = false): FlowRecord {
    const record = new FlowRecord(this.flows.length, ecn);
    this.flows.push(record);
    this.countsMarks ||= ecn;
    return record;
  }

  /**
   * An endpoint offers frames of a flow, as {@link FlowRecord.offer} has it; returns the first one's sequence
   * number. `bytes` are those of each in memory.
   */
  offer(endpoint: number, flow: FlowRecord, bytes: number, timePs: number, spacingPs = 0, count = 1): number {
    const record = this.endpoints[endpoint];
    record.offeredFrames += count;
    record.offeredBytes += count * Math.max(MIN_FRAME_BYTES, bytes + FCS_BYTES);
    return flow.offer(timePs, spacingPs, count);
  }

  /** A captured frame is offered: its contents are what it will be known by. */
  noteCaptured(flow: FlowRecord, sequence: number, hash: number): void {
    this.captured.set(hash, [flow, sequence]);
  }

  /** The switch has made a copy for an endpoint: of the frame with `bytes` bytes from word `at` of `words` on. */
  noteCopy(endpoint: number, words: Int32Array, at: number, bytes: number): void {
    const record = this.endpoints[endpoint];
    record.copies ??= new MirrorCopies((flow) => this.flows[flow].addCopies());
    const stamp = stampOf(words, at, bytes);
    if (stamp < 0) {
      const captured = this.captured.get(frameHash(words, at, bytes));
      if (captured !== undefined) record.copies.expect(captured[0].index, captured[1]);
      return;
    }
    const flow = flowOf(words, stamp);
    if (flow >= 0 && flow < this.flows.length) record.copies.expect(flow, sequenceOf(words, stamp));
  }

  /** A frame has come to an endpoint's software: `bytes` from word `at` of `words` on. */
  receive(endpoint: number, words: Int32Array, at: number, bytes: number, timePs: number): void {
    const record = this.endpoints[endpoint];
    record.totalReceived++;
    record.receivedBytes += Math.max(MIN_FRAME_BYTES, bytes + FCS_BYTES);
    const stamp = stampOf(words, at, bytes);
    if (stamp < 0) {
      this.receiveCaptured(record, frameHash(words, at, bytes), timePs);
      return;
    }
    const flow = flowOf(words, stamp);
    if (record.copies?.takes(flow, sequenceOf(words, stamp), timePs)) return;
    const known = flow >>> 0 < record.arrivals.length ? record.arrivals[flow] : null;
    const arrivals = known ?? this.firstArrival(record, flow);
    if (arrivals === null) return;
    arrivals.arrive(sequenceOf(words, stamp), timePs);
    if (this.countsMarks && this.flows[flow].ecn && ecnOf(words, stamp) === CE) arrivals.marked++;
  }

  private receiveCaptured(record: EndpointRecord, hash: number, timePs: number): void {
    const captured = this.captured.get(hash);
    if (captured === undefined) return;
    const [{ index }, sequence] = captured;
    if (record.copies?.takes(index, sequence, timePs)) return;
    (record.arrivals[index] ?? this.firstArrival(record, index))?.arrive(sequence, timePs);
  }

  /** Null for a number that no flow has. */
  private firstArrival(record: EndpointRecord, flow: number): Arrivals | null {
    if (flow < 0 || flow >= this.flows.length) return null;
    while (record.arrivals.length <= flow) record.arrivals.push(null);
    const arrivals = this.flows[flow].addReceiver();
    record.arrivals[flow] = arrivals;
    return arrivals;
  }

  startMeasuring(): void {
    for (const flow of this.flows) flow.startMeasuring();
    for (const endpoint of this.endpoints) endpoint.startMeasuring();
  }
}

function markedOf(all: readonly (Arrivals | null)[]): number {
  return all.reduce((sum, arrivals) => sum + (arrivals?.marked ?? 0), 0);
}

function merged(all: readonly (Arrivals | null | undefined)[]): Histogram {
  const latency = new Histogram();
  for (const arrivals of all) if (arrivals) latency.merge(arrivals.latency);
  return latency;
}

/** VLAN EtherType as it stands in a little-endian word. */
const VLAN_WORD = 0x0081;

/**
 * A number for the contents of a frame, the same with and without an 802.1Q tag: FNV-1a over the words of the
 * addresses and what follows the tag, without ECN and the checksum over it.
 */
export function frameHash(words: Int32Array, at: number, bytes: number): number {
  const tagged = (words[at + 3] & 0xffff) === VLAN_WORD;
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < 3; i++) hash = Math.imul(hash ^ words[at + i], 0x01000193);
  const first = tagged ? 4 : 3;
  const whole = bytes >> 2;
  for (let i = first; i < whole; i++) {
    const word = words[at + i];
    hash = Math.imul(
      hash ^ (i <= first + 3 ? withoutEcn(word, i - first, words[at + first]) : word),
      0x01000193,
    );
  }
  if ((bytes & 3) !== 0) {
    const rest = words[at + whole] & ((1 << (8 * (bytes & 3))) - 1);
    hash = Math.imul(hash ^ rest, 0x01000193);
  }
  return hash;
}

/** EtherTypes as they stand in a little-endian word. */
const IPV4_WORD = 0x0008;
const IPV6_WORD = 0xdd86;

/** Word `index` from the EtherType on, as it is whether a queue has marked the frame or not. */
function withoutEcn(word: number, index: number, typed: number): number {
  const type = typed & 0xffff;
  if (type === IPV4_WORD) {
    if (index === 0) return word & ~(3 << 24);
    return index === 3 ? word & ~0xffff : word;
  }
  return type === IPV6_WORD && index === 0 ? word & ~(0x30 << 24) : word;
}
