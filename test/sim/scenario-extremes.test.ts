import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { boot, jsonOf, notReturned, run, settle } from './rig.ts';

const guests = (count: number, vf: (i: number) => object = () => ({}), more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({
    name: `g${i}`,
    driver: 'poll',
    ringSize: 64,
    memoryMiB: 4,
    vfs: [vf(i)],
    ...more,
  }));
const toPort = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({
    from: `g${i}`,
    to: 'port',
    saturate: true,
    count: 20,
    ...more,
  }));

/** Options at their limits, and together. */
const scenarios: readonly (readonly [string, object])[] = [
  [
    '63 VFs, each with a limit, as an 82599',
    {
      guests: guests(63, (i) => ({ maxTxMbps: 11 + i * 100 })),
      traffic: toPort(63, { frameBytes: 1518, count: 4 }),
    },
  ],
  [
    '63 VFs, each with a limit, a minimum and a class, minima as much as the link',
    {
      nic: { profile: 'generic' },
      guests: guests(63, (i) => ({ maxTxMbps: 200 + i, minTxMbps: i === 0 ? 80 : 160, class: i % 8 })),
      traffic: toPort(63, { frameBytes: 1518, count: 4 }),
    },
  ],
  [
    'limits of 1 Mb/s',
    {
      nic: { profile: 'generic' },
      guests: guests(3, () => ({ maxTxMbps: 1, minTxMbps: 1 })),
      traffic: toPort(3, { count: 2 }),
    },
  ],
  [
    'VEPA, a bridge that reflects, storm limits of 0 and 1, private and trusted VFs',
    {
      nic: { loopback: 'vepa' },
      adjacentBridge: 'reflective-relay',
      guests: guests(4, (i) => ({
        private: i === 1,
        trust: i === 2,
        stormLimits: { broadcast: i % 2, multicast: 0, unknownUnicast: 1 },
      })),
      traffic: [
        { from: 'g0', to: 'broadcast', ratePps: 1e6, count: 100 },
        { from: 'g3', to: 'multicast', ratePps: 1e6, count: 100 },
        { from: 'g2', to: 'g1', ratePps: 1e6, count: 100 },
        { from: 'g3', to: '02:11:22:33:44:55', ratePps: 1e6, count: 100 },
        { from: 'port', to: 'broadcast', saturate: true, count: 200 },
      ],
    },
  ],
  [
    'pauses with thresholds of 1 KiB, both ways',
    {
      nic: { port: { pause: 'both', xoffKiB: 1, xonKiB: 1 } },
      guests: guests(2),
      traffic: [
        { from: 'port', to: 'g0', saturate: true, count: 300, frameBytes: 1518 },
        { from: 'g0', to: 'g1', saturate: true, count: 300, frameBytes: 1518 },
        { from: 'g1', to: 'port', saturate: true, count: 300 },
      ],
    },
  ],
  [
    'flow control of all eight priorities with the least buffers, on a long cable',
    {
      nic: { port: { pfc: [0, 1, 2, 3, 4, 5, 6, 7], xoffKiB: 1, xonKiB: 1, cableMetres: 1000 } },
      guests: guests(2, () => ({ trustedVlans: [100] })),
      traffic: [0, 3, 7].map(() => ({
        from: 'port',
        to: 'g0',
        vlan: 100,
        saturate: true,
        count: 200,
        frameBytes: 1518,
      })),
    },
  ],
  [
    'one priority with flow control on a card with a shared buffer, beside limits',
    {
      nic: { profile: 'generic-100g', port: { pfc: [0] } },
      guests: guests(4, (i) => ({ maxTxMbps: 1000, class: i })),
      traffic: [...toPort(4), { from: 'port', to: 'g0', saturate: true, count: 3000, frameBytes: 1518 }],
    },
  ],
];

describe('scenarios at their limits', () => {
  it.each(scenarios)(
    '%s: nothing hangs, nothing is lost without a count, twice the same',
    (name, scenario) => {
      const whole = { seed: 3, warmUpMs: 0, durationMs: 1, ...scenario } as unknown as Scenario;
      const simulation = boot(whole);
      for (let i = 0; i < 5; i++) {
        simulation.advance(simulation.startPs + ((simulation.endPs - simulation.startPs) * (i + 1)) / 5);
        simulation.machine.nic.data.switch.checkBalance();
        expect(simulation.report().conservation).toMatchObject({ balanced: true });
      }
      expect(jsonOf(run(whole))).toBe(jsonOf(simulation));
      settle(simulation, 100);
      expect(notReturned(simulation)).toEqual([]);
      const { conservation } = simulation.report();
      expect(conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
      // Limits, weights and pauses hold frames up, and drop none.
      if (!name.startsWith('VEPA')) expect(conservation.dropped).toEqual({});
    },
  );
});

describe('a limit that is written again and again', () => {
  it('does not disturb how others share the link by their weights', () => {
    const shares = (writes: boolean) => {
      const simulation = boot({
        nic: { profile: 'generic' },
        guests: guests(3, (i) => ({ minTxMbps: [8000, 1000, 1][i] })),
        traffic: [0, 1].map((i) => ({ from: `g${i}`, to: 'port', saturate: true, frameBytes: 1518 })),
        warmUpMs: 0,
        durationMs: 1,
      } as unknown as Scenario);
      const { registers } = simulation.machine.nic;
      while (simulation.nowPs < simulation.endPs) {
        simulation.advance(Math.min(simulation.endPs, simulation.nowPs + 5_000_000));
        if (!writes) continue;
        // Queue 4 is the first of VF 2, which sends nothing.
        registers.write32(0x4904, 4, 15);
        registers.write32(0x4984, 0x8000_0000 + 1_000_000, 15);
      }
      const [a, b] = simulation.report().flows.map(({ delivered }) => delivered);
      return a / (a + b);
    };
    const undisturbed = shares(false);
    expect(undisturbed).toBeGreaterThan(0.8);
    expect(Math.abs(shares(true) - undisturbed)).toBeLessThan(0.02);
  });
});
