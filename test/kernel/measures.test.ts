import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockDomain, Histogram, Serializer } from '../../src/kernel/index.ts';

describe('Serializer', () => {
  it('carries the remainder of a rate that is no whole number of ps a byte', () => {
    const gen3x8 = new Serializer(8125, 64); // 8 GT/s x8, 128b/130b
    let end = 0;
    for (let i = 0; i < 64; i++) end = gen3x8.reserve(0, 1);
    expect(end).toBe(8125);
  });

  it('starts when it is free and not before it is asked', () => {
    const wire = new Serializer(800);
    expect(wire.reserve(1_000, 10)).toBe(9_000);
    expect(wire.reserve(1_000, 10)).toBe(17_000);
    expect(wire.reserve(50_000, 10)).toBe(58_000);
    expect(wire.busyPs).toBe(24_000);
  });
});

describe('ClockDomain', () => {
  it('has its edges at the multiples of its period', () => {
    const clock = new ClockDomain('core', 6_400);
    expect([0, 1, 6_400, 6_401].map((t) => clock.edgeAtOrAfter(t))).toEqual([0, 6_400, 6_400, 12_800]);
  });
});

describe('Histogram', () => {
  it('keeps minimum, maximum and mean exactly and percentiles within 0.8 %', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 200 }),
        (values) => {
          const histogram = new Histogram();
          for (const value of values) histogram.record(value);
          const sorted = [...values].sort((x, y) => x - y);
          expect(histogram.minPs).toBe(sorted[0]);
          expect(histogram.maxPs).toBe(sorted[sorted.length - 1]);
          expect(histogram.meanPs).toBeCloseTo(values.reduce((x, y) => x + y, 0) / values.length, 0);
          for (const fraction of [0.01, 0.5, 0.9, 0.99, 1]) {
            const exact = sorted[Math.max(1, Math.ceil(fraction * sorted.length)) - 1];
            const got = histogram.percentile(fraction);
            expect(got).toBeGreaterThanOrEqual(exact);
            expect(got).toBeLessThanOrEqual(exact * (1 + 1 / 128) + 1);
          }
        },
      ),
    );
  });

  it('adds up by merging', () => {
    const [x, y, both] = [new Histogram(), new Histogram(), new Histogram()];
    for (let i = 1; i < 1000; i++) {
      (i % 3 === 0 ? x : y).record(i * 977);
      both.record(i * 977);
    }
    x.merge(y);
    expect([x.samples, x.minPs, x.maxPs, x.percentile(0.5)]).toEqual([
      both.samples,
      both.minPs,
      both.maxPs,
      both.percentile(0.5),
    ]);
  });
});
