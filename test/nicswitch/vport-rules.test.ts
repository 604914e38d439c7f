import { describe, expect, it } from 'vitest';
import { Bench, BROADCAST, GROUP, mac, STRANGER } from './fixtures.ts';

/** VPorts 0, 1, 2; 0 and 1 in VLAN 10, 2 in VLAN 20, the filter on. */
function withVlans(): Bench {
  const bench = new Bench(3);
  bench.nicSwitch.setVlanFilter(true);
  bench.nicSwitch.addVlan(0, 10);
  bench.nicSwitch.addVlan(1, 10);
  bench.nicSwitch.addVlan(2, 20);
  return bench;
}

const VLAN_10 = { tci: 10 };

describe('port VLAN', () => {
  it('travels beside every frame that the VPort sends, and is left out towards VPorts that strip', () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 10);
    bench.nicSwitch.setPortVlan(1, 10);
    expect(bench.route(0, { to: mac(1) })).toEqual({ receivers: { 1: 'as is' } });
    expect(bench.route(0, { to: STRANGER })).toEqual({ receivers: { wire: 'insert' } });
    expect(bench.route(0, { to: BROADCAST })).toEqual({ receivers: { 1: 'as is', wire: 'insert' } });
  });

  it('is inserted for a VPort that does not strip', () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 10);
    expect(bench.route(0, { to: mac(1) })).toEqual({ receivers: { 1: 'insert' } });
  });

  it('strips the tag of frames to the VPort', () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(1, 10);
    expect(bench.route(bench.wire, { to: mac(1), ...VLAN_10 })).toEqual({ receivers: { 1: 'strip' } });
    expect(bench.route(bench.wire, { to: mac(1) })).toEqual({ receivers: { 1: 'as is' } });
  });

  it('is the outer tag of a frame that has one already', () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 10);
    bench.nicSwitch.setPortVlan(1, 10);
    expect(bench.route(0, { to: mac(1), tci: 20 })).toEqual({ receivers: { 1: 'as is' } });
  });

  it('replaces what the descriptor asked for', () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 10);
    expect(bench.route(0, { to: mac(1) }, 20)).toEqual({ receivers: { 1: 'insert' } });
  });

  it("'never' takes away what the descriptor asked for", () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 'never');
    expect(bench.route(0, { to: mac(2) }, 20)).toEqual({ receivers: { 2: 'as is' } });
  });

  it("'descriptor' leaves it", () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 10);
    bench.nicSwitch.setPortVlan(0, 'descriptor');
    expect(bench.route(0, { to: mac(2) }, 20)).toEqual({ receivers: { 2: 'insert' } });
  });

  it('does not touch frames from the wire', () => {
    const bench = withVlans();
    bench.nicSwitch.setPortVlan(0, 10);
    expect(bench.route(bench.wire, { to: mac(2) }, 20)).toEqual({ receivers: { 2: 'insert' } });
  });

  it('is not needed to strip tags', () => {
    const bench = withVlans();
    bench.nicSwitch.setTagStrip(1, true);
    expect(bench.route(0, { to: mac(1), ...VLAN_10 })).toEqual({ receivers: { 1: 'strip' } });
    expect(bench.route(0, { to: mac(1) }, 10)).toEqual({ receivers: { 1: 'as is' } });
  });
});

