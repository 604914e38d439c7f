import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { experimentCommand } from '../../src/cli/experiment-command.ts';
import { FakeIo } from './fake-simulation.ts';

async function outputOf(...args: string[]): Promise<string> {
  const io = new FakeIo();
  expect(await experimentCommand.run(readCommandLine('experiment', experimentCommand, args), io)).toBe(0);
  return io.out;
}

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

  it.each([
    [
      ['pcie-bandwith'],
      '"pcie-bandwith": unknown experiment (did you mean "pcie-bandwidth"?); allowed list, pcie-bandwidth, routing-ids',
    ],
    [['pcie-bandwidth', '--set', 'lanes=3'], '--set lanes: "3" does not fit; allowed 1, 2, 4'],
    [
      ['pcie-bandwidth', '--json', '--csv'],
      '--csv: prints other text on the standard output; allowed without --json',
    ],
    [
      ['routing-ids', '--svg', 'ids.svg'],
      '--svg: the rows of routing-ids are no picture; allowed for pcie-bandwidth',
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
