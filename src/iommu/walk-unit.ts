import { type Probe, ProbeKind, type Scheduler } from '../kernel/index.ts';
import { IOMMU_FAULT, IOMMU_MISS } from './answers.ts';
import { type ContextCache, NO_CONTEXT, PASS_THROUGH } from './context-cache.ts';
import type { FaultReason } from './fault-reason.ts';
import type { IommuProfile } from './iommu-profile.ts';
import { pageNumber } from './page-size.ts';
import { type PageWalker, WALK_DONE } from './page-walker.ts';
import { RequestTable, type TranslationClient } from './request-table.ts';

/** What an IOMMU needs of a scheduler. */
export type WalkClock = Pick<Scheduler, 'now' | 'task' | 'schedule'>;

/** What the walk unit needs of its IOMMU. */
export interface TranslationCaches {
  /** The answer that the caches have for a request (IOMMU_FAULT is on record then), or IOMMU_MISS. */
  resolve(routingId: number, address: number, isWrite: boolean): number;
  /** Takes the outcome of a walk into the caches or on record, and returns the answer to its request. */
  conclude(walker: PageWalker, walk: number): number;
  /** Puts a fault on record. */
  refuse(routingId: number, address: number, isWrite: boolean, reason: FaultReason): void;
}

/** List of the requests that wait for a walker; the requests of walk w are on list w + 1. */
const QUEUE = 0;

/**
 * The walks of an IOMMU in simulated time: a fixed number of walkers, each memory access an event of its own.
 * Requests for a page that is being walked for already wait for that walk; others wait for a walker, in order
 * of arrival.
 */
export class WalkUnit {
  /** Walks begun. */
  walks = 0;
  /** Requests that waited for the walk of another one. */
  merged = 0;
  /** Requests that waited for a walker. */
  queued = 0;
  /** Walks that began again because an invalidation met them on their way. */
  restarted = 0;
  /** Time of one access to memory, in ps. */
  memoryAccessPs: number;
  private readonly clock: WalkClock;
  private readonly probe: Probe | null;
  private readonly profile: IommuProfile;
  private readonly walker: PageWalker;
  private readonly contexts: ContextCache;
  private readonly caches: TranslationCaches;
  private readonly requests: RequestTable;
  private readonly advanceTask: number;
  private readonly pumpTask: number;
  // One element a walk.
  /** Changes with every begin, so that events of a walk that was broken off are known. */
  private readonly generations: Int32Array;
  /** When the walker has recovered, in ps. */
  private readonly freeAt: Float64Array;
  /** 1 once the outcome is known: nobody may join any more. */
  private readonly settled: Uint8Array;
  /** Memory accesses, those before an invalidation made it begin again included. */
  private readonly accesses: Uint8Array;

  constructor(
    name: string,
    clock: WalkClock,
    probe: Probe | null,
    profile: IommuProfile,
    walker: PageWalker,
    contexts: ContextCache,
    caches: TranslationCaches,
  ) {
    this.clock = clock;
    this.probe = probe;
    this.profile = profile;
    this.memoryAccessPs = profile.memoryAccessPs;
    this.walker = walker;
    this.contexts = contexts;
    this.caches = caches;
    this.requests = new RequestTable(profile.walkers + 1);
    this.generations = new Int32Array(profile.walkers);
    this.freeAt = new Float64Array(profile.walkers);
    this.settled = new Uint8Array(profile.walkers);
    this.accesses = new Uint8Array(profile.walkers);
    this.advanceTask = clock.task(`${name}.walk`, (walk, generation) => this.advance(walk, generation));
    this.pumpTask = clock.task(`${name}.queue`, () => this.pump());
  }

  /** Takes a request; its client is called later, never before this returns. */
  request(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    const requests = this.requests;
    const request = requests.add(routingId, address, isWrite, client, cookie);
    const walk = this.walkFor(request);
    if (walk >= 0) {
      this.join(walk, request);
    } else if (requests.first(QUEUE) < 0 && this.walker.idle > 0) {
      this.start(request);
    } else {
      this.queued++;
      requests.append(QUEUE, request);
    }
  }

  /** Answers a request with what the caches say by then, as soon as the present event is over. */
  requestSoon(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    this.requests.append(QUEUE, this.requests.add(routingId, address, isWrite, client, cookie));
    this.clock.schedule(0, this.pumpTask, 0, 0);
  }

  /** Begins the walks of a function again, or those of every function. */
  restartFunction(routingId: number | 'all'): void {
    const walker = this.walker;
    for (let walk = 0; walk < this.settled.length; walk++) {
      if (routingId === 'all' || walker.routingIds[walk] === routingId) this.restart(walk);
    }
  }

  /** Begins the walks of a domain again. */
  restartDomain(domain: number): void {
    for (let walk = 0; walk < this.settled.length; walk++) {
      if (this.walker.domains[walk] === domain) this.restart(walk);
    }
  }

  /** Begins the walks for pages of a range again: they may hold a pointer to a table that is none any more. */
  restartPages(domain: number, address: number, bytes: number): void {
    const walker = this.walker;
    for (let walk = 0; walk < this.settled.length; walk++) {
      const at = walker.addresses[walk];
      if (walker.domains[walk] === domain && at >= address && at < address + bytes) this.restart(walk);
    }
  }

  /** Drops all requests; nobody is called. */
  reset(): void {
    this.walks = 0;
    this.merged = 0;
    this.queued = 0;
    this.restarted = 0;
    this.requests.clear();
    this.walker.reset();
    this.freeAt.fill(0);
    for (let walk = 0; walk < this.generations.length; walk++) this.generations[walk]++;
  }

