import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace, slicesOf } from '../trace/perfetto-schema.ts';
import { readVcd } from '../trace/vcd-reader.ts';

/** The tool as it is installed: a process of its own, from the built files. */
const tool = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

let folder: string;

function sriovsim(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const read = (name: string) => readFileSync(join(folder, name));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  const scenario = {
    guests: [{ name: 'a' }, { name: 'b' }],
    traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
    warmUpMs: 0,
    durationMs: 0.02,
  };
  writeFileSync(join(folder, 's.json'), JSON.stringify(scenario));
  writeFileSync(join(folder, 'no.log'), 'no log');
  expect(await sriovsim('run', 's.json', '--log', 'run.log')).toMatchObject({ status: 0, stderr: '' });
  writeFileSync(join(folder, 'cut.log'), read('run.log').subarray(0, -24));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Wrong input that all views of a log have in common. */
function refusals(command: string, out: string): void {
  it.each([
    [
      ['nowhere.log', '--out', out],
      'nowhere.log: no such file; allowed a binary log that sriovsim run --log wrote',
    ],
    [
      ['no.log', '--out', out],
      /^no\.log: is no binary log: .*; allowed a binary log that sriovsim run --log wrote$/,
    ],
    [
      ['cut.log', '--out', out],
      /^cut\.log: is truncated .*; allowed a binary log that sriovsim run --log wrote$/,
    ],
    [
      ['run.log', '--out', 'nowhere/x'],
      '--out: "nowhere/x" is in a folder that does not exist; allowed a file in a folder that can be written',
    ],
    [['run.log', '--out', out, '--from-ns', 'x'], /^--from-ns: "x" does not fit; allowed 0 to \d+/],
    [
      ['run.log', '--out', out, '--from-ns', '1e9'],
      /^--from-ns: 1000000000 lies behind the end of the log; allowed 0 to 121\d{6}(\.\d+)?$/,
    ],
    [
      ['run.log', '--out', out, '--from-ns', '5', '--to-ns', '4'],
      '--to-ns: 4 lies before --from-ns; allowed times from 5 on',
    ],
  ])(`refuses %j in one line, and writes nothing`, async (args, line) => {
    const before = readdirSync(folder).length;
    const { status, stdout, stderr } = await sriovsim(command, ...args);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    if (typeof line === 'string') expect(stderr).toBe(`${line}\n`);
    else expect(stderr.trimEnd()).toMatch(line);
    expect(readdirSync(folder).length).toBe(before);
  });
}

describe('a log that is not what was written', () => {
  const views = [
    ['tlps'],
    ['timeline', '--out', 'x.out'],
    ['waveform', '--out', 'x.out'],
    ['waveform', '--list'],
    ['trace-frame', '2'],
  ];
  const of = ([name, ...args]: string[], file: string) =>
    name === 'trace-frame' ? [name, ...args, file] : [name, file, ...args];
  const ALLOWED = /; allowed (a scenario file, or )?a binary log that sriovsim run --log wrote$/;

  it.each([
    [
      'damaged.log',
      /^damaged\.log: is damaged: records \d+ to \d+, at bytes \d+ to \d+, do not have their checksum/,
    ],
    ['cut.log', /^cut\.log: is truncated after \d+ bytes: /],
    ['later.log', /^later\.log: has version 4 of the format, and none of 1, 2, 3/],
  ])(
    'is refused by every view, which says what and where, and nothing is written: %s',
    async (file, line) => {
      const other = read('run.log');
      if (file === 'damaged.log') other[other.length >> 1] ^= 0x10;
      else other.writeUInt32LE(4, 8);
      if (file !== 'cut.log') writeFileSync(join(folder, file), other);
      const outcomes = await Promise.all(views.map((view) => sriovsim(...of(view, file))));
      for (const { status, stdout, stderr } of outcomes) {
        expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
        expect(stderr).toMatch(line);
        expect(stderr.trimEnd()).toMatch(ALLOWED);
        expect(stderr.match(/allowed/g)).toHaveLength(1);
      }
      expect(existsSync(join(folder, 'x.out'))).toBe(false);
    },
    60_000,
  );

  it('is read by every view as far as it is whole if it was cut off and one asks, with a line that says so', async () => {
    expect(await sriovsim('run', 's.json', '--duration-ms', '0.2', '--log', 'long.log')).toMatchObject({
      status: 0,
    });
    writeFileSync(join(folder, 'half.log'), read('long.log').subarray(0, 0.9 * read('long.log').length));
    const outcomes = await Promise.all(views.map((view) => sriovsim(...of(view, 'half.log'), '--cut')));
    for (const { status, stdout, stderr } of outcomes) {
      expect({ status, isSilent: stdout === '' }).toEqual({ status: 0, isSilent: false });
      expect(stderr).toMatch(
        /^half\.log: is cut off: [\d,]+ records are whole, up to \d+(\.\d+)? ns; what only its end says is missing\n$/,
      );
    }
    const whole = await sriovsim('tlps', 'long.log');
    const some = outcomes[0].stdout.split('\n').length;
    expect(some).toBeGreaterThan(whole.stdout.split('\n').length / 2);
    // The records say themselves how the card was configured.
    expect(outcomes[0].stdout).toContain('register read, 01:00.0 (PF) ');
    expect(outcomes[0].stdout).not.toContain('its BAR unknown');
    rmSync(join(folder, 'x.out'));
  }, 60_000);

  it('says in one line what it cannot know of the last records of a run', async () => {
    await sriovsim('run', 's.json', '--log', 'last.log', '--log-last', '300');
    const outcomes = await Promise.all(
      views.filter(([view]) => view !== 'trace-frame').map((view) => sriovsim(...of(view, 'last.log'))),
    );
    expect(outcomes.length).toBeGreaterThan(2);
    for (const { status, stderr } of outcomes) {
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^last\.log: [\d,]+ records in front of its first are lost: what was set or asked for before is unknown until it is set again\n$/,
      );
    }
    const { stdout } = await sriovsim('tlps', 'last.log', '--function', 'VF0');
    expect(stdout).toContain('(VF 0) VFTDT[0]');
    rmSync(join(folder, 'x.out'));
  }, 60_000);

  it('and what is another file is named', async () => {
    copyFileSync(
      fileURLToPath(new URL('../../scenarios/captures/namespaces.pcap', import.meta.url)),
      join(folder, 'a.pcap'),
    );
    const outcomes = await Promise.all([
      sriovsim('trace-frame', '5', 'a.pcap'),
      sriovsim('run', 'run.log'),
      sriovsim('trace-frame', '5', 's.json', '--cut'),
    ]);
    expect(outcomes.map(({ status, stderr }) => [status, stderr])).toEqual([
      [
        2,
        'a.pcap: is a pcap capture; allowed a scenario file, or a binary log that sriovsim run --log wrote\n',
      ],
      [2, 'run.log: is a binary log; allowed a scenario file\n'],
      [2, '--cut: is for a log; allowed without s.json\n'],
    ]);
  });
});

