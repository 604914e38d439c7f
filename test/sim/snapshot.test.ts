import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { anyReflected, anyScenario } from './random-scenario.ts';
import { boot, CAPTURE, jsonOf, run } from './rig.ts';
import { checkMoments, type Moment } from './snapshot-rig.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../scenarios/${name}.json`, import.meta.url), 'utf8')) as Scenario;

const short = { warmUpMs: 0.02, durationMs: 0.15 };
const ab = [{ name: 'a' }, { name: 'b' }];

/** Machines that have, each, parts that the others have not. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'the default scenario': { ...read('default'), ...short },
  'one that saturates': { ...read('saturate-64'), ...short },
  'drivers that wait for interrupts': {
    guests: ab.map((guest) => ({ ...guest, driver: 'interrupt', ringSize: 64 })),
    traffic: [
      { from: 'a', to: 'b', ratePps: 1e6, arrivals: 'poisson', frameBytes: { imix: true } },
      { from: 'b', to: 'broadcast', ratePps: 3e5 },
    ],
    ...short,
  },
  'the wire in both directions': {
    guests: ab,
    traffic: [
      { from: 'port', to: 'a', saturate: true },
      { from: 'b', to: 'port', saturate: true, frameBytes: { min: 64, max: 1518 } },
    ],
    ...short,
  },
  'captures that are sent again': {
    guests: ab,
    traffic: [{ from: 'a', to: 'b', ratePps: 2e5 }],
    captures: [
      { file: CAPTURE, from: 'port', timing: { ratePps: 1e6 }, loop: 3 },
      { file: CAPTURE, from: 'a', timing: { speedup: 1000 } },
    ],
    ...short,
  },
  'priority flow control': {
    nic: { port: { pfc: [3], xoffKiB: 16, xonKiB: 8 } },
    guests: ab.map((guest) => ({ ...guest, vfs: [{ trustedVlans: [100] }] })),
    traffic: [
      { from: 'port', to: 'a', saturate: true, vlan: 100, priority: 3 },
      { from: 'port', to: 'b', ratePps: 1e5, vlan: 100, priority: 5 },
    ],
    ...short,
  },
  'PAUSE frames': {
    nic: { port: { pause: 'both', xoffKiB: 16, xonKiB: 8 } },
    guests: ab,
    traffic: [{ from: 'port', to: 'a', saturate: true }],
    ...short,
  },
  'a port extender': {
    nic: { profile: 'generic', linkGbps: 10, portExtender: 'etag' },
    guests: [...ab, { name: 'c' }],
    traffic: [
      { from: 'c', to: 'port', ratePps: 1e6 },
      { from: 'a', to: 'c', ratePps: 1e6 },
      { from: 'b', to: 'broadcast', ratePps: 1e5 },
    ],
    ...short,
  },
  'limits, weights and classes': {
    nic: { profile: 'generic' },
    guests: [
      { name: 'a', vfs: [{ maxTxMbps: 500, class: 3 }] },
      { name: 'b', vfs: [{ minTxMbps: 100 }] },
    ],
    traffic: [
      { from: 'a', to: 'port', saturate: true },
      { from: 'b', to: 'port', saturate: true },
    ],
    ...short,
  },
  'huge pages and small ones': {
    guests: [
      { name: 'a', pageSize: '2M' },
      { name: 'b', pageSize: '4K' },
    ],
    traffic: [
      { from: 'a', to: 'b', saturate: true, frameBytes: 1518 },
      { from: 'b', to: 'a', ratePps: 1e6 },
    ],
    ...short,
  },
  'faults on demand': {
    guests: ab,
    traffic: [
      { from: 'a', to: 'b', saturate: true },
      { from: 'port', to: 'a', ratePps: 1e6 },
    ],
    faults: [
      { kind: 'slow-memory', atMs: 0.05, forMs: 0.05, factor: 4 },
      { kind: 'iommu-fault', probability: 0.001, target: 'a' },
      { kind: 'poisoned-data', probability: 0.002, target: 'b' },
      { kind: 'lost-completion', atMs: 0.08, target: 'a' },
      { kind: 'flr', atMs: 0.1, target: 'b' },
    ],
    ...short,
  },
  'faults of the link': {
    guests: ab,
    traffic: [
      { from: 'a', to: 'b', ratePps: 2e6 },
      { from: 'port', to: 'a', ratePps: 1e6 },
    ],
    faults: [
      { kind: 'bit-error', probability: 0.01 },
      { kind: 'bit-error', atMs: 0.05, direction: 'upstream' },
      { kind: 'link-down', atMs: 0.1, forMs: 0.02 },
    ],
    ...short,
  },
  'lost packets of the data link layer': {
    guests: ab,
    traffic: [
      { from: 'a', to: 'b', ratePps: 2e6 },
      { from: 'port', to: 'a', ratePps: 1e6 },
    ],
    faults: [{ kind: 'bit-error', bitErrorRate: 1e-4, since: 'power-on' }],
    ...short,
  },
  'no IOMMU': {
    host: { iommu: false },
    guests: ab,
    traffic: [{ from: 'a', to: 'b', ratePps: 3e6 }],
    ...short,
  },
  'the faster card': {
    nic: { profile: 'generic-100g' },
    guests: ab,
    traffic: [
      { from: 'a', to: 'b', saturate: true, frameBytes: 1518 },
      { from: 'port', to: 'multicast', ratePps: 1e6 },
    ],
    ...short,
  },
};

const moment: fc.Arbitrary<{ share: number; events: number }> = fc.record({
  share: fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000),
  events: fc.nat(40),
});

/** Moments of a run, in order of time. */
function momentsOf(
  { nowPs, endPs }: { nowPs: number; endPs: number },
  drawn: readonly { share: number; events: number }[],
): Moment[] {
  return drawn
    .map(({ share, events }) => ({ ps: nowPs + Math.floor(share * (endPs - nowPs)), events }))
    .sort((a, b) => a.ps - b.ps);
}

