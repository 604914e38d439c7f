import { describe, expect, it } from 'vitest';
import { plotSeries } from '../../src/cli/plot-series.ts';
import { formatResultSvg } from '../../src/cli/plot-svg.ts';
import type { ExperimentResult, PlotSpec } from '../../src/sim/experiments/index.ts';

const PLOT: PlotSpec = { x: 'size', y: ['simulated', 'closedForm'], title: 'Gb/s', logarithmic: true };
const RESULT: ExperimentResult = {
  schema: 1,
  experiment: 'bandwidth',
  parameters: {},
  seed: 1,
  columns: [
    { name: 'lanes', unit: '' },
    { name: 'mps', unit: 'B' },
    { name: 'size', unit: 'B' },
    { name: 'simulated', unit: 'Gb/s' },
    { name: 'closedForm', unit: 'Gb/s' },
  ],
  rows: [
    [4, 256, 128, 21, 20],
    [8, 256, 128, 41, 40],
    [4, 256, 64, 11, 10],
    [8, 256, 64, 31, null],
  ],
  published: [
    {
      source: 'somebody <1>',
      columns: [
        { name: 'size', unit: 'B' },
        { name: 'measured', unit: 'Gb/s' },
      ],
      rows: [[128, 39]],
    },
    { source: 'of something else', columns: [{ name: 'vfs', unit: '' }], rows: [[1]] },
  ],
};

describe('plotSeries', () => {
  it('makes a line for each result and each value that differs between rows, in the order of x', () => {
    const lines = plotSeries(RESULT, PLOT).map(({ name, points }) => [name, points]);
    expect(lines).toEqual([
      [
        'lanes 4: simulated',
        [
          [64, 11],
          [128, 21],
        ],
      ],
      [
        'lanes 4: closed form',
        [
          [64, 10],
          [128, 20],
        ],
      ],
      [
        'lanes 8: simulated',
        [
          [64, 31],
          [128, 41],
        ],
      ],
      ['lanes 8: closed form', [[128, 40]]],
      ['measured: somebody <1>', [[128, 39]]],
    ]);
  });

  it('names lines by their results alone where nothing else differs', () => {
    const rows = RESULT.rows.filter(([lanes]) => lanes === 8);
    const names = plotSeries({ ...RESULT, rows, published: [] }, PLOT).map(({ name }) => name);
    expect(names).toEqual(['simulated', 'closed form']);
  });

  it('leaves out results that are not in the picture', () => {
    const rows = RESULT.rows.filter(([lanes]) => lanes === 8);
    const plot = { ...PLOT, y: ['simulated'], besides: ['closedForm'] };
    const names = plotSeries({ ...RESULT, rows, published: [] }, plot).map(({ name }) => name);
    expect(names).toEqual(['simulated']);
  });
});

describe('formatResultSvg', () => {
  it('draws every line and every published point, with axes named and units', async () => {
    const svg = await formatResultSvg(RESULT, PLOT);
    expect(svg).toMatch(/^<svg [^>]*width="760"/);
    expect(svg.trimEnd()).toMatch(/<\/svg>$/);
    for (const text of ['lanes 4: simulated', 'measured: somebody &lt;1&gt;', 'size, B', 'Gb/s', 'bandwidth'])
      expect(svg).toContain(text);
    // Two colours, each with a solid line; the dashed one of the second has but one point.
    expect(svg).toContain('#0072b2');
    expect(svg).toContain('#d55e00');
    expect(svg).toContain('stroke-dasharray');
  });

  it('draws the same picture of the same rows, and none that answers to a mouse', async () => {
    const svg = await formatResultSvg(RESULT, PLOT);
    expect(await formatResultSvg(RESULT, PLOT)).toBe(svg);
    expect(svg).not.toMatch(/hover|class=|<style/);
  });
});
