import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { internetChecksum, internetSum, pseudoHeaderSum } from '../../src/wire/checksum.ts';
import { fromHex } from './bytes.ts';

describe('the Internet checksum', () => {
  it('has the sum of the example of RFC 1071, section 3', () => {
    expect(internetSum(fromHex('0001 f203 f4f5 f6f7'), 0, 8)).toBe(0xddf2);
  });

  it('takes an odd last byte as the upper half of a word', () => {
    expect(internetSum(fromHex('0001 f2'), 0, 3)).toBe(0xf201);
    expect(internetChecksum(fromHex('0001 f2'), 0, 3)).toBe(~0xf201 & 0xffff);
  });

  it('does not depend on where the range is cut, if at even places', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(150), (u8, words) => {
        const cut = Math.min(2 * words, u8.length & ~1);
        const first = internetSum(u8, 0, cut);
        expect(internetSum(u8, cut, u8.length - cut, first)).toBe(internetSum(u8, 0, u8.length));
      }),
    );
  });

  it('makes a range sum up to 0xffff', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), (u8) => {
        u8[0] = 0;
        u8[1] = 0;
        const checksum = internetChecksum(u8, 0, u8.length);
        u8[0] = checksum >>> 8;
        u8[1] = checksum;
        expect(internetSum(u8, 0, u8.length)).toBe(0xffff);
      }),
    );
  });

  it('does not overflow over the longest packet', () => {
    expect(internetSum(new Uint8Array(65_536).fill(0xff), 0, 65_536, 0xffff)).toBe(0xffff);
  });
});

describe('the pseudo header', () => {
  it('has addresses, protocol and length of IPv4', () => {
    const packet = fromHex('4500002f000000004011 0000 c0000201 c0000202');
    // c000 + 0201 + c000 + 0202 + 0011 + 001b
    expect(pseudoHeaderSum(packet, 0, 17, 27)).toBe(0x8430);
  });

  it('has the upper half of the length too under IPv6', () => {
    const packet = fromHex(`6000000000003b40 ${'00'.repeat(15)}01 ${'00'.repeat(15)}02`);
    expect(pseudoHeaderSum(packet, 0, 6, 0x0001_0004)).toBe(1 + 2 + 6 + 1 + 4);
  });
});
