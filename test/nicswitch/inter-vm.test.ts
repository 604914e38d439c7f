import { describe, expect, it } from 'vitest';
import type { MirrorRule } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, mac, STRANGER } from './fixtures.ts';
import { Machines } from './machines.ts';

const pools = (mask: number) => [0, 1, 2, 3].filter((v) => ((mask >> v) & 1) !== 0);
const pool = (mask: number, to: number): MirrorRule => ({ to, receivedBy: pools(mask) });
const uplink = (to: number): MirrorRule => ({ to, uplink: true });
const downlink = (to: number): MirrorRule => ({ to, downlink: true });
const vlan = (vlans: number[], to: number): MirrorRule => ({ to, vlans });

interface Step {
  /** Sender: a VF, or the wire where absent. */
  from?: number;
  to: number;
  vlan?: number;
  count: number;
  /** Received/sent by each machine. */
  counts: string;
  /** Modes before the step. */
  modes?: ('rxonly' | 'mac')[];
}

interface Situation {
  name: string;
  modes: ('rxonly' | 'mac')[];
  rules: MirrorRule[];
  /** Members of VLANs, as VF:VLAN. */
  vlans?: string;
  steps: Step[];
}

const TWO: Situation[] = [
  {
    name: 'pool mirroring',
    modes: ['rxonly', 'mac'],
    rules: [pool(0b1, 1)],
    steps: [
      {
        to: 0,
        count: 10,
        counts: '10/0 10/10',
      },
    ],
  },
  {
    name: 'uplink mirroring',
    modes: ['rxonly', 'mac'],
    rules: [uplink(1)],
    steps: [
      {
        to: 0,
        count: 10,
        counts: '10/0 10/10',
      },
    ],
  },
  {
    name: 'downlink mirroring',
    modes: ['rxonly', 'rxonly'],
    rules: [downlink(1)],
    steps: [
      {
        from: 0,
        to: -1,
        count: 16,
        counts: '0/16 16/0',
      },
    ],
  },
  {
    name: 'VLAN mirroring, VLAN 0',
    modes: ['rxonly', 'mac'],
    rules: [vlan([0], 1)],
    vlans: '0:0',
    steps: [
      {
        to: 0,
        vlan: 0,
        count: 10,
        counts: '10/0 10/10',
      },
    ],
  },
  {
    name: 'VLAN and pool mirroring',
    modes: ['rxonly', 'mac'],
    rules: [pool(0b1, 1), vlan([3], 0)],
    vlans: '1:3',
    steps: [
      {
        to: 0,
        count: 10,
        counts: '10/0 10/10',
      },
      {
        to: 1,
        vlan: 3,
        count: 100,
        counts: '100/0 100/100',
      },
    ],
  },
  {
    name: 'uplink and downlink mirroring',
    modes: ['rxonly', 'rxonly'],
    rules: [downlink(1), uplink(1)],
    steps: [
      {
        from: 0,
        to: -1,
        count: 16,
        counts: '0/16 16/0',
      },
      {
        modes: ['mac', 'rxonly'],
        to: 0,
        count: 10,
        counts: '10/10 20/0',
      },
    ],
  },
  {
    name: 'VLAN, pool, uplink and downlink mirroring',
    modes: ['rxonly', 'rxonly'],
    rules: [downlink(1), uplink(1), vlan([3], 0), pool(0b1, 1)],
    vlans: '1:3',
    steps: [
      {
        from: 0,
        to: -1,
        count: 16,
        counts: '0/16 16/0',
      },
      {
        modes: ['mac', 'rxonly'],
        to: 0,
        count: 1,
        counts: '1/1 2/0',
      },
      {
        to: 1,
        vlan: 3,
        count: 1,
        counts: '1/1 2/0',
      },
    ],
  },
];

const RXONLY = ['rxonly', 'rxonly', 'rxonly', 'rxonly'] as const;
const FORWARDING = ['mac', 'mac', 'mac', 'mac'] as const;
const FIRST_TWO = ['mac', 'mac', 'rxonly', 'rxonly'] as const;

