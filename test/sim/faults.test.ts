import { describe, expect, it } from 'vitest';
import { createMachine, type Report, type Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { FaultOptions } from '../../src/sim/index.ts';
import { boot, jsonOf, reportOf, run, settle } from './rig.ts';

/** Two pairs of guests: the first suffers, the second shall not notice. */
const PAIRS: Scenario = {
  guests: ['a', 'b', 'c', 'd'].map((name, i) => ({ name, driver: i % 2 === 0 ? 'poll' : 'interrupt' })),
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6 },
    { from: 'c', to: 'd', ratePps: 5e5 },
  ],
  warmUpMs: 0,
  durationMs: 0.4,
};

const withFaults = (...faults: FaultOptions[]): Scenario => ({ ...PAIRS, faults });
const faultsOf = ({ faults }: Report) => faults ?? [];

describe('a run without faults', () => {
  it('says nothing of them, and takes the same course as one with an empty list', () => {
    const report = reportOf(PAIRS);
    expect(report.faults).toBeUndefined();
    expect(report.scenario.faults).toBeUndefined();
    expect(reportOf(withFaults()).digest).toBe(report.digest);
  });

  it('is what a run with a fault is until that fault', () => {
    const events = (scenario: Scenario) => {
      const simulation = boot(scenario);
      simulation.advance(simulation.startPs + 200 * MICROSECOND);
      return simulation.report().flows;
    };
    expect(events(withFaults({ kind: 'flr', atMs: 0.3, target: 'a' }))).toEqual(events(PAIRS));
  });
});

describe('a fault of the IOMMU', () => {
  it('of a read: fault record, Unsupported Request, and the ring or the frame is lost; others are unharmed', () => {
    const simulation = run(withFaults({ kind: 'iommu-fault', atMs: 0.1, target: 'a', direction: 'read' }));
    const report = simulation.report();
    const { machine } = simulation;
    const vf = machine.nic.pf.sriov?.vf(0);
    const [fault] = faultsOf(report);
    expect(faultsOf(report)).toHaveLength(1);
    expect(fault).toMatchObject({ kind: 'iommu-fault', target: 'a' });
    expect(fault.atNs * 1000).toBeGreaterThanOrEqual(simulation.startPs + 100 * MICROSECOND);
    expect(fault.consequence).toMatch(
      /^fault record of 01:10\.0, reason 6h: the page may not be read; Unsupported Request: (a frame .*|its descriptors .* is disabled)$/,
    );
    expect(machine.iommu?.faultLog.take()).toMatchObject({
      sourceId: vf?.routingId,
      reason: 6,
      isWrite: false,
    });
    expect(machine.iommu?.faultLog.length).toBe(0);
    // Received Master Abort, which lspci shows as <MAbort+.
    expect(vf?.config.read16(6) ?? 0).toBe(0x2010);
    expect(machine.nic.pf.sriov?.vf(2).config.read16(6)).toBe(0x0010);
    expect(report.counters['faults.iommu-fault']).toBe(1);
    expect(report.counters['nic.requester.readErrors']).toBe(1);
    expect(report.flows[1]).toMatchObject({ offered: 200, lost: 0 });
    expect(report.conservation.balanced).toBe(true);
  });

  it('of a descriptor fetch disables the ring, of a frame drops it as dmaFailed', () => {
    const outcomes = new Set<string>();
    for (const at of Array.from({ length: 12 }, (_, i) => 0.05 + i * 0.0013)) {
      const simulation = run(withFaults({ kind: 'iommu-fault', atMs: at, target: 'a', direction: 'read' }));
      const { consequence } = faultsOf(simulation.report())[0];
      const isRing = consequence.endsWith('is disabled');
      outcomes.add(isRing ? 'ring' : 'frame');
      const { transmit, ringsFailed } = simulation.machine.nic.data;
      expect(transmit.rings.ring(0).enabled).toBe(isRing ? 0 : 1);
      expect(ringsFailed).toBe(isRing ? 1 : 0);
      const { dropped, balanced } = simulation.report().conservation;
      expect(dropped['dmaFailed'] ?? 0).toBe(isRing ? 0 : 1);
      expect(balanced).toBe(true);
    }
    expect(outcomes).toEqual(new Set(['ring', 'frame']));
  });

  it('of a write drops it without a word to the card', () => {
    const simulation = run(withFaults({ kind: 'iommu-fault', atMs: 0.1, target: 'b', direction: 'write' }));
    const report = simulation.report();
    expect(faultsOf(report).map(({ consequence }) => consequence)).toEqual([
      'fault record of 01:10.2, reason 5h: the page may not be written; the posted write is dropped, and the card is not told',
    ]);
    expect(report.counters['rootPort.refusedWrites']).toBe(1);
    expect(simulation.machine.nic.pf.sriov?.vf(1).config.read16(6)).toBe(0x0010);
    expect(report.flows[1]).toMatchObject({ offered: 200, lost: 0 });
    expect(report.conservation.balanced).toBe(true);
  });

  it('is one of as many as are asked for at the same instant', () => {
    const fault: FaultOptions = { kind: 'iommu-fault', atMs: 0.1, target: 'b', direction: 'write' };
    const report = reportOf(withFaults(fault, fault, fault));
    expect(faultsOf(report)).toHaveLength(3);
    expect(report.iommu?.faults).toBe(3);
    expect(report.conservation.balanced).toBe(true);
  });

  it('leaves no record when all are in use: Primary Fault Overflow', () => {
    const report = reportOf(withFaults({ kind: 'iommu-fault', probability: 1, target: 'b', toMs: 0.1 }));
    const lost = faultsOf(report).filter(({ consequence }) => consequence.startsWith('no fault record'));
    expect(faultsOf(report).length - lost.length).toBe(8);
    expect(lost.length).toBe(report.counters['iommu.faultsLost']);
    expect(report.conservation.balanced).toBe(true);
  });
});

