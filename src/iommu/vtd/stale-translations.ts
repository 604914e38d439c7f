import type { PhysicalMemory } from '../../base/index.ts';
import { ContextCache } from '../context-cache.ts';
import type { Iommu } from '../iommu.ts';
import type { Translations } from '../ordered-translations.ts';
import { pageBase } from '../page-size.ts';
import { PageWalker, WALK_DONE } from '../page-walker.ts';
import type { TranslationClient } from '../request-table.ts';

/**
 * Stands before an IOMMU and counts how often a cached translation was used that the tables do not give any more: the
 * window between a change of a table and its invalidation. Each use is compared with a walk of its own, which takes no
 * simulated time and leaves no trace; an IOMMU that nobody watches pays nothing.
 *
 * @example
 * const watch = new StaleTranslations(iommu, memory);
 * watch.translate(0x0180, 0x4000, false);
 * table.unmap(0x4000, 0x1000);
 * watch.translate(0x0180, 0x4000, false); // still the address: nothing was invalidated
 * watch.exposed; // 1
 */
export class StaleTranslations implements Translations {
  /** Uses of translations, stale ones among them. */
  uses = 0;
  /** Uses that the tables would refuse by now. */
  exposed = 0;
  /** Uses that the tables would send elsewhere by now. */
  misdirected = 0;
  private readonly iommu: Iommu;
  private readonly contexts = new ContextCache();
  private readonly walker: PageWalker;

  /** @param memory that which holds the tables of the IOMMU. */
  constructor(iommu: Iommu, memory: PhysicalMemory) {
    this.iommu = iommu;
    this.walker = new PageWalker(1, memory, this.contexts, null, iommu.limits);
  }

  /** Uses of translations that the tables do not give any more. */
  get stale(): number {
    return this.exposed + this.misdirected;
  }

  /** As that of the IOMMU. */
  lookup(routingId: number, address: number, isWrite: boolean): number {
    return this.judge(routingId, address, isWrite, this.iommu.lookup(routingId, address, isWrite));
  }

  /** As that of the IOMMU. */
  translate(routingId: number, address: number, isWrite: boolean): number {
    return this.judge(routingId, address, isWrite, this.iommu.translate(routingId, address, isWrite));
  }

  /** As that of the IOMMU. */
  foresee(request: { readonly requester: number; address: number }, isWrite: boolean): boolean {
    const { address } = request;
    const isKnown = this.iommu.foresee(request, isWrite);
    if (isKnown) this.judge(request.requester, address, isWrite, request.address);
    return isKnown;
  }

  /** As that of the IOMMU: what is walked for is not stale. */
  walk(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    this.iommu.walk(routingId, address, isWrite, client, cookie);
  }

  private judge(routingId: number, address: number, isWrite: boolean, answer: number): number {
    // A refusal uses nothing, and a miss nothing yet.
    if (answer < 0 || !this.iommu.enabled) return answer;
    const { walker } = this;
    this.uses++;
    this.contexts.invalidate(routingId & 0xffff);
    walker.rootTable = this.iommu.rootTable;
    const walk = walker.begin(routingId & 0xffff, address, isWrite);
    while (walker.nextAccess[walk] !== WALK_DONE) walker.step(walk);
    walker.end(walk);
    if (walker.reasons[walk] !== 0) this.exposed++;
    else if (walker.pages[walk] + (address - pageBase(address, walker.leafLevels[walk])) !== answer) {
      this.misdirected++;
    }
    return answer;
  }
}
