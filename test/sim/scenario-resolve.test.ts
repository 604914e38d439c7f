import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/sim/scenario-parse.ts';
import { resolveScenario } from '../../src/sim/scenario-resolve.ts';
import type { ResolvedScenario } from '../../src/sim/scenario-resolved.ts';
import type { Scenario } from '../../src/sim/scenario-types.ts';
import { Simulation } from '../../src/sim/simulation.ts';

const captureFile = readFileSync(new URL('../../scenarios/captures/namespaces.pcap', import.meta.url));
const readCapture = () => captureFile;

function resolve(scenario: Scenario) {
  return resolveScenario(parseScenario(scenario), { readCapture }).scenario;
}

describe('an empty scenario', () => {
  it('is a card without VFs and its host', () => {
    expect(resolve({})).toEqual({
      name: '',
      description: '',
      seed: 1,
      host: { profile: 'xeon-e5-v4', iommu: true, memoryGiB: 64 },
      nic: {
        profile: 'intel-82599',
        vfs: 0,
        ari: true,
        loopback: 'veb',
        linkGbps: 10,
        mtu: 1500,
        port: { pause: 'none', pfc: [], xoffKiB: null, xonKiB: null, fec: 'none', cableMetres: 0 },
      },
      hostInterface: { mac: '02:00:00:00:00:00', vlan: null, driver: 'interrupt', ringSize: 512 },
      guests: [],
      vfs: [],
      flows: [],
      captures: [],
      warmUpPs: 200_000_000,
      durationPs: 2_000_000_000,
    });
  });
});

describe('VFs', () => {
  it('go to guests in order, around those that somebody asks for by number', () => {
    const { guests } = resolve({
      guests: [{ vfs: 2 }, { vfs: [{ vf: 1 }, {}] }, {}, { vfs: [{ vf: 9 }] }],
    });
    expect(guests.map(({ vfs }) => vfs)).toEqual([[0, 2], [1, 3], [4], [9]]);
  });

  it('are enabled up to the highest that is used, and those without a guest are named by number', () => {
    const { nic, vfs } = resolve({ guests: [{ name: 'a', vfs: [{ vf: 2 }] }] });
    expect(nic.vfs).toBe(3);
    expect(vfs.map(({ vf, name, guest }) => [vf, name, guest])).toEqual([
      [0, 'VF 0', null],
      [1, 'VF 1', null],
      [2, 'a', 0],
    ]);
  });

  it('can be more than the guests use', () => {
    expect(resolve({ nic: { vfs: 63 }, guests: [{}] }).vfs).toHaveLength(63);
  });

  it('are named after their guest, with a number where it has several', () => {
    const { vfs } = resolve({ guests: [{ name: 'a' }, { vfs: 2 }] });
    expect(vfs.map(({ name }) => name)).toEqual(['a', 'guest2.0', 'guest2.1']);
  });

  it('get an address from the numbers of guest and VF, around the addresses that are given', () => {
    const { vfs, hostInterface } = resolve({
      guests: [{ vfs: 2 }, { vfs: [{ mac: '02:00:00:00:01:01' }, {}] }],
    });
    expect(hostInterface.mac).toBe('02:00:00:00:00:00');
    expect(vfs.map(({ mac }) => mac)).toEqual([
      '02:00:00:00:01:00',
      '06:00:00:00:01:01',
      '02:00:00:00:01:01',
      '02:00:00:00:02:01',
    ]);
  });

  it('take what the hypervisor sets for them', () => {
    const { vfs } = resolve({
      guests: [
        { vfs: [{ vlan: 100 }, { trustedVlans: [30, 20, 30], spoofCheck: false, mac: '02-AB-00-00-00-01' }] },
      ],
    });
    expect(vfs[0]).toMatchObject({ vlan: 100, trustedVlans: [], spoofCheck: true });
    expect(vfs[1]).toMatchObject({
      vlan: null,
      trustedVlans: [20, 30],
      spoofCheck: false,
      mac: '02:ab:00:00:00:01',
    });
  });
});

