import { EventEmitter } from 'eventemitter3';
import type * as typed from 'typed-emitter';
import { assert, checkInteger, RandomStreams } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import { IOMMU_FAULT, IOMMU_MISS } from './answers.ts';
import { ContextCache, NO_CONTEXT, PASS_THROUGH } from './context-cache.ts';
import { PERMIT_READ, PERMIT_WRITE } from './entry-formats.ts';
import { FaultLog, type FaultRecord } from './fault-log.ts';
import { FaultReason, isQualified, permissionReason } from './fault-reason.ts';
import type { IommuCounters } from './iommu-counters.ts';
import { type IommuOptions, limitsOf } from './iommu-options.ts';
import { completeProfile, type IommuProfile } from './iommu-profile.ts';
import { Iotlb } from './iotlb.ts';
import { PAGE_BYTES, pageBase } from './page-size.ts';
import { PageWalker, WALK_DONE, type WalkerLimits } from './page-walker.ts';
import { PagingStructureCache } from './paging-structure-cache.ts';
import type { TranslationClient } from './request-table.ts';
import { WalkUnit } from './walk-unit.ts';

/** What an IOMMU announces. */
export type IommuEvents = {
  /** A fault went on record. */
  fault: (record: FaultRecord) => void;
};

/** Typed emitter of {@link IommuEvents}. */
export type IommuEmitter = typed.default<IommuEvents>;

/** Routing IDs are 16 bits; the mask also spares the compiler a check of the index. */
const ROUTING_ID_MASK = 0xffff;
const MAX_DOMAIN = 0xffff;

/**
 * An IOMMU after Intel VT-d (legacy mode, second-stage translation): translates the addresses that PCI
 * functions use into host physical ones, by tables that lie in host memory as bytes.
 *
 * Untimed users call {@link Iommu.translate}. Timed ones call {@link Iommu.lookup} and, for
 * {@link IOMMU_MISS}, {@link Iommu.walk}. What a function asks for and what the tables hold never throws: it
 * ends in IOMMU_FAULT and in the fault log. Translations that were cached stay in use until they are
 * invalidated, whatever happens to the tables.
 *
 * An invalidation holds for every request that leaves its device after it, and for those that are still to be
 * walked for. It does not wait for those under way that were translated when they left: for the time of the
 * link's flight and of a memory read they go where the translation said then (VT-d has software ask for
 * draining; the model does not drain). Whoever gives a page to somebody else lets that time pass first.
 *
 * Interrupt messages (writes to 0xFEEx_xxxx) are not requests for memory and are not sent here.
 *
 * @example
 * const memory = new SparseMemory(2 ** 40);
 * let next = 0x10_0000;
 * const allocatePage = () => (next += 4096);
 * const roots = new RootTable({ memory, allocatePage });
 * const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
 * table.map(0x4000, 0x8000_0000, 0x1000, { read: true, write: false });
 * roots.setContext(0x0180, { domain: 1, root: table.root, levels: table.levels });
 * const iommu = new Iommu({ memory, rootTable: roots.address });
 * iommu.translate(0x0180, 0x4010, false); // 0x8000_0010
 * iommu.translate(0x0180, 0x4010, true); // IOMMU_FAULT
 * iommu.faultLog.take(); // { sourceId: 0x180, address: 0x4000, reason: 5, isWrite: true }
 */
export class Iommu implements Component {
  readonly name: string;
  readonly profile: IommuProfile;
  /** TES: off, every address passes unchanged. */
  enabled: boolean;
  /** Where faults go. A `VtdUnit` puts its fault recording registers here. */
  faultLog: FaultLog;
  readonly iotlb: Iotlb;
  /** What its capability registers would say. */
  readonly limits: WalkerLimits;

  private readonly options: IommuOptions;
  private readonly contexts = new ContextCache();
  private readonly domains: Int32Array;
  private readonly structures: PagingStructureCache | null;
  /** Walks of {@link Iommu.translate}, which have no part in simulated time. */
  private readonly instant: PageWalker;
  private readonly timed: PageWalker;
  private readonly walkUnit: WalkUnit | null;
  private emitter: EventEmitter | null = null;
  private contextMisses = 0;
  private bypassed = 0;
  private instantWalks = 0;
  private faults = 0;
  private invalidations = 0;

