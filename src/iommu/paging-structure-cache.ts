import type { RandomStream } from '../base/index.ts';
import { AssociativeCache, type CacheShape } from './associative-cache.ts';
import { pageNumber } from './page-size.ts';

/**
 * The paging-structure cache: entries of the upper tables, by domain (VT-d 6.2.5). A walk that finds the entry above
 * the leaf table reads the leaf and nothing else.
 */
export class PagingStructureCache {
  /** Walks that it shortened. */
  hits = 0;
  /** Host physical address of the table that an entry points to. */
  readonly tables: Float64Array;
  /** What the path down to that table permits. */
  readonly permissions: Uint8Array;
  private readonly cache: AssociativeCache;

  /** @param random what `replacement: 'random'` draws from. */
  constructor(shape: CacheShape, random?: RandomStream) {
    this.cache = new AssociativeCache(shape, random);
    this.tables = new Float64Array(this.cache.capacity);
    this.permissions = new Uint8Array(this.cache.capacity);
  }

  /** The cached entry of the table at `level` (2 upwards) that leads to `address`, or -1. */
  find(domain: number, address: number, level: number): number {
    if (this.cache.held[level] === 0) return -1;
    const entry = this.cache.find(domain, level, pageNumber(address, level));
    if (entry >= 0) this.hits++;
    return entry;
  }

  /** Keeps what the entry of the table at `level` that leads to `address` says. */
  fill(domain: number, address: number, level: number, table: number, permissions: number): void {
    const entry = this.cache.claim(domain, level, pageNumber(address, level));
    this.tables[entry] = table;
    this.permissions[entry] = permissions;
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