  private start(request: number): void {
    const { routingIds, addresses, writes } = this.requests;
    const walk = this.walker.begin(routingIds[request], addresses[request], writes[request] === 1);
    this.requests.append(walk + 1, request);
    this.walks++;
    this.accesses[walk] = 0;
    this.probe?.record(ProbeKind.PAGE_WALK, routingIds[request], pageNumber(addresses[request], 1) | 0, 0);
    this.launch(walk);
  }

  private restart(walk: number): void {
    if (this.walker.active[walk] === 0 || this.settled[walk] === 1) return;
    const requests = this.requests;
    const list = walk + 1;
    // Only the request that the walk was begun for is sure to want the page that is found now.
    const own = requests.shift(list);
    let other = requests.shift(list);
    if (other >= 0) this.clock.schedule(0, this.pumpTask, 0, 0);
    for (; other >= 0; other = requests.shift(list)) requests.append(QUEUE, other);
    requests.append(list, own);
    this.restarted++;
    this.walker.restart(walk);
    this.launch(walk);
  }

  private launch(walk: number): void {
    const generation = ++this.generations[walk];
    this.settled[walk] = 0;
    // A walker that still recovers starts when it has recovered; that needs no event of its own.
    const recovery = Math.max(0, this.freeAt[walk] - this.clock.now);
    const access = this.walker.nextAccess[walk] === WALK_DONE ? 0 : this.memoryAccessPs;
    this.clock.schedule(recovery + access, this.advanceTask, walk, generation);
  }

  private advance(walk: number, generation: number): void {
    if (this.generations[walk] !== generation) return;
    const walker = this.walker;
    if (walker.nextAccess[walk] !== WALK_DONE) {
      walker.step(walk);
      this.accesses[walk]++;
    }
    if (walker.nextAccess[walk] !== WALK_DONE) {
      this.clock.schedule(this.memoryAccessPs, this.advanceTask, walk, generation);
    } else {
      this.settle(walk);
      this.pump();
    }
  }

  /** Answers the request of a walk that has ended, and those that joined it. */
  private settle(walk: number): void {
    const walker = this.walker;
    const requests = this.requests;
    const list = walk + 1;
    const generation = this.generations[walk];
    this.settled[walk] = 1;
    this.freeAt[walk] = this.clock.now + this.profile.walkerRecoveryPs;
    const reason = walker.reasons[walk] as FaultReason | 0;
    const routingId = walker.routingIds[walk];
    const write = walker.writes[walk];
    this.probe?.record(
      ProbeKind.PAGE_WALK_END,
      routingId,
      pageNumber(walker.addresses[walk], 1) | 0,
      this.ended(walk),
    );
    const answer = this.caches.conclude(walker, walk);
    this.answer(requests.shift(list), answer);
    // A client may do anything when it is called, so each of the others sees the caches as they are then.
    for (let other = requests.shift(list); other >= 0; other = requests.shift(list)) {
      const sameFault =
        reason !== 0 && requests.routingIds[other] === routingId && requests.writes[other] === write;
      if (sameFault) {
        this.caches.refuse(routingId, requests.addresses[other], write === 1, reason);
        this.answer(other, IOMMU_FAULT);
      } else {
        const own = this.resolve(other);
        if (own === IOMMU_MISS) requests.append(QUEUE, other);
        else this.answer(other, own);
      }
    }
    // A reset by a client has ended it already.
    if (this.generations[walk] === generation) walker.end(walk);
  }

  /** What is recorded of a walk that has ended. */
  private ended(walk: number): number {
    const { reasons, leafLevels, domains } = this.walker;
    const reason = reasons[walk];
    const level = reason !== 0 || domains[walk] === PASS_THROUGH ? 0 : leafLevels[walk];
    return this.accesses[walk] | (level << 8) | (reason << 12);
  }

  /** Serves the queue as far as walkers are idle. */
  private pump(): void {
    const requests = this.requests;
    for (let request = requests.first(QUEUE); request >= 0; request = requests.first(QUEUE)) {
      const answer = this.resolve(request);
      const walk = answer === IOMMU_MISS ? this.walkFor(request) : -1;
      if (answer === IOMMU_MISS && walk < 0 && this.walker.idle === 0) return;
      requests.shift(QUEUE);
      if (answer !== IOMMU_MISS) this.answer(request, answer);
      else if (walk >= 0) this.join(walk, request);
      else this.start(request);
    }
  }

  /** The walk under way for the page of a request, or -1. */
  private walkFor(request: number): number {
    const walker = this.walker;
    const routingId = this.requests.routingIds[request];
    const page = pageNumber(this.requests.addresses[request], 1);
    const domain = this.contexts.domains[routingId];
    for (let walk = 0; walk < this.settled.length; walk++) {
      if (walker.active[walk] === 0 || this.settled[walk] === 1) continue;
      if (pageNumber(walker.addresses[walk], 1) !== page) continue;
      if (walker.routingIds[walk] === routingId) return walk;
      if (domain !== NO_CONTEXT && walker.domains[walk] === domain) return walk;
    }
    return -1;
  }

  private join(walk: number, request: number): void {
    this.merged++;
    this.requests.append(walk + 1, request);
  }

  private resolve(request: number): number {
    const { routingIds, addresses, writes } = this.requests;
    return this.caches.resolve(routingIds[request], addresses[request], writes[request] === 1);
  }

  private answer(request: number, answer: number): void {
    const client = this.requests.clients[request];
    const cookie = this.requests.cookies[request];
    // Gone before the client is called, which may make another request at once.
    this.requests.remove(request);
    client?.translated(cookie, answer);
  }
}