  /** @throws TypeError or RangeError for an option that is out of range. */
  constructor(options: IommuOptions) {
    const limits = limitsOf(options);
    const profile = completeProfile(options.profile);
    this.options = options;
    this.name = options.name ?? 'iommu';
    this.profile = profile;
    this.limits = limits;
    this.enabled = options.enabled ?? true;
    this.faultLog = new FaultLog(options.faultRecords ?? 8);
    const random = options.random ?? new RandomStreams(0).stream(this.name);
    this.iotlb = new Iotlb(profile.iotlb, random);
    const structures = profile.pagingStructureCache;
    this.structures = structures === null ? null : new PagingStructureCache(structures, random);
    this.domains = this.contexts.domains;
    const { memory } = options;
    this.instant = new PageWalker(1, memory, this.contexts, this.structures, limits);
    this.timed = new PageWalker(profile.walkers, memory, this.contexts, this.structures, limits);
    this.walkUnit = options.scheduler
      ? new WalkUnit(
          this.name,
          options.scheduler,
          options.probe ?? null,
          profile,
          this.timed,
          this.contexts,
          {
            resolve: (routingId, address, isWrite) => this.resolve(routingId, address, isWrite),
            conclude: (walker, walk) => this.conclude(walker, walk),
            refuse: (routingId, address, isWrite, reason) => this.refuse(routingId, address, isWrite, reason),
          },
        )
      : null;
    this.rootTable = options.rootTable ?? 0;
  }

  /** RTADDR: host physical address of the root table. The caches keep what they hold. */
  get rootTable(): number {
    return this.timed.rootTable;
  }

  /** @throws RangeError unless it is a multiple of 4,096. */
  set rootTable(address: number) {
    checkInteger('rootTable', address, 0, 2 ** 52 - PAGE_BYTES);
    if (address % PAGE_BYTES !== 0)
      throw new RangeError(`rootTable must be a multiple of 4096, got ${address}`);
    this.instant.rootTable = address;
    this.timed.rootTable = address;
  }

  /** Time of one access of a walker to memory, in ps, for those that begin from now on. */
  set memoryAccessPs(accessPs: number) {
    if (this.walkUnit !== null) this.walkUnit.memoryAccessPs = accessPs;
  }

  /** What happens seldom enough to be announced. */
  get events(): IommuEmitter {
    this.emitter ??= new EventEmitter();
    return this.emitter as unknown as IommuEmitter;
  }

  /**
   * Translates with what is cached: a host physical address, {@link IOMMU_MISS} if only a walk can tell, or
   * {@link IOMMU_FAULT} if the cached entries refuse the request, which is then on record.
   *
   * @param routingId 16 bits; further bits are ignored.
   * @param address any byte address below 2^53. A request must not cross a 4 KiB boundary.
   */
  lookup(routingId: number, address: number, isWrite: boolean): number {
    const domain = this.domains[routingId & ROUTING_ID_MASK];
    if (domain >= 0 && this.enabled === true) {
      const entry = this.iotlb.probe(domain, address);
      // Compared, because a test for truth asks for every kind of value that there is.
      if ((entry.permissions & (isWrite === true ? PERMIT_WRITE : PERMIT_READ)) !== 0) {
        this.iotlb.hits++;
        return address + entry.value;
      }
      // `+` tells the compiler that this is a number too: without it every address is boxed.
      return +this.lookupOther(routingId & ROUTING_ID_MASK, address, isWrite, domain);
    }
    return +this.bypass(routingId & ROUTING_ID_MASK, address, isWrite);
  }

  /**
   * As {@link Iommu.lookup}, for a request that is only on its way: with a cached translation that permits
   * it, puts the host physical address in place of the other and returns true; else returns false, and
   * nothing is counted or recorded.
   *
   * @param request Routing ID (`requester`) and address.
   */
  foresee(request: { readonly requester: number; address: number }, isWrite: boolean): boolean {
    const domain = this.domains[request.requester & ROUTING_ID_MASK];
    if (domain < 0 || this.enabled !== true) return false;
    const iotlb = this.iotlb;
    const address = request.address;
    const entry = iotlb.probe(domain, address);
    if ((entry.permissions & (isWrite === true ? PERMIT_WRITE : PERMIT_READ)) === 0) {
      return this.foreseeOther(request, domain, isWrite);
    }
    iotlb.hits++;
    request.address = address + entry.value;
    return true;
  }

