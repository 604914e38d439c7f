import { ceilPowerOfTwo, type FramePool, IntRing } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import { TransmitDescriptor, type TransmitFormat } from './descriptor-format.ts';
import { DescriptorRings } from './descriptor-rings.ts';
import { DMA_OK, type DmaClient, type DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import { EarlyHandOver, type EarlySink } from './early-hand-over.ts';
import { INCOMPLETE, sizeOfNextFrame } from './transmit-frame.ts';
import type { TransmitEngineOptions, TransmitOffload, TransmitSink } from './transmit-options.ts';
import { NONE, TransmitRing, TransmitSlot } from './transmit-ring.ts';
import type { TransmitShares } from './transmit-shares.ts';
import { type TransmitReports, TransmitStatus } from './transmit-status.ts';
import { TransmitTurns, type Turns } from './transmit-turns.ts';

/**
 * The transmit half of the DMA engine: fetches descriptors and frames of many rings, round robin, with as
 * many reads outstanding as the port allows, hands over frames in the order of their ring, and reports
 * status.
 */
export class TransmitEngine implements DmaClient, Component {
  readonly name: string;
  readonly rings: DescriptorRings<TransmitRing>;
  /** Keeps account of the packet buffer by traffic class; null while nothing asks for it. */
  shares: TransmitShares | null = null;
  /** Takes the descriptors of all rings; null: the engine does. */
  offload: TransmitOffload | null = null;

  private readonly frames: FramePool;
  private readonly port: DmaPort;
  readonly format: TransmitFormat;
  sink: TransmitSink;
  private readonly reservedSlots: number;
  readonly maxFrameBytes: number;
  /** Bytes of the packet buffer that no frame has. */
  bufferFree: number;

  turns: Turns;
  /** Queues of rings whose fetch or status found no room at the port. */
  private readonly waiting: IntRing;
  private serving = false;
  /** The port has refused a read, and not yet said that it is ready. */
  private portFull = false;
  private wantsSlot = false;
  /** Rings that are in the middle of a frame. */
  private begun = 0;

  /** What is known of the frame in each slot of the pool. @internal */
  readonly slots: TransmitSlot[];
  status: TransmitReports;
  private readonly request = new DmaRequest();
  /** Hands frames over before they are whole; null: none are. */
  private early: EarlyHandOver | null = null;
  // The next descriptor of the queue `decoded` (NONE: of no ring), and scratch for those behind it. Of all times
  // that a ring is tried two in three find no room: what has been decoded then is kept for the next time.
  private readonly descriptor = new TransmitDescriptor();
  private decoded = NONE;
  private readonly ahead = new TransmitDescriptor();

  constructor(
    name: string,
    frames: FramePool,
    port: DmaPort,
    format: TransmitFormat,
    sink: TransmitSink,
    options: TransmitEngineOptions,
  ) {
    this.name = name;
    this.frames = frames;
    this.port = port;
    this.format = format;
    this.sink = sink;
    const { queues, cacheDescriptors, storeOffset: cacheOffset } = options;
    const client = port.addClient(this);
    this.request.client = client;
    const makeRing = (queue: number, offset: number) => new TransmitRing(queue, offset);
    this.rings = new DescriptorRings(port, { queues, cacheDescriptors, cacheOffset, makeRing }, client);
    this.reservedSlots = options.reservedSlots;
    this.bufferFree = options.packetBufferBytes;
    this.maxFrameBytes = Math.min(options.maxFrameBytes, options.packetBufferBytes);
    this.turns = new TransmitTurns(this.rings.all);
    this.waiting = new IntRing(ceilPowerOfTwo(queues));
    this.slots = Array.from({ length: frames.slots }, () => new TransmitSlot());
    const statusOffset = cacheOffset + DescriptorRings.cacheBytes(queues);
    const owner = {
      sent: (ring: TransmitRing) => sink.statusWritten(ring.queue),
      noRoom: (ring: TransmitRing) => this.waitForPort(ring),
    };
    this.status = new TransmitStatus(port, frames, format, owner, statusOffset, client);
  }

  /** Frames that have been read, and those that could not be. */
  get framesFetched(): number {
    return this.rings.frames;
  }
  get framesFailed(): number {
    return this.rings.framesLost;
  }

  /** Writes of status that have been made. */
  get statusWrites(): number {
    return this.status.writes;
  }

  /** Bytes that the engine needs in the frame pool's extra area; the last are a double word a queue for its head. */
  static storeBytes(queues: number): number {
    return DescriptorRings.cacheBytes(queues) + TransmitStatus.storeBytes + 4 * queues;
  }

  /** Software has moved the tail of a ring. */
  setTail(queue: number, tail: number): void {
    const ring = this.rings.all[queue];
    if (tail >= ring.size) return;
    ring.tail = tail;
    this.prefetch(ring);
  }

  /** Starts a ring whose base and size are set. */
  enable(queue: number): void {
    const ring = this.rings.all[queue];
    this.rings.enable(ring);
    this.prefetch(ring);
  }

  /**
   * Stops taking descriptors of a ring, whose head is zero again. Frames that are complete and being read
   * still go out, but nobody is told of their status any more; one in whose middle the ring stops is lost.
   */
  disable(queue: number): void {
    const ring = this.rings.all[queue];
    this.rings.reset(ring, 0);
    this.decoded = NONE;
    ring.head = ring.statusCount = ring.wantsMore = 0;
    for (let at = ring.firstSlot; at !== NONE; at = this.slots[at].next)
      this.slots[at].end = this.slots[at].reportFirst = NONE;
    if (ring.openSlot === NONE) return;
    const open = this.slots[ring.openSlot];
    ring.openSlot = NONE;
    this.begun--;
    open.failed = open.closed = 1;
    if (open.trains === 0) this.handOver(ring);
  }

  /** Bus Master Enable of the function that owns a ring. */
  setMaster(queue: number, allowed: boolean): void {
    const ring = this.rings.all[queue];
    ring.master = allowed ? 1 : 0;
    if (!allowed) return;
    this.status.write(ring);
    this.turns.add(ring);
    this.prefetch(ring);
    this.serve();
  }

  /** Who has the next turn is decided by `turns` from now on; null: a frame of each ring in turn. */
  useTurns(turns: Turns | null): void {
    this.turns.clear();
    this.turns = turns ?? new TransmitTurns(this.rings.all);
    for (const ring of this.rings.all) {
      ring.isActive = 0;
      this.turns.add(ring);
    }
    this.serve();
  }

  /** Somebody may have a turn who had none: a limit has let it go. */
  resume(): void {
    this.serve();
  }

  /** From now on `sink` gets frames when {@link EarlyHandOver.headerArrived} says so, and not when they are whole. */
  handOverEarly(sink: EarlySink): EarlyHandOver {
    this.early = new EarlyHandOver(this.slots, this.rings.all, sink);
    return this.early;
  }

  /** Number that reads are signed with; those of frames have their slot as cookie. */
  get client(): number {
    return this.request.client;
  }

  /** Frames of a ring that are being read. */
  inFlight(queue: number): number {
    let count = 0;
    for (let at = this.rings.all[queue].firstSlot; at !== NONE; at = this.slots[at].next) count++;
    return count;
  }

  /** `bytes` of the transmit packet buffer are free again; frames that waited for room go on. */
  releaseBuffer(bytes: number): void {
    this.bufferFree += bytes;
    if (this.shares !== null) this.shares.left();
    if (this.turns.length > 0) this.serve();
  }

  /** A frame slot is free again: a ring that found none goes on. */
  slotFreed(): void {
    if (!this.wantsSlot) return;
    this.wantsSlot = false;
    this.serve();
  }

  readDone(cookie: number, status: number): void {
    if (cookie < 0) {
      this.fetchDone(cookie, status !== DMA_OK);
      return;
    }
    const slot = this.slots[cookie];
    if (status !== DMA_OK) slot.failed = 1;
    if (--slot.trains === 0 && slot.closed === 1) this.handOver(this.rings.all[slot.queue]);
  }

  writeDone(): void {
    // Status comes from a constant: nothing to free.
  }

  requesterReady(): void {
    this.portFull = false;
    if (this.waiting.length > 0) this.askAgain();
    if (this.turns.length > 0) this.serve();
  }

  reset(): void {
    for (let queue = 0; queue < this.rings.all.length; queue++) this.disable(queue);
    this.portFull = false;
    this.rings.resetCounters();
    this.status.writes = 0;
    this.shares?.resetCounters();
  }

  counters(): Record<string, number> {
    const { framesFetched, framesFailed, statusWrites } = this;
    return { framesFetched, framesFailed, statusWrites, ...this.rings.counters('framesFailed') };
  }

  private prefetch(ring: TransmitRing): void {
    const wanted = ring.wantsMore === 1 ? ring.cached() + 1 : 1;
    if (!this.rings.prefetch(ring, wanted)) this.waitForPort(ring);
  }

  private waitForPort(ring: TransmitRing): void {
    if (ring.isWaiting === 1) return;
    ring.isWaiting = 1;
    this.waiting.push(ring.queue);
  }

  /** Rings that the port had no room for. */
  private askAgain(): void {
    for (let left = this.waiting.length; left > 0; left--) {
      const ring = this.rings.all[this.waiting.shift()];
      ring.isWaiting = 0;
      this.status.write(ring);
      this.prefetch(ring);
    }
  }

  private fetchDone(cookie: number, failed: boolean): void {
    const rings = this.rings;
    const ring = rings.ringOf(cookie);
    if (!rings.fetchDone(ring, cookie, failed)) return;
    if (ring.fetchFailed === 1) {
      this.disable(ring.queue);
      this.sink.ringFailed(ring.queue);
      return;
    }
    this.turns.add(ring);
    this.prefetch(ring);
    this.serve();
  }

  /** Issues reads for frames, ring by ring, a frame at a time, until something is exhausted. */
  private serve(): void {
    // A sink may free buffer room while it is being handed a frame; and what the port refuses it will say
    // when it is ready.
    if (this.serving || this.portFull) return;
    this.serving = true;
    const turns = this.turns;
    while (turns.length > 0) {
      const ring = turns.first;
      if (ring.enabled === 0 || ring.cached() <= 0) turns.drop();
      else if (!(this.offload ?? this).takeDescriptor(ring)) {
        if (this.begun === 0 || !turns.bringBegunForward()) break;
      }
      this.prefetch(ring);
    }
    this.serving = false;
  }

  /** Takes the next descriptor of a ring. Returns false if a tag, a slot or buffer room is lacking. @internal */
  takeDescriptor(ring: TransmitRing): boolean {
    const frames = this.frames;
    const descriptor = this.descriptor;
    if (this.decoded !== ring.queue) {
      this.format.read(frames.i32, ring.wordOf(0), descriptor);
      this.decoded = ring.queue;
    }
    if (descriptor.isData === 0) {
      this.skipDescriptor(ring, descriptor.reportStatus === 1);
      return true;
    }
    const bytes = descriptor.bytes;
    let slot: TransmitSlot;
    if (ring.openSlot === NONE) {
      let total = bytes;
      if (descriptor.endOfPacket === 0 || bytes === 0 || bytes > this.maxFrameBytes) {
        total = this.sizeOfNextFrame(ring);
        if (total === INCOMPLETE) {
          // The rest of the frame has to come first: the ring's turn is over until it has.
          ring.wantsMore = 1;
          this.turns.drop();
          return true;
        }
      }
      if (total > this.bufferFree || (total > 0 && !this.canRead(bytes))) return false;
      if (!this.hasSlot()) return false;
      slot = this.open(ring, frames.take(), total);
    } else {
      slot = this.slots[ring.openSlot];
      if (slot.bytes > 0 && !this.canRead(bytes)) return false;
    }
    this.decoded = NONE;
    const index = ring.consume();
    if (slot.bytes > 0) {
      const request = this.request;
      const slotNumber = ring.openSlot;
      request.routingId = ring.routingId;
      request.address = descriptor.address;
      request.bytes = bytes;
      request.offset = (slotNumber << frames.slotShift) + slot.asked;
      request.cookie = slotNumber;
      slot.asked += bytes;
      slot.trains += this.port.read(request);
    }
    if (descriptor.endOfPacket === 1) {
      if (descriptor.reportStatus === 1) slot.noteReport(index);
      this.close(ring, slot, index);
    }
    return true;
  }

  /** @internal */
  hasSlot(): boolean {
    if (this.frames.available > this.reservedSlots) return true;
    this.wantsSlot = true;
    return false;
  }

  /** @internal */
  canRead(bytes: number): boolean {
    if (this.port.canRead(bytes)) return true;
    this.portFull = true;
    return false;
  }

  private sizeOfNextFrame(ring: TransmitRing): number {
    const mostCached = this.rings.mostCached(ring);
    return sizeOfNextFrame(ring, this.format, this.frames.i32, this.ahead, mostCached, this.maxFrameBytes);
  }

  /** @param total bytes of the frame, below zero for one that cannot be sent: nothing of it is read. @internal */
  open(ring: TransmitRing, slotNumber: number, total: number): TransmitSlot {
    const slot = this.slots[slotNumber];
    const reserved = total < 0 ? 0 : total;
    this.frames.lengths[slotNumber] = reserved;
    this.bufferFree -= reserved;
    if (this.shares !== null) this.shares.take(ring.queue, slotNumber, reserved);
    ring.wantsMore = 0;
    slot.bytes = reserved;
    slot.asked = 0;
    slot.queue = ring.queue;
    slot.trains = 0;
    slot.closed = 0;
    slot.failed = total < 0 ? 1 : 0;
    slot.reportFirst = NONE;
    slot.next = NONE;
    ring.openSlot = slotNumber;
    this.begun++;
    if (ring.firstSlot === NONE) ring.firstSlot = slotNumber;
    else this.slots[ring.lastSlot].next = slotNumber;
    ring.lastSlot = slotNumber;
    return slot;
  }

  /** All of a ring's open frame, up to descriptor `index`, has been asked for. @internal */
  close(ring: TransmitRing, slot: TransmitSlot, index: number): void {
    ring.openSlot = NONE;
    this.begun--;
    slot.closed = 1;
    slot.last = index;
    slot.end = index;
    this.turns.pass(slot.bytes);
    if (slot.trains === 0) this.handOver(ring);
    else if (this.early !== null) this.early.handOver(ring);
  }

  /** A context descriptor: nothing to fetch, but it is done only when the frames before it are. */
  private skipDescriptor(ring: TransmitRing, reports: boolean): void {
    this.decoded = NONE;
    const index = ring.consume();
    if (ring.firstSlot !== NONE) {
      const slot = this.slots[ring.lastSlot];
      slot.end = index;
      if (reports) slot.noteReport(index);
      return;
    }
    ring.head = ring.after(index);
    if (reports) {
      this.status.report(ring, index, index);
      this.status.write(ring);
    }
  }

  /** Hands over the frames at the front of a ring whose reads have all ended. */
  private handOver(ring: TransmitRing): void {
    let failed = false;
    for (;;) {
      const slotNumber = ring.firstSlot;
      if (slotNumber === NONE) break;
      const slot = this.slots[slotNumber];
      if (slot.closed === 0 || slot.trains > 0) break;
      ring.firstSlot = slot.next;
      if (slot.end !== NONE) ring.head = ring.after(slot.end);
      if (slot.reportFirst !== NONE) this.status.report(ring, slot.reportFirst, slot.reportLast);
      const isLost = slot.failed === 1;
      if (this.early?.ends(slotNumber) === true) {
        if (isLost) ring.framesLost++;
        else ring.frames++;
      } else if (isLost) {
        failed = true;
        this.fail(ring, slotNumber);
      } else {
        ring.frames++;
        this.sink.frameFetched(ring.queue, slotNumber, slot.last);
      }
    }
    if (ring.statusCount > 0) this.status.write(ring);
    if (this.early !== null) this.early.handOver(ring);
    // Others may have waited for its room.
    if (failed) this.serve();
  }

  /** A ring's frame in this slot is lost. */
  private fail(ring: TransmitRing, slotNumber: number): void {
    ring.framesLost++;
    this.bufferFree += this.slots[slotNumber].bytes;
    this.shares?.giveBack(slotNumber);
    this.frames.release(slotNumber);
    this.sink.frameFailed(ring.queue);
  }
}
