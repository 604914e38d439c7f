import { checkInteger } from '../base/index.ts';
import { DESCRIPTOR_SHIFT } from './descriptor-format.ts';
import { type DmaPort, DmaRequest } from './dma-port.ts';

/** Entries of the cache of each ring: a power of two, above any prefetch. */
export const CACHE_ENTRIES = 64;
const CACHE_MASK = CACHE_ENTRIES - 1;

/** Fetches of one ring that are under way at once; a power of two. One alone would bound a ring to a cache a round trip. */
const FETCHES = 4;

/** How the rings of an engine are made. */
export interface DescriptorRingsOptions {
  /** Rings. */
  readonly queues: number;
  /** Descriptors that the chip holds of one ring at most (1 to 64). */
  readonly cacheDescriptors: number;
  /** First byte of the caches in the store; `queues` x 1,024 bytes are used. */
  readonly cacheOffset: number;
}

/**
 * Descriptor rings in host memory, and the on-die cache of each.
 *
 * Software owns a ring's tail, the engine its head. `tail === fetch index` means that nothing is left to fetch: a ring of n
 * descriptors holds n - 1 at most, so full (tail one behind head) differs from empty. Counts of fetched, taken
 * and released descriptors run on without wrapping; a cache entry is free again when what was written back from it
 * has landed.
 */
export class DescriptorRings {
  readonly queues: number;
  /** Host address of each ring, as the device addresses it. */
  readonly base: Float64Array;
  /** Descriptors in each ring. */
  readonly size: Int32Array;
  readonly tail: Int32Array;
  readonly enabled: Uint8Array;
  /** 0 while the function that owns the ring may send no requests (Bus Master Enable clear): all of it stands still. */
  readonly master: Uint8Array;
  readonly routingId: Int32Array;
  /** Prefetch when no more than this many are cached (PTHRESH) ... */
  readonly prefetchThreshold: Int32Array;
  /** ... and at least this many wait in memory (HTHRESH). */
  readonly hostThreshold: Int32Array;
  /** Index of the next descriptor to be taken from the cache. */
  readonly takeIndex: Int32Array;
  fetches = 0;
  descriptorsFetched = 0;

  private readonly fetchIndex: Int32Array;
  // Unwrapped numbers of descriptors: asked for, in the cache, taken, and free again in the cache.
  private readonly fetched: Int32Array;
  private readonly landed: Int32Array;
  private readonly taken: Int32Array;
  private readonly released: Int32Array;
  /** Entries whose write-back was under way when the ring was reset: they are free when it has landed. */
  private readonly orphans: Int32Array;
  // Fetches under way, FETCHES a ring, in order: first and end count without wrapping.
  private readonly firstFetch: Int32Array;
  private readonly endFetch: Int32Array;
  private readonly fetchCount: Int32Array;
  private readonly fetchTrains: Int32Array;
  private readonly failedFetches: Uint8Array;
  // At the last reset: how many descriptors had been asked for, and the first fetch that was issued after it.
  private readonly resetAt: Int32Array;
  private readonly staleFetches: Int32Array;
  private readonly port: DmaPort;
  private readonly request = new DmaRequest();
  private readonly cacheWord: number;
  private readonly cacheOffset: number;
  private readonly cacheDescriptors: number;
  private readonly client: () => number;

