import { describe, expect, it } from 'vitest';
import { parseETag, writeETag } from '../../src/wire/etag.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const TAG = {
  priority: 5,
  dropEligible: true,
  ingressBase: 0x123,
  group: 2,
  base: 0x456,
  ingressExtension: 0x78,
  extension: 0x9a,
};

describe('an E-Tag', () => {
  it('is constructed', () => {
    const u8 = dirty(10);
    expect(writeETag(u8, 1, TAG)).toBe(8);
    expect(toHex(u8)).toBe('a5893fb1232456789aa5');
  });

  it('is parsed', () => {
    expect(parseETag(fromHex('ff 893f b123 2456 789a'), 1, 8)).toEqual(TAG);
  });

  it('is zero but for the E-CID unless told otherwise', () => {
    const u8 = dirty(8);
    writeETag(u8, 0, { base: 0xfff });
    expect(toHex(u8)).toBe('893f00000fff0000');
  });

  it('ignores the reserved bits', () => {
    expect(parseETag(fromHex('893f b123 e456 789a'), 0, 8)).toEqual(TAG);
  });

  it('is not found behind another EtherType nor in fewer than 8 bytes', () => {
    expect(parseETag(fromHex('8926b1232456789a'), 0, 8)).toBeUndefined();
    expect(parseETag(fromHex('893fb1232456789a'), 0, 7)).toBeUndefined();
  });

  it.each([
    ['priority', 8],
    ['ingressBase', 4096],
    ['group', 4],
    ['base', 4096],
    ['ingressExtension', 256],
    ['extension', 256],
  ])('refuses a %s of %i', (field, value) => {
    const u8 = dirty(8);
    expect(() => writeETag(u8, 0, { ...TAG, [field]: value })).toThrow(RangeError);
    expect(toHex(u8)).toBe('a5'.repeat(8));
  });
});
