import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { makeRunCommand } from '../../src/cli/run-command.ts';
import type { Report } from '../../src/sim/report.ts';
import { HEADER, TRAILER } from '../trace/log-fixture.ts';
import { FAKE_SNAPSHOTS, FakeIo, FakeSimulation } from './fake-simulation.ts';

let folder: string;
let scenario: string;
let simulation: FakeSimulation;
let onAdvance: () => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  scenario = join(folder, 's.json');
  writeFileSync(scenario, '{ "guests": [{ "name": "a" }, { "name": "b" }], "durationMs": 1 }');
  onAdvance = () => {};
});

afterEach(() => rmSync(folder, { recursive: true }));

const fail = () => {
  throw new Error('the link has no symbol');
};

const NO_LOGGING = {
  header: () => HEADER,
  trailer: () => TRAILER,
  attach: () => {},
};

const command = makeRunCommand(
  (loaded) => {
    simulation = new FakeSimulation(loaded.scenario);
    simulation.onAdvance = onAdvance;
    return simulation;
  },
  NO_LOGGING,
  FAKE_SNAPSHOTS,
);

async function run(...args: string[]) {
  const io = new FakeIo();
  const status = await command.run(readCommandLine('run', command, [scenario, ...args]), io);
  return { status, io };
}

