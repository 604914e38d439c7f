import { assert, ceilPowerOfTwo, IntRing, type PhysicalMemory } from '../base/index.ts';
import { type ContextCache, NO_CONTEXT, PASS_THROUGH } from './context-cache.ts';
import {
  beyondHostMask,
  CONTEXT_ENTRY_BYTES,
  contextReserved,
  domainOf,
  faultsDisabled,
  isLeaf,
  isPresent,
  levelsOf,
  PERMIT_READ,
  PERMIT_WRITE,
  pagingReserved,
  pointerOf,
  ROOT_ENTRY_BYTES,
  rootReserved,
  TranslationType,
  translationTypeOf,
} from './entry-formats.ts';
import { FaultReason, permissionReason } from './fault-reason.ts';
import { addressBitsOf, entryOffset, MAX_LEVELS, pageBase } from './page-size.ts';
import type { PagingStructureCache } from './paging-structure-cache.ts';

/** What {@link PageWalker.step} and {@link PageWalker.begin} leave behind when nothing more is to be read. */
export const WALK_DONE = -1;

/** What the hardware supports, as its capability registers would say it. */
export interface WalkerLimits {
  /** HAW: bits of a host physical address, 39 to 52. */
  readonly hostAddressBits: number;
  /** MGAW: bits of an address that a function may use, 39 to 48. */
  readonly inputAddressBits: number;
  /** SAGAW: numbers of levels that a context entry may ask for. */
  readonly levels: readonly number[];
  /** SLLPS: the highest level at which leaves are taken: 1 (4 KiB) to 3 (1 GiB). */
  readonly largestLeaf: number;
  /** DT: context entries may say that a function has a device TLB. */
  readonly deviceTlbs: boolean;
  /** Host physical addresses from here on cannot be read. */
  readonly memoryLimit: number;
}

/** Stages of a walk. */
const READS_ROOT = 0;
const READS_CONTEXT = 1;
const READS_TABLE = 2;

/** Why a stage ends the walk with a fault, or 0: then it has set the next access, or has found the page. */
type Outcome = FaultReason | 0;

const READ_WRITE = PERMIT_READ | PERMIT_WRITE;

/**
 * Walks root, context and second-stage tables for a fixed number of requests at once. A walk is a state
 * machine that makes one memory access a step, so that a timed user charges each access and an untimed one
 * steps to the end. It always ends: each step is one stage or one level nearer to the leaf, wherever the
 * tables point.
 *
 * What it learns on its way goes into the context cache and the paging-structure cache.
 */
export class PageWalker {
  /** Host physical address of a table. */
  rootTable = 0;
  /** Memory accesses made. */
  accesses = 0;

  // One element a walk.
  /** 1 from {@link PageWalker.begin} to {@link PageWalker.end}. */
  readonly active: Uint8Array;
  readonly routingIds: Uint16Array;
  readonly addresses: Float64Array;
  /** 1 for a write. */
  readonly writes: Uint8Array;
  /** Address that the next step reads, or {@link WALK_DONE}. */
  readonly nextAccess: Float64Array;
  /** Domain, as soon as it is known; {@link NO_CONTEXT} before. */
  readonly domains: Int32Array;
  /** Once done: 0, or one of {@link FaultReason}. */
  readonly reasons: Uint8Array;
  /** Once done without a fault: level and host physical address of the page, and what the path to it permits. */
  readonly leafLevels: Uint8Array;
  readonly pages: Float64Array;
  readonly permissions: Uint8Array;

  private readonly stages: Uint8Array;
  private readonly levels: Uint8Array;
  private readonly idleWalks: IntRing;
  private readonly memory: PhysicalMemory;
  private readonly contexts: ContextCache;
  private readonly structures: PagingStructureCache | null;
  private readonly limits: WalkerLimits;
  private readonly beyondHost: number;
  private readonly addressLimits: readonly number[];

