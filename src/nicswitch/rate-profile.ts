import { type ByteTime, byteTimeOf } from '../kernel/index.ts';
import { macFrameBytes } from '../wire/index.ts';

/** How a card limits rates: what can be asked for, and what comes of it. */
export interface RateProfile {
  readonly name: string;
  /** Whether limits are rate factors, relative to the link. */
  readonly factors: boolean;
  /** Whether VPorts can be in different traffic classes. */
  readonly classes: boolean;
  /** What a limit can be, for people. */
  readonly allowed: string;
  /** Credit that a limit keeps for a frame that was held up by others, in bytes. */
  readonly windowBytes: number;
  /** Why a limit of `mbps` cannot be had on a link of `linkMbps`, or null. */
  refuseMax(mbps: number, linkMbps: number): string | null;
  /** Why a guaranteed minimum of `mbps` cannot be had, or null. */
  refuseMin(mbps: number, linkMbps: number): string | null;
  /** The rate that a limit of `mbps` is in truth. Only for one that is not refused. */
  byteTime(mbps: number, linkMbps: number): ByteTime;
}

/** Bits behind the point of the rate factor (RTTBCNRC.RF_DEC), and in front of it (RF_INT). */
const FACTOR_FRACTION_BITS = 14;
const FACTOR_MASK = 0xff_ffff;
/** MMW_SIZE that drivers set on an 82599 with frames up to 1.5 KB: 4 KB (RTTBCNRM). */
const MMW_BYTES = 4096;
/** The 82599's driver limits rates on a link of 10 Gb/s only, and to more than 10 Mb/s. */
const LINK_MBPS = 10_000;
const LEAST_MBPS = 10;
/** Part of the mean that a share of nothing is. */
const NO_SHARE = 2 ** -16;

/**
 * The rate factor of the 82599 for a limit of `mbps`: link rate / target rate with ten bits before the point
 * and 14 behind it, rounded down, as drivers write it to RTTBCNRC (82599 datasheet 8.2.3.10.16).
 */
export function rateFactorOf(mbps: number, linkMbps: number): number {
  return Math.floor((linkMbps * 2 ** FACTOR_FRACTION_BITS) / mbps) & FACTOR_MASK;
}

/**
 * What a rate factor is: so many times what a byte takes on a link of `linkMbps`. A factor below 1.0 limits
 * nothing that the link does not.
 */
export function byteTimeOfFactor(factor: number, linkMbps: number): ByteTime {
  const { numerator, denominator } = byteTimeOf(linkMbps * 1000);
  let parts = Math.max(1, factor);
  let whole = 2 ** FACTOR_FRACTION_BITS;
  for (; whole > 1 && parts % 2 === 0; whole /= 2) parts /= 2;
  // What is left of 2^14 goes against the numerator, so that it stays small.
  let time = numerator;
  for (; whole > 1 && time % 2 === 0; whole /= 2) time /= 2;
  return { numerator: time * parts, denominator: denominator * whole };
}

/**
 * What limits and weights count of a frame with `bytes` in memory: the layer 2 length, with padding and frame
 * check sequence, without preamble and inter-frame gap (X550 data sheet, section 7.6.2.1.1).
 */
export function countedBytes(bytes: number): number {
  return macFrameBytes(bytes);
}

/** Exact limits from 1 Mb/s to the rate of the link, and guaranteed minima. */
export const EXACT_RATES: RateProfile = Object.freeze({
  name: 'exact',
  factors: false,
  classes: true,
  allowed: '1 to the rate of the link',
  windowBytes: MMW_BYTES,
  refuseMax: (mbps: number, linkMbps: number) => refuse(mbps, 1, linkMbps),
  refuseMin: (mbps: number, linkMbps: number) => refuse(mbps, 0, linkMbps),
  byteTime: (mbps: number) => byteTimeOf(mbps * 1000),
});

/** The Intel 82599: limits as rate factors, on a link of 10 Gb/s, above 10 Mb/s; no guaranteed minima. */
export const INTEL_82599_RATES: RateProfile = Object.freeze({
  name: 'intel-82599',
  factors: true,
  classes: false,
  allowed: '11 to 10000 on a link of 10 Gb/s',
  windowBytes: MMW_BYTES,
  refuseMax: (mbps: number, linkMbps: number) => {
    if (linkMbps !== LINK_MBPS) return `the card limits rates at 10 Gb/s only, the link has ${linkMbps} Mb/s`;
    return refuse(mbps, LEAST_MBPS + 1, linkMbps);
  },
  refuseMin: (mbps: number) => (mbps === 0 ? null : 'the card guarantees no minimum rate'),
  byteTime: (mbps: number, linkMbps: number) => byteTimeOfFactor(rateFactorOf(mbps, linkMbps), linkMbps),
});

function refuse(mbps: number, least: number, linkMbps: number): string | null {
  if (Number.isInteger(mbps) && mbps >= least && mbps <= linkMbps) return null;
  if (Number.isInteger(mbps)) return `${mbps} Mb/s is not between ${least} and ${linkMbps}`;
  return `${mbps} Mb/s is no whole number from ${least} to ${linkMbps}`;
}

/**
 * Weights that guarantee each of several its minimum on a link of `linkMbps`: what nobody is guaranteed is
 * shared equally. Bytes, and no whole ones: shares are exact, whatever their mean.
 *
 * Who takes turns by such weights (deficit round robin) keeps the shares over times of a few rounds, and a round
 * is the sum of all weights: so the mean should be about a frame, not more.
 *
 * @param minima in Mb/s; together at most the rate of the link.
 * @param meanBytes mean of the weights. Where nothing is left for somebody, he has 1/65,536 of it: something
 *   only while the others want nothing.
 */
export function weightsOf(minima: readonly number[], linkMbps: number, meanBytes: number): number[] {
  const guaranteed = minima.reduce((sum, each) => sum + each, 0);
  // In parts of 1 / count Mb/s, so that they are whole; their mean is the rate of the link.
  const shares = minima.map((each) => each * minima.length + Math.max(0, linkMbps - guaranteed));
  return shares.map((share) => weightOf(share, linkMbps, meanBytes));
}

/** @internal One of {@link weightsOf}: of `share` where the mean is `linkMbps`. */
export function weightOf(share: number, linkMbps: number, meanBytes: number): number {
  return (Math.max(share, linkMbps * NO_SHARE) * meanBytes) / linkMbps;
}