describe('sriovsim timeline', () => {
  it('writes a file for Perfetto and says what is in it', async () => {
    const { status, stdout, stderr } = await sriovsim('timeline', 'run.log', '--out', 'a.perfetto-trace');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^a\.perfetto-trace: [\d,]+ events on \d+ tracks, \d+ chains of arrows\n$/);
    const trace = readTrace(read('a.perfetto-trace'));
    expect(slicesOf(trace).filter(({ path }) => path === 'sriovsim/queues/a tx[0]').length).toBeGreaterThan(
      10,
    );
  });

  it('writes a part of the time', async () => {
    const whole = readTrace(read('a.perfetto-trace'));
    const half = Math.floor((whole.events.at(-1)?.ns as number) - 10_000);
    const args = ['--out', 'b.perfetto-trace', '--from-ns', String(half), '--to-ns', String(half + 500.5)];
    expect(await sriovsim('timeline', 'run.log', ...args)).toMatchObject({ status: 0, stderr: '' });
    const part = readTrace(read('b.perfetto-trace'));
    expect(part.events.length).toBeGreaterThan(10);
    expect(
      part.events.filter(({ type, ns }) => type === 'instant' && (ns < half || ns > half + 501)),
    ).toEqual([]);
    expect(part.events.length).toBeLessThan(whole.events.length / 10);
  });

  it('wants to be told where to', async () => {
    expect(await sriovsim('timeline', 'run.log')).toEqual({
      status: 2,
      stdout: '',
      stderr: '--out: is missing; allowed timeline FILE.log --out FILE.perfetto-trace\n',
    });
    expect(existsSync(join(folder, 'undefined'))).toBe(false);
  });

  refusals('timeline', 'x.perfetto-trace');
});

