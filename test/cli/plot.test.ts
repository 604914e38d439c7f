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

const COLOURS = ['#0072b2', '#d55e00'];

/** Attributes and text of the elements of one name. */
function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<${name} ([^>]*)>([^<]*)`, 'g'))].map(([, attributes, text]) => ({
    ...Object.fromEntries(
      [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    ),
    text,
  }));
}

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

  it('tells lines apart by colour, by dashes and by marks, whether they are of one group or of several', async () => {
    const rows = RESULT.rows.filter(([lanes]) => lanes === 4);
    for (const result of [{ ...RESULT, rows }, RESULT]) {
      const svg = await formatResultSvg(result, PLOT);
      // Lines and their samples in the legend; marks are scaled, and have thinner strokes.
      const strokes = elements(svg, 'path')
        .filter(({ fill, stroke, transform }) => fill === 'none' && COLOURS.includes(stroke) && !transform)
        .map((path) => `${path.stroke} ${path['stroke-dasharray'] ?? 'solid'}`);
      const lines = plotSeries(result, PLOT).filter(({ published }) => !published).length;
      expect(new Set(strokes).size).toBe(lines);
      expect(new Set(strokes.map((stroke) => stroke.slice(0, 7)))).toEqual(new Set(COLOURS));
      // In grey they are told apart by the mark and by whether it is filled.
      const marks = elements(svg, 'path').filter((path) => path['ecmeta_ssr_type'] === 'chart');
      const looks = new Set(
        marks.map((path) => `${path.d.replace(/[^A-Z]/gi, '')} ${path['fill-opacity'] ?? 1}`),
      );
      expect(new Set(marks.map((path) => path['ecmeta_series_index'])).size).toBe(looks.size);
      expect(looks.size).toBe(plotSeries(result, PLOT).length);
    }
  });

  it('has an entry of the legend below the axis for each line that has points, however long its name is', async () => {
    const source = 'a title of many words that goes on and on '.repeat(5).trim();
    const published = [{ ...RESULT.published[0], source }];
    const rows = RESULT.rows.map(([lanes, mps, size, simulated]) => [lanes, mps, size, simulated, null]);
    const svg = await formatResultSvg({ ...RESULT, rows, published }, PLOT);
    const texts = elements(svg, 'text').map(({ text, transform, y }) => ({
      text,
      y: Number(/translate\([\d.]+ ([\d.]+)\)/.exec(transform)?.[1]) + Number(y),
    }));
    const axis = texts.find(({ text }) => text === 'size, B')?.y ?? 0;
    expect(axis).toBeGreaterThan(400);
    const legend = texts.filter(({ y }) => y > axis);
    expect(legend.map(({ text }) => text).join(' ')).toBe(
      `lanes 4: simulated lanes 8: simulated measured: ${source}`,
    );
    for (const [i, { y }] of legend.entries()) expect(y - (legend[i - 1]?.y ?? axis)).toBeGreaterThan(14);
    expect(legend.at(-1)?.y).toBeLessThan(Number(/height="(\d+)"/.exec(svg)?.[1]) - 8);
  });

  it('draws the same picture of the same rows, and none that answers to a mouse', async () => {
    const svg = await formatResultSvg(RESULT, PLOT);
    expect(await formatResultSvg(RESULT, PLOT)).toBe(svg);
    expect(svg).not.toMatch(/hover|class=|<style/);
  });
});