describe("what a VF's VPort may do", () => {
  it('is all, without trust, unless it is said', () => {
    const { vfs } = resolve({ nic: { vfs: 2 }, guests: [{ vfs: 1 }] });
    for (const vf of vfs) {
      expect(vf).toMatchObject({
        trust: false,
        private: false,
        allowedVlans: null,
        stormLimits: { broadcast: null, multicast: null, unknownUnicast: null },
      });
    }
  });

  it('is what is said', () => {
    const options = { trust: true, private: true, allowedVlans: [7, 5, 7], stormLimits: { multicast: 0 } };
    expect(resolve({ guests: [{ vfs: [options] }] }).vfs[0]).toMatchObject({
      trust: true,
      private: true,
      allowedVlans: [5, 7],
      stormLimits: { broadcast: null, multicast: 0, unknownUnicast: null },
    });
  });
});

describe('a traffic entry', () => {
  const guests = [{ name: 'a' }, { name: 'b', vfs: 2 }];
  const flowOf = (entry: object) =>
    resolve({ guests, traffic: [{ from: 'a', to: 'b', ratePps: 1000, ...entry }] }).flows[0];

  it('has defaults for all but its ends and its rate', () => {
    expect(flowOf({})).toEqual({
      name: 'a to b',
      from: { kind: 'vf', vf: 0 },
      to: { kind: 'vf', vf: 1 },
      sourceMac: '02:00:00:00:01:00',
      destinationMac: '02:00:00:00:02:00',
      sizes: { kind: 'mix', sizes: [{ bytes: 64, weight: 1 }] },
      vlan: null,
      priority: null,
      rate: { kind: 'rate', framesPerSecond: 1000, arrivals: 'constant' },
      startPs: 0,
      stopPs: 2_200_000_000,
      count: null,
    });
  });

  it.each([
    ['b.1', { kind: 'vf', vf: 2 }, '02:00:00:00:02:01'],
    ['host', { kind: 'pf' }, '02:00:00:00:00:00'],
    ['port', { kind: 'port' }, '02:00:00:ff:00:01'],
    ['broadcast', { kind: 'broadcast' }, 'ff:ff:ff:ff:ff:ff'],
    ['multicast', { kind: 'multicast' }, '01:00:5e:00:00:01'],
    ['02-00-00-00-02-01', { kind: 'vf', vf: 2 }, '02:00:00:00:02:01'],
    ['02:00:00:00:77:77', { kind: 'mac' }, '02:00:00:00:77:77'],
    ['01:00:5e:01:02:03', { kind: 'multicast' }, '01:00:5e:01:02:03'],
    ['FF:FF:FF:FF:FF:FF', { kind: 'broadcast' }, 'ff:ff:ff:ff:ff:ff'],
  ])('finds %s', (to, ref, mac) => {
    const flow = flowOf({ to });
    expect(flow.to).toEqual(ref);
    expect(flow.destinationMac).toBe(mac);
  });

  it('sends from the port with the address of the station beyond it', () => {
    expect(flowOf({ from: 'port', to: 'host' })).toMatchObject({
      from: { kind: 'port' },
      sourceMac: '02:00:00:ff:00:01',
    });
  });

  it('turns bits a second into frames a second by the mean size', () => {
    const rateOf = (entry: object) => flowOf({ ratePps: undefined, rateMbps: 1000, ...entry }).rate;
    expect(rateOf({ frameBytes: 125 })).toMatchObject({ framesPerSecond: 1e6 });
    expect(rateOf({ frameBytes: { min: 100, max: 150 } })).toMatchObject({ framesPerSecond: 1e6 });
    // (7 * 64 + 4 * 594 + 1518) / 12 = 361.83 bytes
    expect(rateOf({ frameBytes: { imix: true } })).toMatchObject({
      framesPerSecond: expect.closeTo(345_463, 0) as number,
    });
  });

  it('may be as large as the MTU and its headers', () => {
    expect(flowOf({ frameBytes: 1518 }).sizes).toEqual({ kind: 'mix', sizes: [{ bytes: 1518, weight: 1 }] });
    expect(flowOf({ frameBytes: { min: 64, max: 1522 }, vlan: 5 })).toMatchObject({
      sizes: { kind: 'uniform', min: 64, max: 1522 },
      vlan: 5,
    });
  });

  it('ends with the run at the latest', () => {
    expect(flowOf({ startMs: 0.1, stopMs: 1.5 })).toMatchObject({ startPs: 1e8, stopPs: 1.5e9 });
    expect(flowOf({ stopMs: 100 }).stopPs).toBe(2_200_000_000);
  });

  it('gets a number where another one is called the same', () => {
    const flow = { from: 'a', to: 'b', saturate: true as const };
    const { flows } = resolve({ guests, traffic: [flow, { ...flow, name: 'a to b (2)' }, flow, flow] });
    expect(flows.map(({ name }) => name)).toEqual(['a to b', 'a to b (2)', 'a to b (3)', 'a to b (4)']);
  });
});

