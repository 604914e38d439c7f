import type { Scheduler } from '../kernel/index.ts';
import { DESCRIPTOR_SHIFT } from './descriptor-format.ts';
import type { DescriptorRings } from './descriptor-rings.ts';
import type { DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import type { ReceiveRing } from './receive-ring.ts';
import { CACHE_ENTRIES } from './ring.ts';

/** Descriptors that are written back together: four fill a line of 64 bytes. */
const LINE = 4;
/** Descriptors in a page. */
const PAGE = 4096 >> DESCRIPTOR_SHIFT;

/** The cookie of a write-back: this bit, the queue, and how many descriptors. */
const WRITE_BACK = 1 << 30;
const COUNT_BITS = 8;
const COUNT_MASK = (1 << COUNT_BITS) - 1;

/** Queue of the write-back with this cookie, and how many descriptors it has; null if a write with it is none. */
export function writeBackOf(cookie: number): { readonly queue: number; readonly count: number } | null {
  if (cookie < 0 || !WriteBacks.owns(cookie)) return null;
  return { queue: (cookie & ~WRITE_BACK) >> COUNT_BITS, count: cookie & COUNT_MASK };
}

/** What the owner of {@link WriteBacks} is told. */
export interface WriteBackOwner {
  /** Write-backs of a ring are on their way. */
  sent(ring: ReceiveRing): void;
  /** The port has no room: ask again when it has. */
  noRoom(ring: ReceiveRing): void;
}

/**
 * Written-back receive descriptors on their way to memory: a line at a time while frames keep coming, and a
 * line that is not full at most once in the hold time.
 */
export class WriteBacks {
  /** Writes made. */
  writes = 0;
  private readonly scheduler: Scheduler;
  private readonly rings: DescriptorRings<ReceiveRing>;
  private readonly port: DmaPort;
  private readonly owner: WriteBackOwner;
  private readonly request = new DmaRequest();
  private readonly holdPs: number;
  private readonly holdEnds: number;

  /** @param client number under which the owner signs its requests. */
  constructor(
    name: string,
    scheduler: Scheduler,
    rings: DescriptorRings<ReceiveRing>,
    port: DmaPort,
    owner: WriteBackOwner,
    client: number,
    holdPs: number,
  ) {
    this.scheduler = scheduler;
    this.rings = rings;
    this.port = port;
    this.owner = owner;
    this.request.client = client;
    this.holdPs = holdPs;
    this.holdEnds = scheduler.task(`${name}.writeBack`, (queue) => this.endHold(rings.all[queue]));
  }

  /** Whether a write with this cookie is a write-back. */
  static owns(cookie: number): boolean {
    return (cookie & WRITE_BACK) !== 0;
  }

  /** A write-back has landed: its cache entries are free again. Returns the ring. */
  landed(cookie: number): ReceiveRing {
    const ring = this.rings.all[(cookie & ~WRITE_BACK) >> COUNT_BITS];
    ring.release(cookie & COUNT_MASK);
    return ring;
  }

  /**
   * Adds the descriptor just taken, with its index and unwrapped number; a line that is full goes at once.
   * Only after the port has said that it has room.
   */
  note(ring: ReceiveRing, index: number, number: number): void {
    if (ring.unsent > 0 && ring.unsent === ring.unsentMost) this.send(ring);
    if (ring.unsent === 0) {
      ring.unsentIndex = index;
      ring.unsentNumber = number;
      // A run ends with the ring, with the cache and with a page, so that it is one piece at both ends.
      const inPage = (ring.base / (1 << DESCRIPTOR_SHIFT) + index) & (PAGE - 1);
      const inCache = number & (CACHE_ENTRIES - 1);
      ring.unsentMost = Math.min(ring.size - index, CACHE_ENTRIES - inCache, PAGE - inPage);
    }
    if (++ring.unsent >= LINE) this.send(ring);
  }

  /** What is not sent: now if the last one is long enough ago, else when the time has come. */
  sendOrHold(ring: ReceiveRing): void {
    if (ring.unsent === 0 || ring.master === 0) return;
    const waitsPs = ring.sentPs + this.holdPs - this.scheduler.now;
    if (waitsPs <= 0) {
      if (this.port.canWrite()) this.send(ring);
      else this.owner.noRoom(ring);
    } else if (ring.isHeld === 0) {
      ring.isHeld = 1;
      this.scheduler.schedule(waitsPs, this.holdEnds, ring.queue, 0);
    }
  }

  private endHold(ring: ReceiveRing): void {
    ring.isHeld = 0;
    this.sendOrHold(ring);
  }

  private send(ring: ReceiveRing): void {
    const count = ring.unsent;
    const request = this.request;
    ring.unsent = 0;
    ring.sentPs = this.scheduler.now;
    this.writes++;
    request.routingId = ring.routingId;
    request.address = ring.base + (ring.unsentIndex << DESCRIPTOR_SHIFT);
    request.bytes = count << DESCRIPTOR_SHIFT;
    request.offset = ring.offsetOf(ring.unsentNumber);
    request.cookie = WRITE_BACK | (ring.queue << COUNT_BITS) | count;
    this.port.write(request);
    this.owner.sent(ring);
  }
}