  /**
   * @param client gives the number under which the owner signs its requests; fetches carry negative cookies, which
   *   {@link DescriptorRings.queueOf} reads.
   */
  constructor(port: DmaPort, options: DescriptorRingsOptions, client: () => number) {
    const queues = checkInteger('queues', options.queues, 1, 4096);
    this.queues = queues;
    this.port = port;
    this.client = client;
    this.cacheDescriptors = checkInteger('cacheDescriptors', options.cacheDescriptors, 1, CACHE_ENTRIES);
    this.cacheOffset = options.cacheOffset;
    this.cacheWord = options.cacheOffset >> 2;
    const column = () => new Int32Array(queues);
    this.base = new Float64Array(queues);
    this.size = column();
    this.tail = column();
    this.enabled = new Uint8Array(queues);
    this.master = new Uint8Array(queues).fill(1);
    this.routingId = column();
    this.prefetchThreshold = column();
    this.hostThreshold = column();
    this.takeIndex = column();
    this.fetchIndex = column();
    this.fetched = column();
    this.landed = column();
    this.taken = column();
    this.released = column();
    this.orphans = column();
    this.resetAt = column();
    this.staleFetches = column();
    this.firstFetch = column();
    this.endFetch = column();
    this.fetchCount = new Int32Array(queues * FETCHES);
    this.fetchTrains = new Int32Array(queues * FETCHES);
    this.failedFetches = new Uint8Array(queues);
  }

  /** Bytes of the store that the caches take. */
  static cacheBytes(queues: number): number {
    return (queues * CACHE_ENTRIES) << DESCRIPTOR_SHIFT;
  }

  /** Starts a ring whose base and size are set. A tail that lies outside of it counts as none. */
  enable(queue: number): void {
    this.enabled[queue] = 1;
    if (this.tail[queue] >= this.size[queue]) this.tail[queue] = 0;
  }

  /**
   * Back to an empty ring: head, tail and cache at zero, disabled. Base, size and thresholds stay. What is under way for the old
   * ring ends without effect on the new one.
   *
   * @param unsent descriptors at the end of those taken whose write-back is not under way.
   */
  resetQueue(queue: number, unsent = 0): void {
    this.enabled[queue] = 0;
    this.tail[queue] = 0;
    this.takeIndex[queue] = 0;
    this.fetchIndex[queue] = 0;
    const fetched = this.fetched[queue];
    const since = this.orphans[queue] > 0 ? this.resetAt[queue] : this.released[queue];
    this.orphans[queue] += ((this.taken[queue] - since) | 0) - unsent;
    if (this.orphans[queue] === 0) this.released[queue] = fetched;
    this.taken[queue] = this.resetAt[queue] = fetched;
    this.staleFetches[queue] = this.endFetch[queue];
    this.failedFetches[queue] = 0;
  }

  /** Descriptors in the cache that can be taken now. */
  cached(queue: number): number {
    return this.master[queue] === 0 ? 0 : (this.landed[queue] - this.taken[queue]) | 0;
  }

  /** Descriptors that software has handed over and that are not fetched yet. */
  waiting(queue: number): number {
    const distance = this.tail[queue] - this.fetchIndex[queue];
    return distance < 0 ? distance + this.size[queue] : distance;
  }

  /** Descriptors that can be in the cache at once: a ring of n has n - 1 at most. */
  mostCached(queue: number): number {
    return Math.min(this.cacheDescriptors, this.size[queue] - 1);
  }

  /** Descriptors under way. */
  inFetch(queue: number): number {
    return (this.fetched[queue] - this.landed[queue]) | 0;
  }

  /** First double word of the cached descriptor `ahead` places behind the next one. */
  wordOf(queue: number, ahead: number): number {
    return this.cacheWord + (queue * CACHE_ENTRIES + ((this.taken[queue] + ahead) & CACHE_MASK)) * 4;
  }

  /** Takes the next cached descriptor; returns its index in the ring. */
  take(queue: number): number {
    const index = this.takeIndex[queue];
    const next = index + 1;
    this.takeIndex[queue] = next === this.size[queue] ? 0 : next;
    this.taken[queue]++;
    return index;
  }

  /** Number of the descriptor that will be taken next, counted without wrapping. */
  takenCount(queue: number): number {
    return this.taken[queue];
  }

  /** Byte offset in the store of the descriptor with this unwrapped number. */
  offsetOfNumber(queue: number, number: number): number {
    return this.cacheOffset + ((queue * CACHE_ENTRIES + (number & CACHE_MASK)) << DESCRIPTOR_SHIFT);
  }