  /**
   * The rest of {@link Iommu.foresee} for a page of another size than the last one, or one that is not held
   * or not for such a request.
   */
  private foreseeOther(request: { address: number }, domain: number, isWrite: boolean): boolean {
    const iotlb = this.iotlb;
    const { address } = request;
    const entry = iotlb.find(domain, address);
    // What is found to be of no use is looked up again when the request has arrived, and counted then.
    if (entry === null) {
      iotlb.misses--;
      return false;
    }
    if ((entry.permissions & (isWrite ? PERMIT_WRITE : PERMIT_READ)) === 0) {
      iotlb.hits--;
      return false;
    }
    request.address = address + entry.value;
    return true;
  }

  /** Translates, with a walk at once if it takes one: a host physical address or {@link IOMMU_FAULT}. */
  translate(routingId: number, address: number, isWrite: boolean): number {
    const answer = this.lookup(routingId, address, isWrite);
    if (answer !== IOMMU_MISS) return answer;
    const walker = this.instant;
    const walk = walker.begin(routingId & ROUTING_ID_MASK, address, isWrite);
    this.instantWalks++;
    while (walker.nextAccess[walk] !== WALK_DONE) walker.step(walk);
    walker.end(walk);
    return this.conclude(walker, walk);
  }

  /**
   * Translates by a walk in simulated time, after {@link Iommu.lookup} has missed.
   * `client.translated(cookie, answer)` is called when it has ended, and never before this returns; the
   * answer is a host physical address or {@link IOMMU_FAULT}.
   *
   * @throws AssertionError if the IOMMU has no scheduler.
   */
  walk(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    const walks = this.walkUnit;
    assert(walks !== null, `${this.name} has no scheduler: use translate`);
    if (this.enabled) walks.request(routingId & ROUTING_ID_MASK, address, isWrite, client, cookie);
    else walks.requestSoon(routingId & ROUTING_ID_MASK, address, isWrite, client, cookie);
  }

  /**
   * Forgets the context of a function, or of all. The IOTLB keeps its translations: software invalidates
   * those of the domain afterwards (VT-d 6.5.1.1).
   */
  invalidateContext(routingId: number | 'all'): void {
    this.invalidations++;
    if (routingId === 'all') this.contexts.invalidateAll();
    else this.contexts.invalidate(checkInteger('routingId', routingId, 0, ROUTING_ID_MASK));
    this.walkUnit?.restartFunction(routingId);
  }

  /**
   * Forgets the contexts of a domain's functions, and those of all functions whose addresses pass unchanged: of
   * them no domain is held.
   */
  invalidateContextsOf(domain: number): void {
    checkInteger('domain', domain, 0, MAX_DOMAIN);
    this.invalidations++;
    this.contexts.invalidateDomain(domain);
    this.walkUnit?.restartDomain(NO_CONTEXT);
    this.walkUnit?.restartDomain(domain);
  }

  /** Forgets the translations of all domains; contexts stay. */
  invalidateTranslations(): void {
    this.invalidations++;
    this.iotlb.invalidateAll();
    this.structures?.invalidateAll();
    this.walkUnit?.restartFunction('all');
  }

  /** Forgets all translations of a domain. */
  invalidateDomain(domain: number): void {
    checkInteger('domain', domain, 0, MAX_DOMAIN);
    this.invalidations++;
    this.iotlb.invalidateDomain(domain);
    this.structures?.invalidateDomain(domain);
    this.walkUnit?.restartDomain(domain);
  }

  /**
   * Forgets a domain's translations of all pages, of whatever size, of which a byte lies in the range.
   *
   * @param leavesOnly IH: no entry of an upper table has changed, so that the paging-structure cache keeps its own.
   */
  invalidatePages(domain: number, address: number, bytes: number, leavesOnly = false): void {
    checkInteger('domain', domain, 0, MAX_DOMAIN);
    checkInteger('address', address, 0, 2 ** 52);
    checkInteger('bytes', bytes, 1, 2 ** 52);
    this.invalidations++;
    this.iotlb.invalidatePages(domain, address, bytes);
    if (!leavesOnly) this.structures?.invalidatePages(domain, address, bytes);
    this.walkUnit?.restartPages(domain, address, bytes);
  }

  /** Forgets everything: contexts and the translations of all domains. */
  invalidateAll(): void {
    this.contexts.invalidateAll();
    this.invalidateTranslations();
  }

  /** As after power-on. Requests under way are dropped: nobody is called. */
  reset(): void {
    this.contexts.invalidateAll();
    this.iotlb.reset();
    this.structures?.reset();
    this.instant.reset();
    this.timed.reset();
    this.walkUnit?.reset();
    this.faultLog.clear();
    this.enabled = this.options.enabled ?? true;
    this.rootTable = this.options.rootTable ?? 0;
    this.contextMisses = 0;
    this.bypassed = 0;
    this.instantWalks = 0;
    this.faults = 0;
    this.invalidations = 0;
  }

