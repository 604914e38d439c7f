import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { DROP_REASONS, NicSwitch, type NicSwitchOptions } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, mac, STRANGER } from './fixtures.ts';

const frames = new FramePool({ slots: 1 });

describe('options', () => {
  it.each<[Partial<NicSwitchOptions>, RegExp]>([
    [{ vports: 0 }, /vports must be an integer from 1 to 16384, got 0/],
    [{ vports: 2.5 }, /vports/],
    [{ macFilters: 0 }, /macFilters must be an integer from 1 to 32767, got 0/],
    [{ maxFrameBytes: 13 }, /maxFrameBytes must be an integer from 14 to 65535, got 13/],
    [
      { maxFrameBytes: 2045 },
      /maxFrameBytes must be an integer from 14 to 2044, .* slot of 2048 bytes, got 2045/,
    ],
    [{ mirrorRules: 65 }, /mirrorRules must be an integer from 0 to 64, got 65/],
    [{ frames: undefined as unknown as FramePool }, /options.frames must be a FramePool, got undefined/],
    [{ queueEntries: 0 }, /queueEntries must be an integer from 1 to 65536, got 0/],
    [{ localMatch: 'port' as 'mac' }, /localMatch must be one of vlan, mac, got "port"/],
    [{ untaggedCheck: 'no' as 'accepted' }, /untaggedCheck must be one of accepted, vlanZero, got "no"/],
  ])('%j is refused', (options, message) => {
    expect(() => new NicSwitch({ frames, vports: 4, ...options })).toThrow(message);
  });

  it('there must be some', () => {
    const Made = NicSwitch as unknown as new (options?: unknown) => NicSwitch;
    expect(() => new Made()).toThrow(
      new TypeError('options must be an object with frames and vports, got undefined'),
    );
    expect(() => new Made(null)).toThrow(/got null/);
    expect(() => new Made(4)).toThrow(/got 4/);
  });

  it('the longest frame is by default what fits a slot, with its tag', () => {
    const short = new FramePool({ slots: 4, slotBytes: 128 });
    const bench = new Bench(2, { frames: short });
    expect(bench.receivers(0, { to: mac(1), bytes: 124 })).toBe('1');
    expect(bench.receivers(0, { to: mac(1), bytes: 125 })).toBe('giant');
    expect(bench.receivers(0, { to: mac(1), bytes: 128, tci: 10 })).toBe('1');
  });

  it('a switch can have more than 64 VPorts', () => {
    const nicSwitch = new NicSwitch({ frames, vports: 256 });
    expect(nicSwitch.uplink).toBe(256);
    nicSwitch.setVPortEnabled(255, true, true);
  });
});

describe('arguments', () => {
  const nicSwitch = new NicSwitch({ frames, vports: 4 });

  it.each<[string, () => unknown, RegExp]>([
    [
      'the uplink is no VPort',
      () => nicSwitch.setVPortEnabled(4, true, true),
      /vport must be an integer from 0 to 3, got 4/,
    ],
    [
      'a VPort is a number',
      () => nicSwitch.addVlan('1' as unknown as number, 1),
      /vport must be a number, got "1"/,
    ],
    [
      'a VLAN has 12 bits',
      () => nicSwitch.addVlan(0, 4096),
      /vlan must be an integer from 0 to 4095, got 4096/,
    ],
    ['a MAC address has 48 bits', () => nicSwitch.addMac(0, 2 ** 48), /mac must be an integer from 0 to/],
    ['a MAC address has six bytes', () => nicSwitch.addMac(0, '02:00:00'), /MAC address must be six bytes/],
    ['a TCI has 16 bits', () => nicSwitch.setPortVlan(0, 65_536), /tag must be an integer from 0 to 65535/],
    [
      'a tag policy has a name',
      () => nicSwitch.setPortVlan(0, 'always' as 'never'),
      /tag must be one of descriptor, never/,
    ],
    [
      'a hash table has 4,096 entries',
      () => nicSwitch.setUnicastHash(4096, true),
      /index must be an integer from 0 to 4095/,
    ],
    ['a hash offset has two bits', () => nicSwitch.setHashOffset(4), /offset must be an integer from 0 to 3/],
    ['the default VPort is one', () => nicSwitch.setDefaultVPort(4), /vport must be an integer from 0 to 3/],
    [
      'a frame has a header',
      () => nicSwitch.setMaxFrameBytes(0, 13),
      /bytes must be an integer from 14 to 65535/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('addresses', () => {
  it('can be given as text', () => {
    const bench = new Bench(2);
    bench.nicSwitch.addMac(1, '02:ff:ff:ff:ff:ff');
    expect(bench.receivers(0, { to: STRANGER })).toBe('1');
    expect(bench.nicSwitch.hasMac(1, STRANGER)).toBe(true);
    expect(bench.nicSwitch.hasMac(0, STRANGER)).toBe(false);
  });

  it('are refused when the filters are used up, without an error: the driver falls back to others', () => {
    const nicSwitch = new NicSwitch({ frames, vports: 4, macFilters: 2 });
    expect([1, 2, 3].map((address) => nicSwitch.addMac(0, address))).toEqual([true, true, false]);
    expect(nicSwitch.hasMac(0, 3)).toBe(false);
    expect(nicSwitch.addMac(1, 2)).toBe(true);
  });

  it('can be added twice and are then there once', () => {
    const bench = new Bench(2);
    bench.nicSwitch.addMac(1, mac(1));
    expect(bench.nicSwitch.removeMac(1, mac(1))).toBe(true);
    expect(bench.nicSwitch.removeMac(1, mac(1))).toBe(false);
    expect(bench.receivers(0, { to: mac(1) })).toBe('wire');
  });
});

describe('resetVPort', () => {
  it('takes all filters and settings from the VPort, and from no other', () => {
    const bench = new Bench(3);
    const { nicSwitch } = bench;
    nicSwitch.addMac(2, mac(1));
    nicSwitch.setDefaultVPort(1);
    nicSwitch.setUnicastPromiscuous(1, true);
    nicSwitch.setVlanPromiscuous(1, true);
    nicSwitch.addVlan(1, 10);
    nicSwitch.addVlan(2, 10);
    nicSwitch.setPortVlan(1, 10);
    nicSwitch.setAntiSpoof(1, { mac: true, vlan: true });
    nicSwitch.resetVPort(1);
    nicSwitch.setVlanFilter(true);
    nicSwitch.setVPortEnabled(1, true, true);
    expect(bench.receivers(0, { to: mac(1) })).toBe('2');
    expect(bench.receivers(0, { to: STRANGER })).toBe('wire');
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('noMatch');
    expect(bench.receivers(bench.wire, { to: BROADCAST, tci: 10 })).toBe('2');
    expect(bench.route(1, { to: BROADCAST })).toEqual({
      receivers: { 0: 'as is', 2: 'as is', wire: 'as is' },
    });
  });
});

describe('drop reasons', () => {
  it('are a frozen list of names', () => {
    expect(Object.isFrozen(DROP_REASONS)).toBe(true);
    expect(DROP_REASONS).toEqual([
      'runt',
      'vportInactive',
      'txDisabled',
      'noChannel',
      'tagSpoof',
      'truncatedTag',
      'tooManyTags',
      'giant',
      'macSpoof',
      'vlanNotAllowed',
      'vlanSpoof',
      'broadcastStorm',
      'multicastStorm',
      'unknownUnicastStorm',
      'vlanFilter',
      'noVirtualTag',
      'unknownChannel',
      'noMatch',
      'sourcePruned',
      'privateVPort',
      'vportDisabled',
      'outputFull',
      'vportDeleted',
    ]);
  });
});
