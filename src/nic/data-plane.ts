import { ceilPowerOfTwo, type FramePool, IntRing } from '../base/index.ts';
import { type DmaPort, ReceiveEngine, TransmitEngine } from '../dma/index.ts';
import { type Component, type Probe, ProbeKind, type Scheduler } from '../kernel/index.ts';
import { DROP_REASONS, type NicSwitch, NUMBER_MASK, TAG_SHIFT } from '../nicswitch/index.ts';
import { AdvancedReceiveFormat, AdvancedTransmitFormat } from './advanced-descriptors.ts';
import { cardFrames } from './card-frames.ts';
import { cardSwitch } from './card-switch.ts';
import { ClassPath, takeControl } from './class-path.ts';
import type { CutThrough } from './cut-through.ts';
import { NicDrop, NicDrops } from './drops.ts';
import { ECN_DROP, type EcnMarker } from './ecn-marker.ts';
import type { FlowControlSettings } from './flow-control.ts';
import { MacPort } from './mac-port.ts';
import type { PipelineArbiter } from './pipeline-arbiter.ts';
import { arbiterFor, wideOccupancyPs } from './pipeline-timing.ts';
import type { NicProfile } from './profile.ts';
import { type QueueInterrupts, type QueueSpread, RingProgress } from './ring-progress.ts';
import type { TransmitCutThrough } from './transmit-cut-through.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const { FRAME_IN, FRAME_OUT, FRAME_COPIED, FRAME_DROPPED, TX_DESCRIPTOR, RX_DESCRIPTOR } = ProbeKind;

/** EtherType of MAC Control frames as it lies in a word of a frame. */
const MAC_CONTROL_TYPE = 0x0888;
/** Frame slots that the transmit side leaves to the receive side. */
const RESERVED_SLOTS = 512;

/**
 * The way of a frame through the card: from a ring or the wire into the packet buffer, through the switch's
 * pipeline, and out to rings or the wire. Frames are slots of one pool all the way.
 */
export class DataPlane implements Component {
  readonly name: string;
  readonly frames: FramePool;
  readonly transmit: TransmitEngine;
  readonly receive: ReceiveEngine;
  readonly switch: NicSwitch;
  readonly mac: MacPort;
  /** Frames that the card dropped beside those that the switch did, by VPort (the uplink last). */
  readonly drops: NicDrops;
  /** What of each transmit ring has been taken, and of each receive ring given to frames; by queue. */
  readonly transmitted: readonly RingProgress[];
  readonly received: readonly RingProgress[];
  /** Rings that could not be read, and were disabled. */
  ringsFailed = 0;
  /** Whether the port takes frames from the wire (RXCTRL.RXEN). */
  receives = false;
  /** Frames that have come in, since power-on: as many as there are FRAME_IN records. No reset changes it. */
  framesEntered = 0;
  /** Frames in the switch's pipeline. */
  inPipeline = 0;
  /** Bytes in the receive packet buffer at most so far. */
  receiveHighWater = 0;
  /** The way through a receive buffer with classes; null while the card does without. */
  classPath: ClassPath | null = null;
  /** What lets frames from the wire go on before they are whole; null for store-and-forward. */
  cutThrough: CutThrough | null = null;
  /** The same for frames towards the wire. */
  transmitCutThrough: TransmitCutThrough | null = null;
  /** Marks IP packets in long queues, which are those of classes; null where none are. */
  ecn: EcnMarker | null = null;
  /** Chooses among the queues of a pool; null: all goes to the first. */
  spread: QueueSpread | null = null;
  /** Looks at each frame from the wire first; returns one of `NicDrop` for those that are dropped, else -1. */
  wireCheck: ((slot: number) => number) | null = null;
  /** Called once before the switch decides next: takes over what registers have changed. */
  beforeSwitch: (() => void) | null = null;