describe('a capture', () => {
  const load = (entry: object) =>
    resolveScenario(parseScenario({ guests: [{ name: 'a' }], captures: [{ file: 'x.pcap', ...entry }] }), {
      readCapture,
    });

  it('is stated by length, checksum and frames, which are kept beside the scenario', () => {
    const { scenario, captures } = load({});
    expect(scenario.captures).toEqual([
      {
        file: 'x.pcap',
        fileBytes: captureFile.length,
        fileCrc32: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
        frames: 82,
        from: { kind: 'port' },
        timing: { kind: 'recorded', speedup: 1 },
        startPs: 0,
        loop: 1,
        filter: { source: null, destination: null },
      },
    ]);
    expect(captures[0]).toHaveLength(82);
  });

  it('can be filtered by its addresses, and its frames keep their times', () => {
    const filter = { source: '02:00:00:00:01:0A', destination: '02:00:00:00:01:0b' };
    const { scenario, captures } = load({ filter, from: 'a' });
    expect(scenario.captures[0].frames).toBe(37);
    expect(captures[0][0].timePs).toBeGreaterThan(0);
  });

  it('can be sent at a rate of its own, faster, and again', () => {
    expect(load({ timing: { ratePps: 5 } }).scenario.captures[0].timing).toEqual({
      kind: 'rate',
      framesPerSecond: 5,
    });
    expect(load({ timing: { speedup: 5 }, loop: 3 }).scenario.captures[0]).toMatchObject({
      timing: { kind: 'recorded', speedup: 5 },
      loop: 3,
    });
  });
});

describe('any scenario', () => {
  const guest = fc.record(
    {
      vfs: fc.oneof(
        fc.nat(4),
        fc.array(
          fc.record({ vf: fc.nat(62), vlan: fc.integer({ min: 1, max: 4094 }) }, { requiredKeys: [] }),
          { maxLength: 4 },
        ),
      ),
      pageSize: fc.constantFrom('4K' as const, '2M' as const),
    },
    { requiredKeys: [] },
  );

  it('gives every VF to one guest at most, with an address of its own, the same each time', () => {
    fc.assert(
      fc.property(fc.array(guest, { maxLength: 8 }), (guests) => {
        const asked = guests.flatMap(({ vfs }) => (Array.isArray(vfs) ? vfs.map(({ vf }) => vf) : []));
        const numbers = asked.filter((vf) => vf !== undefined);
        fc.pre(new Set(numbers).size === numbers.length);
        const scenario = resolve({ guests });
        expect(resolve({ guests })).toEqual(scenario);
        const given = scenario.guests.flatMap(({ vfs }) => vfs);
        expect(new Set(given).size).toBe(given.length);
        expect(scenario.vfs.map(({ vf }) => vf)).toEqual(
          Array.from({ length: scenario.nic.vfs }, (_, i) => i),
        );
        const macs = [scenario.hostInterface.mac, ...scenario.vfs.map(({ mac }) => mac)];
        expect(new Set(macs).size).toBe(macs.length);
        for (const { vf, guest: owner } of scenario.vfs) {
          expect(scenario.guests.findIndex(({ vfs }) => vfs.includes(vf))).toBe(owner ?? -1);
        }
      }),
    );
  });
});

describe('a simulation', () => {
  it('takes the scenario in what resolveScenario returns, and nothing else', () => {
    const loaded = resolveScenario({});
    expect(() => new Simulation(loaded.scenario)).not.toThrow();
    for (const other of [loaded, {}, undefined, null]) {
      expect(() => new Simulation(other as unknown as ResolvedScenario)).toThrow(
        new TypeError('scenario must be a resolved one: that in what resolveScenario returns'),
      );
    }
  });
});
