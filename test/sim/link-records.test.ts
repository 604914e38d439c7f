import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import type { Iommu } from '../../src/iommu/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import type { FaultOptions } from '../../src/sim/index.ts';
import { LogTrains } from '../../src/trace/index.ts';
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
