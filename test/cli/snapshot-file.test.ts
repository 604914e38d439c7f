import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { runCommand } from '../../src/cli/run.ts';
import { makeRunCommand } from '../../src/cli/run-command.ts';
import { HEADER, TRAILER } from '../trace/log-fixture.ts';
import { FAKE_SNAPSHOTS, FakeIo, FakeSimulation } from './fake-simulation.ts';

let folder: string;
let scenario: string;
let state: string;
let onAdvance: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  scenario = join(folder, 's.json');
  state = join(folder, 'state');
  const text = {
    guests: [{ name: 'a' }, { name: 'b' }],
    traffic: [{ from: 'a', to: 'b', ratePps: 1e6, arrivals: 'poisson' }],
    warmUpMs: 0.2,
    durationMs: 1,
  };
  writeFileSync(scenario, JSON.stringify(text));
  onAdvance = () => {};
});

afterEach(() => rmSync(folder, { recursive: true }));

const fake = makeRunCommand(
  (loaded) => {
    const simulation = new FakeSimulation(loaded.scenario);
    simulation.onAdvance = () => onAdvance();
    return simulation;
  },
  { header: () => HEADER, trailer: () => TRAILER, attach: () => {} },
  FAKE_SNAPSHOTS,
);

async function run(command: typeof fake, ...args: string[]) {
  const io = new FakeIo();
  const status = await command
    .run(readCommandLine('run', command, args), io)
    .catch((error: unknown) => error);
  return { status, io };
}

/** Which instant after the beginning of the traffic the fake one's snapshot is of, in ms. */
const savedMs = () => (Number(readFileSync(state, 'utf8').replace('now ', '')) - 3e9) / 1e9;

describe('run --snapshot', () => {
  it('writes the state at the end', async () => {
    expect((await run(fake, scenario, '--snapshot', state)).status).toBe(0);
    expect(savedMs()).toBe(1.2);
  });

  it('writes it at the moment of --snapshot-at-ms, counted from the beginning of the traffic', async () => {
    expect((await run(fake, scenario, '--snapshot', state, '--snapshot-at-ms', '0.7')).status).toBe(0);
    expect(savedMs()).toBe(0.7);
  });

  it('writes it when the run is interrupted', async () => {
    for (const more of [[], ['--snapshot-at-ms', '1.1']]) {
      onAdvance = () => process.emit('SIGINT', 'SIGINT');
      expect((await run(fake, scenario, '--snapshot', state, ...more)).status).toBe(130);
      expect(savedMs()).toBeLessThan(1);
      rmSync(state);
    }
  });
});

describe('run --resume', () => {
  it('prints the report of a run that was never stopped', async () => {
    const whole = await run(
      runCommand,
      scenario,
      '--json',
      '--no-wall',
      '--snapshot',
      state,
      '--snapshot-at-ms',
      '0.55',
    );
    const { status, io } = await run(runCommand, '--resume', state, '--json', '--no-wall');
    expect(status).toBe(0);
    expect(io.out).toBe(whole.io.out);
    expect(io.err).toBe('');
  });

  it('goes on from a snapshot of one that went on', async () => {
    const counters = join(folder, 'counters.json');
    const whole = await run(
      runCommand,
      scenario,
      '--json',
      '--no-wall',
      '--snapshot',
      state,
      '--snapshot-at-ms',
      '0.1',
    );
    const second = join(folder, 'second');
    const args = [
      '--resume',
      state,
      '--snapshot',
      second,
      '--snapshot-at-ms',
      '0.9',
      '--out',
      join(folder, 'out'),
    ];
    expect((await run(runCommand, ...args)).status).toBe(0);
    expect(existsSync(join(folder, 'out', 'report.json'))).toBe(true);
    // The snapshot has no scenario as a user writes it.
    expect(existsSync(join(folder, 'out', 'scenario.json'))).toBe(false);
    const { io } = await run(runCommand, '--resume', second, '--json', '--no-wall', '--counters', counters);
    expect(io.out).toBe(whole.io.out);
    expect(existsSync(counters)).toBe(true);
  });
});

describe('wrong input', () => {
  const wrong = async (...args: string[]) => {
    const { status } = await run(runCommand, ...args);
    expect(status).toBeInstanceOf(UsageError);
    return (status as UsageError).message.replaceAll(folder, '');
  };

  it('is a snapshot that is none, or damaged', async () => {
    expect(await wrong('--resume', join(folder, 'nothing'))).toBe(
      '--resume: "/nothing": no such file; allowed a file that --snapshot of this version has written',
    );
    expect(await wrong('--resume', scenario)).toBe(
      '--resume: "/s.json": snapshot: this is none; allowed a file that --snapshot of this version has written',
    );
    await run(runCommand, scenario, '--snapshot', state, '--duration-ms', '0.01');
    const bytes = readFileSync(state);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(state, bytes);
    expect(await wrong('--resume', state)).toMatch(/: snapshot: it is damaged; allowed a file that/);
  });

  it('is a scenario, or a part of one, beside a snapshot, and neither of them', async () => {
    const line =
      '--resume: goes on with the scenario of the snapshot; allowed without SCENARIO.json, --seed and --duration-ms';
    expect(await wrong(scenario, '--resume', state)).toBe(line);
    expect(await wrong('--resume', state, '--seed', '7')).toBe(line);
    expect(await wrong('--json')).toMatch(/^run: SCENARIO.json is missing; allowed run \{SCENARIO.json/);
  });

  it('is a moment outside the run, or without a file', async () => {
    expect(await wrong(scenario, '--snapshot', state, '--snapshot-at-ms', '1.3')).toBe(
      '--snapshot-at-ms: "1.3" does not fit; allowed 0 to 1.2',
    );
    expect(await wrong(scenario, '--snapshot-at-ms', '1')).toBe(
      '--snapshot-at-ms: there is no file to write; allowed with --snapshot FILE',
    );
    expect(existsSync(state)).toBe(false);
  });
});
