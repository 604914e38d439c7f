import { describe, expect, it } from 'vitest';
import { type VPort, type VPortLimits, VPortTable } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, GROUP, mac } from './fixtures.ts';

/** VPorts of VF 0 and 1 with an address each, at places 1 and 2; the default VPort at 0. */
function made(limits: Partial<VPortLimits> = {}) {
  const bench = new Bench(4);
  const table = new VPortTable(bench.nicSwitch, { limits });
  const [a, b] = [1, 2].map((n) => {
    const vport = table.create({ owner: { vf: n - 1 } });
    vport.setMac(mac(n));
    return vport;
  });
  return { bench, table, a, b };
}

/** Which of the addresses the VPort receives frames to, from the wire. */
function takes(bench: Bench, { place }: VPort, addresses: readonly number[]): number[] {
  return addresses.filter((address) => bench.receivers(bench.wire, { to: address }) === `${place}`);
}

describe('trust that is taken away', () => {
  it('takes away all addresses but the one that the host gave', () => {
    const { bench, a } = made();
    a.setTrusted(true);
    a.requestMac(mac(9));
    a.requestFilter(mac(8));
    expect(takes(bench, a, [mac(1), mac(8), mac(9)])).toEqual([mac(8), mac(9)]);
    a.setTrusted(false);
    expect(a.mac).toBe(mac(1));
    expect(takes(bench, a, [mac(1), mac(8), mac(9)])).toEqual([mac(1)]);
    bench.nicSwitch.setAntiSpoof(a.place, { mac: true });
    expect(bench.receivers(a.place, { to: mac(2), from: mac(1) })).toBe(`2`);
    expect(bench.receivers(a.place, { to: mac(2), from: mac(9) })).toBe('macSpoof');
    expect(a.requestMac(mac(1))).toBeNull();
  });

  it('leaves groups that its guest asked for, and the address that it asked for beside and was then given', () => {
    const { bench, a } = made();
    a.setTrusted(true);
    a.requestFilter(GROUP);
    a.requestFilter(mac(8));
    a.setMac(mac(8));
    a.setTrusted(false);
    expect(a.mac).toBe(mac(8));
    expect(takes(bench, a, [mac(1), mac(8), GROUP])).toEqual([mac(8), GROUP]);
  });

  it('leaves addresses where the host gave none: they need no trust', () => {
    const { bench, table } = made();
    const vport = table.create({ owner: { vf: 5 } });
    vport.setTrusted(true);
    vport.requestMac(mac(9));
    vport.requestFilter(mac(8));
    vport.setTrusted(false);
    expect(takes(bench, vport, [mac(8), mac(9)])).toEqual([mac(8), mac(9)]);
  });

  it('gives the filters back', () => {
    const { table, a } = made();
    const { macs } = table.filtersUsed;
    a.setTrusted(true);
    a.requestMac(mac(9));
    for (const n of [5, 6, 7]) a.requestFilter(mac(n));
    a.setTrusted(false);
    expect(table.filtersUsed.macs).toBe(macs);
  });
});

describe('an address that the guest asked for', () => {
  it('stays when it has been the own address in between', () => {
    const { bench, table } = made();
    const vport = table.create({ owner: { vf: 5 } });
    vport.setTrusted(true);
    vport.requestFilter(mac(5));
    for (const address of [mac(9), mac(5), mac(9)]) vport.setMac(address);
    expect(takes(bench, vport, [mac(5), mac(9)])).toEqual([mac(5), mac(9)]);
    vport.releaseFilter(mac(5));
    expect(takes(bench, vport, [mac(5), mac(9)])).toEqual([mac(9)]);
  });

  it('ends without trust when the host gives another, and takes no filter from that one', () => {
    const { bench, table } = made({ macFiltersPerVPort: 1 });
    const vport = table.create({ owner: { vf: 5 } });
    expect(vport.setMac(mac(5))).toBeNull();
    expect(vport.requestFilter(mac(5))).toBeNull();
    expect(vport.setMac(mac(9))).toBeNull();
    expect(takes(bench, vport, [mac(5), mac(9)])).toEqual([mac(9)]);
    bench.nicSwitch.setAntiSpoof(vport.place, { mac: true });
    expect(bench.receivers(vport.place, { to: mac(2), from: mac(5) })).toBe('macSpoof');
  });

  it('ends with the first address that the host gives', () => {
    const { bench, table } = made();
    const vport = table.create({ owner: { vf: 5 } });
    vport.requestMac(mac(7));
    vport.requestFilter(mac(8));
    vport.setMac(mac(9));
    expect(takes(bench, vport, [mac(7), mac(8), mac(9)])).toEqual([mac(9)]);
  });

  it('is one no longer when it is released while it is the own one', () => {
    const { bench, table } = made();
    const vport = table.create({ owner: { vf: 5 } });
    vport.requestFilter(mac(5));
    vport.setMac(mac(5));
    vport.releaseFilter(mac(5));
    expect(takes(bench, vport, [mac(5)])).toEqual([mac(5)]);
    vport.setMac(mac(9));
    expect(takes(bench, vport, [mac(5), mac(9)])).toEqual([mac(9)]);
  });
});

