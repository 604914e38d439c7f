import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveScenario, type Scenario } from '../../src/sim/index.ts';
import { parseScenario, restateScenario } from '../../src/sim/scenario.ts';
import { anyReflected, anyScenario } from './random-scenario.ts';

const FOLDER = new URL('../../scenarios/', import.meta.url);

/** What becomes of a scenario, and of what is made of that. */
function twice(scenario: Scenario) {
  const options = { readCapture: (file: string) => readFileSync(new URL(file, FOLDER)) };
  const first = resolveScenario(scenario, options).scenario;
  // As it stands in a file.
  const restated = parseScenario(JSON.parse(JSON.stringify(restateScenario(first))));
  return [first, resolveScenario(restated, options).scenario];
}

/** Whatever random scenarios do not have, each with a value that is no default. */
const CASES: Record<string, Scenario> = {
  'faults of all kinds': {
    guests: [{ name: 'a', vfs: 2 }],
    faults: [
      { kind: 'bit-error', probability: 1e-6, direction: 'upstream', fromMs: 0.1, toMs: 0.7 },
      { kind: 'link-down', atMs: 0.3, forMs: 0.01 },
      { kind: 'surprise-removal', atMs: 1.9 },
      { kind: 'iommu-fault', atMs: 0.0001, target: 'a.1', direction: 'write' },
      { kind: 'poisoned-data', probability: 0.25 },
      { kind: 'lost-completion', atMs: 0.2, since: 'power-on', target: 'host' },
      { kind: 'slow-memory', atMs: 0.2, factor: 3.5, forMs: 0.123456789 },
      { kind: 'flr', atMs: 0.5, target: 'a' },
    ],
  },
  'a port with priority flow control': {
    nic: {
      vfs: 3,
      ari: false,
      loopback: 'vepa',
      mtu: 1200,
      port: { pfc: [6, 2], xoffKiB: 96, cableMetres: 30 },
    },
    guests: [{ vfs: [{ vf: 2, vlan: 7, vlanPriority: 3, maxTxMbps: 500, trust: true }] }],
    adjacentBridge: 'reflective-relay',
    traffic: [
      { from: 'guest1', to: 'port', rateMbps: 1.1, ecn: true, priority: 6, count: 3, stopMs: 0.0021 },
    ],
  },
  'a card with all that one can be': {
    nic: {
      profile: 'generic-100g',
      port: { switching: 'cut-through', arbitration: 'weighted', wireShare: 30, badFcsEvery: 9 },
      mirrors: [{ to: 'a.1', sentBy: ['a', 'host'], receivedBy: ['b'], uplink: true, vlans: [9, 5] }],
    },
    guests: [
      { name: 'a', vfs: [{ forwarding: { to: 'b' }, class: 3, allowedVlans: [] }, { forwarding: 'port' }] },
      {
        name: 'b',
        vfs: [{ selfDelivery: true, private: true, stormLimits: { broadcast: 0, multicast: 9 } }],
      },
      { name: 'none', vfs: 0 },
    ],
    traffic: [
      { from: 'a', to: 'b', saturate: true },
      { from: 'a', to: 'b', saturate: true },
      { from: 'b', to: '01:00:5e:00:00:09', frameBytes: { imix: true }, ratePps: 10, startMs: 1 / 3 },
      { from: 'b', to: '02:00:00:00:99:99', ratePps: 1e6 / 3, arrivals: 'poisson' },
      { from: 'host', to: 'broadcast', rateMbps: 7 },
    ],
    durationMs: 1.0000001,
  },
  'a port extender': {
    nic: { profile: 'generic-100g', portExtender: 'etag' },
    guests: [{ name: 'a' }],
    captures: [{ file: 'captures/namespaces.pcap', timing: { speedup: 2.5 }, loop: 3, startMs: 0.25 }],
  },
};

describe('what has become of a scenario, as a scenario again', () => {
  for (const [title, scenario] of Object.entries(CASES)) {
    it(`comes to the same: ${title}`, () => {
      const [first, second] = twice(scenario);
      expect(second).toEqual(first);
    });
  }

  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json'))) {
    it(`comes to the same: ${file}`, () => {
      const [first, second] = twice(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Scenario);
      expect(second).toEqual(first);
    });
  }

  it('comes to the same, whatever it was', () => {
    fc.assert(
      fc.property(fc.oneof(anyScenario, anyReflected), (scenario) => {
        const [first, second] = twice({ ...scenario, captures: [] });
        expect(second).toEqual(first);
      }),
    );
  });
});