  private readonly scheduler: Scheduler;
  private readonly probe: Probe;
  private readonly lengths: Int32Array;
  private readonly profile: NicProfile;
  queuesPerPool: number;
  /** Bytes that the receive buffer holds; where it has classes none, so that all is left to them. */
  private receiveLimit: number;
  private readonly linkGbps: number;
  private readonly interrupts: QueueInterrupts;
  private readonly uplink: number;
  private readonly switched: number;
  private readonly pipelinePs: number;
  private readonly perFramePs: number;
  /** Bytes that the pipeline takes each cycle; 0 where length does not matter. */
  private readonly widthBytes: number;
  /** Says who enters the pipeline next; null: who came first. */
  private readonly arbiter: PipelineArbiter | null;
  /** When the pipeline takes the next frame; a double from the start. */
  private pipelineFree = Number.NEGATIVE_INFINITY;
  /** Frames from rings that wait for room in the receive buffer: slot and ingress in turn. */
  private readonly stalled: IntRing;
  /** Bytes in the receive packet buffer, while it has no classes. */
  receiveBytes = 0;
  /** Pool of each queue, so that the hot path does not divide. */
  readonly pools: number[];

  /** @param port makes the way to host memory, given the pool that frames and descriptor caches lie in. */
  constructor(
    name: string,
    scheduler: Scheduler,
    probe: Probe,
    profile: NicProfile,
    linkGbps: number,
    port: (frames: FramePool) => DmaPort,
    interrupts: QueueInterrupts,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.probe = probe;
    this.profile = profile;
    this.queuesPerPool = profile.queuesPerPool;
    this.receiveLimit = profile.receiveBufferBytes;
    this.linkGbps = linkGbps;
    this.interrupts = interrupts;
    const queues = profile.pools * profile.queuesPerPool;
    const deliveries = profile.frameSlots * 2;
    const transmitStore = TransmitEngine.storeBytes(queues);
    this.frames = cardFrames(profile, transmitStore + ReceiveEngine.storeBytes(queues, deliveries));
    this.lengths = this.frames.lengths;
    const dma = port(this.frames);
    this.transmit = new TransmitEngine(
      `${name}.transmit`,
      this.frames,
      dma,
      new AdvancedTransmitFormat(),
      {
        frameFetched: (queue, slot, index) => this.enterFromRing(queue, slot, index),
        frameFailed: (queue) => this.failed(queue),
        statusWritten: (queue) => this.interrupts.queueDone(queue, true),
        ringFailed: () => this.ringsFailed++,
      },
      {
        queues,
        cacheDescriptors: profile.transmitCacheDescriptors,
        packetBufferBytes: profile.transmitBufferBytes,
        reservedSlots: RESERVED_SLOTS,
        storeOffset: this.frames.extraOffset,
        maxFrameBytes: profile.maxFrameBytes,
      },
    );
    this.receive = new ReceiveEngine(
      `${name}.receive`,
      scheduler,
      this.frames,
      dma,
      new AdvancedReceiveFormat(),
      {
        frameWritten: (queue, slot, index) => {
          this.received[queue].done(index);
          this.probe.record(RX_DESCRIPTOR, queue, index, slot);
        },
        statusWritten: (queue) => this.interrupts.queueDone(queue, false),
        frameDropped: (queue, slot) => this.dropped(this.pools[queue], slot, NicDrop.NO_DESCRIPTOR),
        frameReleased: (_, slot) => this.released(slot),
        ringFailed: () => this.ringsFailed++,
      },
      {
        queues,
        cacheDescriptors: profile.receiveCacheDescriptors,
        deliveries,
        writeBackHoldPs: profile.writeBackHoldPs,
        storeOffset: this.frames.extraOffset + transmitStore,
      },
    );
    this.pools = Array.from({ length: queues }, (_, queue) => Math.floor(queue / profile.queuesPerPool));
    this.transmitted = this.transmit.rings.all.map((ring) => new RingProgress(ring));
    this.received = this.receive.rings.all.map((ring) => new RingProgress(ring));
    for (const ring of this.receive.rings.all) {
      ring.prefetchThreshold = profile.receivePrefetchThreshold;
      ring.hostThreshold = profile.receiveHostThreshold;
    }
    this.switch = cardSwitch(profile, name, this.frames, scheduler);
    this.uplink = this.switch.uplink;
    this.drops = new NicDrops(profile.pools + 1);
    this.mac = new MacPort(
      `${name}.mac`,
      scheduler,
      this.frames,
      { frameSent: (slot) => this.sent(slot) },
      linkGbps,
      probe,
    );
    this.stalled = new IntRing(ceilPowerOfTwo(2 * profile.frameSlots));
    this.pipelinePs = profile.switchCycles * profile.coreClockPs;
    this.perFramePs = profile.switchCyclesPerFrame * profile.coreClockPs;
    this.widthBytes = profile.switchBytesPerCycle ?? 0;
    this.switched = scheduler.task(`${name}.switch`, (slot, ingress) => this.forward(slot, ingress, false));
    this.arbiter = arbiterFor(profile, name, scheduler, this.lengths, this.switched, this.uplink);
  }

