import type { FramePool } from '../../base/index.ts';
import { ProbeKind } from '../../kernel/index.ts';
import { DROP_REASONS } from '../../nicswitch/index.ts';
import { FCS_BYTES } from '../../wire/index.ts';
import { NicDrop } from '../drops.ts';
import type { FrameCounter } from './counting-probe.ts';

const { FRAME_IN, FRAME_OUT, FRAME_DROPPED, TX_DESCRIPTOR, RX_DESCRIPTOR, WIRE_SENT } = ProbeKind;

/** Upper ends of the classes of sizes, check sequence included; the last has all beyond. */
const SIZES = [64, 127, 255, 511, 1023];
const CLASSES = SIZES.length + 1;

/** Frames and bytes of one direction at the wire; bytes with the frame check sequence. */
export class WireCounts {
  packets = 0;
  octets = 0;
  multicast = 0;
  broadcast = 0;
  /** Whatever came, also what was not taken. */
  totalPackets = 0;
  totalOctets = 0;
  readonly bySize = new Float64Array(CLASSES);

  reset(): void {
    this.packets = this.octets = this.multicast = this.broadcast = this.totalPackets = this.totalOctets = 0;
    this.bySize.fill(0);
  }
}

/** Frames and bytes of queues or pools. */
export class QueueCounts {
  readonly packets: Float64Array;
  readonly octets: Float64Array;
  /** Of a receive side: frames to group addresses, and frames without a descriptor. */
  readonly multicast: Float64Array;
  readonly dropped: Float64Array;

  constructor(count: number) {
    this.packets = new Float64Array(count);
    this.octets = new Float64Array(count);
    this.multicast = new Float64Array(count);
    this.dropped = new Float64Array(count);
  }

  reset(): void {
    for (const counts of [this.packets, this.octets, this.multicast, this.dropped]) counts.fill(0);
  }
}

/** What a frame from the wire is until the switch has decided. */
const NOT_WAITING = 0;
const WAITING = 1;

/**
 * Counts what the statistics registers of the 82599 tell (data sheet 8.2.3.23, 8.3.5.6): frames at the wire, and frames
 * of queues and pools.
 */
export class FrameStatistics implements FrameCounter {
  readonly received = new WireCounts();
  readonly sent = new WireCounts();
  /** By queue of the card. */
  readonly fromQueues: QueueCounts;
  readonly toQueues: QueueCounts;
  /** By pool: these are never cleared by a read. */
  readonly fromPools: QueueCounts;
  readonly toPools: QueueCounts;
  badCheckSequences = 0;
  /** Frames too long, too short, and with a wrong length field. */
  oversized = 0;
  undersized = 0;
  lengthErrors = 0;
  /** 1 for a slot whose frame has its check sequence with it. */
  readonly hasCheckSequence: Uint8Array;
  /** Good frames, whether a filter let them pass or not. */
  unfiltered = 0;
  unfilteredOctets = 0;
  private readonly frames: FramePool;
  private readonly uplink: number;
  private readonly division: { readonly queuesPerPool: number };
  private readonly state: Uint8Array;

  constructor(
    frames: FramePool,
    uplink: number,
    pools: number,
    queues: number,
    division: { readonly queuesPerPool: number },
  ) {
    this.frames = frames;
    this.uplink = uplink;
    this.division = division;
    this.fromQueues = new QueueCounts(queues);
    this.toQueues = new QueueCounts(queues);
    this.fromPools = new QueueCounts(pools);
    this.toPools = new QueueCounts(pools);
    this.state = new Uint8Array(frames.slots);
    this.hasCheckSequence = new Uint8Array(frames.slots);
  }

  count(kind: ProbeKind, a: number, b: number, c: number): void {
    if (kind === TX_DESCRIPTOR) this.ofQueue(this.fromQueues, this.fromPools, a, c);
    else if (kind === RX_DESCRIPTOR) this.ofQueue(this.toQueues, this.toPools, a, c);
    else if (kind === FRAME_IN) this.came(a, b);
    else if (kind === FRAME_OUT) this.decided(a, true);
    else if (kind === FRAME_DROPPED) this.lost(a, c);
    else if (kind === WIRE_SENT) this.left(a, b);
  }

  /** As after a reset of the device. */
  reset(): void {
    this.received.reset();
    this.sent.reset();
    for (const counts of [this.fromQueues, this.toQueues, this.fromPools, this.toPools]) counts.reset();
    this.badCheckSequences = this.unfiltered = this.unfilteredOctets = 0;
    this.oversized = this.undersized = this.lengthErrors = 0;
    this.state.fill(NOT_WAITING);
  }

  private came(slot: number, ingress: number): void {
    this.state[slot] = ingress === this.uplink ? WAITING : NOT_WAITING;
    if (ingress !== this.uplink) {
      this.hasCheckSequence[slot] = 0;
      return;
    }
    this.received.totalPackets++;
    this.received.totalOctets += this.octetsOf(slot);
  }

  /** A frame from the wire goes on, to the first of its receivers, or has none. */
  private decided(slot: number, passes: boolean): void {
    if (this.state[slot] !== WAITING) return;
    this.state[slot] = NOT_WAITING;
    const octets = this.octetsOf(slot);
    this.unfiltered++;
    this.unfilteredOctets += octets;
    this.received.bySize[sizeClass(octets)]++;
    if (passes) this.good(this.received, slot, octets);
  }

  private lost(slot: number, reason: number): void {
    const own = reason - DROP_REASONS.length;
    if (own === NicDrop.BAD_FCS && this.state[slot] === WAITING) this.badCheckSequences++;
    if (own === NicDrop.BAD_FCS || own === NicDrop.MAC_CONTROL || own === NicDrop.BAD_LENGTH)
      this.state[slot] = NOT_WAITING;
    this.decided(slot, false);
  }

  /** The MAC begins with a frame; a slot below 0 is a MAC Control frame of its own. */
  private left(slot: number, octets: number): void {
    const { sent } = this;
    sent.totalPackets++;
    sent.totalOctets += octets;
    if (slot < 0) return;
    sent.bySize[sizeClass(octets)]++;
    this.good(sent, slot, octets);
  }

  private good(counts: WireCounts, slot: number, octets: number): void {
    counts.packets++;
    counts.octets += octets;
    if (!this.isGroup(slot)) return;
    if (this.isBroadcast(slot)) counts.broadcast++;
    else counts.multicast++;
  }

  private ofQueue(queues: QueueCounts, pools: QueueCounts, queue: number, slot: number): void {
    const octets = this.octetsOf(slot);
    const pool = Math.floor(queue / this.division.queuesPerPool);
    queues.packets[queue]++;
    queues.octets[queue] += octets;
    pools.packets[pool]++;
    pools.octets[pool] += octets;
    if (this.isGroup(slot) && !this.isBroadcast(slot)) pools.multicast[pool]++;
  }

  /** Bytes of a frame with its check sequence. */
  private octetsOf(slot: number): number {
    return this.frames.lengths[slot] + (this.hasCheckSequence[slot] === 1 ? 0 : FCS_BYTES);
  }

  private isGroup(slot: number): boolean {
    return (this.frames.u8[slot << this.frames.slotShift] & 1) === 1;
  }

  private isBroadcast(slot: number): boolean {
    const word = slot << (this.frames.slotShift - 2);
    return this.frames.i32[word] === -1 && (this.frames.i32[word + 1] & 0xffff) === 0xffff;
  }
}

function sizeClass(octets: number): number {
  const at = SIZES.findIndex((end) => octets <= end);
  return at < 0 ? SIZES.length : at;
}
