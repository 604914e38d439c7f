import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, crc32c, isFcsValid, writeFcs } from '../../src/wire/crc.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const DIGITS = new TextEncoder().encode('123456789');

describe('a cyclic redundancy check', () => {
  it('has the published check values', () => {
    expect(crc32(DIGITS, 0, 9)).toBe(0xcbf4_3926);
    expect(crc32c(DIGITS, 0, 9)).toBe(0xe306_9283);
  });

  it('has the values of RFC 3720, section B.4, for CRC-32C', () => {
    expect(crc32c(new Uint8Array(32), 0, 32)).toBe(0x8a91_36aa);
    expect(crc32c(new Uint8Array(32).fill(0xff), 0, 32)).toBe(0x62a8_ab43);
    expect(
      crc32c(
        Uint8Array.from({ length: 32 }, (_, i) => i),
        0,
        32,
      ),
    ).toBe(0x46dd_794e);
  });

  it('goes on over several ranges', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (u8, place) => {
        const cut = Math.min(place, u8.length);
        for (const crc of [crc32, crc32c]) {
          expect(crc(u8, cut, u8.length - cut, crc(u8, 0, cut))).toBe(crc(u8, 0, u8.length));
        }
      }),
    );
  });
});

describe('the frame check sequence', () => {
  it('follows the frame with its low byte first', () => {
    const u8 = dirty(15);
    u8.set(DIGITS, 1);
    writeFcs(u8, 1, 9);
    expect(toHex(u8)).toBe('a53132333435363738392639f4cba5');
    expect(isFcsValid(u8, 1, 13)).toBe(true);
  });

  it('shows every changed bit', () => {
    const u8 = dirty(64);
    writeFcs(u8, 0, 60);
    for (let bit = 0; bit < 512; bit++) {
      u8[bit >> 3] ^= 1 << (bit & 7);
      expect(isFcsValid(u8, 0, 64)).toBe(false);
      u8[bit >> 3] ^= 1 << (bit & 7);
    }
    expect(isFcsValid(u8, 0, 64)).toBe(true);
  });

  it('leaves the well-known residue', () => {
    const u8 = dirty(64);
    writeFcs(u8, 0, 60);
    expect(crc32(u8, 0, 64)).toBe(0x2144_df1c);
  });

  it('is not found in fewer than 4 bytes', () => {
    expect(isFcsValid(fromHex('000000'), 0, 3)).toBe(false);
  });
});