  counters(): IommuCounters & Readonly<Record<string, number>> {
    const { hits } = this.iotlb;
    const misses = this.iotlb.misses + this.contextMisses;
    return {
      lookups: hits + misses + this.bypassed,
      hits,
      misses,
      bypassed: this.bypassed,
      evictions: this.iotlb.evictions,
      walks: this.instantWalks + (this.walkUnit?.walks ?? 0),
      walkAccesses: this.instant.accesses + this.timed.accesses,
      walksShortened: this.structures?.hits ?? 0,
      walksRestarted: this.walkUnit?.restarted ?? 0,
      merged: this.walkUnit?.merged ?? 0,
      queued: this.walkUnit?.queued ?? 0,
      faults: this.faults,
      faultsLost: this.faultLog.lost,
      invalidations: this.invalidations,
    };
  }

  /**
   * The rest of a look-up: a page of another size than the last one, or one that is not held or not for such
   * a request.
   */
  private lookupOther(routingId: number, address: number, isWrite: boolean, domain: number): number {
    const entry = this.iotlb.find(domain, address);
    if (entry !== null) {
      if ((entry.permissions & (isWrite ? PERMIT_WRITE : PERMIT_READ)) !== 0) return address + entry.value;
      return this.refuse(routingId, address, isWrite, permissionReason(isWrite));
    }
    if (address >= 0 && address < this.timed.addressLimit(routingId)) return IOMMU_MISS;
    return this.refuse(routingId, address, isWrite, FaultReason.BEYOND_ADDRESS_WIDTH);
  }

  /** Refuses a request that the tables permit, as a fault on demand: the answer of a page without that permission. */
  reject(routingId: number, address: number, isWrite: boolean): number {
    return this.refuse(routingId & ROUTING_ID_MASK, address, isWrite, permissionReason(isWrite));
  }

  /** A look-up of a function that has no domain, or while translation is off. */
  private bypass(routingId: number, address: number, isWrite: boolean): number {
    if (this.enabled && this.domains[routingId] === NO_CONTEXT) {
      this.contextMisses++;
      return IOMMU_MISS;
    }
    this.bypassed++;
    if (!this.enabled || (address >= 0 && address < this.timed.addressLimit(routingId))) return address;
    return this.refuse(routingId, address, isWrite, FaultReason.BEYOND_ADDRESS_WIDTH);
  }

  /** As a look-up, but not counted. */
  private resolve(routingId: number, address: number, isWrite: boolean): number {
    if (!this.enabled) return address;
    const domain = this.domains[routingId];
    if (domain === NO_CONTEXT) return IOMMU_MISS;
    if (!(address >= 0 && address < this.timed.addressLimit(routingId))) {
      return this.refuse(routingId, address, isWrite, FaultReason.BEYOND_ADDRESS_WIDTH);
    }
    if (domain === PASS_THROUGH) return address;
    const entry = this.iotlb.peek(domain, address);
    if (entry === null) return IOMMU_MISS;
    if ((entry.permissions & (isWrite ? PERMIT_WRITE : PERMIT_READ)) !== 0) return address + entry.value;
    return this.refuse(routingId, address, isWrite, permissionReason(isWrite));
  }

  private conclude(walker: PageWalker, walk: number): number {
    const address = walker.addresses[walk];
    const reason = walker.reasons[walk];
    if (reason !== 0) {
      return this.refuse(walker.routingIds[walk], address, walker.writes[walk] === 1, reason as FaultReason);
    }
    const domain = walker.domains[walk];
    const level = walker.leafLevels[walk];
    const page = walker.pages[walk];
    if (domain >= 0) this.iotlb.fill(domain, address, level, page, walker.permissions[walk]);
    return page + (address - pageBase(address, level));
  }

  private refuse(routingId: number, address: number, isWrite: boolean, reason: FaultReason): number {
    this.faults++;
    if (this.contexts.silent[routingId] === 1 && isQualified(reason)) return IOMMU_FAULT;
    if (this.faultLog.record(routingId, address, reason, isWrite) && this.emitter !== null) {
      const page = Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
      this.emitter.emit('fault', {
        sourceId: routingId,
        address: page,
        reason,
        isWrite,
      } satisfies FaultRecord);
    }
    return IOMMU_FAULT;
  }
}
