import { ceilPowerOfTwo, type FramePool, FreeList, IntRing } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import type { ReceiveFormat } from './descriptor-format.ts';
import { DescriptorRings } from './descriptor-rings.ts';
import { DMA_OK, type DmaClient, type DmaPort, DmaRequest } from './dma-port.ts';
import { WriteBacks } from './write-backs.ts';

/** What is done to the outer tag of a frame on its way to memory. */
export const TagOperation = {
  /** The bytes go as they are. */
  NONE: 0,
  /** The tag in the bytes is left out. */
  STRIP: 1,
  /** The tag beside the frame ({@link FramePool.outerTci}) is put in. */
  INSERT: 2,
} as const;

/** One of {@link TagOperation}. */
export type TagOperation = (typeof TagOperation)[keyof typeof TagOperation];

/** Who is told what became of received frames. */
export interface ReceiveSink {
  /** A frame was given to the descriptor `index`; its bytes are on their way. */
  frameWritten(queue: number, slot: number, index: number): void;
  /** Write-backs are on their way behind their frames: what software waits for. */
  statusWritten(queue: number): void;
  /** No descriptor was left, and the ring says drop. The reference on the slot is released after the call. */
  frameDropped(queue: number, slot: number): void;
  /** The bytes of a frame have left the card (or it was dropped): its room in the packet buffer is free. */
  frameReleased(queue: number, slot: number): void;
  /** The ring itself could not be read: the queue is disabled. */
  ringFailed(queue: number): void;
}

/** How the engine is made. */
export interface ReceiveEngineOptions {
  readonly queues: number;
  /** Descriptors cached of each ring. */
  readonly cacheDescriptors: number;
  /** Frames that wait for descriptors or are being written, over all rings. A power of two. */
  readonly deliveries: number;
  /**
   * A line of written-back descriptors that is not full goes to memory at most once in this time, for each ring: the first frame
   * after a pause at once, the following ones together.
   */
  readonly writeBackHoldPs: number;
  /** First byte in the frame pool's extra area; see {@link ReceiveEngine.storeBytes}. */
  readonly storeOffset: number;
}

const NONE = -1;
/** Offset of the outer tag in a frame: behind the two addresses. */
const TAG_OFFSET = 12;
const TAG_BYTES = 4;
const PAGE_BYTES = 4096;

/**
 * The receive half of the DMA engine: keeps descriptors of many rings prefetched, writes frames into the buffers that they
 * name, and writes the descriptors back, four at a time while frames keep coming and at once when none is left.
 */
export class ReceiveEngine implements DmaClient, Component {
  readonly name: string;
  readonly rings: DescriptorRings;
  /** Bytes of a receive buffer of each ring. */
  readonly bufferBytes: Int32Array;
  /** 1: a frame is dropped when no descriptor is left; 0: it waits, and everything behind it. */
  readonly dropEnable: Uint8Array;
  framesWritten = 0;
  framesDropped = 0;

  private readonly frames: FramePool;
  private readonly port: DmaPort;
  private readonly request = new DmaRequest();
  private readonly format: ReceiveFormat;
  private readonly sink: ReceiveSink;
  private readonly client: number;

