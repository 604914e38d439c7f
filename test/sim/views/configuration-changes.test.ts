import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../../src/index.ts';
import { ProbeKind as Kind, type ProbeKind, type ProbeSink } from '../../../src/kernel/index.ts';
import { type PcieFunction, TlpKind } from '../../../src/pcie/index.ts';
import { type Simulation, timelineFromLog, waveformFromLog } from '../../../src/sim/index.ts';
import {
  BinaryLog,
  LogKind,
  LogRing,
  type SingleTlp,
  SinkPair,
  singleTlps,
  TlpPurposes,
} from '../../../src/trace/index.ts';
import { join } from '../../trace/log-fixture.ts';
import { type ReadDump, readVcd } from '../../trace/vcd-reader.ts';
import { loggedRun } from './logged-run.ts';

const BASE: Scenario = {
  seed: 11,
  guests: [{ name: 'a', driver: 'poll' }, { name: 'b' }, { name: 'c' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 2e6 },
    { from: 'b', to: 'port', ratePps: 1e6 },
    { from: 'port', to: 'host', ratePps: 1e6 },
    { from: 'host', to: 'port', ratePps: 5e5 },
  ],
  warmUpMs: 0,
  durationMs: 0.03,
};

/** What the machine itself says while it runs. */
interface Seen {
  /** Functions whose registers were written, by when. */
  readonly written: Map<number, string>;
  /** Functions that made the requests of the card, by when their trains were given to the link. */
  readonly asked: Map<string, string | null>;
  /** Tails and heads of rings, whenever time has gone on. */
  readonly levels: { readonly timePs: number; readonly of: Readonly<Record<string, number>> }[];
}

const nameOf = (fn: PcieFunction | null) => (fn === null ? null : fn.isVirtual ? `VF ${fn.vfIndex}` : 'PF');

function watch(simulation: Simulation, seen: Seen): ProbeSink {
  const { endpoint } = simulation.machine.nic;
  return {
    record: (timePs: number, kind: ProbeKind, a: number) => {
      if (kind === Kind.REGISTER_WRITE) seen.written.set(timePs, nameOf(endpoint.hitFunction) as string);
      else if (kind === Kind.TLP_HEADER) {
        const requester = a & 0xffff;
        seen.asked.set(`${timePs} ${requester}`, nameOf(endpoint.functionAt(requester)));
      }
    },
  };
}

function levelsOf(simulation: Simulation): Record<string, number> {
  const { data, profile } = simulation.machine.nic;
  const levels: Record<string, number> = {};
  const pools: [string, number][] = ['a', 'b', 'c'].map((name, pool) => [name, pool]);
  // Where the PF's rings are, those of a VF are not.
  for (const [name, pool] of [
    ...pools.filter(([, own]) => own !== simulation.pfPort),
    ['host', simulation.pfPort] as const,
  ]) {
    const queue = pool * profile.queuesPerPool;
    levels[`queues.${name}.tx0.tail`] = data.transmit.rings.all[queue].tail;
    levels[`queues.${name}.rx0.tail`] = data.receive.rings.all[queue].tail;
    // A frame that could not be read counts there, and is never in the switch.
    if (data.transmit.framesFailed === 0) levels[`queues.${name}.tx0.head`] = data.transmitted[queue].index;
    levels[`queues.${name}.rx0.head`] = data.received[queue].index;
  }
  return levels;
}

/** Runs a scenario, and does something in the middle of it. */
function watched(scenario: Scenario, act: (simulation: Simulation) => void = () => {}) {
  const seen: Seen = { written: new Map(), asked: new Map(), levels: [] };
  const { log, simulation } = loggedRun(scenario, (each) => {
    each.probe.sink = new SinkPair(watch(each, seen), each.probe.sink as ProbeSink);
    each.boot();
    const { scheduler } = each.machine;
    const middlePs = (each.startPs + each.endPs) / 2;
    let acted = false;
    while (scheduler.nextPs <= each.endPs) {
      each.step();
      if (scheduler.nextPs > scheduler.now) seen.levels.push({ timePs: scheduler.now, of: levelsOf(each) });
      if (acted || scheduler.now < middlePs) continue;
      acted = true;
      act(each);
    }
  });
  return { log, simulation, seen };
}

const setVfs = (simulation: Simulation, count: number) => {
  const { machine } = simulation;
  machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, String(count));
};

const CASES: readonly [string, Scenario, (simulation: Simulation) => void][] = [
  [
    'the link goes down and comes up again',
    { ...BASE, faults: [{ kind: 'link-down', atMs: 0.012, forMs: 0.004 }] },
    () => {},
  ],
  ['the PF is reset (FLR)', { ...BASE, faults: [{ kind: 'flr', atMs: 0.012, target: 'host' }] }, () => {}],
  ['a VF is reset (FLR)', { ...BASE, faults: [{ kind: 'flr', atMs: 0.012, target: 'a' }] }, () => {}],
  [
    'a descriptor fetch fails',
    { ...BASE, faults: [{ kind: 'iommu-fault', atMs: 0.012, target: 'a', direction: 'read' }] },
    () => {},
  ],
  ['VF Enable is cleared', BASE, (simulation) => setVfs(simulation, 0)],
  [
    'VF Enable is cleared and set again with fewer VFs',
    BASE,
    (simulation) => {
      setVfs(simulation, 0);
      setVfs(simulation, 2);
    },
  ],
];

function dumpOf(log: BinaryLog): ReadDump {
  const pieces: string[] = [];
  waveformFromLog(log).write((piece) => pieces.push(piece), {
    version: 'v',
    fromPs: 0,
    toPs: log.trailer.endPs,
  });
  return readVcd(pieces.join(''));
}

