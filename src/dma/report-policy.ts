import { checkInteger, checkNumber, type WordStore } from '../base/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import type { DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import { TransmitEngine } from './transmit-engine.ts';
import type { TransmitRing } from './transmit-ring.ts';
import { ahead, type TransmitReports, type TransmitStatus } from './transmit-status.ts';

/** No address; a double from the start. */
const NOWHERE = -0.5;

/** How a ring reports what it has sent. */
class RingPolicy {
  threshold = 0;
  /** Where the head goes, or NOWHERE. */
  headAddress = NOWHERE;
  /** When the first descriptor that waits was done. */
  sincePs = Number.NEGATIVE_INFINITY;
  /** 1 while the flush is scheduled, 1 when what waits is due. */
  isArmed = 0;
  isDue = 0;
}

/**
 * Reports of transmit rings in batches, or by their head: what a chip has beside the write-back of each descriptor that
 * asks for it. Takes the place of the plain reports in a {@link TransmitEngine}, and does as they do until something is set.
 *
 * - With a write-back threshold a descriptor that asks for its status opens a run, which is written in one piece once it has so
 *   many descriptors, all up to the last one that asks for it. Until then they keep their places in the cache. A run is written
 *   before that when the flush time of its ring is over, when {@link ReportPolicy.flush} is called, or when the cache is full.
 * - With a head address a double word with the ring's head is written there instead of descriptors.
 *
 * @example
 * const policy = new ReportPolicy(transmit, 'transmit', scheduler, frames, port, storeOffset, () => 10_240_000);
 * policy.setThreshold(0, 8);
 */
export class ReportPolicy implements TransmitReports {
  private readonly engine: TransmitEngine;
  private readonly plain: TransmitStatus;
  private readonly port: DmaPort;
  private readonly store: WordStore;
  private readonly scheduler: Scheduler;
  private readonly flushPs: (queue: number) => number;
  private readonly flushes: number;
  private readonly request = new DmaRequest();
  private readonly policies: readonly RingPolicy[];
  /** First double word of those in the store that hold heads. */
  private readonly heads: number;
  private headWrites = 0;

  /**
   * @param name of the task that flushes.
   * @param storeOffset of the engine's options.
   * @param flushPs time after which a ring's run is written that has not become full, in ps; Infinity for never.
   */
  constructor(
    engine: TransmitEngine,
    name: string,
    scheduler: Scheduler,
    store: WordStore,
    port: DmaPort,
    storeOffset: number,
    flushPs: (queue: number) => number,
  ) {
    this.engine = engine;
    this.plain = engine.status as TransmitStatus;
    this.scheduler = scheduler;
    this.store = store;
    this.port = port;
    this.flushPs = flushPs;
    this.request.client = engine.client;
    this.request.bytes = 4;
    const { all } = engine.rings;
    this.policies = all.map(() => new RingPolicy());
    this.heads = (storeOffset + TransmitEngine.storeBytes(all.length) - 4 * all.length) >> 2;
    this.flushes = scheduler.task(`${name}.flush`, (queue) => this.flushTime(queue));
    engine.status = this;
    engine.rings.whenFull = ({ queue }, ahead) => this.makeRoom(all[queue], ahead);
  }

  /** Writes made: of descriptors and of heads. */
  get writes(): number {
    return this.plain.writes + this.headWrites;
  }

  set writes(count: number) {
    this.plain.writes = count;
    this.headWrites = 0;
  }

  /**
   * Descriptors of a ring that are written back together, 0 to 127; 0: each that asks for it, at once. No more than the cache
   * holds wait for each other.
   *
   * @throws RangeError if `descriptors` is no whole number from 0 to 127; TypeError if it is no number.
   */
  setThreshold(queue: number, descriptors: number): void {
    this.policies[queue].threshold = checkInteger('descriptors', descriptors, 0, 127);
    this.write(this.engine.rings.all[queue]);
  }

