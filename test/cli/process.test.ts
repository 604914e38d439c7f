import { execFile, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/sim/index.ts';
import { FAULT_MISTAKES } from '../sim/fault-mistakes.ts';
import { MISTAKES } from '../sim/scenario-mistakes.ts';

/** The tool as it is installed: a process of its own, from the built files. */
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const tool = path('dist/cli/main.js');

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

function sriovsim(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

let folder: string;

it('is a program after each build, as npx runs it', () => {
  expect(statSync(tool).mode & 0o111).toBe(0o111);
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  const capture = path('scenarios/captures/namespaces.pcap');
  copyFileSync(capture, join(folder, 'namespaces.pcap'));
  copyFileSync(capture, join(folder, 'truncated.pcap'));
  truncateSync(join(folder, 'truncated.pcap'), 100);
  writeFileSync(join(folder, 'text.txt'), 'no capture');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('wrong input', () => {
  it.concurrent.each(
    [...MISTAKES, FAULT_MISTAKES[0]].map((mistake, i) => ({ ...mistake, file: `mistake${i}.json` })),
  )('$name: one line, status 2, nothing written', async ({ scenario, line, file }) => {
    writeFileSync(join(folder, file), JSON.stringify(scenario));
    const outcome = await sriovsim('run', file, '--json', '--out', `${file}.out`);
    expect(outcome).toEqual({ status: 2, stdout: '', stderr: `${file}: ${line}\n` });
    expect(existsSync(join(folder, `${file}.out`))).toBe(false);
  });

  it.concurrent.each([
    [
      ['run'],
      'run: SCENARIO.json is missing; allowed run {SCENARIO.json [--seed N] [--duration-ms X] | --resume FILE} [--json] [--out DIR] [--capture FILE.pcapng] [--log FILE] [--log-last N] [--counters FILE.{json,csv,prom}] [--snapshot FILE [--snapshot-at-ms X]] [--no-wall]',
    ],
    [
      ['run', 'x', '--jsn'],
      '--jsn: unknown option (did you mean "--json"?); allowed for run --json, --seed, --duration-ms, --out, --capture, --log, --log-last, --counters, --snapshot, --snapshot-at-ms, --resume, --no-wall',
    ],
    [
      ['run', path('scenarios/minimal.json'), '--capture', 'nowhere/x.pcapng'],
      '--capture: "nowhere/x.pcapng" is in a folder that does not exist; allowed a file in a folder that can be written',
    ],
    [['trace-frame'], 'trace-frame: N is missing; allowed trace-frame N [FILE] [--json] [--cut]'],
    [['trace-frame', '0'], 'N: "0" does not fit; allowed whole numbers from 1'],
    [
      ['trace-frame', '1', 'x', 'y'],
      'trace-frame: unexpected "y"; allowed trace-frame N [FILE] [--json] [--cut]',
    ],
    [
      ['trace-frame', '1', 'nowhere.log'],
      'nowhere.log: no such file; allowed a scenario file, or a binary log that sriovsim run --log wrote',
    ],
    [['trace-frame', '1', 'text.txt'], 'text.txt:1:1: unexpected "no"; allowed a value'],
    [['run', 'nowhere.json'], 'nowhere.json: no such file; allowed a scenario file'],
    [['run', '.'], '.: is a directory; allowed a scenario file'],
    [['run', 'namespaces.pcap'], 'namespaces.pcap: is a pcap capture; allowed a scenario file'],
    [['validate', 'text.txt'], 'text.txt:1:1: unexpected "no"; allowed a value'],
    [['run', 'new\nline.json'], 'new\\nline.json: no such file; allowed a scenario file'],
  ])('%j: one line, status 2', async (args, line) => {
    expect(await sriovsim(...args)).toEqual({ status: 2, stdout: '', stderr: `${line}\n` });
  });

  it.concurrent.each([
    ['rnu', 'rnu: unknown command (did you mean "run"?); allowed run, step, experiment, '],
    ['--hlep', '--hlep: unknown option (did you mean "--help"?); allowed run, step, experiment, '],
  ])('%s: one line with all that there is, status 2', async (name, beginning) => {
    const { status, stdout, stderr } = await sriovsim(name, 'x');
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    expect(stderr.startsWith(beginning)).toBe(true);
    expect(stderr.endsWith(', --help, --version\n')).toBe(true);
  });
});

describe('a run', () => {
  const minimal = path('scenarios/minimal.json');

  it('prints the same bytes each time, where the wall clock is left out', async () => {
    const args = ['run', minimal, '--json', '--no-wall', '--duration-ms', '0.1', '--seed', '5'];
    const [first, second] = [await sriovsim(...args), await sriovsim(...args)];
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(second.stdout).toBe(first.stdout);
    expect(JSON.parse(first.stdout)).toMatchObject({
      seed: 5,
      partial: false,
      conservation: { balanced: true },
    });
  });

  it('goes on from a snapshot in another process, to the same report', async () => {
    const state = join(folder, 'state');
    const args = ['run', path('scenarios/default.json'), '--json', '--no-wall', '--duration-ms', '0.2'];
    const whole = await sriovsim(...args, '--snapshot', state, '--snapshot-at-ms', '0.1');
    const rest = await sriovsim('run', '--resume', state, '--json', '--no-wall');
    expect({ status: rest.status, stderr: rest.stderr }).toEqual({ status: 0, stderr: '' });
    expect(rest.stdout).toBe(whole.stdout);
  });

  it('does not go on from what is no snapshot: one line, status 2', async () => {
    const { status, stdout, stderr } = await sriovsim('run', '--resume', 'text.txt', '--out', 'none');
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr:
        '--resume: "text.txt": snapshot: this is none; allowed a file that --snapshot of this version has written\n',
    });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('that is interrupted prints the report of what was simulated until then, and exits with 130', async () => {
    const out = join(folder, 'interrupted');
    const args = [tool, 'run', minimal, '--json', '--duration-ms', '5000', '--out', out];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        texts[name] += chunk.toString();
      });
    }
    const ended = new Promise((resolve) => child.on('close', resolve));
    // The folder is made just before the run begins to listen for signals.
    while (!existsSync(out)) await setTimeout(20);
    await setTimeout(500);
    child.kill('SIGINT');
    expect({ status: await ended, stderr: texts.stderr }).toEqual({ status: 130, stderr: '' });
    const report = JSON.parse(texts.stdout) as Report;
    expect(report).toMatchObject({ partial: true, conservation: { balanced: true } });
    expect(report.simulated.endPs).toBeLessThan(report.simulated.startPs + 5e12);
    expect(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))).toEqual(report);
  });
});