describe('slow memory', () => {
  it('makes reads late for its time, and for no longer', () => {
    const scenario: Scenario = { ...PAIRS, warmUpMs: 0.2, durationMs: 0.1 };
    const latencyOf = (faults: FaultOptions[]) => reportOf({ ...scenario, faults }).flows[0].latencyNs;
    const plain = latencyOf([]);
    const slow = latencyOf([{ kind: 'slow-memory', atMs: 0.18, forMs: 0.5, factor: 20 }]);
    // Descriptor and frame: at least one access more that waits 19 x 220 ns.
    expect((slow?.min ?? 0) - (plain?.min ?? 0)).toBeGreaterThan(19 * 220 - 100);
    const before = latencyOf([{ kind: 'slow-memory', atMs: 0, forMs: 0.1, factor: 20 }]);
    expect((before?.min ?? 0) - (plain?.min ?? 0)).toBeLessThan(220);
  });

  it('says how many accesses were late; those that overlap multiply', () => {
    const simulation = run(
      withFaults(
        { kind: 'slow-memory', atMs: 0.1, forMs: 0.2, factor: 3 },
        { kind: 'slow-memory', atMs: 0.2, forMs: 0.05, factor: 2 },
      ),
    );
    const [first, second] = faultsOf(simulation.report());
    expect(first.consequence).toMatch(
      /^[1-9]\d* reads of the card waited 660 to 1320 instead of 220 ns for memory/,
    );
    expect(second.consequence).toMatch(
      /^[1-9]\d* reads of the card waited 1320 instead of 220 ns for memory/,
    );
    expect(simulation.machine.rootPort.foreseenPs).toBe(220_000);
    expect(simulation.report().flows.map(({ lost }) => lost)).toEqual([0, 0]);
  });

  it('goes on where the run ends before it', () => {
    const [fault] = faultsOf(reportOf(withFaults({ kind: 'slow-memory', atMs: 0.39, forMs: 1 })));
    expect(fault.consequence).toMatch(/and it goes on$/);
  });
});

describe('a Function Level Reset', () => {
  it('of a VF stops its rings, which its driver does not notice, and nobody else', () => {
    const simulation = run(withFaults({ kind: 'flr', atMs: 0.2, target: 'b' }));
    const report = simulation.report();
    const [{ consequence }] = faultsOf(report);
    expect(consequence).toContain('01:10.2 is reset, rings disabled: 2; Bus Master Enable is clear');
    // What lay in the ring by then, and nothing else.
    expect(consequence).toMatch(/frames that its driver received since then: [0-4],/);
    const { nic } = simulation.machine;
    expect(nic.pf.sriov?.vf(1).busMaster).toBe(false);
    expect(nic.pf.sriov?.vf(0).busMaster).toBe(true);
    expect(report.flows[0].delivered).toBeLessThan(210);
    expect(report.endpoints[3].drops['noDescriptor']).toBeGreaterThan(180);
    expect(report.flows[1]).toMatchObject({ offered: 200, lost: 0 });
    expect(report.conservation.balanced).toBe(true);
  });

  it('of the PF takes the VFs away', () => {
    const simulation = run(withFaults({ kind: 'flr', atMs: 0.2, target: 'host' }));
    const [{ consequence, target }] = faultsOf(simulation.report());
    expect(target).toBe('host');
    expect(consequence).toContain('01:00.0 is reset, rings disabled: 10');
    expect(consequence).toContain('VFs gone with VF Enable: 4');
    expect(simulation.machine.nic.pf.sriov?.count).toBe(0);
    expect(simulation.report().conservation.balanced).toBe(true);
  });

  it('of a VF that is not there any more resets nothing', () => {
    const report = reportOf(
      withFaults({ kind: 'flr', atMs: 0.1, target: 'host' }, { kind: 'flr', atMs: 0.11, target: 'a' }),
    );
    expect(faultsOf(report)[1].consequence).toBe(
      'the function does not exist at that time, and nothing is reset',
    );
    expect(report.conservation.balanced).toBe(true);
  });

  it('during the boot resets nothing before the VF exists', () => {
    const report = reportOf(withFaults({ kind: 'flr', since: 'power-on', atMs: 5, target: 'a' }));
    expect(faultsOf(report)[0]).toMatchObject({ atNs: 5e6 });
    expect(faultsOf(report)[0].consequence).toContain('does not exist');
    expect(report.flows.map(({ lost }) => lost)).toEqual([0, 0]);
  });
});