describe.each(CASES)('a log in which %s', (_, scenario, act) => {
  const { log, seen } = watched(scenario, act);

  it('names the function whose register a write reaches, as it is when it arrives', () => {
    const purposes = new TlpPurposes(log);
    let named = 0;
    for (const tlp of singleTlps(log)) {
      if (!tlp.downstream || tlp.kind !== 1 || tlp.received !== 'good') continue;
      const fn = seen.written.get(tlp.arrivalPs);
      if (fn === undefined) continue;
      if (purposes.functionNameOf(tlp) !== fn)
        expect(`${purposes.of(tlp)} at ${tlp.arrivalPs}`).toBe(`a write to ${fn}`);
      named++;
    }
    expect(named).toBe(seen.written.size);
  });

  it('names the function that makes a request, as it is when it makes it', () => {
    const purposes = new TlpPurposes(log);
    let named = 0;
    for (const tlp of singleTlps(log)) {
      if (tlp.downstream || tlp.answers !== null || tlp.kind > 1) continue;
      const fn = seen.asked.get(`${tlp.decidedPs} ${tlp.requester}`);
      expect(purposes.functionNameOf(tlp)).toBe(fn);
      named++;
    }
    expect(named).toBeGreaterThan(50);
  });

  it('has a waveform with the tails and heads of the machine at each instant', () => {
    const dump = dumpOf(log);
    expect(seen.levels.length).toBeGreaterThan(500);
    for (const { timePs, of } of seen.levels)
      for (const [path, level] of Object.entries(of))
        if (dump.at(path, timePs) !== level)
          expect(`${path} at ${timePs}: ${dump.at(path, timePs)}`).toBe(`${level}`);
  });

  it('has a timeline with the registers of each function on its own track', () => {
    const tracks: string[] = [];
    const events: { readonly track: number; readonly name: string }[] = [];
    timelineFromLog(log).write({
      track: (name) => tracks.push(name) - 1,
      begin: () => {},
      end: () => {},
      counter: () => {},
      instant: (_, track, name) => events.push({ track, name }),
      finish: () => {},
    });
    const tails = events.filter(({ name }) => /^write V?F?[RT]DT\[0\]$/.test(name));
    expect(new Set(tails.map(({ track }) => tracks[track]))).toContain('a registers');
    expect(tracks).not.toContain('registers of other functions');
    expect(events.filter(({ name }) => name.includes('BAR 0'))).toEqual([]);
  });

  it.each([0.7, 0.3, 0.05])('says nothing else when only the last %d of its records are left', (part) => {
    const ring = new LogRing(Math.ceil(part * log.length));
    log.replay(ring);
    const last = new BinaryLog(join(ring.parts(log.header, log.trailer)));
    expect(last.lost).toBeGreaterThan(0);
    expectSameTlps(last, log);
    const [dump, whole] = [dumpOf(last), dumpOf(log)];
    const wires = dump.variables.filter(({ type }) => type === 'wire').map(({ path }) => path);
    const wrong = new Set<string>();
    let known = 0;
    const timesPs = [...new Set(dump.changes.map(({ timePs }) => timePs))].filter((_, i) => i % 5 === 0);
    for (const timePs of timesPs)
      for (const path of wires) {
        const value = dump.at(path, timePs);
        if (value === 'x') continue;
        known++;
        if (value !== whole.at(path, timePs)) wrong.add(path);
      }
    expect([...wrong]).toEqual([]);
    expect(known).toBeGreaterThan(timesPs.length);
  });
});

/** Every TLP of a log that has lost its beginning is told as in the whole one, unless it answers what is lost. */
function expectSameTlps(last: BinaryLog, whole: BinaryLog): void {
  const keyOf = ({ startPs, downstream }: SingleTlp) => `${startPs} ${downstream}`;
  const purposes = new TlpPurposes(whole);
  const told = new Map([...singleTlps(whole)].map((tlp) => [keyOf(tlp), purposes.functionNameOf(tlp)]));
  const own = new TlpPurposes(last);
  let same = 0;
  for (const tlp of singleTlps(last)) {
    if ((tlp.kind === TlpKind.COMPLETION || tlp.kind === TlpKind.COMPLETION_DATA) && tlp.answers === null)
      continue;
    expect(own.functionNameOf(tlp)).toBe(told.get(keyOf(tlp)));
    same++;
  }
  expect(same).toBeGreaterThan(10);
}

describe('a log of an older program', () => {
  it('has no tails where it cannot know whose they are', () => {
    const seen = { middlePs: 0 };
    const { log } = watched(BASE, (simulation) => {
      seen.middlePs = simulation.nowPs;
      setVfs(simulation, 0);
    });
    const older: number[] = [LogKind.CONFIGURATION, LogKind.RING_STARTED, LogKind.RING_STOPPED];
    const ring = new LogRing(log.length);
    for (const { timePs, kind, a, b, c, data } of log.records()) {
      if (older.includes(kind)) continue;
      ring.record(timePs, kind, a, b, c);
      if (data !== null) ring.data(data, 0, data.length);
    }
    const { rings: _, ...trailer } = log.trailer;
    const old = new BinaryLog(join(ring.parts(log.header, trailer)));
    Object.assign(old.header, { kinds: undefined });
    const dump = dumpOf(old);
    // What the PF has done to all queues at boot is known, until a function that is not there at the end writes the first register.
    const { middlePs } = seen;
    for (const path of ['queues.a.tx0.tail', 'queues.b.rx0.tail', 'queues.b.tx0.fetched'])
      expect(`${path} ${dump.at(path, middlePs)}`).toBe(`${path} x`);
  });
});
