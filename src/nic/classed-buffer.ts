import { ceilPowerOfTwo, type FramePool, IntRing } from '../base/index.ts';
import { ETHERNET_HEADER_BYTES, PRIORITIES } from '../wire/index.ts';
import { PacketBuffer, type PacketBufferOptions } from './packet-buffer.ts';

/** A receive queue as the buffer in front of it sees it. */
export interface ReceiveQueues {
  /** Hands a frame over, which the queue writes as soon as it has descriptors. */
  deliver(queue: number, slot: number, operation: number): void;
  /** Whether a frame waits in front of a queue that does not drop. */
  isBlocked(queue: number): boolean;
}

/** Who is told that the buffer has changed, to stop and start senders. */
export interface BufferListener {
  bufferChanged(buffer: PacketBuffer): void;
}

/** No queue. */
const NONE = -1;

/**
 * The receive packet buffer with traffic classes: a frame from the wire takes its room when it arrives and
 * keeps it until its bytes have left; what is sent inside the card waits in the transmit buffer until its
 * class has room.
 *
 * Each class is a queue: while its first frame waits for the descriptors of a queue that does not drop
 * (SRRCTL.DROP_EN clear), everything behind it waits too, whosever it is (82599 data sheet, section 7.1.4).
 */
export class ClassedBuffer {
  buffer: PacketBuffer;
  /** Frames that waited for another queue's descriptors, by class. */
  readonly headOfLineBlocked = new Float64Array(PRIORITIES);
  /** Port at which the frame of the last {@link ClassedBuffer.nextStalled} came in. */
  stalledIngress = 0;

  private readonly frames: FramePool;
  private readonly queues: ReceiveQueues;
  private readonly listener: BufferListener;
  /** Class of the frame in each slot that has been let in. */
  private readonly classes: Uint8Array;
  /** 1 for a frame from the wire whose room no receiver has taken over yet. */
  private readonly arrived: Uint8Array;
  /** Frames that wait behind another queue's: queue, slot and operation in turn, by class. */
  private readonly behind: readonly IntRing[];
  /** The queue whose frame the class waits for. */
  private readonly blocker = new Int32Array(PRIORITIES).fill(NONE);
  /** Frames from rings that wait for room: slot and ingress in turn, by class. */
  private readonly stalled: readonly IntRing[];
  private stalledFrames = 0;
  private waitingBehind = 0;

  constructor(
    frames: FramePool,
    queues: ReceiveQueues,
    listener: BufferListener,
    options: PacketBufferOptions,
  ) {
    this.frames = frames;
    this.queues = queues;
    this.listener = listener;
    this.buffer = new PacketBuffer(options);
    this.classes = new Uint8Array(frames.slots);
    this.arrived = new Uint8Array(frames.slots);
    // No frame that is delivered is shorter than its header.
    const most = ceilPowerOfTwo(Math.ceil((3 * options.bytes) / ETHERNET_HEADER_BYTES));
    this.behind = Array.from({ length: PRIORITIES }, () => new IntRing(most));
    this.stalled = Array.from({ length: PRIORITIES }, () => new IntRing(ceilPowerOfTwo(2 * frames.slots)));
  }

  /** Frames for `queue` that wait behind another queue's. */
  waitingFor(queue: number): number {
    let count = 0;
    for (const ring of this.behind) {
      for (let i = 0; i < ring.length; i += 3) if (ring.peek(i) === queue) count++;
    }
    return count;
  }

  /** Frames that wait behind another queue's. */
  get blockedLength(): number {
    return this.waitingBehind;
  }

  /** The buffer is divided anew; what lies in it stays. */
  divide(options: PacketBufferOptions): void {
    const before = this.buffer;
    this.buffer = new PacketBuffer(options);
    for (let c = 0; c < before.classes; c++) {
      if (before.usedBy[c] === 0) continue;
      // A class that is gone leaves its bytes to the first.
      this.buffer.adopt(Math.min(c, this.buffer.classes - 1), before.usedBy[c]);
    }
    for (let slot = 0; slot < this.classes.length; slot++) {
      this.classes[slot] = Math.min(this.classes[slot], this.buffer.classes - 1);
    }
    this.changed();
  }

  /** Takes over bytes that lie in the buffer already: they are the first class's. */
  adopt(bytes: number): void {
    this.buffer.adopt(0, bytes);
  }

  resetCounters(): void {
    this.buffer.resetCounters();
    this.headOfLineBlocked.fill(0);
  }

  /** How full the buffer is and was, and what that did, by class. */
  counters(): Record<string, number> {
    const { buffer } = this;
    const counts: Record<string, number> = {
      receiveBufferBytes: buffer.used,
      receiveBufferHighWater: buffer.highWater,
    };
    for (let c = 0; c < buffer.classes; c++) {
      counts[`receiveBuffer.class${c}.bytes`] = buffer.usedBy[c];
      counts[`receiveBuffer.class${c}.highWater`] = buffer.highWaterBy[c];
      counts[`receiveBuffer.class${c}.headroomBytes`] = buffer.headroomUsed[c];
      counts[`receiveBuffer.class${c}.dropped`] = buffer.refusedBy[c];
      counts[`receiveBuffer.class${c}.headOfLineBlocked`] = this.headOfLineBlocked[c];
    }
    return counts;
  }