describe('run', () => {
  it('boots once, goes to the end in slices, and prints the report', async () => {
    const { status, io } = await run();
    expect(status).toBe(0);
    expect(simulation.calls[0]).toBe('boot');
    expect(simulation.calls.filter((call) => call === 'advance').length).toBeGreaterThan(2);
    expect(simulation.nowPs).toBe(simulation.endPs);
    expect(io.out).toContain('1.000 ms measured after 0.200 ms of warm-up');
    expect(io.out).toContain('Wall clock');
    expect(io.err).toBe('');
  });

  it('prints one JSON document with --json', async () => {
    const { io } = await run('--json');
    const report = JSON.parse(io.out) as Report;
    expect(io.out.endsWith('}\n')).toBe(true);
    expect(report).toMatchObject({ schema: 'sriovsim-report/1', partial: false, seed: 1 });
    expect(report.wall?.seconds).toBeGreaterThan(0);
  });

  it('gives the same bytes each time with --no-wall', async () => {
    const first = await run('--json', '--no-wall');
    expect((await run('--json', '--no-wall')).io.out).toBe(first.io.out);
    expect(first.io.out).not.toContain('"wall"');
    expect((await run('--no-wall')).io.out).not.toContain('Wall clock');
  });

  it('takes seed and duration from the command line', async () => {
    const { io } = await run('--json', '--seed', '9007199254740991', '--duration-ms', '0.5');
    expect(JSON.parse(io.out)).toMatchObject({
      seed: 9_007_199_254_740_991,
      scenario: { seed: 9_007_199_254_740_991, durationPs: 5e8 },
      simulated: { measuredPs: 5e8 },
    });
  });

  it('writes the report and the resolved scenario into a folder, whole files only', async () => {
    const out = join(folder, 'deep', 'out');
    const { io } = await run('--out', out);
    expect(readdirSync(out).sort()).toEqual([
      'report.json',
      'report.txt',
      'scenario.json',
      'scenario.resolved.json',
    ]);
    expect(readFileSync(join(out, 'report.txt'), 'utf8')).toBe(io.out);
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
    const resolved = JSON.parse(readFileSync(join(out, 'scenario.resolved.json'), 'utf8')) as unknown;
    expect(report.scenario).toEqual(resolved);
  });

  it('writes nothing when the scenario is wrong', async () => {
    writeFileSync(scenario, '{ "seed": -1 }');
    const out = join(folder, 'out');
    await expect(run('--out', out)).rejects.toThrow(`${scenario}: seed: -1 is out of range`);
    expect(existsSync(out)).toBe(false);
  });

  it('refuses a file where the folder should be, before it simulates', async () => {
    const out = join(folder, 'taken');
    writeFileSync(out, '');
    await expect(run('--out', out)).rejects.toThrow(
      new UsageError(`--out: ${JSON.stringify(out)} is a file; allowed a folder or a new name`),
    );
    expect(simulation.calls).toEqual([]);
  });

  it.each([
    ['in its boot', 'boot'],
    ['while it runs', 'advance'],
    ['when it is reported', 'report'],
  ] as const)(
    'leaves no folder behind that it has made, where it fails %s, and each that was there',
    async (_, at) => {
      const out = join(folder, 'deep', 'out');
      const failing = makeRunCommand(
        ({ scenario }) => Object.assign(new FakeSimulation(scenario), { [at]: fail }),
        NO_LOGGING,
        FAKE_SNAPSHOTS,
      );
      const fails = (...args: string[]) =>
        expect(
          failing.run(readCommandLine('run', failing, [scenario, '--out', out, ...args]), new FakeIo()),
        ).rejects.toThrow('the link has no symbol');
      await fails();
      expect(readdirSync(folder)).toEqual(['s.json']);
      mkdirSync(join(folder, 'deep'));
      await fails();
      expect(readdirSync(join(folder, 'deep'))).toEqual([]);
      mkdirSync(out);
      await fails();
      expect(readdirSync(join(folder, 'deep'))).toEqual(['out']);
      expect(readdirSync(out)).toEqual([]);
      rmdirSync(out);
      // A log says what led there.
      await fails('--log', join(out, 'run.log'));
      expect(readdirSync(out)).toEqual(['run.log']);
    },
  );

  it('writes what the card saw into a file, also into the folder that it is about to make', async () => {
    const out = join(folder, 'out');
    const { status } = await run('--out', out, '--capture', join(out, 'frames.pcapng'));
    expect(status).toBe(0);
    expect(simulation.calls.slice(0, 2)).toEqual(['captureFrames', 'boot']);
    expect(readdirSync(out).sort()).toEqual([
      'frames.pcapng',
      'report.json',
      'report.txt',
      'scenario.json',
      'scenario.resolved.json',
    ]);
    expect([...readFileSync(join(out, 'frames.pcapng'))]).toEqual([1, 2, simulation.calls.length]);
  });

  it('refuses a path where no capture can be written, before it simulates and without making a folder', async () => {
    const out = join(folder, 'out');
    const refused = async (path: string, reason: string) => {
      await expect(run('--out', out, '--capture', path)).rejects.toThrow(
        new UsageError(
          `--capture: ${JSON.stringify(path)} ${reason}; allowed a file in a folder that can be written`,
        ),
      );
      expect(simulation.calls).toEqual([]);
      expect(readdirSync(folder)).toEqual(['s.json']);
    };
    await refused(folder, 'is a directory');
    await refused('', 'names no file');
    await refused(join(folder, 'nowhere', 'x.pcapng'), 'is in a folder that does not exist');
    await refused(join(scenario, 'x.pcapng'), 'is in a folder that is none');
    await refused('/dev/null', 'is no regular file');
    await refused(join(folder, 'x'.repeat(300)), 'cannot be written: ENAMETOOLONG');
  });

  it('writes the counters of the report as JSON, CSV or Prometheus text', async () => {
    const { io } = await run('--json', '--counters', join(folder, 'c.json'));
    const { counters } = JSON.parse(io.out) as Report;
    const text = (end: string) => readFileSync(join(folder, `c.${end}`), 'utf8');
    expect(JSON.parse(text('json'))).toEqual({ schema: 'sriovsim-counters/1', counters });
    await run('--counters', join(folder, 'c.csv'));
    expect(text('csv').startsWith('name,value\r\n')).toBe(true);
    await run('--counters', join(folder, 'c.prom'));
    expect(text('prom')).toContain('sriovsim_counter{name="iommu.walks"} 10\n');
    await expect(run('--counters', join(folder, 'c.txt'))).rejects.toThrow(
      `has no form; allowed a name that ends in .json, .csv, .prom`,
    );
    expect(simulation.calls).toEqual([]);
  });

  it('writes the capture of a run that is interrupted', async () => {
    const file = join(folder, 'frames.pcapng');
    onAdvance = () => {
      if (simulation.calls.length === 4) process.emit('SIGINT', 'SIGINT');
    };
    const { status } = await run('--capture', file);
    expect(status).toBe(130);
    expect(simulation.calls).toEqual(['captureFrames', 'boot', 'advance', 'advance', 'report']);
    expect(readFileSync(file).length).toBe(3);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('prints what there is when %s comes, and says that it is partial', async (signal, expected) => {
    onAdvance = () => {
      if (simulation.calls.length === 3) process.emit(signal, signal);
    };
    const { status, io } = await run();
    expect(status).toBe(expected);
    expect(simulation.calls).toEqual(['boot', 'advance', 'advance', 'report']);
    expect(io.out).toContain('PARTIAL: the run was interrupted before its end');
    expect(process.listenerCount(signal)).toBe(0);
  });

  it('lets an error of the model through and leaves no signal handler behind', async () => {
    onAdvance = () => {
      throw new Error('a frame went missing');
    };
    await expect(run()).rejects.toThrow('a frame went missing');
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('shows progress of a long run on a terminal, and takes it away', async () => {
    const io = new FakeIo();
    io.stderrIsTerminal = true;
    // The first slices take longer than the patience of whoever watches.
    onAdvance = () => {
      if (simulation.calls.length < 5) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    };
    await command.run(readCommandLine('run', command, [scenario]), io);
    const shown = io.err.split('\r\u001b[K');
    expect(shown[0]).toBe('');
    expect(shown[1]).toMatch(/^\d+ %: 0\.\d{3} of 1\.200 ms simulated/);
    expect(shown.at(-1)).toBe('');
  });
});

describe('run of what a run has written', () => {
  /** Runs the scenario, changes its report, and runs that. */
  async function again(change: (report: Report) => unknown, ...args: string[]) {
    const { io } = await run('--json', '--no-wall');
    const report = JSON.parse(io.out) as Report;
    writeFileSync(scenario, JSON.stringify(change(report)));
    return { report, again: await run(...args) };
  }

  it('gives the same report once more', async () => {
    const { report, again: second } = await again((first) => first, '--json', '--no-wall');
    expect(second.status).toBe(0);
    expect(second.io.err).toBe('');
    expect(JSON.parse(second.io.out)).toEqual(report);
  });

  it('says so if it comes to another end', async () => {
    const { again: second } = await again((first) => ({
      ...first,
      digest: '0123456789abcdef',
      version: '0.0.9',
    }));
    expect(second.status).toBe(1);
    expect(second.io.out).toContain('8f3a11c07d42be90');
    expect(second.io.err).toBe(
      `sriovsim: ${scenario}: the run came to another end: was digest 0123456789abcdef with version 0.0.9, is 8f3a11c07d42be90 with version 0.1.0\n`,
    );
  });

  it('expects nothing of one that was interrupted, or with another seed', async () => {
    const other = (first: Report) => ({ ...first, digest: '0123456789abcdef' });
    expect((await again((first) => ({ ...other(first), partial: true }))).again.status).toBe(0);
    const { again: second } = await again(other, '--seed', '9', '--json');
    expect(second.status).toBe(0);
    expect(JSON.parse(second.io.out)).toMatchObject({ seed: 9 });
  });

  it('takes the scenario with every default filled in, too', async () => {
    const { again: second, report } = await again((first) => first.scenario, '--json', '--no-wall');
    expect(JSON.parse(second.io.out)).toEqual(report);
  });

  it('refuses what is not as it was written', async () => {
    const refused = async (change: (report: Report) => unknown, line: string) => {
      writeFileSync(scenario, '{ "guests": [{ "name": "a" }, { "name": "b" }], "durationMs": 1 }');
      await expect(again(change)).rejects.toThrow(`${scenario}: ${line}`);
    };
    await refused(
      (report) => ({ ...report, schema: 'sriovsim-report/7' }),
      'schema: "sriovsim-report/7" is unknown; allowed sriovsim-report/1',
    );
    await refused((report) => ({ ...report, scenario: 3 }), 'scenario: has been changed (');
    await refused(
      (report) => ({ ...report, scenario: { ...report.scenario, vfs: [] } }),
      'scenario: has been changed (',
    );
    await refused(
      ({ scenario: { flows: _, ...rest }, ...report }) => ({ ...report, scenario: rest }),
      'scenario: ',
    );
    await refused(
      ({ scenario: { nic, ...rest }, ...report }) => ({
        ...report,
        scenario: { ...rest, nic: { ...nic, linkGbps: -1 } },
      }),
      'nic.linkGbps: ',
    );
    await refused(
      ({ scenario: { vfs, ...rest }, ...report }) => ({
        ...report,
        scenario: { ...rest, vfs: vfs.map((vf) => ({ ...vf, name: 'x' })) },
      }),
      'scenario.vfs.0.name: was "x" and would be "a" now; allowed what the run was made of',
    );
  });
});
