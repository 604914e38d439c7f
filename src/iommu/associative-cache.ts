import {
  ceilPowerOfTwo,
  checkInteger,
  checkOneOf,
  checkPowerOfTwo,
  type RandomStream,
} from '../base/index.ts';
import { MAX_LEVELS, pageNumber } from './page-size.ts';

/**
 * Which entry of a full set makes room: the least recently used one; the first one, going round, that was not
 * used since the last round (second chance, which costs hardware of many ways one bit each); or any with
 * equal probability.
 */
export type Replacement = 'lru' | 'clock' | 'random';

/** Shape of a set-associative cache. */
export interface CacheShape {
  /** A power of two; 1 makes the cache fully associative. */
  readonly sets: number;
  /** Entries a set; any number. With 'lru' the time to find the one that leaves grows with it. */
  readonly ways: number;
  readonly replacement: Replacement;
}

/** Scope of an entry that holds nothing. */
const EMPTY = -1;
/** A scope is the domain and, in the lowest bits, the level. */
const LEVEL_BITS = 3;
const LEVEL_MASK = (1 << LEVEL_BITS) - 1;
/** Removals of more pages than this look at every entry instead of looking every page up. */
const PROBED_PAGES = 16;

/**
 * An entry: its tag, and what its owner keeps with it. A tag is a page number (as a double, compared at once
 * whatever its size) and a scope: the domain, and the level whose pages are counted.
 */
export class CacheEntry {
  /** An address or a difference of addresses, as the owner has it. */
  value = Number.NaN;
  /** PERMIT_READ and PERMIT_WRITE. */
  permissions = 0;
  page = Number.NaN;
  scope = EMPTY;
  /** Number of its last use, modulo 2^32; 0 is also "not used" to second chance. */
  stamp = 0;
  /** The next one in its chain of the hash table or, of an empty entry, of the empty ones of its set. */
  next: CacheEntry = this;
}

/**
 * What is found when nothing is found, and the end of every chain. It permits nothing, so that one test tells
 * both.
 */
export const NOTHING = new CacheEntry();

/**
 * The entries that compete for the same pages.
 * @internal
 */
export class CacheSet {
  readonly ways: readonly CacheEntry[];
  empty = NOTHING;
  /** Where second chance goes on. */
  hand = 0;

  constructor(ways: number) {
    this.ways = Array.from({ length: ways }, () => new CacheEntry());
    this.clear();
  }

  clear(): void {
    this.hand = 0;
    this.empty = NOTHING;
    for (let way = this.ways.length - 1; way >= 0; way--) {
      const entry = this.ways[way];
      entry.scope = EMPTY;
      entry.next = this.empty;
      this.empty = entry;
    }
  }
}

/**
 * A set-associative cache of what tables say. The set is the low bits of page number XOR domain. Entries are
 * found through a hash table, so that a hit costs the same for 4 ways and for 117. Who has to leave is
 * searched among the ways.
 */
export class AssociativeCache {
  /** sets * ways. */
  readonly capacity: number;
  /** Entries that had to leave for another one. */
  evictions = 0;
  /** Entries held, by level. */
  readonly held = new Int32Array(MAX_LEVELS + 1);
  private readonly ways: number;
  private readonly setMask: number;
  private readonly replacement: Replacement;
  private readonly random: RandomStream | null;
  private readonly heads: CacheEntry[];
  private readonly shift: number;
  /** A set is made when it is first filled: most machines fill few of many. */
  private readonly sets: (CacheSet | null)[];
  private uses = 0;

  /** @param random what `replacement: 'random'` draws from, and then required. */
  constructor(shape: CacheShape, random?: RandomStream) {
    const sets = checkPowerOfTwo('sets', shape.sets, 1, 65536);
    this.ways = checkInteger('ways', shape.ways, 1, 65536);
    this.capacity = checkInteger('sets * ways', sets * this.ways, 1, 1 << 22);
    const replacement = checkOneOf('replacement', shape.replacement, ['lru', 'clock', 'random']);
    if (replacement === 'random' && !random) throw new TypeError('random must be a stream, got undefined');
    this.setMask = sets - 1;
    this.replacement = replacement;
    this.random = random ?? null;
    // Four heads an entry: almost every chain is one entry long.
    const heads = ceilPowerOfTwo(4 * this.capacity);
    this.heads = new Array<CacheEntry>(heads).fill(NOTHING);
    this.shift = Math.clz32(heads - 1);
    this.sets = new Array<CacheSet | null>(sets).fill(null);
  }

  /** The entry for a page, which counts as a use of it, or {@link NOTHING}. */
  find(domain: number, level: number, page: number): CacheEntry {
    const scope = (domain << LEVEL_BITS) | level;
    let entry = this.heads[hashOf(page, scope) >>> this.shift];
    while (entry.page !== page || entry.scope !== scope) {
      if (entry === NOTHING) return entry;
      entry = entry.next;
    }
    // One store. A list in order of use would name the victim at once, but doubles the cost of a hit.
    this.uses = (this.uses + 1) | 0;
    entry.stamp = this.uses;
    return entry;
  }

