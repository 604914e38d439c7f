import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import type { DriverOptions, PageSize } from '../../src/sim/index.ts';
import { boot, notReturned, reportOf, run, settle } from './rig.ts';

/** Guest a sends to guest b, both with these drivers. */
function pair(driver: DriverOptions, traffic: Partial<NonNullable<Scenario['traffic']>[number]>): Scenario {
  return {
    guests: [
      { name: 'a', memoryMiB: 20, ...driver },
      { name: 'b', memoryMiB: 20, ...driver },
    ],
    traffic: [{ from: 'a', to: 'b', ...traffic }],
    warmUpMs: 0.1,
    durationMs: 1,
  };
}

describe('an interrupt driven driver', () => {
  it('is woken by MSI-X messages through the root complex, for frames received and for descriptors sent', () => {
    const simulation = run(pair({ driver: 'interrupt' }, { ratePps: 5e4 }));
    const { machine } = simulation;
    const report = simulation.report();
    const [a, b] = report.endpoints.slice(2);
    // 50 frames, one at a time: one interrupt each. The sender's status comes with every 32nd descriptor.
    expect(b.interrupts).toBe(50);
    expect(a.interrupts).toBeGreaterThanOrEqual(1);
    expect(a.interrupts).toBeLessThanOrEqual(2);
    expect(report.interrupts.delivered).toBe(a.interrupts + b.interrupts);
    expect(machine.vfDrivers.get(1)?.path.interruptsTaken).toBeGreaterThanOrEqual(b.interrupts);
    expect(machine.interrupts.delivered).toBe(machine.rootPort.messages);
    expect(machine.interrupts.refused).toBe(0);
  });

  it('takes at most one interrupt in five units of 2.048 us', () => {
    const { endpoints, interrupts } = reportOf(pair({ driver: 'interrupt' }, { ratePps: 1e6 }));
    const most = 1e-3 / (5 * 2.048e-6);
    expect(endpoints[3].interrupts).toBeLessThanOrEqual(Math.ceil(most) + 1);
    expect(endpoints[3].interrupts).toBeGreaterThan(0.9 * most);
    expect(interrupts.moderated).toBeGreaterThan(0);
  });

  it('polls on while frames keep coming, and is hardly interrupted at all', () => {
    const { endpoints, flows } = reportOf(pair({ driver: 'interrupt' }, { ratePps: 4e6 }));
    expect(flows[0].delivered).toBeGreaterThan(3900);
    expect(endpoints[3].interrupts).toBeLessThan(25);
  });

  it('gets every frame, with a budget of 64 a pass', () => {
    const { flows, conservation } = reportOf(pair({ driver: 'interrupt' }, { ratePps: 2e6, count: 1500 }));
    expect(conservation).toMatchObject({ offered: 1500, delivered: 1500, droppedTotal: 0 });
    expect(flows[0]).toMatchObject({ reordered: 0, duplicated: 0 });
  });
});

describe('a polling driver', () => {
  it('takes no interrupt at all', () => {
    const simulation = run(pair({ driver: 'poll' }, { ratePps: 1e6 }));
    const report = simulation.report();
    expect(report.endpoints.map(({ interrupts }) => interrupts)).toEqual([0, 0, 0, 0]);
    expect(report.interrupts).toEqual({ raised: 0, delivered: 0, moderated: 0 });
    expect(report.flows[0].delivered).toBeGreaterThan(990);
    for (const driver of simulation.machine.vfDrivers.values()) expect(driver.path.interruptsTaken).toBe(0);
  });

  it('sees a frame sooner than one that waits for interrupts, and costs no events while it finds nothing', () => {
    const interrupt = reportOf(pair({ driver: 'interrupt' }, { ratePps: 1e5 }));
    const poll = reportOf(pair({ driver: 'poll' }, { ratePps: 1e5 }));
    expect(poll.flows[0].latencyNs?.max).toBeLessThan(interrupt.flows[0].latencyNs?.min ?? 0);
    expect(poll.simulated.events).toBeLessThan(interrupt.simulated.events);
  });

  it('works beside one that waits for interrupts', () => {
    const scenario = pair({}, { ratePps: 1e6 });
    const mixed: Scenario = { ...scenario, guests: [{ name: 'a', driver: 'poll' }, { name: 'b' }] };
    const { endpoints, flows } = reportOf({
      ...mixed,
      traffic: [...(scenario.traffic ?? []), { from: 'b', to: 'a', ratePps: 5e5 }],
    });
    expect(endpoints[2].interrupts).toBe(0);
    expect(endpoints[3].interrupts).toBeGreaterThan(50);
    expect(flows.map(({ delivered }) => delivered >= 490)).toEqual([true, true]);
  });
});

