import { expect } from 'vitest';
import { FramePool, SparseMemory } from '../../src/base/index.ts';
import { TransmitEngine, type TransmitEngineOptions } from '../../src/dma/index.ts';
import { DATA, DONE, END, REPORT, TestTransmitFormat } from './formats.ts';
import { type MockLimits, MockPort } from './mock-port.ts';

/** A frame as software describes it. */
export interface FrameSpec {
  /** Bytes of each data descriptor. */
  readonly parts: readonly number[];
  readonly report?: boolean;
  /** Descriptors without data in front. */
  readonly contexts?: number;
  readonly contextReports?: boolean;
  /** Its first buffer lies where reads fail. */
  readonly fails?: boolean;
}

interface Posted {
  readonly kind: 'context' | 'part' | 'last';
  readonly frame: number;
  readonly report: boolean;
}

/** What became of a frame. */
interface Outcome {
  readonly queue: number;
  readonly bytes: number[] | null;
}

const RINGS = 0x10_0000;
const RING_STRIDE = 0x1_0000;
const BUFFERS = 0x1000_0000;
const FAILING = 0x2000_0000;
const SLOT_BYTES = 2048;

export interface TransmitRigOptions extends Partial<TransmitEngineOptions> {
  readonly slots?: number;
  readonly ringSize?: number;
  readonly limits?: MockLimits;
  /** First byte of the rings, for rings that do not start with a page. */
  readonly ringOffset?: number;
}

/**
 * A transmit engine on a {@link MockPort}, and the software and the card around it: frames are posted to
 * rings; what comes out is held until {@link TransmitRig.free} says that it has left.
 */
export class TransmitRig {
  readonly memory = new SparseMemory(2 ** 36);
  readonly frames: FramePool;
  readonly port: MockPort;
  readonly engine: TransmitEngine;
  readonly size: number;
  readonly outcomes: Outcome[] = [];
  /** Slots that came out and have not left. */
  readonly held: number[] = [];
  readonly ringFailures: number[] = [];
  /** Frames leave as soon as they come out. */
  holds = false;
  /** Status writes that have reached memory: queue, ring index, descriptors. */
  readonly statuses: { queue: number; index: number; count: number }[] = [];
  // Per queue: every descriptor ever posted, how many of these frames have ended, what software has taken
  // back.
  readonly posted: Posted[][];
  readonly ended: number[];
  readonly reclaimed: number[];
  readonly frameCount: number[];
  readonly expected: (number[] | null)[][];
  readonly #reported: Set<number>[];
  readonly #base: number[];
  readonly #limits: { maxFrameBytes: number; packetBufferBytes: number; parts: number };
  #buffer = BUFFERS;

