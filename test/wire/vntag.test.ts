import { describe, expect, it } from 'vitest';
import { parseVnTag, writeVnTag } from '../../src/wire/vntag.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const TAG = {
  toCard: true,
  pointer: false,
  destinationVif: 0x2abc,
  looped: true,
  version: 1,
  sourceVif: 0xdef,
};

describe('a VN-Tag', () => {
  it('is constructed', () => {
    const u8 = dirty(8);
    expect(writeVnTag(u8, 1, TAG)).toBe(6);
    expect(toHex(u8)).toBe('a58926aabc9defa5');
  });

  it('is parsed', () => {
    expect(parseVnTag(fromHex('ff 8926 aabc 9def'), 1, 6)).toEqual(TAG);
  });

  it.each([
    ['toCard', '80000000'],
    ['pointer', '40000000'],
    ['looped', '00008000'],
  ] as const)('has a bit of its own for %s', (field, bits) => {
    const u8 = dirty(6);
    writeVnTag(u8, 0, { destinationVif: 0, sourceVif: 0, [field]: true });
    expect(toHex(u8)).toBe(`8926${bits}`);
  });

  it('is not found behind another EtherType nor in fewer than 6 bytes', () => {
    expect(parseVnTag(fromHex('893faabc9def'), 0, 6)).toBeUndefined();
    expect(parseVnTag(fromHex('8926aabc9def'), 0, 5)).toBeUndefined();
  });

  it('refuses fields that do not fit', () => {
    const u8 = dirty(6);
    expect(() => writeVnTag(u8, 0, { ...TAG, destinationVif: 0x4000 })).toThrow(RangeError);
    expect(() => writeVnTag(u8, 0, { ...TAG, sourceVif: 0x1000 })).toThrow(RangeError);
    expect(() => writeVnTag(u8, 0, { ...TAG, version: 4 })).toThrow(RangeError);
    expect(toHex(u8)).toBe('a5'.repeat(6));
  });
});
