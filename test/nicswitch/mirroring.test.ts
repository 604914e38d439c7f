import { describe, expect, it } from 'vitest';
import { entrySlot, type MirrorRule } from '../../src/nicswitch/index.ts';
import {
  Bench,
  BROADCAST,
  type FrameFields,
  frameBytes,
  GROUP,
  mac,
  putFrame,
  STRANGER,
} from './fixtures.ts';

/** Five VPorts: 0 and 1 in VLAN 10, 2 in VLAN 20, 3 and 4 in none; the filter on; 3 and 4 take no broadcasts. */
function bench5(...rules: MirrorRule[]): Bench {
  const bench = new Bench(5);
  const { nicSwitch } = bench;
  nicSwitch.setVlanFilter(true);
  for (const [vport, vlan] of [
    [0, 10],
    [1, 10],
    [2, 20],
  ]) {
    nicSwitch.addVlan(vport, vlan);
  }
  nicSwitch.setAcceptBroadcast(3, false);
  nicSwitch.setAcceptBroadcast(4, false);
  for (const [i, rule] of rules.entries()) nicSwitch.setMirrorRule(i, rule);
  return bench;
}

const WIRE = 5;
/** Rules that copy to VPort 3. */
const POOL: MirrorRule = { to: 3, receivedBy: [1] };
const SENT: MirrorRule = { to: 3, sentBy: [0] };
const UPLINK: MirrorRule = { to: 3, uplink: true };
const DOWNLINK: MirrorRule = { to: 3, downlink: true };
const VLAN: MirrorRule = { to: 3, vlans: [10] };

type Row = [situation: string, rules: MirrorRule[], ingress: number, frame: FrameFields, receivers: string];

describe('a rule', () => {
  it.each<Row>([
    ['pool: received from the wire', [POOL], WIRE, { to: mac(1) }, '1 3'],
    ['pool: received from a VPort', [POOL], 0, { to: mac(1) }, '1 3'],
    ['pool: broadcast, received by one of several', [POOL], WIRE, { to: BROADCAST }, '0 1 2 3'],
    ['pool: received by another', [POOL], WIRE, { to: mac(0) }, '0'],
    ['pool: sent by the pool', [POOL], 1, { to: mac(0) }, '0'],
    ['pool: kept from it by its VLAN', [POOL], WIRE, { to: mac(1), tci: 20 }, 'vlanFilter'],
    ['sender: to a VPort', [SENT], 0, { to: mac(1) }, '1 3'],
    ['sender: to the wire', [SENT], 0, { to: STRANGER }, '3 wire'],
    ['sender: to all', [SENT], 0, { to: BROADCAST }, '1 2 3 wire'],
    ['sender: another one', [SENT], 2, { to: mac(1) }, '1'],
    ['sender: from the wire', [SENT], WIRE, { to: mac(0) }, '0'],
    ['uplink: received from the wire', [UPLINK], WIRE, { to: mac(2) }, '2 3'],
    ['uplink: for nobody here', [UPLINK], WIRE, { to: STRANGER }, 'noMatch'],
    ['uplink: between VPorts', [UPLINK], 0, { to: mac(1) }, '1'],
    ['uplink: to the wire', [UPLINK], 0, { to: STRANGER }, 'wire'],
    ['downlink: to the wire', [DOWNLINK], 0, { to: STRANGER }, '3 wire'],
    ['downlink: to all', [DOWNLINK], 0, { to: BROADCAST }, '1 2 3 wire'],
    ['downlink: between VPorts', [DOWNLINK], 0, { to: mac(1) }, '1'],
    ['downlink: from the wire', [DOWNLINK], WIRE, { to: mac(0) }, '0'],
    ['VLAN: from the wire', [VLAN], WIRE, { to: mac(1), tci: 10 }, '1 3'],
    ['VLAN: between VPorts', [VLAN], 0, { to: mac(1), tci: 10 }, '1 3'],
    ['VLAN: to the wire', [VLAN], 0, { to: STRANGER, tci: 10 }, '3 wire'],
    ['VLAN: another one', [VLAN], WIRE, { to: mac(2), tci: 20 }, '2'],
    ['VLAN: untagged', [VLAN], WIRE, { to: mac(1) }, '1'],
    ['VLAN 0: a priority tag', [{ to: 3, vlans: [0] }], WIRE, { to: mac(1), tci: 0x6000 }, '1 3'],
    ['VLAN 0: untagged', [{ to: 3, vlans: [0] }], WIRE, { to: mac(1) }, '1'],
    ['two conditions of one rule', [{ to: 3, uplink: true, downlink: true }], 0, { to: STRANGER }, '3 wire'],
  ])('%s', (_, rules, ingress, frame, receivers) => {
    expect(bench5(...rules).receivers(ingress, frame)).toBe(receivers);
  });
});

