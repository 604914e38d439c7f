import { checkLinkRate, type LinkRate, symbolPs } from './link-rate.ts';

/** Bytes of a flit (PCI Express Base 6.0 4.2.3.4). */
export const FLIT_BYTES = 256;
/** Its first bytes: TLPs, or parts of them. */
export const FLIT_TLP_BYTES = 236;
/** Behind them DLP, the data link layer payload: Ack or Nak, and a DLLP. */
export const FLIT_DLP_BYTES = 6;
/** CRC of all of these. */
export const FLIT_CRC_BYTES = 8;
/** FEC of all: three codes, of which each corrects one byte. */
export const FLIT_FEC_BYTES = 6;

/** Symbols of a SKIP ordered set on each lane in 1b/1b encoding. */
export const FLIT_SKIP_SYMBOLS = 40;
/**
 * Symbols between two of them at most. Estimate, after 128b/130b, whose sets give 4 symbols of slack every 375 blocks of 16
 * symbols: one of 1b/1b gives 8, for the same tolerance of the clocks.
 */
const SKIP_INTERVAL_SYMBOLS = 750 * 16;

/** Flits between two SKIP ordered sets, which stand between flits alone, at the same distance always. */
export function flitsBetweenSkips(lanes: number): number {
  const flits = Math.floor((SKIP_INTERVAL_SYMBOLS * lanes) / FLIT_BYTES);
  // On twelve lanes three flits take whole symbol times.
  return lanes === 12 ? flits - (flits % 3) : flits;
}

/**
 * When the flits of one direction of a link leave. They follow each other without a pause, full or empty, with SKIP ordered sets
 * in fixed places: where a flit stands depends on its number and on nothing else.
 */
export class FlitClock {
  /** Time of a byte, as numerator and denominator. */
  readonly symbol: number;
  readonly lanes: number;
  /** From one SKIP ordered set to the next, its own time included, and that time. */
  readonly periodPs: number;
  readonly skipPs: number;
  /** What {@link FlitClock.locate} has found: a flit, counted from 0, and a byte of it, 0 to 255. */
  flit = 0;
  offset = 0;
  private readonly flits: number;

  /** @throws RangeError for a rate that does not exist. */
  constructor(rate: LinkRate) {
    checkLinkRate(rate);
    const { lanes } = rate;
    this.symbol = symbolPs(rate);
    this.lanes = lanes;
    this.flits = flitsBetweenSkips(lanes);
    this.skipPs = FLIT_SKIP_SYMBOLS * this.symbol;
    this.periodPs = (this.flits * FLIT_BYTES * this.symbol) / lanes + this.skipPs;
  }

  /** When byte `offset` of a flit begins, in whole ps. */
  timeOf(flit: number, offset: number): number {
    const period = Math.floor(flit / this.flits);
    const bytes = (flit - period * this.flits) * FLIT_BYTES + offset;
    return period * this.periodPs + Math.ceil((bytes * this.symbol) / this.lanes);
  }

  /** When a flit's last byte has left. */
  endOf(flit: number): number {
    return this.timeOf(flit, FLIT_BYTES);
  }

  /** Finds the first byte that begins at `timePs` or later; within a SKIP ordered set that is the flit behind it. */
  locate(timePs: number): void {
    const period = Math.floor(timePs / this.periodPs);
    const inPeriod = timePs - period * this.periodPs;
    // Times are rounded up to whole ps: one less is still the byte that begins then.
    const bytes = inPeriod === 0 ? 0 : Math.ceil(((inPeriod - 1) * this.lanes) / this.symbol);
    const flit = Math.floor(bytes / FLIT_BYTES);
    const isSkip = flit >= this.flits;
    this.flit = period * this.flits + (isSkip ? this.flits : flit);
    this.offset = isSkip ? 0 : bytes - flit * FLIT_BYTES;
  }
}
