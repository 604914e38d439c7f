import type { RandomStream } from '../base/index.ts';
import { AssociativeCache, type CacheShape } from './associative-cache.ts';
import { MAX_LEAF_LEVEL, pageBase, pageNumber } from './page-size.ts';

/** Multiplying by a power of two is exact, and this one is a constant to the compiler. */
const PER_PAGE = 2 ** -12;

/**
 * The IOTLB: translations of 4 KiB, 2 MiB and 1 GiB pages, by domain and page number. The functions of a domain share
 * them. A look-up probes once for each page size of which a translation is held.
 *
 * @example
 * const iotlb = new Iotlb({ sets: 16, ways: 4, replacement: 'lru' });
 * iotlb.fill(7, 0x1000, 1, 0x8000_0000, PERMIT_READ);
 * const entry = iotlb.find(7, 0x1234);
 * 0x1234 + iotlb.deltas[entry]; // 0x8000_0234
 */
export class Iotlb {
  /** Look-ups that found a translation, whatever it permits. */
  hits = 0;
  misses = 0;
  /** Host physical address of a page minus the address it is mapped at, by entry. */
  readonly deltas: Float64Array;
  /** PERMIT_READ and PERMIT_WRITE of a page, by entry. */
  readonly permissions: Uint8Array;
  readonly #cache: AssociativeCache;
  readonly #held: Int32Array;

  /** @param random what `replacement: 'random'` draws from. */
  constructor(shape: CacheShape, random?: RandomStream) {
    this.#cache = new AssociativeCache(shape, random);
    this.#held = this.#cache.held;
    this.deltas = new Float64Array(this.#cache.capacity);
    this.permissions = new Uint8Array(this.#cache.capacity);
  }

  /** Translations that it can hold. */
  get capacity(): number {
    return this.#cache.capacity;
  }

  /** Translations that it holds. */
  get size(): number {
    return this.#held[1] + this.#held[2] + this.#held[3];
  }

  /** Translations that made room for others. */
  get evictions(): number {
    return this.#cache.evictions;
  }

  /** The entry that translates `address` for a domain, or -1. */
  find(domain: number, address: number): number {
    // Pages of 4 KiB by themselves: this much is inlined into the caller.
    if (this.#held[1] !== 0) {
      const entry = this.#cache.find(domain, 1, Math.floor(address * PER_PAGE));
      if (entry >= 0) {
        this.hits++;
        return entry;
      }
    }
    // `| 0` tells the compiler that this is an integer too, so that the caller need not check.
    return this.#findLarge(domain, address) | 0;
  }

  /** As {@link Iotlb.find}, but neither counted nor a use. */
  peek(domain: number, address: number): number {
    for (let level = 1; level <= MAX_LEAF_LEVEL; level++) {
      if (this.#held[level] === 0) continue;
      const entry = this.#cache.peek(domain, level, pageNumber(address, level));
      if (entry >= 0) return entry;
    }
    return -1;
  }

  /** Keeps a translation: `page` is the host physical address of the page of `level` that holds `address`. */
  fill(domain: number, address: number, level: number, page: number, permissions: number): void {
    const entry = this.#cache.claim(domain, level, pageNumber(address, level));
    this.deltas[entry] = page - pageBase(address, level);
    this.permissions[entry] = permissions;
  }

  /** Global invalidation (VT-d 6.5.1.2). */
  invalidateAll(): void {
    this.#cache.clear();
  }

  /** Domain-selective invalidation. */
  invalidateDomain(domain: number): void {
    this.#cache.removeDomain(domain);
  }

  /** Page-selective invalidation: every page, of whatever size, of which a byte lies in the range. */
  invalidatePages(domain: number, address: number, bytes: number): void {
    this.#cache.removePages(domain, address, bytes);
  }

  /** Empty, with all counts at zero. */
  reset(): void {
    this.#cache.clear();
    this.#cache.evictions = 0;
    this.hits = 0;
    this.misses = 0;
  }

  #findLarge(domain: number, address: number): number {
    for (let level = 2; level <= MAX_LEAF_LEVEL; level++) {
      if (this.#held[level] === 0) continue;
      const entry = this.#cache.find(domain, level, pageNumber(address, level));
      if (entry >= 0) {
        this.hits++;
        return entry;
      }
    }
    this.misses++;
    return -1;
  }
}
