import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ETHERNET_GBPS, fecDelayPs, fecsOf, InterFrameGaps } from '../../src/nic/ethernet-timing.ts';

const PREAMBLE = 8;
/** Bytes at whose multiples a frame may begin. */
const ALIGNMENT: Record<number, number> = { 1: 1, 10: 4, 25: 4, 40: 8, 100: 8 };

describe('gaps between frames', () => {
  it('are 12 bytes at 1 Gb/s, whatever the frames are', () => {
    const gaps = new InterFrameGaps(1);
    for (let bytes = 64; bytes < 80; bytes++) expect(gaps.after(bytes)).toBe(12);
  });

  it.each(ETHERNET_GBPS.slice(1))(
    'at %d Gb/s let each frame begin on lane 0, and are 12 bytes on average',
    (gigabits) => {
      const alignment = ALIGNMENT[gigabits];
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 64, max: 1522 }), { minLength: 1, maxLength: 200 }),
          (sizes) => {
            const gaps = new InterFrameGaps(gigabits);
            let at = 0;
            let sum = 0;
            for (const bytes of sizes) {
              const gap = gaps.after(bytes);
              expect(gap).toBeGreaterThan(12 - alignment);
              expect(gap).toBeLessThan(12 + alignment);
              at += PREAMBLE + bytes + gap;
              sum += gap;
              expect(at % alignment).toBe(0);
            }
            expect(12 * sizes.length - sum).toBeGreaterThanOrEqual(0);
            expect(12 * sizes.length - sum).toBeLessThan(alignment);
          },
        ),
      );
    },
  );

  it('are 10 and 14 bytes in turn behind frames of 1,518 bytes at 10 Gb/s', () => {
    const gaps = new InterFrameGaps(10);
    expect([1518, 1518, 1518, 1518].map((bytes) => gaps.after(bytes))).toEqual([10, 14, 10, 14]);
  });

  it('owe nothing after the wire was idle', () => {
    const gaps = new InterFrameGaps(10);
    gaps.after(1518);
    gaps.idle();
    expect(gaps.after(1518)).toBe(10);
  });
});

describe('forward error correction', () => {
  it.each([
    [1, 'none', 0],
    [10, 'none', 0],
    [25, 'none', 0],
    // 2,112 bits at 25.78125 Gb/s; 5,280 bits at 25.78125 Gb/s.
    [25, 'base-r', 81_920],
    [25, 'rs', 204_800],
    // 2,112 bits on each of four lanes of 10.3125 Gb/s.
    [40, 'base-r', 204_800],
    // 5,280 bits over four lanes of 25.78125 Gb/s.
    [100, 'rs', 51_200],
  ] as const)('at %d Gb/s, %s: the time of one block, %d ps', (gigabits, fec, delay) => {
    expect(fecDelayPs(gigabits, fec)).toBe(delay);
  });

  it('is refused where a rate does not have it', () => {
    expect(() => fecDelayPs(10, 'rs')).toThrow(/none at 10 Gb\/s, got "rs"/);
    expect(() => fecDelayPs(40, 'rs')).toThrow(RangeError);
    expect(fecsOf(25)).toEqual(['none', 'base-r', 'rs']);
  });
});