describe('anti-spoofing', () => {
  it('lets through what has a source address of the VPort, any of them', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    bench.nicSwitch.addMac(0, STRANGER);
    expect(bench.receivers(0, { to: mac(1), from: mac(0) })).toBe('1');
    expect(bench.receivers(0, { to: mac(1), from: STRANGER })).toBe('1');
    bench.nicSwitch.removeMac(0, mac(0));
    expect(bench.receivers(0, { to: mac(1), from: mac(0) })).toBe('macSpoof');
    expect(bench.receivers(0, { to: mac(1), from: STRANGER })).toBe('1');
  });

  it("drops another VPort's source address", () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    expect(bench.receivers(0, { to: mac(1), from: mac(2) })).toBe('macSpoof');
    expect(bench.receivers(0, { to: BROADCAST, from: mac(2) })).toBe('macSpoof');
  });

  it('lets VPorts that share an address send from it', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    bench.nicSwitch.addMac(0, mac(2));
    expect(bench.receivers(0, { to: mac(1), from: mac(2) })).toBe('1');
  });

  it('accepts no group address as source, even if the VPort listens to it', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    bench.nicSwitch.addMac(0, GROUP);
    expect(bench.receivers(0, { to: mac(1), from: GROUP })).toBe('macSpoof');
  });

  it('drops everything from a VPort without address', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    bench.nicSwitch.removeMac(0, mac(0));
    expect(bench.receivers(0, { to: mac(1), from: mac(0) })).toBe('macSpoof');
    expect(bench.receivers(0, { to: mac(1), from: 0 })).toBe('macSpoof');
  });

  it('drops frames of a VLAN that the VPort is no member of', () => {
    const bench = withVlans();
    bench.nicSwitch.setAntiSpoof(0, { vlan: true });
    expect(bench.receivers(0, { to: mac(1), ...VLAN_10 })).toBe('1');
    expect(bench.receivers(0, { to: mac(2), tci: 20 })).toBe('vlanSpoof');
    expect(bench.receivers(0, { to: mac(2) }, 20)).toBe('vlanSpoof');
  });

  it('takes untagged frames for one more VLAN, of who accepts them', () => {
    const bench = withVlans();
    bench.nicSwitch.setAntiSpoof(0, { vlan: true });
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
    bench.nicSwitch.setAcceptUntagged(0, false);
    expect(bench.receivers(0, { to: mac(1) })).toBe('vlanSpoof');
  });

  it('takes frames without a VLAN for those of VLAN 0 in switches that check them so', () => {
    const bench = new Bench(2, { untaggedCheck: 'vlanZero' });
    const { nicSwitch } = bench;
    nicSwitch.setAntiSpoof(0, { vlan: true });
    const without = () => [
      bench.receivers(0, { to: mac(1) }),
      bench.receivers(0, { to: mac(1), tci: 5 << 13 }),
      bench.receivers(0, { to: mac(1) }, 5 << 13),
    ];
    expect(without()).toEqual(['vlanSpoof', 'vlanSpoof', 'vlanSpoof']);
    nicSwitch.addVlan(0, 0);
    expect(without()).toEqual(['1', '1', '1']);
    nicSwitch.setAcceptUntagged(0, false);
    expect(without()).toEqual(['1', '1', '1']);
    nicSwitch.removeVlan(0, 0);
    nicSwitch.setAcceptUntagged(0, true);
    expect(without()).toEqual(['vlanSpoof', 'vlanSpoof', 'vlanSpoof']);
    nicSwitch.addVlan(0, 0);
    nicSwitch.resetFilters(0);
    nicSwitch.setVPortEnabled(0, true, true);
    nicSwitch.setAntiSpoof(0, { vlan: true });
    expect(without()).toEqual(['vlanSpoof', 'vlanSpoof', 'vlanSpoof']);
  });

  it('lets a list of allowed VLANs stand for membership of VLAN 0, unless membership is checked', () => {
    const bench = new Bench(2, { untaggedCheck: 'vlanZero' });
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10] });
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
    bench.nicSwitch.setAntiSpoof(0, { vlan: true });
    expect(bench.receivers(0, { to: mac(1) })).toBe('vlanSpoof');
    bench.nicSwitch.addVlan(0, 0);
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10], untagged: false });
    expect(bench.receivers(0, { to: mac(1) })).toBe('vlanNotAllowed');
  });

  it('checks the port VLAN where there is one', () => {
    const bench = withVlans();
    bench.nicSwitch.setAntiSpoof(0, { vlan: true });
    bench.nicSwitch.setPortVlan(0, 20);
    expect(bench.receivers(0, { to: mac(1) })).toBe('vlanSpoof');
    bench.nicSwitch.setPortVlan(0, 10);
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
  });

  it('checks membership, not promiscuity, and whether the VLAN filter is on or not', () => {
    const bench = withVlans();
    bench.nicSwitch.setAntiSpoof(0, { vlan: true });
    bench.nicSwitch.setVlanPromiscuous(0, true);
    bench.nicSwitch.setVlanFilter(false);
    expect(bench.receivers(0, { to: mac(2), tci: 20 })).toBe('vlanSpoof');
  });

  it('does not look at frames from the wire', () => {
    const bench = withVlans();
    for (let v = 0; v < 3; v++) bench.nicSwitch.setAntiSpoof(v, { mac: true, vlan: true });
    expect(bench.receivers(bench.wire, { to: mac(1), from: mac(0), ...VLAN_10 })).toBe('1');
  });

  it('counts violations at the VPort that sent', () => {
    const bench = withVlans();
    bench.nicSwitch.setAntiSpoof(0, { mac: true, vlan: true });
    bench.route(0, { to: mac(1), from: mac(1) });
    bench.route(0, { to: mac(1), from: mac(0), tci: 20 });
    bench.route(0, { to: mac(1), from: mac(0), tci: 20 });
    expect(bench.nicSwitch.portCounters(0).dropped).toMatchObject({ macSpoof: 1, vlanSpoof: 2 });
    expect(bench.nicSwitch.dropped('vlanSpoof')).toBe(2);
  });

  it('can be switched one by one', () => {
    const bench = withVlans();
    bench.nicSwitch.setAntiSpoof(0, { mac: true, vlan: true });
    bench.nicSwitch.setAntiSpoof(0, { mac: false });
    expect(bench.receivers(0, { to: mac(1), from: mac(2), ...VLAN_10 })).toBe('1');
    expect(bench.receivers(0, { to: mac(1), tci: 20 })).toBe('vlanSpoof');
  });
});