const FOUR: Situation[] = [
  {
    name: 'pool mirroring of three',
    modes: [...RXONLY],
    rules: [pool(0b111, 3)],
    steps: [
      {
        to: 0,
        count: 1,
        counts: '1/0 0/0 0/0 1/0',
      },
      {
        to: 1,
        count: 1,
        counts: '0/0 1/0 0/0 1/0',
      },
      {
        to: 2,
        count: 1,
        counts: '0/0 0/0 1/0 1/0',
      },
      {
        to: 3,
        count: 1,
        counts: '0/0 0/0 0/0 1/0',
      },
    ],
  },
  {
    name: 'pool mirroring to two',
    modes: ['rxonly', 'rxonly', 'mac', 'mac'],
    rules: [pool(0b11, 2), pool(0b11, 3)],
    steps: [
      {
        to: 0,
        count: 1,
        counts: '1/0 0/0 1/1 1/1',
      },
      {
        to: 1,
        count: 1,
        counts: '0/0 1/0 1/1 1/1',
      },
    ],
  },
  {
    name: 'uplink mirroring to two: each has every packet once',
    modes: [...RXONLY],
    rules: [uplink(2), uplink(3)],
    steps: [
      {
        to: 0,
        count: 1,
        counts: '1/0 0/0 1/0 1/0',
      },
      {
        to: 1,
        count: 1,
        counts: '0/0 1/0 1/0 1/0',
      },
      {
        to: 2,
        count: 1,
        counts: '0/0 0/0 1/0 1/0',
      },
      {
        to: 3,
        count: 1,
        counts: '0/0 0/0 1/0 1/0',
      },
    ],
  },
  {
    name: 'downlink mirroring to two',
    modes: [...FIRST_TWO],
    rules: [downlink(2), downlink(3)],
    steps: [
      {
        to: 0,
        count: 1,
        counts: '1/1 0/0 1/0 1/0',
      },
      {
        to: 1,
        count: 1,
        counts: '0/0 1/1 1/0 1/0',
      },
    ],
  },
  {
    name: 'VLAN mirroring of three',
    modes: [...FORWARDING],
    rules: [vlan([1, 2, 3], 3)],
    vlans: '0:1 1:2 2:3',
    steps: [
      {
        to: 0,
        vlan: 1,
        count: 1,
        counts: '1/1 0/0 0/0 1/1',
      },
      {
        to: 1,
        vlan: 2,
        count: 1,
        counts: '0/0 1/1 0/0 1/1',
      },
      {
        to: 2,
        vlan: 3,
        count: 1,
        counts: '0/0 0/0 1/1 1/1',
      },
    ],
  },
  {
    name: 'VLAN mirroring, one destination a VLAN',
    modes: [...FORWARDING],
    rules: [vlan([1], 2), vlan([2], 3)],
    vlans: '0:1 1:2',
    steps: [
      {
        to: 0,
        vlan: 1,
        count: 1,
        counts: '1/1 0/0 1/1 0/0',
      },
      {
        to: 1,
        vlan: 2,
        count: 1,
        counts: '0/0 1/1 0/0 1/1',
      },
    ],
  },
  {
    name: 'VLAN and pool mirroring',
    modes: [...FORWARDING],
    rules: [vlan([1], 2), vlan([2], 2), pool(0b11, 3)],
    vlans: '0:1 1:2',
    steps: [
      {
        to: 0,
        vlan: 1,
        count: 1,
        counts: '1/1 0/0 1/1 1/1',
      },
      {
        to: 1,
        vlan: 2,
        count: 1,
        counts: '0/0 1/1 1/1 1/1',
      },
    ],
  },
  {
    name: 'VLAN mirroring of two, pool mirroring of one of them',
    modes: [...FORWARDING],
    rules: [vlan([1, 2], 2), pool(0b10, 3)],
    vlans: '0:1 1:2',
    steps: [
      {
        to: 0,
        vlan: 1,
        count: 1,
        counts: '1/1 0/0 1/1 0/0',
      },
      {
        to: 1,
        vlan: 2,
        count: 1,
        counts: '0/0 1/1 1/1 1/1',
      },
    ],
  },
  {
    name: 'uplink and downlink mirroring',
    modes: [...FIRST_TWO],
    rules: [uplink(2), downlink(3)],
    steps: [
      {
        to: 0,
        count: 1,
        counts: '1/1 0/0 1/0 1/0',
      },
      {
        to: 1,
        count: 1,
        counts: '0/0 1/1 1/0 1/0',
      },
    ],
  },
  {
    name: 'pool, VLAN, uplink and downlink mirroring',
    modes: [...FIRST_TWO],
    rules: [vlan([1], 1), pool(0b10, 0), uplink(2), downlink(3)],
    vlans: '0:1',
    steps: [
      {
        to: 0,
        vlan: 1,
        count: 10,
        counts: '10/10 10/10 10/0 20/0',
      },
      {
        to: 1,
        count: 10,
        counts: '10/10 10/10 10/0 20/0',
      },
    ],
  },
];