describe('several rules', () => {
  it.each<Row>([
    ['copy once to one destination', [UPLINK, POOL, VLAN], WIRE, { to: mac(1), tci: 10 }, '1 3'],
    [
      'copy to each of their destinations',
      [UPLINK, { ...VLAN, to: 4 }],
      WIRE,
      { to: mac(1), tci: 10 },
      '1 3 4',
    ],
    ['copy nothing to who receives anyway', [{ ...UPLINK, to: 1 }], WIRE, { to: mac(1) }, '1'],
    [
      'copy from each other',
      [
        { ...POOL, to: 2 },
        { to: 1, receivedBy: [2] },
      ],
      WIRE,
      { to: mac(1) },
      '1 2',
    ],
    ['do not copy copies', [POOL, { to: 4, receivedBy: [3] }], WIRE, { to: mac(1) }, '1 3'],
    [
      'do not copy copies, in whatever order',
      [{ to: 4, receivedBy: [3] }, POOL],
      WIRE,
      { to: mac(1) },
      '1 3',
    ],
  ])('%s', (_, rules, ingress, frame, receivers) => {
    expect(bench5(...rules).receivers(ingress, frame)).toBe(receivers);
  });
});

describe('a copy', () => {
  it('comes to the sender too, if it is the destination', () => {
    expect(bench5({ ...DOWNLINK, to: 0 }).receivers(0, { to: STRANGER })).toBe('0 wire');
    expect(bench5({ to: 0, receivedBy: [1] }).receivers(0, { to: mac(1) })).toBe('0 1');
  });

  it('asks for no filter, no VLAN and no broadcast acceptance of its destination', () => {
    const bench = bench5(UPLINK);
    bench.nicSwitch.setAcceptUntagged(3, false);
    expect(bench.receivers(WIRE, { to: BROADCAST })).toBe('0 1 2 3');
    expect(bench.receivers(WIRE, { to: mac(0), tci: 10 })).toBe('0 3');
  });

  it('comes to no VPort that may not receive', () => {
    const bench = bench5(UPLINK);
    bench.nicSwitch.setVPortEnabled(3, false, true);
    expect(bench.receivers(WIRE, { to: mac(0) })).toBe('0');
  });

  it('comes to no VPort that takes shorter frames only', () => {
    const bench = bench5(UPLINK);
    bench.nicSwitch.setMaxFrameBytes(3, 100);
    expect(bench.receivers(WIRE, { to: mac(0), bytes: 100 })).toBe('0 3');
    expect(bench.receivers(WIRE, { to: mac(0), bytes: 101 })).toBe('0');
  });

  it('has the tag as its destination gets tags: each copy by the settings of its own pool', () => {
    const bench = bench5(UPLINK, { ...UPLINK, to: 4 });
    bench.nicSwitch.setTagStrip(3, true);
    expect(bench.route(WIRE, { to: mac(0), tci: 10 })).toEqual({
      receivers: { 0: 'as is', 3: 'strip', 4: 'as is' },
    });
    expect(bench.route(WIRE, { to: mac(0) }, 10)).toEqual({
      receivers: { 0: 'insert', 3: 'as is', 4: 'insert' },
    });
  });

  it("has the sender's port VLAN, and is of that VLAN", () => {
    const bench = bench5({ to: 4, vlans: [10] });
    bench.nicSwitch.setPortVlan(0, 10);
    bench.nicSwitch.setPortVlan(1, 10);
    expect(bench.route(0, { to: mac(1) })).toEqual({ receivers: { 1: 'as is', 4: 'insert' } });
  });

  it('is made of nothing that was dropped before it was switched', () => {
    const all: MirrorRule = {
      to: 3,
      receivedBy: [0, 1, 2],
      sentBy: [0],
      uplink: true,
      downlink: true,
      vlans: [10, 20, 30],
    };
    const bench = bench5(all);
    const { nicSwitch } = bench;
    nicSwitch.setAntiSpoof(0, { mac: true, vlan: true });
    nicSwitch.setVlanAdmitted(30, false);
    expect(bench.receivers(0, { to: mac(1), from: mac(1) })).toBe('macSpoof');
    expect(bench.receivers(0, { to: mac(1), from: mac(0), tci: 20 })).toBe('vlanSpoof');
    expect(bench.receivers(WIRE, { to: mac(1), tci: 30 })).toBe('vlanFilter');
    expect(bench.receivers(WIRE, { to: mac(1), bytes: 13 })).toBe('runt');
    expect(bench.receivers(WIRE, { to: mac(1), bytes: 1515 })).toBe('giant');
    nicSwitch.setVPortEnabled(0, true, false);
    expect(bench.receivers(0, { to: mac(1), from: mac(0) })).toBe('txDisabled');
  });

  it('can be the only one: the frame itself is dropped under its reason', () => {
    const bench = bench5(VLAN);
    bench.nicSwitch.resetVPort(1);
    expect(bench.receivers(WIRE, { to: mac(1), tci: 10 })).toBe('3');
    expect(bench.nicSwitch.dropped('noMatch')).toBe(1);
    expect(bench.nicSwitch.balance()).toEqual({ framesIn: 1, replicas: 1, delivered: 1, dropped: 1 });
  });
});

