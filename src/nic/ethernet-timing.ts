import { INTER_FRAME_GAP_BYTES, PREAMBLE_BYTES } from '../wire/index.ts';

/** Forward error correction of a link: none, BASE-R (IEEE 802.3 clause 74) or Reed-Solomon (clauses 91, 108). */
export type Fec = 'none' | 'base-r' | 'rs';

/** Rates of Ethernet ports that the model knows, in Gb/s. */
export const ETHERNET_GBPS = Object.freeze([1, 10, 25, 40, 100] as const);

/** What a rate of Ethernet has of its own. */
interface EthernetRate {
  /** A frame begins at a multiple of so many bytes: lane 0 of the interface between MAC and PHY. */
  readonly alignment: number;
  /** The forward error corrections that it may run with, and how long each takes to collect a block, in ps. */
  readonly fec: Readonly<Partial<Record<Fec, number>>>;
}

/** Bits of a block: (2112, 2080) of clause 74.7.4, RS(528, 514) with symbols of ten bits of clauses 91.5 and 108.5. */
const BASE_R_BITS = 2112;
const RS_BITS = 5280;
/** Signalling rate of a lane, in Mb/s: clause 49 (10 and 40 Gb/s), clause 107 and 82 (25 and 100 Gb/s). */
const LANE_10G = 10_312.5;
const LANE_25G = 25_781.25;

/** Time to collect a block over lanes that share it, in ps. */
const blockPs = (bits: number, megabits: number): number => Math.round((bits * 1e6) / megabits);

/**
 * Alignment: clause 46.3.1.4 for the four lanes of 10 and 25 Gb/s (clause 106.1.6), clause 81.3.1.4 for the
 * eight of 40 and 100 Gb/s. A decoder passes nothing on before it has a whole block: that, and not the
 * decoder's own cycles, is charged. BASE-R has blocks on each lane, Reed-Solomon spreads one over all four.
 */
const RATES: Readonly<Record<number, EthernetRate>> = {
  1: { alignment: 1, fec: { none: 0 } },
  10: { alignment: 4, fec: { none: 0 } },
  25: {
    alignment: 4,
    fec: { none: 0, 'base-r': blockPs(BASE_R_BITS, LANE_25G), rs: blockPs(RS_BITS, LANE_25G) },
  },
  40: { alignment: 8, fec: { none: 0, 'base-r': blockPs(BASE_R_BITS, LANE_10G) } },
  100: { alignment: 8, fec: { none: 0, rs: blockPs(RS_BITS, 4 * LANE_25G) } },
};
/** Any other rate: every byte alike, as in clause 4. */
const PLAIN: EthernetRate = { alignment: 1, fec: { none: 0 } };

/** Signals travel a metre of cable in 5 ns, two thirds of the speed of light (IEEE 802.3 clause 31B.3.7 counts as much). */
export const CABLE_PS_PER_METRE = 5000;

/** The forward error corrections that a port of this rate may run with, in Gb/s. */
export function fecsOf(gigabits: number): readonly Fec[] {
  return Object.keys((RATES[gigabits] ?? PLAIN).fec) as Fec[];
}

/**
 * Time that forward error correction adds to one direction of a link, in ps: that of collecting a block.
 *
 * @throws RangeError if a port of this rate does not have it.
 * @example
 * fecDelayPs(25, 'rs'); // 204_800
 * fecDelayPs(100, 'rs'); // 51_200
 */
export function fecDelayPs(gigabits: number, fec: Fec): number {
  const delay = (RATES[gigabits] ?? PLAIN).fec[fec];
  if (delay === undefined) {
    throw new RangeError(
      `fec must be ${fecsOf(gigabits).join(' or ')} at ${gigabits} Gb/s, got ${JSON.stringify(fec)}`,
    );
  }
  return delay;
}

/**
 * Gaps between frames that follow each other without a pause: twelve bytes, or, where a frame may only begin
 * on lane 0, up to a lane less and more, so that they are twelve on average (deficit idle count, IEEE 802.3
 * clauses 46.3.1.4 and 81.3.1.4).
 *
 * @example
 * const gaps = new InterFrameGaps(10);
 * gaps.after(64); // 12: 8 + 64 + 12 bytes are a multiple of four
 * gaps.after(1518); // 10
 * gaps.after(1518); // 14
 */
export class InterFrameGaps {
  private readonly alignment: number;
  /** Bytes that gaps have been shorter than twelve so far; less than the alignment. */
  private deficit = 0;

  /** @param gigabits rate in Gb/s. */
  constructor(gigabits: number) {
    this.alignment = (RATES[gigabits] ?? PLAIN).alignment;
  }

  /** Bytes of gap behind a frame of `bytes` bytes with frame check sequence. */
  after(bytes: number): number {
    const mask = (this.alignment - 1) | 0;
    const short = (PREAMBLE_BYTES + bytes + INTER_FRAME_GAP_BYTES) & mask;
    if (short === 0) return INTER_FRAME_GAP_BYTES;
    const deficit = this.deficit + short;
    this.deficit = deficit & mask;
    return INTER_FRAME_GAP_BYTES - short + (deficit - this.deficit);
  }

  /** The wire has been idle for longer than a gap: nothing is owed any more. */
  idle(): void {
    this.deficit = 0;
  }
}
