import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../../src/base/index.ts';
import { FlitFate, FlitFates, type WrongBits, wrongBurstsAt } from '../../../src/pcie/index.ts';
import { bitsAt, randomBits } from './flit-error-rig.ts';

const { RIGHT, CORRECTED, LOST } = FlitFate;
/** What becomes of flit 0 with wrong bits in these bytes. */
const fateOf = (...bytes: number[]) => new FlitFates(bitsAt(bytes.map((byte) => 8 * byte)), 0).of(0);

describe('forward error correction', () => {
  it('puts one wrong byte right, whichever of the 256 it is', () => {
    for (let byte = 0; byte < 256; byte++) expect(fateOf(byte)).toBe(CORRECTED);
    expect(fateOf()).toBe(RIGHT);
  });

  it('puts all eight bits of a byte right', () => {
    const bits = [40, 41, 42, 43, 44, 45, 46, 47];
    expect(new FlitFates(bitsAt(bits), 0).of(0)).toBe(CORRECTED);
  });

  it('puts two wrong bytes right if they are of different codes, which take the bytes in turn', () => {
    const other: number[][] = [];
    for (let first = 0; first < 256; first++) {
      for (let second = first + 1; second < 256; second++) {
        const expected = (second - first) % 3 === 0 ? LOST : CORRECTED;
        if (fateOf(first, second) !== expected) other.push([first, second]);
      }
    }
    expect(other).toEqual([]);
  });

  it('puts three in a row right, which are of three codes, and not four', () => {
    expect(fateOf(100, 101, 102)).toBe(CORRECTED);
    expect(fateOf(100, 101, 102, 103)).toBe(LOST);
  });

  it('has each flit for itself', () => {
    const fates = new FlitFates(bitsAt([8 * 255, 8 * 258, 8 * 261]), 0);
    expect([0, 1, 2].map((flit) => fates.of(flit))).toEqual([CORRECTED, LOST, RIGHT]);
    expect(fates).toMatchObject({ corrected: 1, lost: 1 });
  });

  it('finds the same of a flit in whatever order flits are asked about', () => {
    const asked = fc.array(fc.nat(300), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(asked, fc.nat(1000), (flits, seed) => {
        const inTurn = new FlitFates(randomBits(1e-3, seed, 'bits'), 0);
        const expected = Array.from({ length: 301 }, (_, flit) => inTurn.of(flit));
        const fates = new FlitFates(randomBits(1e-3, seed, 'bits'), 0);
        for (const flit of flits) expect(fates.of(flit)).toBe(expected[flit]);
      }),
    );
  });

  it.each([
    [1e-5, 2e6],
    [1e-4, 2e5],
    [1e-3, 2e4],
  ])('fails as often as the rate says: %f', (rate, flits) => {
    const fates = new FlitFates(randomBits(rate, 3, 'bits'), 0);
    for (let flit = 999; flit < flits; flit += 1000) {
      fates.of(flit);
      fates.forget(flit);
    }
    // Codes of 86, 85 and 85 bytes with one wrong byte at most each, of flits in which some bit is wrong.
    const wrong = 1 - (1 - rate) ** 8;
    const held = [86, 85, 85]
      .map((bytes) => (1 - wrong) ** bytes + bytes * wrong * (1 - wrong) ** (bytes - 1))
      .reduce((product, each) => product * each);
    const lost = flits * (1 - held);
    const corrected = flits * (held - (1 - rate) ** 2048);
    // Five standard deviations of a count.
    expect(Math.abs(fates.lost - lost)).toBeLessThan(5 * Math.sqrt(lost) + 1);
    expect(Math.abs(fates.corrected - corrected)).toBeLessThan(5 * Math.sqrt(corrected) + 1);
    expect(fates.lost).toBeGreaterThan(50);
  });
});

/** The first wrong bits, counted from the first bit of the direction. */
function places(bits: WrongBits, count: number): number[] {
  let at = -1;
  return Array.from({ length: count }, () => {
    at += 1 + bits.gap();
    return at;
  });
}

describe('a burst of wrong bits', () => {
  const random = () => new RandomStreams(9).stream('bursts');

  it('goes on in the byte that its lane has next', () => {
    for (const lanes of [1, 4, 12, 16]) {
      const [first, ...rest] = places(wrongBurstsAt(1e-6, 12, lanes, random()), 12);
      const expected = Array.from({ length: 11 }, (_, i) => {
        const along = (first % 8) + i + 1;
        return 8 * (Math.floor(first / 8) + lanes * Math.floor(along / 8)) + (along % 8);
      });
      expect(rest).toEqual(expected);
    }
  });

  it('has no bit twice, nor one before another, where bursts overlap', () => {
    const found = places(wrongBurstsAt(0.05, 9, 4, random()), 2000);
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
    expect(found[1999]).toBeLessThan(2000 / 0.2);
  });

  it('of five bits is of two bytes at most, which are of two codes, unless the lanes are twelve', () => {
    const fatesOf = (lanes: number) => {
      const fates = new FlitFates(wrongBurstsAt(1e-7, 5, lanes, random()), 0);
      fates.of(1_000_000);
      return fates;
    };
    for (const lanes of [1, 2, 4, 8, 16]) {
      const { corrected, lost } = fatesOf(lanes);
      expect(corrected).toBeGreaterThan(150);
      // Two bursts in one flit.
      expect(lost).toBeLessThan(3);
    }
    // Four of eight begins of a burst of five bits lead beyond the byte.
    const { corrected, lost } = fatesOf(12);
    expect(lost / (lost + corrected)).toBeGreaterThan(0.4);
    expect(lost / (lost + corrected)).toBeLessThan(0.6);
  });

  it('is of a length and on lanes that there are', () => {
    expect(() => wrongBurstsAt(1e-6, 0, 16, random())).toThrow(/^bits must/);
    expect(() => wrongBurstsAt(1e-6, 4, 33, random())).toThrow(/^lanes must/);
    expect(() => wrongBurstsAt(2, 4, 16, random())).toThrow(/^rate must/);
    expect(wrongBurstsAt(0, 4, 16, random()).gap()).toBe(Number.POSITIVE_INFINITY);
  });
});
