import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import type { VfOptions } from '../../src/sim/index.ts';
import { buildTestFrame, parseMac, stampOffset } from '../../src/wire/index.ts';
import { type Arrival, boot, noteArrivals, notReturned, settle, vfEndpoint } from './rig.ts';

const PORT = 0;
const HOST = 1;
const [A, B, C] = [vfEndpoint(0), vfEndpoint(1), vfEndpoint(2)];
const STATION = '02:00:00:ff:00:01';

type Traffic = Omit<NonNullable<Scenario['traffic']>[number], 'ratePps'>;

/** Ten frames of each flow among three guests a, b and c with the VFs 0, 1 and 2, and who got what. */
function tenFrames(traffic: Traffic[], vfs: VfOptions[] = [{}, {}, {}], rest: Partial<Scenario> = {}) {
  const simulation = boot({
    guests: ['a', 'b', 'c'].map((name, i) => ({ name, vfs: [vfs[i]] })),
    traffic: traffic.map((flow) => ({ ...flow, ratePps: 1e6, count: 10 })),
    warmUpMs: 0,
    durationMs: 0.05,
    ...rest,
  });
  const arrivals = noteArrivals(simulation);
  settle(simulation, 0.5);
  const { conservation, endpoints } = simulation.report();
  expect(conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
  return { simulation, arrivals, conservation, endpoints, received: countBy(arrivals) };
}

/** How many frames came to each endpoint that got any. */
function countBy(arrivals: readonly Arrival[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { endpoint } of arrivals) counts[endpoint] = (counts[endpoint] ?? 0) + 1;
  return counts;
}

describe('a unicast frame', () => {
  it('from VF to VF stays in the card', () => {
    expect(tenFrames([{ from: 'a', to: 'b' }]).received).toEqual({ [B]: 10 });
  });

  it('goes between VF and PF, and between the VFs of one guest', () => {
    expect(tenFrames([{ from: 'a', to: 'host' }]).received).toEqual({ [HOST]: 10 });
    expect(tenFrames([{ from: 'host', to: 'a' }]).received).toEqual({ [A]: 10 });
    const guests = [{ name: 'a', vfs: 2 }];
    expect(tenFrames([{ from: 'a', to: 'a.1' }], [], { guests }).received).toEqual({ [B]: 10 });
    expect(tenFrames([{ from: 'a.1', to: 'a.0' }], [], { guests }).received).toEqual({ [A]: 10 });
  });

  it('to an address that nobody has goes to the port', () => {
    const to = '02:aa:aa:aa:aa:aa';
    expect(tenFrames([{ from: 'a', to }]).received).toEqual({ [PORT]: 10 });
    expect(tenFrames([{ from: 'host', to }]).received).toEqual({ [PORT]: 10 });
  });

  it('from the port reaches the VPort that has its address, and no other', () => {
    expect(tenFrames([{ from: 'port', to: 'c' }]).received).toEqual({ [C]: 10 });
    expect(tenFrames([{ from: 'port', to: 'host' }]).received).toEqual({ [HOST]: 10 });
  });

  it("from the port to an address that nobody has goes to the default pool, which is the host's", () => {
    expect(tenFrames([{ from: 'port', to: '02:aa:aa:aa:aa:aa' }]).received).toEqual({ [HOST]: 10 });
  });

  it('finds its way without any VF, too', () => {
    expect(tenFrames([{ from: 'host', to: 'port' }], [], { guests: [] }).received).toEqual({ [PORT]: 10 });
    expect(tenFrames([{ from: 'port', to: 'host' }], [], { guests: [] }).received).toEqual({ [HOST]: 10 });
  });
});

describe('a group frame', () => {
  it.each(['broadcast', 'multicast'])('to %s reaches everybody once, but for its sender', (to) => {
    const once = (...endpoints: number[]) => Object.fromEntries(endpoints.map((each) => [each, 10]));
    expect(tenFrames([{ from: 'a', to }]).received).toEqual(once(PORT, HOST, B, C));
    expect(tenFrames([{ from: 'host', to }]).received).toEqual(once(PORT, A, B, C));
    expect(tenFrames([{ from: 'port', to }]).received).toEqual(once(HOST, A, B, C));
    const { arrivals } = tenFrames([{ from: 'b', to }]);
    expect(new Set(arrivals.map(({ endpoint, sequence }) => `${endpoint}/${sequence}`)).size).toBe(40);
  });

  it('is not copied inside the card: one slot with a reference for each receiver, and all of them come back', () => {
    const simulation = boot({
      guests: [{ vfs: 16 }, { vfs: 16 }].map((guest) => ({ ...guest, memoryMiB: 64 })),
      traffic: [{ from: 'guest1.0', to: 'broadcast', ratePps: 1, count: 1, frameBytes: 1518 }],
      durationMs: 0.05,
    });
    const { frames } = simulation.machine.nic.data;
    const { scheduler } = simulation.machine;
    let [slots, references] = [0, 0];
    while (scheduler.now < simulation.endPs && scheduler.step()) {
      slots = Math.max(slots, frames.slots - frames.available);
      references = Math.max(references, ...frames.references);
    }
    // 31 VFs, the PF and the port.
    expect([slots, references]).toEqual([1, 33]);
    expect(simulation.report().conservation).toMatchObject({ offered: 1, replicas: 32, delivered: 33 });
    settle(simulation);
    expect(notReturned(simulation)).toEqual([]);
  });
});

describe('a port VLAN', () => {
  const inVlan: VfOptions[] = [{ vlan: 100 }, { vlan: 100 }, { vlan: 200 }];

  it('is put into what leaves by the port, and the guests of that VLAN see no tag', () => {
    const { arrivals } = tenFrames(
      [
        { from: 'a', to: 'b' },
        { from: 'a', to: 'port' },
      ],
      inVlan,
    );
    expect(countBy(arrivals)).toEqual({ [PORT]: 10, [B]: 10 });
    for (const { endpoint, vlan, bytes } of arrivals) {
      expect([vlan, bytes]).toEqual(endpoint === PORT ? [100, 64] : [null, 60]);
    }
  });

  it('is taken out of what comes by the port with the tag; without it, or with another, nothing reaches the guest', () => {
    const { arrivals } = tenFrames([{ from: 'port', to: 'a', vlan: 100, frameBytes: 68 }], inVlan);
    expect(arrivals.map(({ endpoint, vlan, bytes }) => [endpoint, vlan, bytes])).toEqual(
      Array.from({ length: 10 }, () => [A, null, 60]),
    );
    // The default pool takes what nobody else does.
    expect(tenFrames([{ from: 'port', to: 'a' }], inVlan).received).toEqual({ [HOST]: 10 });
    expect(tenFrames([{ from: 'port', to: 'a', vlan: 200 }], inVlan).received).toEqual({ [HOST]: 10 });
    expect(tenFrames([{ from: 'port', to: 'a', vlan: 300 }], inVlan).conservation.dropped).toEqual({
      vlanFilter: 10,
    });
  });

  it('keeps guests of different VLANs apart, unicast and broadcast', () => {
    // An exact filter keeps a frame from the wire, also one of another VLAN.
    const lost = tenFrames([{ from: 'a', to: 'c' }], inVlan);
    expect(lost.received).toEqual({});
    expect(lost.conservation.dropped).toEqual({ vlanFilter: 10 });
    expect(tenFrames([{ from: 'a', to: 'broadcast' }], inVlan).received).toEqual({ [PORT]: 10, [B]: 10 });
    expect(tenFrames([{ from: 'port', to: 'broadcast', vlan: 200 }], inVlan).received).toEqual({ [C]: 10 });
    expect(tenFrames([{ from: 'port', to: 'broadcast' }], inVlan).received).toEqual({ [HOST]: 10 });
  });

  it.each([
    ['with VFs', ['a', 'b', 'c'].map((name) => ({ name }))],
    ['without VFs', []],
  ])("can be the host's own, %s", (_, guests) => {
    const rest = { hostInterface: { vlan: 100 }, guests };
    const out = tenFrames([{ from: 'host', to: 'port' }], [], rest);
    expect(out.arrivals.map(({ endpoint, vlan }) => [endpoint, vlan])).toEqual(
      Array.from({ length: 10 }, () => [PORT, 100]),
    );
    const back = tenFrames([{ from: 'port', to: 'host', vlan: 100 }], [], rest);
    expect(back.arrivals.map(({ endpoint, vlan }) => [endpoint, vlan])).toEqual(
      Array.from({ length: 10 }, () => [HOST, null]),
    );
  });
});

describe('a trusted VLAN', () => {
  const trusted: VfOptions[] = [{ trustedVlans: [100] }, { trustedVlans: [100, 200] }, {}];

  it('is one whose tags a guest may use itself, to other guests that may, and to the port', () => {
    const { arrivals } = tenFrames(
      [
        { from: 'a', to: 'b', vlan: 100 },
        { from: 'b', to: 'port', vlan: 200 },
      ],
      trusted,
    );
    expect(arrivals.map(({ endpoint, vlan }) => `${endpoint} ${vlan}`).sort()).toEqual([
      ...Array.from({ length: 10 }, () => `${PORT} 200`),
      ...Array.from({ length: 10 }, () => `${B} 100`),
    ]);
  });

  it('beside untagged frames, which pass as before', () => {
    expect(tenFrames([{ from: 'a', to: 'b' }], trusted).received).toEqual({ [B]: 10 });
  });

  it("is not every VLAN: a guest's tag of another is dropped as a spoofed VLAN", () => {
    const { received, conservation, endpoints } = tenFrames([{ from: 'a', to: 'b', vlan: 200 }], trusted);
    expect(received).toEqual({});
    expect(conservation.dropped).toEqual({ vlanSpoof: 10 });
    expect(endpoints[A].drops).toEqual({ vlanSpoof: 10 });
  });

  it('has its tags taken out into the descriptor where the queue strips them (RXDCTL.VME)', () => {
    const simulation = boot({
      guests: [
        { name: 'a', vfs: [trusted[0]] },
        { name: 'b', vfs: [trusted[1]] },
      ],
      traffic: [{ from: 'a', to: 'b', vlan: 100, frameBytes: 68, ratePps: 1e6, count: 2 }],
    });
    const { machine } = simulation;
    const seen: [bytes: number, tci: number][] = [];
    const path = machine.vfDrivers.get(1)?.path;
    if (path === undefined) throw new Error('VF 1 has no driver');
    path.handler = { received: (_words, _at, bytes, tci) => seen.push([bytes, tci]) };
    machine.nic.pf.sriov
      ?.vf(1)
      .bar(0)
      .write32(0x1028, (1 << 25) | (1 << 30), 15);
    settle(simulation, 0.1);
    expect(seen).toEqual([
      [60, 100],
      [60, 100],
    ]);
  });

  it('can be one of 63, as many as the card filters beside VLAN 0', () => {
    const trustedVlans = Array.from({ length: 63 }, (_, i) => 100 + i);
    const { received } = tenFrames(
      [{ from: 'a', to: 'b', vlan: 162 }],
      [{ trustedVlans }, { vlan: 162 }, {}],
    );
    expect(received).toEqual({ [B]: 10 });
  });

  it('meets the port VLAN of another guest: one sends tags, the other sees none', () => {
    const vfs: VfOptions[] = [{ trustedVlans: [100] }, { vlan: 100 }, {}];
    const there = tenFrames([{ from: 'a', to: 'b', vlan: 100, frameBytes: 68 }], vfs).arrivals;
    expect(there.map(({ endpoint, vlan, bytes }) => [endpoint, vlan, bytes])).toEqual(
      Array.from({ length: 10 }, () => [B, null, 60]),
    );
    const back = tenFrames([{ from: 'b', to: 'a' }], vfs).arrivals;
    expect(back.map(({ endpoint, vlan, bytes }) => [endpoint, vlan, bytes])).toEqual(
      Array.from({ length: 10 }, () => [A, 100, 64]),
    );
  });
});

describe('anti-spoofing', () => {
  /** Guest a sends a frame to guest b, from an address that is not its own. */
  function spoof(spoofCheck: boolean) {
    const simulation = boot({
      guests: [{ name: 'a', vfs: [{ spoofCheck }] }, { name: 'b' }],
      durationMs: 0.05,
    });
    const bytes = new Uint8Array(64);
    const length = buildTestFrame(
      {
        destination: parseMac('02:00:00:00:02:00'),
        source: parseMac('02:00:00:00:00:00'),
        flow: 0,
        frameBytes: 64,
      },
      bytes,
      0,
    );
    const template = {
      id: 1e6,
      words: new Int32Array(bytes.buffer, 0, length / 4),
      bytes: length,
      sequenceWord: (stampOffset(false) + 2) / 4 + 1,
    };
    const arrivals = noteArrivals(simulation);
    simulation.machine.vfDrivers.get(0)?.path.send(template, 7);
    settle(simulation, 0.1);
    return { arrivals, dropped: simulation.machine.nic.data.switch.dropped('macSpoof') };
  }

  it("drops a frame from an address that is not the VF's", () => {
    expect(spoof(true)).toEqual({ arrivals: [], dropped: 1 });
  });

  it('does not where the administrator has turned it off', () => {
    const { arrivals, dropped } = spoof(false);
    expect(arrivals).toMatchObject([{ endpoint: B, sequence: 7 }]);
    expect(dropped).toBe(0);
  });
});

describe('VEPA', () => {
  const vepa = { nic: { loopback: 'vepa' as const } };

  it('sends everything to the port, for the adjacent bridge to send back', () => {
    expect(tenFrames([{ from: 'a', to: 'b' }], undefined, vepa).received).toEqual({ [PORT]: 10 });
    expect(tenFrames([{ from: 'a', to: 'host' }], undefined, vepa).received).toEqual({ [PORT]: 10 });
    expect(tenFrames([{ from: 'a', to: 'broadcast' }], undefined, vepa).received).toEqual({ [PORT]: 10 });
    expect(tenFrames([{ from: 'port', to: 'b' }], undefined, vepa).received).toEqual({ [B]: 10 });
  });
});

describe('VEPA with a bridge at the wire', () => {
  const nic = { loopback: 'vepa' as const };
  const relay = { nic, adjacentBridge: 'reflective-relay' as const };
  const noRelay = { nic, adjacentBridge: 'plain' as const };

  it('lets VFs, PF and port reach each other by reflective relay', () => {
    const both = [
      { from: 'b', to: 'a' },
      { from: 'a', to: 'b' },
    ];
    const { received, simulation, conservation } = tenFrames(both, undefined, relay);
    expect([received[A], received[B]]).toEqual([10, 10]);
    // What was sent before the bridge had learned the address came to the station as well.
    expect(received[PORT]).toBe(conservation.replicas);
    expect(simulation.station.bridge?.bridge).toMatchObject({ framesIn: 20, reflected: 20, filtered: 0 });
    expect(tenFrames([{ from: 'a', to: 'host' }], undefined, relay).received).toMatchObject({ [HOST]: 10 });
    expect(tenFrames([{ from: 'port', to: 'b' }], undefined, relay).received).toEqual({ [B]: 10 });
    expect(tenFrames([{ from: 'a', to: 'port' }], undefined, relay).received[PORT]).toBe(10);
  });

  it.each(['broadcast', 'multicast'])(
    'brings frames to %s to everybody once, and not to their sender',
    (to) => {
      const { received } = tenFrames([{ from: 'a', to }], undefined, relay);
      expect(received).toEqual({ [PORT]: 10, [HOST]: 10, [B]: 10, [C]: 10 });
      expect(tenFrames([{ from: 'port', to }], undefined, relay).received).toEqual({
        [HOST]: 10,
        [A]: 10,
        [B]: 10,
        [C]: 10,
      });
    },
  );

  it('lets them not without reflective relay: their frames end at the bridge', () => {
    const both = [
      { from: 'b', to: 'a' },
      { from: 'a', to: 'b' },
    ];
    const { received, conservation } = tenFrames(both, undefined, noRelay);
    expect(received[A]).toBeUndefined();
    expect(received[B]).toBeUndefined();
    expect((received[PORT] ?? 0) + conservation.dropped.bridgeFiltered).toBe(20);
    expect(conservation.dropped.bridgeFiltered).toBeGreaterThan(0);
    expect(tenFrames([{ from: 'a', to: 'broadcast' }], undefined, noRelay).received).toEqual({ [PORT]: 10 });
  });

  it('carries port VLANs there and back', () => {
    const vfs = [{ vlan: 10 }, { vlan: 10 }, { vlan: 20 }];
    const { received, arrivals } = tenFrames([{ from: 'a', to: 'broadcast' }], vfs, relay);
    expect(received).toEqual({ [PORT]: 10, [B]: 10 });
    const vlans = new Set(arrivals.map(({ endpoint, vlan }) => `${endpoint} ${vlan}`));
    expect(vlans).toEqual(new Set([`${PORT} 10`, `${B} null`]));
  });
});

describe('the station at the port', () => {
  it('has the address that frames to the port carry', () => {
    expect(tenFrames([{ from: 'a', to: STATION }]).received).toEqual({ [PORT]: 10 });
  });
});

describe("the host's own interface without VFs", () => {
  const alone = { guests: [] };

  it('takes what is for its address, broadcasts and the groups that it has joined, and nothing else', () => {
    const from = 'port';
    expect(tenFrames([{ from, to: 'host' }], [], alone).received).toEqual({ [HOST]: 10 });
    expect(tenFrames([{ from, to: 'broadcast' }], [], alone).received).toEqual({ [HOST]: 10 });
    expect(tenFrames([{ from, to: 'multicast' }], [], alone).received).toEqual({ [HOST]: 10 });
    const others = [
      { from, to: '02:aa:aa:aa:aa:aa' },
      { from, to: '01:00:5e:11:22:33' },
    ];
    const { received, conservation } = tenFrames(others, [], alone);
    expect(received).toEqual({});
    expect(conservation.dropped).toEqual({ noMatch: 20 });
  });
});
