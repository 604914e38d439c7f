import { assert, log2Exact } from '../base/index.ts';
import { countBits, firstBit, hasBit, rowWords, writeBit } from './bitmap.ts';

/** In the first byte of an address: it is a group's. */
export const GROUP_BIT = 1;

/** Value of an address that is not in the table, and of an empty place. */
export const NOBODY = 0xffff;
/** Values below are ports, values from here on (but {@link NOBODY}) are `SET + number of a set of ports`. */
export const SET = 0x8000;

/** Places of a table without addresses; a power of two. */
const FIRST_PLACES = 64;

/**
 * Odd multipliers of {@link macHash}. Addresses are mostly counted up, in one byte or in two; of many pairs these
 * spread such addresses best: of 16 to 4,096 of them, in steps of 1 to 65,536, for one VPort after the other or in
 * turn, at most one in a thousand is beyond its first two places, and one in fifty beyond its first. (Golden
 * ratios, which spread one byte well, left two thirds of 256 there.)
 */
const HASH_LOW = 0xc2242a6f | 0;
const HASH_HIGH = 0x8d5a6925 | 0;

/** The place of an address is the upper bits of this: `macHash(low, high) >>> shift`. */
export const macHash = (low: number, high: number): number => {
  return (Math.imul(low, HASH_LOW) + Math.imul(high, HASH_HIGH)) | 0;
};

/**
 * Exact address filters: MAC address to the port, or the set of ports, that asked for it.
 *
 * An open hash with linear probing and two words a place: the address's first four bytes; its last two bytes
 * in the lower half and the value in the upper. At most a quarter of the places is taken, so that seven of
 * eight lookups end at the first; it grows with the addresses, so that a few of them lie in a few cache
 * lines. The data path reads the places itself.
 */
export class MacTable {
  /** Addresses that the table can hold. */
  declare readonly capacity: number;
  /** Words of a set of ports. */
  declare readonly setWords: number;
  /** Replaced, with `shift` and `mask`, when the table grows. */
  declare places: Int32Array;
  /** `macHash() >>> shift` is the number of a place. */
  declare shift: number;
  /** Place numbers times two are taken modulo `mask + 1`. */
  declare mask: number;
  /** Rows of the sets; replaced by a longer array when they run out. */
  declare sets: Int32Array;
  private addresses = 0;
  private setsMade = 0;
  private readonly freeSets: number[] = [];

  constructor(capacity: number, ports: number) {
    this.capacity = capacity;
    this.setWords = rowWords(ports);
    this.sets = new Int32Array(16 * this.setWords);
    this.places = emptyPlaces(FIRST_PLACES);
    this.shift = shiftFor(this.places);
    this.mask = this.places.length - 1;
  }

  /** Addresses held. */
  get size(): number {
    return this.addresses;
  }

  clear(): void {
    this.replacePlaces(emptyPlaces(FIRST_PLACES));
    this.addresses = 0;
    this.setsMade = 0;
    this.freeSets.length = 0;
  }

  /** The value of an address, {@link NOBODY} if there is none. */
  lookup(low: number, high: number): number {
    return this.places[this.find(low, high) + 1] >>> 16;
  }

  /** True if `port` asked for the address. */
  has(port: number, low: number, high: number): boolean {
    const value = this.lookup(low, high);
    if (value === NOBODY) return false;
    return value < SET ? value === port : hasBit(this.sets, this.rowOf(value), port);
  }

  /** First word in {@link MacTable.sets} of the set that `value` stands for. */
  rowOf(value: number): number {
    return (value - SET) * this.setWords;
  }

  /** `port` asks for the address; false if it is a new one and the table is full. */
  add(port: number, low: number, high: number): boolean {
    const at = this.find(low, high);
    const value = this.places[at + 1] >>> 16;
    if (value === port) return true;
    if (value === NOBODY) {
      if (this.addresses === this.capacity) return false;
      this.addresses++;
      this.write(at, low, high, port);
      if (8 * this.addresses > this.places.length) this.grow();
      return true;
    }
    if (value >= SET) {
      writeBit(this.sets, this.rowOf(value), port, true);
      return true;
    }
    const set = this.takeSet();
    writeBit(this.sets, this.rowOf(set), value, true);
    writeBit(this.sets, this.rowOf(set), port, true);
    this.write(at, low, high, set);
    return true;
  }

