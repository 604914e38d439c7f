import { describe, expect, it } from 'vitest';
import { Bench, BROADCAST, mac, STRANGER } from './fixtures.ts';

describe('allowed VLANs', () => {
  it.each([
    { name: 'one of the list', tci: 10, receivers: '1' },
    { name: 'one of the list, with a priority', tci: 0xe014, receivers: '1' },
    { name: 'another', tci: 30, receivers: 'vlanNotAllowed' },
    { name: 'none', tci: undefined, receivers: '1' },
    { name: 'a priority tag', tci: 0xe000, receivers: '1' },
  ])('of the sender: $name', ({ tci, receivers }) => {
    const bench = new Bench(2);
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10, 20] });
    expect(bench.receivers(0, tci === undefined ? { to: mac(1) } : { to: mac(1), tci })).toBe(receivers);
  });

  it('may be without untagged frames', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10], untagged: false });
    expect(bench.receivers(0, { to: mac(1) })).toBe('vlanNotAllowed');
    expect(bench.receivers(0, { to: mac(1), tci: 0 })).toBe('vlanNotAllowed');
    expect(bench.receivers(0, { to: mac(1), tci: 10 })).toBe('1');
    bench.nicSwitch.setAllowedVlans(0, { vlans: [0], untagged: false });
    expect(bench.receivers(0, { to: mac(1), tci: 0xe000 })).toBe('1');
    expect(bench.receivers(0, { to: mac(1) })).toBe('vlanNotAllowed');
  });

  it('of the receiver, whether the VLAN filter is on or not', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setAllowedVlans(1, { vlans: [10] });
    for (const filter of [false, true]) {
      bench.nicSwitch.setVlanFilter(filter);
      for (const v of [0, 1, 2]) for (const vlan of [10, 30]) bench.nicSwitch.addVlan(v, vlan);
      expect(bench.receivers(bench.wire, { to: mac(1), tci: 10 })).toBe('1');
      expect(bench.receivers(bench.wire, { to: mac(1), tci: 30 })).toBe('vlanNotAllowed');
      expect(bench.receivers(bench.wire, { to: BROADCAST, tci: 30 })).toBe('0 2');
      // As in a VLAN of which it is no member: the address may be somebody else's out there.
      expect(bench.receivers(0, { to: mac(1), tci: 30 })).toBe('wire');
    }
  });

  it('hold for a VPort that takes every VLAN, and for the default VPort', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setVlanFilter(true);
    bench.nicSwitch.setAllowedVlans(1, { vlans: [10] });
    bench.nicSwitch.setVlanPromiscuous(1, true);
    expect(bench.receivers(bench.wire, { to: mac(1), tci: 30 })).toBe('vlanNotAllowed');
    bench.nicSwitch.setDefaultVPort(1);
    expect(bench.receivers(bench.wire, { to: STRANGER, tci: 30 })).toBe('vlanNotAllowed');
    expect(bench.receivers(bench.wire, { to: STRANGER, tci: 10 })).toBe('1');
  });

  it('come before the check of membership, which still holds', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10, 20] });
    bench.nicSwitch.setAntiSpoof(0, { vlan: true });
    bench.nicSwitch.addVlan(0, 20);
    bench.nicSwitch.addVlan(0, 30);
    expect(bench.receivers(0, { to: mac(1), tci: 20 })).toBe('1');
    expect(bench.receivers(0, { to: mac(1), tci: 10 })).toBe('vlanSpoof');
    expect(bench.receivers(0, { to: mac(1), tci: 30 })).toBe('vlanNotAllowed');
    bench.nicSwitch.setAntiSpoof(0, { vlan: false });
    expect(bench.receivers(0, { to: mac(1), tci: 10 })).toBe('1');
  });

  it('are those that a port VLAN makes', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setPortVlan(0, 30);
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10] });
    expect(bench.receivers(0, { to: mac(1), tci: 10 })).toBe('vlanNotAllowed');
    bench.nicSwitch.setAllowedVlans(0, { vlans: [30] });
    expect(bench.receivers(0, { to: mac(1), tci: 10 })).toBe('1');
  });

  it('stay while filters are set anew, and go with the VPort', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setAllowedVlans(0, { vlans: [10] });
    bench.nicSwitch.resetFilters(0);
    bench.nicSwitch.setVPortEnabled(0, true, true);
    expect(bench.receivers(0, { to: mac(1), tci: 30 })).toBe('vlanNotAllowed');
    bench.nicSwitch.resetVPort(0);
    bench.nicSwitch.setVPortEnabled(0, true, true);
    expect(bench.receivers(0, { to: mac(1), tci: 30 })).toBe('1');
  });

  it('are numbers of VLANs', () => {
    const { nicSwitch } = new Bench(2);
    expect(() => nicSwitch.setAllowedVlans(0, { vlans: [4096] })).toThrow(
      /allowed\.vlans\[0\] must be an integer from 0/,
    );
    expect(() => nicSwitch.setAllowedVlans(2, null)).toThrow(/vport must be an integer from 0 to 1/);
  });
});
