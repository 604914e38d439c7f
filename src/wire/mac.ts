import { checkInteger, hex } from '../base/index.ts';
import { read32, write32 } from './bytes.ts';

/** The broadcast address ff:ff:ff:ff:ff:ff. */
export const BROADCAST = 0xffff_ffff_ffff;

/** Bytes of a MAC address. */
export const MAC_BYTES = 6;

const TEXT = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i;

/** Splits an address into its upper 16 and its lower 32 bits: bit operations reach 32 bits only. */
const HIGH = 2 ** 32;

/**
 * The MAC address written as `text`: six bytes of two hexadecimal digits, separated by ':' or by '-'. An address
 * is a 48-bit integer whose most significant byte is the first on the wire.
 *
 * @throws TypeError if `text` is no string, RangeError if it is no MAC address.
 * @example
 * parseMac('02:00:00:00:01:0a') === 0x02000000010a; // true
 */
export function parseMac(text: string): number {
  if (typeof text !== 'string') throw new TypeError(`MAC address must be a string, got ${typeof text}`);
  if (!TEXT.test(text)) {
    throw new RangeError(
      `MAC address must be six bytes as in 02:00:00:00:01:0a, got ${JSON.stringify(text)}`,
    );
  }
  return Number.parseInt(text.replaceAll(text[2], ''), 16);
}

/**
 * `mac` in lower case with ':' between the bytes.
 *
 * @throws TypeError or RangeError if `mac` is no 48-bit integer.
 */
export function formatMac(mac: number): string {
  const digits = hex(checkInteger('mac', mac, 0, BROADCAST), 12);
  return digits.replace(/..(?=.)/g, '$&:');
}

/** The MAC address in the six bytes at `offset`. */
export function readMac(u8: Uint8Array, offset: number): number {
  return ((u8[offset] << 8) | u8[offset + 1]) * HIGH + read32(u8, offset + 2);
}

/** Writes `mac`, a 48-bit integer, to the six bytes at `offset`. */
export function writeMac(u8: Uint8Array, offset: number, mac: number): void {
  const high = Math.floor(mac / HIGH);
  u8[offset] = high >>> 8;
  u8[offset + 1] = high;
  write32(u8, offset + 2, mac);
}

/** True for group addresses, the broadcast address among them: the lowest bit of the first byte is set. */
export function isMulticast(mac: number): boolean {
  return (Math.floor(mac / HIGH) & 0x100) !== 0;
}

/** The first four bytes of `mac` as the little-endian word that they are in a frame, and in registers such as RAL. Signed. */
export function macLowWord(mac: number): number {
  const first = Math.floor(mac / 2 ** 16);
  return (first << 24) | ((first & 0xff00) << 8) | ((first >>> 8) & 0xff00) | (first >>> 24);
}

/** The last two bytes of `mac` as a little-endian half word, as in RAH. */
export function macHighWord(mac: number): number {
  return ((mac & 0xff) << 8) | ((mac >>> 8) & 0xff);
}

/** The address whose words these are; bits of `high` above 15 do not count. */
export function macOfWords(low: number, high: number): number {
  const first = (low << 24) | ((low & 0xff00) << 8) | ((low >>> 8) & 0xff00) | (low >>> 24);
  return (first >>> 0) * 2 ** 16 + (((high & 0xff) << 8) | ((high >>> 8) & 0xff));
}
