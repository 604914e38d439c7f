import { ceilPowerOfTwo, type FramePool, IntRing } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import type { TransmitFormat } from './descriptor-format.ts';
import { DescriptorRings } from './descriptor-rings.ts';
import { DMA_OK, type DmaClient, type DmaPort, DmaRequest } from './dma-port.ts';
import { INCOMPLETE, sizeOfNextFrame } from './transmit-frame.ts';
import type { TransmitEngineOptions, TransmitSink } from './transmit-options.ts';
import { TransmitStatus } from './transmit-status.ts';

const NONE = -1;

/**
 * The transmit half of the DMA engine: fetches descriptors and frames of many rings, round robin, with as many reads
 * outstanding as the port allows, hands over frames in the order of their ring, and reports status.
 */
export class TransmitEngine implements DmaClient, Component {
  readonly name: string;
  readonly rings: DescriptorRings;
  /** Index behind the last descriptor whose frame has been fetched (the head register). */
  readonly head: Int32Array;
  framesFetched = 0;
  framesFailed = 0;

  private readonly frames: FramePool;
  private readonly port: DmaPort;
  private readonly request = new DmaRequest();
  private readonly format: TransmitFormat;
  private readonly sink: TransmitSink;
  private readonly options: TransmitEngineOptions;
  private readonly client: number;
  private readonly maxFrameBytes: number;
  private bufferFree: number;

  // Rings with cached descriptors, in turn; and rings whose fetch or status found no room at the port.
  private readonly active: IntRing;
  private readonly isActive: Uint8Array;
  private readonly waiting: IntRing;
  private readonly isWaiting: Uint8Array;
  private serving = false;
  private wantsSlot = false;
  /** Rings that are in the middle of a frame. */
  private begun = 0;

  // The frame that a ring is in the middle of, and its fetched frames in order, as a list through `nextSlot`.
  private readonly openSlot: Int32Array;
  private readonly firstSlot: Int32Array;
  private readonly lastSlot: Int32Array;
  private readonly nextSlot: Int32Array;
  private readonly slotQueue: Int32Array;
  private readonly slotTrains: Int32Array;
  /** Room in the packet buffer; 0 for a frame that cannot be sent. */
  private readonly slotBytes: Int32Array;
  private readonly slotClosed: Uint8Array;
  private readonly slotFailed: Uint8Array;
  private readonly slotLast: Int32Array;
  /** Last descriptor that ends with the frame: its own last one, or one without data behind it. NONE: its ring is gone. */
  private readonly slotEnd: Int32Array;
  /** First and last descriptor up to there that want their status reported; NONE for none. */
  private readonly slotReportFirst: Int32Array;
  private readonly slotReportLast: Int32Array;

