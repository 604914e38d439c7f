import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { FileUses } from '../../src/cli/file-uses.ts';

/** The tool as it is installed: a process of its own, from the built files. */
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

let folder: string;

function sriovsim(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path('dist/cli/main.js'), ...args],
      { cwd: folder },
      (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-uses-'));
  const scenario = {
    guests: [{ name: 'a' }, { name: 'b' }],
    captures: [{ from: 'port', file: 'replayed.pcap' }],
    warmUpMs: 0,
    durationMs: 0.02,
  };
  copyFileSync(path('scenarios/captures/namespaces.pcap'), join(folder, 'replayed.pcap'));
  mkdirSync(join(folder, 'e'));
  writeFileSync(join(folder, 'e', 'm.json'), JSON.stringify({ ...scenario, captures: [] }));
  writeFileSync(join(folder, 'replay.json'), JSON.stringify(scenario));
  expect(await sriovsim('run', 'e/m.json', '--log', 'x.log', '--snapshot', 'state')).toMatchObject({
    status: 0,
    stderr: '',
  });
  symlinkSync('x.log', join(folder, 'soft.log'));
  linkSync(join(folder, 'x.log'), join(folder, 'hard.log'));
  symlinkSync('e', join(folder, 'also-e'));
  symlinkSync('not-yet', join(folder, 'dangling'));
  mkdirSync(join(folder, 'results'));
  for (const name of ['report.json', 'scenario.json'])
    copyFileSync(join(folder, 'e', 'm.json'), join(folder, 'results', name));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Every file below the folder with its bytes. */
function contents(): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file, readFileSync(file).toString('latin1')];
    }),
  );
}

const OTHER = 'allowed a file that is neither read nor written otherwise';

describe('an output that is a file of the same command', () => {
  const cases: [string[], string][] = [
    [['tlps', 'x.log', '--pcapng', 'x.log'], '--pcapng: "x.log" is also FILE.log "x.log", which is read'],
    [
      ['tlps', 'x.log', '--pcapng', './e/../x.log'],
      '--pcapng: "./e/../x.log" is also FILE.log "x.log", which is read',
    ],
    [['timeline', 'x.log', '--out', 'soft.log'], '--out: "soft.log" is also FILE.log "x.log", which is read'],
    [['timeline', 'soft.log', '--out', 'x.log'], '--out: "x.log" is also FILE.log "soft.log", which is read'],
    [['waveform', 'x.log', '--out', 'hard.log'], '--out: "hard.log" is also FILE.log "x.log", which is read'],
    [
      ['run', 'e/m.json', '--log', 'e/m.json'],
      '--log: "e/m.json" is also SCENARIO.json "e/m.json", which is read',
    ],
    [
      ['run', 'e/m.json', '--capture', 'also-e/m.json'],
      '--capture: "also-e/m.json" is also SCENARIO.json "e/m.json", which is read',
    ],
    [
      ['run', 'e/m.json', '--counters', 'e/m.json'],
      '--counters: "e/m.json" is also SCENARIO.json "e/m.json", which is read',
    ],
    [
      ['run', '--resume', 'state', '--snapshot', './state'],
      '--snapshot: "./state" is also --resume "state", which is read',
    ],
    [
      ['run', 'replay.json', '--log', 'replayed.pcap'],
      '--log: "replayed.pcap" is also the scenario\'s capture "FOLDER/replayed.pcap", which is read',
    ],
    [['run', 'e/m.json', '--log', 'new', '--capture', './new'], '--log: "new" is also --capture "./new"'],
    [
      ['run', 'e/m.json', '--log', 'not-yet', '--snapshot', 'dangling'],
      '--snapshot: "dangling" is also --log "not-yet"',
    ],
    [
      ['run', 'e/m.json', '--log', 'e/new', '--snapshot', 'also-e/new'],
      '--snapshot: "also-e/new" is also --log "e/new"',
    ],
    [
      ['run', 'e/m.json', '--out', 'd', '--counters', 'd/report.json'],
      '--out: "d/report.json" is also --counters "d/report.json"',
    ],
    [['run', 'e/m.json', '--out', 'd', '--log', 'd'], '--out: "d" is also --log "d"'],
    [['run', 'e/m.json', '--out', 'd/e', '--log', 'd'], '--out: "d/e" is also --log "d"'],
    [
      ['run', 'results/report.json', '--out', 'results'],
      '--out: "results/report.json" is also SCENARIO.json "results/report.json", which is read',
    ],
    [
      ['run', 'results/scenario.json', '--out', 'results/.'],
      '--out: "results/scenario.json" is also SCENARIO.json "results/scenario.json", which is read',
    ],
    [
      ['run', 'e/m.json', '--log-last', '9', '--snapshot', 'sriovsim-failed.log'],
      '--log-last: "sriovsim-failed.log" is also --snapshot "sriovsim-failed.log"',
    ],
  ];

  it('is refused by every command and pair of files, and nothing is written', async () => {
    const before = contents();
    const outcomes = await Promise.all(cases.map(([args]) => sriovsim(...args)));
    expect(outcomes).toEqual(
      cases.map(([, line]) => ({
        status: 2,
        stdout: '',
        stderr: `${line.replace('FOLDER', folder)}; ${OTHER}\n`,
      })),
    );
    const after = contents();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, bytes] of Object.entries(before)) expect(after[name] === bytes, name).toBe(true);
    expect(existsSync(join(folder, 'd'))).toBe(false);
  }, 60_000);

  it('is seen in whatever order the files are told of', () => {
    const file = join(folder, 'x.log');
    for (const first of ['read', 'write'] as const) {
      const files = new FileUses();
      files[first]('--one', file);
      const second = first === 'read' ? 'write' : 'read';
      expect(() => files[second]('--other', `${folder}/./x.log`)).toThrow(UsageError);
    }
  });

  it('may be read twice, and lie beside others in one folder', () => {
    const files = new FileUses();
    files.read('FILE', join(folder, 'x.log'));
    files.read('FILE', join(folder, 'hard.log'));
    files.writeFolder('--out', join(folder, 'd'));
    files.write('--log', join(folder, 'd', 'y.log'));
    files.write('--capture', join(folder, 'd', 'y.log.pcapng'));
    files.write('--counters', join(folder, 'dd'));
  });
});

