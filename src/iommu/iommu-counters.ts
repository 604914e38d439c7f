/** Counters of an `Iommu`. `lookups` = `hits` + `misses` + `bypassed`. */
export interface IommuCounters {
  readonly lookups: number;
  /** Look-ups that found a translation in the IOTLB. */
  readonly hits: number;
  /** Look-ups that found none, or not even the function's context. */
  readonly misses: number;
  /** Look-ups that need none: pass-through, or translation is off. */
  readonly bypassed: number;
  /** Translations that made room for others in the IOTLB. */
  readonly evictions: number;
  /** Walks begun, timed ones and others. */
  readonly walks: number;
  /** Memory accesses of the walks. */
  readonly walkAccesses: number;
  /** Walks that the paging-structure cache shortened. */
  readonly walksShortened: number;
  /** Walks that began again because of an invalidation. */
  readonly walksRestarted: number;
  /** Timed requests that waited for the walk of another one. */
  readonly merged: number;
  /** Timed requests that waited for a walker. */
  readonly queued: number;
  /** Requests refused. */
  readonly faults: number;
  /** Faults that found no record free. */
  readonly faultsLost: number;
  /** Invalidations of any granularity. */
  readonly invalidations: number;
}