describe('a port VLAN', () => {
  it('comes back when the list that excluded it is lifted', () => {
    const { bench, a } = made();
    bench.nicSwitch.setVlanFilter(true);
    a.setPortVlan(10);
    const received = () => bench.receivers(bench.wire, { to: mac(1), tci: 10 });
    expect(received()).toBe('1');
    a.setAllowedVlans({ vlans: [20] });
    expect(received()).not.toBe('1');
    a.setAllowedVlans(null);
    expect(received()).toBe('1');
  });

  it('that is refused changes nothing', () => {
    const { bench, table, a, b } = made({ vlanFilters: 1 });
    bench.nicSwitch.setVlanFilter(true);
    for (const vport of [a, b]) expect(vport.requestVlan(5)).toBeNull();
    expect(a.setPortVlan(10)).toBe('cardFilters');
    expect(a.requestVlan(5)).toBeNull();
    expect(bench.route(a.place, { to: mac(2), from: mac(1), tci: 5 }).receivers).toEqual({ 2: 'as is' });
    expect(bench.receivers(bench.wire, { to: mac(1), tci: 5 })).toBe('1');
    expect(table.filtersUsed.vlans).toBe(1);
    b.releaseVlan(5);
    expect(a.setPortVlan(10)).toBeNull();
    expect(a.requestVlan(5)).toBe('portVlan');
  });

  it('that is no TCI is refused before anything changes', () => {
    const { a } = made();
    a.setPortVlan(10);
    expect(() => a.setPortVlan(0x1_0000)).toThrow('tci must be an integer from 0 to 65535');
    expect(a.requestVlan(5)).toBe('portVlan');
  });
});

describe('mirroring rules, when a VPort is deleted', () => {
  it('copy nothing of the next one at its place', () => {
    const { bench, table, a } = made();
    const { nicSwitch } = bench;
    nicSwitch.setMirrorRule(0, { to: 0, receivedBy: [1] });
    nicSwitch.setMirrorRule(1, { to: 0, sentBy: [1, 2] });
    expect(bench.receivers(bench.wire, { to: mac(1) })).toBe('0 1');
    a.delete();
    table.create({ owner: { vf: 7 }, place: 1 }).setMac(mac(1));
    expect(bench.receivers(bench.wire, { to: mac(1) })).toBe('1');
    expect(bench.receivers(1, { to: mac(2) })).toBe('2');
    expect(bench.receivers(2, { to: mac(1) })).toBe('0 1');
  });

  it('copy nothing to it, and what else they say stays', () => {
    const { bench, a } = made();
    const { nicSwitch } = bench;
    nicSwitch.setMirrorRule(0, { to: 1, downlink: true });
    nicSwitch.setMirrorRule(1, { to: 0, receivedBy: [1], vlans: [10] });
    a.delete();
    expect(bench.receivers(2, { to: BROADCAST, tci: 10 })).toBe('0 wire');
    expect(bench.receivers(2, { to: mac(9), tci: 10 })).toBe('0 wire');
    expect(bench.receivers(2, { to: mac(9) })).toBe('wire');
  });
});

describe('in VEPA without replication', () => {
  it.each([
    ['a broadcast', BROADCAST],
    ['a frame to a group', GROUP],
  ])('the default VPort does not get %s of its own back', (_, to) => {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    bench.nicSwitch.setDefaultVPort(0);
    bench.nicSwitch.setReplication(false);
    expect(bench.receivers(bench.wire, { to, from: mac(0) })).toBe('sourcePruned');
    expect(bench.receivers(bench.wire, { to, from: mac(1) })).toBe('0');
    bench.nicSwitch.setSourcePruning(false);
    expect(bench.receivers(bench.wire, { to, from: mac(0) })).toBe('0');
  });
});