describe.each([false, true])('virtual machines, VLAN filter on: %s', (filter) => {
  it.each([...TWO, ...FOUR])('$name', ({ modes, rules, vlans = '', steps }) => {
    const machines = new Machines(modes, filter);
    const { nicSwitch } = machines.bench;
    for (const [, vf, id] of vlans.matchAll(/(\d+):(\d+)/g)) nicSwitch.addVlan(Number(vf), Number(id));
    for (const [i, rule] of rules.entries()) nicSwitch.setMirrorRule(i, rule);
    for (const { from, to, vlan: id, count, counts, modes: changed = [] } of steps) {
      for (const [v, mode] of changed.entries()) machines.setMode(v, mode);
      const address = to < 0 ? STRANGER : mac(to);
      if (from === undefined) machines.fromWire(address, count, id);
      else machines.fromVf(from, address, count);
      expect(machines.counts()).toBe(counts);
    }
  });
});

describe('virtual machines', () => {
  it('receive what is for their addresses, several of them, and forward it', () => {
    const machines = new Machines(['mac', 'mac'], true);
    for (const address of [0x001122334455, 0x005544332211]) {
      machines.bench.nicSwitch.addMac(0, address);
      machines.fromWire(address, 10);
      expect(machines.counts()).toBe(`10/10 0/0`);
      machines.bench.nicSwitch.removeMac(0, address);
      machines.fromWire(address, 10);
      expect(machines.counts()).toBe(`0/0 0/0`);
    }
  });

  it('receive 40 broadcasts of 55, 70 and 8,038 bytes where frames may be as long', () => {
    const bench = new Bench(2, { maxFrameBytes: 9014 });
    const lengths = [...Array<number>(28).fill(70), ...Array<number>(10).fill(55), 8038, 8038];
    for (const bytes of lengths) bench.receivers(bench.wire, { to: BROADCAST, bytes });
    for (const vport of [0, 1]) {
      expect(bench.nicSwitch.portCounters(vport)).toMatchObject({
        framesOut: 40,
        broadcastOut: 40,
        bytesOut: 28 * 70 + 10 * 55 + 2 * 8038,
      });
    }
    expect(bench.nicSwitch.balance()).toEqual({ framesIn: 40, replicas: 40, delivered: 80, dropped: 0 });
  });

  it('receive broadcasts while they accept them, off and on again', () => {
    const machines = new Machines(['rxonly', 'rxonly'], true);
    for (const accept of [true, false, true, false]) {
      machines.bench.nicSwitch.setAcceptBroadcast(0, accept);
      machines.fromWire(BROADCAST, 10);
      expect(machines.counts()).toBe(`${accept ? 10 : 0}/0 10/0`);
    }
  });

  it('receive nothing while their receive side pauses, and send nothing while their transmit side does', () => {
    const machines = new Machines(['mac', 'rxonly'], true);
    const { nicSwitch, wire } = machines.bench;
    for (const [rx, tx, onWire] of [
      [true, true, 10],
      [false, true, 0],
      [true, false, 0],
      [true, true, 10],
    ] as const) {
      nicSwitch.setVPortEnabled(0, rx, tx);
      const before = nicSwitch.portCounters(wire).framesOut;
      machines.fromWire(mac(0), 10);
      expect(machines.counts()).toBe(`${rx ? 10 : 0}/${rx ? 10 : 0} 0/0`);
      expect(nicSwitch.portCounters(wire).framesOut - before).toBe(onWire);
    }
  });

  it('reach each other in the card with loopback, and not without: then the wire has the frames', () => {
    const machines = new Machines(['rxonly', 'rxonly'], true);
    const { nicSwitch, wire } = machines.bench;
    for (const loopback of [false, true]) {
      nicSwitch.setLoopback(loopback);
      const before = nicSwitch.portCounters(wire).framesOut;
      machines.fromVf(1, mac(0), 10);
      expect(machines.counts()).toBe(`${loopback ? 10 : 0}/0 0/10`);
      expect(nicSwitch.portCounters(wire).framesOut - before).toBe(loopback ? 0 : 10);
    }
  });
});
