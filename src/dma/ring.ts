/** Entries of the cache of each ring: a power of two, above any prefetch. */
export const CACHE_ENTRIES = 64;
const CACHE_MASK = CACHE_ENTRIES - 1;

/**
 * A descriptor ring in host memory, and its on-die cache. Software owns the tail, the engine the head.
 * `tail === fetch index` means that nothing is left to fetch: a ring of n descriptors holds n - 1 at most, so
 * full (tail one behind head) differs from empty. Counts of fetched, taken and released descriptors run on
 * (they wrap at 2^32); a cache entry is free again when what was written back from it has landed.
 *
 * A record, as a frame and a delivery are: see "The hot path" in docs/architecture.md.
 */
export class Ring {
  readonly queue: number;
  /** Host address, as the device addresses it; NaN until it is set. */
  base = Number.NaN;
  /** Descriptors. */
  size = 0;
  tail = 0;
  enabled = 0;
  /**
   * 0 while the function that owns the ring may send no requests (Bus Master Enable clear): all of it stands
   * still.
   */
  master = 1;
  routingId = 0;
  /** Prefetch when no more than this many are cached (PTHRESH) ... */
  prefetchThreshold = 0;
  /** ... and at least this many wait in memory (HTHRESH). */
  hostThreshold = 0;
  /** Index of the next descriptor to be taken from the cache. */
  takeIndex = 0;
  /** Index of the next one to be fetched. */
  fetchIndex = 0;
  // Unwrapped numbers of descriptors: asked for, in the cache, taken, and free again in the cache.
  fetched = 0;
  landed = 0;
  taken = 0;
  released = 0;
  /** Entries whose write-back was under way when the ring was reset: they are free when it has landed. */
  orphans = 0;
  // At the last reset: how many descriptors had been asked for, and the first fetch that was issued after it.
  resetAt = 0;
  staleFetches = 0;
  /** Fetches under way, in order: first and end count without wrapping. */
  firstFetch = 0;
  endFetch = 0;
  /** 1 if a fetch has failed. */
  fetchFailed = 0;
  /** Places in the cache that descriptors can be fetched into: all but those held by some that are done. */
  places = 0;
  /** Frames that the engine has taken from memory or brought there, and those that it has lost. */
  frames = 0;
  framesLost = 0;
  // Of the descriptors that were asked for, those that a reset found in the cache or under way; and of those taken, those whose
  // write-back it found not under way.
  private unused = 0;
  private unsaid = 0;
  /** First byte and first double word of the cache in the store. */
  private readonly cacheOffset: number;
  private readonly cacheWord: number;

  /** @param cacheOffset first byte of the cache in the store; a multiple of 4. */
  constructor(queue: number, cacheOffset: number) {
    this.queue = queue;
    this.cacheOffset = cacheOffset;
    this.cacheWord = cacheOffset >> 2;
  }

  /**
   * Back to an empty ring: head, tail and cache at zero, disabled. Base, size and thresholds stay. What is
   * under way for the old ring ends without effect on the new one.
   *
   * @param unsent descriptors at the end of those taken whose write-back is not under way.
   */
  reset(unsent: number): void {
    this.enabled = 0;
    this.tail = 0;
    this.takeIndex = 0;
    this.fetchIndex = 0;
    const since = this.orphans > 0 ? this.resetAt : this.released;
    this.orphans += ((this.taken - since) | 0) - unsent;
    if (this.orphans === 0) this.released = this.fetched;
    this.unused += (this.fetched - this.taken) | 0;
    this.unsaid += unsent;
    this.taken = this.resetAt = this.fetched;
    this.staleFetches = this.endFetch;
    this.fetchFailed = 0;
  }

  /** Descriptors that the engine has taken from the cache since power-on, modulo 2^32. */
  get descriptorsTaken(): number {
    return (this.taken - this.unused) >>> 0;
  }

  /** Of those, the ones that resets have not kept from being written back, modulo 2^32. */
  get descriptorsSaid(): number {
    return (this.taken - this.unused - this.unsaid) >>> 0;
  }

  /** Descriptors in the cache that can be taken now. */
  cached(): number {
    return this.master === 0 ? 0 : (this.landed - this.taken) | 0;
  }

  /** Descriptors that software has handed over and that are not fetched yet. */
  waiting(): number {
    const distance = this.tail - this.fetchIndex;
    return distance < 0 ? distance + this.size : distance;
  }

  /** Descriptors under way. */
  inFetch(): number {
    return (this.fetched - this.landed) | 0;
  }

  /** First double word in the store of the cached descriptor `ahead` places behind the next one. */
  wordOf(ahead: number): number {
    return this.cacheWord + (((this.taken + ahead) & CACHE_MASK) << 2);
  }

  /** Byte offset in the store of the descriptor with this unwrapped number. */
  offsetOf(number: number): number {
    return this.cacheOffset + ((number & CACHE_MASK) << 4);
  }

  /** The index behind `index`. */
  after(index: number): number {
    const next = index + 1;
    return next === this.size ? 0 : next;
  }

  /**
   * Takes the next cached descriptor, whose entry {@link Ring.release} frees later; returns its index in the
   * ring.
   */
  take(): number {
    const index = this.takeIndex;
    const next = index + 1;
    this.takeIndex = next === this.size ? 0 : next;
    this.taken = (this.taken + 1) | 0;
    return index;
  }

  /** As {@link Ring.take}, for a descriptor that is not written back from the cache: its entry is free at once. */
  consume(): number {
    const index = this.take();
    this.released = this.taken;
    return index;
  }

  /** `count` cache entries are free again, in the order in which they were taken. */
  release(count: number): void {
    if (this.orphans === 0) {
      this.released = (this.released + count) | 0;
      return;
    }
    this.orphans -= count;
    if (this.orphans === 0) this.released = this.resetAt;
  }
}
