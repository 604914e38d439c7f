/** Answer of a look-up that only a walk can settle. */
export const IOMMU_MISS = -1;
/** Answer to a request that is refused; the fault is on record. */
export const IOMMU_FAULT = -2;