  /** A frame has arrived from the wire; false if there is no room for it. */
  arrive(slot: number, frameClass: number): boolean {
    if (!this.buffer.admit(frameClass, this.frames.lengths[slot], true)) return false;
    this.classes[slot] = frameClass;
    this.arrived[slot] = 1;
    this.changed();
    return true;
  }

  /**
   * Whether a frame from a ring may go on: its class has room, and none waits in front of it. One that the
   * class can never have room for goes on, too: to the wire, or to be dropped.
   */
  mayEnter(slot: number, frameClass: number): boolean {
    this.classes[slot] = frameClass;
    return this.stalled[frameClass].length === 0 && this.mayGoOn(frameClass, this.frames.lengths[slot]);
  }

  /** Keeps a frame that may not go on. */
  stall(slot: number, ingress: number): void {
    const ring = this.stalled[this.classes[slot]];
    ring.push(slot);
    ring.push(ingress);
    this.stalledFrames++;
  }

  /** A frame that was kept and may go on now, or -1; its ingress is {@link ClassedBuffer.stalledIngress}. */
  nextStalled(): number {
    if (this.stalledFrames === 0) return NONE;
    for (let c = 0; c < PRIORITIES; c++) {
      const ring = this.stalled[c];
      if (ring.length === 0) continue;
      const slot = ring.peek();
      if (!this.mayGoOn(Math.min(c, this.buffer.classes - 1), this.frames.lengths[slot])) continue;
      ring.shift();
      this.stalledIngress = ring.shift();
      this.stalledFrames--;
      return slot;
    }
    return NONE;
  }

  /**
   * Gives a frame, or a replica, to a queue. Of a frame from the wire the first receiver takes over the room;
   * any other needs its own. Returns false if there is none: then the reference is still the caller's.
   */
  give(queue: number, slot: number, operation: number): boolean {
    const frameClass = this.classes[slot];
    if (this.arrived[slot] === 1) this.arrived[slot] = 0;
    else if (!this.buffer.admit(frameClass, this.frames.lengths[slot], false)) return false;
    this.pass(frameClass, queue, slot, operation);
    return true;
  }

  /** A copy of `slot` in another slot is accounted for as that is. */
  copied(slot: number, copy: number): void {
    this.classes[copy] = this.classes[slot];
    this.arrived[copy] = this.arrived[slot];
    this.arrived[slot] = 0;
  }

  /** Whether a frame from the wire holds room that no receiver has taken over. */
  holdsRoom(slot: number): boolean {
    return this.arrived[slot] === 1;
  }

  /** What a frame from the wire held is free: it has no receiver inside the card. */
  abandon(slot: number, bytes: number): void {
    this.arrived[slot] = 0;
    this.buffer.release(this.classes[slot], bytes);
    this.changed();
  }

  /** The bytes of a frame, or of a replica, have left the buffer. */
  released(slot: number): void {
    this.buffer.release(this.classes[slot], this.frames.lengths[slot]);
    this.changed();
  }

  /** Bytes of a frame's class in the buffer in front of it. */
  bytesAhead(slot: number): number {
    const bytes = this.buffer.usedBy[this.classes[slot]];
    return this.arrived[slot] === 1 ? bytes - this.frames.lengths[slot] : bytes;
  }

  /** Gives on what waited behind a queue that is blocked no longer. */
  unblock(): void {
    if (this.waitingBehind === 0) return;
    for (let c = 0; c < PRIORITIES; c++) {
      const ring = this.behind[c];
      while (ring.length > 0 && !this.isBlocked(c, ring.peek())) {
        const queue = ring.shift();
        const slot = ring.shift();
        this.waitingBehind--;
        this.toQueue(c, queue, slot, ring.shift());
      }
    }
  }

  private mayGoOn(frameClass: number, bytes: number): boolean {
    const { buffer } = this;
    return buffer.hasRoomFor(frameClass, bytes, false) || !buffer.couldHold(frameClass, bytes);
  }

  private pass(frameClass: number, queue: number, slot: number, operation: number): void {
    const ring = this.behind[frameClass];
    if (ring.length === 0 && !this.isBlocked(frameClass, queue)) {
      this.toQueue(frameClass, queue, slot, operation);
      return;
    }
    ring.push(queue);
    ring.push(slot);
    ring.push(operation);
    this.waitingBehind++;
    this.headOfLineBlocked[frameClass]++;
  }

  private toQueue(frameClass: number, queue: number, slot: number, operation: number): void {
    this.queues.deliver(queue, slot, operation);
    if (this.queues.isBlocked(queue)) this.blocker[frameClass] = queue;
  }

  /** Whether a class waits for another queue than `queue`: behind its own frames a frame may wait in the queue. */
  private isBlocked(frameClass: number, queue: number): boolean {
    const blocker = this.blocker[frameClass];
    if (blocker === NONE || blocker === queue) return false;
    if (this.queues.isBlocked(blocker)) return true;
    this.blocker[frameClass] = NONE;
    return false;
  }

  private changed(): void {
    this.listener.bufferChanged(this.buffer);
  }
}
