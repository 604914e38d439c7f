import { describe, expect, it } from 'vitest';
import {
  dmaLatencyExperiment,
  type Experiment,
  iommuWindowExperiment,
  runExperiment,
} from '../../../src/sim/experiments/index.ts';

function rows(experiment: Experiment, ...settings: string[]) {
  const { columns, rows } = runExperiment(experiment, settings);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
}

/** How far a figure is from what was measured, as a share of that. */
const off = (found: unknown, measured: unknown) => Math.abs((found as number) / (measured as number) - 1);

describe('the experiment dma-latency', () => {
  it('has the sum of the parts, and the simulated machine keeps to it', () => {
    for (const { size, closedForm, median } of rows(
      dmaLatencyExperiment,
      'sizes=1,64,500,512,513,1520,4096',
    )) {
      expect([size, off(median, closedForm)]).toEqual([size, expect.closeTo(0, 2)]);
    }
  });

  it('adds a switch each way, and the simulated machine keeps to it', () => {
    const found = rows(dmaLatencyExperiment, 'switch=none,cut-through,store-and-forward', 'sizes=64,512');
    expect(found).toHaveLength(6);
    for (const { switch: between, size, closedForm, median } of found) {
      expect([between, size, off(median, closedForm)]).toEqual([between, size, expect.closeTo(0, 2)]);
    }
    const [none, , cutThrough, , stored] = found.map(({ median }) => median as number);
    // Two latencies; 36 bytes of framing and headers, or the two TLPs whole.
    expect(cutThrough - none).toBeCloseTo(200 + (36 * 65) / 512, 0);
    expect(stored - none).toBeCloseTo(200 + ((24 + 84) * 65) / 512, 0);
  });

  it.each(dmaLatencyExperiment.published[0].rows)(
    'reads %i bytes in %i ns, within 4 %%',
    (size, measured) => {
      const [{ median }] = rows(dmaLatencyExperiment, `sizes=${size}`);
      expect(off(median, measured)).toBeLessThan(0.04);
    },
  );

  it.each([
    [4, 612],
    [256, 612],
    [512, 638],
    [1024, 770],
    [2048, 835],
    [4096, 868],
    [16_384, 895],
    [65_536, 901],
  ])('reads 64 bytes of %i KiB behind the IOMMU in %i ns on average, within 5 %%', (window, measured) => {
    const [{ mean, closedForm }] = rows(dmaLatencyExperiment, ...cold(window));
    expect(off(mean, measured)).toBeLessThan(0.05);
    expect(closedForm).toBeNull();
  });

  it('has 600 ns as the median up to 256 KiB and 880 from 1 MiB on, within 5 %', () => {
    for (const [window, measured] of [
      [4, 600],
      [256, 600],
      [1024, 880],
      [65_536, 880],
    ]) {
      expect(off(rows(dmaLatencyExperiment, ...cold(window))[0].median, measured)).toBeLessThan(0.05);
    }
  });

  function cold(window: number): string[] {
    return ['sizes=64', 'iommu=on', 'caches=cold', `windows=${window}`];
  }
});

describe('the experiment iommu-window', () => {
  it.each(iommuWindowExperiment.published[0].rows)(
    'reads 64 bytes each at random places of %i KiB with %d Gb/s, within 8 %%',
    (window, measured) => {
      const [{ throughput }] = rows(iommuWindowExperiment, `windows=${window}`);
      expect(off(throughput, measured)).toBeLessThan(0.08);
    },
  );

  it('writes 22 million times a second where nothing hits, within 10 %', () => {
    const [{ throughput, hitRate }] = rows(iommuWindowExperiment, 'direction=write', 'windows=65536');
    expect(off((throughput as number) / (64 * 8e-3), 22)).toBeLessThan(0.1);
    expect(hitRate).toBeLessThan(0.01);
  });

  it('reads large blocks as fast as was measured, within 5 %, whatever the window', () => {
    const found = rows(iommuWindowExperiment, 'sizes=512,2048', 'windows=64,65536');
    for (const { size, throughput } of found) {
      expect(off(throughput, size === 512 ? 55 : 55.6)).toBeLessThan(0.05);
    }
  });

  it('hits as often as the IOTLB holds the page', () => {
    for (const { iotlbWays, window, hitRate } of rows(
      iommuWindowExperiment,
      'windows=1024,4096',
      'iotlbWays=64,200',
    )) {
      const held = (iotlbWays as number) / ((window as number) / 4);
      expect(hitRate).toBeGreaterThan(held * 0.9 - 0.01);
      expect(hitRate).toBeLessThan(held * 1.1 + 0.01);
    }
  });

  it('misses nothing where large pages cover the window', () => {
    for (const { hitRate, throughput } of rows(iommuWindowExperiment, 'pageSize=2M,1G', 'windows=65536')) {
      expect(hitRate).toBeGreaterThan(0.99);
      expect(off(throughput, 33.6)).toBeLessThan(0.1);
    }
  });

  it('translates as much as its walkers can', () => {
    const found = rows(iommuWindowExperiment, 'windows=65536', 'walkers=1,2,4');
    const perWalker = found.map(({ walkers, throughput }) => (throughput as number) / (walkers as number));
    expect(off(perWalker[1], perWalker[0])).toBeLessThan(0.05);
    expect(off(perWalker[2], perWalker[0])).toBeLessThan(0.1);
  });

  it('gives the same figures for the same seed, and others for another', () => {
    const run = (seed: number) => runExperiment(iommuWindowExperiment, ['windows=1024'], seed).rows;
    expect(run(3)).toEqual(run(3));
    expect(run(4)).not.toEqual(run(3));
  });

  it('needs a window that a transfer fits into', () => {
    expect(() => runExperiment(iommuWindowExperiment, ['windows=4', 'sizes=4097'])).toThrow('sizes: "4097"');
  });
});