describe('the life of a frame', () => {
  const minimal = path('scenarios/minimal.json');

  it('is the same from a scenario and from the log of its run', async () => {
    const log = join(folder, 'minimal.log');
    expect(await sriovsim('run', minimal, '--duration-ms', '0.2', '--log', log)).toMatchObject({ status: 0 });
    const [fromLog, fromScenario] = [
      await sriovsim('trace-frame', '2', log),
      await sriovsim('trace-frame', '2', minimal),
    ];
    expect(fromLog).toMatchObject({ status: 0, stderr: '' });
    expect(fromScenario).toEqual(fromLog);
    expect(fromLog.stdout).toMatch(/^Frame 2: 60 bytes from a, 02:00:00:00:01:00 to 02:00:00:00:02:00\n/);
    expect(fromLog.stdout).toMatch(/\n +MPSAR\[\d+\] = 0x2 \(8\.2\.3\.7\.10\) leads to pool 1\n/);
    const { stdout } = await sriovsim('trace-frame', '2', log, '--json');
    const life = JSON.parse(stdout) as { schema: string; steps: { timePs: number; kind: string }[] };
    expect(life).toMatchObject({ schema: 'sriovsim-frame-life/1', number: 2, from: 'a', bytes: 60 });
    expect(life.steps[0].kind).toBe('doorbell');
    expect(fromLog.stdout.split('\n').filter((line) => /^ *\d+\.\d{3} /.test(line))).toHaveLength(
      life.steps.length,
    );
    const missing = await sriovsim('trace-frame', '900000', log);
    expect(missing).toMatchObject({ status: 2, stdout: '' });
    expect(missing.stderr).toMatch(/has \d+ frames: there is none of number 900000; allowed 1 to \d+\n$/);
  });

  it('is of the default scenario where there is no file', async () => {
    const { status, stdout } = await sriovsim('trace-frame', '1');
    expect({ status, first: stdout.split(' ')[0] }).toEqual({ status: 0, first: 'Frame' });
  });
});

describe('the tool', () => {
  it('prints its version and its help', async () => {
    const { version } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as { version: string };
    expect(await sriovsim('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    const help = await sriovsim('--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    for (const command of ['run', 'trace-frame', 'validate', 'schema'])
      expect(help.stdout).toContain(`  sriovsim ${command}`);
    expect((await sriovsim('run', '--help')).stdout).toContain('--duration-ms X');
  });

  it('prints the schema that is published', async () => {
    const { stdout } = await sriovsim('schema');
    expect(stdout).toBe(readFileSync(path('schema/scenario.schema.json'), 'utf8'));
  });

  it('validates a scenario', async () => {
    const file = path('scenarios/default.json');
    expect(await sriovsim('validate', file)).toEqual({
      status: 0,
      stdout: `${file}: valid: 4 guests, 4 VFs, 9 flows, 1 capture\n`,
      stderr: '',
    });
    const { stdout } = await sriovsim('validate', file, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ nic: { vfs: 4 }, durationPs: 1e10 });
  });

  it('does not mind when its reader goes away', async () => {
    const child = spawn(process.execPath, [tool, 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('run --out', () => {
  it('leaves three files of which each runs again to the same digest, from wherever its captures are', async () => {
    const scenario = path('scenarios/default.json');
    const options = ['--json', '--seed', '5', '--duration-ms', '0.2'];
    const first = await sriovsim('run', scenario, ...options, '--out', 'recorded/deep');
    const digestOf = ({ stdout }: Outcome) => (JSON.parse(stdout) as Report).digest;
    for (const file of ['scenario.json', 'scenario.resolved.json', 'report.json']) {
      const again = await sriovsim('run', join('recorded', 'deep', file), '--json');
      expect(again.stderr).toBe('');
      expect(digestOf(again)).toBe(digestOf(first));
    }
  });
});
