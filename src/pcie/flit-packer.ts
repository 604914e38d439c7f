import { FLIT_TLP_BYTES } from './flit.ts';

/** The TLP bytes of a flit as two halves, of which each has eight TLPs at most, parts of some included. */
const HALF_BYTES = 128;
const TLPS_IN_HALF = 8;
/** Of TLPs of so many bytes and more a half has no more than eight. */
export const SHORT_BYTES = 20;
/** Where nothing is to be sent come NOP TLPs, in groups up to a multiple of so many bytes (4.2.3.4.2.1). */
const NOP_GROUP_BYTES = 16;

/**
 * Puts TLPs into the flits of one direction, one behind the other: they begin where the last one has ended and go on in the
 * next flit (PCI Express Base 6.0 4.2.3.4.2).
 */
export class FlitPacker {
  /** Where the next byte goes: a flit, counted from 0, and a byte of its TLPs, 0 to 235. */
  flit = 0;
  offset = 0;
  /** The flit that has the last byte of the last TLP. */
  lastFlit = -1;
  /** Flits that carry a TLP or a part of one. */
  flits = 0;
  /** Told how many bytes of TLPs go into which flit, while somebody wants to know. */
  watcher: ((flit: number, bytes: number) => void) | null = null;
  /** TLPs, or parts, in this half of a flit so far. */
  private tlps = 0;

  /** NOP TLPs up to here: the next TLP begins at `offset` of `flit` or where their group ends. */
  skipTo(flit: number, offset: number): void {
    if (flit < this.flit || (flit === this.flit && offset <= this.offset)) return;
    const at = Math.ceil(offset / NOP_GROUP_BYTES) * NOP_GROUP_BYTES;
    const isSameHalf = flit === this.flit && at < HALF_BYTES === this.offset < HALF_BYTES;
    if (!isSameHalf) this.tlps = 0;
    this.flit = flit;
    this.offset = at;
    if (at >= FLIT_TLP_BYTES) this.nextFlit();
  }

  /** Puts a TLP of `bytes` behind the last one. */
  place(bytes: number): void {
    if (this.tlps === TLPS_IN_HALF) {
      if (this.offset < HALF_BYTES) this.offset = HALF_BYTES;
      else this.nextFlit();
      this.tlps = 0;
    }
    const { flit, offset } = this;
    const end = offset + bytes;
    const half = offset < HALF_BYTES ? HALF_BYTES : FLIT_TLP_BYTES;
    const last = flit + Math.floor((end - 1) / FLIT_TLP_BYTES);
    if (this.watcher !== null) this.tell(flit, offset, end);
    this.flits += last - Math.max(flit - 1, this.lastFlit);
    this.lastFlit = last;
    this.flit = flit + Math.floor(end / FLIT_TLP_BYTES);
    this.offset = end % FLIT_TLP_BYTES;
    if (end < half) this.tlps++;
    else this.tlps = this.offset === 0 || this.offset === HALF_BYTES ? 0 : 1;
  }

  /** Puts `count` whole flits behind what is there, from the next one on that is empty; returns the first. */
  placeFlits(count: number): number {
    if (this.offset > 0) this.nextFlit();
    const first = this.flit;
    this.flit += count;
    this.flits += count;
    this.lastFlit = this.flit - 1;
    this.tlps = 0;
    return first;
  }

  /** Puts `count` TLPs of `bytes` behind the last one, in no more time than it takes until their places come again. */
  placeAll(bytes: number, count: number): void {
    const seen = new Map<number, { left: number; flit: number; flits: number }>();
    for (let left = count; left > 0; left--) {
      const place = this.offset * (TLPS_IN_HALF + 1) + this.tlps;
      const before = seen.get(place);
      if (before === undefined) {
        seen.set(place, { left, flit: this.flit, flits: this.flits });
      } else {
        const period = before.left - left;
        const times = Math.floor(left / period);
        const ahead = times * (this.flit - before.flit);
        this.flit += ahead;
        this.lastFlit += ahead;
        this.flits += times * (this.flits - before.flits);
        left -= times * period;
        seen.clear();
        if (left === 0) return;
      }
      this.place(bytes);
    }
  }

  /** A TLP has been put at `offset` of `flit`, and ends before `end`, which may be in a later flit. */
  private tell(flit: number, offset: number, end: number): void {
    let at = offset;
    for (let i = 0; at < end; i++) {
      const stop = Math.min(end, (i + 1) * FLIT_TLP_BYTES);
      this.watcher?.(flit + i, stop - at);
      at = stop;
    }
  }

  private nextFlit(): void {
    this.flit++;
    this.offset = 0;
    this.tlps = 0;
  }
}
