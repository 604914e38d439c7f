import {
  ceilPowerOfTwo,
  checkInteger,
  checkOneOf,
  checkPowerOfTwo,
  type RandomStream,
} from '../base/index.ts';
import { MAX_LEVELS, pageNumber } from './page-size.ts';

/**
 * Which entry of a full set makes room: the least recently used one; the first one, going round, that was not used since
 * the last round (second chance, which costs hardware of many ways one bit each); or any with equal probability.
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
/** End of a chain, and the answer when nothing is found. */
const NONE = -1;
/** A scope is the domain and, in the lowest bits, the level. */
const LEVEL_BITS = 3;
const LEVEL_MASK = (1 << LEVEL_BITS) - 1;
/** Removals of more pages than this look at every entry instead of looking every page up. */
const PROBED_PAGES = 16;

/**
 * The tags of a set-associative cache of what tables say. What is cached its owner keeps in arrays by entry number.
 *
 * A tag is a page number (as a double, compared at once whatever its size) and a scope: the domain, and the level whose
 * pages are counted. The set is the low bits of page number XOR domain. Entries are found through a hash table, so that
 * a hit costs the same for 4 ways and for 117. Who has to leave is searched among the ways.
 */
export class AssociativeCache {
  /** sets * ways; entry numbers are below it. */
  readonly capacity: number;
  /** Entries that had to leave for another one. */
  evictions = 0;
  /** Entries held, by level. */
  readonly held = new Int32Array(MAX_LEVELS + 1);
  private readonly ways: number;
  private readonly setMask: number;
  private readonly replacement: Replacement;
  private readonly random: RandomStream | null;
  private readonly pages: Float64Array;
  private readonly scopes: Int32Array;
  private readonly heads: Int32Array;
  private readonly shift: number;
  private readonly chain: Int32Array;
  /** First empty entry of each set; the others follow in `chain`, as an empty entry is in no chain of the hash table. */
  private readonly empty: Int32Array;
  /** Number of each entry's last use, modulo 2^32; 0 is also "not used" to second chance. */
  private readonly stamps: Int32Array;
  private uses = 0;
  /** Where second chance goes on in each set. */
  private readonly hands: Int32Array;

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
    this.pages = new Float64Array(this.capacity);
    this.scopes = new Int32Array(this.capacity);
    this.chain = new Int32Array(this.capacity);
    // Four heads an entry: almost every chain is one entry long.
    const heads = ceilPowerOfTwo(4 * this.capacity);
    this.heads = new Int32Array(heads);
    this.shift = Math.clz32(heads - 1);
    this.empty = new Int32Array(sets);
    this.stamps = new Int32Array(this.capacity);
    this.hands = new Int32Array(sets);
    this.clear();
  }

  /** The entry for a page, which counts as a use of it, or -1. */
  find(domain: number, level: number, page: number): number {
    const scope = (domain << LEVEL_BITS) | level;
    const pages = this.pages;
    const scopes = this.scopes;
    let entry = this.heads[hashOf(page, scope) >>> this.shift];
    while (entry !== NONE) {
      if (pages[entry] === page && scopes[entry] === scope) {
        // One store. A list in order of use would name the victim at once, but doubles the cost of a hit.
        this.uses = (this.uses + 1) | 0;
        this.stamps[entry] = this.uses;
        return entry;
      }
      entry = this.chain[entry];
    }
    return NONE;
  }

  /** As {@link AssociativeCache.find}, without counting as a use. */
  peek(domain: number, level: number, page: number): number {
    const scope = (domain << LEVEL_BITS) | level;
    let entry = this.heads[hashOf(page, scope) >>> this.shift];
    while (entry !== NONE && (this.pages[entry] !== page || this.scopes[entry] !== scope)) {
      entry = this.chain[entry];
    }
    return entry;
  }

  /**
   * The entry for a page, to be filled: the one that it has, or else an empty one of its set, or else the one that the
   * replacement takes from another page.
   */
  claim(domain: number, level: number, page: number): number {
    const present = this.find(domain, level, page);
    if (present !== NONE) return present;
    const scope = (domain << LEVEL_BITS) | level;
    const set = this.setOf(page, scope);
    let entry = this.empty[set];
    if (entry !== NONE) {
      this.empty[set] = this.chain[entry];
    } else {
      entry = this.victim(set);
      this.evictions++;
      this.forget(entry);
    }
    const head = hashOf(page, scope) >>> this.shift;
    this.pages[entry] = page;
    this.scopes[entry] = scope;
    this.chain[entry] = this.heads[head];
    this.heads[head] = entry;
    this.held[level]++;
    // To second chance a fill is not a use: what is wanted once only leaves first.
    this.uses = (this.uses + 1) | 0;
    this.stamps[entry] = this.replacement === 'lru' ? this.uses : 0;
    return entry;
  }

  /** Empties everything. Evictions stay counted. */
  clear(): void {
    this.scopes.fill(EMPTY);
    this.heads.fill(NONE);
    this.empty.fill(NONE);
    this.held.fill(0);
    this.hands.fill(0);
    for (let entry = this.capacity - 1; entry >= 0; entry--) {
      const set = Math.floor(entry / this.ways);
      this.chain[entry] = this.empty[set];
      this.empty[set] = entry;
    }
  }

  /** Empties every entry of a domain. */
  removeDomain(domain: number): void {
    for (let entry = 0; entry < this.capacity; entry++) {
      if (this.scopes[entry] >> LEVEL_BITS === domain) this.remove(entry);
    }
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
          if (entry !== NONE) this.remove(entry);
        }
        continue;
      }
      const scope = (domain << LEVEL_BITS) | level;
      for (let entry = 0; entry < this.capacity; entry++) {
        const page = this.pages[entry];
        if (this.scopes[entry] === scope && page >= first && page <= last) this.remove(entry);
      }
    }
  }

  /** The entry that leaves a full set. */
  private victim(set: number): number {
    const first = set * this.ways;
    if (this.replacement === 'clock') return first + this.secondChance(set, first);
    if (this.replacement === 'random') return first + this.random!.integer(this.ways);
    const stamps = this.stamps;
    const behind = first + this.ways;
    let oldest = first;
    let use = stamps[first];
    for (let entry = first + 1; entry < behind; entry++) {
      // The difference, because the numbers wrap.
      if (((stamps[entry] - use) | 0) < 0) {
        oldest = entry;
        use = stamps[entry];
      }
    }
    return oldest;
  }

  private secondChance(set: number, first: number): number {
    const stamps = this.stamps;
    let way = this.hands[set];
    while (stamps[first + way] !== 0) {
      stamps[first + way] = 0;
      way = way + 1 === this.ways ? 0 : way + 1;
    }
    this.hands[set] = way + 1 === this.ways ? 0 : way + 1;
    return way;
  }

  private remove(entry: number): void {
    const set = this.setOf(this.pages[entry], this.scopes[entry]);
    this.forget(entry);
    this.scopes[entry] = EMPTY;
    this.chain[entry] = this.empty[set];
    this.empty[set] = entry;
  }

  /** Takes an entry out of the hash table and out of the count. */
  private forget(entry: number): void {
    const scope = this.scopes[entry];
    this.held[scope & LEVEL_MASK]--;
    const head = hashOf(this.pages[entry], scope) >>> this.shift;
    const after = this.chain[entry];
    let at = this.heads[head];
    if (at === entry) {
      this.heads[head] = after;
      return;
    }
    while (this.chain[at] !== entry) at = this.chain[at];
    this.chain[at] = after;
  }

  private setOf(page: number, scope: number): number {
    return (page ^ (scope >> LEVEL_BITS)) & this.setMask;
  }
}

/** Its upper bits depend on all bits of the tag; they are the ones that are used. */
function hashOf(page: number, scope: number): number {
  return Math.imul(page ^ Math.imul(scope, 0x85ebca6b), 0x9e3779b1);
}
