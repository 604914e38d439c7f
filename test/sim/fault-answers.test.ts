import { describe, expect, it } from 'vitest';
import type { Report, Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { FaultOptions, Simulation } from '../../src/sim/index.ts';
import { boot, notReturned, run, settle } from './rig.ts';

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
const consequences = ({ faults }: Report) => (faults ?? []).map(({ consequence }) => consequence);

/** AER and the PCI Express capability of the 82599, in the PF and in VFs. */
const AER = 0x100;
const EXPRESS = 0xa0;
/** The errors of Device Status; Transactions Pending. */
const deviceStatus = (simulation: Simulation, vf: number) =>
  (simulation.machine.nic.pf.sriov?.vf(vf).config.read16(EXPRESS + 0x0a) ?? 0) & 0xf;
const isPending = (simulation: Simulation, vf: number) =>
  (simulation.machine.nic.pf.sriov?.vf(vf).config.read16(EXPRESS + 0x0a) ?? 0) >> 5 === 1;
const aer = (simulation: Simulation, vf: number, offset: number) =>
  simulation.machine.nic.pf.sriov?.vf(vf).config.read32(AER + offset);
const setPf = (simulation: Simulation, offset: number, value: number) =>
  simulation.machine.nic.pf.config.write16(offset, value);

describe('poisoned data', () => {
  it('are discarded; an advisory error that AER masks is in Device Status and Correctable Error Status', () => {
    const simulation = run(withFaults({ kind: 'poisoned-data', atMs: 0.1, target: 'a' }));
    const report = simulation.report();
    expect(consequences(report)).toHaveLength(1);
    expect(consequences(report)[0]).toMatch(
      /^\d+ bytes of a read come back poisoned \(EP\); .*; 01:10\.0 then shows DevSta CorrErr\+, CESta AdvNonFatalErr\+$/,
    );
    expect(deviceStatus(simulation, 0)).toBe(1);
    expect(aer(simulation, 0, 0x10)).toBe(1 << 13);
    expect(aer(simulation, 0, 0x04)).toBe(0);
    // Status: Detected Parity Error.
    expect(simulation.machine.nic.pf.sriov?.vf(0).config.read16(6)).toBe(0x8010);
    for (const vf of [1, 2, 3])
      expect([deviceStatus(simulation, vf), aer(simulation, vf, 0x10)]).toEqual([0, 0]);
    expect(report.flows[1]).toMatchObject({ offered: 200, lost: 0 });
    expect(report.conservation.balanced).toBe(true);
  });

  it.each([
    [
      'the advisory mask is clear: also Uncorrectable Error Status, and the First Error Pointer',
      0x14,
      0,
      1,
      1 << 12,
      12,
    ],
    ['it is fatal by severity', 0x0c, 1 << 12, 4, 1 << 12, 12],
  ])('is reported by the registers of the PF: %s', (_, register, value, status, uncorrectable, first) => {
    const simulation = boot(withFaults({ kind: 'poisoned-data', atMs: 0.1, target: 'a' }));
    simulation.machine.nic.pf.config.write32(AER + register, value);
    simulation.advance(simulation.endPs);
    expect(deviceStatus(simulation, 0)).toBe(status);
    expect(aer(simulation, 0, 0x04)).toBe(uncorrectable);
    expect((aer(simulation, 0, 0x18) ?? 0) & 0x1f).toBe(first);
    // The header of the completion: CplD with EP for VF 0, of as many double words as it has bytes for.
    const [word, count, target, rest] = [0x1c, 0x20, 0x24, 0x28].map((at) => aer(simulation, 0, at) ?? 0);
    expect(word & ~0x3ff).toBe(0x4a00_4000);
    expect(count).toBe(4 * (word & 0x3ff));
    expect([target >>> 16, target & 0xff80, rest]).toEqual([0x0180, 0, 0]);
  });

  it('of a frame cost the frame, of descriptors the ring; at any time, also cut through', () => {
    const seen = new Set<boolean>();
    for (let i = 0; i < 12; i++) {
      const cutThrough = i % 2 === 0;
      const simulation = run({
        ...withFaults({ kind: 'poisoned-data', atMs: 0.05 + i * 0.0011, target: 'a' }),
        ...(cutThrough ? { nic: { profile: 'generic-100g', port: { switching: 'cut-through' } } } : {}),
        traffic: [
          { from: 'a', to: 'port', ratePps: 1e6, frameBytes: 1518 },
          { from: 'c', to: 'd', ratePps: 5e5 },
        ],
      });
      const { conservation, flows } = simulation.report();
      const isRing = consequences(simulation.report())[0].includes('is disabled');
      seen.add(isRing);
      expect(simulation.machine.nic.data.ringsFailed).toBe(isRing ? 1 : 0);
      expect(simulation.machine.nic.data.transmit.framesFailed).toBe(isRing ? 0 : 1);
      expect(conservation.balanced).toBe(true);
      expect(flows[1].lost).toBe(0);
    }
    expect(seen).toEqual(new Set([true, false]));
  });
});

describe('a lost completion', () => {
  const lost: FaultOptions = { kind: 'lost-completion', atMs: 0.1, target: 'a' };
  const withValue = (value: number, scenario: Scenario) => {
    const simulation = boot(scenario);
    setPf(simulation, EXPRESS + 0x28, value);
    simulation.advance(simulation.endPs);
    return simulation;
  };

  it('ends with Completion Timeout, after what Device Control 2 says: non-fatal in Device Status and AER', () => {
    const simulation = withValue(1, withFaults(lost));
    const report = simulation.report();
    expect(consequences(report)[0]).toMatch(
      /lost until Completion Timeout, after 0\.05 ms; .*; 01:10\.0 then shows DevSta NonFatalErr\+, UESta CmpltTO\+$/,
    );
    expect(deviceStatus(simulation, 0)).toBe(2);
    expect(aer(simulation, 0, 0x04)).toBe(1 << 14);
    expect((aer(simulation, 0, 0x18) ?? 0) & 0x1f).toBe(14);
    expect(report.flows[1]).toMatchObject({ offered: 200, lost: 0 });
    expect(report.conservation.balanced).toBe(true);
    settle(simulation, 0.05);
    expect(simulation.machine.nic.requester.counters()['tagsInUse']).toBe(0);
  });

  it('holds up the ring until then, and no other', () => {
    const simulation = boot(withFaults(lost));
    setPf(simulation, EXPRESS + 0x28, 1);
    const sent = () => simulation.machine.nic.data.transmitted[0].index;
    simulation.advance(simulation.startPs + 110 * MICROSECOND);
    const before = sent();
    simulation.advance(simulation.startPs + 148 * MICROSECOND);
    expect(sent()).toBe(before);
    expect(simulation.report().flows[1].delivered).toBeGreaterThan(60);
    expect(simulation.report().conservation.balanced).toBe(true);
  });

  it('is waited for 10 ms where nothing is said, and for ever where the time-out is disabled', () => {
    const simulation = boot(withFaults(lost));
    simulation.advance(simulation.endPs);
    const waits = consequences(simulation.report())[0];
    expect(waits).toMatch(/after 10 ms; by now that has not happened, and its tag is not free$/);
    settle(simulation, 0.05);
    expect(simulation.report().counters['nic.requester.tagsInUse']).toBe(1);
    settle(simulation, 10);
    expect(deviceStatus(simulation, 0)).toBe(2);
    expect(simulation.report().counters['nic.requester.tagsInUse']).toBe(0);
    const disabled = withValue(0x10, withFaults(lost));
    settle(disabled, 20);
    expect(consequences(disabled.report())[0]).toContain('until Completion Timeout, which is disabled');
    expect(deviceStatus(disabled, 0)).toBe(0);
    // It is no request of a function that is reset; its tag is not used again.
    expect([0, 1].map((vf) => isPending(disabled, vf))).toEqual([true, false]);
    disabled.machine.nic.pf.sriov?.vf(0).config.write16(EXPRESS + 0x08, 0x8000);
    expect(isPending(disabled, 0)).toBe(false);
    expect(disabled.report().counters['nic.requester.tagsInUse']).toBe(1);
  });

  it('meets whoever reads where nobody is named, the PF too, again and again: everything comes back', () => {
    const simulation = boot({
      ...PAIRS,
      faults: [
        { kind: 'lost-completion', probability: 0.01, toMs: 0.3 },
        { kind: 'poisoned-data', probability: 0.01, toMs: 0.3 },
      ],
      traffic: [
        { from: 'a', to: 'b', ratePps: 1e6, stopMs: 0.3 },
        { from: 'host', to: 'a', ratePps: 1e6, stopMs: 0.3 },
        { from: 'port', to: 'c', ratePps: 1e6, stopMs: 0.3 },
      ],
    });
    setPf(simulation, EXPRESS + 0x28, 1);
    simulation.advance(simulation.endPs);
    expect(consequences(simulation.report()).length).toBeGreaterThan(3);
    expect(simulation.report().conservation.balanced).toBe(true);
    settle(simulation, 5);
    expect(simulation.report().conservation.balanced).toBe(true);
    // Frames on a ring that was disabled stay there, and so do receive buffers.
    const left = notReturned(simulation).filter((line) => !/rings:/.test(line));
    expect(left).toEqual([]);
  });
});