describe('a simulation that is restored', { timeout: LONG ? 3_600_000 : 120_000 }, () => {
  it.each(Object.keys(SCENARIOS))('goes on byte for byte as the one that was written: %s', (name) => {
    fc.assert(
      fc.property(fc.array(moment, { minLength: LONG ? 4 : 1, maxLength: LONG ? 4 : 1 }), (drawn) => {
        const simulation = boot(SCENARIOS[name]);
        checkMoments(simulation, momentsOf(simulation, drawn));
      }),
      { numRuns: LONG ? 10 : 1, endOnFailure: true },
    );
  });

  // 1,000 moments.
  it('goes on alike at any moment of any machine with any traffic', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyScenario, anyReflected),
        fc.array(moment, { minLength: 4, maxLength: 4 }),
        (scenario, drawn) => {
          const simulation = boot(scenario);
          checkMoments(simulation, momentsOf(simulation, drawn));
        },
      ),
      { numRuns: LONG ? 250 : 3, endOnFailure: true },
    );
  });
});

describe('a snapshot', () => {
  it('changes nothing in the simulation that is written', () => {
    const scenario = SCENARIOS['the default scenario'];
    const expected = jsonOf(run(scenario));
    const simulation = boot(scenario);
    for (const share of [0, 0.2, 0.7]) {
      simulation.advance(simulation.startPs + Math.floor(share * (simulation.endPs - simulation.startPs)));
      snapshotSimulation(simulation);
    }
    simulation.advance(simulation.endPs);
    expect(jsonOf(simulation)).toBe(expected);
  });

  it('can be restored again and again, each time to a simulation of its own', () => {
    const simulation = boot(SCENARIOS['the wire in both directions']);
    simulation.advance(simulation.startPs + 50_000_000);
    const bytes = snapshotSimulation(simulation);
    const [one, other] = [restoreSimulation(bytes), restoreSimulation(bytes)];
    one.advance(one.endPs);
    other.advance(other.endPs);
    simulation.advance(simulation.endPs);
    expect(jsonOf(one)).toBe(jsonOf(simulation));
    expect(jsonOf(other)).toBe(jsonOf(simulation));
  });
});
