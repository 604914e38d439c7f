import type { Scheduler } from '../kernel/index.ts';
import { DESCRIPTOR_SHIFT } from './descriptor-format.ts';
import { CACHE_ENTRIES, type DescriptorRings } from './descriptor-rings.ts';
import { type DmaPort, DmaRequest } from './dma-port.ts';

/** Descriptors that are written back together: four fill a line of 64 bytes. */
const LINE = 4;
/** Descriptors in a page, less one. */
const PAGE_MASK = (4096 >> DESCRIPTOR_SHIFT) - 1;

/** The cookie of a write-back: this bit, the queue, and how many descriptors. */
const WRITE_BACK = 1 << 30;
const COUNT_BITS = 8;

/** What the owner of {@link WriteBacks} is told. */
export interface WriteBackOwner {
  /** Write-backs of a ring are on their way. */
  sent(queue: number): void;
  /** The port has no room: ask again when it has. */
  noRoom(queue: number): void;
}

/**
 * Written-back receive descriptors on their way to memory: a line at a time while frames keep coming, and a line that is not
 * full at most once in the hold time.
 */
export class WriteBacks {
  /** Writes made. */
  writes = 0;
  private readonly scheduler: Scheduler;
  private readonly rings: DescriptorRings;
  private readonly port: DmaPort;
  private readonly request = new DmaRequest();
  private readonly owner: WriteBackOwner;
  private readonly client: () => number;
  private readonly holdPs: number;
  private readonly holdEnds: number;
  // Of each ring what is not sent yet: how many descriptors, and the ring index and unwrapped number of the first.
  private readonly count: Int32Array;
  private readonly index: Int32Array;
  private readonly number: Int32Array;
  private readonly lastPs: Float64Array;
  private readonly isHeld: Uint8Array;

  constructor(
    name: string,
    scheduler: Scheduler,
    rings: DescriptorRings,
    port: DmaPort,
    owner: WriteBackOwner,
    client: () => number,
    holdPs: number,
  ) {
    this.scheduler = scheduler;
    this.rings = rings;
    this.port = port;
    this.owner = owner;
    this.client = client;
    this.holdPs = holdPs;
    this.holdEnds = scheduler.task(`${name}.writeBack`, (queue) => this.endHold(queue));
    this.count = new Int32Array(rings.queues);
    this.index = new Int32Array(rings.queues);
    this.number = new Int32Array(rings.queues);
    this.lastPs = new Float64Array(rings.queues).fill(Number.NEGATIVE_INFINITY);
    this.isHeld = new Uint8Array(rings.queues);
  }

  /** Whether a write with this cookie is a write-back. */
  static owns(cookie: number): boolean {
    return (cookie & WRITE_BACK) !== 0;
  }

  /** Descriptors of a ring that are not sent yet. */
  unsent(queue: number): number {
    return this.count[queue];
  }

  /** A write-back has landed: its cache entries are free again. Returns the ring. */
  landed(cookie: number): number {
    const queue = (cookie & ~WRITE_BACK) >> COUNT_BITS;
    this.rings.release(queue, cookie & ((1 << COUNT_BITS) - 1));
    return queue;
  }

  /** Adds the descriptor just taken; a line that is full goes at once. Only after the port has said that it has room. */
  note(queue: number, index: number, number: number): void {
    // A run ends with the ring, with the cache and with a page, so that it is one piece at both ends.
    const inPage = (this.rings.base[queue] / 16 + index) & PAGE_MASK;
    if (this.count[queue] > 0 && (index === 0 || (number & (CACHE_ENTRIES - 1)) === 0 || inPage === 0))
      this.send(queue);
    if (this.count[queue] === 0) {
      this.index[queue] = index;
      this.number[queue] = number;
    }
    if (++this.count[queue] >= LINE) this.send(queue);
  }

  /** What is not sent: now if the last one is long enough ago, else when the time has come. */
  sendOrHold(queue: number): void {
    if (this.count[queue] === 0 || this.rings.master[queue] === 0) return;
    const due = this.lastPs[queue] + this.holdPs;
    if (this.scheduler.now >= due) {
      if (this.port.canWrite()) this.send(queue);
      else this.owner.noRoom(queue);
    } else if (this.isHeld[queue] === 0) {
      this.isHeld[queue] = 1;
      this.scheduler.post(due, this.holdEnds, queue, 0);
    }
  }

  /** Gives up what is not sent. */
  forget(queue: number): void {
    this.count[queue] = 0;
  }

  private endHold(queue: number): void {
    this.isHeld[queue] = 0;
    this.sendOrHold(queue);
  }

  private send(queue: number): void {
    const count = this.count[queue];
    const rings = this.rings;
    const address = rings.base[queue] + (this.index[queue] << DESCRIPTOR_SHIFT);
    const offset = rings.offsetOfNumber(queue, this.number[queue]);
    const cookie = WRITE_BACK | (queue << COUNT_BITS) | count;
    this.count[queue] = 0;
    this.lastPs[queue] = this.scheduler.now;
    this.writes++;
    const bytes = count << DESCRIPTOR_SHIFT;
    this.port.write(this.request.of(rings.routingId[queue], address, bytes, offset, this.client(), cookie));
    this.owner.sent(queue);
  }
}
