import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DATA_LINK_OVERHEAD_BYTES,
  DLLP_BYTES,
  encodeDllp,
  encodeTlp,
  frameDllp,
  frameTlp,
  type LinkEncoding,
  lcrc,
  unframe,
} from '../../../src/pcie/index.ts';
import { anyTlp } from './random-tlp.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const READ = bytesOf('00000010 010001ff 00001000');
const ENCODINGS: readonly LinkEncoding[] = ['8b/10b', '128b/130b'];

describe('framing', () => {
  it('of 8b/10b is STP, sequence number, TLP, LCRC and END', () => {
    expect(hex(frameTlp(READ, 0x123, '8b/10b'))).toBe('fb012300000010010001ff000010001dfb9069fd');
  });

  it('of 128b/130b is a token with length, its CRC, parity and sequence number', () => {
    // Five double words: length bits 0 and 2. The CRC is 0110b: L[2], L[2]; C[0] and C[3] cancel out. Parity is even.
    expect(hex(frameTlp(READ, 0x123, '128b/130b'))).toBe('5f00612300000010010001ff000010001dfb9069');
    // 1,027 double words, 10000000011b, by the sums of bits that the specification lists.
    const long = frameTlp(new Uint8Array(4 * 1025), 0, '128b/130b');
    expect(hex(long.subarray(0, 4))).toBe('3f407000');
  });

  it('of a DLLP is eight symbols', () => {
    const dllp = encodeDllp({ kind: 'Ack', sequence: 0 });
    expect(hex(frameDllp(dllp, '8b/10b'))).toBe('5c00000000b362fd');
    expect(hex(frameDllp(dllp, '128b/130b'))).toBe('f0ac00000000b362');
  });

  it.each(ENCODINGS)('in %s takes what the timing of the link counts', (encoding) => {
    expect(frameTlp(READ, 0, encoding).length).toBe(READ.length + DATA_LINK_OVERHEAD_BYTES);
    expect(frameDllp(new Uint8Array(6), encoding).length).toBe(DLLP_BYTES);
  });

  it.each(ENCODINGS)('in %s is taken off again', (encoding) => {
    fc.assert(
      fc.property(anyTlp(), fc.nat(4095), fc.boolean(), (packet, sequence, nullified) => {
        const tlp = encodeTlp(packet);
        expect(unframe(frameTlp(tlp, sequence, encoding, nullified), encoding)).toEqual({
          kind: 'tlp',
          sequence,
          tlp,
          isIntact: !nullified,
          isNullified: nullified,
        });
      }),
      { numRuns: 200 },
    );
    const dllp = encodeDllp({ kind: 'NOP' });
    expect(unframe(frameDllp(dllp, encoding), encoding)).toEqual({ kind: 'dllp', dllp });
  });

  it.each(ENCODINGS)('in %s shows every wrong bit of a TLP, by LCRC, token or end', (encoding) => {
    const framed = frameTlp(READ, 0x5a5, encoding);
    for (let bit = 0; bit < 8 * framed.length; bit++) {
      const hit = framed.slice();
      hit[bit >> 3] ^= 1 << (bit & 7);
      const found = unframe(hit, encoding);
      // The upper half of the first byte of 8b/10b's sequence number is reserved.
      const isReserved = encoding === '8b/10b' && bit >> 3 === 1 && (bit & 7) >= 4;
      expect(found.kind === 'tlp' && found.isIntact, `bit ${bit}`).toBe(isReserved);
    }
  });

  it.each(ENCODINGS)('in %s takes any bytes', (encoding) => {
    const start = fc.constantFrom(0xfb, 0x5c, 0xf0, 0x5f, 0x2f, 0x0f);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 24 }), (first, rest) => {
        const found = unframe(Uint8Array.of(first, ...rest), encoding);
        expect(['tlp', 'dllp', 'framing error']).toContain(found.kind);
      }),
    );
    expect(unframe(new Uint8Array(0), encoding).kind).toBe('framing error');
  });

  it('covers the sequence number by the LCRC', () => {
    expect(lcrc(1, READ)).not.toBe(lcrc(2, READ));
    expect(() => frameTlp(READ, 4096, '8b/10b')).toThrow(RangeError);
    expect(() => frameTlp(READ.subarray(1), 0, '8b/10b')).toThrow(RangeError);
  });
});
