import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../../src/index.ts';
import { ProbeKind } from '../../../src/kernel/index.ts';
import { FlowClass } from '../../../src/pcie/index.ts';
import { type Simulation, waveformFromLog } from '../../../src/sim/index.ts';
import { BinaryLog, LogError, type LogRecord, singleTlps } from '../../../src/trace/index.ts';
import { writeLog } from '../../trace/log-fixture.ts';
import { type ReadDump, readVcd } from '../../trace/vcd-reader.ts';
import { loggedRun, MIXED } from './logged-run.ts';

/** Walkers that are busy, of which an IOMMU itself does not tell. */
function walksUnderWay(iommu: unknown): number {
  const walker = (iommu as { readonly timed: { readonly active: Uint8Array } } | null)?.timed;
  return walker?.active.reduce((sum, active) => sum + active, 0) ?? 0;
}

/** What a machine says after all that has happened at an instant, by the names of signals. */
type Levels = Readonly<Record<string, number>>;

function levelsOf({ machine }: Simulation): Levels {
  const { nic, iommu } = machine;
  const { data } = nic;
  const { queuesPerPool } = nic.profile;
  const levels: Record<string, number> = {
    'switch.frames': data.inPipeline,
    'buffers.slots': data.frames.slots - data.frames.available,
    'buffers.transmit': nic.profile.transmitBufferBytes - data.transmit.bufferFree,
    'buffers.receive': nic.data.counters()['receiveBufferBytes'],
    'iommu.walks': walksUnderWay(iommu),
  };
  ['a', 'b', 'c'].forEach((name, pool) => {
    const queue = pool * queuesPerPool;
    const [tx, rx] = [data.transmit.rings.all[queue], data.receive.rings.all[queue]];
    levels[`queues.${name}.tx0.tail`] = tx.tail;
    levels[`queues.${name}.tx0.head`] = data.transmitted[queue].index;
    levels[`queues.${name}.rx0.tail`] = rx.tail;
    levels[`queues.${name}.rx0.head`] = data.received[queue].index;
  });
  return levels;
}

/** Runs a scenario event by event, and notes what the machine says whenever time has gone on. */
function stepped(scenario: Scenario, during: (simulation: Simulation) => void = () => {}) {
  const noted: { readonly timePs: number; readonly levels: Levels }[] = [];
  const { log, simulation } = loggedRun(scenario, (each) => {
    each.boot();
    const { scheduler } = each.machine;
    during(each);
    while (scheduler.nextPs <= each.endPs) {
      each.step();
      if (scheduler.nextPs > scheduler.now) noted.push({ timePs: scheduler.now, levels: levelsOf(each) });
    }
  });
  return { log, simulation, noted };
}

function dumpOf(log: BinaryLog, fromPs = 0, toPs = log.trailer.endPs): { dump: ReadDump; text: string } {
  const pieces: string[] = [];
  waveformFromLog(log).write((piece) => pieces.push(piece), { version: 'v', comment: 'c', fromPs, toPs });
  const text = pieces.join('');
  return { dump: readVcd(text), text };
}

function expectLevels(
  dump: ReadDump,
  noted: readonly { readonly timePs: number; readonly levels: Levels }[],
): void {
  for (const { timePs, levels } of noted)
    for (const [path, level] of Object.entries(levels))
      if (dump.at(path, timePs) !== level)
        expect(`${path} at ${timePs}: ${dump.at(path, timePs)}`).toBe(`${level}`);
}

