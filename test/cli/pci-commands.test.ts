import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Command, UsageError } from '../../src/cli/command.ts';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { explainCommand } from '../../src/cli/explain-command.ts';
import { lspciCommand } from '../../src/cli/lspci-command.ts';
import { formatRoutingId, parseLspciDump } from '../../src/pcie/index.ts';
import { FakeIo } from './fake-simulation.ts';

async function outputOf(command: Command, ...args: string[]): Promise<string> {
  const io = new FakeIo();
  expect(await command.run(readCommandLine('x', command, args), io)).toBe(0);
  return io.out;
}

async function functionsOf(...args: string[]) {
  const text = await outputOf(lspciCommand, ...args);
  return parseLspciDump(text).map(({ routingId, bytes }) => {
    const id = (at: number) => (bytes[at] | (bytes[at + 1] << 8)).toString(16);
    return `${formatRoutingId(routingId)} ${id(0)}:${id(2)}`;
  });
}

describe('lspci', () => {
  it('prints the root port and the card', async () => {
    expect(await functionsOf()).toEqual(['00:01.0 8086:3420', '01:00.0 8086:10fb']);
  });

  it('prints VFs as an operating system shows them, or as they read', async () => {
    const vfs = ['01:10.0', '01:10.2', '01:10.4', '01:10.6'];
    expect((await functionsOf('--vfs', '4')).slice(2)).toEqual(vfs.map((name) => `${name} 8086:10ed`));
    const raw = await functionsOf('--profile', 'intel-82599', '--vfs', '4', '--view', 'raw');
    expect(raw.slice(2)).toEqual(vfs.map((name) => `${name} ffff:ffff`));
  });

  it('has the VFs on the next bus in a slot without ARI', async () => {
    expect((await functionsOf('--vfs=2', '--no-ari')).slice(2)).toEqual([
      '02:10.0 8086:10ed',
      '02:10.2 8086:10ed',
    ]);
  });

  it('has the VFs of both ports of a card mixed, even ones of port 0 and odd ones of port 1', async () => {
    const all = await functionsOf('--profile', 'intel-82576', '--vfs', '7');
    expect(all.slice(0, 6)).toEqual([
      '00:01.0 8086:3420',
      '01:00.0 8086:10c9',
      '01:00.1 8086:10c9',
      '01:10.0 8086:10ca',
      '01:10.1 8086:10ca',
      '01:10.2 8086:10ca',
    ]);
    expect(all.at(-1)).toBe('01:11.5 8086:10ca');
    expect(await functionsOf('--profile', 'intel-82576', '--ports', '1')).toHaveLength(2);
  });

  it('has errata when asked for', async () => {
    const express = async (...args: string[]) =>
      Array.from(
        parseLspciDump(await outputOf(lspciCommand, '--vfs=1', ...args))[2].bytes.subarray(0xa0, 0xa8),
      );
    expect(await express()).toEqual([0x10, 0, 2, 0, 0xc2, 0x8c, 0, 0x10]);
    expect(await express('--errata')).toEqual([0x10, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('has all VFs of the card', async () => {
    expect(await functionsOf('--vfs=64')).toHaveLength(66);
  });

  it.each([
    [['--vfs', '65'], '--vfs: "65" does not fit; allowed whole numbers from 0 to 64'],
    [
      ['--profile', 'intel-82598'],
      '--profile: "intel-82598" is unknown (did you mean "intel-82599"?); allowed intel-82599, intel-82576, intel-i350, intel-x710, broadcom-bcm57810, generic',
    ],
    [['--profile', 'intel-i350', '--vfs', '9'], '--vfs: "9" does not fit; allowed whole numbers from 0 to 8'],
    [['--profile', 'intel-i350', '--ports', '3'], '--ports: "3" does not fit intel-i350; allowed 1, 2, 4'],
    [
      ['--profile', 'generic', '--vfs', '65535'],
      '--vfs: "65535" does not fit: 01:00.0: can\'t enable 65535 VFs (bus 100 out of range of [bus 01-ff]); allowed fewer',
    ],
    [['--view', 'linux'], '--view: "linux" is unknown; allowed os, raw'],
  ])('refuses %j', async (args, message) => {
    await expect(outputOf(lspciCommand, ...args)).rejects.toThrow(new UsageError(message));
  });
});

describe('explain', () => {
  let folder: string;
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('names every function, register and field of a dump', async () => {
    const dump = write('dump.txt', await outputOf(lspciCommand, '--vfs', '1'));
    const text = await outputOf(explainCommand, dump);
    expect(text).toContain('01:00.0 Ethernet controller: Intel Corporation 82599ES');
    expect(text).toMatch(/NumVFs/);
    expect(text).toMatch(/First VF Offset/);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('reads the standard input as a file of that text', async () => {
    const dump = await outputOf(lspciCommand, '--vfs', '1');
    const tool = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const explain = (input: string) =>
      spawnSync(process.execPath, [tool, 'explain', '-'], { input, encoding: 'utf8' });
    expect(explain(dump)).toMatchObject({
      status: 0,
      stdout: await outputOf(explainCommand, write('same.txt', dump)),
      stderr: '',
    });
    expect(explain('hello\n')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: 'standard input: has no function; allowed text that lspci -x, -xxx or -xxxx printed\n',
    });
  });

  it.each([
    ['a text without functions', 'hello\n', 'has no function'],
    ['a function without bytes', '01:00.0 x\n', '01:00.0 has 0 bytes'],
    [
      'a row out of place',
      '01:00.0 x\n10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n',
      'line 2: a row of 16 bytes is out of place: "10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"',
    ],
  ])('refuses %s', async (_name, text, problem) => {
    const file = write('wrong.txt', text);
    const message = `${file}: ${problem}; allowed text that lspci -x, -xxx or -xxxx printed`;
    await expect(outputOf(explainCommand, file)).rejects.toThrow(new UsageError(message));
  });
});
