import { ceilPowerOfTwo, type FramePool, FreeList, IntRing } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import { taggedBytes } from '../wire/index.ts';
import type { ReceiveFormat } from './descriptor-format.ts';
import { DescriptorRings } from './descriptor-rings.ts';
import { DMA_OK, type DmaClient, type DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import { type ReceiveEngineOptions, type ReceiveSink, TagOperation } from './receive-options.ts';
import { Delivery, NONE, ReceiveRing } from './receive-ring.ts';
import { strippedTci, TAG_BYTES, TaggedWrite } from './tagged-write.ts';
import { WriteBacks } from './write-backs.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const AS_IT_IS = TagOperation.NONE;
const STRIP = TagOperation.STRIP;
const INSERT = TagOperation.INSERT;

/**
 * The receive half of the DMA engine: keeps descriptors of many rings prefetched, writes frames into the
 * buffers that they name, and writes the descriptors back, four at a time while frames keep coming and at
 * once when none is left.
 */
export class ReceiveEngine implements DmaClient, Component {
  readonly name: string;
  readonly rings: DescriptorRings<ReceiveRing>;

  private readonly frames: FramePool;
  private readonly port: DmaPort;
  /** @internal */
  format: ReceiveFormat;
  sink: ReceiveSink;
  private readonly deliveries: Delivery[];
  private readonly free: FreeList;
  private readonly lines: WriteBacks;
  private readonly tagged: TaggedWrite;
  private readonly request = new DmaRequest();
  /** Queues of the rings that the port had no room for. */
  private readonly waiting: IntRing;

  constructor(
    name: string,
    scheduler: Scheduler,
    frames: FramePool,
    port: DmaPort,
    format: ReceiveFormat,
    sink: ReceiveSink,
    options: ReceiveEngineOptions,
  ) {
    this.name = name;
    this.frames = frames;
    this.port = port;
    this.format = format;
    this.sink = sink;
    const { queues, cacheDescriptors, deliveries, storeOffset: cacheOffset } = options;
    const client = port.addClient(this);
    this.request.client = client;
    const makeRing = (queue: number, offset: number) => new ReceiveRing(queue, offset);
    this.rings = new DescriptorRings(port, { queues, cacheDescriptors, cacheOffset, makeRing }, client);
    this.deliveries = Array.from({ length: deliveries }, (_, index) => new Delivery(index));
    this.free = new FreeList(deliveries);
    this.lines = new WriteBacks(
      name,
      scheduler,
      this.rings,
      port,
      { sent: (ring) => sink.statusWritten(ring.queue), noRoom: (ring) => this.waitForPort(ring) },
      client,
      options.writeBackHoldPs,
    );
    this.tagged = new TaggedWrite(frames, port, cacheOffset + DescriptorRings.cacheBytes(queues), deliveries);
    this.waiting = new IntRing(ceilPowerOfTwo(queues));
  }

  /** Number that requests are signed with. */
  get client(): number {
    return this.request.client;
  }

  /** Frames that have been written, and those that there was no ring or no descriptor for. */
  get framesWritten(): number {
    return this.rings.frames;
  }
  get framesDropped(): number {
    return this.rings.framesLost;
  }

  /** Writes of descriptors that have been made. */
  get writeBacks(): number {
    return this.lines.writes;
  }

  /** Bytes that the engine needs in the frame pool's extra area. */
  static storeBytes(queues: number, deliveries: number): number {
    return DescriptorRings.cacheBytes(queues) + TaggedWrite.storeBytes(deliveries);
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

  /** Stops a ring; frames that wait for its descriptors are dropped. What is on its way to memory lands. */
  disable(queue: number): void {
    const ring = this.rings.all[queue];
    this.rings.reset(ring, ring.unsent);
    ring.unsent = 0;
    ring.done = 0;
    while (ring.first !== NONE) this.dropFirst(ring);
  }

  /** Bus Master Enable of the function that owns a ring. */
  setMaster(queue: number, allowed: boolean): void {
    const ring = this.rings.all[queue];
    ring.master = allowed ? 1 : 0;
    if (allowed) this.serve(ring);
  }

  /** Whether a ring drops frames that it has no descriptors for, 1 or 0: those, too, that wait for some now. */
  setDrop(queue: number, drop: number): void {
    const ring = this.rings.all[queue];
    ring.dropEnable = drop;
    if (drop === 1 && ring.first !== NONE && ring.isWaiting === 0) this.serve(ring);
  }

  /** Frames of a ring that wait for descriptors or for the port. */
  waitingFrames(queue: number): number {
    let count = 0;
    for (let at = this.rings.all[queue].first; at !== NONE; at = this.deliveries[at].next) count++;
    return count;
  }

  /**
   * Takes over one reference on `slot` for ring `queue`.
   *
   * @param operation a sum of `TagEdit`, mostly one of {@link TagOperation}.
   */
  deliver(queue: number, slot: number, operation: number): void {
    const ring = this.rings.all[queue];
    const index = ring.enabled === 1 ? this.free.take() : NONE;
    if (index === NONE) {
      this.refuse(queue, slot);
      return;
    }
    const delivery = this.deliveries[index];
    delivery.slot = slot;
    delivery.queue = queue;
    delivery.operation = operation;
    delivery.bytes = this.bytesInMemory(slot, operation);
    delivery.trains = 0;
    delivery.closed = 0;
    delivery.next = NONE;
    const last = ring.last;
    ring.last = index;
    if (ring.first === NONE) {
      ring.first = index;
      if (ring.isWaiting === 1) return;
      // Mostly nothing waits before it, one buffer takes it, and there is one: then there is nothing to be
      // asked.
      if (delivery.bytes <= ring.bufferBytes && ring.cached() > 0 && this.port.canWrite()) {
        this.writeBuffer(ring, delivery);
        this.lines.sendOrHold(ring);
        this.prefetch(ring);
        return;
      }
    } else {
      this.deliveries[last].next = index;
    }
    if (ring.isWaiting === 0) this.serve(ring);
  }

  readDone(cookie: number, status: number): void {
    const ring = this.rings.ringOf(cookie);
    if (!this.rings.fetchDone(ring, cookie, status !== DMA_OK)) return;
    if (ring.fetchFailed === 1) {
      this.disable(ring.queue);
      this.sink.ringFailed(ring.queue);
      return;
    }
    this.serve(ring);
    this.prefetch(ring);
  }

  writeDone(cookie: number): void {
    if (WriteBacks.owns(cookie)) {
      // A fetch may have waited for these entries.
      this.prefetch(this.lines.landed(cookie));
      return;
    }
    const delivery = this.deliveries[cookie];
    if (--delivery.trains === 0 && delivery.closed === 1) this.finish(delivery);
  }

  requesterReady(): void {
    for (let left = this.waiting.length; left > 0; left--) {
      const ring = this.rings.all[this.waiting.shift()];
      ring.isWaiting = 0;
      this.serve(ring);
      this.prefetch(ring);
    }
  }

  reset(): void {
    for (let queue = 0; queue < this.rings.all.length; queue++) this.disable(queue);
    this.rings.resetCounters();
    this.lines.writes = 0;
  }

  counters(): Record<string, number> {
    const { framesWritten, framesDropped, writeBacks } = this;
    const counts: Record<string, number> = this.rings.counters('framesDropped');
    for (const { queue, fetched, descriptorsSaid, unsent } of this.rings.all)
      if (fetched !== 0) counts[`queue${queue}.descriptorsWrittenBack`] = (descriptorsSaid - unsent) >>> 0;
    return { framesWritten, framesDropped, writeBacks, ...counts };
  }

  private prefetch(ring: ReceiveRing): void {
    const wanted = ring.first === NONE ? 1 : this.neededByFirst(ring);
    if (!this.rings.prefetch(ring, wanted)) this.waitForPort(ring);
  }

  private waitForPort(ring: ReceiveRing): void {
    if (ring.isWaiting === 1) return;
    ring.isWaiting = 1;
    this.waiting.push(ring.queue);
  }

  /** Writes the frames that wait for a ring, buffer by buffer, as far as descriptors and the port allow. */
  private serve(ring: ReceiveRing): void {
    while (ring.first !== NONE) {
      const delivery = this.deliveries[ring.first];
      // The rest of a frame that one buffer takes needs no more than one descriptor.
      const fits = delivery.bytes - ring.done <= ring.bufferBytes && ring.cached() > 0;
      if (!fits && !this.hasDescriptors(ring)) {
        if (!this.dropsFirst(ring)) break;
        this.dropFirst(ring);
        continue;
      }
      if (!this.port.canWrite()) {
        this.waitForPort(ring);
        break;
      }
      this.writeBuffer(ring, delivery);
    }
    this.lines.sendOrHold(ring);
    this.prefetch(ring);
  }

  /** A frame starts when all its descriptors are there, or as many as can be at once; then it goes on with each. */
  private hasDescriptors(ring: ReceiveRing): boolean {
    const cached = ring.cached();
    if (ring.done > 0) return cached > 0;
    return cached >= Math.min(this.neededByFirst(ring), this.rings.mostCached(ring));
  }

  /**
   * Whether a ring's first frame is to be dropped, because there is none of the descriptors that it needs,
   * nor on its way.
   */
  private dropsFirst(ring: ReceiveRing): boolean {
    if (ring.done > 0 || ring.dropEnable === 0) return false;
    return ring.cached() + ring.inFetch() + ring.waiting() < this.neededByFirst(ring);
  }

  /** Descriptors that the rest of a ring's first frame needs; no more than the ring can hold. */
  private neededByFirst(ring: ReceiveRing): number {
    const left = this.deliveries[ring.first].bytes - ring.done;
    const buffer = ring.bufferBytes;
    if (left <= buffer) return 1;
    return Math.min(Math.ceil(left / buffer), ring.size - 1);
  }

  /** Bytes of the frame in a slot when it has come to memory. */
  private bytesInMemory(slot: number, operation: number): number {
    const bytes = this.frames.lengths[slot];
    if (operation === AS_IT_IS) return bytes;
    if (operation === STRIP) return bytes - TAG_BYTES;
    return operation === INSERT ? bytes + TAG_BYTES : taggedBytes(this.frames, slot, operation);
  }

  /** Writes what fits into the next buffer of a ring's first delivery, and notes its descriptor as done. */
  private writeBuffer(ring: ReceiveRing, delivery: Delivery): void {
    const frames = this.frames;
    const cache = frames.i32;
    const request = this.request;
    const done = ring.done;
    const left = delivery.bytes - done;
    const last = left <= ring.bufferBytes;
    const count = last ? left : ring.bufferBytes;
    const base = delivery.slot << frames.slotShift;
    const word = ring.wordOf(0);
    const number = ring.taken;
    const index = ring.take();
    if (last) {
      ring.first = delivery.next;
      ring.done = 0;
      delivery.closed = 1;
    } else {
      ring.done = done + count;
    }
    this.format.readAddress(cache, word, request);
    request.routingId = ring.routingId;
    request.bytes = count;
    request.cookie = delivery.index;
    let tci = -1;
    if (delivery.operation === AS_IT_IS) {
      request.offset = base + done;
      delivery.trains += this.port.write(request);
    } else {
      delivery.trains += this.tagged.write(delivery, done, request);
      if ((delivery.operation & (STRIP | INSERT)) === STRIP) tci = strippedTci(frames, delivery);
    }
    this.format.writeBack(cache, word, count, last, tci, delivery.slot);
    this.lines.note(ring, index, number);
    if (!last) return;
    ring.frames++;
    this.sink.frameWritten(ring.queue, delivery.slot, index);
  }

  /** A frame for a ring that is not enabled, or when all deliveries are taken. */
  private refuse(queue: number, slot: number): void {
    this.rings.all[queue].framesLost++;
    this.sink.frameDropped(queue, slot);
    this.sink.frameReleased(queue, slot);
    this.frames.release(slot);
  }

  private dropFirst(ring: ReceiveRing): void {
    const delivery = this.deliveries[ring.first];
    ring.first = delivery.next;
    ring.framesLost++;
    this.sink.frameDropped(ring.queue, delivery.slot);
    // Of a frame that has been begun, bytes may still have to leave the slot.
    if (delivery.trains > 0) delivery.closed = 1;
    else this.finish(delivery);
  }

  /** A delivery has ended: its room, its reference and its record are free. */
  private finish(delivery: Delivery): void {
    const slot = delivery.slot;
    this.free.give(delivery.index);
    this.sink.frameReleased(delivery.queue, slot);
    this.frames.release(slot);
  }
}