  /**
   * A free slot for a frame of `bytes` from the wire, or -1: then the port does not receive, or the receive
   * packet buffer is full.
   */
  slotForWire(bytes: number): number {
    if (!this.receives) {
      this.drops.count(this.uplink, NicDrop.RECEIVE_DISABLED);
      return -1;
    }
    const takes = this.classPath !== null ? this.arbiter?.wireIsFull !== true : this.hasRoomFor(bytes);
    const slot = takes ? this.frames.take() : -1;
    if (slot < 0) {
      this.drops.count(this.uplink, NicDrop.BUFFER_FULL);
      return -1;
    }
    this.lengths[slot] = bytes;
    return slot;
  }

  /** A frame has come in from the wire, whole, into a slot from {@link DataPlane.slotForWire}. */
  receiveFromWire(slot: number): void {
    const word = slot << (this.frames.slotShift - 2);
    const { classPath } = this;
    const isControl = (this.frames.i32[word + 3] & 0xffff) === MAC_CONTROL_TYPE;
    const bad = this.wireCheck === null ? -1 : this.wireCheck(slot);
    if (bad >= 0) this.refuse(slot, bad);
    else if (isControl && !takeControl(this.frames, slot, classPath?.flow))
      this.refuse(slot, NicDrop.MAC_CONTROL);
    else if (classPath !== null && !classPath.arrive(slot)) this.refuse(slot, NicDrop.BUFFER_FULL);
    else this.enterSwitch(slot, this.uplink);
  }

  /**
   * Classes, their share of the receive buffer, and flow control, from now on. What is in the buffer already
   * belongs to the first class.
   */
  setFlowControl(settings: FlowControlSettings): void {
    if (this.classPath !== null) {
      this.classPath.configure(settings);
      return;
    }
    const { name, scheduler, frames, receive, transmit, mac, uplink, linkGbps } = this;
    const { maxFrameBytes } = this.profile;
    const { tags } = this.switch.tables;
    const handOver = (slot: number, ingress: number, bytes: number) => this.handOver(slot, ingress, bytes);
    const path = new ClassPath(
      { name, scheduler, frames, tags, receive, transmit, mac, uplink, linkGbps, maxFrameBytes, handOver },
      settings,
    );
    path.classed.adopt(this.receiveBytes);
    this.receiveBytes = 0;
    this.receiveLimit = -1;
    while (this.stalled.length > 0) path.classed.stall(this.stalled.shift(), this.stalled.shift());
    this.classPath = path;
  }

  reset(): void {
    this.drops.reset();
    this.receiveHighWater = this.receiveBytes;
    this.classPath?.reset();
    this.ecn?.reset();
    this.transmitCutThrough?.reset();
    this.ringsFailed = 0;
    this.transmit.reset();
    this.receive.reset();
    this.mac.reset();
  }

  counters(): Record<string, number> {
    const drops = Object.entries(this.drops.totals()).map(([reason, count]) => [`drops.${reason}`, count]);
    return {
      ...Object.fromEntries(drops),
      receiveBufferBytes: this.receiveBytes,
      receiveBufferHighWater: this.receiveHighWater,
      ...this.classPath?.counters(),
      ...this.ecn?.counters(),
      ...this.transmitCutThrough?.counters(),
      ringsFailed: this.ringsFailed,
      slotsInUse: this.frames.slots - this.frames.available,
    };
  }

  /** A frame that queue's descriptor `index` ends is in a slot, as far as the switch needs it. */
  enterFromRing(queue: number, slot: number, index: number): void {
    this.transmitted[queue].done(index);
    this.probe.record(TX_DESCRIPTOR, queue, index, slot);
    this.enterSwitch(slot, this.pools[queue]);
  }

