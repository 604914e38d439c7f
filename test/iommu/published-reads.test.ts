import { describe, expect, it } from 'vitest';
import { randomReads } from './random-reads.ts';

/**
 * 64 B DMA reads at random addresses of a window, IOMMU on, 4 KiB pages, as measured on a Xeon E5-2630 v4 ("Understanding PCIe
 * performance for end host networking", SIGCOMM '18, data set).
 */
describe('64 B random reads as published', () => {
  it('take 612 ns on average where nothing misses, and up to 290 ns more as misses grow with the window', () => {
    const measured = [
      [64, 612],
      [128, 638],
      [256, 770],
      [512, 835],
      [1024, 868],
      [4096, 895],
      [16384, 901],
    ];
    for (const [pages, latencyNs] of measured) {
      const one = { outstanding: 1, intervalPs: 0, latencyPs: 612_000, ahead: 1, reads: 12_000 };
      const result = randomReads({ pages, ...one });
      expect(Math.abs(result.latencyNs / latencyNs - 1)).toBeLessThan(0.01);
    }
  });

  it('lose throughput with the window as measured, if a read that waits for a walk holds up those behind it', () => {
    const measured = [
      [64, 33.6],
      [128, 22.87],
      [256, 15.36],
      [512, 12.18],
      [1024, 10.73],
      [4096, 9.94],
      [16384, 9.84],
    ];
    // 33.6 Gb/s at 600 ns are 40 reads under way; eight are translated ahead.
    const many = { outstanding: 40, intervalPs: 15_240, latencyPs: 600_000, ahead: 8, reads: 24_000 };
    for (const [pages, gigabits] of measured) {
      const result = randomReads({ pages, ...many });
      expect(Math.abs(result.gigabits / gigabits - 1)).toBeLessThan(0.1);
    }
  });

  it('would lose far less at 128 pages if hits could overtake without a bound', () => {
    const many = { outstanding: 40, intervalPs: 15_240, latencyPs: 600_000, reads: 24_000 };
    expect(randomReads({ pages: 128, ...many, ahead: 40 }).gigabits).toBeGreaterThan(
      randomReads({ pages: 128, ...many, ahead: 8 }).gigabits,
    );
  });
});