  // Deliveries: a frame on its way to one ring. A ring's are a list through `next`, oldest first.
  private readonly free: FreeList;
  private readonly slot: Int32Array;
  private readonly queue: Int32Array;
  private readonly operation: Int32Array;
  private readonly trains: Int32Array;
  private readonly next: Int32Array;
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly lines: WriteBacks;
  /** Bytes of a ring's first delivery that are written already. */
  private readonly done: Int32Array;
  private readonly closed: Uint8Array;
  private readonly waiting: IntRing;
  private readonly isWaiting: Uint8Array;
  /** One double word a delivery, for a tag that has to be written on its own. */
  private readonly tagWord: number;

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
    const { queues, deliveries } = options;
    this.rings = new DescriptorRings(
      port,
      { queues, cacheDescriptors: options.cacheDescriptors, cacheOffset: options.storeOffset },
      () => this.client,
    );
    this.client = port.addClient(this);
    this.bufferBytes = new Int32Array(queues).fill(2048);
    this.dropEnable = new Uint8Array(queues);
    this.free = new FreeList(deliveries);
    this.slot = new Int32Array(deliveries);
    this.queue = new Int32Array(deliveries);
    this.operation = new Int32Array(deliveries);
    this.trains = new Int32Array(deliveries);
    this.next = new Int32Array(deliveries);
    this.first = new Int32Array(queues).fill(NONE);
    this.last = new Int32Array(queues).fill(NONE);
    this.lines = new WriteBacks(
      name,
      scheduler,
      this.rings,
      port,
      { sent: (queue) => sink.statusWritten(queue), noRoom: (queue) => this.waitForPort(queue) },
      () => this.client,
      options.writeBackHoldPs,
    );
    this.done = new Int32Array(queues);
    this.closed = new Uint8Array(deliveries);
    this.tagWord = (options.storeOffset + DescriptorRings.cacheBytes(queues)) >> 2;
    this.waiting = new IntRing(ceilPowerOfTwo(queues));
    this.isWaiting = new Uint8Array(queues);
  }

  /** Writes of descriptors that have been made. */
  get writeBacks(): number {
    return this.lines.writes;
  }

  /** Bytes that the engine needs in the frame pool's extra area. */
  static storeBytes(queues: number, deliveries: number): number {
    return DescriptorRings.cacheBytes(queues) + 4 * deliveries;
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

  /** Stops a ring; frames that wait for its descriptors are dropped. What is on its way to memory lands. */
  disable(queue: number): void {
    this.rings.resetQueue(queue, this.lines.unsent(queue));
    this.lines.forget(queue);
    this.done[queue] = 0;
    while (this.first[queue] !== NONE) this.dropFirst(queue);
  }

  /** Bus Master Enable of the function that owns a ring. */
  setMaster(queue: number, allowed: boolean): void {
    this.rings.master[queue] = allowed ? 1 : 0;
    if (allowed) this.serve(queue);
  }

  /** Frames of a ring that wait for descriptors or for the port. */
  waitingFrames(queue: number): number {
    let count = 0;
    for (let d = this.first[queue]; d !== NONE; d = this.next[d]) count++;
    return count;
  }

  /** Takes over one reference on `slot` for ring `queue`. */
  deliver(queue: number, slot: number, operation: TagOperation): void {
    const delivery = this.rings.enabled[queue] === 1 ? this.free.take() : NONE;
    if (delivery === NONE) {
      this.framesDropped++;
      this.sink.frameDropped(queue, slot);
      this.sink.frameReleased(queue, slot);
      this.frames.release(slot);
      return;
    }
    this.slot[delivery] = slot;
    this.queue[delivery] = queue;
    this.operation[delivery] = operation;
    this.trains[delivery] = 0;
    this.closed[delivery] = 0;
    this.next[delivery] = NONE;
    if (this.first[queue] === NONE) this.first[queue] = delivery;
    else this.next[this.last[queue]] = delivery;
    this.last[queue] = delivery;
    if (this.isWaiting[queue] === 0) this.serve(queue);
  }

  readDone(cookie: number, status: number): void {
    if (!this.rings.fetchDone(cookie, status !== DMA_OK)) return;
    const queue = DescriptorRings.queueOf(cookie);
    if (this.rings.fetchFailed(queue)) {
      this.disable(queue);
      this.sink.ringFailed(queue);
      return;
    }
    this.serve(queue);
    this.prefetch(queue);
  }

  writeDone(cookie: number): void {
    if (WriteBacks.owns(cookie)) {
      // A fetch may have waited for these entries.
      this.prefetch(this.lines.landed(cookie));
      return;
    }
    if (--this.trains[cookie] === 0 && this.closed[cookie] === 1) this.finish(cookie);
  }

  requesterReady(): void {
    for (let left = this.waiting.length; left > 0; left--) {
      const queue = this.waiting.shift();
      this.isWaiting[queue] = 0;
      this.serve(queue);
      this.prefetch(queue);
    }
  }

  reset(): void {
    for (let queue = 0; queue < this.rings.queues; queue++) this.disable(queue);
    this.framesWritten = this.framesDropped = this.lines.writes = 0;
  }

  counters(): Record<string, number> {
    const { framesWritten, framesDropped, writeBacks } = this;
    const { fetches, descriptorsFetched } = this.rings;
    return {
      framesWritten,
      framesDropped,
      writeBacks,
      descriptorFetches: fetches,
      descriptorsFetched,
    };
  }

  private prefetch(queue: number): void {
    const wanted = this.first[queue] === NONE ? 1 : this.neededByFirst(queue);
    if (!this.rings.prefetch(queue, wanted)) this.waitForPort(queue);
  }

  private waitForPort(queue: number): void {
    if (this.isWaiting[queue] === 1) return;
    this.isWaiting[queue] = 1;
    this.waiting.push(queue);
  }

  /** Writes the frames that wait for a ring, buffer by buffer, as far as descriptors and the port allow. */
  private serve(queue: number): void {
    const rings = this.rings;
    while (this.first[queue] !== NONE) {
      const delivery = this.first[queue];
      const done = this.done[queue];
      const cached = rings.cached(queue);
      const needed = this.neededByFirst(queue);
      // A frame starts when all its descriptors are there, or as many as can be at once; then it goes on with each.
      if (cached < (done > 0 ? 1 : Math.min(needed, rings.mostCached(queue)))) {
        const coming = rings.inFetch(queue) + rings.waiting(queue);
        if (done > 0 || this.dropEnable[queue] === 0 || cached + coming >= needed) break;
        this.dropFirst(queue);
        continue;
      }
      if (!this.port.canWrite()) {
        this.waitForPort(queue);
        break;
      }
      this.writeBuffer(queue, delivery, done, this.bytesOf(delivery));
    }
    this.lines.sendOrHold(queue);
    this.prefetch(queue);
  }

  /** Descriptors that the rest of a ring's first frame needs; no more than the ring can hold. */
  private neededByFirst(queue: number): number {
    const left = this.bytesOf(this.first[queue]) - this.done[queue];
    const buffer = this.bufferBytes[queue];
    if (left <= buffer) return 1;
    return Math.min(Math.ceil(left / buffer), this.rings.size[queue] - 1);
  }

  /** Bytes of a delivery in memory. */
  private bytesOf(delivery: number): number {
    const bytes = this.frames.lengths[this.slot[delivery]];
    const operation = this.operation[delivery];
    if (operation === TagOperation.NONE) return bytes;
    return operation === TagOperation.STRIP ? bytes - TAG_BYTES : bytes + TAG_BYTES;
  }

  /** Writes what fits into the next buffer of a ring's first delivery, and notes its descriptor as done. */
  private writeBuffer(queue: number, delivery: number, done: number, bytes: number): void {
    const rings = this.rings;
    const frames = this.frames;
    const cache = frames.i32;
    const slot = this.slot[delivery];
    const operation = this.operation[delivery];
    const count = Math.min(this.bufferBytes[queue], bytes - done);
    const last = done + count === bytes;
    const word = rings.wordOf(queue, 0);
    const address = this.format.address(cache, word);
    const number = rings.takenCount(queue);
    const index = rings.take(queue);
    if (last) {
      this.first[queue] = this.next[delivery];
      this.done[queue] = 0;
      this.closed[delivery] = 1;
    } else {
      this.done[queue] = done + count;
    }
    this.trains[delivery] += this.writePiece(queue, delivery, address, done, count, operation);
    const tci = operation === TagOperation.STRIP ? tciInBytes(frames.u8, slot << frames.slotShift) : -1;
    this.format.writeBack(cache, word, count, last, tci);
    this.lines.note(queue, index, number);
    if (!last) return;
    this.framesWritten++;
    this.sink.frameWritten(queue, slot, index);
  }

  /** Writes `count` bytes of the frame as memory shall see it, from `done` on. Returns the trains that takes. */
  private writePiece(
    queue: number,
    delivery: number,
    address: number,
    done: number,
    count: number,
    operation: number,
  ): number {
    const port = this.port;
    const client = this.client;
    const requester = this.rings.routingId[queue];
    const base = this.slot[delivery] << this.frames.slotShift;
    if (operation === TagOperation.NONE)
      return port.write(this.request.of(requester, address, count, base + done, client, delivery));
    const strips = operation === TagOperation.STRIP;
    const shift = strips ? TAG_BYTES : -TAG_BYTES;
    if (done > 0)
      return port.write(this.request.of(requester, address, count, base + done + shift, client, delivery));
    const tag = strips ? 0 : tagWord(this.frames.outerTci[this.slot[delivery]]);
    const inPage = address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
    if (inPage + TAG_OFFSET + TAG_BYTES <= PAGE_BYTES) {
      const skip = strips ? TAG_BYTES : 0;
      const request = this.request.of(requester, address, count, base, client, delivery);
      request.headBytes = TAG_OFFSET;
      request.skipBytes = skip;
      request.inserts = strips ? 0 : 1;
      request.insert = tag;
      return port.write(request);
    }
    // A page ends within the addresses or the tag: each part on its own.
    let trains = port.write(this.request.of(requester, address, TAG_OFFSET, base, client, delivery));
    let to = TAG_OFFSET;
    if (!strips) {
      const scratch = this.tagWord + delivery;
      this.frames.i32[scratch] = tag;
      trains += port.write(
        this.request.of(requester, address + to, TAG_BYTES, scratch << 2, client, delivery),
      );
      to += TAG_BYTES;
    }
    if (count === to) return trains;
    return (
      trains +
      port.write(this.request.of(requester, address + to, count - to, base + to + shift, client, delivery))
    );
  }

  private dropFirst(queue: number): void {
    const delivery = this.first[queue];
    this.first[queue] = this.next[delivery];
    this.framesDropped++;
    this.sink.frameDropped(queue, this.slot[delivery]);
    // Of a frame that has been begun, bytes may still have to leave the slot.
    if (this.trains[delivery] > 0) this.closed[delivery] = 1;
    else this.finish(delivery);
  }

  /** A delivery has ended: its room, its reference and its row are free. */
  private finish(delivery: number): void {
    const slot = this.slot[delivery];
    this.free.give(delivery);
    this.sink.frameReleased(this.queue[delivery], slot);
    this.frames.release(slot);
  }
}

/** TCI of the tag in a frame's bytes. */
function tciInBytes(u8: Uint8Array, base: number): number {
  return (u8[base + TAG_OFFSET + 2] << 8) | u8[base + TAG_OFFSET + 3];
}

/** An 802.1Q tag with this TCI as a little-endian double word. */
function tagWord(tci: number): number {
  return 0x0081 | ((tci >> 8) << 16) | ((tci & 0xff) << 24);
}
