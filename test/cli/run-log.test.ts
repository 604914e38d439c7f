import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { makeRunCommand } from '../../src/cli/run-command.ts';
import { ScenarioError } from '../../src/sim/index.ts';
import { BinaryLog, type LogTarget } from '../../src/trace/index.ts';
import { HEADER, TRAILER } from '../trace/log-fixture.ts';
import { FAKE_SNAPSHOTS, FakeIo, FakeSimulation } from './fake-simulation.ts';

let folder: string;
let home: string;
let scenario: string;
let onAdvance: (step: number) => void;
let target: LogTarget;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  scenario = join(folder, 's.json');
  writeFileSync(scenario, '{ "guests": [{ "name": "a" }, { "name": "b" }], "durationMs": 1 }');
  onAdvance = () => {};
  home = process.cwd();
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const command = makeRunCommand(
  (loaded) => {
    const simulation = new FakeSimulation(loaded.scenario);
    let step = 0;
    simulation.onAdvance = () => {
      target?.record(step, 3, step, 0, 0);
      onAdvance(step++);
    };
    return simulation;
  },
  {
    header: () => HEADER,
    trailer: (_, error) => ({ ...TRAILER, ...(error === undefined ? {} : { error: String(error) }) }),
    attach: (_, to) => {
      target = to;
    },
  },
  FAKE_SNAPSHOTS,
);

async function run(...args: string[]) {
  const io = new FakeIo();
  const outcome = command.run(readCommandLine('run', command, [scenario, ...args]), io);
  return { io, status: await outcome.catch((error: unknown) => error) };
}

const read = (name: string) => new BinaryLog(readFileSync(join(folder, name)));
const failAt = (last: number) => {
  onAdvance = (step) => {
    if (step === last) throw new Error('a frame went missing');
  };
};

describe('run --log', () => {
  it('writes every record', async () => {
    expect(await run('--log', 'x.log')).toMatchObject({ status: 0 });
    const log = read('x.log');
    expect([...log.records()].map(({ a }) => a)).toEqual(Array.from({ length: log.length }, (_, i) => i));
    expect(log.length).toBeGreaterThan(2);
    expect(log.trailer).toEqual(TRAILER);
    expect(readdirSync(folder).sort()).toEqual(['s.json', 'x.log']);
  });

  it('writes only the last records with --log-last', async () => {
    expect(await run('--log', 'x.log', '--log-last', '2')).toMatchObject({ status: 0 });
    const { lost } = read('x.log');
    expect(lost).toBeGreaterThan(0);
    expect([...read('x.log').records()].map(({ a }) => a)).toEqual([lost, lost + 1]);
  });

  it('writes what led to a failure, says where, and still fails', async () => {
    failAt(2);
    const { status, io } = await run('--log', 'x.log');
    expect(status).toEqual(new Error('a frame went missing'));
    expect(io.err).toBe('sriovsim: the log of the run that failed: x.log\n');
    expect(read('x.log').length).toBe(3);
    expect(read('x.log').trailer.error).toBe('Error: a frame went missing');
  });

  it('writes the last records of a run that failed without --log, and none of one that did not', async () => {
    expect(await run('--log-last', '2')).toMatchObject({ status: 0 });
    expect(readdirSync(folder)).toEqual(['s.json']);
    failAt(3);
    const { io } = await run('--log-last', '2');
    expect(io.err).toBe('sriovsim: the last 2 records of the run that failed: sriovsim-failed.log\n');
    expect([...read('sriovsim-failed.log').records()].map(({ a }) => a)).toEqual([2, 3]);
  });

  it('tells of the failure of the run even if its log cannot be written', async () => {
    onAdvance = () => {
      process.chdir('/proc');
      throw new Error('a frame went missing');
    };
    const { status, io } = await run('--log-last', '2');
    expect(status).toEqual(new Error('a frame went missing'));
    expect(io.err).toMatch(/^sriovsim: no log of the run that failed: [^\n]+\n$/);
  });

  it('leaves nothing behind where the input is wrong', async () => {
    onAdvance = () => {
      throw new ScenarioError({
        source: 's.json',
        path: 'x',
        value: 1,
        problem: 'is wrong',
        allowed: 'else',
      });
    };
    const { status } = await run('--log', 'x.log');
    expect(status).toBeInstanceOf(ScenarioError);
    expect(readdirSync(folder)).toEqual(['s.json']);
  });

  it('writes the log of a run that is interrupted', async () => {
    onAdvance = (step) => {
      if (step === 1) process.emit('SIGINT', 'SIGINT');
    };
    expect(await run('--log', 'x.log')).toMatchObject({ status: 130 });
    expect(read('x.log').length).toBe(2);
  });

  it('refuses a path where nothing can be written, and a number of records that does not fit', async () => {
    const refused = (...args: string[]) => run(...args).then(({ status }) => status);
    expect(await refused('--log', folder)).toEqual(
      new UsageError(`--log: "${folder}" is a directory; allowed a file in a folder that can be written`),
    );
    for (const count of ['0', '-1', '1.5', '16777217', 'x'])
      expect(await refused(`--log-last=${count}`)).toEqual(
        new UsageError(`--log-last: "${count}" does not fit; allowed whole numbers from 1 to 16777216`),
      );
    expect(existsSync(join(folder, 'sriovsim-failed.log'))).toBe(false);
  });
});
