import { checkInteger } from '../base/index.ts';
import { BROADCAST, parseMac } from '../wire/index.ts';

/** A MAC address: 48 bits, the first byte on the wire the most significant, or text as in `02:00:00:00:01:0a`. */
export type MacAddress = number | string;

/**
 * `mac` as an integer.
 *
 * @throws TypeError or RangeError if it is no MAC address.
 */
export function checkMac(mac: MacAddress): number {
  return typeof mac === 'string' ? parseMac(mac) : checkInteger('mac', mac, 0, BROADCAST);
}

/** The first four bytes of `mac` as the little-endian word that they are in a frame (82599: RAL). */
export function macLow(mac: number): number {
  const first = Math.floor(mac / 2 ** 16);
  return (first << 24) | ((first & 0xff00) << 8) | ((first >>> 8) & 0xff00) | (first >>> 24);
}

/** The last two bytes of `mac` as a little-endian half word (82599: RAH, bits 15:0). */
export function macHigh(mac: number): number {
  return ((mac & 0xff) << 8) | ((mac >>> 8) & 0xff);
}

/** The address whose words are `low` and `high`. */
export function macOf(low: number, high: number): number {
  const first = (low << 24) | ((low & 0xff00) << 8) | ((low >>> 8) & 0xff00) | (low >>> 24);
  return (first >>> 0) * 2 ** 16 + (((high & 0xff) << 8) | ((high >>> 8) & 0xff));
}
