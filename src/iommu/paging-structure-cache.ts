import type { RandomStream } from '../base/index.ts';
import { AssociativeCache, type CacheEntry, type CacheShape, NOTHING } from './associative-cache.ts';
import { pageNumber } from './page-size.ts';

/**
 * The paging-structure cache: entries of the upper tables, by domain (VT-d 6.2.5). A walk that finds the
 * entry above the leaf table reads the leaf and nothing else.
 */
export class PagingStructureCache {
  /** Walks that it shortened. */
  hits = 0;
  private readonly cache: AssociativeCache;

  /** @param random what `replacement: 'random'` draws from. */
  constructor(shape: CacheShape, random?: RandomStream) {
    this.cache = new AssociativeCache(shape, random);
  }

  /**
   * The cached entry of the table at `level` (2 upwards) that leads to `address`, or null. Its value is the
   * host physical address of the table that it points to; the permissions are those of the path down to that
   * table.
   */
  find(domain: number, address: number, level: number): CacheEntry | null {
    if (this.cache.held[level] === 0) return null;
    const entry = this.cache.find(domain, level, pageNumber(address, level));
    if (entry === NOTHING) return null;
    this.hits++;
    return entry;
  }

  /** Keeps what the entry of the table at `level` that leads to `address` says. */
  fill(domain: number, address: number, level: number, table: number, permissions: number): void {
    const entry = this.cache.claim(domain, level, pageNumber(address, level));
    entry.value = table;
    entry.permissions = permissions;
  }

  invalidateAll(): void {
    this.cache.clear();
  }

  invalidateDomain(domain: number): void {
    this.cache.removeDomain(domain);
  }

  invalidatePages(domain: number, address: number, bytes: number): void {
    this.cache.removePages(domain, address, bytes);
  }

  /** Empty, with all counts at zero. */
  reset(): void {
    this.cache.clear();
    this.cache.evictions = 0;
    this.hits = 0;
  }
}