describe('mirroring', () => {
  it('is counted apart: at its destination, and as replicas of where the frame came in', () => {
    const bench = bench5(UPLINK, { ...UPLINK, to: 4 }, DOWNLINK);
    bench.receivers(WIRE, { to: mac(1) });
    bench.receivers(WIRE, { to: mac(3) });
    bench.receivers(0, { to: STRANGER });
    bench.receivers(0, { to: mac(1) });
    const { nicSwitch } = bench;
    const mirrored = [0, 1, 2, 3, 4, WIRE].map((port) => nicSwitch.portCounters(port).mirrored);
    expect(mirrored).toEqual([0, 0, 0, 2, 2, 0]);
    expect(nicSwitch.portCounters(3)).toMatchObject({ framesOut: 3 });
    expect(nicSwitch.portCounters(WIRE)).toMatchObject({ framesIn: 2, replicas: 3, framesOut: 1 });
    expect(nicSwitch.portCounters(0)).toMatchObject({ framesIn: 2, replicas: 1 });
    expect(nicSwitch.balance()).toEqual({ framesIn: 4, replicas: 4, delivered: 8, dropped: 0 });
    expect(nicSwitch.counters()).toMatchObject({ mirrored: 4 });
  });

  it('is off without replication (7.10.3.4)', () => {
    const bench = bench5(UPLINK, POOL, DOWNLINK);
    bench.nicSwitch.setReplication(false);
    expect(bench.receivers(WIRE, { to: mac(1) })).toBe('1');
    expect(bench.receivers(0, { to: STRANGER })).toBe('wire');
    bench.nicSwitch.setReplication(true);
    expect(bench.receivers(WIRE, { to: mac(1) })).toBe('1 3');
    expect(bench.receivers(0, { to: STRANGER })).toBe('3 wire');
  });

  it('looks at frames of VPorts where the switch does: not in VEPA', () => {
    const bench = bench5(DOWNLINK, SENT, POOL);
    bench.nicSwitch.setLoopback(false);
    expect(bench.receivers(0, { to: STRANGER })).toBe('wire');
    expect(bench.receivers(0, { to: mac(1) })).toBe('wire');
    expect(bench.receivers(WIRE, { to: mac(1) })).toBe('1 3');
  });

  it('of the default pool is as of any', () => {
    const bench = bench5({ to: 3, receivedBy: [2] });
    bench.nicSwitch.setDefaultVPort(2);
    expect(bench.receivers(WIRE, { to: STRANGER })).toBe('2 3');
  });

  it('looks at a frame to the wire of a VLAN that is not admitted', () => {
    const bench = bench5(DOWNLINK);
    bench.nicSwitch.setVlanAdmitted(30, false);
    expect(bench.receivers(0, { to: mac(1), tci: 30 })).toBe('3 wire');
  });

  it('ends with its rule, and with a reset', () => {
    const bench = bench5(UPLINK, POOL);
    bench.nicSwitch.setMirrorRule(0, null);
    expect(bench.receivers(WIRE, { to: mac(0) })).toBe('0');
    expect(bench.receivers(WIRE, { to: mac(1) })).toBe('1 3');
    bench.nicSwitch.setMirrorRule(1, { ...POOL, receivedBy: [0] });
    expect(bench.receivers(WIRE, { to: mac(1) })).toBe('1');
    bench.nicSwitch.reset();
    for (const v of [1, 3]) bench.nicSwitch.setVPortEnabled(v, true, true);
    bench.nicSwitch.addMac(1, mac(1));
    expect(bench.receivers(WIRE, { to: mac(1) })).toBe('1');
  });

  it('is of group frames as of any', () => {
    const bench = bench5(UPLINK);
    bench.nicSwitch.addMac(0, GROUP);
    expect(bench.receivers(WIRE, { to: GROUP })).toBe('0 3');
  });

  it('takes entries of the output queue of its destination only: the receiver loses nothing by it', () => {
    const bench = new Bench(2, { queueEntries: 4 });
    const { nicSwitch, frames } = bench;
    nicSwitch.setMirrorRule(0, { to: 1, receivedBy: [0] });
    const send = (count: number) => {
      for (let i = 0; i < count; i++) nicSwitch.input.push(2, putFrame(frames, frameBytes({ to: mac(0) })));
      nicSwitch.forward();
    };
    const drain = (port: number) => {
      let count = 0;
      for (let entry = nicSwitch.output.shift(port); entry >= 0; entry = nicSwitch.output.shift(port)) {
        frames.release(entrySlot(entry));
        count++;
      }
      return count;
    };
    send(4);
    expect(drain(0)).toBe(4);
    send(4);
    expect([drain(0), drain(1)]).toEqual([4, 4]);
    expect(nicSwitch.portCounters(1)).toMatchObject({
      mirrored: 8,
      framesOut: 4,
      dropped: { outputFull: 4 },
    });
    expect(nicSwitch.balance()).toEqual({ framesIn: 8, replicas: 8, delivered: 12, dropped: 4 });
    expect(frames.available).toBe(frames.slots);
  });

  it('can change between any two frames: all that both settings deliver arrives', () => {
    const bench = bench5();
    const { nicSwitch, frames } = bench;
    let sent = 0;
    for (let round = 0; round < 50; round++) {
      nicSwitch.setMirrorRule(round & 3, round % 3 === 0 ? null : { to: 4, uplink: true, receivedBy: [1] });
      for (let i = 0; i < 5; i++, sent++)
        nicSwitch.input.push(WIRE, putFrame(frames, frameBytes({ to: mac(1) })));
      nicSwitch.forward();
      for (const port of [1, 4]) {
        for (let entry = nicSwitch.output.shift(port); entry >= 0; entry = nicSwitch.output.shift(port)) {
          frames.release(entrySlot(entry));
        }
      }
    }
    expect(nicSwitch.portCounters(1).framesOut).toBe(sent);
    expect(nicSwitch.portCounters(4).mirrored).toBeGreaterThan(0);
    nicSwitch.checkBalance();
  });
});