describe('who may send and receive', () => {
  it('nobody, at first', () => {
    const bench = new Bench(2);
    bench.nicSwitch.resetVPort(0);
    bench.nicSwitch.addMac(0, mac(0));
    expect(bench.receivers(0, { to: mac(1) })).toBe('txDisabled');
    expect(bench.receivers(bench.wire, { to: mac(0) })).toBe('vportDisabled');
  });

  it('receive enable comes after the default pool', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setDefaultVPort(1);
    bench.nicSwitch.setVPortEnabled(0, false, true);
    expect(bench.receivers(bench.wire, { to: mac(0) })).toBe('vportDisabled');
    bench.nicSwitch.setVPortEnabled(1, false, true);
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('vportDisabled');
  });

  it('a group reaches those of its members that may receive', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setVPortEnabled(1, false, true);
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('0 2');
  });
});

describe('sizes', () => {
  it('frames longer than the switch passes are dropped as giant', () => {
    const bench = new Bench(2);
    expect(bench.receivers(0, { to: mac(1), bytes: 1514 })).toBe('1');
    expect(bench.receivers(0, { to: mac(1), bytes: 1515 })).toBe('giant');
    expect(bench.receivers(0, { to: BROADCAST, bytes: 1515 })).toBe('giant');
  });

  it('an 802.1Q tag in the bytes does not count', () => {
    const bench = new Bench(2);
    expect(bench.receivers(0, { to: mac(1), bytes: 1518, tci: 10 })).toBe('1');
    expect(bench.receivers(0, { to: mac(1), bytes: 1519, tci: 10 })).toBe('giant');
    expect(bench.receivers(0, { to: mac(1), bytes: 1514 }, 10)).toBe('1');
  });

  it('a receiver that takes shorter frames only is left out', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setMaxFrameBytes(1, 100);
    expect(bench.receivers(bench.wire, { to: BROADCAST, bytes: 100 })).toBe('0 1 2');
    expect(bench.receivers(bench.wire, { to: BROADCAST, bytes: 101 })).toBe('0 2');
  });

  it('the frame is dropped as giant if that leaves nobody', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setMaxFrameBytes(1, 100);
    expect(bench.receivers(0, { to: mac(1), bytes: 101 })).toBe('giant');
  });

  it('jumbo frames pass a switch that is made for them', () => {
    const bench = new Bench(2, { maxFrameBytes: 2000 });
    expect(bench.receivers(0, { to: mac(1), bytes: 2000 })).toBe('1');
  });
});

describe('malformed frames', () => {
  it.each([0, 1, 5, 13])('of %i bytes are runts', (bytes) => {
    const bench = new Bench(2);
    expect(bench.receivers(0, { to: mac(1), bytes })).toBe('runt');
    expect(bench.receivers(bench.wire, { to: mac(1), bytes })).toBe('runt');
  });

  it('an Ethernet header alone is a frame', () => {
    const bench = new Bench(2);
    expect(bench.receivers(0, { to: mac(1), bytes: 14 })).toBe('1');
  });

  it.each([14, 15, 16, 17])('of %i bytes end within the tag they begin', (bytes) => {
    const bench = new Bench(2);
    expect(bench.receivers(0, { to: mac(1), tci: 10, bytes })).toBe('truncatedTag');
  });

  it('a tagged frame can end with its tag', () => {
    const bench = new Bench(2);
    expect(bench.receivers(0, { to: mac(1), tci: 10, bytes: 18 })).toBe('1');
  });

  it('a runt is counted in, and in no class', () => {
    const bench = new Bench(2);
    bench.route(0, { to: mac(1), bytes: 13 });
    expect(bench.nicSwitch.portCounters(0)).toMatchObject({
      framesIn: 1,
      bytesIn: 13,
      unicastIn: 0,
      multicastIn: 0,
      broadcastIn: 0,
    });
  });
});