  /**
   * From now on the head of a ring is written to this address, a multiple of four, where a descriptor asks for its status; null:
   * descriptors are.
   *
   * @throws RangeError if `address` is not from 0 to 2^52; TypeError if it is no number and not null.
   */
  setHeadAddress(queue: number, address: number | null): void {
    const policy = this.policies[queue];
    if (address !== null) checkNumber('address', address, 0, 2 ** 52);
    const to = address ?? NOWHERE;
    if (to === policy.headAddress) return;
    policy.headAddress = to;
    const ring = this.engine.rings.all[queue];
    ring.statusCount = 0;
    this.hold(ring, 0);
  }

  /** Writes what a ring has to report, without waiting for more. */
  flush(queue: number): void {
    this.policies[queue].isDue = 1;
    this.write(this.engine.rings.all[queue]);
  }

  report(ring: TransmitRing, first: number, last: number): void {
    const policy = this.policies[ring.queue];
    if (policy.headAddress >= 0) {
      // What is written is where the ring is by then: one write tells of all.
      ring.statusCount = 1;
    } else if (policy.threshold === 0) {
      this.plain.report(ring, first, last);
    } else {
      if (ring.statusCount === 0) {
        ring.statusFirst = first;
        policy.sincePs = this.scheduler.now;
        policy.isDue = 0;
      }
      ring.statusCount = ahead(ring, last) + 1;
      this.hold(ring, ring.statusCount);
    }
  }

  write(ring: TransmitRing): void {
    const policy = this.policies[ring.queue];
    if (ring.statusCount === 0) return;
    if (policy.headAddress >= 0) {
      this.writeHead(ring, policy.headAddress);
      return;
    }
    const { engine } = this;
    const most = Math.min(policy.threshold, engine.rings.mostCached(ring));
    if (ring.statusCount < most && policy.isDue === 0) {
      this.arm(ring.queue, policy);
      return;
    }
    this.plain.write(ring);
    if (ring.statusCount > 0) {
      policy.isDue = 1;
      return;
    }
    policy.isDue = 0;
    this.hold(ring, 0);
  }

  private writeHead(ring: TransmitRing, address: number): void {
    if (ring.master === 0) return;
    const { port, request, heads } = this;
    const { owner } = this.plain;
    if (!port.canWrite()) {
      owner.noRoom(ring);
      return;
    }
    const word = heads + ring.queue;
    this.store.i32[word] = ring.head;
    request.routingId = ring.routingId;
    request.address = address;
    request.offset = word << 2;
    ring.statusCount = 0;
    this.headWrites++;
    port.write(request);
    owner.sent(ring);
  }

  /** So many descriptors of a ring that are done keep their places in the cache. */
  private hold(ring: TransmitRing, descriptors: number): void {
    ring.places = this.engine.rings.cacheDescriptors - descriptors;
  }

  /** A ring cannot be fetched from: where it has nothing to go on with, those that wait give up their places. */
  private makeRoom(ring: TransmitRing, ahead: number): boolean {
    const { rings } = this.engine;
    const { places } = ring;
    const isDry = ring.cached() <= 0 || ring.wantsMore === 1;
    if (isDry && ring.inFetch() === 0) this.flush(ring.queue);
    return ring.places === places || rings.prefetch(ring, ahead + 1);
  }

  private arm(queue: number, policy: RingPolicy): void {
    if (policy.isArmed === 1) return;
    const flushPs = this.flushPs(queue);
    if (flushPs === Number.POSITIVE_INFINITY) return;
    policy.isArmed = 1;
    this.scheduler.schedule(
      Math.max(0, policy.sincePs + flushPs - this.scheduler.now),
      this.flushes,
      queue,
      0,
    );
  }

  /** A flush was scheduled for now: what waits may have come since. */
  private flushTime(queue: number): void {
    const policy = this.policies[queue];
    policy.isArmed = 0;
    if (this.engine.rings.all[queue].statusCount === 0 || policy.threshold === 0) return;
    if (policy.sincePs + this.flushPs(queue) <= this.scheduler.now) this.flush(queue);
    else this.arm(queue, policy);
  }
}
