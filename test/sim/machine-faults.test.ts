import { describe, expect, it } from 'vitest';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { DriverKind } from '../../src/sim/index.ts';
import { boot, settle } from './rig.ts';

/**
 * Two pairs of guests; the hypervisor takes the memory of one VF away in the middle of the run, and gives it
 * back.
 */
function revoked(victim: number, driver: DriverKind, saturate: boolean) {
  const rate = saturate ? { saturate: true as const } : { ratePps: 1e6 };
  const simulation = boot({
    guests: ['a', 'b', 'c', 'd'].map((name) => ({ name, driver })),
    traffic: [
      { from: 'a', to: 'b', ...rate },
      { from: 'port', to: 'b', ratePps: 3e5 },
      { from: 'c', to: 'd', ratePps: 1e5 },
    ],
    warmUpMs: 0,
    durationMs: 0.6,
  });
  const { machine } = simulation;
  const routingId = machine.nic.pf.sriov?.routingIdOf(victim) as number;
  const balances: boolean[] = [];
  const advance = (us: number) => {
    simulation.advance(simulation.startPs + us * MICROSECOND);
    balances.push(simulation.report().conservation.balanced);
  };
  advance(200);
  machine.hypervisor.revoke(routingId);
  for (const us of [201, 210, 300, 400]) advance(us);
  const refused = simulation.report();
  machine.hypervisor.assign(machine.guests[victim], routingId);
  advance(600);
  settle(simulation);
  balances.push(simulation.report().conservation.balanced);
  return { simulation, balances, refused, report: simulation.report(), routingId };
}

describe('a VF whose memory is taken away', () => {
  const cases = [0, 1].flatMap((victim) =>
    (['interrupt', 'poll'] as const).flatMap((driver) =>
      [false, true].map((saturate) => ({ victim, driver, saturate })),
    ),
  );

  it.each(cases)('faults, and harms nobody else: VF $victim, $driver, saturated: $saturate', (each) => {
    const { simulation, balances, refused, report, routingId } = revoked(
      each.victim,
      each.driver,
      each.saturate,
    );
    expect(refused.iommu?.faults).toBeGreaterThan(0);
    expect(refused.flows[2].delivered).toBeGreaterThanOrEqual(38);
    expect(report.flows[2].delivered).toBe(60);
    // Nothing is lost without a count: what the card could not take lies in the ring still.
    expect(balances).toEqual(balances.map(() => true));
    const faults = simulation.machine.iommu?.faultLog;
    expect(faults?.take()).toMatchObject({ sourceId: routingId, reason: 2 });
  });

  it('loses its ring when the card cannot read it: the queue is disabled until software begins anew', () => {
    const { simulation, refused } = revoked(0, 'poll', false);
    const { machine } = simulation;
    expect(machine.nic.data.counters()['ringsFailed']).toBe(1);
    expect(machine.nic.data.transmit.rings.ring(0).enabled).toBe(0);
    expect(machine.nic.data.transmit.rings.ring(4).enabled).toBe(1);
    expect(refused.conservation.inFlight['transmit rings']).toBeGreaterThan(0);
  });
});
