import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StepSession } from '../../src/cli/step-session.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { makeSimulation } from '../sim/rig.ts';

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

  function step(lines: string): Promise<{ status: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [tool, 'step', 's.json'],
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
