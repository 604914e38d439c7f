import { expect } from 'vitest';
import { FramePool, SparseMemory } from '../../src/base/index.ts';
import { ReceiveEngine, type ReceiveEngineOptions, TagOperation } from '../../src/dma/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { MAX_TAG_BYTES, TagEdit, writeTagged } from '../../src/wire/index.ts';
import { TestReceiveFormat, WRITTEN } from './formats.ts';
import { type MockLimits, MockPort } from './mock-port.ts';

/** A frame as it is delivered to a ring, and as software shall find it. */
interface Delivered {
  readonly content: number[];
  readonly tci: number;
  readonly slot: number;
}

const RINGS = 0x100_0000;
const RING_STRIDE = 0x10_0000;
/** Between a ring and the one that takes its place. */
const RING_STEP = 0x2000;
const BUFFERS = 0x1000_0000;

export interface ReceiveRigOptions extends Partial<ReceiveEngineOptions> {
  readonly slots?: number;
  readonly ringSize?: number;
  readonly bufferBytes?: number;
  readonly dropEnable?: boolean;
  readonly limits?: MockLimits;
  readonly ringOffset?: number;
  /** Where in its page the n-th buffer starts. */
  readonly bufferOffset?: (n: number) => number;
}

/**
 * A receive engine on a {@link MockPort}, and the software that posts buffers and looks at them as soon as
 * their write-back has reached memory: then the data must be there.
 */
export class ReceiveRig {
  readonly scheduler = new Scheduler();
  readonly memory = new SparseMemory(2 ** 36);
  readonly frames: FramePool;
  readonly port: MockPort;
  readonly engine: ReceiveEngine;
  readonly size: number;
  /** Frames that software has received whole, by queue. */
  readonly received: { content: number[]; tci: number; buffers: number }[][];
  /** Slots that were dropped, and slots whose room is free again. */
  readonly dropped: { queue: number; slot: number }[] = [];
  readonly released: number[] = [];
  readonly ringFailures: number[] = [];
  /** Descriptors in each write-back, in order. */
  readonly writeBacks: { queue: number; index: number; count: number }[] = [];
  /** Frames given to descriptors and not yet seen by software, by queue. */
  readonly written: Delivered[][];
  readonly posted: number[];
  readonly seen: number[];
  readonly #waiting: Delivered[][];
  readonly #buffers: number[][];
  readonly #open: { content: number[]; buffers: number }[];
  readonly #base: number[];
  readonly #bufferOffset: (n: number) => number;
  #bufferCount = 0;

