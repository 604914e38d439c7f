import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { topologyCommand } from '../../src/cli/topology-command.ts';
import { lspciTree, parseLspciDump } from '../../src/pcie/index.ts';
import { ScenarioError } from '../../src/sim/scenario-error.ts';
import { ROOT } from '../tidy/project.ts';
import { FakeIo } from './fake-simulation.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'topology-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function outputOf(topology: unknown, ...options: string[]): Promise<string> {
  const file = join(folder, 't.json');
  writeFileSync(file, typeof topology === 'string' ? topology : JSON.stringify(topology));
  const io = new FakeIo();
  expect(await topologyCommand.run(readCommandLine('x', topologyCommand, [file, ...options]), io)).toBe(0);
  return io.out;
}

const TWO_CARDS = {
  rootPorts: [
    {
      switch: [
        { card: 'intel-82599', vfs: 2 },
        { card: 'intel-i350', cardPorts: 2 },
      ],
    },
  ],
};

describe('topology', () => {
  it('prints the tree with its cards, and the groups', async () => {
    const text = await outputOf(TWO_CARDS);
    expect(text.split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(
        /^-\[0000:00\]---01\.0-\[01-04\]----00\.0-\[02-04\]--\+-00\.0-\[03\]--\+-00\.0 {2}Eth.*82599/,
      ),
      expect.stringMatching(/^ {43}\| {12}\+-10\.0 {2}Ethernet controller: .* Virtual Function/),
    ]);
    const groups = text.split('\n').filter((line) => line.startsWith('group '));
    // Three ports and the upstream one, PF and VFs of the first card; the second card's functions are one group or two.
    expect(groups.length).toBeGreaterThanOrEqual(8);
    expect(text).toContain('03:10.2 VF 1 of 03:00.0: ');
  });

  it('has one group behind a switch without access control services, or with them off', async () => {
    const [{ switch: ports }] = TWO_CARDS.rootPorts;
    const groups = async (topology: unknown) => (await outputOf(topology)).split('\ngroup ').length - 1;
    expect(await groups({ rootPorts: [{ switch: ports.map((port) => ({ ...port, acs: false })) }] })).toBe(3);
    expect(await groups({ ...TWO_CARDS, enableAcs: false })).toBe(1);
  });

  it('prints the configuration space of every function', async () => {
    const text = await outputOf(TWO_CARDS, '--dump');
    const functions = parseLspciDump(text);
    expect(functions).toHaveLength(9);
    expect(await outputOf(TWO_CARDS)).toContain(`${lspciTree(functions, { titles: true })}\n`);
  });

  it('takes the file of the documentation', async () => {
    const text = readFileSync(join(ROOT, 'docs/topology.md'), 'utf8');
    const [json] = /^ {4}\{\n[\s\S]*?^ {4}\}$/m.exec(text) ?? [''];
    expect(await outputOf(json)).toContain('I350');
  });

  it('says what could not be had', async () => {
    const text = await outputOf({ rootPorts: [{ card: 'broadcom-bcm57810', cardPorts: 1, ari: false }] });
    expect(text).toContain('\n01:00.0: VFs from 0 on need ARI forwarding\n');
  });

  it.each([
    [{}, 'rootPorts: is missing'],
    [{ rootPorts: [] }, 'rootPorts: has 0 ports; allowed 1 to 31'],
    [
      { rootPorts: [{ crd: 'x' }] },
      'rootPorts[0].crd: unknown key (did you mean "card"?); allowed acs, ari, card',
    ],
    [
      { rootPorts: [{ switch: [{ card: 'intel-82598' }] }] },
      'rootPorts[0].switch[0].card: "intel-82598" is unknown',
    ],
    [
      { rootPorts: [{ card: 'generic', switch: [{}] }] },
      'rootPorts[0].card: stands beside a switch; allowed one of',
    ],
    [
      { rootPorts: [{ vfs: 1 }] },
      'rootPorts[0].vfs: stands without a card; allowed only below a port with a card',
    ],
    [
      { rootPorts: [{ card: 'intel-i350', cardPorts: 3 }] },
      'rootPorts[0].cardPorts: 3 does not fit intel-i350; allowed 1, 2, 4',
    ],
    [
      { rootPorts: [{ card: 'intel-i350', vfs: 9 }] },
      'rootPorts[0].vfs: 9 does not fit: 01:00.0: 9 VFs requested, TotalVFs is 8; allowed fewer',
    ],
    [
      { rootPorts: [{}, { card: 'broadcom-bcm57810', vfs: 1, ari: false }] },
      'rootPorts[1].vfs: 1 does not fit: 02:00.0: 1 VFs requested, more than 0 need ARI forwarding; allowed fewer',
    ],
  ])('refuses %j', async (topology, message) => {
    const error = await outputOf(topology).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ScenarioError);
    expect((error as Error).message).toContain(`t.json: ${message}`);
  });

  it('refuses files that are no JSON, or that there are not', async () => {
    await expect(outputOf('{')).rejects.toThrow(/t\.json:1:2: /);
    const command = readCommandLine('x', topologyCommand, [join(folder, 'none.json')]);
    await expect(topologyCommand.run(command, new FakeIo())).rejects.toThrow(UsageError);
  });
});
