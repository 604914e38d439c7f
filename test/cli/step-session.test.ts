import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeRegister, registerNamed } from '../../src/cli/step-registers.ts';
import { StepSession } from '../../src/cli/step-session.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { CAPTURE, makeSimulation } from '../sim/rig.ts';

const SCENARIO = {
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
  warmUpMs: 0,
  durationMs: 0.02,
};

/** A session, and what its records would say of frames and registers. */
function begin() {
  const simulation = makeSimulation(SCENARIO);
  const saved = new Map<string, number>();
  const session = new StepSession(simulation, {
    save: (path, { nowPs }) => saved.set(path, nowPs),
    load: () => simulation,
    copy: (current) => restoreSimulation(snapshotSimulation(current)),
  });
  const records: { kind: ProbeKind; b: number; timePs: number }[] = [];
  const { sink } = simulation.probe;
  simulation.probe.sink = {
    record: (timePs, kind, a, b, c) => {
      records.push({ timePs, kind, b });
      sink?.record(timePs, kind, a, b, c);
    },
  };
  simulation.boot();
  const since = () => simulation.nowPs - simulation.startPs;
  return { simulation, session, saved, records, since };
}

describe('a session of steps', () => {
  it('runs to an instant of the traffic, and for a time from now', () => {
    const { session, since } = begin();
    expect(session.where()).toMatch(/^\d+\.\d{3} ns, \d+\.\d{3} ns until the traffic begins; cycle /);
    expect(session.act('until time 5us')).toMatch(/ 5000\.000 ns of traffic; cycle \d+, frame \d+; last /);
    expect(since()).toBe(5e6);
    session.act('  until  time +300ns ');
    expect(since()).toBe(5.3e6);
    expect(session.act('run')).toMatch(/ 20000\.000 ns of traffic, the end of the run; /);
    expect(session.act('until time 1ms')).toMatch(/ 20000\.000 ns of traffic, the end of the run; /);
  });

  it('runs to a frame with the number that it has in the run', () => {
    const { session, records } = begin();
    const framesIn = () => records.filter(({ kind }) => kind === ProbeKind.FRAME_IN).length;
    for (const number of [2, 3, 7]) {
      expect(session.act(`until frame ${number}`)).toContain(`, frame ${number}; last `);
      expect(framesIn()).toBe(number);
    }
    expect(() => session.act('until frame 7')).toThrow('allowed whole numbers from 8 on');
  });

  it('runs to an event, to the access to a register and to the value of a counter', () => {
    const { session, simulation, records } = begin();
    expect(session.act('until event nic.switch')).toContain('; next nic.switch at ');
    session.act('until register VF0.VFTDT[0] write');
    const written = records.findLast(({ kind, b }) => kind === ProbeKind.REGISTER_WRITE && b === 0x2018);
    expect(written?.timePs).toBe(simulation.nowPs);
    session.act('until counter nic.switch.framesIn >= 5');
    expect(session.act('counters switch.framesIn')).toBe('nic.switch.framesIn 5\n');
  });

  it('runs events and cycles, and takes the course of a run that is not stopped', () => {
    const { session, simulation } = begin();
    const { events } = simulation.machine.scheduler;
    session.act('event 3');
    session.act('event');
    expect(simulation.machine.scheduler.events - events).toBe(4);
    const at = simulation.nowPs;
    session.act('cycle 10');
    const period = simulation.machine.nic.profile.coreClockPs;
    expect(simulation.nowPs).toBe((Math.floor(at / period) + 10) * period);
    session.act('run');
    const whole = makeSimulation(SCENARIO);
    whole.boot();
    whole.advance(whole.endPs);
    expect(simulation.machine.scheduler.digest).toBe(whole.machine.scheduler.digest);
  });

  it('says of what does not come that it did not, and where the run has ended', () => {
    const { session } = begin();
    const end = 'did not come: the end of the run\n';
    expect(session.act('until frame 9999')).toContain(`frame 9999 ${end}`);
    for (const what of ['counter nic.switch.framesIn >= 9999', 'register PF.CTRL write', 'time 1ms'])
      expect(session.act(`until ${what}`)).toContain(`${what} ${end}`);
    expect(session.act('where')).not.toContain('did not come');
  });

  it('lists tasks, which it can run to', () => {
    const { session } = begin();
    const tasks = session.act('tasks')?.trimEnd().split('\n') ?? [];
    expect(tasks).toContain('nic.switch');
    expect(new Set(tasks).size).toBe(tasks.length);
    expect(session.act('until event nic.switch')).toContain('; next nic.switch at ');
  });

  it('says what a register would be read as, with its fields', () => {
    const { session, simulation } = begin();
    session.act('until frame 3');
    const { pf } = simulation.machine.nic;
    const value = pf.bar(0).read32(8, 4);
    expect(session.act('register PF.STATUS')).toMatch(/^PF\.STATUS 0x[0-9a-f]{8}, BAR 0 offset 0x00008: /);
    expect(session.act('register PF.STATUS')).toContain(`0x${value.toString(16).padStart(8, '0')}`);
    expect(session.act('register PF.STATUS')).toMatch(/\n {2}17:10 NUMVFS 2: /);
    const tail = simulation.machine.nic.pf.sriov?.vf(0).bar(0).read32(0x2018, 4) ?? 0;
    expect(tail).toBeGreaterThan(0);
    expect(session.act('register VF0.VFTDT[0]')).toMatch(
      new RegExp(
        `^VF0\\.VFTDT\\[0\\] 0x${tail.toString(16).padStart(8, '0')}, BAR 0 offset 0x02018: transmit tail`,
      ),
    );
  });

  it('says the fields of registers of queues and VFs, too', () => {
    const { session, simulation } = begin();
    session.act('until frame 3');
    const told = (name: string) => describeRegister(name, registerNamed(name, simulation), simulation);
    for (const name of ['VF0.VFRXDCTL[0]', 'PF.RXDCTL[0]'])
      expect(told(name)).toMatch(/: receive descriptor control\n {2}25 {4}ENABLE 1: the queue is on\n/);
    expect(told('VF1.VFSTATUS')).toContain('  7     Linkup 1: the link is up\n');
    expect(told('VF1.VFLINKS')).toContain('  29:28 Link Speed 3: 10 Gb/s, rate of the port\n');
    expect(told('VF1.VFMAILBOX')).toContain('  4     PFSTS 0: the PF has sent a message\n');
    expect(told('VF1.VTEITR[0]')).toContain('ITR Interval');
  });

  it('lists the names of all registers, arrays in one line each', () => {
    const { session, simulation } = begin();
    const lines = session.act('registers')?.split('\n') ?? [];
    expect(lines).toContainEqual(expect.stringMatching(/^PF\.CTRL +device control$/));
    expect(lines).toContainEqual(expect.stringMatching(/^PF\.RAL\[0\.\.127\] /));
    expect(lines).toContainEqual(expect.stringMatching(/^PF\.RDT\[0\.\.127\] /));
    expect(lines).toContainEqual(expect.stringMatching(/^VF0\.VFTDT\[0\.\.1\] /));
    expect(lines.at(-2)).toBe('VF1 has those of VF0.');
    // Each of them can be looked at.
    for (const line of lines.slice(0, -2)) {
      const name = line.split(' ')[0].replace(/\.\.\d+/, '');
      expect(registerNamed(name, simulation).row, name).not.toBeUndefined();
    }
  });

  it('lists registers by the beginning of their names, with what each would be read as alone', () => {
    const { session, simulation } = begin();
    session.act('until frame 3');
    const { interrupts } = simulation.machine.nic;
    interrupts.causes[0] = 1 << 20;
    interrupts.causes[1] |= 1 << 1;
    const told = (name: string) => describeRegister(name, registerNamed(name, simulation), simulation);
    for (const prefix of ['PF.EI', 'VF0.V']) {
      const lines = session.act(`registers ${prefix}`)?.trimEnd().split('\n') ?? [];
      expect(lines.length).toBeGreaterThan(5);
      // Those that a read clears, last: here it does.
      const cleared = (line: string) => /EICR|MAILBOX/.test(line);
      for (const line of [...lines.filter((each) => !cleared(each)), ...lines.filter(cleared)]) {
        const [, names, value] = /^(\S+) +(0x[0-9a-f]{8})/.exec(line) ?? [];
        const name = names.replace(/\d+\.\./, '');
        expect(name.startsWith(prefix)).toBe(true);
        if (cleared(line)) expect(interrupts.causes[0]).toBe(1 << 20);
        expect(told(name).startsWith(`${name} ${value},`), line).toBe(true);
        if (name === 'PF.EICR') interrupts.causes[0] = 1 << 20;
      }
    }
    expect(interrupts.causes[0] & (1 << 20)).not.toBe(0);
    const { pf } = simulation.machine.nic;
    for (const [word, value] of [...Array(16).keys()].map((i) => [i, i === 9 ? 7 : 5]))
      pf.sriov
        ?.vf(1)
        .bar(0)
        .write32(0x200 + 4 * word, value, 15);
    expect(session.act('registers VF1.VFMB')).toBe(
      ['VF1.VFMBMEM[0..8]   0x00000005', 'VF1.VFMBMEM[9]      0x00000007', 'VF1.VFMBMEM[10..15] 0x00000005']
        .map((line) => `${line}  a word of the mailbox\n`)
        .join(''),
    );
    expect(() => session.act('registers PF.XYZ')).toThrow(
      'registers: no name begins with "PF.XYZ"; allowed the beginning of a name, such as PF.EI or VF0.VT, or nothing',
    );
  });

  it('leaves a register that a read clears as it is, and the run, too', () => {
    const { session, simulation } = begin();
    const { interrupts } = simulation.machine.nic;
    interrupts.causes[0] |= 1 << 20;
    const digest = simulation.machine.scheduler.digest;
    const first = session.act('register PF.EICR');
    expect(Number.parseInt(first?.slice('PF.EICR 0x'.length) ?? '', 16) & (1 << 20)).not.toBe(0);
    expect(session.act('register PF.EICR')).toBe(first);
    expect(interrupts.causes[0] & (1 << 20)).not.toBe(0);
    expect(simulation.machine.scheduler.digest).toBe(digest);
  });

  it('takes a line that begins with # for a comment', () => {
    const { session, simulation } = begin();
    const { nowPs } = simulation;
    expect(session.act('# event 5')).toBe('');
    expect(session.act('  #run')).toBe('');
    expect(simulation.nowPs).toBe(nowPs);
  });

  it('saves where it is and ends when it is told to', () => {
    const { session, saved, simulation } = begin();
    session.act('until time 2us');
    expect(session.act('snapshot here')).toMatch(/^here: .* 2000\.000 ns of traffic/);
    expect(saved.get('here')).toBe(simulation.nowPs);
    expect(session.act('help')).toMatch(/^until time T /);
    expect(session.act('')).toBe('');
    expect(session.act('quit')).toBeNull();
  });

  it.each([
    ['jump', '"jump" is no command; allowed until, event, cycle,'],
    ['until', 'until: "" is nothing to wait for; allowed time, event, register, counter, frame'],
    [
      'until time 5',
      'until time: "5" does not fit; allowed from 0ns on, or +T from now, in ps, ns, us or ms',
    ],
    ['until time -1us', 'until time: "-1us" does not fit;'],
    ['until event nic.swich', 'no task is called "nic.swich" (did you mean "nic.switch"?); allowed'],
    ['until register CTRL', 'register: "CTRL" names none; allowed PF.NAME, VF0.NAME to VF1.NAME'],
    ['until register VF2.VFCTRL', 'register: "VF2.VFCTRL" names none; allowed'],
    ['until register PF.CTLR', 'register: PF has no "CTLR" (did you mean "CTRL"?)'],
    ['until counter nic.switch.framesIn > 3', 'until counter: "nic.switch.framesIn > 3" does not fit;'],
    ['until counter nic.swich >= 3', 'there is no counter "nic.swich"'],
    ['until event', 'until event: names no task; allowed names of tasks, such as '],
    ['until event nic.swich', '"tasks" lists all'],
    [
      'until register PF.CTRL foo',
      'until register: "foo" behind PF.CTRL does not fit; allowed read, write, or nothing',
    ],
    ['until register PF.CTRL read twice', '"read twice" behind PF.CTRL does not fit; allowed read, write,'],
    [
      'until counter nic.switch.framesIn >= 0',
      'nic.switch.framesIn is 0 already; allowed whole numbers from 1 on',
    ],
    ['register CTRL', 'register: "CTRL" names none; allowed PF.NAME'],
    ['until frame 0', 'until frame: "0" does not fit; allowed whole numbers from 1 on'],
    ['event 0', 'event: "0" does not fit; allowed whole numbers from 1 to 1000000000'],
    ['cycle x', 'cycle: "x" does not fit;'],
    ['where now', 'where: takes nothing behind it; allowed where alone'],
    ['counters zebra', 'counters: no name has "zebra" in it;'],
    ['snapshot', 'snapshot: names no file; allowed snapshot FILE, without blanks'],
    ['restore a b', 'restore: names no file; allowed restore FILE, without blanks'],
  ])('refuses %j in one line and does nothing', (line, message) => {
    const { session, simulation } = begin();
    const { nowPs } = simulation;
    let error: unknown;
    try {
      session.act(line);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
    expect(simulation.nowPs).toBe(nowPs);
  });
});

describe('sriovsim step', () => {
  const tool = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
    writeFileSync(join(folder, 's.json'), JSON.stringify(SCENARIO));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function step(
    lines: string,
    ...args: string[]
  ): Promise<{ status: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [tool, 'step', ...(args.length === 0 ? ['s.json'] : args)],
        { cwd: folder },
        (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
        },
      );
      child.stdin?.end(lines);
    });
  }

  it('reads commands from a pipe, writes snapshots, and goes on from them', async () => {
    const there = 'until frame 4\nsnapshot f.snapshot\nuntil time 9us\n';
    const { status, stdout, stderr } = await step(`${there}restore f.snapshot\nuntil frame 5\n`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBe(6);
    expect(lines[4].split(' ns')[0]).toBe(lines[1].split(' ns')[0]);
    expect(lines[5]).toContain(', frame 5; last ');
  });

  it('counts frames on from a snapshot of a moment at which some are in the switch', async () => {
    const made = await step('until frame 2\nsnapshot g.snapshot\nuntil frame 4\n');
    const { stdout } = await step('restore g.snapshot\nuntil frame 3\nuntil frame 4\n');
    const [, restored, third, fourth] = stdout.trimEnd().split('\n');
    expect(restored).toContain(', frame 2; next ');
    expect(third).toContain(', frame 3; last ');
    expect(fourth).toBe(made.stdout.trimEnd().split('\n')[3]);
  });

  it('writes no snapshot in the place of what it reads, but in that of its own', async () => {
    const capture = new URL(`../../scenarios/captures/${CAPTURE}`, import.meta.url);
    copyFileSync(capture, join(folder, 'c.pcap'));
    const scenario = { ...SCENARIO, captures: [{ file: 'c.pcap', from: 'a' }] };
    writeFileSync(join(folder, 'c.json'), JSON.stringify(scenario));
    const before = readFileSync(join(folder, 'c.pcap'));
    for (const [file, by] of [
      ['c.pcap', "the scenario's capture"],
      ['./c.json', 'SCENARIO.json'],
    ]) {
      const { status, stderr } = await step(`snapshot ${file}\n`, 'c.json');
      expect(status).toBe(2);
      expect(stderr).toContain(`line 1: snapshot: ${JSON.stringify(file)} is also ${by}`);
    }
    expect(readFileSync(join(folder, 'c.pcap')).equals(before)).toBe(true);
    expect((await step('snapshot o\nrestore o\nevent\nsnapshot o\n')).status).toBe(0);
    const { stderr } = await step('restore o\nsnapshot o\n');
    expect(stderr).toContain('line 2: snapshot: "o" is also restore "o", which is read;');
  });

  it('restores no snapshot of another scenario', async () => {
    writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...SCENARIO, seed: 7 }));
    expect((await step('snapshot other\n', 'other.json')).status).toBe(0);
    expect(await step('restore other\n')).toMatchObject({
      status: 2,
      stderr:
        'standard input, line 1: restore: "other" is of another scenario: scenario.seed: was 7 and would be 1 now; allowed snapshots of this one\n',
    });
  });

  it('has no options, and says so', async () => {
    const { status, stderr } = await step('', 's.json', '--json');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /--json: unknown option; allowed for step SCENARIO\.json, and no options but --help\n/,
    );
  });

  it('ends with status 2 and one line at a line that is wrong', async () => {
    const { status, stderr } = await step('until frame 2\nsnapshot nowhere/x\nsnapshot y\n');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'standard input, line 2: snapshot: "nowhere/x" is in a folder that does not exist; allowed a file in a folder that can be written\n',
    });
    expect(existsSync(join(folder, 'y'))).toBe(false);
  });
});