  /** @param walks walks at once. */
  constructor(
    walks: number,
    memory: PhysicalMemory,
    contexts: ContextCache,
    structures: PagingStructureCache | null,
    limits: WalkerLimits,
  ) {
    this.active = new Uint8Array(walks);
    this.routingIds = new Uint16Array(walks);
    this.addresses = new Float64Array(walks);
    this.writes = new Uint8Array(walks);
    this.nextAccess = new Float64Array(walks);
    this.domains = new Int32Array(walks);
    this.reasons = new Uint8Array(walks);
    this.leafLevels = new Uint8Array(walks);
    this.pages = new Float64Array(walks);
    this.permissions = new Uint8Array(walks);
    this.stages = new Uint8Array(walks);
    this.levels = new Uint8Array(walks);
    this.idleWalks = new IntRing(ceilPowerOfTwo(walks));
    this.memory = memory;
    this.contexts = contexts;
    this.structures = structures;
    this.limits = limits;
    this.beyondHost = beyondHostMask(limits.hostAddressBits);
    const inputLimit = 2 ** limits.inputAddressBits;
    this.addressLimits = [0, 1, 2, 3, 4].map((levels) => Math.min(2 ** addressBitsOf(levels), inputLimit));
    this.reset();
  }

  /** Walks that can begin now. */
  get idle(): number {
    return this.idleWalks.length;
  }

  /**
   * Begins the walk for a request and returns its number; at least one must be idle. The walk that ended
   * first is taken up again first.
   */
  begin(routingId: number, address: number, isWrite: boolean): number {
    assert(this.idleWalks.length > 0, 'a walk was begun, but none is idle');
    const walk = this.idleWalks.shift();
    this.active[walk] = 1;
    this.routingIds[walk] = routingId;
    this.addresses[walk] = address;
    this.writes[walk] = isWrite ? 1 : 0;
    this.restart(walk);
    return walk;
  }

  /** Begins a walk again, because something that it has read may have changed. */
  restart(walk: number): void {
    const routingId = this.routingIds[walk];
    this.domains[walk] = NO_CONTEXT;
    this.reasons[walk] = 0;
    if (this.contexts.domains[routingId] !== NO_CONTEXT) {
      this.goOn(walk, this.enterTables(walk));
      return;
    }
    this.stages[walk] = READS_ROOT;
    const entry = this.rootTable + (routingId >> 8) * ROOT_ENTRY_BYTES;
    this.goOn(walk, this.access(walk, entry, FaultReason.ROOT_TABLE_INACCESSIBLE));
  }

  /** Makes the walk's next access; afterwards `nextAccess` says whether, and where, another one is needed. */
  step(walk: number): void {
    assert(this.nextAccess[walk] !== WALK_DONE, `walk ${walk} was stepped, but has ended`);
    this.accesses++;
    const stage = this.stages[walk];
    if (stage === READS_TABLE) this.goOn(walk, this.readTable(walk));
    else if (stage === READS_CONTEXT) this.goOn(walk, this.readContext(walk));
    else this.goOn(walk, this.readRoot(walk));
  }

  /** Gives a walk's number back. */
  end(walk: number): void {
    this.active[walk] = 0;
    this.idleWalks.push(walk);
  }

  /** First address that a function whose context is cached may not use. */
  addressLimit(routingId: number): number {
    return this.addressLimits[this.contexts.levels[routingId]];
  }

  /** No walk under way, nothing counted. */
  reset(): void {
    this.accesses = 0;
    this.idleWalks.clear();
    this.active.fill(0);
    for (let walk = 0; walk < this.active.length; walk++) this.idleWalks.push(walk);
  }

  private readRoot(walk: number): Outcome {
    const memory = this.memory;
    const at = this.nextAccess[walk];
    const w0 = memory.read32(at);
    const w1 = memory.read32(at + 4);
    if (!isPresent(w0)) return FaultReason.ROOT_NOT_PRESENT;
    if (rootReserved(w0, w1, memory.read32(at + 8), memory.read32(at + 12), this.beyondHost)) {
      return FaultReason.ROOT_RESERVED;
    }
    this.stages[walk] = READS_CONTEXT;
    const entry = pointerOf(w0, w1) + (this.routingIds[walk] & 0xff) * CONTEXT_ENTRY_BYTES;
    return this.access(walk, entry, FaultReason.CONTEXT_TABLE_INACCESSIBLE);
  }