describe('sriovsim waveform', () => {
  const value = (name: string) => readVcd(read(name).toString('utf8'));

  it('writes a value change dump and says what is in it', async () => {
    const { status, stdout, stderr } = await sriovsim('waveform', 'run.log', '--out', 'a.vcd');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^a\.vcd: \d+ signals, [\d,]+ changes\n$/);
    const dump = value('a.vcd');
    expect(dump.variables.length).toBe(Number(/(\d+) signals/.exec(stdout)?.[1]));
    expect(dump.version).toMatch(/^sriovsim \d/);
    const types = '0 MRd, 1 MWr, 2 Cpl, 3 CplD, 4 CfgRd, 5 CfgWr, 6 Msg';
    expect(dump.comment).toContain(`type: ${types}; z while`);
    const docs = new URL('../../docs/timeline-and-waveform.md', import.meta.url);
    expect(readFileSync(docs, 'utf8')).toContain(`| its type: ${types} |`);
    expect(dump.fromPs).toBe(0);
  });

  it('writes chosen signals of a part of the time', async () => {
    const end = value('a.vcd').toPs / 1000;
    const args = [
      '--signals',
      'link.upstream,queues.*.tx0.tail,buffers.slots',
      '--from-ns',
      String(end - 5000.5),
    ];
    expect(await sriovsim('waveform', 'run.log', '--out', 'b.vcd', ...args)).toMatchObject({
      status: 0,
      stderr: '',
    });
    const dump = value('b.vcd');
    const paths = dump.variables.map(({ path }) => path);
    expect(paths).toContain('link.upstream.type');
    expect(paths.filter((path) => !path.startsWith('link.upstream.')).sort()).toEqual([
      'buffers.slots',
      'queues.a.tx0.tail',
      'queues.b.tx0.tail',
      'queues.host.tx0.tail',
    ]);
    expect(dump.toPs - dump.fromPs).toBe(5_000_500);
    const whole = value('a.vcd');
    for (const path of paths) expect(dump.at(path, dump.fromPs)).toBe(whole.at(path, dump.fromPs));
  });

  it('lists the signals that there are', async () => {
    const { status, stdout } = await sriovsim('waveform', 'run.log', '--list');
    const lines = stdout.trimEnd().split('\n');
    expect({ status, head: lines[0].split(/ +/) }).toEqual({
      status: 0,
      head: ['signal', 'bits', 'changes', 'meaning'],
    });
    expect(
      lines
        .slice(1)
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(
      value('a.vcd')
        .variables.map(({ path }) => path)
        .sort(),
    );
    expect(stdout).toMatch(/^interrupts\.b\.message +event +[1-9]/m);
  });

  it.each([
    [
      ['run.log'],
      '--out: is missing; allowed waveform FILE.log (--out FILE.vcd [--from-ns T] [--to-ns T] | --list) [--signals A,B] [--cut]',
    ],
    [
      ['run.log', '--out', 'x.vcd', '--signals', 'link.upstream.buzy'],
      '--signals: there is no "link.upstream.buzy" (did you mean "link.upstream.busy"?); allowed what --list prints, scopes of it, * for any part',
    ],
    [['run.log', '--out', 'x.vcd', '--signals', ''], /^--signals: there is no ""; allowed/],
  ])('refuses %j in one line, and writes nothing', async (args, line) => {
    const { status, stdout, stderr } = await sriovsim('waveform', ...args);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    if (typeof line === 'string') expect(stderr).toBe(`${line}\n`);
    else expect(stderr.trimEnd()).toMatch(line);
    expect(existsSync(join(folder, 'x.vcd'))).toBe(false);
  });

  refusals('waveform', 'x.vcd');
});
