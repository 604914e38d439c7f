import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { experimentCommand } from '../../src/cli/experiment-command.ts';
import { plotSeries } from '../../src/cli/plot-series.ts';
import {
  EXPERIMENTS,
  type ExperimentResult,
  type PlotSpec,
  routingIdsExperiment,
  runExperiment,
} from '../../src/sim/experiments/index.ts';
import { FakeIo } from './fake-simulation.ts';

async function outputOf(...args: string[]): Promise<string> {
  const io = new FakeIo();
  expect(await experimentCommand.run(readCommandLine('experiment', experimentCommand, args), io)).toBe(0);
  return io.out;
}

/** What takes less time than the defaults. */
const BRIEF: Readonly<Record<string, readonly string[]>> = {
  'pcie-bandwidth': ['--set', 'sizes=64', '--set', 'direction=write,read'],
  'descriptor-batching': ['--set', 'batch=32', '--set', 'pthresh=32', '--set', 'wthresh=0,8'],
  'vf-scaling': ['--set', 'vfs=1,2', '--set', 'loads=20'],
};
const SHORT = ['pcie-bandwidth', '--set', 'sizes=64', '--set', 'direction=write,read'];

describe('experiment', () => {
  it('lists what there is, with parameters, defaults and what they take', async () => {
    const text = await outputOf('list');
    expect(text).toContain('pcie-bandwidth\n  Payload that a PCIe link carries');
    expect(text).toMatch(/^ {2}lanes +8 +1, 2, 4, 8, 12, 16, 32 +Its width\.$/m);
    const [first] = JSON.parse(await outputOf('list', '--json'));
    expect(first).toMatchObject({ name: 'pcie-bandwidth', parameters: { mps: { default: [256] } } });
  });

  it('prints a table, and what was published below it', async () => {
    const text = await outputOf(...SHORT);
    expect(text.split('\n')[1]).toMatch(/^generation +lanes +mps B .*closedForm Gb\/s +simulated Gb\/s$/);
    expect(text).toMatch(/^ +3 +8 +256 +512 +64 +write +64 +64 +42\.10 +45\.\d\d$/m);
    expect(text).toContain('\n\nThe closed form charges an Ack');
    expect(text).toContain('\n\nPublished: Neugebauer et al.');
  });

  it('prints one JSON document', async () => {
    const result = JSON.parse(await outputOf(...SHORT, '--json', '--seed', '5'));
    expect(Object.keys(result)).toEqual([
      'schema',
      'experiment',
      'parameters',
      'seed',
      'columns',
      'rows',
      'published',
    ]);
    expect(result).toMatchObject({ schema: 1, experiment: 'pcie-bandwidth', seed: 5 });
    expect(result.rows).toHaveLength(2);
    for (const row of result.rows) expect(row).toHaveLength(result.columns.length);
  });

  it('prints comma-separated values under a line of names', async () => {
    const lines = (await outputOf(...SHORT, '--csv')).split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('mps [B]');
    expect(lines[1]).toMatch(/^3,8,256,512,64,write,64,64,42\.098011,45\.\d+$/);
    expect(lines[3]).toBe('');
  });

  it('draws a picture beside the table', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sriovsim-plot-'));
    const file = join(folder, 'bandwidth.svg');
    try {
      expect(await outputOf(...SHORT, '--svg', file)).toContain('Published:');
      const svg = readFileSync(file, 'utf8');
      expect(svg).toContain('write: simulated');
      expect(svg).toContain('measured: Neugebauer');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(EXPERIMENTS.map(({ name }) => [name]))('has each form for %s', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'sriovsim-plot-'));
    try {
      const short = [name, ...(BRIEF[name] ?? [])];
      const file = join(folder, 'x.svg');
      const json = JSON.parse(await outputOf(...short, '--json', '--svg', file));
      expect((await outputOf(...short, '--csv')).split('\r\n')).toHaveLength(json.rows.length + 2);
      expect(readFileSync(file, 'utf8')).toMatch(/^<svg .*<path .*<\/svg>\n$/s);
      expect(json.rows.length).toBeGreaterThan(1);
      expect(json).not.toHaveProperty('partial');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('makes a line of the Routing IDs for each kind of slot', () => {
    const { name, plot } = routingIdsExperiment;
    const result = runExperiment(routingIdsExperiment, ['vfs=3']);
    expect(name).toBe('routing-ids');
    expect(plotSeries(result, plot as PlotSpec).map((line) => [line.name, line.points])).toEqual([
      [
        'ari: yes: routing id',
        [
          [0, 384],
          [1, 386],
          [2, 388],
        ],
      ],
      [
        'ari: no: routing id',
        [
          [0, 640],
          [1, 642],
          [2, 644],
        ],
      ],
    ]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'that %s interrupts prints what it has, and says that it is partial',
    async (signal, expected) => {
      const set = [
        'sizes=64,128,256,512,1024',
        'lanes=1,2,4,8,16,32',
        'mps=128,256,512',
        'direction=write,read,readwrite',
      ];
      const args = ['pcie-bandwidth', '--json', ...set.flatMap((each) => ['--set', each])];
      const io = new FakeIo();
      const before = process.listenerCount(signal);
      const ended = experimentCommand.run(readCommandLine('experiment', experimentCommand, args), io);
      while (process.listenerCount(signal) === before) await setTimeout(5);
      process.emit(signal, signal);
      expect(await ended).toBe(expected);
      const result = JSON.parse(io.out) as ExperimentResult;
      expect(result.partial).toBe(true);
      expect(process.listenerCount(signal)).toBe(before);
      expect(result.rows.length).toBeLessThan(5 * 6 * 3 * 3);
      expect(io.err).toMatch(/^sriovsim: interrupted: the result is partial, with \d+ rows?\n$/);
    },
  );

  it.each([
    [
      ['pcie-bandwith'],
      '"pcie-bandwith": unknown experiment (did you mean "pcie-bandwidth"?); allowed list, pcie-bandwidth, dma-latency, iommu-window, peer-to-peer, descriptor-batching, vf-scaling, interrupt-moderation, routing-ids',
    ],
    [['pcie-bandwidth', '--set', 'lanes=3'], '--set lanes: "3" does not fit; allowed 1, 2, 4'],
    [
      ['pcie-bandwidth', '--json', '--csv'],
      '--csv: prints other text on the standard output; allowed without --json',
    ],
    [
      ['pcie-bandwidth', '--svg', '/nowhere/p.svg'],
      '--svg: "/nowhere/p.svg" is in a folder that does not exist',
    ],
    [['pcie-bandwidth', '--set'], '--set: has no value; allowed --set KEY=VALUE'],
    [['pcie-bandwidth', '--seed=x'], '--seed: "x" does not fit; allowed whole numbers from 0 to'],
    [[], 'experiment: NAME is missing; allowed experiment list | NAME'],
  ])('refuses %j', async (args, message) => {
    await expect(outputOf(...args)).rejects.toThrow(message);
  });
});