  /** As {@link AssociativeCache.find}, without counting as a use. */
  peek(domain: number, level: number, page: number): CacheEntry {
    const scope = (domain << LEVEL_BITS) | level;
    let entry = this.heads[hashOf(page, scope) >>> this.shift];
    while (entry !== NOTHING && (entry.page !== page || entry.scope !== scope)) entry = entry.next;
    return entry;
  }

  /**
   * The entry for a page, to be filled: the one that it has, or else an empty one of its set, or else the one
   * that the replacement takes from another page.
   */
  claim(domain: number, level: number, page: number): CacheEntry {
    const present = this.find(domain, level, page);
    if (present !== NOTHING) return present;
    const scope = (domain << LEVEL_BITS) | level;
    const set = this.setOf(page, scope);
    let entry = set.empty;
    if (entry !== NOTHING) {
      set.empty = entry.next;
    } else {
      entry = this.victim(set);
      this.evictions++;
      this.forget(entry);
    }
    const head = hashOf(page, scope) >>> this.shift;
    entry.page = page;
    entry.scope = scope;
    entry.next = this.heads[head];
    this.heads[head] = entry;
    this.held[level]++;
    // To second chance a fill is not a use: what is wanted once only leaves first.
    this.uses = (this.uses + 1) | 0;
    entry.stamp = this.replacement === 'lru' ? this.uses : 0;
    return entry;
  }

  /** Empties everything. Evictions stay counted. */
  clear(): void {
    this.heads.fill(NOTHING);
    this.held.fill(0);
    for (const set of this.sets) set?.clear();
  }

  /** Empties every entry of a domain. */
  removeDomain(domain: number): void {
    this.removeWhere((entry) => entry.scope >> LEVEL_BITS === domain);
  }

  /** Empties every entry of a domain whose page shares a byte with the `bytes` from `address` on. */
  removePages(domain: number, address: number, bytes: number): void {
    for (let level = 1; level <= MAX_LEVELS; level++) {
      if (this.held[level] === 0) continue;
      const first = pageNumber(address, level);
      const last = pageNumber(address + bytes - 1, level);
      if (last - first < PROBED_PAGES) {
        for (let page = first; page <= last; page++) {
          const entry = this.peek(domain, level, page);
          if (entry !== NOTHING) this.remove(entry);
        }
        continue;
      }
      const scope = (domain << LEVEL_BITS) | level;
      this.removeWhere((entry) => entry.scope === scope && entry.page >= first && entry.page <= last);
    }
  }

  /** The entry that leaves a full set. */
  private victim(set: CacheSet): CacheEntry {
    const { ways } = set;
    if (this.replacement === 'clock') return secondChance(set);
    if (this.replacement === 'random') return ways[this.random!.integer(this.ways)];
    let oldest = ways[0];
    let use = oldest.stamp;
    for (let way = 1; way < ways.length; way++) {
      const { stamp } = ways[way];
      // The difference, because the numbers wrap.
      if (((stamp - use) | 0) < 0) {
        oldest = ways[way];
        use = stamp;
      }
    }
    return oldest;
  }

  private removeWhere(goes: (entry: CacheEntry) => boolean): void {
    for (const set of this.sets) {
      if (set === null) continue;
      for (const entry of set.ways) if (goes(entry)) this.remove(entry);
    }
  }

  private remove(entry: CacheEntry): void {
    const set = this.setOf(entry.page, entry.scope);
    this.forget(entry);
    entry.scope = EMPTY;
    entry.next = set.empty;
    set.empty = entry;
  }

  /** Takes an entry out of the hash table and out of the count. */
  private forget(entry: CacheEntry): void {
    const { page, scope } = entry;
    this.held[scope & LEVEL_MASK]--;
    const head = hashOf(page, scope) >>> this.shift;
    let before = NOTHING;
    for (let at = this.heads[head]; at !== entry; at = at.next) before = at;
    if (before === NOTHING) this.heads[head] = entry.next;
    else before.next = entry.next;
  }

  private setOf(page: number, scope: number): CacheSet {
    const number = (page ^ (scope >> LEVEL_BITS)) & this.setMask;
    let set = this.sets[number];
    if (set === null) {
      set = new CacheSet(this.ways);
      this.sets[number] = set;
    }
    return set;
  }
}

function secondChance(set: CacheSet): CacheEntry {
  const { ways } = set;
  let way = set.hand;
  let entry = ways[way];
  while (entry.stamp !== 0) {
    entry.stamp = 0;
    way = way + 1 === ways.length ? 0 : way + 1;
    entry = ways[way];
  }
  set.hand = way + 1 === ways.length ? 0 : way + 1;
  return entry;
}

/**
 * Its upper bits depend on all bits of the tag; they are the ones that are used.
 */
const hashOf = (page: number, scope: number): number =>
  Math.imul(page ^ Math.imul(scope, 0x85ebca6b), 0x9e3779b1);