describe('a rule that cannot be', () => {
  const { nicSwitch } = new Bench(4);

  it.each<[string, () => void, RegExp]>([
    [
      'an index beyond the last',
      () => nicSwitch.setMirrorRule(4, POOL),
      /index must be an integer from 0 to 3, got 4/,
    ],
    [
      'to the wire',
      () => nicSwitch.setMirrorRule(0, { to: 4 }),
      /rule.to must be an integer from 0 to 3, got 4/,
    ],
    [
      'of a port that is none',
      () => nicSwitch.setMirrorRule(0, { to: 0, receivedBy: [9] }),
      /rule.receivedBy/,
    ],
    ['of a VLAN that is none', () => nicSwitch.setMirrorRule(0, { to: 0, vlans: [4096] }), /rule.vlans/],
  ])('%s is refused', (_, set, message) => {
    expect(set).toThrow(message);
    expect(nicSwitch.tables.mirrors.active).toBe(false);
  });

  it('as many as a switch is made for', () => {
    const bench = new Bench(2, { mirrorRules: 6 });
    bench.nicSwitch.setMirrorRule(5, { to: 1, uplink: true });
    expect(bench.receivers(bench.wire, { to: mac(0) })).toBe('0 1');
    expect(() => new Bench(2, { mirrorRules: 0 }).nicSwitch.setMirrorRule(0, null)).toThrow(RangeError);
  });
});
