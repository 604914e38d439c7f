import { describe, expect, it, vi } from 'vitest';
import { DROP_REASONS, entrySlot, type NicSwitch, tagOperation } from '../../src/nicswitch/index.ts';
import {
  Bench,
  BROADCAST,
  type FrameFields,
  frameBytes,
  GROUP,
  mac,
  putFrame,
  tagAction,
} from './fixtures.ts';

const OTHER_GROUP = GROUP + 0x100;
/** Entry of the hash table of OTHER_GROUP, at offset 0. */
const HASH_OF_OTHER = 0x010;

/** A switch of four VPorts, all in VLAN 10; 1 and 2 in GROUP, 3 takes what the hash table has. */
function made(options = {}): Bench {
  const bench = new Bench(4, { queueEntries: 8, ...options });
  const { nicSwitch } = bench;
  nicSwitch.setVlanFilter(true);
  for (let v = 0; v < 4; v++) nicSwitch.addVlan(v, 10);
  for (const v of [1, 2]) nicSwitch.addMac(v, GROUP);
  nicSwitch.setAcceptMulticastHash(3, true);
  nicSwitch.setMulticastHash(HASH_OF_OTHER, true);
  return bench;
}

/** Sends one frame from queue to queue and says who got it, and as what; references are given back. */
function sent(bench: Bench, ingress: number, fields: FrameFields, outerTci = -1): Record<string, string> {
  const { frames, nicSwitch } = bench;
  const slot = putFrame(frames, frameBytes(fields), outerTci);
  nicSwitch.input.push(ingress, slot);
  nicSwitch.forward();
  const receivers: Record<string, string> = {};
  for (let port = 0; port <= nicSwitch.uplink; port++) {
    for (let entry = nicSwitch.output.shift(port); entry >= 0; entry = nicSwitch.output.shift(port)) {
      expect(entrySlot(entry)).toBe(slot);
      receivers[port === nicSwitch.uplink ? 'wire' : port] = tagAction(tagOperation(entry));
      frames.release(slot);
    }
  }
  nicSwitch.checkBalance();
  expect(frames.available).toBe(frames.slots);
  return receivers;
}

const WIRE = 4;
const asIs = (...ports: (number | string)[]) => Object.fromEntries(ports.map((port) => [port, 'as is']));

/** Frames to groups are decided rule by rule from now on. */
function withoutLists(nicSwitch: NicSwitch): void {
  Object.assign(nicSwitch, { groups: { replicate: () => false, gather: () => 0 } });
}