  private readContext(walk: number): Outcome {
    const memory = this.memory;
    const at = this.nextAccess[walk];
    const w0 = memory.read32(at);
    const w1 = memory.read32(at + 4);
    const w2 = memory.read32(at + 8);
    const routingId = this.routingIds[walk];
    // FPD counts even if the entry turns out to be faulty.
    this.contexts.silent[routingId] = faultsDisabled(w0) ? 1 : 0;
    if (!isPresent(w0)) return FaultReason.CONTEXT_NOT_PRESENT;
    if (contextReserved(w0, w1, w2, memory.read32(at + 12), this.beyondHost)) {
      return FaultReason.CONTEXT_RESERVED;
    }
    const levels = levelsOf(w2);
    const type = translationTypeOf(w0);
    if (!this.limits.levels.includes(levels)) return FaultReason.CONTEXT_INVALID;
    // 3 is reserved.
    if (type > TranslationType.PASS_THROUGH) return FaultReason.CONTEXT_INVALID;
    if (type === TranslationType.SECOND_STAGE_DEVICE_TLB && !this.limits.deviceTlbs) {
      return FaultReason.CONTEXT_INVALID;
    }
    if (type === TranslationType.PASS_THROUGH) this.contexts.fill(routingId, PASS_THROUGH, MAX_LEVELS, 0);
    else this.contexts.fill(routingId, domainOf(w2), levels, pointerOf(w0, w1));
    return this.enterTables(walk);
  }

  /** Goes on from the context cache: with the deepest table that is known to lead to the address. */
  private enterTables(walk: number): Outcome {
    const routingId = this.routingIds[walk];
    const address = this.addresses[walk];
    const domain = this.contexts.domains[routingId];
    this.domains[walk] = domain;
    if (!(address >= 0 && address < this.addressLimit(routingId))) {
      return FaultReason.BEYOND_ADDRESS_WIDTH;
    }
    if (domain === PASS_THROUGH) return this.succeed(walk, 1, pageBase(address, 1), READ_WRITE);

    const levels = this.contexts.levels[routingId];
    const structures = this.structures;
    if (structures !== null) {
      for (let level = 2; level <= levels; level++) {
        const entry = structures.find(domain, address, level);
        if (entry !== null) return this.descend(walk, level - 1, entry.value, entry.permissions);
      }
    }
    this.permissions[walk] = READ_WRITE;
    this.stages[walk] = READS_TABLE;
    this.levels[walk] = levels;
    const at = this.contexts.tables[routingId] + entryOffset(address, levels);
    // The topmost table is the context entry's affair.
    return this.access(walk, at, FaultReason.CONTEXT_INVALID);
  }

  private readTable(walk: number): Outcome {
    const at = this.nextAccess[walk];
    const low = this.memory.read32(at);
    const high = this.memory.read32(at + 4);
    const level = this.levels[walk];
    const isWrite = this.writes[walk] === 1;
    if ((low & (isWrite ? PERMIT_WRITE : PERMIT_READ)) === 0) return permissionReason(isWrite);
    if (pagingReserved(low, high, level, this.limits.largestLeaf, this.beyondHost)) {
      return FaultReason.PAGING_RESERVED;
    }
    const permissions = this.permissions[walk] & low;
    const pointer = pointerOf(low, high);
    if (isLeaf(low, level)) return this.succeed(walk, level, pointer, permissions);
    this.structures?.fill(this.domains[walk], this.addresses[walk], level, pointer, permissions);
    return this.descend(walk, level - 1, pointer, permissions);
  }

  private descend(walk: number, level: number, table: number, permissions: number): Outcome {
    const isWrite = this.writes[walk] === 1;
    if ((permissions & (isWrite ? PERMIT_WRITE : PERMIT_READ)) === 0) {
      return permissionReason(isWrite);
    }
    this.permissions[walk] = permissions;
    this.stages[walk] = READS_TABLE;
    this.levels[walk] = level;
    const at = table + entryOffset(this.addresses[walk], level);
    return this.access(walk, at, FaultReason.PAGING_ENTRY_INACCESSIBLE);
  }

  private access(walk: number, address: number, reasonIfInaccessible: FaultReason): Outcome {
    if (address >= this.limits.memoryLimit) return reasonIfInaccessible;
    this.nextAccess[walk] = address;
    return 0;
  }

  private succeed(walk: number, level: number, page: number, permissions: number): Outcome {
    this.leafLevels[walk] = level;
    this.pages[walk] = page;
    this.permissions[walk] = permissions;
    this.nextAccess[walk] = WALK_DONE;
    return 0;
  }

  private goOn(walk: number, outcome: Outcome): void {
    if (outcome === 0) return;
    this.reasons[walk] = outcome;
    this.nextAccess[walk] = WALK_DONE;
  }
}