  constructor(options: TransmitRigOptions = {}) {
    const queues = options.queues ?? 1;
    this.size = options.ringSize ?? 16;
    this.frames = new FramePool({
      slots: options.slots ?? 64,
      slotBytes: SLOT_BYTES,
      extraBytes: TransmitEngine.storeBytes(queues),
    });
    this.port = new MockPort(this.memory, this.frames, options.limits);
    this.port.fails = (address) => address >= FAILING;
    this.port.onIssue = (routingId) => expect(this.engine.rings.ring(routingId - 0x100).master).toBe(1);
    this.port.onCommit = (address, bytes) => this.#checkStatus(address, bytes);
    const engineOptions: TransmitEngineOptions = {
      queues,
      cacheDescriptors: 40,
      packetBufferBytes: 64 * SLOT_BYTES,
      reservedSlots: 0,
      storeOffset: this.frames.extraOffset,
      maxFrameBytes: 1600,
      ...options,
    };
    this.#limits = { ...engineOptions, parts: Math.min(engineOptions.cacheDescriptors, this.size - 1) };
    this.engine = new TransmitEngine(
      'transmit',
      this.frames,
      this.port,
      new TestTransmitFormat(),
      {
        frameFetched: (queue, slot, index) => this.#fetched(queue, slot, index),
        frameFailed: (queue) => {
          this.#end(queue, null);
          this.engine.slotFreed();
        },
        statusWritten: () => {},
        ringFailed: (queue) => this.ringFailures.push(queue),
      },
      engineOptions,
    );
    this.#base = Array.from(
      { length: queues },
      (_, q) => RINGS + q * RING_STRIDE + (options.ringOffset ?? 0),
    );
    const lists = <T>() => Array.from({ length: queues }, (): T[] => []);
    this.posted = lists();
    this.expected = lists();
    this.ended = new Array(queues).fill(0);
    this.reclaimed = new Array(queues).fill(0);
    this.frameCount = new Array(queues).fill(0);
    this.#reported = Array.from({ length: queues }, () => new Set());
    for (let queue = 0; queue < queues; queue++) {
      this.engine.rings.ring(queue).base = this.#base[queue];
      this.engine.rings.ring(queue).size = this.size;
      this.engine.rings.ring(queue).routingId = 0x100 + queue;
      this.engine.enable(queue);
    }
  }

  /** Descriptors that software may still post to a ring. */
  room(queue: number): number {
    return this.size - 1 - (this.posted[queue].length - this.reclaimed[queue]);
  }

  /**
   * Writes a frame's descriptors and data; false if the ring has no room. The tail stays; see
   * {@link TransmitRig.kick}.
   */
  post(queue: number, spec: FrameSpec): boolean {
    const { parts, contexts = 0 } = spec;
    if (parts.length + contexts > this.room(queue)) return false;
    const frame = this.frameCount[queue]++;
    for (let i = 0; i < contexts; i++) {
      this.#descriptor(queue, 0, spec.contextReports ? REPORT : 0, 0, {
        kind: 'context',
        frame,
        report: spec.contextReports === true,
      });
    }
    const content: number[] = [];
    for (const [i, bytes] of parts.entries()) {
      const last = i === parts.length - 1;
      let address = this.#buffer;
      this.#buffer += bytes + 61; // any alignment, and now and then across a page
      for (let k = 0; k < bytes; k++) {
        const byte = (address + k * 13 + (k >> 8)) & 0xff;
        this.memory.write8(address + k, byte);
        content.push(byte);
      }
      if (spec.fails && i === 0) address = FAILING + (address % 4096);
      const report = last && spec.report === true;
      const flags = DATA | bytes | (last ? END : 0) | (report ? REPORT : 0);
      this.#descriptor(queue, address, flags, 0, { kind: last ? 'last' : 'part', frame, report });
    }
    const most = Math.min(this.#limits.maxFrameBytes, this.#limits.packetBufferBytes);
    const lost =
      spec.fails || parts.includes(0) || content.length > most || parts.length > this.#limits.parts;
    this.expected[queue].push(lost ? null : content);
    return true;
  }

  /** Moves the tail behind everything that has been posted. */
  kick(queue: number): void {
    this.engine.setTail(queue, this.posted[queue].length % this.size);
  }

  /** Software takes descriptors back: up to the head register, or up to the last one with its status in memory. */
  reclaim(queue: number, byHead: boolean): void {
    if (byHead) {
      this.reclaimed[queue] = this.headNumber(queue);
      return;
    }
    for (let number = this.posted[queue].length - 1; number >= this.reclaimed[queue]; number--) {
      const { report } = this.posted[queue][number];
      if (report && this.#reported[queue].has(number)) {
        this.reclaimed[queue] = number + 1;
        return;
      }
    }
  }

  /** The head register as a number that counts without wrapping. */
  headNumber(queue: number): number {
    const from = this.reclaimed[queue];
    const distance = (this.engine.rings.ring(queue).head - (from % this.size) + this.size) % this.size;
    return from + distance;
  }

  /** Descriptors that are done: those of frames that have ended, and those without data behind them. */
  doneNumber(queue: number): number {
    const posted = this.posted[queue];
    let done = 0;
    while (
      done < posted.length &&
      posted[done].frame + (posted[done].kind === 'context' ? 0 : 1) <= this.ended[queue]
    )
      done++;
    return done;
  }

  /** The `index`-th frame that is held leaves the card. */
  free(index = 0): void {
    const [slot] = this.held.splice(index, 1);
    const bytes = this.frames.lengths[slot];
    this.engine.shares?.leave(slot);
    this.frames.release(slot);
    this.engine.releaseBuffer(bytes);
    this.engine.slotFreed();
  }

  /** Everything that was posted has come out right, in order; nothing is left anywhere. */
  expectAllDone(): void {
    expect(this.ended).toEqual(this.frameCount);
    expect(this.held).toEqual([]);
    expect(this.frames.available).toBe(this.frames.slots);
    for (const [queue, posted] of this.posted.entries()) {
      expect(this.engine.rings.ring(queue).head).toBe(posted.length % this.size);
      const missing = posted.flatMap(({ report }, number) =>
        report && !this.#reported[queue].has(number) ? [number] : [],
      );
      expect(missing).toEqual([]);
    }
  }

  #descriptor(queue: number, address: number, flags: number, extra: number, what: Posted): void {
    const at = this.#base[queue] + (this.posted[queue].length % this.size) * 16;
    this.memory.write64(at, address % 2 ** 32, Math.floor(address / 2 ** 32));
    this.memory.write64(at + 8, flags, extra);
    this.posted[queue].push(what);
  }

  #fetched(queue: number, slot: number, index: number): void {
    const start = this.frames.offsetOf(slot);
    const length = this.frames.lengths[slot];
    this.#end(queue, [...this.frames.u8.subarray(start, start + length)]);
    const last = this.posted[queue].findLastIndex(({ frame }) => frame === this.ended[queue] - 1);
    if (last >= 0) expect(index).toBe(last % this.size);
    expect(this.frames.references[slot]).toBe(1);
    this.held.push(slot);
    if (!this.holds) this.free(this.held.length - 1);
  }

  /** Frames end in the order of their ring, whole or not at all. */
  #end(queue: number, bytes: number[] | null): void {
    const frame = this.ended[queue]++;
    this.outcomes.push({ queue, bytes });
    expect(frame).toBeLessThan(this.frameCount[queue]);
    expect(bytes).toEqual(this.expected[queue][frame]);
  }

  /** Status is written for what is done, and only for that. */
  #checkStatus(address: number, bytes: number): void {
    const queue = Math.floor((address - RINGS) / RING_STRIDE);
    const index = (address - this.#base[queue]) / 16;
    const count = bytes / 16;
    this.statuses.push({ queue, index, count });
    for (let i = index; i < index + count; i++) {
      expect(this.memory.read32(this.#base[queue] + i * 16 + 8)).toBe(DONE);
      // The newest descriptor that was posted there.
      const posted = this.posted[queue];
      const number = posted.length - 1 - ((posted.length - 1 - i + this.size * posted.length) % this.size);
      expect(number).toBeGreaterThanOrEqual(0);
      const { frame, kind } = posted[number];
      expect(frame + (kind === 'context' ? 0 : 1)).toBeLessThanOrEqual(this.ended[queue]);
      this.#reported[queue].add(number);
    }
  }
}