  private failed(queue: number): void {
    this.transmitted[queue].nextDone();
    this.drops.count(this.pools[queue], NicDrop.DMA_FAILED);
    this.transmit.slotFreed();
  }

  private enterSwitch(slot: number, ingress: number): void {
    this.inPipeline++;
    this.framesEntered++;
    this.probe.record(FRAME_IN, slot, ingress, this.lengths[slot]);
    if (this.arbiter !== null) {
      this.arbiter.push(slot, ingress);
      return;
    }
    const now = this.scheduler.now;
    const start = this.pipelineFree > now ? this.pipelineFree : now;
    const taken = this.widthBytes === 0 ? this.perFramePs : wideOccupancyPs(this.profile, this.lengths[slot]);
    this.pipelineFree = start + taken;
    this.scheduler.schedule(start - now + this.pipelinePs, this.switched, slot, ingress);
  }

  /**
   * A frame comes out of the switch's pipeline and goes to whom the switch says: nearly always one receiver,
   * known from its tables. One from a ring waits in the transmit buffer, and all behind it, while the receive
   * buffer has no room for it; one from the wire has its room already.
   */
  private forward(slot: number, ingress: number, hasWaited: boolean): void {
    // Read before the frame is handed on: its last holder may free the slot.
    const bytes = this.lengths[slot];
    if (ingress === this.uplink) {
      if (this.cutThrough !== null && !hasWaited && this.cutThrough.holds(slot)) return;
      if (this.classPath !== null) {
        this.classPath.forward(slot, ingress, false);
        return;
      }
    } else if (!hasWaited && this.transmitCutThrough?.holds(slot, ingress) === true) {
      return;
    } else if (!hasWaited && (this.stalled.length > 0 || !this.hasRoomFor(bytes))) {
      if (this.classPath !== null) this.classPath.forward(slot, ingress, false);
      else {
        this.stalled.push(slot);
        this.stalled.push(ingress);
      }
      return;
    }
    this.handOver(slot, ingress, bytes);
  }

  private handOver(slot: number, ingress: number, bytes: number): void {
    this.inPipeline--;
    if (this.beforeSwitch !== null) this.takeOverRegisters(this.beforeSwitch);
    const target = this.switch.routeDirect(slot, ingress);
    if (target < 0) this.forwardAny(slot, ingress, bytes);
    // What does not go to the wire has left the transmit buffer, for the receive buffer or for good.
    else if (!this.handOn(slot, target, bytes) && ingress !== this.uplink) this.transmit.releaseBuffer(bytes);
  }

  /** The same for a frame that the tables do not decide. */
  private forwardAny(slot: number, ingress: number, bytes: number): void {
    const count = this.switch.routeAny(slot, ingress);
    if (count === 0) this.probe.record(FRAME_DROPPED, slot, ingress, this.switch.lastDrop);
    let toWire = false;
    for (let i = 0; i < count; i++) toWire = this.handOn(slot, this.switch.targets[i], bytes) || toWire;
    if (toWire || ingress === this.uplink || bytes === 0) return;
    this.transmit.releaseBuffer(bytes);
    if (count === 0) this.transmit.slotFreed();
  }

  /** Gives a frame, or a replica, to one of its receivers; returns whether that is the wire. */
  private handOn(slot: number, target: number, bytes: number): boolean {
    const port = target & NUMBER_MASK; // As targetPort and tagOperation do, which are imported functions.
    const operation = target >>> TAG_SHIFT;
    if (port === this.uplink) {
      if (this.ecn !== null) return this.sendMarked(this.ecn, slot, target);
      this.probe.record(FRAME_OUT, slot, target, bytes);
      this.mac.sendEdited(slot, operation);
      return true;
    }
    if (this.hasRoomFor(bytes)) {
      this.probe.record(FRAME_OUT, slot, target, bytes);
      const receiveBytes = (this.receiveBytes + bytes) | 0;
      this.receiveBytes = receiveBytes;
      if (receiveBytes > this.receiveHighWater) this.receiveHighWater = receiveBytes;
      this.receive.deliver(this.spread?.queueFor(port, slot) ?? port * this.queuesPerPool, slot, operation);
    } else this.giveByClass(slot, target, bytes);
    return false;
  }

