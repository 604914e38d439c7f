import { checkInteger, checkOneOf } from '../base/index.ts';

/** Generation and width of a link. */
export interface LinkRate {
  /** 1 to 5: 2.5, 5, 8, 16 or 32 GT/s a lane. */
  readonly generation: number;
  /** 1, 2, 4, 8, 12, 16 or 32. */
  readonly lanes: number;
}

/** One transfer of a lane's byte as a fraction of ps: 8b/10b sends ten bits for eight, 128b/130b 130 for 128. */
const LANE_PS_PER_BYTE: Readonly<Record<number, readonly [number, number]>> = {
  1: [4000, 1],
  2: [2000, 1],
  3: [8125, 8],
  4: [8125, 16],
  5: [8125, 32],
};

/** ps that eight bits take on a lane: the "symbol time" in which the specification gives its limits. */
const SYMBOL_PS: Readonly<Record<number, number>> = { 1: 4000, 2: 2000, 3: 1000, 4: 500, 5: 250 };

/** ps a byte over all lanes, as numerator and denominator (PCI Express Base 4.2). */
export function linkPsPerByte(rate: LinkRate): readonly [number, number] {
  checkLinkRate(rate);
  const [numerator, denominator] = LANE_PS_PER_BYTE[rate.generation];
  return [numerator, denominator * rate.lanes];
}

/** A symbol time of the link in ps. */
export function symbolPs(rate: LinkRate): number {
  checkLinkRate(rate);
  return SYMBOL_PS[rate.generation];
}

/**
 * The longest a receiver may wait with an Ack or an UpdateFC while TLPs arrive, in symbol times
 * (PCI Express Base 3.5.3.1 and 2.6.1.2): (MPS + 28) x factor / lanes + internal delay.
 *
 * @param maxPayloadBytes Max_Payload_Size: 128 to 4,096.
 */
export function updateLatencySymbols(rate: LinkRate, maxPayloadBytes: number): number {
  checkLinkRate(rate);
  const { generation, lanes } = rate;
  const delay = generation === 1 ? 19 : generation === 2 ? 70 : 115;
  return ((maxPayloadBytes + 28) * updateFactor(lanes, maxPayloadBytes)) / lanes + delay;
}

/** Narrow links answer less often for what they carry; the table of the specification as its two columns. */
function updateFactor(lanes: number, maxPayloadBytes: number): number {
  if (maxPayloadBytes <= 256) return lanes <= 4 ? 1.4 : lanes <= 8 ? 2.5 : 3.0;
  return lanes <= 8 ? 1.0 : 2.0;
}

/** Symbols between two SKIP ordered sets at most, and symbols of one, on each lane (4.2.7). */
export const SKIP_INTERVAL_SYMBOLS = 1538;
export const SKIP_SYMBOLS = 4;

/**
 * Checks that there is such a link.
 *
 * @throws TypeError or RangeError for a generation or width that does not exist.
 */
export function checkLinkRate(rate: LinkRate): void {
  checkInteger('generation', rate.generation, 1, 5);
  checkOneOf('lanes', rate.lanes, [1, 2, 4, 8, 12, 16, 32]);
}
