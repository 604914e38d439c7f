import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BROADCAST, formatMac, isMulticast, parseMac, readMac, writeMac } from '../../src/wire/mac.ts';
import { dirty, toHex } from './bytes.ts';

const anyMac = fc.integer({ min: 0, max: BROADCAST });

describe('a MAC address', () => {
  it('has the first byte on the wire as its most significant one', () => {
    const u8 = dirty(8);
    writeMac(u8, 1, 0xaabb_ccdd_eeff);
    expect(toHex(u8)).toBe('a5aabbccddeeffa5');
    expect(readMac(u8, 1)).toBe(0xaabb_ccdd_eeff);
  });

  it('is read from text with colons or dashes in either case', () => {
    expect(parseMac('aa:bb:cc:dd:ee:ff')).toBe(0xaabb_ccdd_eeff);
    expect(parseMac('AA-BB-CC-DD-EE-FF')).toBe(0xaabb_ccdd_eeff);
    expect(parseMac('02:00:00:00:01:0a')).toBe(0x0200_0000_010a);
  });

  it.each([
    '',
    'aa:bb:cc:dd:ee',
    'aa:bb:cc:dd:ee:ff:00',
    'aa:bb:cc:dd:ee:fg',
    'aa:bb-cc:dd:ee:ff',
    'aabbccddeeff',
  ])('is not %j', (text) => {
    expect(() => parseMac(text)).toThrow(RangeError);
    expect(() => parseMac(text)).toThrow(JSON.stringify(text));
  });

  it('is not something else than text', () => {
    expect(() => parseMac(5 as never)).toThrow(TypeError);
  });

  it('is written in lower case with all its zeros', () => {
    expect(formatMac(0x0200_0000_010a)).toBe('02:00:00:00:01:0a');
    expect(formatMac(0)).toBe('00:00:00:00:00:00');
    expect(formatMac(BROADCAST)).toBe('ff:ff:ff:ff:ff:ff');
    expect(() => formatMac(2 ** 48)).toThrow(RangeError);
  });

  it('comes back from text and from bytes', () => {
    fc.assert(
      fc.property(anyMac, (mac) => {
        const u8 = dirty(6);
        writeMac(u8, 0, mac);
        expect(readMac(u8, 0)).toBe(mac);
        expect(parseMac(formatMac(mac))).toBe(mac);
      }),
    );
  });

  it('is a group address when the lowest bit of its first byte is set', () => {
    expect(isMulticast(BROADCAST)).toBe(true);
    expect(isMulticast(parseMac('01:00:5e:00:00:01'))).toBe(true);
    expect(isMulticast(parseMac('02:00:00:00:01:0a'))).toBe(false);
    expect(isMulticast(parseMac('00:01:01:01:01:01'))).toBe(false);
  });
});
