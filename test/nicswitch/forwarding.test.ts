import { describe, expect, it } from 'vitest';
import type { ForwardingMode } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, GROUP, mac, STRANGER } from './fixtures.ts';

const MODES: { mode: ForwardingMode; sibling: string; stranger: string; all: string }[] = [
  { mode: 'default', sibling: '1', stranger: 'wire', all: '1 2 wire' },
  { mode: 'veb', sibling: '1', stranger: 'wire', all: '1 2 wire' },
  { mode: 'vepa', sibling: 'wire', stranger: 'wire', all: 'wire' },
  { mode: 'port', sibling: 'wire', stranger: 'wire', all: 'wire' },
  { mode: { vport: 2 }, sibling: '2', stranger: '2', all: '2' },
  { mode: { vport: 2, port: true }, sibling: '2 wire', stranger: '2 wire', all: '2 wire' },
];

describe('where the frames of a VPort go', () => {
  it.each(MODES)('$mode', ({ mode, sibling, stranger, all }) => {
    const bench = new Bench(3);
    bench.nicSwitch.setForwarding(0, mode);
    expect(bench.receivers(0, { to: mac(1) })).toBe(sibling);
    expect(bench.receivers(0, { to: STRANGER })).toBe(stranger);
    expect(bench.receivers(0, { to: BROADCAST })).toBe(all);
    // Of the others' frames it says nothing.
    expect(bench.receivers(1, { to: mac(0) })).toBe('0');
    expect(bench.receivers(bench.wire, { to: mac(0) })).toBe('0');
  });

  it("'default' is as the switch is set", () => {
    const bench = new Bench(3);
    bench.nicSwitch.setLoopback(false);
    bench.nicSwitch.setForwarding(1, 'veb');
    expect(bench.receivers(0, { to: mac(1) })).toBe('wire');
    expect(bench.receivers(1, { to: mac(0) })).toBe('0');
  });

  it("spares a VPort in 'vepa' its own frames to groups when they come back, and not one in 'port'", () => {
    const bench = new Bench(3);
    bench.nicSwitch.setForwarding(0, 'port');
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(0) })).toBe('0 1 2');
    bench.nicSwitch.setForwarding(0, 'vepa');
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(0) })).toBe('1 2');
    bench.nicSwitch.setSourcePruning(false);
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(0) })).toBe('0 1 2');
  });

  it('to a VPort passes by its filters, but not by what the host denies it', () => {
    const bench = new Bench(3);
    const { nicSwitch } = bench;
    nicSwitch.setVlanFilter(true);
    nicSwitch.setAcceptUntagged(2, false);
    nicSwitch.setForwarding(0, { vport: 2 });
    expect(bench.receivers(0, { to: GROUP, tci: 10 })).toBe('2');
    nicSwitch.setAllowedVlans(2, { vlans: [20] });
    expect(bench.receivers(0, { to: GROUP, tci: 10 })).toBe('vlanNotAllowed');
    nicSwitch.setAllowedVlans(2, null);
    nicSwitch.setIsolation(2, 'private');
    expect(bench.receivers(0, { to: GROUP })).toBe('privateVPort');
    nicSwitch.setIsolation(2, 'shared');
    nicSwitch.setVPortActive(2, false);
    expect(bench.receivers(0, { to: GROUP })).toBe('vportInactive');
    nicSwitch.setVPortActive(2, true);
    nicSwitch.setVPortEnabled(2, false, true);
    expect(bench.receivers(0, { to: GROUP })).toBe('vportDisabled');
    nicSwitch.setVPortEnabled(2, true, true);
    nicSwitch.setMaxFrameBytes(2, 60);
    expect(bench.receivers(0, { to: GROUP, bytes: 61 })).toBe('giant');
  });

  it('to a private VPort that may not use the VLAN either is refused as private', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setIsolation(2, 'private');
    bench.nicSwitch.setAllowedVlans(2, { vlans: [], untagged: false });
    bench.nicSwitch.setForwarding(0, { vport: 2 });
    expect(bench.receivers(0, { to: mac(2) })).toBe('privateVPort');
  });

  it('is decided behind the checks of the sender', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setForwarding(0, { vport: 2, port: true });
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    expect(bench.receivers(0, { to: mac(1), from: mac(1) })).toBe('macSpoof');
    expect(bench.receivers(0, { to: mac(1), from: mac(0) })).toBe('2 wire');
  });

  it('is nowhere, or the port alone, when the VPort is no more, whoever gets its place', () => {
    const bench = new Bench(4);
    bench.nicSwitch.setForwarding(0, { vport: 2 });
    bench.nicSwitch.setForwarding(1, { vport: 2, port: true });
    bench.nicSwitch.resetVPort(2);
    bench.nicSwitch.setVPortEnabled(2, true, true);
    expect(bench.receivers(0, { to: BROADCAST })).toBe('noMatch');
    expect(bench.receivers(1, { to: BROADCAST })).toBe('wire');
  });

  it('is checked', () => {
    const { nicSwitch } = new Bench(3);
    expect(() => nicSwitch.setForwarding(0, { vport: 0 })).toThrow('mode.vport must be another VPort than 0');
    expect(() => nicSwitch.setForwarding(0, { vport: 3 })).toThrow(
      /mode.vport must be an integer from 0 to 2/,
    );
    expect(() => nicSwitch.setForwarding(0, 'evb' as ForwardingMode)).toThrow(
      'mode must be one of default, veb, vepa, port, got "evb"',
    );
  });
});
