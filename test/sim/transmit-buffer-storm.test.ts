import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { boot, notReturned, settle } from './rig.ts';

type Simulation = ReturnType<typeof boot>;

/** Frames of four classes to the wire, to each other, to all, and such as the switch drops. */
function scenarioOf(
  profile: 'generic' | 'generic-100g',
  switching: 'store-and-forward' | 'cut-through',
  seed: number,
): Scenario {
  const flow = { ratePps: 6e5, count: 120 };
  return {
    seed,
    nic: { profile, port: { pfc: [1, 2, 3], ...(profile === 'generic' ? { xoffKiB: 32 } : {}), switching } },
    guests: [
      { name: 'a', vfs: [{ class: 3, trustedVlans: [9] }] },
      { name: 'b', driver: 'poll', vfs: [{ allowedVlans: [5] }] },
      { name: 'c', vfs: [{ class: 1 }] },
      { name: 'd', driver: 'poll', vfs: [{ class: 2, private: true }] },
    ],
    traffic: [
      { from: 'a', to: 'port', frameBytes: 1518, priority: 3, ...flow },
      { from: 'a', to: 'broadcast', priority: 3, frameBytes: 1500, ecn: true, ...flow },
      { from: 'b', to: 'port', frameBytes: { imix: true }, ...flow },
      { from: 'b', to: 'c', vlan: 7, ...flow },
      { from: 'c', to: 'broadcast', priority: 1, frameBytes: 700, ...flow },
      { from: 'c', to: 'd', ...flow },
      { from: 'd', to: 'port', priority: 2, frameBytes: 1518, ...flow },
      { from: 'd', to: 'a', ...flow },
      { from: 'host', to: 'port', ...flow },
      { from: 'port', to: 'a', priority: 3, frameBytes: 1518, ...flow },
    ],
    warmUpMs: 0,
    durationMs: 1,
  };
}

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('run' as const), us: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pause' as const), enabled: fc.nat(15), quanta: fc.nat(3000) }),
  },
  fc.record({ do: fc.constant('class' as const), vf: fc.nat(3), trafficClass: fc.nat(4) }),
  fc.record({ do: fc.constant('master' as const), vf: fc.nat(3), allowed: fc.boolean() }),
  fc.record({ do: fc.constant('shared' as const) }),
  fc.record({ do: fc.constant('revoke' as const), vf: fc.nat(3) }),
  fc.record({ do: fc.constant('reset' as const), vf: fc.nat(3) }),
  fc.record({ do: fc.constantFrom('deviceReset' as const, 'hotReset' as const) }),
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

function take(simulation: Simulation, step: Step): void {
  const { machine } = simulation;
  const { nic } = machine;
  const { sriov } = nic.pf;
  switch (step.do) {
    case 'run':
      simulation.advance(simulation.nowPs + step.us * MICROSECOND);
      return;
    case 'pause':
      nic.data.classPath?.flow.timers.receive({
        kind: 'priority',
        enabled: step.enabled,
        quanta: new Array<number>(8).fill(step.quanta),
      });
      return;
    case 'class':
      machine.pfDriver.setVfTxRate(step.vf, { trafficClass: step.trafficClass });
      return;
    case 'master':
      for (const queue of [2 * step.vf, 2 * step.vf + 1]) nic.data.transmit.setMaster(queue, step.allowed);
      return;
    case 'shared':
      for (let c = 1; c < 8; c++) nic.registers.write32(0xcc00 + 4 * c, 0, 15);
      return;
    case 'revoke':
      if (sriov !== null && step.vf < sriov.count) machine.hypervisor.revoke(sriov.vf(step.vf).routingId);
      return;
    case 'reset':
      if (sriov !== null && step.vf < sriov.count) sriov.vf(step.vf).functionLevelReset();
      return;
    case 'deviceReset':
      nic.registers.write32(0, 1 << 26, 15);
      return;
    case 'hotReset':
      nic.hotReset();
  }
}

describe('a transmit buffer that classes divide', () => {
  it('has every byte of each class back when all has left, whatever was paused, reset, moved or dropped', {
    timeout: 600_000,
  }, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          ['generic', 'store-and-forward'] as const,
          ['generic-100g', 'store-and-forward'] as const,
          ['generic-100g', 'cut-through'] as const,
        ),
        fc.nat(1000),
        fc.array(anyStep, { maxLength: 30 }),
        ([profile, switching], seed, steps) => {
          const simulation = boot(scenarioOf(profile, switching, seed));
          const { machine } = simulation;
          simulation.advance(simulation.startPs + 5 * MICROSECOND);
          for (const step of steps) {
            take(simulation, step);
            const { transmit } = machine.nic.data;
            const used = machine.nic.profile.transmitBufferBytes - transmit['bufferFree'];
            const known = transmit.shares?.bytes.reduce((sum, bytes) => sum + bytes, 0);
            expect(known).toBe(used);
          }
          for (let queue = 0; queue < 8; queue++) machine.nic.data.transmit.setMaster(queue, true);
          settle(simulation, 12);
          expect(simulation.report().conservation.balanced).toBe(true);
          expect(notReturned(simulation).filter((each) => !each.includes('ring'))).toEqual([]);
        },
      ),
      { numRuns: Number(process.env['STORM'] ?? 8) },
    );
  });
});
