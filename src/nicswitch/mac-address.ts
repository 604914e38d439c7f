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
