import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import type { Iommu } from '../../src/iommu/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import type { FaultOptions } from '../../src/sim/index.ts';
import { timelineFromLog, waveformFromLog } from '../../src/sim/index.ts';
import {
  LinkStates,
  LogTrains,
  singleTlps,
  TlpCapture,
  TlpPurposes,
  TlpSummary,
} from '../../src/trace/index.ts';
import { loggedRun } from './views/logged-run.ts';

const TRAFFIC: Scenario = {
  guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
  traffic: [
    { from: 'port', to: 'c', frameBytes: 1518, rateMbps: 9000 },
    { from: 'a', to: 'port', frameBytes: 1518, rateMbps: 9000 },
  ],
  warmUpMs: 0,
  durationMs: 0.06,
};
const runWith = (...faults: FaultOptions[]) => loggedRun({ ...TRAFFIC, faults });

describe('records of the link', () => {
  it('say when it goes down and when it is up again', () => {
    const { log, simulation } = runWith({ kind: 'link-down', atMs: 0.0301, forMs: 0.01 });
    const [down, up, ...others] = log.recordsOf(ProbeKind.LINK_STATE);
    expect(down).toMatchObject({ timePs: simulation.startPs + 30_100_000, a: 0, b: 0 });
    expect(up).toMatchObject({ a: 1, b: 0 });
    // The time begins when software has found out that the card is gone.
    expect(up.timePs - down.timePs).toBeGreaterThanOrEqual(10_000_000);
    expect(up.timePs - down.timePs).toBeLessThan(11_000_000);
    expect(others).toEqual([]);
  });

  it('say whether the card is gone with it', () => {
    const { log } = runWith({ kind: 'surprise-removal', atMs: 0.03 });
    expect([...log.recordsOf(ProbeKind.LINK_STATE)]).toMatchObject([{ a: 0, b: 1 }]);
  });

  it('change nothing of the run', () => {
    const fault: FaultOptions = { kind: 'link-down', atMs: 0.0301, forMs: 0.01 };
    const { simulation, log } = runWith(fault);
    expect(log.trailer.digest).toBe(simulation.report().digest);
  });
});

describe('records of refused requests', () => {
  it.each(['read', 'write'] as const)(
    'lead to the train of the %s, by the number of its record',
    (direction) => {
      const fault: FaultOptions = { kind: 'iommu-fault', probability: 0.1, direction };
      const { log, simulation } = runWith(fault);
      const trains = new LogTrains();
      const latest = new Map<number, number>();
      let refused = 0;
      for (const record of log.records()) {
        const train = trains.add(record);
        if (train !== null) latest.set(train.index, train.requester);
        if (record.kind !== ProbeKind.REQUEST_REFUSED) continue;
        refused++;
        const { a, b, c } = record;
        expect(b & 0xffff).toBe(latest.get(a));
        expect([b >> 16, c]).toEqual([direction === 'write' ? 1 : 0, 1]);
      }
      const { refusedReads, refusedWrites } = simulation.machine.rootPort;
      expect(refused).toBe(refusedReads + refusedWrites);
      expect(refused).toBe(simulation.report().counters['faults.iommu-fault']);
    },
  );

  it('are there for what the tables refuse, too', () => {
    const { log, simulation } = loggedRun(TRAFFIC, (simulation) => {
      simulation.boot();
      simulation.advance(simulation.startPs + 10_000_000);
      const iommu = simulation.machine.iommu as Iommu;
      iommu.rootTable = 0;
      iommu.invalidateAll();
      simulation.advance(simulation.startPs + 20_000_000);
    });
    const { refusedReads, refusedWrites } = simulation.machine.rootPort;
    expect(refusedReads + refusedWrites).toBeGreaterThan(0);
    expect([...log.recordsOf(ProbeKind.REQUEST_REFUSED)]).toHaveLength(refusedReads + refusedWrites);
  });
});

