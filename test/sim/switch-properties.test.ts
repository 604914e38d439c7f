import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario, VfOptions } from '../../src/sim/index.ts';
import { anyScenario } from './random-scenario.ts';
import { notReturned, run, settle } from './rig.ts';

type Change = (scenario: Scenario, names: readonly string[], seed: number) => void;

const vfsOf = ({ guests = [] }: Scenario) => guests.flatMap(({ vfs }) => vfs as VfOptions[]);

/** What a scenario can say of its card's switch, in a machine that any scenario makes. */
const CHANGES: Readonly<Record<string, Change>> = {
  mirrors: ({ nic = {} }, names, seed) => {
    const name = (i: number) => names[(seed + i) % names.length];
    nic.mirrors = [
      { to: name(0), uplink: true, vlans: [100, 300] },
      { to: name(1), receivedBy: [name(2)], downlink: true },
    ];
  },
  forwarding: (scenario, _, seed) => {
    const modes: VfOptions['forwarding'][] = [
      'veb',
      'vepa',
      'port',
      { to: 'host' },
      { to: 'host', port: true },
    ];
    for (const [i, vf] of vfsOf(scenario).entries()) vf.forwarding = modes[(seed + i) % modes.length];
  },
  portExtender: (scenario, _, seed) => {
    const { nic = {} } = scenario;
    nic.portExtender = seed % 2 === 0 ? 'etag' : 'vntag';
    delete nic.loopback;
    delete scenario.adjacentBridge;
    for (const vf of vfsOf(scenario)) {
      delete vf.private;
      delete vf.stormLimits;
    }
  },
};

describe.each(Object.entries(CHANGES))('any machine with %s', (_, change) => {
  it('balances at the end of its run and after it, and gives everything back', () => {
    fc.assert(
      fc.property(anyScenario, fc.nat(1000), fc.boolean(), (scenario, seed, ecn) => {
        const nic = { ...scenario.nic, profile: seed % 3 === 0 ? 'generic' : 'generic-100g' };
        const traffic = (scenario.traffic ?? []).map((flow) =>
          ecn ? { ...flow, ecn: 'ect1' as const } : flow,
        );
        const changed: Scenario = { ...structuredClone(scenario), nic, traffic };
        const names = (changed.guests ?? []).flatMap(({ name, vfs }) =>
          (vfs as VfOptions[]).map((_, i) => `${name}.${i}`),
        );
        change(changed, ['host', ...names], seed);
        const simulation = run(changed);
        expect(simulation.report().conservation.balanced).toBe(true);
        settle(simulation);
        const { conservation, flows, endpoints } = simulation.report();
        expect(conservation.balanced).toBe(true);
        expect(notReturned(simulation)).toEqual([]);
        const copies = (all: readonly { mirrored?: number }[]) =>
          all.reduce((sum, { mirrored = 0 }) => sum + mirrored, 0);
        expect(copies(flows)).toBe(copies(endpoints));
      }),
      { numRuns: 15 },
    );
  });
});
