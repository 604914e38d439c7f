import { checkInteger } from '../base/index.ts';
import { DESCRIPTOR_SHIFT } from './descriptor-format.ts';
import type { DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import { CACHE_ENTRIES, type Ring } from './ring.ts';

const CACHE_MASK = CACHE_ENTRIES - 1;

/**
 * Fetches of one ring that are under way at once; a power of two. One alone would bound a ring to a cache a
 * round trip.
 */
const FETCHES = 4;
const FETCH_SHIFT = 2;

/** How the rings of an engine are made. */
export interface DescriptorRingsOptions<R extends Ring> {
  /** Rings. */
  readonly queues: number;
  /** Descriptors that the chip holds of one ring at most (1 to 64). */
  readonly cacheDescriptors: number;
  /** First byte of the caches in the store; `queues` x 1,024 bytes are used. */
  readonly cacheOffset: number;
  /** Makes the ring of a queue, given the first byte of its cache. */
  readonly makeRing: (queue: number, cacheOffset: number) => R;
}

/** Queue of the descriptor fetch with this cookie; -1 if a read with it is none. */
export function fetchQueueOf(cookie: number): number {
  return cookie < 0 ? (-1 - cookie) >> FETCH_SHIFT : -1;
}

/** A fetch that is under way. */
class Fetch {
  /** Descriptors. */
  count = 0;
  /** Trains that have not ended. */
  trains = 0;
}

/** The rings of an engine, and the fetching of their descriptors. Fetches carry negative cookies. */
export class DescriptorRings<R extends Ring> {
  /** The rings, by queue. */
  readonly all: readonly R[];
  /** Fetches made, and descriptors in them. */
  fetches = 0;
  descriptorsFetched = 0;
  /** Told of a ring that begins, and of one that is about to end: of what it has been until now. For a log. */
  watcher: ((ring: Ring, ends?: 1) => void) | null = null;
  /**
   * Asked what to do about a ring that has no place to fetch into, with so many descriptors cached or coming; returns as
   * {@link DescriptorRings.prefetch}. Null: nothing.
   */
  whenFull: ((ring: Ring, ahead: number) => boolean) | null = null;

  private readonly port: DmaPort;
  /** @internal */
  readonly cacheDescriptors: number;
  private readonly request = new DmaRequest();
  /** FETCHES a ring. */
  private readonly underWay: Fetch[];

  /** @param client number under which the owner signs its requests. */
  constructor(port: DmaPort, options: DescriptorRingsOptions<R>, client: number) {
    const queues = checkInteger('queues', options.queues, 1, 4096);
    this.port = port;
    this.cacheDescriptors = checkInteger('cacheDescriptors', options.cacheDescriptors, 1, CACHE_ENTRIES);
    this.request.client = client;
    const { cacheOffset, makeRing } = options;
    this.all = Array.from({ length: queues }, (_, queue) =>
      makeRing(queue, cacheOffset + DescriptorRings.cacheBytes(queue)),
    );
    this.underWay = Array.from({ length: queues * FETCHES }, () => new Fetch());
  }

  /** Bytes of the store that the caches take. */
  static cacheBytes(queues: number): number {
    return (queues * CACHE_ENTRIES) << DESCRIPTOR_SHIFT;
  }

  /** The ring of a queue. */
  ring(queue: number): R {
    return this.all[queue];
  }

  /** Frames of all rings, and those that were lost. */
  get frames(): number {
    return this.all.reduce((sum, { frames }) => sum + frames, 0);
  }
  get framesLost(): number {
    return this.all.reduce((sum, { framesLost }) => sum + framesLost, 0);
  }

  /** Fetches, and what each ring that has been used has counted: `queue5.frames`; `lost` is what its lost frames are called. */
  counters(lost: string): Record<string, number> {
    const { fetches, descriptorsFetched, all } = this;
    const counts: Record<string, number> = { descriptorFetches: fetches, descriptorsFetched };
    for (const ring of all) {
      const { queue, fetched, frames, framesLost, descriptorsTaken } = ring;
      if (fetched === 0 && framesLost === 0) continue;
      const own = { frames, [lost]: framesLost, descriptorsFetched: fetched >>> 0, descriptorsTaken };
      for (const [name, count] of Object.entries(own)) counts[`queue${queue}.${name}`] = count;
    }
    return counts;
  }

  /** Frames are counted from 0 again. */
  resetCounters(): void {
    for (const ring of this.all) ring.frames = ring.framesLost = 0;
  }

  /** Starts a ring whose base and size are set. A tail that lies outside of it counts as none. */
  enable(ring: R): void {
    ring.enabled = 1;
    ring.places = this.cacheDescriptors;
    if (ring.tail >= ring.size) ring.tail = 0;
    this.watcher?.(ring);
  }

  /** As {@link Ring.reset}. */
  reset(ring: R, unsent: number): void {
    this.watcher?.(ring, 1);
    ring.reset(unsent);
  }

  /** Descriptors of a ring that can be in the cache at once: a ring of n has n - 1 at most. */
  mostCached(ring: Ring): number {
    return Math.min(this.cacheDescriptors, ring.size - 1);
  }

  /**
   * Fetches descriptors if the thresholds say so: with nothing cached or coming, whatever there is; else when
   * few are left and enough wait. Returns false if the port had no room.
   *
   * @param wanted descriptors that the next frame needs: below that many the thresholds do not matter.
   */
  prefetch(ring: Ring, wanted: number): boolean {
    // What is true nearly always, first: there are enough, or there is nothing to fetch.
    const ahead = (ring.fetched - ring.taken) | 0;
    if ((ahead > ring.prefetchThreshold && ahead >= wanted) || ring.tail === ring.fetchIndex) return true;
    if (ring.enabled === 0 || ring.master === 0) return true;
    const waiting = ring.waiting();
    if (ahead >= wanted && waiting < ring.hostThreshold) return true;
    return this.fetch(ring, ahead, waiting);
  }

  private fetch(ring: Ring, ahead: number, waiting: number): boolean {
    const fetch = ring.endFetch;
    if (((fetch - ring.firstFetch) | 0) === FETCHES) return true;
    const index = ring.fetchIndex;
    const first = ring.fetched;
    const count = Math.min(
      waiting,
      ring.places - ahead,
      CACHE_ENTRIES - ((first - ring.released) | 0),
      CACHE_ENTRIES - (first & CACHE_MASK), // to the end of the cache
      ring.size - index, // to the end of the ring
    );
    if (count <= 0) return this.whenFull?.(ring, ahead) ?? true;
    const bytes = count << DESCRIPTOR_SHIFT;
    if (!this.port.canFetch(bytes)) return false;
    const place = ring.queue * FETCHES + (fetch & (FETCHES - 1));
    ring.endFetch = (fetch + 1) | 0;
    ring.fetched = (first + count) | 0;
    ring.fetchIndex = index + count === ring.size ? 0 : index + count;
    this.fetches++;
    this.descriptorsFetched += count;
    const request = this.request;
    request.routingId = ring.routingId;
    request.address = ring.base + (index << DESCRIPTOR_SHIFT);
    request.bytes = bytes;
    request.offset = ring.offsetOf(first);
    request.cookie = -1 - place;
    const underWay = this.underWay[place];
    underWay.count = count;
    underWay.trains = this.port.read(request);
    return true;
  }

  /** Ring that the fetch with this cookie belongs to. */
  ringOf(cookie: number): R {
    return this.all[fetchQueueOf(cookie)];
  }

  /**
   * A train of a fetch has ended. Descriptors can be taken in the order of the ring, so a fetch counts when
   * those before it have ended. Returns whether there are more to take, or {@link Ring.fetchFailed} is set.
   */
  fetchDone(ring: Ring, cookie: number, failed: boolean): boolean {
    const ended = -1 - cookie;
    if (failed) {
      const first = ring.firstFetch;
      const fetch = first + ((ended - first) & (FETCHES - 1));
      if (((fetch - ring.staleFetches) | 0) >= 0) ring.fetchFailed = 1;
    }
    this.underWay[ended].trains--;
    const places = ring.queue * FETCHES;
    let more = false;
    while (ring.firstFetch !== ring.endFetch) {
      const oldest = this.underWay[places + (ring.firstFetch & (FETCHES - 1))];
      if (oldest.trains > 0) break;
      ring.landed = (ring.landed + oldest.count) | 0;
      ring.firstFetch = (ring.firstFetch + 1) | 0;
      more = true;
    }
    return more || failed;
  }
}
