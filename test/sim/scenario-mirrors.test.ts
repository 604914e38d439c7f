import { describe, expect, it } from 'vitest';
import { createMachine, type MirrorOptions, type TrafficOptions } from '../../src/sim/index.ts';
import { reportOf, run, settle } from './rig.ts';

const PROFILES = ['intel-82599', 'generic', 'generic-100g'] as const;
const PFMRCTL = 0xf600;

/** What comes of short flows among a, b and `mon`, which rules copy to: delivered and mirrored frames of each. */
function flowsOf(profile: string, mirrors: MirrorOptions[], traffic: [string, string, number, number?][]) {
  const simulation = run({
    nic: { profile, linkGbps: 10, mirrors },
    guests: [
      { name: 'a', vfs: [{ trustedVlans: [100] }] },
      { name: 'b', vfs: [{ trustedVlans: [100] }] },
      { name: 'mon' },
    ],
    traffic: traffic.map(
      ([from, to, count, vlan]): TrafficOptions => ({
        from,
        to,
        count,
        ratePps: 1e6,
        ...(vlan === undefined ? {} : { vlan }),
      }),
    ),
    warmUpMs: 0,
    durationMs: 0.2,
  });
  settle(simulation, 0.5);
  const { flows, conservation, endpoints } = simulation.report();
  expect(conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
  expect(flows.every(({ duplicated, reordered }) => duplicated + reordered === 0)).toBe(true);
  return {
    delivered: flows.map(({ delivered }) => delivered),
    mirrored: flows.map(({ mirrored }) => mirrored),
    monitor: endpoints[4].mirrored,
    replicas: conservation.replicas,
  };
}

describe.each(PROFILES)('nic.mirrors of %s', (profile) => {
  it('copies what a VF receives, from the wire and from others', () => {
    const mirrors = [{ to: 'mon', receivedBy: ['a'] }];
    expect(
      flowsOf(profile, mirrors, [
        ['port', 'a', 50],
        ['b', 'a', 30],
        ['a', 'b', 20],
      ]),
    ).toEqual({ delivered: [50, 30, 20], mirrored: [50, 30, 0], monitor: 80, replicas: 80 });
  });

  it('copies what comes from the wire, and what goes there', () => {
    const flows: [string, string, number][] = [
      ['port', 'a', 50],
      ['a', 'port', 40],
      ['a', 'b', 20],
    ];
    const up = flowsOf(profile, [{ to: 'mon', uplink: true }], flows);
    expect(up).toEqual({ delivered: [50, 40, 20], mirrored: [50, 0, 0], monitor: 50, replicas: 50 });
    const down = flowsOf(profile, [{ to: 'mon', downlink: true }], flows);
    expect(down).toEqual({ delivered: [50, 40, 20], mirrored: [0, 40, 0], monitor: 40, replicas: 40 });
    const both = flowsOf(profile, [{ to: 'mon', downlink: true, uplink: true }], flows);
    expect(both).toEqual({ delivered: [50, 40, 20], mirrored: [50, 40, 0], monitor: 90, replicas: 90 });
  });

  it('copies frames of VLANs, also of one that nobody is in', () => {
    expect(
      flowsOf(
        profile,
        [
          { to: 'mon', vlans: [300] },
          { to: 'mon', vlans: [100] },
        ],
        [
          ['a', 'b', 10, 100],
          ['a', 'b', 20],
          ['port', 'a', 30, 300],
        ],
      ),
      // Nobody is in VLAN 300, so that its frames go to the default VPort, the host.
    ).toEqual({ delivered: [10, 20, 30], mirrored: [10, 0, 30], monitor: 40, replicas: 40 });
  });

  it('makes no second frame of one that goes to the destination anyway, or that two rules copy', () => {
    const mirrors = [
      { to: 'mon', receivedBy: ['b'] },
      { to: 'mon', downlink: true },
    ];
    // b, mon, host and the wire get a broadcast; the monitor's is no copy.
    expect(flowsOf(profile, mirrors, [['a', 'broadcast', 10]])).toEqual({
      delivered: [40],
      mirrored: [0],
      monitor: undefined,
      replicas: 30,
    });
  });

  it("can copy to the host, and counts what comes there for the host's own as delivered", () => {
    const simulation = run({
      nic: { profile, linkGbps: 10, mirrors: [{ to: 'host', receivedBy: ['b.0', 'b.1'] }] },
      guests: [{ name: 'a' }, { name: 'b', vfs: 2 }],
      traffic: [
        { from: 'a', to: 'b.1', ratePps: 1e6, count: 10 },
        { from: 'a', to: 'host', ratePps: 1e6, count: 20 },
      ],
      warmUpMs: 0,
      durationMs: 0.2,
    });
    const { flows, endpoints } = simulation.report();
    expect(flows.map(({ delivered, mirrored }) => [delivered, mirrored])).toEqual([
      [10, 10],
      [20, 0],
    ]);
    expect(endpoints[1]).toMatchObject({ mirrored: 10, received: { frames: 30 } });
  });
});

describe('nic.mirrors', () => {
  it('are written into the registers of an 82599', () => {
    const { machine } = run({
      nic: {
        mirrors: [
          { to: 'b', uplink: true },
          { to: 'host', receivedBy: ['a', 'b'] },
        ],
      },
      guests: [{ name: 'a' }, { name: 'b' }],
      durationMs: 0.01,
    });
    const { registers } = machine.nic;
    expect(registers.read32(PFMRCTL)).toBe(0b0010 | (1 << 8));
    expect(registers.read32(PFMRCTL + 4)).toBe(0b0001 | (2 << 8));
    expect(registers.read32(PFMRCTL + 0x34)).toBe(0b11);
  });

  it('copy what a VF sends, on the generic profiles', () => {
    const counts = flowsOf(
      'generic',
      [{ to: 'mon', sentBy: ['a'] }],
      [
        ['a', 'b', 10],
        ['b', 'a', 20],
        ['a', 'port', 30],
      ],
    );
    expect(counts).toEqual({ delivered: [10, 20, 30], mirrored: [10, 0, 30], monitor: 40, replicas: 40 });
  });

  it('do not hide what a receiver loses', () => {
    const { flows } = reportOf({
      nic: { mirrors: [{ to: 'b', vlans: [300] }] },
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'port', to: 'broadcast', vlan: 300, ratePps: 1e6, count: 10 }],
      warmUpMs: 0,
      durationMs: 0.2,
    });
    expect(flows[0]).toMatchObject({ offered: 10, delivered: 0, mirrored: 10, lost: 10, latencyNs: null });
  });

  it.each(['intel-82599', 'generic'])('of %s wait for VFs that are not there yet', (profile) => {
    const machine = createMachine({
      nic: { profile, mirrors: [{ to: 'c', receivedBy: ['b'] }] },
      guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    });
    const path = '0000:01:00.0/sriov_numvfs';
    const mirrored = () => {
      machine.guests[0].traffic.send({ to: 'b', ratePps: 1e6, count: 10 });
      const { flows } = machine.run({ simulatedMs: 0.2 });
      return flows[flows.length - 1];
    };
    machine.host.sysfs.write(path, '2');
    expect(mirrored()).toMatchObject({ delivered: 10, mirrored: 0 });
    machine.host.sysfs.write(path, '0');
    machine.host.sysfs.write(path, '3');
    expect(mirrored()).toMatchObject({ delivered: 10, mirrored: 10 });
  });

  it('are checked by createMachine as well', () => {
    const guests = [{ name: 'a' }, { name: 'b' }];
    const make = (mirrors: unknown) => () =>
      createMachine({ guests, nic: { mirrors: mirrors as MirrorOptions[] } });
    expect(make([{ to: 'a', from: 'b' }])).toThrow(/nic\.mirrors\[0\] has no option "from"/);
    expect(make({ to: 'a' })).toThrow(/nic\.mirrors must be a list, got an object/);
  });
});