  /** `port` asks for the address no longer; false if it did not. */
  remove(port: number, low: number, high: number): boolean {
    if (!this.has(port, low, high)) return false;
    const at = this.find(low, high);
    const value = this.places[at + 1] >>> 16;
    if (value < SET) {
      this.addresses--;
      this.closeGap(at);
      return true;
    }
    const row = this.rowOf(value);
    writeBit(this.sets, row, port, false);
    if (countBits(this.sets, row, this.setWords) === 1) {
      const last = firstBit(this.sets, row, this.setWords);
      this.write(at, low, high, last);
      writeBit(this.sets, row, last, false);
      this.freeSets.push(value);
    }
    return true;
  }

  /** Index of the place that holds the address, or of the empty one where it would go. */
  private find(low: number, high: number): number {
    const { places, mask } = this;
    let at = (macHash(low, high) >>> this.shift) << 1;
    for (;;) {
      const word = places[at + 1];
      if (word >>> 16 === NOBODY) return at;
      if (places[at] === low && (word & 0xffff) === high) return at;
      at = (at + 2) & mask;
    }
  }

  private write(at: number, low: number, high: number, value: number): void {
    this.places[at] = low;
    this.places[at + 1] = high | (value << 16);
  }

  private grow(): void {
    const old = this.places;
    this.replacePlaces(emptyPlaces(old.length));
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] >>> 16 === NOBODY) continue;
      const place = this.find(old[at], old[at + 1] & 0xffff);
      this.places[place] = old[at];
      this.places[place + 1] = old[at + 1];
    }
  }

  private replacePlaces(places: Int32Array): void {
    this.places = places;
    this.shift = shiftFor(places);
    this.mask = places.length - 1;
  }

  /** Empties the place at `gap` and moves up what a lookup would otherwise no longer reach. */
  private closeGap(gap: number): void {
    const { places, mask } = this;
    for (let at = (gap + 2) & mask; places[at + 1] >>> 16 !== NOBODY; at = (at + 2) & mask) {
      const home = (macHash(places[at], places[at + 1] & 0xffff) >>> this.shift) << 1;
      // It may move to the gap if its home lies there or before: no farther back than the gap, going round.
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        places[gap] = places[at];
        places[gap + 1] = places[at + 1];
        gap = at;
      }
    }
    this.places[gap] = 0;
    this.places[gap + 1] = NOBODY << 16;
  }

  /** Value of an empty set. */
  private takeSet(): number {
    const free = this.freeSets.pop();
    if (free !== undefined) return free;
    const set = SET + this.setsMade++;
    assert(set < NOBODY, `${this.setsMade} sets of ports do not fit the values of the table`);
    if (this.setsMade * this.setWords > this.sets.length) {
      const longer = new Int32Array(2 * this.sets.length);
      longer.set(this.sets);
      this.sets = longer;
    }
    this.sets.fill(0, this.rowOf(set), this.rowOf(set) + this.setWords);
    return set;
  }
}

/**
 * Value of an address. `high`: in its lower half the last two bytes. For the data path: the first two places
 * without a loop, which is where 97 of 100 look-ups of random addresses end, and nearly all of others.
 */
export const nearValue = (places: Int32Array, shift: number, low: number, high: number): number => {
  const place = (macHash(low, high & 0xffff) >>> shift) << 1;
  const found = places[place | 1];
  if (places[place] === low && ((found ^ high) & 0xffff) === 0) return found >>> 16;
  if (found >>> 16 === NOBODY) return NOBODY;
  const next = (place + 2) & (places.length - 1);
  const other = places[next | 1];
  if ((places[next] === low && ((other ^ high) & 0xffff) === 0) || other >>> 16 === NOBODY)
    return other >>> 16;
  return farValue(places, next, low, high);
};

/** The rest of {@link nearValue}: from the place behind `place` on. */
const farValue = (places: Int32Array, place: number, low: number, high: number): number => {
  const mask = places.length - 1;
  for (let at = (place + 2) & mask; ; at = (at + 2) & mask) {
    const found = places[at | 1];
    if (found >>> 16 === NOBODY) return NOBODY;
    if (places[at] === low && ((found ^ high) & 0xffff) === 0) return found >>> 16;
  }
};

/** `count` places with nobody in them. */
function emptyPlaces(count: number): Int32Array {
  const places = new Int32Array(2 * count);
  for (let at = 1; at < places.length; at += 2) places[at] = NOBODY << 16;
  return places;
}

/** Bits that a hash is shifted by to number the places. */
function shiftFor(places: Int32Array): number {
  return 33 - log2Exact(places.length);
}