describe('frames to groups, from queue to queue and one by one', () => {
  it.each<[string, number, FrameFields, Record<string, string>]>([
    ['a broadcast of VPort 0', 0, { to: BROADCAST, from: mac(0) }, asIs(1, 2, 3, 'wire')],
    ['a broadcast of VPort 3', 3, { to: BROADCAST, from: mac(3) }, asIs(0, 1, 2, 'wire')],
    ['a broadcast from the wire', WIRE, { to: BROADCAST }, asIs(0, 1, 2, 3)],
    ['a group of VPorts 1 and 2, from 0', 0, { to: GROUP }, asIs(1, 2, 'wire')],
    ['a group of VPorts 1 and 2, from 1', 1, { to: GROUP }, asIs(2, 'wire')],
    ['a group of VPorts 1 and 2, from the wire', WIRE, { to: GROUP, tci: 10 }, asIs(1, 2)],
    ['a group that the hash table has', 0, { to: OTHER_GROUP }, asIs(3, 'wire')],
    ['a group that nobody asked for', 0, { to: GROUP + 0x33 }, asIs('wire')],
    ['a VLAN of nobody', 0, { to: BROADCAST, tci: 11 }, asIs('wire')],
  ])('go by their list alone: %s', (_, ingress, fields, expected) => {
    const bench = made();
    const rules = vi.spyOn(
      (bench.nicSwitch as unknown as { selection: { decide(): number } }).selection,
      'decide',
    );
    expect(sent(bench, ingress, fields)).toEqual(expected);
    expect(bench.route(ingress, fields).receivers).toEqual(expected);
    expect(rules).not.toHaveBeenCalled();
    withoutLists(bench.nicSwitch);
    expect(sent(bench, ingress, fields)).toEqual(expected);
    expect(bench.route(ingress, fields).receivers).toEqual(expected);
    expect(rules).toHaveBeenCalledTimes(2);
  });

  it.each<[string, (nicSwitch: NicSwitch) => void, Record<string, string>]>([
    ['setVPortEnabled', (s) => s.setVPortEnabled(1, false, true), asIs(2, 3, 'wire')],
    ['setVPortActive', (s) => s.setVPortActive(2, false), asIs(1, 3, 'wire')],
    ['setAcceptBroadcast', (s) => s.setAcceptBroadcast(3, false), asIs(1, 2, 'wire')],
    ['removeVlan', (s) => s.removeVlan(1, 10), asIs(2, 3, 'wire')],
    ['resetFilters', (s) => s.resetFilters(1), asIs(2, 3, 'wire')],
    ['resetVPort', (s) => s.resetVPort(2), asIs(1, 3, 'wire')],
    ['setVlanAdmitted', (s) => s.setVlanAdmitted(10, false), asIs('wire')],
    ['setAllowedVlans', (s) => s.setAllowedVlans(3, { vlans: [20] }), asIs(1, 2, 'wire')],
    ['setMaxFrameBytes', (s) => s.setMaxFrameBytes(1, 59), asIs(2, 3, 'wire')],
    ['setReplication', (s) => s.setReplication(false), asIs('wire')],
    ['setLoopback', (s) => s.setLoopback(false), asIs('wire')],
    ['setForwarding', (s) => s.setForwarding(0, { vport: 2 }), asIs(2)],
    ['setIsolation', (s) => s.setIsolation(3, 'private'), asIs(1, 2, 'wire')],
    ['setSelfDelivery', (s) => s.setSelfDelivery(0, true), asIs(0, 1, 2, 3, 'wire')],
    ['setMirrorRule', (s) => s.setMirrorRule(0, { to: 0, receivedBy: [1] }), asIs(0, 1, 2, 3, 'wire')],
    ['setTagStrip', (s) => s.setTagStrip(1, true), { ...asIs(2, 3, 'wire'), 1: 'strip' }],
    ['setAntiSpoof', (s) => s.setAntiSpoof(0, { mac: true }), asIs()],
  ])('follow %s from the next frame on', (_, change, expected) => {
    const bench = made();
    const fields = { to: BROADCAST, tci: 10, bytes: 64 };
    expect(sent(bench, 0, fields)).toEqual(asIs(1, 2, 3, 'wire'));
    change(bench.nicSwitch);
    expect(sent(bench, 0, fields)).toEqual(expected);
    expect(bench.route(0, fields).receivers).toEqual(expected);
  });

  it('follow filters of a group, the hash table and promiscuity from the next frame on', () => {
    const bench = made();
    const { nicSwitch } = bench;
    expect(sent(bench, 0, { to: OTHER_GROUP })).toEqual(asIs(3, 'wire'));
    nicSwitch.setMulticastHash(HASH_OF_OTHER, false);
    expect(sent(bench, 0, { to: OTHER_GROUP })).toEqual(asIs('wire'));
    nicSwitch.setMulticastPromiscuous(2, true);
    expect(sent(bench, 0, { to: OTHER_GROUP })).toEqual(asIs(2, 'wire'));
    nicSwitch.addMac(1, OTHER_GROUP);
    expect(sent(bench, 0, { to: OTHER_GROUP })).toEqual(asIs(1, 2, 'wire'));
    nicSwitch.removeMac(1, OTHER_GROUP);
    expect(sent(bench, 0, { to: OTHER_GROUP })).toEqual(asIs(2, 'wire'));
    nicSwitch.removeMac(1, GROUP);
    expect(sent(bench, 0, { to: GROUP })).toEqual(asIs(2, 'wire'));
  });

  it('follow the port VLAN of their sender and of their receivers', () => {
    const bench = made();
    bench.nicSwitch.setPortVlan(0, 10);
    bench.nicSwitch.setPortVlan(1, 10);
    expect(sent(bench, 0, { to: BROADCAST })).toEqual({
      1: 'as is',
      2: 'insert',
      3: 'insert',
      wire: 'insert',
    });
  });

  it('are kept from their sender when the adjacent bridge sends them back', () => {
    const bench = made();
    const fields = { to: BROADCAST, from: mac(2) };
    expect(sent(bench, WIRE, fields)).toEqual(asIs(0, 1, 2, 3));
    bench.nicSwitch.setLoopback(false);
    expect(sent(bench, WIRE, fields)).toEqual(asIs(0, 1, 3));
    bench.nicSwitch.setSourcePruning(false);
    expect(sent(bench, WIRE, fields)).toEqual(asIs(0, 1, 2, 3));
  });
});