describe('faults by chance', () => {
  const chance: FaultOptions = { kind: 'iommu-fault', probability: 0.02, target: 'd', direction: 'write' };

  it('are the same with the same seed, and others with another', () => {
    const strokes = (seed: number) => jsonOf(run({ ...withFaults(chance), seed }));
    expect(strokes(7)).toBe(strokes(7));
    const times = (seed: number) =>
      faultsOf(reportOf({ ...withFaults(chance), seed })).map(({ atNs }) => atNs);
    expect(times(7)).not.toEqual(times(8));
  });

  it('do not shift each other, nor the traffic', () => {
    const poisson: Scenario = {
      ...PAIRS,
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6, arrivals: 'poisson' }],
    };
    const slow: FaultOptions = { kind: 'slow-memory', probability: 0.01, factor: 1, forMs: 0.001 };
    const alone = reportOf({ ...poisson, faults: [slow] });
    const both = reportOf({ ...poisson, faults: [slow, chance] });
    const times = (report: Report) =>
      faultsOf(report).flatMap(({ kind, atNs }) => (kind === 'slow-memory' ? [atNs] : []));
    expect(times(both)).toEqual(times(alone));
    expect(times(both).length).toBeGreaterThan(0);
    expect(both.flows[0].offered).toBe(alone.flows[0].offered);
    expect(alone.flows).toEqual(reportOf(poisson).flows);
  });

  it('strike as often as the probability says', () => {
    const simulation = boot({
      ...PAIRS,
      durationMs: 20,
      traffic: [],
      faults: [{ kind: 'slow-memory', probability: 0.05, forMs: 0.001, factor: 1 }],
    });
    simulation.advance(simulation.endPs);
    // 20,000 trials: a mean of 1,000 with a standard deviation of 31.
    const count = faultsOf(simulation.report()).length;
    expect(count).toBeGreaterThan(1000 - 4 * 31);
    expect(count).toBeLessThan(1000 + 4 * 31);
  });

  it('keep to their span', () => {
    const simulation = run(withFaults({ ...chance, probability: 0.2, fromMs: 0.1, toMs: 0.2 }));
    const times = faultsOf(simulation.report()).map(({ atNs }) => atNs * 1000 - simulation.startPs);
    expect(times.length).toBeGreaterThan(0);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(100 * MICROSECOND);
    expect(Math.max(...times)).toBeLessThanOrEqual(200 * MICROSECOND);
    expect(simulation.machine.rootPort.translator).toBe(simulation.machine.iommu);
  });
});

describe('faults.inject', () => {
  it('takes what a scenario takes, counted from now, and the report has it as a scenario would', () => {
    const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    const from = machine.scheduler.now;
    machine.faults.inject({ kind: 'flr', atMs: 0.05, target: 'b' });
    machine.guests[0].traffic.send({ to: 'b', ratePps: 1e6 });
    const report = machine.run({ simulatedMs: 0.2 });
    expect(faultsOf(report)).toMatchObject([{ kind: 'flr', target: 'b', atNs: from / 1000 + 50_000 }]);
    expect(report.scenario.faults).toMatchObject([{ since: 'power-on', atPs: from + 50 * MICROSECOND }]);
    expect(report.conservation.balanced).toBe(true);
    settle(machine.simulation, 1);
    expect(machine.simulation.report().conservation.balanced).toBe(true);
  });

  it('refuses what a scenario refuses', () => {
    const { faults } = createMachine({ guests: [{ name: 'a' }] });
    const inject = (options: object) => () => faults.inject(options as FaultOptions);
    expect(inject({ kind: 'flr', atMs: 0, target: 'x' })).toThrow(/target: no endpoint is called "x"/);
    expect(inject({ kind: 'flr', atms: 0 })).toThrow(/no option "atms" \(did you mean "atMs"\?\)/);
    expect(inject({ kind: 'fire', atMs: 0 })).toThrow(/kind: "fire" is unknown/);
    expect(inject({ kind: 'slow-memory', atMs: Number.NaN })).toThrow(/atMs/);
    expect(faults.isUsed).toBe(false);
  });
});
