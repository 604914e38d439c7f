import { describe, expect, it } from 'vitest';
import type { Report, Scenario } from '../../src/index.ts';
import type { FaultOptions } from '../../src/sim/index.ts';
import { boot, notReturned, reportOf, run, settle } from './rig.ts';

const PAIRS: Scenario = {
  guests: ['a', 'b', 'c', 'd'].map((name, i) => ({ name, driver: i % 2 === 0 ? 'poll' : 'interrupt' })),
  traffic: [
    { from: 'a', to: 'b', ratePps: 2e6, stopMs: 0.35 },
    { from: 'c', to: 'd', ratePps: 3e5, frameBytes: 1518, stopMs: 0.35 },
    { from: 'port', to: 'a', ratePps: 3e5, stopMs: 0.35 },
  ],
  warmUpMs: 0,
  durationMs: 0.4,
};
const withFaults = (...faults: FaultOptions[]): Scenario => ({ ...PAIRS, faults });
const losses = ({ flows }: Report) =>
  flows.map(({ lost, reordered, duplicated }) => [lost, reordered, duplicated]);
const NONE = [0, 1, 2].map(() => [0, 0, 0]);

describe('a bit error on the link', () => {
  it.each([
    ['upstream', '00:01.0'],
    ['downstream', '01:00.0'],
  ] as const)(
    '%s: Nak and replay; the receiver %s notes Bad TLP, and no frame is harmed',
    (direction, at) => {
      const simulation = run(withFaults({ kind: 'bit-error', atMs: 0.1, direction }));
      const report = simulation.report();
      const [fault] = report.faults ?? [];
      expect(report.faults).toHaveLength(1);
      expect(fault.target).toBe(direction);
      const text =
        /^LCRC error: Nak, replay from sequence number \d+, TLPs sent again: [1-9]\d*; it arrives ([\d.]+) ns late; (.*)$/;
      const [, late, errors] = text.exec(fault.consequence) ?? [];
      // A flight for the TLP, one for the Nak.
      expect(Number(late)).toBeGreaterThan(300);
      expect(Number(late)).toBeLessThan(1000);
      expect(errors).toBe(`${at} then shows DevSta CorrErr+, CESta BadTLP+`);
      expect(report.counters[`pcie.${direction}.badTlps`]).toBe(1);
      expect(report.counters[`pcie.${direction}.naks`]).toBe(1);
      expect(losses(report)).toEqual(NONE);
      const { machine } = simulation;
      const receiver = direction === 'upstream' ? machine.bridge.function : machine.nic.pf;
      const other = direction === 'upstream' ? machine.nic.pf : machine.bridge.function;
      expect(receiver.config.read32(0x110)).toBe(1 << 6);
      expect(other.config.read32(0x110)).toBe(0);
    },
  );

  it('costs time and symbols, and nothing else: at any rate all frames come once and in order', () => {
    const plain = run(PAIRS);
    for (const probability of [1e-3, 0.02, 0.3]) {
      const simulation = boot(withFaults({ kind: 'bit-error', probability }));
      simulation.advance(simulation.endPs);
      settle(simulation, 3);
      const report = simulation.report();
      expect(report.faults?.length).toBeGreaterThan(0);
      expect(losses(report)).toEqual(NONE);
      expect(report.conservation.balanced).toBe(true);
      // With three of ten TLPs hit the link carries less than is offered: rings are full.
      const { delivered, dropped, droppedTotal } = report.conservation;
      expect(delivered + droppedTotal).toBe(plain.report().conservation.offered);
      expect(droppedTotal).toBe(
        probability < 0.1 ? 0 : (dropped['txRingFull'] ?? 0) + (dropped['noDescriptor'] ?? 0),
      );
      expect(notReturned(simulation)).toEqual([]);
      for (const direction of ['upstream', 'downstream'] as const) {
        const { [`pcie.${direction}.badTlps`]: bad, [`pcie.${direction}.naks`]: naks } = report.counters;
        // One Nak stands until a TLP is taken again.
        expect(naks).toBeGreaterThan(0);
        expect(naks).toBeLessThanOrEqual(bad);
        // Every symbol time is one of TLP, DLLP, SKIP, idle.
        const { tlpBytes, dllpBytes, skipBytes, idleBytes } = report.pcie[direction];
        const all = tlpBytes + dllpBytes + skipBytes + idleBytes;
        const capacity = report.simulated.measuredPs / simulation.machine.link[direction].psPerByte;
        expect(Math.abs(all - capacity)).toBeLessThan(capacity * 1e-4);
      }
    }
  });

  it('hits TLPs, Acks, Naks and UpdateFCs alike by a bit error rate, and no frame is lost on the link', () => {
    for (const profile of ['intel-82599', 'generic-100g'] as const) {
      const simulation = boot({
        ...withFaults({ kind: 'bit-error', bitErrorRate: 1e-4 }),
        nic: { profile },
        durationMs: 1,
      });
      simulation.advance(simulation.endPs);
      settle(simulation, 3);
      const { counters, faults = [], conservation, flows } = simulation.report();
      // While the link is retrained rings and buffers overflow: that is all.
      const { dropped, droppedTotal } = conservation;
      for (const { lost, reordered, duplicated } of flows) {
        expect([reordered, duplicated]).toEqual([0, 0]);
        expect(lost).toBeLessThanOrEqual(droppedTotal);
      }
      expect(conservation).toMatchObject({ balanced: true });
      expect(droppedTotal).toBe((dropped['txRingFull'] ?? 0) + (dropped['noDescriptor'] ?? 0));
      expect(notReturned(simulation)).toEqual([]);
      const all = (name: string) => counters[`pcie.upstream.${name}`] + counters[`pcie.downstream.${name}`];
      for (const name of ['badTlps', 'badDllps', 'receiverErrors', 'naks', 'acks', 'replayedTlps'])
        expect(all(name), name).toBeGreaterThan(0);
      expect(all('replayTimeouts')).toBeGreaterThan(0);
      expect(all('duplicateTlps')).toBeGreaterThan(0);
      for (const lost of ['Ack is lost', 'UpdateFC is lost', 'LCRC error', 'framing error'])
        expect(
          faults.some(({ consequence }) => consequence.includes(lost)),
          lost,
        ).toBe(true);
    }
  });

  it('tells the root port with ERR_COR, where Device Control and the root port have it so', () => {
    const simulation = boot(withFaults({ kind: 'bit-error', bitErrorRate: 1e-4 }));
    const { bridge, nic } = simulation.machine;
    const [ROOT_CONTROL, CARD_CONTROL, ROOT_STATUS] = [0x98, 0xa8, 0x130];
    for (const [fn, at] of [
      [bridge.function, ROOT_CONTROL],
      [nic.pf, CARD_CONTROL],
    ] as const)
      fn.config.write16(at, fn.config.read16(at) | 1);
    expect(bridge.function.config.read32(ROOT_STATUS)).toBe(0);
    simulation.advance(simulation.endPs);
    // ERR_COR Received, and more than one.
    expect(bridge.function.config.read32(ROOT_STATUS) & 3).toBe(3);
    const [RECEIVER_ERROR, BAD_TLP, BAD_DLLP, ROLLOVER, TIMEOUT] = [0, 6, 7, 8, 12].map((bit) => 1 << bit);
    const noted = bridge.function.config.read32(0x110) | nic.pf.config.read32(0x110);
    // Four replays in vain are rare.
    expect(noted & ~ROLLOVER).toBe(RECEIVER_ERROR | BAD_TLP | BAD_DLLP | TIMEOUT);
  });

  it('is as frequent by the bit as its rate says', () => {
    const scenario = withFaults({ kind: 'bit-error', bitErrorRate: 2e-5 });
    const traffic = scenario.traffic?.map(({ stopMs: _, ...flow }) => flow);
    const simulation = boot({ ...scenario, traffic, durationMs: 2 } as Scenario);
    const { link } = simulation.machine;
    const bytes = () =>
      [link.upstream, link.downstream].reduce(
        (sum, { tlpBytes, dllpsSent }) => sum + tlpBytes + 8 * dllpsSent,
        0,
      );
    const before = bytes();
    simulation.advance(simulation.endPs);
    // Ten bits a byte in 8b/10b; several in one packet are one error.
    const expected = (bytes() - before) * 10 * 2e-5;
    const struck = simulation.report().faults?.length ?? 0;
    expect(expected).toBeGreaterThan(400);
    expect(Math.abs(struck - expected)).toBeLessThan(4 * Math.sqrt(expected) + 0.03 * expected);
  });

  it('is as frequent as it shall be', () => {
    const simulation = boot(withFaults({ kind: 'bit-error', probability: 0.01, direction: 'downstream' }));
    simulation.advance(simulation.endPs);
    const { counters, faults } = simulation.report();
    const bad = counters['pcie.downstream.badTlps'];
    expect(Math.abs((faults?.length ?? 0) - bad)).toBeLessThanOrEqual(1);
    const { machine } = simulation;
    // Of those that are taken or hit; what is discarded behind one that is hit is no trial.
    const trials = machine.link.downstream.tlpsSent + counters['pcie.downstream.replayedTlps'];
    expect(bad).toBeLessThan(trials * 0.01 + 4 * Math.sqrt(trials * 0.01));
    expect(bad).toBeGreaterThan(trials * 0.005);
  });

  it('during the boot delays it, and it succeeds', () => {
    const simulation = boot({
      ...PAIRS,
      faults: [{ kind: 'bit-error', since: 'power-on', probability: 0.05 }],
    });
    simulation.advance(simulation.endPs);
    const report = simulation.report();
    expect(report.faults?.[0].atNs).toBeLessThan(simulation.bootPs / 1000);
    expect(losses(report)).toEqual(NONE);
  });

  it('does not shift what is by chance elsewhere', () => {
    const slow: FaultOptions = { kind: 'slow-memory', probability: 0.02, factor: 1, forMs: 0.001 };
    const times = (...faults: FaultOptions[]) =>
      reportOf(withFaults(...faults)).faults?.flatMap(({ kind, atNs }) =>
        kind === 'slow-memory' ? [atNs] : [],
      );
    expect(times(slow, { kind: 'bit-error', probability: 0.01 })).toEqual(times(slow));
  });
});