  /** Rings that have the beginning of a frame in their cache, and not its end. */
  private readonly wantsMore: Uint8Array;
  private readonly status: TransmitStatus;

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
    this.options = options;
    const { queues } = options;
    this.rings = new DescriptorRings(
      port,
      { queues, cacheDescriptors: options.cacheDescriptors, cacheOffset: options.storeOffset },
      () => this.client,
    );
    this.client = port.addClient(this);
    this.bufferFree = options.packetBufferBytes;
    this.maxFrameBytes = Math.min(options.maxFrameBytes, options.packetBufferBytes);
    const ring = ceilPowerOfTwo(queues);
    this.active = new IntRing(ring);
    this.isActive = new Uint8Array(queues);
    this.waiting = new IntRing(ring);
    this.isWaiting = new Uint8Array(queues);
    this.head = new Int32Array(queues);
    this.openSlot = new Int32Array(queues).fill(NONE);
    this.firstSlot = new Int32Array(queues).fill(NONE);
    this.lastSlot = new Int32Array(queues).fill(NONE);
    const slots = frames.slots;
    this.nextSlot = new Int32Array(slots);
    this.slotQueue = new Int32Array(slots);
    this.slotTrains = new Int32Array(slots);
    this.slotBytes = new Int32Array(slots);
    this.slotClosed = new Uint8Array(slots);
    this.slotFailed = new Uint8Array(slots);
    this.slotLast = new Int32Array(slots);
    this.slotEnd = new Int32Array(slots);
    this.slotReportFirst = new Int32Array(slots);
    this.slotReportLast = new Int32Array(slots);
    this.wantsMore = new Uint8Array(queues);
    const statusOffset = options.storeOffset + DescriptorRings.cacheBytes(queues);
    this.status = new TransmitStatus(this.rings, port, frames, format, statusOffset);
  }

  /** Writes of status that have been made. */
  get statusWrites(): number {
    return this.status.writes;
  }

  /** Bytes that the engine needs in the frame pool's extra area. */
  static storeBytes(queues: number): number {
    return DescriptorRings.cacheBytes(queues) + TransmitStatus.storeBytes;
  }

  /** Software has moved the tail of a ring. */
  setTail(queue: number, tail: number): void {
    if (tail >= this.rings.size[queue]) return;
    this.rings.tail[queue] = tail;
    this.prefetch(queue);
  }

  /** Starts a ring whose base and size are set. */
  enable(queue: number): void {
    this.rings.enable(queue);
    this.prefetch(queue);
  }

  /**
   * Stops taking descriptors of a ring, whose head is zero again. Frames that are complete and being read still go out, but
   * nobody is told of their status any more; one in the middle of which the ring stops is lost.
   */
  disable(queue: number): void {
    this.rings.resetQueue(queue);
    this.head[queue] = 0;
    this.status.forget(queue);
    this.wantsMore[queue] = 0;
    for (let slot = this.firstSlot[queue]; slot !== NONE; slot = this.nextSlot[slot]) {
      this.slotEnd[slot] = NONE;
      this.slotReportFirst[slot] = NONE;
    }
    const open = this.openSlot[queue];
    if (open === NONE) return;
    this.openSlot[queue] = NONE;
    this.begun--;
    this.slotFailed[open] = 1;
    this.slotClosed[open] = 1;
    if (this.slotTrains[open] === 0) this.handOver(queue);
  }

  /** Bus Master Enable of the function that owns a ring. */
  setMaster(queue: number, allowed: boolean): void {
    this.rings.master[queue] = allowed ? 1 : 0;
    if (!allowed) return;
    this.writeStatus(queue);
    this.activate(queue);
    this.prefetch(queue);
    this.serve();
  }

  /** Frames of a ring that are being read. */
  inFlight(queue: number): number {
    let count = 0;
    for (let slot = this.firstSlot[queue]; slot !== NONE; slot = this.nextSlot[slot]) count++;
    return count;
  }

  /** `bytes` of the transmit packet buffer are free again; frames that waited for room go on. */
  releaseBuffer(bytes: number): void {
    this.bufferFree += bytes;
    if (this.active.length > 0) this.serve();
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
    if (status !== DMA_OK) this.slotFailed[cookie] = 1;
    if (--this.slotTrains[cookie] === 0 && this.slotClosed[cookie] === 1) {
      this.handOver(this.slotQueue[cookie]);
    }
  }

  writeDone(): void {
    // Status comes from a constant: nothing to free.
  }

  requesterReady(): void {
    for (let left = this.waiting.length; left > 0; left--) {
      const queue = this.waiting.shift();
      this.isWaiting[queue] = 0;
      this.writeStatus(queue);
      this.prefetch(queue);
    }
    if (this.active.length > 0) this.serve();
  }

  reset(): void {
    for (let queue = 0; queue < this.rings.queues; queue++) this.disable(queue);
    this.framesFetched = this.framesFailed = this.status.writes = 0;
  }

  counters(): Record<string, number> {
    const { framesFetched, framesFailed, statusWrites } = this;
    const { fetches, descriptorsFetched } = this.rings;
    return {
      framesFetched,
      framesFailed,
      statusWrites,
      descriptorFetches: fetches,
      descriptorsFetched,
    };
  }

  private prefetch(queue: number): void {
    const wanted = this.wantsMore[queue] === 1 ? this.rings.cached(queue) + 1 : 1;
    if (!this.rings.prefetch(queue, wanted)) this.waitForPort(queue);
  }

  private waitForPort(queue: number): void {
    if (this.isWaiting[queue] === 1) return;
    this.isWaiting[queue] = 1;
    this.waiting.push(queue);
  }

  private fetchDone(cookie: number, failed: boolean): void {
    const rings = this.rings;
    if (!rings.fetchDone(cookie, failed)) return;
    const queue = DescriptorRings.queueOf(cookie);
    if (rings.fetchFailed(queue)) {
      this.disable(queue);
      this.sink.ringFailed(queue);
      return;
    }
    this.activate(queue);
    this.prefetch(queue);
    this.serve();
  }

  private activate(queue: number): void {
    if (this.isActive[queue] === 1 || this.rings.cached(queue) <= 0) return;
    this.isActive[queue] = 1;
    this.active.push(queue);
  }

  /** Issues reads for frames, ring by ring, a frame at a time, until something is exhausted. */
  private serve(): void {
    if (this.serving) return; // a sink may free buffer room while it is being handed a frame
    this.serving = true;
    const active = this.active;
    while (active.length > 0) {
      const queue = active.peek();
      if (this.rings.enabled[queue] === 0 || this.rings.cached(queue) <= 0) {
        active.shift();
        this.isActive[queue] = 0;
        this.prefetch(queue);
        continue;
      }
      if (!this.takeDescriptor(queue) && !this.bringBegunForward()) break;
      this.prefetch(queue);
    }
    this.serving = false;
  }

  /**
   * What the first ring lacks may be held by a frame that another one is in the middle of (it could not go on for a while): that
   * one first. Returns whether there is one.
   */
  private bringBegunForward(): boolean {
    const active = this.active;
    if (this.begun === 0 || this.openSlot[active.peek()] !== NONE) return false;
    for (let left = active.length; left > 0; left--) {
      if (this.openSlot[active.peek()] !== NONE) return true;
      active.push(active.shift());
    }
    return false;
  }

  /** Takes the next descriptor of a ring. Returns false if a tag, a slot or buffer room is lacking. */
  private takeDescriptor(queue: number): boolean {
    const frames = this.frames;
    const rings = this.rings;
    const format = this.format;
    const cache = frames.i32;
    const word = rings.wordOf(queue, 0);
    if (!format.isData(cache, word)) {
      this.skipDescriptor(queue, format.reportStatus(cache, word));
      return true;
    }
    const bytes = format.bytes(cache, word);
    let slot = this.openSlot[queue];
    if (slot === NONE) {
      const total = sizeOfNextFrame(rings, format, cache, queue, this.maxFrameBytes);
      if (total === INCOMPLETE) {
        this.leaveIncomplete(queue);
        return true;
      }
      if (total > this.bufferFree || (total > 0 && !this.port.canRead(bytes))) return false;
      if (frames.available <= this.options.reservedSlots) {
        this.wantsSlot = true;
        return false;
      }
      slot = frames.take();
      this.open(queue, slot, total, format.insertTci(cache, word));
    } else if (this.slotBytes[slot] > 0 && !this.port.canRead(bytes)) {
      return false;
    }
    const last = format.endOfPacket(cache, word);
    const reports = format.reportStatus(cache, word);
    const address = format.address(cache, word);
    const index = rings.take(queue);
    rings.release(queue, 1);
    if (this.slotBytes[slot] > 0) {
      const before = frames.lengths[slot];
      const offset = (slot << frames.slotShift) + before;
      const requester = rings.routingId[queue];
      this.slotTrains[slot] += this.port.read(
        this.request.of(requester, address, bytes, offset, this.client, slot),
      );
      frames.lengths[slot] = before + bytes;
    }
    if (last) {
      this.openSlot[queue] = NONE;
      this.begun--;
      this.slotClosed[slot] = 1;
      if (reports) this.noteReport(slot, index);
      this.slotLast[slot] = index;
      this.slotEnd[slot] = index;
      // The next ring's turn.
      this.active.shift();
      if (rings.cached(queue) > 0) this.active.push(queue);
      else this.isActive[queue] = 0;
      if (this.slotTrains[slot] === 0) this.handOver(queue);
    }
    return true;
  }

  /** The rest of a frame has to come first: the ring's turn is over until it has. */
  private leaveIncomplete(queue: number): void {
    this.wantsMore[queue] = 1;
    this.active.shift();
    this.isActive[queue] = 0;
  }

  /** @param total bytes of the frame, below zero for one that cannot be sent: nothing of it is read. */
  private open(queue: number, slot: number, total: number, tci: number): void {
    this.frames.lengths[slot] = 0;
    this.frames.outerTci[slot] = tci;
    this.wantsMore[queue] = 0;
    const reserved = Math.max(0, total);
    this.bufferFree -= reserved;
    this.slotBytes[slot] = reserved;
    this.slotQueue[slot] = queue;
    this.slotTrains[slot] = 0;
    this.slotClosed[slot] = 0;
    this.slotFailed[slot] = total < 0 ? 1 : 0;
    this.slotReportFirst[slot] = NONE;
    this.nextSlot[slot] = NONE;
    this.openSlot[queue] = slot;
    this.begun++;
    if (this.firstSlot[queue] === NONE) this.firstSlot[queue] = slot;
    else this.nextSlot[this.lastSlot[queue]] = slot;
    this.lastSlot[queue] = slot;
  }

  /** A context descriptor: nothing to fetch, but it is done only when the frames before it are. */
  private skipDescriptor(queue: number, reports: boolean): void {
    const index = this.rings.take(queue);
    this.rings.release(queue, 1);
    if (this.firstSlot[queue] !== NONE) {
      const slot = this.lastSlot[queue];
      this.slotEnd[slot] = index;
      if (reports) this.noteReport(slot, index);
      return;
    }
    this.advanceHead(queue, index);
    if (reports) {
      this.report(queue, index, index);
      this.writeStatus(queue);
    }
  }

  private noteReport(slot: number, index: number): void {
    if (this.slotReportFirst[slot] === NONE) this.slotReportFirst[slot] = index;
    this.slotReportLast[slot] = index;
  }

  /** Hands over the frames at the front of a ring whose reads have all ended. */
  private handOver(queue: number): void {
    const frames = this.frames;
    let failed = false;
    for (;;) {
      const slot = this.firstSlot[queue];
      if (slot === NONE || this.slotClosed[slot] === 0 || this.slotTrains[slot] > 0) break;
      this.firstSlot[queue] = this.nextSlot[slot];
      const index = this.slotLast[slot];
      if (this.slotEnd[slot] !== NONE) this.advanceHead(queue, this.slotEnd[slot]);
      if (this.slotReportFirst[slot] !== NONE)
        this.report(queue, this.slotReportFirst[slot], this.slotReportLast[slot]);
      if (this.slotFailed[slot] === 1) {
        failed = true;
        this.framesFailed++;
        this.bufferFree += this.slotBytes[slot];
        frames.release(slot);
        this.sink.frameFailed(queue);
      } else {
        this.framesFetched++;
        this.sink.frameFetched(queue, slot, index);
      }
    }
    this.writeStatus(queue);
    // Others may have waited for its room.
    if (failed) this.serve();
  }

  private advanceHead(queue: number, index: number): void {
    const next = index + 1;
    this.head[queue] = next === this.rings.size[queue] ? 0 : next;
  }

  private report(queue: number, first: number, last: number): void {
    if (this.status.isApart(queue, first)) this.writeStatus(queue);
    this.status.add(queue, first, last);
  }

  private writeStatus(queue: number): void {
    if (this.rings.master[queue] === 0) return;
    const before = this.status.writes;
    if (!this.status.write(queue, this.client)) this.waitForPort(queue);
    if (this.status.writes !== before) this.sink.statusWritten(queue);
  }
}