  constructor(options: ReceiveRigOptions = {}) {
    const queues = options.queues ?? 1;
    const deliveries = options.deliveries ?? 128;
    this.size = options.ringSize ?? 16;
    this.#bufferOffset = options.bufferOffset ?? (() => 0);
    this.frames = new FramePool({
      slots: options.slots ?? 128,
      slotBytes: 4096,
      extraBytes: ReceiveEngine.storeBytes(queues, deliveries),
    });
    this.port = new MockPort(this.memory, this.frames, options.limits);
    this.port.onIssue = (routingId) => expect(this.engine.rings.ring(routingId - 0x100).master).toBe(1);
    this.port.onCommit = (address, bytes) => this.#look(address, bytes);
    const lists = <T>() => Array.from({ length: queues }, (): T[] => []);
    this.received = lists();
    this.written = lists();
    this.#waiting = lists();
    this.#buffers = lists();
    this.#open = Array.from({ length: queues }, () => ({ content: [], buffers: 0 }));
    this.posted = new Array(queues).fill(0);
    this.seen = new Array(queues).fill(0);
    this.#base = Array.from(
      { length: queues },
      (_, q) => RINGS + q * RING_STRIDE + (options.ringOffset ?? 0),
    );
    this.engine = new ReceiveEngine(
      'receive',
      this.scheduler,
      this.frames,
      this.port,
      new TestReceiveFormat(),
      {
        frameWritten: (queue, slot) => {
          const frame = this.#waiting[queue].shift() as Delivered;
          expect(slot).toBe(frame.slot);
          this.written[queue].push(frame);
        },
        statusWritten: () => {},
        frameDropped: (queue, slot) => {
          const at = this.#waiting[queue].findIndex((frame) => frame.slot === slot);
          expect(at).toBeGreaterThanOrEqual(0);
          this.#waiting[queue].splice(at, 1);
          this.dropped.push({ queue, slot });
        },
        frameReleased: (_queue, slot) => {
          expect(this.frames.references[slot]).toBeGreaterThan(0);
          this.released.push(slot);
        },
        ringFailed: (queue) => this.ringFailures.push(queue),
      },
      {
        queues,
        cacheDescriptors: 64,
        deliveries,
        writeBackHoldPs: 0,
        storeOffset: this.frames.extraOffset,
        ...options,
      },
    );
    const { engine } = this;
    for (let queue = 0; queue < queues; queue++) {
      engine.rings.ring(queue).base = this.#base[queue];
      engine.rings.ring(queue).size = this.size;
      engine.rings.ring(queue).routingId = 0x100 + queue;
      engine.rings.ring(queue).bufferBytes = options.bufferBytes ?? 2048;
      engine.rings.ring(queue).dropEnable = options.dropEnable ? 1 : 0;
      engine.enable(queue);
    }
  }

  /** Posts up to `count` buffers (as many as the ring takes) and moves the tail. */
  post(queue: number, count = this.size): void {
    for (let i = 0; i < count && this.posted[queue] - this.seen[queue] < this.size - 1; i++) {
      const number = this.#bufferCount++;
      const address = BUFFERS + number * 0x2000 + this.#bufferOffset(number);
      const index = this.posted[queue]++ % this.size;
      this.memory.write64(this.#base[queue] + index * 16, address, 0);
      this.memory.write64(this.#base[queue] + index * 16 + 8, 0, 0);
      this.#buffers[queue][index] = address;
    }
    this.engine.setTail(queue, this.posted[queue] % this.size);
  }

  /**
   * A slot with `bytes` bytes that say where they come from, holding a tag behind the addresses if `tci` is
   * not -1.
   */
  frame(bytes: number, tci = -1): number {
    const slot = this.frames.take();
    expect(slot).toBeGreaterThanOrEqual(0);
    const start = this.frames.offsetOf(slot);
    const salt = this.released.length * 7 + this.dropped.length + slot;
    for (let i = 0; i < bytes; i++) this.frames.u8[start + i] = (salt + i * 11 + (i >> 8)) & 0xff;
    if (tci >= 0) this.frames.u8.set([0x81, 0x00, tci >> 8, tci & 0xff], start + 12);
    this.frames.lengths[slot] = bytes;
    return slot;
  }

  /** Delivers a slot's reference to a ring. */
  deliver(queue: number, slot: number, operation: number = TagOperation.NONE): void {
    const start = this.frames.offsetOf(slot);
    const bytes = [...this.frames.u8.subarray(start, start + this.frames.lengths[slot])];
    let content = bytes;
    let tci = -1;
    if (operation === TagOperation.STRIP) {
      content = [...bytes.slice(0, 12), ...bytes.slice(16)];
      tci = (bytes[14] << 8) | bytes[15];
    } else if (operation === TagOperation.INSERT) {
      const tag = this.frames.outerTci[slot];
      content = [...bytes.slice(0, 12), 0x81, 0x00, tag >> 8, tag & 0xff, ...bytes.slice(12)];
    }
    if (operation > TagOperation.INSERT) {
      const edited = new Uint8Array(bytes.length + MAX_TAG_BYTES);
      content = [...edited.subarray(0, writeTagged(this.frames, slot, operation, edited))];
      const at = (operation & TagEdit.BEHIND_OUTER) !== 0 ? 18 : 14;
      if ((operation & (TagEdit.STRIP | TagEdit.INSERT)) === TagEdit.STRIP)
        tci = (bytes[at] << 8) | bytes[at + 1];
    }
    this.#waiting[queue].push({ content, tci, slot });
    this.engine.deliver(queue, slot, operation);
  }

  /** Delivers a plain frame of `bytes` to a ring. */
  send(queue: number, bytes: number): void {
    this.deliver(queue, this.frame(bytes));
  }

  /** Ends everything that is under way or will be, in time and at the port. */
  settle(pick?: (bound: number) => number): void {
    do {
      this.port.run(pick);
    } while (this.scheduler.step() || this.port.pending > 0);
  }

  /**
   * Software forgets a ring and starts it afresh, in other memory: what is still written to the old one hurts
   * nobody.
   */
  restart(queue: number): void {
    this.#base[queue] += RING_STEP;
    this.engine.rings.ring(queue).base = this.#base[queue];
    this.posted[queue] = this.seen[queue] = 0;
    this.written[queue] = [];
    this.#open[queue] = { content: [], buffers: 0 };
    this.engine.enable(queue);
  }

  /** Nothing waits, and every slot is free. */
  expectIdle(): void {
    expect(this.#waiting.map(({ length }) => length)).toEqual(this.#waiting.map(() => 0));
    expect(this.written.map(({ length }) => length)).toEqual(this.written.map(() => 0));
    expect(this.frames.available).toBe(this.frames.slots);
    expect(this.port.pending).toBe(0);
  }

  /** Frames that wait in the engine for descriptors or the port. */
  waiting(queue: number): number {
    return this.#waiting[queue].length;
  }

  /** A write has reached memory: if it is a write-back, software looks at what it says is there. */
  #look(address: number, bytes: number): void {
    if (address >= BUFFERS) return;
    const queue = Math.floor((address - RINGS) / RING_STRIDE);
    const index = (address - this.#base[queue]) / 16;
    if (index < 0) return;
    this.writeBacks.push({ queue, index, count: bytes / 16 });
    for (let i = index; i < index + bytes / 16; i++) {
      expect(i).toBe(this.seen[queue] % this.size);
      expect(this.seen[queue]).toBeLessThan(this.posted[queue]);
      this.seen[queue]++;
      this.#take(queue, this.#base[queue] + i * 16, this.#buffers[queue][i]);
    }
  }

  #take(queue: number, descriptor: number, buffer: number): void {
    expect(this.memory.read32(descriptor + 12)).toBe(WRITTEN);
    const bytes = this.memory.read32(descriptor);
    expect(bytes).toBeLessThanOrEqual(this.engine.rings.ring(queue).bufferBytes);
    const open = this.#open[queue];
    for (let i = 0; i < bytes; i++) open.content.push(this.memory.read8(buffer + i));
    // Nothing lies before or behind what belongs there.
    expect(this.memory.read8(buffer + bytes)).toBe(0);
    expect(this.memory.read8(buffer - 1)).toBe(0);
    open.buffers++;
    if (this.memory.read32(descriptor + 8) === 0) {
      expect(bytes).toBe(this.engine.rings.ring(queue).bufferBytes);
      return;
    }
    const frame = this.written[queue].shift() as Delivered;
    const tci = this.memory.read32(descriptor + 4) | 0;
    expect({ content: open.content, tci }).toEqual({ content: frame.content, tci: frame.tci });
    this.received[queue].push({ ...open, tci });
    this.#open[queue] = { content: [], buffers: 0 };
  }
}
