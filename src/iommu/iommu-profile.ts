import { checkInteger } from '../base/index.ts';
import type { CacheShape } from './associative-cache.ts';

/** Sizes and times of an IOMMU: part of a host's profile. */
export interface IommuProfile {
  /** Page walks at once; requests beyond wait. 1 to 1,024. */
  readonly walkers: number;
  readonly iotlb: CacheShape;
  /** Cache of the upper tables' entries, or null for an IOMMU that reads every level at every walk. */
  readonly pagingStructureCache: CacheShape | null;
  /** Time of one access of a walker to memory, in ps. */
  readonly memoryAccessPs: number;
  /** Time for which a walker stays occupied after its answer, in ps. */
  readonly walkerRecoveryPs: number;
}

/**
 * The IOMMU of a Xeon E5-2630 v4 with 4 KiB pages, after the measurements of "Understanding PCIe performance for end host
 * networking" (SIGCOMM '18, data set: 64 B DMA reads at random addresses of a window). Four-level tables.
 *
 * - `iotlb`: measured. The average latency by window fits 612 ns + 290 ns a miss with 117 translations held, at 128
 *   pages as well as at 512, and with none missed at 64. Uniform random accesses hit held / pages whatever the
 *   replacement, so the capacity is 117. Sets would show as misses before that, so it is fully associative. Which entry
 *   leaves is an estimate: second chance.
 * - `memoryAccessPs`: the 290 ns are measured; that they are four accesses of equal length is an estimate. They do not
 *   depend on the number of leaf tables (one at 1 MiB, 32 at 64 MiB), so that no cache of the upper levels shows:
 *   `pagingStructureCache` is null.
 * - `walkers` and `walkerRecoveryPs`: at saturation 19 million reads and 22 million writes a second were translated,
 *   5.5 and 6.4 walks in flight at 290 ns each. Six walkers that recover for 10 ns translate 20 million; the recovery
 *   is an estimate.
 *
 * With these values the measured latencies come out within 1 %, and the measured read throughput within 10 % for a requester
 * with 40 reads under way whose port translates eight of them ahead and answers in order.
 */
export const DEFAULT_IOMMU_PROFILE: IommuProfile = Object.freeze({
  walkers: 6,
  iotlb: Object.freeze({ sets: 1, ways: 117, replacement: 'clock' }),
  pagingStructureCache: null,
  memoryAccessPs: 72_500,
  walkerRecoveryPs: 10_000,
});

/**
 * A profile with the default for whatever `profile` leaves out.
 *
 * @throws RangeError for a value out of range.
 */
export function completeProfile(profile: Partial<IommuProfile> = {}): IommuProfile {
  const complete = { ...DEFAULT_IOMMU_PROFILE, ...profile };
  checkInteger('walkers', complete.walkers, 1, 1024);
  checkInteger('memoryAccessPs', complete.memoryAccessPs, 0, 1e9);
  checkInteger('walkerRecoveryPs', complete.walkerRecoveryPs, 0, 1e9);
  return complete;
}