describe('the waveform of a run', () => {
  const { log, simulation, noted } = stepped(MIXED);
  const { dump, text } = dumpOf(log);

  it('says of buffers, the switch, walks and rings what the machine says at each instant', () => {
    expect(noted.length).toBeGreaterThan(1000);
    expectLevels(dump, noted);
    // They are no constants.
    for (const path of Object.keys(noted[0].levels))
      if (!/c\.tx0|a\.rx0/.test(path))
        expect(new Set(noted.map(({ levels }) => levels[path])).size, path).toBeGreaterThan(1);
  });

  it.each([
    ['with classes and pauses', { nic: { port: { pause: 'both' as const } } }],
    [
      'with cut-through both ways',
      {
        nic: { profile: 'generic-100g' as const, linkGbps: 100, port: { switching: 'cut-through' as const } },
      },
    ],
    [
      'with marks of ECN',
      { nic: { profile: 'generic-100g' as const, linkGbps: 10, port: { pause: 'both' as const } } },
    ],
    ['without an IOMMU', { host: { iommu: false } }],
  ])('does so %s', (_, extra) => {
    const traffic: Scenario['traffic'] = [
      { from: 'a', to: 'b', ratePps: 1e6, frameBytes: 1518 },
      { from: 'b', to: 'broadcast', ratePps: 4e5, frameBytes: 1000, ecn: true },
      { from: 'c', to: 'port', ratePps: 1e6, frameBytes: 1518 },
      { from: 'port', to: 'c', ratePps: 1e6, frameBytes: 900 },
    ];
    const guests = [{ name: 'a' }, { name: 'b', driver: 'poll' as const }, { name: 'c' }];
    const run = stepped({ guests, traffic, warmUpMs: 0, durationMs: 0.04, ...extra });
    expectLevels(dumpOf(run.log).dump, run.noted);
    expect(run.noted.some(({ levels }) => levels['buffers.receive'] > 1000)).toBe(true);
  });

  it('follows rings that are stopped, and set up anew', () => {
    const run = stepped({ ...MIXED, durationMs: 0.02 }, ({ machine }) => {
      machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, '0');
      machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, '4');
    });
    expectLevels(dumpOf(run.log).dump, run.noted);
  });

  it('shows the symbols of each TLP, its type and sequence number', () => {
    const all = [...singleTlps(log)];
    const tlps = all.filter((_, i) => i % 7 === 0);
    for (const { downstream, startPs, endPs, kind, sequence } of tlps) {
      const scope = `link.${downstream ? 'down' : 'up'}stream`;
      for (const timePs of [startPs, Math.floor((startPs + endPs) / 2), endPs - 1])
        expect(['busy', 'type', 'sequence'].map((name) => dump.at(`${scope}.${name}`, timePs))).toEqual([
          1,
          kind,
          sequence,
        ]);
    }
    for (const downstream of [false, true]) {
      const scope = `link.${downstream ? 'down' : 'up'}stream`;
      const own = all.filter((tlp) => tlp.downstream === downstream);
      let checked = 0;
      for (let i = 1; i < own.length; i++) {
        if (own[i].startPs <= own[i - 1].endPs) continue;
        const idle = ['busy', 'type', 'sequence'].map((name) =>
          dump.at(`${scope}.${name}`, own[i - 1].endPs),
        );
        expect(idle).toEqual([0, 'z', 'z']);
        checked++;
      }
      expect(checked).toBeGreaterThan(100);
    }
  });

  it('shows the credits that the transmitter has left', () => {
    /** The last of each instant. */
    const seen = new Map<
      string,
      { readonly timePs: number; readonly headers: number; readonly path: string }
    >();
    loggedRun(MIXED, (each) => {
      each.boot();
      const { link, scheduler } = each.machine;
      const gates = [
        { path: 'link.upstream.posted_headers', direction: link.upstream, flowClass: FlowClass.POSTED },
        { path: 'link.downstream.posted_headers', direction: link.downstream, flowClass: FlowClass.POSTED },
        {
          path: 'link.upstream.nonposted_headers',
          direction: link.upstream,
          flowClass: FlowClass.NON_POSTED,
        },
      ];
      const sent = gates.map(({ direction }) => direction.tlpsSent);
      while (scheduler.nextPs <= each.endPs) {
        each.step();
        gates.forEach(({ path, direction, flowClass }, i) => {
          if (direction.tlpsSent === sent[i]) return;
          sent[i] = direction.tlpsSent;
          const timePs = scheduler.now;
          seen.set(`${path} ${timePs}`, { timePs, headers: direction.headerCredits(flowClass), path });
        });
      }
    });
    // A train of another class does not say what is left of this one: what the signal has is what was left at its own last one.
    const trains = new Set(dump.changes.map(({ timePs, path }) => `${path} ${timePs}`));
    const own = [...seen.values()].filter(({ path, timePs }) => trains.has(`${path} ${timePs}`));
    expect(own.length).toBeGreaterThan(300);
    for (const { timePs, headers, path } of own)
      expect(`${path} ${dump.at(path, timePs)}`).toBe(`${path} ${headers}`);
    // What is infinite is no signal.
    expect(dump.variables.filter(({ path }) => path.includes('completion'))).toEqual([]);
  });

  it('shows how far descriptors have been asked for', () => {
    const { transmit, receive } = simulation.machine.nic.data;
    const { queuesPerPool } = simulation.machine.nic.profile;
    ['a', 'b', 'c', 'd'].forEach((name, pool) => {
      const queue = pool * queuesPerPool;
      for (const [half, engine] of [
        ['tx', transmit],
        ['rx', receive],
      ] as const)
        expect(dump.at(`queues.${name}.${half}0.fetched`, dump.toPs)).toBe(
          engine.rings.all[queue].fetchIndex,
        );
    });
  });

  it('has every interrupt as an event, with its cause', () => {
    const interrupts = [...log.records()].filter(({ kind }) => kind === ProbeKind.INTERRUPT);
    const events = dump.changes.filter(({ path }) => /^interrupts\.\w+\.message$/.test(path));
    expect(events.map(({ timePs }) => timePs)).toEqual(interrupts.map(({ timePs }) => timePs));
    events.forEach(({ path, timePs }, i) => {
      expect(dump.at(path.replace('message', 'cause'), timePs)).toBe(interrupts[i].b);
    });
  });

  it('shows when the port sends: preamble and frame, and not the gap behind it', () => {
    const isWhole = ({ kind, timePs, c }: LogRecord) =>
      kind === ProbeKind.WIRE_SENT && timePs + c <= dump.toPs;
    const sent = [...log.records()].filter(isWhole);
    expect(sent.length).toBeGreaterThan(30);
    for (const { timePs, b, c } of sent) {
      const end = timePs + c;
      // 10 Gb/s: 800 ps a byte.
      const start = end - (8 + b) * 800;
      const around = [start - 1, start, end - 1, end];
      expect(around.map((time) => dump.at('port.busy', time))).toEqual([0, 1, 1, 0]);
    }
  });

  it('of a window begins with the values that there are then', () => {
    const fromPs = simulation.startPs + 15_000_001;
    const toPs = fromPs + 5_000_000;
    const part = dumpOf(log, fromPs, toPs).dump;
    expect([part.fromPs, part.toPs]).toEqual([fromPs, toPs]);
    for (const { path, type } of part.variables)
      if (type === 'wire')
        for (const timePs of [fromPs, fromPs + 1_234_567, toPs])
          expect(part.at(path, timePs)).toBe(dump.at(path, timePs));
    expect(part.changes).toEqual(dump.changes.filter(({ timePs }) => timePs > fromPs && timePs <= toPs));
  });

  it('does not claim to know what happened before the log', () => {
    const records = [...log.records()].slice(-2000);
    const bytes = writeLog(
      (target) => {
        for (const { timePs, kind, a, b, c } of records) target.record(timePs, kind, a, b, c);
      },
      { ...log.header, startPs: records[0].timePs },
    );
    const cut = Object.assign(new BinaryLog(bytes), { trailer: log.trailer });
    const part = dumpOf(cut, records[0].timePs - 1).dump;
    const level = part.variables.find(({ path }) => path === 'buffers.slots');
    expect(part.at(level?.path as string, part.fromPs)).toBe('x');
    for (const path of ['buffers.slots', 'buffers.receive', 'buffers.transmit', 'port.busy'])
      expect([part.at(path, part.toPs), path]).toEqual([dump.at(path, part.toPs), path]);
  });

  it('is read by the converter of GTKWave', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
    try {
      execFileSync('vcd2fst', ['--version'], { stdio: 'ignore' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        context.skip('skipped: there is no vcd2fst to read the waveform; install the package gtkwave');
    }
    try {
      const [vcd, fst, back] = ['a.vcd', 'a.fst', 'b.vcd'].map((name) => join(folder, name));
      writeFileSync(vcd, text);
      const said = execFileSync('vcd2fst', [vcd, fst], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(said).not.toMatch(/error|warning|unknown/i);
      expect(statSync(fst).size).toBeGreaterThan(1000);
      // What it has taken in is what was meant.
      execFileSync('fst2vcd', [fst, '-o', back], { stdio: 'ignore' });
      const lines = readFileSync(back, 'utf8').split('\n');
      expect(lines.filter((line) => line.startsWith('$var')).length).toBe(dump.variables.length);
      expect(lines.filter((line) => /^#\d+$/.test(line)).at(-1)).toBe(`#${dump.toPs}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is only had of a machine', () => {
    expect(() => waveformFromLog(new BinaryLog(writeLog(() => {})))).toThrow(LogError);
  });
});
