import type { RandomStream } from '../base/index.ts';
import { AssociativeCache, type CacheEntry, type CacheShape, NOTHING } from './associative-cache.ts';
import { LEVEL_BYTES, MAX_LEAF_LEVEL, pageBase, pageNumber } from './page-size.ts';

/**
 * The IOTLB: translations of 4 KiB, 2 MiB and 1 GiB pages, by domain and page number. The functions of a
 * domain share them. A look-up probes for the page size that was found last, then once for each other size
 * that is held.
 *
 * @example
 * const iotlb = new Iotlb({ sets: 16, ways: 4, replacement: 'lru' });
 * iotlb.fill(7, 0x1000, 1, 0x8000_0000, PERMIT_READ);
 * 0x1234 + iotlb.find(7, 0x1234)!.value; // 0x8000_0234
 */
export class Iotlb {
  /** Look-ups that found a translation, whatever it permits. */
  hits = 0;
  misses = 0;
  private readonly cache: AssociativeCache;
  private readonly held: Int32Array;
  /** Level of the leaf that was found last, and the reciprocal of its page size: exact, as that is a power of two. */
  private recentLevel = 1;
  private perRecentPage = 1 / LEVEL_BYTES[1];

  /** @param random what `replacement: 'random'` draws from. */
  constructor(shape: CacheShape, random?: RandomStream) {
    this.cache = new AssociativeCache(shape, random);
    this.held = this.cache.held;
  }

  /** Translations that it can hold. */
  get capacity(): number {
    return this.cache.capacity;
  }

  /** Translations that it holds. */
  get size(): number {
    return this.held[1] + this.held[2] + this.held[3];
  }

  /** Translations that made room for others. */
  get evictions(): number {
    return this.cache.evictions;
  }

  /**
   * The entry that translates `address` for a domain, or null. Its value is the host physical address of a
   * page minus the address it is mapped at.
   */
  find(domain: number, address: number): CacheEntry | null {
    const entry = this.probe(domain, address);
    if (entry === NOTHING) return this.findOther(domain, address);
    this.hits++;
    return entry;
  }

  /**
   * As {@link Iotlb.find}, but not counted, and only for a page of the size that was found last, as most
   * machines use one size most of the time. An entry that permits nothing if there is none.
   */
  probe(domain: number, address: number): CacheEntry {
    return this.cache.find(domain, this.recentLevel, Math.floor(address * this.perRecentPage));
  }

  /** As {@link Iotlb.find}, but neither counted nor a use. */
  peek(domain: number, address: number): CacheEntry | null {
    for (let level = 1; level <= MAX_LEAF_LEVEL; level++) {
      if (this.held[level] === 0) continue;
      const entry = this.cache.peek(domain, level, pageNumber(address, level));
      if (entry !== NOTHING) return entry;
    }
    return null;
  }

  /** Keeps a translation: `page` is the host physical address of the page of `level` that holds `address`. */
  fill(domain: number, address: number, level: number, page: number, permissions: number): void {
    const entry = this.cache.claim(domain, level, pageNumber(address, level));
    entry.value = page - pageBase(address, level);
    entry.permissions = permissions;
  }

  /** Global invalidation (VT-d 6.5.1.2). */
  invalidateAll(): void {
    this.cache.clear();
  }

  /** Domain-selective invalidation. */
  invalidateDomain(domain: number): void {
    this.cache.removeDomain(domain);
  }

  /** Page-selective invalidation: every page, of whatever size, of which a byte lies in the range. */
  invalidatePages(domain: number, address: number, bytes: number): void {
    this.cache.removePages(domain, address, bytes);
  }

  /** Empty, with all counts at zero. */
  reset(): void {
    this.cache.clear();
    this.cache.evictions = 0;
    this.remember(1);
    this.hits = 0;
    this.misses = 0;
  }

  private findOther(domain: number, address: number): CacheEntry | null {
    for (let level = 1; level <= MAX_LEAF_LEVEL; level++) {
      if (this.held[level] === 0 || level === this.recentLevel) continue;
      const entry = this.cache.find(domain, level, pageNumber(address, level));
      if (entry !== NOTHING) {
        this.remember(level);
        this.hits++;
        return entry;
      }
    }
    this.misses++;
    return null;
  }

  private remember(level: number): void {
    this.recentLevel = level;
    this.perRecentPage = 1 / LEVEL_BYTES[level];
  }
}
