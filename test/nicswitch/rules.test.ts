import { describe, expect, it } from 'vitest';
import { hashIndex } from '../../src/nicswitch/index.ts';
import { macHighWord } from '../../src/wire/index.ts';
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

describe('frames from the wire', () => {
  it('go to the pools that have the address as an exact filter', () => {
    const bench = new Bench(3);
    expect(bench.receivers(bench.wire, { to: mac(1) })).toBe('1');
  });

  it('go to the union of the pools that share an exact filter', () => {
    const bench = new Bench(4);
    bench.nicSwitch.addMac(3, mac(1));
    bench.nicSwitch.addMac(0, mac(1));
    expect(bench.receivers(bench.wire, { to: mac(1) })).toBe('0 1 3');
  });

  it('go to nobody and are dropped as noMatch without filter and default pool', () => {
    const bench = new Bench(3);
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('noMatch');
  });

  it('go to the default pool when they are unicast and nobody else takes them', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setDefaultVPort(2);
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('2');
    expect(bench.receivers(bench.wire, { to: GROUP })).toBe('noMatch');
  });

  it('go to the default pool after the VLAN filter has removed every other', () => {
    const bench = withVlans();
    bench.nicSwitch.setDefaultVPort(2);
    expect(bench.receivers(bench.wire, { to: mac(0), tci: 20 })).toBe('2');
  });

  it('go to no default pool any more once it is disabled', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setDefaultVPort(2);
    bench.nicSwitch.setDefaultVPort(null);
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('noMatch');
  });

  it('are dropped by the global VLAN filter when their VLAN is not admitted, default pool or not', () => {
    const bench = withVlans();
    bench.nicSwitch.setDefaultVPort(2);
    bench.nicSwitch.setVlanAdmitted(20, false);
    expect(bench.receivers(bench.wire, { to: mac(2), tci: 20 })).toBe('vlanFilter');
    expect(bench.receivers(bench.wire, { to: mac(2) })).toBe('2');
  });

  it('pass the global VLAN filter untagged', () => {
    const bench = withVlans();
    for (let vlan = 0; vlan < 4096; vlan++) bench.nicSwitch.setVlanAdmitted(vlan, false);
    expect(bench.receivers(bench.wire, { to: mac(0) })).toBe('0');
    expect(bench.receivers(bench.wire, { to: mac(0), tci: 5 << 13 })).toBe('0');
  });

  it('never go back to the wire', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setUnicastPromiscuous(0, true);
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('0');
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('0 1');
  });
});

describe('frames from a VPort, as a VEB', () => {
  it('to an exact filter of another VPort are not sent to the wire', () => {
    const bench = new Bench(3);
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
  });

  it('to an unknown address go to the wire', () => {
    const bench = new Bench(3);
    expect(bench.receivers(0, { to: STRANGER })).toBe('wire');
  });

  it('to an unknown address do not go to the default pool', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setDefaultVPort(2);
    expect(bench.receivers(0, { to: STRANGER })).toBe('wire');
  });

  it('to a group go to the local members and to the wire', () => {
    const bench = new Bench(3);
    bench.nicSwitch.addMac(1, GROUP);
    expect(bench.receivers(0, { to: GROUP })).toBe('1 wire');
    expect(bench.receivers(0, { to: BROADCAST })).toBe('1 2 wire');
  });

  it('that match a hash filter only are also sent to the wire', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setUnicastHash(hashIndex(macHighWord(STRANGER), 0), true);
    bench.nicSwitch.setAcceptUnicastHash(1, true);
    expect(bench.receivers(0, { to: STRANGER })).toBe('1 wire');
  });

  it('that a promiscuous VPort takes are also sent to the wire', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setUnicastPromiscuous(2, true);
    expect(bench.receivers(0, { to: STRANGER })).toBe('2 wire');
    expect(bench.receivers(0, { to: mac(1) })).toBe('1 2');
  });

  it('never return to their sender', () => {
    const bench = new Bench(3);
    bench.nicSwitch.addMac(0, GROUP);
    expect(bench.receivers(0, { to: GROUP })).toBe('wire');
    expect(bench.receivers(0, { to: mac(0) })).toBe('sourcePruned');
  });

  it('return to their sender where that is enabled', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setSelfDelivery(0, true);
    expect(bench.receivers(0, { to: mac(0) })).toBe('0');
    expect(bench.receivers(0, { to: BROADCAST })).toBe('0 1 2 wire');
  });

  it('to an address of another VLAN go to the wire: there is no match in theirs', () => {
    const bench = withVlans();
    expect(bench.receivers(0, { to: mac(2), ...VLAN_10 })).toBe('wire');
  });

  it('to an address of another VLAN are lost where any exact match keeps them from the wire', () => {
    const bench = new Bench(3, { localMatch: 'mac' });
    bench.nicSwitch.setVlanFilter(true);
    bench.nicSwitch.addVlan(2, 20);
    expect(bench.receivers(0, { to: mac(2), tci: 10 })).toBe('vlanFilter');
    bench.nicSwitch.setVlanAdmitted(10, false);
    expect(bench.receivers(0, { to: mac(2), tci: 10 })).toBe('wire');
  });

  it('of a VLAN that is not admitted go to the wire only', () => {
    const bench = withVlans();
    bench.nicSwitch.setVlanAdmitted(10, false);
    expect(bench.receivers(0, { to: mac(1), ...VLAN_10 })).toBe('wire');
    expect(bench.receivers(0, { to: BROADCAST, ...VLAN_10 })).toBe('wire');
  });

  it('to a VPort that may not receive are lost, not sent to the wire', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setVPortEnabled(1, false, true);
    expect(bench.receivers(0, { to: mac(1) })).toBe('vportDisabled');
  });
});

