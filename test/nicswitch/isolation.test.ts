import { describe, expect, it } from 'vitest';
import type { VPortIsolation } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, GROUP, mac, STRANGER } from './fixtures.ts';

/** VPorts 0 and 1 private, 2 shared, 3 promiscuous, 4 shared and the default one, 5 shared. */
const ROLES: readonly VPortIsolation[] = ['private', 'private', 'shared', 'promiscuous', 'shared', 'shared'];

function isolated(): Bench {
  const bench = new Bench(ROLES.length);
  ROLES.forEach((role, v) => {
    bench.nicSwitch.setIsolation(v, role);
  });
  bench.nicSwitch.setDefaultVPort(4);
  return bench;
}

describe('a private VPort', () => {
  it.each([
    { from: 0, to: 1, receivers: 'privateVPort' },
    { from: 0, to: 2, receivers: 'privateVPort' },
    { from: 0, to: 3, receivers: '3' },
    { from: 0, to: 4, receivers: '4' },
    { from: 2, to: 0, receivers: 'privateVPort' },
    { from: 2, to: 5, receivers: '5' },
    { from: 2, to: 3, receivers: '3' },
    { from: 3, to: 0, receivers: '0' },
    { from: 4, to: 1, receivers: '1' },
  ])('exchanges frames with promiscuous and default VPorts only: $from to $to', ({ from, to, receivers }) => {
    const bench = isolated();
    expect(bench.receivers(from, { to: mac(to), from: mac(from) })).toBe(receivers);
  });

  it.each([
    { from: 0, receivers: '3 4 wire' },
    { from: 2, receivers: '3 4 5 wire' },
    { from: 3, receivers: '0 1 2 4 5 wire' },
    { from: 4, receivers: '0 1 2 3 5 wire' },
  ])('sends and receives broadcasts in the same way: from $from', ({ from, receivers }) => {
    expect(isolated().receivers(from, { to: BROADCAST, from: mac(from) })).toBe(receivers);
  });

  it('exchanges frames with the wire', () => {
    const bench = isolated();
    expect(bench.receivers(0, { to: STRANGER, from: mac(0) })).toBe('wire');
    expect(bench.receivers(bench.wire, { to: mac(0) })).toBe('0');
    expect(bench.receivers(bench.wire, { to: BROADCAST })).toBe('0 1 2 3 4 5');
  });

  it("is not reached by a private VPort's frames that the adjacent bridge sends back", () => {
    const bench = isolated();
    bench.nicSwitch.setLoopback(false);
    expect(bench.receivers(0, { to: mac(1), from: mac(0) })).toBe('wire');
    expect(bench.receivers(bench.wire, { to: mac(1), from: mac(0) })).toBe('privateVPort');
    expect(bench.receivers(bench.wire, { to: mac(3), from: mac(0) })).toBe('3');
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(0) })).toBe('3 4');
    expect(bench.receivers(bench.wire, { to: BROADCAST, from: mac(2) })).toBe('3 4 5');
    expect(bench.receivers(bench.wire, { to: mac(1), from: STRANGER })).toBe('1');
  });

  it('stays apart from all who share the source address of a frame that comes back', () => {
    const bench = isolated();
    bench.nicSwitch.addMac(2, mac(0));
    expect(bench.receivers(bench.wire, { to: mac(5), from: mac(0) })).toBe('privateVPort');
    expect(bench.receivers(bench.wire, { to: mac(3), from: mac(0) })).toBe('3');
  });

  it('is not reached by a promiscuous receive mode of another', () => {
    const bench = isolated();
    bench.nicSwitch.setUnicastPromiscuous(1, true);
    bench.nicSwitch.setMulticastPromiscuous(1, true);
    expect(bench.receivers(0, { to: mac(3), from: mac(0) })).toBe('3');
    expect(bench.receivers(0, { to: GROUP, from: mac(0) })).toBe('wire');
    expect(bench.receivers(3, { to: GROUP, from: mac(3) })).toBe('1 wire');
  });

  it('gets its own frames if it asks for them', () => {
    const bench = isolated();
    bench.nicSwitch.setSelfDelivery(0, true);
    expect(bench.receivers(0, { to: mac(0), from: mac(0) })).toBe('0');
  });

  it('is one among others again when it is shared', () => {
    const bench = isolated();
    bench.nicSwitch.setIsolation(0, 'shared');
    bench.nicSwitch.resetVPort(1);
    expect(bench.receivers(0, { to: mac(2), from: mac(0) })).toBe('2');
  });

  it('is refused another role', () => {
    const bench = isolated();
    expect(() => bench.nicSwitch.setIsolation(0, 'isolated' as VPortIsolation)).toThrow(
      'isolation must be one of shared, private, promiscuous, got "isolated"',
    );
  });
});