  /** `count` cache entries are free again, in the order in which they were taken. */
  release(queue: number, count: number): void {
    if (this.orphans[queue] === 0) {
      this.released[queue] += count;
      return;
    }
    this.orphans[queue] -= count;
    if (this.orphans[queue] === 0) this.released[queue] = this.resetAt[queue];
  }

  /** Ring that the fetch with this cookie belongs to. */
  static queueOf(cookie: number): number {
    return Math.floor((-1 - cookie) / FETCHES);
  }

  /**
   * Fetches descriptors if the thresholds say so: with nothing cached or coming, whatever there is; else when few are left and
   * enough wait. Returns false if the port had no room.
   *
   * @param wanted descriptors that the next frame needs: below that many the thresholds do not matter.
   */
  prefetch(queue: number, wanted = 1): boolean {
    if (this.enabled[queue] === 0 || this.master[queue] === 0) return true;
    const waiting = this.waiting(queue);
    if (waiting === 0) return true;
    const first = this.fetched[queue];
    const ahead = (first - this.taken[queue]) | 0;
    if (ahead >= wanted && (ahead > this.prefetchThreshold[queue] || waiting < this.hostThreshold[queue]))
      return true;
    const fetch = this.endFetch[queue];
    if (((fetch - this.firstFetch[queue]) | 0) === FETCHES) return true;
    const index = this.fetchIndex[queue];
    const entry = first & CACHE_MASK;
    const count = Math.min(
      waiting,
      this.cacheDescriptors - ahead,
      CACHE_ENTRIES - ((first - this.released[queue]) | 0),
      CACHE_ENTRIES - entry, // to the end of the cache
      this.size[queue] - index, // to the end of the ring
    );
    if (count <= 0) return true;
    const bytes = count << DESCRIPTOR_SHIFT;
    if (!this.port.canFetch(bytes)) return false;
    const row = queue * FETCHES + (fetch & (FETCHES - 1));
    this.endFetch[queue] = fetch + 1;
    this.fetchCount[row] = count;
    this.fetched[queue] = first + count;
    this.fetchIndex[queue] = index + count === this.size[queue] ? 0 : index + count;
    this.fetches++;
    this.descriptorsFetched += count;
    const address = this.base[queue] + (index << DESCRIPTOR_SHIFT);
    const offset = this.offsetOfNumber(queue, first);
    const requester = this.routingId[queue];
    this.fetchTrains[row] = this.port.read(
      this.request.of(requester, address, bytes, offset, this.client(), -1 - row),
    );
    return true;
  }

  /**
   * A train of a fetch has ended. Descriptors can be taken in the order of the ring, so a fetch counts when those before it
   * have ended. Returns whether there are more to take, or {@link DescriptorRings.fetchFailed}.
   */
  fetchDone(cookie: number, failed: boolean): boolean {
    const queue = DescriptorRings.queueOf(cookie);
    const ended = -1 - cookie;
    if (failed) {
      const first = this.firstFetch[queue];
      const fetch = first + ((ended - first) & (FETCHES - 1));
      if (((fetch - this.staleFetches[queue]) | 0) >= 0) this.failedFetches[queue] = 1;
    }
    this.fetchTrains[ended]--;
    let more = false;
    while (this.firstFetch[queue] !== this.endFetch[queue]) {
      const row = queue * FETCHES + (this.firstFetch[queue] & (FETCHES - 1));
      if (this.fetchTrains[row] > 0) break;
      this.landed[queue] += this.fetchCount[row];
      this.firstFetch[queue]++;
      more = true;
    }
    return more || failed;
  }

  /** Whether a fetch has failed since this was last asked. */
  fetchFailed(queue: number): boolean {
    const failed = this.failedFetches[queue] === 1;
    this.failedFetches[queue] = 0;
    return failed;
  }
}