describe('frames from a VPort, as a VEPA', () => {
  it('all go to the wire', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    bench.nicSwitch.setUnicastPromiscuous(2, true);
    for (const to of [mac(1), mac(0), STRANGER, GROUP, BROADCAST]) {
      expect(bench.receivers(0, { to, from: mac(0) })).toBe('wire');
    }
  });

  it('are checked against spoofing all the same', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    expect(bench.receivers(0, { to: mac(1), from: mac(1) })).toBe('macSpoof');
  });

  it('reach the other members when the adjacent bridge sends them back, and not their sender', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(1) })).toBe('0 2');
    bench.nicSwitch.setSourcePruning(false);
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(1) })).toBe('0 1 2');
  });

  it('are pruned from every VPort that has their source address', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    bench.nicSwitch.addMac(2, mac(1));
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(1) })).toBe('0');
  });
});

describe('groups', () => {
  it('broadcast goes to the pools that accept it', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAcceptBroadcast(1, false);
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('0 2');
  });

  it('broadcast is no multicast: promiscuity and exact filters do not matter', () => {
    const bench = new Bench(3);
    for (let v = 0; v < 3; v++) bench.nicSwitch.setAcceptBroadcast(v, false);
    bench.nicSwitch.setMulticastPromiscuous(0, true);
    bench.nicSwitch.addMac(1, BROADCAST);
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('noMatch');
  });

  it('multicast promiscuity adds to the pools that match', () => {
    const bench = new Bench(3);
    bench.nicSwitch.addMac(0, GROUP);
    bench.nicSwitch.setMulticastPromiscuous(2, true);
    expect(bench.receivers(bench.wire, { to: GROUP })).toBe('0 2');
    expect(bench.receivers(bench.wire, { to: GROUP + 1 })).toBe('2');
  });

  it('the hash table is looked at only if no exact filter matches', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setMulticastHash(hashIndex(macHighWord(GROUP), 0), true);
    bench.nicSwitch.setAcceptMulticastHash(1, true);
    expect(bench.receivers(bench.wire, { to: GROUP })).toBe('1');
    bench.nicSwitch.addMac(0, GROUP);
    expect(bench.receivers(bench.wire, { to: GROUP })).toBe('0');
  });

  // Address bits 47:36, 46:35, 45:34 and 43:32, counted from the first byte's lowest bit as the register does.
  it.each([
    [0, 0xabc],
    [1, 0x579],
    [2, 0xaf3],
    [3, 0xbcd],
  ])('the hash index at offset %i takes its 12 bits from the last two bytes', (offset, index) => {
    const last = 0xabcd;
    expect(hashIndex(last, offset)).toBe(index);
  });

  it('without replication go from the wire to the default pool, and from VPorts to the wire', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setReplication(false);
    bench.nicSwitch.addMac(1, GROUP);
    expect(bench.receivers(bench.wire, { to: GROUP })).toBe('noMatch');
    bench.nicSwitch.setDefaultVPort(2);
    expect(bench.receivers(bench.wire, { to: GROUP })).toBe('2');
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('2');
    expect(bench.receivers(0, { to: GROUP })).toBe('wire');
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
  });
});

describe('VLANs', () => {
  it('tagged frames go to the members of their VLAN', () => {
    const bench = withVlans();
    expect(bench.receivers(bench.wire, { to: BROADCAST, ...VLAN_10 })).toBe('0 1');
    expect(bench.receivers(bench.wire, { to: BROADCAST, tci: 20 })).toBe('2');
    expect(bench.receivers(bench.wire, { to: mac(2), ...VLAN_10 })).toBe('vlanFilter');
  });

  it('untagged frames go to the pools that accept untagged ones', () => {
    const bench = withVlans();
    bench.nicSwitch.setAcceptUntagged(1, false);
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('0 2');
    expect(bench.receivers(bench.wire, { to: mac(1) })).toBe('vlanFilter');
  });

  it('a tag with VLAN 0 carries a priority only: the frame counts as untagged', () => {
    const bench = withVlans();
    bench.nicSwitch.setAcceptUntagged(1, false);
    expect(bench.receivers(bench.wire, { to: BROADCAST, tci: 7 << 13 })).toBe('0 2');
    bench.nicSwitch.addVlan(1, 0);
    expect(bench.receivers(bench.wire, { to: BROADCAST, tci: 7 << 13 })).toBe('0 1 2');
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('0 2');
  });

  it('do not matter while the filter is off', () => {
    const bench = withVlans();
    bench.nicSwitch.setVlanFilter(false);
    bench.nicSwitch.setVlanAdmitted(30, false);
    expect(bench.receivers(bench.wire, { to: mac(2), tci: 30 })).toBe('2');
  });

  it('all reach a VPort that is promiscuous for VLANs', () => {
    const bench = withVlans();
    bench.nicSwitch.setVlanPromiscuous(2, true);
    expect(bench.receivers(bench.wire, { to: BROADCAST, ...VLAN_10 })).toBe('0 1 2');
    bench.nicSwitch.setVlanPromiscuous(2, false);
    expect(bench.receivers(bench.wire, { to: BROADCAST, ...VLAN_10 })).toBe('0 1');
  });

  it('the tag beside a frame is its VLAN, whatever its bytes say', () => {
    const bench = withVlans();
    expect(bench.receivers(bench.wire, { to: BROADCAST, tci: 20 }, 10)).toBe('0 1');
  });

  it('only the VLAN of a tag counts, not its priority', () => {
    const bench = withVlans();
    expect(bench.receivers(bench.wire, { to: BROADCAST, tci: (6 << 13) | (1 << 12) | 10 })).toBe('0 1');
  });
});
