import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BinaryLog, singleTlps } from '../../src/trace/index.ts';
import { tshark, whyNoTshark } from '../wire/tshark.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const tool = path('dist/cli/main.js');
const noTshark = whyNoTshark();
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  writeFileSync(join(folder, 'text.log'), 'no log');
  const run = await sriovsim(
    'run',
    path('scenarios/minimal.json'),
    '--duration-ms',
    '0.05',
    '--log',
    'run.log',
  );
  expect(run.status).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true }));

function sriovsim(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 1 << 26 };
    execFile(process.execPath, [tool, ...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** The cells of each line behind the first. */
async function rows(...args: string[]): Promise<string[][]> {
  const { status, stdout, stderr } = await sriovsim('tlps', 'run.log', ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [, ...lines] = stdout.trimEnd().split('\n');
  return lines.map((line) => line.trim().split(/ +/));
}

const tlps = () => [...singleTlps(new BinaryLog(readFileSync(join(folder, 'run.log'))))];

describe('sriovsim tlps', () => {
  it('prints a line for each TLP, in the order of time', async () => {
    const lines = await rows();
    expect(lines.length).toBe(tlps().length);
    const times = lines.map(([ns]) => Number(ns));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('prints those of a window alone', async () => {
    const all = await rows();
    const [from, to] = [121_300_000, 121_320_000];
    const some = await rows('--from-ns', String(from), '--to-ns', String(to));
    const within = all.filter(([ns]) => Number(ns) >= from && Number(ns) <= to);
    expect(within.length).toBeGreaterThan(20);
    // One whose symbols were on the link when the window begins may come before them.
    expect(some.slice(-within.length)).toEqual(within);
    expect(some.length - within.length).toBeLessThan(3);
  });

  it('prints those of one function, of some types and of a frame alone', async () => {
    const all = await rows();
    const of = (lines: string[][], column: number, ...values: string[]) =>
      lines.filter((cells) => values.includes(cells[column]));
    expect(await rows('--function', 'VF1')).toEqual(of(all, 6, 'VF1'));
    expect(await rows('--function', '01:10.2')).toEqual(of(all, 6, 'VF1'));
    expect(await rows('--function', 'pf', '--function', 'VF 0')).toEqual(of(all, 6, 'PF', 'VF0'));
    expect(await rows('--kind', 'CfgRd', '--kind', 'cpld')).toEqual(of(all, 4, 'CfgRd', 'CplD'));
    const frame = await rows('--frame', '3');
    expect(frame.map((cells) => cells.slice(11).join(' '))).toEqual([
      'transmit payload, frame 3',
      'completion: transmit payload, frame 3',
      'receive payload, frame 3',
    ]);
  });

  it('prints a summary, as text and as JSON', async () => {
    const text = await sriovsim('tlps', 'run.log', '--summary');
    expect(text.stdout).toMatch(
      /^[\d,]+ TLPs from 0\.0 to [\d,.]+ ns; on the link [\d.]+ % of the time upstream/,
    );
    expect(text.stdout).toMatch(/^transmit payload +\d+ .*\n/m);
    expect(text.stdout).toMatch(/^01:10\.0 \(VF 0\) +\d+ /m);
    expect(text.stdout).not.toMatch(/without success|poisoned/);
    const { stdout } = await sriovsim(
      'tlps',
      'run.log',
      '--summary',
      '--json',
      '--kind',
      'CfgRd',
      '--kind',
      'CplD',
    );
    const summary = JSON.parse(stdout);
    const own = tlps();
    const reads = own.filter(({ kind }) => kind === 4);
    expect(summary).toMatchObject({ schema: 1, failed: 0, poisoned: 0, unanswered: 0 });
    expect(summary.types.find(({ name }: { name: string }) => name === 'CfgRd').downstream).toEqual({
      tlps: reads.length,
      linkBytes: 20 * reads.length,
      payloadBytes: 0,
    });
    expect(summary.latencies).toEqual([
      { name: 'configuration read', requests: reads.length, minPs: 513_000, meanPs: 513_000, maxPs: 513_000 },
    ]);
  });

  it('writes a capture, and says how many TLPs it has', async () => {
    const { status, stdout } = await sriovsim(
      'tlps',
      'run.log',
      '--pcapng',
      'run.pcapng',
      '--function',
      'VF0',
    );
    const count = (await rows('--function', 'VF0')).length;
    const text = String(count).replace(/(\d)(\d{3})$/, '$1,$2');
    expect({ status, stdout }).toEqual({ status: 0, stdout: `run.pcapng: ${text} TLPs\n` });
    expect(existsSync(join(folder, 'run.pcapng'))).toBe(true);
    if (noTshark !== undefined) return;
    const lua = ['-X', `lua_script:${path('wireshark/sriovsim-tlp.lua')}`];
    const read = tshark(readFileSync(join(folder, 'run.pcapng')), ['frame.interface_name'], lua);
    expect(read.length).toBe(count);
    expect(new Set(read.flat())).toEqual(new Set(['upstream', 'downstream']));
  });

  it.each([
    [['nowhere.log'], 'nowhere.log: no such file; allowed a binary log that sriovsim run --log wrote'],
    [
      ['text.log'],
      'text.log: is no binary log: does not begin with SRIOVLOG; allowed a binary log that sriovsim run --log wrote',
    ],
    [
      ['run.log', '--kind', 'Mrx'],
      '--kind: "Mrx" is no type of TLP (did you mean "MRd"?); allowed MRd, MWr, Cpl, CplD, CfgRd, CfgWr, Msg',
    ],
    [
      ['run.log', '--function', 'VF9', '--pcapng', 'wrong.pcapng'],
      '--function: "VF9" is no function of this log; allowed PF, VF0, VF1 or a Routing ID like 01:10.6',
    ],
    [
      ['run.log', '--from-ns', '5', '--to-ns', '3'],
      '--to-ns: 3 lies before --from-ns; allowed times from 5 on',
    ],
    [['run.log', '--json'], '--json: is for the summary; allowed with --summary'],
    [
      ['run.log', '--summary', '--pcapng', 'wrong.pcapng'],
      '--summary: goes to the standard output; allowed without --pcapng',
    ],
  ])('%j: one line, status 2, nothing written', async (args, line) => {
    const outcome = await sriovsim('tlps', ...args);
    expect(outcome).toEqual({ status: 2, stdout: '', stderr: `${line}\n` });
    expect(existsSync(join(folder, 'wrong.pcapng'))).toBe(false);
  });

  it('knows when the log ends', async () => {
    for (const args of [[], ['--summary'], ['--pcapng', 'wrong.pcapng']]) {
      const { status, stdout, stderr } = await sriovsim('tlps', 'run.log', '--from-ns', '1e9', ...args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      const [, endNs] =
        /^--from-ns: 1000000000 lies behind the end of the log; allowed 0 to ([\d.]+)\n$/.exec(stderr) ?? [];
      expect(Number(endNs)).toBeGreaterThan(1000);
      // The end itself is not behind it.
      expect((await sriovsim('tlps', 'run.log', '--from-ns', endNs)).status).toBe(0);
    }
    expect(existsSync(join(folder, 'wrong.pcapng'))).toBe(false);
  });

  it('knows how many frames there are', async () => {
    const { status, stderr } = await sriovsim('tlps', 'run.log', '--frame', '100000');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^--frame: "100000" does not fit; allowed whole numbers from 1 to \d+\n$/);
  });
});