describe('rings', () => {
  it.each([64, 128, 256, 1024, 2048, 4096])('of %d descriptors wrap without losing a frame', (ringSize) => {
    const count = 3 * ringSize;
    const simulation = boot(pair({ ringSize, driver: 'poll' }, { saturate: true, count, frameBytes: 64 }));
    settle(simulation, 4);
    expect(simulation.report().conservation).toMatchObject({
      offered: count,
      delivered: count,
      droppedTotal: 0,
    });
    expect(notReturned(simulation)).toEqual([]);
  });

  it('that are full refuse frames, which are counted', () => {
    const report = reportOf(pair({ ringSize: 64 }, { ratePps: 30e6 }));
    expect(report.endpoints[2].drops['txRingFull']).toBeGreaterThan(10_000);
    expect(report.conservation.balanced).toBe(true);
  });

  it('without a descriptor left drop what comes, and nobody else waits', () => {
    const report = reportOf({
      guests: [
        { name: 'slow', ringSize: 64 },
        { name: 'a', driver: 'poll' },
        { name: 'b', driver: 'poll' },
      ],
      traffic: [
        { from: 'port', to: 'slow', saturate: true },
        { from: 'a', to: 'b', ratePps: 1e6 },
      ],
      durationMs: 1,
    });
    const [, , slow] = report.endpoints;
    expect(slow.drops['noDescriptor']).toBeGreaterThan(1000);
    expect(report.flows[1].delivered).toBeGreaterThan(985);
    expect(report.conservation.balanced).toBe(true);
  });
});

describe('a guest', () => {
  it.each<[PageSize, boolean]>([
    ['4K', true],
    ['2M', true],
    ['4K', false],
    ['2M', false],
  ])('with pages of %s and an IOMMU (%s) sends and receives frames of every size', (pageSize, iommu) => {
    const simulation = boot({
      host: { iommu },
      guests: [
        { name: 'a', pageSize },
        { name: 'b', pageSize, driver: 'poll' },
      ],
      traffic: [
        { from: 'a', to: 'b', frameBytes: { min: 64, max: 1518 }, ratePps: 1e6, count: 1000 },
        { from: 'b', to: 'a', frameBytes: { imix: true }, ratePps: 1e6, count: 1000 },
      ],
      durationMs: 1,
    });
    settle(simulation, 2);
    expect(simulation.report().conservation).toMatchObject({
      offered: 2000,
      delivered: 2000,
      balanced: true,
    });
  });

  it('can have many VFs, each with rings and interrupts of its own', () => {
    const vfs = 6;
    const traffic = Array.from({ length: vfs }, (_, i) => ({ from: 'port', to: `a.${i}`, ratePps: 5e4 }));
    const { endpoints, flows } = reportOf({
      guests: [{ name: 'a', vfs }],
      traffic,
      warmUpMs: 0,
      durationMs: 1,
    });
    for (const { received, interrupts } of endpoints.slice(2)) {
      expect(received.frames).toBeGreaterThanOrEqual(49);
      expect(interrupts).toBeGreaterThanOrEqual(49);
    }
    expect(flows).toHaveLength(vfs);
  });
});

describe('the host', () => {
  it.each(['interrupt', 'poll'] as const)('has an interface of its own, driver: %s', (driver) => {
    const { flows, endpoints, conservation } = reportOf({
      hostInterface: { driver },
      guests: [{ name: 'a' }],
      traffic: [
        { from: 'host', to: 'port', ratePps: 2e5 },
        { from: 'port', to: 'host', ratePps: 2e5 },
        { from: 'host', to: 'a', ratePps: 2e5 },
        { from: 'a', to: 'host', ratePps: 2e5 },
      ],
      durationMs: 1,
    });
    for (const { delivered } of flows) expect(delivered).toBeGreaterThanOrEqual(196);
    expect(endpoints[1].interrupts > 0).toBe(driver === 'interrupt');
    expect(conservation.droppedTotal).toBe(0);
  });
});
