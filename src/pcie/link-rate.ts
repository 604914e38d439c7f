import { checkInteger, checkOneOf } from '../base/index.ts';

/** Generation and width of a link. */
export interface LinkRate {
  /** 1 to 6: 2.5, 5, 8, 16, 32 or 64 GT/s a lane; generation 6 is in Flit Mode. */
  readonly generation: number;
  /** 1, 2, 4, 8, 12, 16 or 32. */
  readonly lanes: number;
}

/**
 * ps a byte over all lanes, as numerator and denominator (PCI Express Base 4.2): 8b/10b sends ten bits for eight, 128b/130b
 * from generation 3 on 130 for 128, and generation 6 (1b/1b) what there is.
 */
export function linkPsPerByte(rate: LinkRate): readonly [number, number] {
  const symbol = symbolPs(rate);
  const { generation, lanes } = rate;
  // 8,125 / 8 ps at 8 GT/s.
  return generation < 3 || generation > 5 ? [symbol, lanes] : [8125, lanes << generation];
}

/** A symbol time of the link in ps: what eight bits take on a lane, in which the specification gives its limits. */
export function symbolPs(rate: LinkRate): number {
  checkLinkRate(rate);
  return 8000 / 2 ** rate.generation;
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
 * @param newest generation, 6 or before.
 * @throws TypeError or RangeError for a generation or width that does not exist.
 */
export function checkLinkRate(rate: LinkRate, newest = 6): void {
  checkInteger('generation', rate.generation, 1, newest);
  checkOneOf('lanes', rate.lanes, [1, 2, 4, 8, 12, 16, 32]);
}
