import type { Iommu } from '../iommu.ts';
import { PAGE_BYTES } from '../page-size.ts';
import { DEVICE, DOMAIN, GLOBAL, PAGES } from './bits.ts';
import { MAX_HANDLE_MASK } from './capabilities.ts';
import type { InterruptRemapper } from './interrupt-remapper.ts';

/** Low bits of a function number that FM takes out of the comparison (VT-d 6.5.1.1). */
const FUNCTION_MASKS = [0, 4, 6, 7];
/** No address that is translated lies above. */
const ADDRESS_END = 2 ** 52;

/** The invalidations of an IOMMU in the terms of registers and descriptors. */
export class Invalidator {
  private readonly iommu: Iommu;
  private readonly remapper: InterruptRemapper;
  private readonly maxAddressMask: number;

  /** @param maxAddressMask MAMV. */
  constructor(iommu: Iommu, remapper: InterruptRemapper, maxAddressMask: number) {
    this.iommu = iommu;
    this.remapper = remapper;
    this.maxAddressMask = maxAddressMask;
  }

  /**
   * Context-cache invalidation.
   *
   * @param mask FM.
   * @returns the granularity, 0 for one that there is not: then nothing was invalidated.
   */
  contexts(granularity: number, domain: number, sourceId: number, mask: number): number {
    const { iommu } = this;
    if (granularity === GLOBAL) iommu.invalidateContext('all');
    else if (granularity === DOMAIN) iommu.invalidateContextsOf(domain);
    else if (granularity === DEVICE) {
      const free = FUNCTION_MASKS[mask];
      for (let bits = 0; bits <= free; bits++) {
        if ((bits & ~free) === 0) iommu.invalidateContext((sourceId & ~free) | bits);
      }
    } else return 0;
    return granularity;
  }

  /**
   * IOTLB invalidation.
   *
   * @param address its lower bits, as far as the mask reaches, do not count.
   * @param mask AM: log2 of the number of pages.
   * @param leavesOnly IH.
   * @returns as above; a mask that is too large is refused too.
   */
  translations(
    granularity: number,
    domain: number,
    address: number,
    mask: number,
    leavesOnly: boolean,
  ): number {
    const { iommu } = this;
    if (granularity === GLOBAL) iommu.invalidateTranslations();
    else if (granularity === DOMAIN) iommu.invalidateDomain(domain);
    else if (granularity === PAGES && mask <= this.maxAddressMask) {
      const bytes = PAGE_BYTES * 2 ** mask;
      const first = Math.floor(address / bytes) * bytes;
      if (first < ADDRESS_END) iommu.invalidatePages(domain, first, bytes, leavesOnly);
    } else return 0;
    return granularity;
  }

  /**
   * Interrupt entry cache invalidation.
   *
   * @param mask IM: log2 of the number of entries.
   * @returns 1 for all, 3 for some, 0 for a mask that is too large.
   */
  interrupts(isGlobal: boolean, index: number, mask: number): number {
    if (isGlobal) this.remapper.invalidateAll();
    else if (mask <= MAX_HANDLE_MASK) this.remapper.invalidate(index, mask);
    else return 0;
    return isGlobal ? GLOBAL : DEVICE;
  }
}