describe('what frames to groups count', () => {
  it('is exact at each port where some queues are full, the sender’s own and the wire’s too', () => {
    const bench = made({ queueEntries: 2 });
    const { nicSwitch, frames } = bench;
    const slots = [0, 1, 2, 3, 4].map(() => putFrame(frames, frameBytes({ to: BROADCAST, bytes: 100 })));
    // Two of VPort 0, so that the queues of the others and of the wire are full; then one more, and two of VPort 1.
    for (const slot of slots.slice(0, 2)) nicSwitch.input.push(0, slot);
    nicSwitch.forward();
    nicSwitch.input.push(0, slots[2]);
    for (const slot of slots.slice(3)) nicSwitch.input.push(1, slot);
    for (let i = 0; i < 5; i++) nicSwitch.forward();
    // VPort 0 has room for those of VPort 1; nobody has any for more.
    const out = [0, 1, 2, 3, WIRE].map((port) => {
      const { framesOut, broadcastOut, bytesOut, dropped } = nicSwitch.portCounters(port);
      return [framesOut, broadcastOut, bytesOut, dropped.outputFull];
    });
    expect(out).toEqual([
      [2, 2, 200, 0],
      [2, 2, 200, 1],
      [2, 2, 200, 3],
      [2, 2, 200, 3],
      [2, 2, 200, 3],
    ]);
    expect(nicSwitch.portCounters(0)).toMatchObject({
      framesIn: 3,
      broadcastIn: 3,
      bytesIn: 300,
      replicas: 9,
    });
    expect(nicSwitch.portCounters(1)).toMatchObject({
      framesIn: 2,
      broadcastIn: 2,
      bytesIn: 200,
      replicas: 6,
    });
    nicSwitch.checkBalance();
    expect(slots.map((slot) => frames.references[slot])).toEqual([4, 4, 0, 1, 1]);
  });

  it('frees a frame of which no queue has room for a copy', () => {
    const bench = made({ queueEntries: 1 });
    const { nicSwitch, frames } = bench;
    for (let i = 0; i < 2; i++) {
      nicSwitch.input.push(WIRE, putFrame(frames, frameBytes({ to: BROADCAST })));
      nicSwitch.forward();
    }
    expect(frames.available).toBe(frames.slots - 1);
    nicSwitch.checkBalance();
  });

  it('is exact for more groups and VLANs than there are lists', () => {
    const bench = made();
    const { nicSwitch } = bench;
    const vlans = 200;
    for (let vlan = 100; vlan < 100 + vlans; vlan++) for (const v of [0, 1]) nicSwitch.addVlan(v, vlan);
    for (let turn = 0; turn < 3; turn++) {
      for (let vlan = 100; vlan < 100 + vlans; vlan++) {
        expect(sent(bench, 0, { to: BROADCAST, tci: vlan, bytes: 100 })).toEqual(asIs(1, 'wire'));
      }
    }
    const count = 3 * vlans;
    for (const port of [1, WIRE]) {
      expect(nicSwitch.portCounters(port)).toMatchObject({
        framesOut: count,
        broadcastOut: count,
        multicastOut: 0,
        bytesOut: 100 * count,
      });
    }
    expect(nicSwitch.portCounters(0)).toMatchObject({ framesOut: 0, broadcastOut: 0, bytesOut: 0 });
  });

  it('is told of the reason where nobody is left', () => {
    const bench = made();
    const { nicSwitch } = bench;
    expect(sent(bench, WIRE, { to: GROUP, tci: 11 })).toEqual({});
    expect(DROP_REASONS[nicSwitch.lastDrop]).toBe('vlanFilter');
    expect(nicSwitch.dropped('vlanFilter')).toBe(1);
  });
});