describe('views of a run whose link goes down', () => {
  const { log, simulation } = runWith({ kind: 'link-down', atMs: 0.0301, forMs: 0.01 });
  const [{ downPs, upPs }] = new LinkStates(log).downTimes;
  const tlps = [...singleTlps(log)];
  const purposes = new TlpPurposes(log);
  const lost = tlps.filter(({ received }) => received === 'lost');
  const summary = new TlpSummary(purposes);
  for (const tlp of tlps) summary.add(tlp);

  it('have no TLP that leaves or arrives while it is down', () => {
    const trains = new LogTrains();
    const late = [...log.records()].map((record) => trains.add(record)).filter((train) => train !== null);
    // The link was given some that would have left then.
    expect(late.some(({ timePs, leftPs }) => timePs <= downPs && leftPs > downPs)).toBe(true);
    for (const { startPs, endPs, arrivalPs, received } of tlps) {
      expect(startPs >= downPs && startPs < upPs).toBe(false);
      expect(startPs < downPs && endPs > downPs).toBe(false);
      if (received === 'good') expect(startPs < downPs).toBe(arrivalPs < downPs);
      else expect([startPs < downPs, arrivalPs]).toEqual([true, Number.POSITIVE_INFINITY]);
    }
    expect(tlps.some(({ startPs }) => startPs >= upPs)).toBe(true);
  });

  it('mark what was on it as lost, no more than the report has', () => {
    const all = Number(
      /TLPs lost while it is down: (\d+)/.exec(simulation.report().faults?.[0].consequence ?? '')?.[1],
    );
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThanOrEqual(all);
    expect(summary.data().lost).toBe(lost.length);
    for (const tlp of lost) expect(purposes.of(tlp)).toMatch(/, lost: the link went down$/);
  });

  it('count the requests that were never answered', () => {
    const isDevices = (tlp: (typeof tlps)[number]) => tlp.kind === 0 && !tlp.downstream;
    const before = tlps.filter(({ startPs }) => startPs < downPs);
    const asked = before.filter(isDevices).length;
    const done = before.filter(
      (tlp) => tlp.downstream && tlp.answers === 0 && tlp.received === 'good' && tlp.bytes >= tlp.byteCount,
    ).length;
    expect(asked).toBeGreaterThan(done);
    expect(summary.data().unanswered).toBe(asked - done);
  });

  it('write them into the capture with a flag, and an arrival that never is', () => {
    const capture = new TlpCapture(log.header.link, purposes.configurations);
    for (const tlp of lost.slice(0, 1)) capture.add(tlp, purposes.of(tlp));
    const file = Buffer.concat(capture.parts());
    const at = file.indexOf('lost: the link went down') - purposes.of(lost[0]).indexOf('lost: the');
    expect(file.readUInt16BE(at - 32 + 2) & 0x20).toBe(0x20);
    expect(file.readUInt32BE(at - 4)).toBe(0xffffffff);
  });

  it('have the instants, and slices of TLPs that end there', () => {
    const seen: string[] = [];
    const names: string[] = [];
    const open = new Map<number, number>();
    timelineFromLog(log).write({
      track: (name) => names.push(name) - 1,
      begin: (timePs, track) => {
        if (names[track] !== 'upstream' && names[track] !== 'downstream') return;
        expect(timePs >= downPs && timePs < upPs).toBe(false);
        open.set(track, timePs);
      },
      end: (timePs, track) => {
        if (open.has(track)) expect(timePs > downPs && timePs < upPs).toBe(false);
      },
      instant: (timePs, _, name) => {
        if (name.startsWith('link ')) seen.push(`${name} ${timePs}`);
      },
      counter: () => {},
      finish: () => {},
    });
    expect(open.size).toBe(2);
    expect(seen).toEqual([`link down ${downPs}`, `link up ${upPs}`]);
  });

  it('have a signal of it, and symbols that end there', () => {
    const { signals } = waveformFromLog(log);
    const at = (path: string, timePs: number) => {
      const signal = signals.find((each) => each.path === path);
      return signal?.values[signal.timesPs.findLastIndex((time) => time <= timePs)];
    };
    expect([downPs - 1, downPs, upPs - 1, upPs].map((ps) => at('link.up', ps))).toEqual([1, 0, 0, 1]);
    for (const name of ['upstream', 'downstream']) {
      const busy = signals.find(({ path }) => path === `link.${name}.busy`);
      expect(at(`link.${name}.busy`, downPs)).toBe(0);
      expect(busy?.timesPs.filter((time) => time > downPs && time < upPs)).toEqual([]);
    }
  });
});

describe('views of a run with refused requests', () => {
  it('mark those that were refused', () => {
    const { log, simulation } = runWith({ kind: 'iommu-fault', probability: 0.05 });
    const purposes = new TlpPurposes(log);
    const trains = new Set<number>();
    for (const tlp of singleTlps(log)) {
      if (!/, refused by the IOMMU$/.test(purposes.of(tlp))) continue;
      expect(tlp.downstream).toBe(false);
      trains.add(tlp.train);
    }
    const { refusedReads, refusedWrites } = simulation.machine.rootPort;
    expect(trains.size).toBe(refusedReads + refusedWrites);
    expect(trains.size).toBeGreaterThan(0);
  });
});