  /** Into a receive buffer with classes, as far as there is one. */
  private giveByClass(slot: number, target: number, bytes: number): void {
    const port = target & NUMBER_MASK;
    const classed = this.classPath?.classed;
    const isBad = this.cutThrough?.bad === slot;
    let own = slot;
    if (this.ecn !== null && classed !== undefined && !isBad) {
      own = this.mark(this.ecn, slot, target, classed.bytesAhead(slot));
      if (own === ECN_DROP) return;
      if (own !== slot) classed.copied(slot, own);
    } else this.probe.record(FRAME_OUT, slot, target, bytes);
    const queue = this.spread?.queueFor(port, own) ?? port * this.queuesPerPool;
    const isGiven = !isBad && classed?.give(queue, own, target >>> TAG_SHIFT) === true;
    if (!isGiven) this.dropFrame(port, own, isBad ? NicDrop.BAD_FCS : NicDrop.BUFFER_FULL);
  }

  /** To the wire, marked if the frames of its class in front of it are many; returns whether it went. */
  private sendMarked(ecn: EcnMarker, slot: number, target: number): boolean {
    const own = this.mark(ecn, slot, target, this.mac.bytesInFrontOf(slot, target >>> TAG_SHIFT));
    if (own === ECN_DROP) return false;
    this.transmit.shares?.copied(own);
    this.mac.sendEdited(own, target >>> TAG_SHIFT);
    return true;
  }

  /** The slot that goes on behind so many bytes; for `ECN_DROP` it has been dropped. */
  private mark(ecn: EcnMarker, slot: number, target: number, ahead: number): number {
    const own = ecn.enqueue(slot, ahead);
    if (own !== slot && own !== ECN_DROP) this.probe.record(FRAME_COPIED, own, slot, 0);
    this.probe.record(FRAME_OUT, own === ECN_DROP ? slot : own, target, this.lengths[slot]);
    if (own === ECN_DROP) this.dropFrame(target & NUMBER_MASK, slot, NicDrop.CONGESTION);
    return own;
  }

  private dropFrame(port: number, slot: number, reason: number): void {
    this.dropped(port, slot, reason);
    if (this.transmitCutThrough?.keeps(slot) !== true) this.frames.release(slot);
  }

  private hasRoomFor(bytes: number): boolean {
    return this.receiveBytes + bytes <= this.receiveLimit;
  }

  private takeOverRegisters(change: () => void): void {
    this.beforeSwitch = null;
    change();
  }

  /** A frame that one of the two cut-throughs has held goes on. */
  leavePipeline(slot: number, ingress: number): void {
    this.forward(slot, ingress, ingress === this.uplink);
  }

  /** A frame from the wire does not get as far as the switch, for one of `NicDrop`. */
  refuse(slot: number, reason: number): void {
    this.framesEntered++;
    this.probe.record(FRAME_IN, slot, this.uplink, this.lengths[slot]);
    this.dropped(this.uplink, slot, reason);
    this.frames.release(slot);
  }

  /** `port` loses a frame, or a replica, for one of `NicDrop`. */
  dropped(port: number, slot: number, reason: number): void {
    this.probe.record(FRAME_DROPPED, slot, port, DROP_REASONS.length + reason);
    this.drops.count(port, reason);
  }

  private released(slot: number): void {
    if (this.classPath !== null) this.classPath.released(slot);
    else {
      this.receiveBytes -= this.lengths[slot];
      while (this.stalled.length > 0 && this.hasRoomFor(this.lengths[this.stalled.peek()]))
        this.forward(this.stalled.shift(), this.stalled.shift(), true);
    }
    this.transmit.slotFreed();
  }

  private sent(slot: number): void {
    const bytes = this.lengths[slot];
    if (this.transmit.shares !== null) this.transmit.shares.leave(slot);
    this.frames.release(slot);
    if (bytes > 0) this.transmit.releaseBuffer(bytes);
    this.transmit.slotFreed();
  }
}
