import { checkInteger, checkNumber, naturalLog, type RandomStream } from '../base/index.ts';
import { FLIT_BYTES } from './flit.ts';

/** Which bits of a direction arrive wrong, before anything is corrected. */
export interface WrongBits {
  /** Bits that are right before the next wrong one; infinity for no more. */
  gap(): number;
}

/**
 * Bits that are wrong at a rate, each on its own.
 *
 * @param rate bit error rate before correction: from 0 to 0.5. Generation 6 is made for 1e-6 at most.
 * @throws TypeError or RangeError for another rate.
 */
export function wrongBitsAt(rate: number, random: RandomStream): WrongBits {
  return new BitErrorRate(checkNumber('rate', rate, 0, 0.5), random);
}

/** Gaps are geometrically distributed: one random number for each wrong bit instead of one for each bit. */
class BitErrorRate implements WrongBits {
  private readonly random: RandomStream;
  /** Logarithm of the chance that a bit is right. */
  private readonly scale: number;

  constructor(rate: number, random: RandomStream) {
    this.random = random;
    // Of 1 - rate little is left of a small rate: the first terms of the series have all digits of it.
    this.scale = rate < 1e-8 ? -rate * (1 + rate / 2) : naturalLog(1 - rate);
  }

  gap(): number {
    if (this.scale === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(naturalLog((this.random.uint32() + 1) / 2 ** 32) / this.scale);
  }
}

/**
 * Bursts of wrong bits at a rate: so many in a row on one lane, as a receiver makes them that feeds its decisions back. The bytes
 * of flits go round the lanes, so that a burst beyond a byte goes on as many bytes later as there are lanes: on all
 * widths but twelve in another code.
 *
 * @param rate bursts for each bit: from 0 to 0.5.
 * @param bits of each burst: 1 to 64.
 * @param lanes of the link: 1 to 32.
 * @throws TypeError or RangeError for what is out of range.
 */
export function wrongBurstsAt(rate: number, bits: number, lanes: number, random: RandomStream): WrongBits {
  checkInteger('bits', bits, 1, 64);
  return new Bursts(wrongBitsAt(rate, random), bits, checkInteger('lanes', lanes, 1, 32));
}

/** Bursts begin where single bits would be wrong. */
class Bursts implements WrongBits {
  private readonly starts: WrongBits;
  private readonly bits: number;
  private readonly lanes: number;
  /** Where the next burst begins, in bits of the direction from the first on. */
  private next: number;
  /** Wrong bits of those that have begun, in order. */
  private readonly ahead: number[] = [];
  private last = -1;

  constructor(starts: WrongBits, bits: number, lanes: number) {
    this.starts = starts;
    this.bits = bits;
    this.lanes = lanes;
    this.next = starts.gap();
  }

  gap(): number {
    const { ahead } = this;
    while (ahead.length === 0 || this.next <= ahead[0]) {
      if (this.next === Number.POSITIVE_INFINITY) break;
      this.begin(this.next);
      this.next += 1 + this.starts.gap();
    }
    const at = ahead.shift() ?? Number.POSITIVE_INFINITY;
    const gap = at - this.last - 1;
    this.last = at;
    return gap;
  }

  private begin(start: number): void {
    const byte = Math.floor(start / 8);
    const { ahead } = this;
    for (let i = 0; i < this.bits; i++) {
      const along = (start % 8) + i;
      const at = 8 * (byte + this.lanes * (along >> 3)) + (along & 7);
      // One that another burst has hit already stays wrong.
      if (!ahead.includes(at)) ahead.push(at);
    }
    ahead.sort((a, b) => a - b);
  }
}

/** What has become of a flit on its way. */
export const FlitFate = {
  RIGHT: 0,
  /** It had wrong bytes, and FEC has put them right. */
  CORRECTED: 1,
  /** More than FEC corrects: its CRC is wrong. */
  LOST: 2,
} as const;
/** One of the values of {@link FlitFate}. */
export type FlitFate = (typeof FlitFate)[keyof typeof FlitFate];

/** Codes that the bytes of a flit belong to in turn; each corrects one byte (PCI Express Base 6.0 4.2.3.4). */
const FEC_GROUPS = 3;
const FLIT_BITS = 8 * FLIT_BYTES;

/**
 * What becomes of each flit of a direction, full or empty, by the wrong bits in its 256 bytes: three interleaved codes correct
 * one byte each; two wrong bytes of one code are seen by the CRC. That a code corrects a third byte instead, and the
 * CRC does not see it, is left out: it has a chance of less than 2^-64.
 */
export class FlitFates {
  /** Flits with wrong bits that FEC has put right, and that it has not, of all that have been looked at. */
  corrected = 0;
  lost = 0;
  private readonly bits: WrongBits;
  /** All before this one are drawn. */
  private next: number;
  /** Right bits from the first of `next` on. */
  private left: number;
  /** Flits that are not right, by number. */
  private readonly fates = new Map<number, FlitFate>();

  /** @param first flit that can have errors. */
  constructor(bits: WrongBits, first: number) {
    this.bits = bits;
    this.next = first;
    this.left = bits.gap();
  }

  /** Whatever is asked, in whatever order: a flit's fate depends on its number alone. */
  of(flit: number): FlitFate {
    if (flit >= this.next) this.draw(flit);
    return this.fates.get(flit) ?? FlitFate.RIGHT;
  }

  /** Flits before this one are not asked about again. */
  forget(flit: number): void {
    for (const each of this.fates.keys()) {
      if (each >= flit) return;
      this.fates.delete(each);
    }
  }

  /** All flits up to and with `last`. */
  private draw(last: number): void {
    while (this.next <= last) {
      const skipped = Math.min(Math.floor(this.left / FLIT_BITS), last + 1 - this.next);
      this.next += skipped;
      this.left -= skipped * FLIT_BITS;
      if (this.next <= last) this.drawNext();
    }
  }

  /** The next flit, which has a wrong bit. */
  private drawNext(): void {
    // The last wrong byte of each code.
    const wrong = [-1, -1, -1];
    let isLost = false;
    while (this.left < FLIT_BITS) {
      const byte = this.left >> 3;
      const group = byte % FEC_GROUPS;
      if (wrong[group] >= 0 && wrong[group] !== byte) isLost = true;
      wrong[group] = byte;
      this.left += 1 + this.bits.gap();
    }
    if (isLost) this.lost++;
    else this.corrected++;
    this.fates.set(this.next++, isLost ? FlitFate.LOST : FlitFate.CORRECTED);
    this.left -= FLIT_BITS;
  }
}