describe('options that are given twice, or do not go together', () => {
  it.concurrent.each([
    [['run', 'e/m.json', '--seed', '1', '--seed', '2'], '--seed: is given twice; allowed --seed N once'],
    [['run', 'e/m.json', '--log', 'A', '--log=B'], '--log: is given twice; allowed --log FILE once'],
    [
      ['run', 'e/m.json', '--capture', 'c.pcap'],
      '--capture: "c.pcap" ends in .pcap, but what is written is pcapng; allowed another ending',
    ],
    [
      ['waveform', 'x.log', '--list', '--out', 'F'],
      '--list: prints the signals and writes no file; allowed without --out',
    ],
    [
      ['waveform', 'x.log', '--list', '--from-ns', '5'],
      '--list: prints the signals of the whole log; allowed without --from-ns',
    ],
    [
      ['timeline', 'x.log', '--out', 'F.json'],
      '--out: "F.json" ends in .json, but what is written is Perfetto protobuf; allowed another ending',
    ],
    [
      ['tlps', 'x.log', '--pcapng', 'F.CAP'],
      '--pcapng: "F.CAP" ends in .cap, but what is written is pcapng; allowed another ending',
    ],
    [['tlps', 'x.log', '--frame', '1', '--frame', '2'], '--frame: is given twice; allowed --frame N once'],
    [['tlps', ''], /^tlps: FILE\.log is empty; allowed tlps FILE\.log \[/],
    [['lspci', '--vfs', '1', '--vfs', '2'], '--vfs: is given twice; allowed --vfs N once'],
    [
      ['experiment', 'list', '--svg', 'F.svg'],
      '--svg: is for one experiment; allowed with its NAME, not with list',
    ],
    [['experiment', 'routing-ids', '--set', 'x=1'], /^--set x: routing-ids has no such parameter; allowed /],
    [
      ['experiment', 'pcie-bandwidth', '--set', 'lanes=1', '--set', 'lanes=2'],
      '--set lanes: is given twice; allowed once, a list with commas',
    ],
    [
      ['experiment', 'pcie-bandwidth', '--svg', 'F.png'],
      '--svg: "F.png" ends in .png, but what is written is SVG; allowed another ending',
    ],
  ])('%j: one line, status 2, nothing written', async (args, line) => {
    const { status, stdout, stderr } = await sriovsim(...args);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    if (typeof line === 'string') expect(stderr).toBe(`${line}\n`);
    else expect(stderr).toMatch(line);
    for (const name of ['A', 'B', 'F', 'c.pcap', 'F.json'])
      expect(existsSync(join(folder, name))).toBe(false);
  });
});
