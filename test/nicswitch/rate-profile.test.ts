import { describe, expect, it } from 'vitest';
import { byteTimeOf } from '../../src/kernel/index.ts';
import {
  byteTimeOfFactor,
  countedBytes,
  EXACT_RATES,
  INTEL_82599_RATES,
  rateFactorOf,
  weightsOf,
} from '../../src/nicswitch/index.ts';

describe('rate factor of the 82599', () => {
  // Link / target by hand: integral part in bits 23:14, fraction in 13:0, rounded down.
  it.each([
    // [target Mb/s, integral part, fraction x 2^14]
    [10_000, 1, 0], // 1
    [9_999, 1, 1], // 1.00010001 -> 1.638...
    [7_500, 1, 5_461], // 1.3333 -> 5461.33
    [5_000, 2, 0],
    [3_000, 3, 5_461], // 3.3333
    [2_500, 4, 0],
    [1_000, 10, 0],
    [700, 14, 4_681], // 14.285714 -> 4681.14
    [333, 30, 492], // 30.03003 -> 492.01
    [100, 100, 0],
    [64, 156, 4_096], // 156.25
    [11, 909, 1_489], // 909.0909 -> 1489.45
  ])('of %i Mb/s on 10 Gb/s is %i + %i / 16384', (mbps, whole, fraction) => {
    expect(rateFactorOf(mbps, 10_000)).toBe((whole << 14) | fraction);
  });

  it('makes a byte take so many times what it takes on the link', () => {
    for (const mbps of [11, 64, 333, 700, 1_000, 7_500, 9_999, 10_000]) {
      const { numerator, denominator } = byteTimeOfFactor(rateFactorOf(mbps, 10_000), 10_000);
      expect(numerator / denominator).toBeCloseTo((800 * rateFactorOf(mbps, 10_000)) / 16384, 9);
    }
    expect(byteTimeOfFactor(1 << 14, 10_000)).toEqual({ numerator: 800, denominator: 1 });
    expect(byteTimeOfFactor((1 << 14) | 1, 10_000)).toEqual({ numerator: 25 * 16_385, denominator: 512 });
  });

  it('rounds a rate up by less than 0.01 %', () => {
    for (let mbps = 11; mbps <= 10_000; mbps += 7) {
      const { numerator, denominator } = INTEL_82599_RATES.byteTime(mbps, 10_000);
      const real = (8_000_000 * denominator) / numerator;
      expect(real).toBeGreaterThanOrEqual(mbps * (1 - 1e-12));
      expect(real / mbps).toBeLessThan(1.0001);
    }
  });
});

describe('what can be asked for', () => {
  it.each([
    ['82599, 10 Gb/s', INTEL_82599_RATES, 10_000, [11, 10_000], [0, 10, 10_001, 500.5]],
    ['82599, 1 Gb/s', INTEL_82599_RATES, 1_000, [], [11, 500, 1_000]],
    ['exact, 1 Gb/s', EXACT_RATES, 1_000, [1, 10, 1_000], [0, 1_001, 0.5]],
  ] as const)('%s', (_, rates, link, allowed, refused) => {
    for (const mbps of allowed) expect(rates.refuseMax(mbps, link)).toBeNull();
    for (const mbps of refused) expect(rates.refuseMax(mbps, link)).toMatch(/ /);
  });

  it('is a minimum only where the card has any', () => {
    expect(INTEL_82599_RATES.refuseMin(0, 10_000)).toBeNull();
    expect(INTEL_82599_RATES.refuseMin(100, 10_000)).toBe('the card guarantees no minimum rate');
    expect(EXACT_RATES.refuseMin(100, 10_000)).toBeNull();
    expect(EXACT_RATES.refuseMin(10_001, 10_000)).toBe('10001 Mb/s is not between 0 and 10000');
    expect(EXACT_RATES.byteTime(333, 10_000)).toEqual(byteTimeOf(333_000));
  });
});

it('counts layer 2: padding and frame check sequence, no preamble and no gap', () => {
  expect([14, 60, 61, 1514].map(countedBytes)).toEqual([64, 64, 65, 1518]);
});

describe('weights of guaranteed minima', () => {
  it('share what nobody is guaranteed equally', () => {
    // 2,000 Mb/s are left: 500 each.
    expect(weightsOf([5_000, 2_000, 1_000, 0], 10_000, 500)).toEqual([1_100, 500, 300, 100]);
    expect(weightsOf([5_000, 2_000, 1_000, 0], 10_000, 1)).toEqual([2.2, 1, 0.6, 0.2]);
  });

  it.each([
    ['one of 64', [9_000, ...Array.from({ length: 63 }, () => 10)]],
    ['all', [5_000, 3_000, 2_000, 0]],
    ['none', [0, 0]],
  ])('have the mean that was asked for, however unequal they are: %s', (_, minima) => {
    const weights = weightsOf(minima, 10_000, 1_518);
    expect(weights.reduce((sum, each) => sum + each) / minima.length / 1_518).toBeCloseTo(1, 4);
    expect(Math.min(...weights)).toBeGreaterThan(0);
  });

  it('leave a VPort without minimum next to nothing when all is guaranteed', () => {
    const [a, b, none] = weightsOf([6_000, 4_000, 0], 10_000, 16_384);
    expect(a / b).toBeCloseTo(1.5, 6);
    expect(none / a).toBeLessThan(1e-4);
  });
});
