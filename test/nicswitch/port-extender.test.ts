import { describe, expect, it } from 'vitest';
import { type DropReason, tagOperation, targetPort } from '../../src/nicswitch/index.ts';
import {
  ETAG_BYTES,
  eChannel,
  parseETag,
  parseVnTag,
  VNTAG_BYTES,
  writeETag,
  writeVnTag,
} from '../../src/wire/index.ts';
import { Bench, BROADCAST, frameBytes, GROUP, mac, putFrame, STRANGER, written } from './fixtures.ts';
import { hex } from './reference-tags.ts';

const [TO_ALL, TO_SOME] = [
  eChannel({ group: 1, base: 1 }),
  eChannel({ group: 3, base: 0xfff, extension: 255 }),
];
const EXTENDED = eChannel({ base: 2, extension: 9 });

/** VPorts 0 to 3 with the channels 1, 2, 3 and 2 with an extension; 4 has none. */
function withETags(): Bench {
  const bench = new Bench(5);
  const s = bench.nicSwitch;
  s.setPortExtender('etag');
  [1, 2, 3, EXTENDED].forEach((channel, v) => {
    s.setChannel(v, channel);
    s.addToGroup(v, TO_ALL);
  });
  s.addToGroup(1, TO_SOME);
  s.addToGroup(2, TO_SOME);
  return bench;
}

function withVnTags(): Bench {
  const bench = new Bench(5);
  const s = bench.nicSwitch;
  s.setPortExtender('vntag');
  [0, 2, 3, 4095].forEach((vif, v) => {
    s.setChannel(v, vif);
    s.addToGroup(v, 0);
  });
  s.addToGroup(1, 2);
  s.addToGroup(2, 2);
  return bench;
}

/** A frame with tag bytes behind its addresses. */
function under(
  tagBytes: number,
  write: (u8: Uint8Array) => void,
  inside = frameBytes({ to: STRANGER }),
): Uint8Array {
  const tag = new Uint8Array(tagBytes);
  write(tag);
  return Uint8Array.from([...inside.subarray(0, 12), ...tag, ...inside.subarray(12)]);
}

function underETag(channel: number, ingress = 0, inside?: Uint8Array): Uint8Array {
  const fields = { group: (channel >> 12) & 3, base: channel & 0xfff, extension: channel >> 14 };
  const from = { ingressBase: ingress & 0xfff, ingressExtension: ingress >> 14 };
  return under(ETAG_BYTES, (u8) => writeETag(u8, 0, { ...fields, ...from }), inside);
}

interface Vn {
  to: number;
  list?: boolean;
  from?: number;
  looped?: boolean;
  up?: boolean;
}

function underVnTag({ to, list, from = 0, looped, up }: Vn, inside?: Uint8Array): Uint8Array {
  const tag = { toCard: !up, pointer: list, destinationVif: to, looped, sourceVif: from };
  return under(VNTAG_BYTES, (u8) => writeVnTag(u8, 0, tag), inside);
}

/** VPorts that receive the frame from the wire, as it was without the tag; or why none does. */
function receivers(bench: Bench, bytes: Uint8Array, tagBytes = ETAG_BYTES): string {
  const { frames, nicSwitch } = bench;
  const slot = putFrame(frames, bytes);
  const before = nicSwitch.portCounters(bench.wire).dropped;
  const count = nicSwitch.route(slot, bench.wire);
  const inside = hex([...bytes.subarray(0, 12), ...bytes.subarray(12 + tagBytes)]);
  const ports = Array.from(nicSwitch.targets.subarray(0, count), (target) => {
    expect(hex(written(frames, slot, tagOperation(target)))).toBe(inside);
    frames.release(slot);
    return targetPort(target);
  });
  nicSwitch.checkBalance();
  expect(frames.available).toBe(frames.slots);
  if (count > 0) return ports.join(' ');
  const after = nicSwitch.portCounters(bench.wire).dropped;
  return (Object.keys(after) as DropReason[]).filter((reason) => after[reason] > before[reason]).join();
}

/** What leaves at the wire when a VPort sends, or why nothing does. */
function sent(bench: Bench, vport: number, bytes: Uint8Array, beside = -1): Uint8Array | string {
  const { frames, nicSwitch } = bench;
  const slot = putFrame(frames, bytes, beside);
  const count = nicSwitch.route(slot, vport);
  nicSwitch.checkBalance();
  if (count === 0) {
    const { dropped } = nicSwitch.portCounters(vport);
    return (Object.keys(dropped) as DropReason[]).filter((reason) => dropped[reason] > 0).join();
  }
  expect([count, targetPort(nicSwitch.targets[0])]).toEqual([1, bench.wire]);
  const frame = written(frames, slot, tagOperation(nicSwitch.targets[0]));
  frames.release(slot);
  return frame;
}

describe('a port extender with E-Tags', () => {
  it.each<[string, number, number, string]>([
    ['a channel: its VPort', 2, 0, '1'],
    ['a channel with an extension: its VPort', EXTENDED, 0, '3'],
    ['a group: all of it', TO_ALL, 0, '0 1 2 3'],
    ['a group: not the VPort that the frame comes from', TO_ALL, 3, '0 1 3'],
    ['a group: the extension of the ingress E-CID counts', TO_ALL, EXTENDED, '0 1 2'],
    ['a group: an ingress E-CID that nobody here has', TO_ALL, 77, '0 1 2 3'],
    ['a small group', TO_SOME, 2, '2'],
    ['the VPort itself', 2, 2, 'sourcePruned'],
    ['a channel that nobody has', 4, 0, 'unknownChannel'],
    ['a channel with another extension', eChannel({ base: 3, extension: 1 }), 0, 'unknownChannel'],
    ['a group that nobody is in', eChannel({ group: 2, base: 1 }), 0, 'unknownChannel'],
    ['no channel', 0, 0, 'unknownChannel'],
  ])('delivers by tag alone: %s', (_, channel, ingress, expected) => {
    const bench = withETags();
    // Filters and VLANs do not matter.
    bench.nicSwitch.setVlanFilter(true);
    for (const to of [STRANGER, GROUP, BROADCAST, mac(4)]) {
      for (const tci of [undefined, 10]) {
        expect(receivers(bench, underETag(channel, ingress, frameBytes({ to, tci })))).toBe(expected);
      }
    }
  });

  it('sends with the tag of the VPort, whoever the frame is for', () => {
    const bench = withETags();
    for (const to of [mac(1), STRANGER, BROADCAST]) {
      const inside = frameBytes({ to, from: mac(3), tci: (5 << 13) | 0x1000 | 10 });
      const frame = sent(bench, 3, inside) as Uint8Array;
      expect(parseETag(frame, 12, 8)).toEqual({
        priority: 5,
        dropEligible: true,
        ingressBase: 0,
        ingressExtension: 0,
        group: 0,
        base: 2,
        extension: 9,
      });
      expect(hex(frame)).toBe(hex(underETag(EXTENDED, 0, inside)).replace('893f0000', '893fb000'));
    }
  });

  it('has the priority of untagged frames from the port, and puts the port VLAN inside', () => {
    const bench = withETags();
    bench.nicSwitch.setPriorities(0, { defaultPriority: 3 });
    expect(hex(sent(bench, 0, frameBytes({})) as Uint8Array).slice(24, 44)).toBe('893f6000000100000800');
    bench.nicSwitch.setPortVlan(0, (1 << 13) | 10);
    expect(hex(sent(bench, 0, frameBytes({})) as Uint8Array).slice(24, 48)).toBe('893f6000000100008100600a');
    bench.nicSwitch.setPriorities(0, { defaultPriority: null });
    expect(hex(sent(bench, 0, frameBytes({})) as Uint8Array).slice(24, 48)).toBe('893f2000000100008100200a');
  });

  it('takes the tag of a port VLAN off behind its own', () => {
    const bench = withETags();
    bench.nicSwitch.setPortVlan(1, 10);
    const slot = putFrame(bench.frames, underETag(2, 0, frameBytes({ tci: 10 })));
    expect(bench.nicSwitch.route(slot, bench.wire)).toBe(1);
    const frame = written(bench.frames, slot, tagOperation(bench.nicSwitch.targets[0]));
    expect(hex(frame.subarray(12))).toBe(hex(frameBytes({ tci: 10 }).subarray(16)));
  });

  it('gives frames without the tag to the default VPort, which manages it', () => {
    const bench = withETags();
    expect(receivers(bench, frameBytes({ to: mac(1) }), 0)).toBe('noVirtualTag');
    bench.nicSwitch.setDefaultVPort(4);
    expect(receivers(bench, frameBytes({ to: mac(1) }), 0)).toBe('4');
    expect(receivers(bench, underVnTag({ to: 2 }), 0)).toBe('4');
  });

  it('drops what cannot be tagged', () => {
    expect(sent(withETags(), 4, frameBytes({}))).toBe('noChannel');
    expect(sent(withETags(), 0, underETag(2))).toBe('tagSpoof');
    expect(sent(withETags(), 0, frameBytes({}).subarray(0, 13))).toBe('runt');
    const bench = withETags();
    bench.nicSwitch.setVPortEnabled(0, true, false);
    expect(sent(bench, 0, frameBytes({}))).toBe('txDisabled');
  });

  it('still checks who sends', () => {
    const bench = withETags();
    bench.nicSwitch.setAntiSpoof(0, { mac: true, vlan: true });
    expect(sent(bench, 0, frameBytes({ from: mac(1) }))).toBe('macSpoof');
    bench.nicSwitch.setAntiSpoof(1, { vlan: true });
    expect(sent(bench, 1, frameBytes({ from: mac(1), tci: 10 }))).toBe('vlanSpoof');
    expect(typeof sent(bench, 0, frameBytes({ from: mac(0) }))).toBe('object');
  });

  it('drops a truncated tag at every length, and a truncated VLAN tag behind it', () => {
    for (let bytes = 14; bytes <= 26; bytes++) {
      const bench = withETags();
      const expected = bytes < 26 ? 'truncatedTag' : '1';
      expect(receivers(bench, underETag(2, 0, frameBytes({ tci: 10 })).subarray(0, bytes))).toBe(expected);
      const untagged = bytes < 22 ? 'truncatedTag' : '1';
      expect(receivers(bench, underETag(2).subarray(0, bytes))).toBe(untagged);
    }
  });

  it('keeps limits of length and receive enables', () => {
    const bench = withETags();
    bench.nicSwitch.setMaxFrameBytes(1, 60);
    expect(receivers(bench, underETag(2, 0, frameBytes({ bytes: 60 })))).toBe('1');
    expect(receivers(bench, underETag(2, 0, frameBytes({ bytes: 61 })))).toBe('giant');
    expect(receivers(bench, underETag(TO_ALL, 0, frameBytes({ bytes: 61 })))).toBe('0 2 3');
    expect(receivers(bench, underETag(3, 0, frameBytes({ bytes: 1515 })))).toBe('giant');
    bench.nicSwitch.setVPortEnabled(1, false, true);
    expect(receivers(bench, underETag(2))).toBe('vportDisabled');
  });
});

describe('a port extender with VN-Tags', () => {
  it.each<[string, Vn, string]>([
    ['an interface', { to: 2 }, '1'],
    ['the interface 0', { to: 0 }, '0'],
    ['a list', { to: 0, list: true }, '0 1 2 3'],
    ['a list, from one of it: not back to that one', { to: 0, list: true, looped: true, from: 3 }, '0 1 3'],
    [
      'a list, from elsewhere: the source interface is another one',
      { to: 0, list: true, from: 3 },
      '0 1 2 3',
    ],
    ['a list of two', { to: 2, list: true }, '1 2'],
    ['an interface, looped', { to: 2, looped: true, from: 3 }, '1'],
    ['the sender itself', { to: 2, looped: true, from: 2 }, 'sourcePruned'],
    ['an interface that nobody has', { to: 5 }, 'unknownChannel'],
    ['an interface beyond those of sources', { to: 4096 }, 'unknownChannel'],
    ['a list that nobody is in', { to: 1, list: true }, 'unknownChannel'],
    ['on its way to the bridge', { to: 2, up: true }, 'unknownChannel'],
  ])('delivers by tag alone: %s', (_, tag, expected) => {
    const bench = withVnTags();
    for (const to of [STRANGER, BROADCAST]) {
      for (const tci of [undefined, 10]) {
        expect(receivers(bench, underVnTag(tag, frameBytes({ to, tci })), VNTAG_BYTES)).toBe(expected);
      }
    }
  });

  it('sends with the interface of the VPort as the source', () => {
    const frame = sent(withVnTags(), 3, frameBytes({ to: BROADCAST })) as Uint8Array;
    expect(parseVnTag(frame, 12, 6)).toEqual({
      toCard: false,
      pointer: false,
      destinationVif: 0,
      looped: false,
      version: 0,
      sourceVif: 4095,
    });
    expect(hex(frame.subarray(18))).toBe(hex(frameBytes({}).subarray(12)));
  });

  it('drops a truncated tag at every length', () => {
    for (let bytes = 14; bytes <= 22; bytes++) {
      const expected = bytes < 20 ? 'truncatedTag' : '1';
      expect(receivers(withVnTags(), underVnTag({ to: 2 }).subarray(0, bytes), VNTAG_BYTES)).toBe(expected);
    }
  });
});

describe('channels and groups', () => {
  it('belong to a port extender', () => {
    const { nicSwitch } = new Bench(2);
    expect(() => nicSwitch.setChannel(0, 1)).toThrow(TypeError);
    expect(() => nicSwitch.addToGroup(0, TO_ALL)).toThrow(TypeError);
  });

  it('have numbers that fit the tag, and a channel has one VPort', () => {
    const { nicSwitch } = withETags();
    expect(() => nicSwitch.setChannel(0, 2)).toThrow(
      'channel must be one that no other VPort has: 2 is that of VPort 1',
    );
    for (const bad of [0, TO_ALL, 1 << 14, -1, 1 << 22])
      expect(() => nicSwitch.setChannel(0, bad)).toThrow(RangeError);
    for (const bad of [5, -1, 1 << 22]) expect(() => nicSwitch.addToGroup(0, bad)).toThrow(RangeError);
    const vn = withVnTags().nicSwitch;
    expect(() => vn.setChannel(0, 4096)).toThrow(RangeError);
    expect(() => vn.addToGroup(0, 16_384)).toThrow(RangeError);
  });

  it('can be changed: the old channel is nobody’s then', () => {
    const bench = withETags();
    bench.nicSwitch.setChannel(1, 9);
    expect(receivers(bench, underETag(2))).toBe('unknownChannel');
    expect(receivers(bench, underETag(9))).toBe('1');
    bench.nicSwitch.setChannel(1, null);
    expect(receivers(bench, underETag(9))).toBe('unknownChannel');
  });

  it('end with the VPort, and with the extender', () => {
    const bench = withETags();
    bench.nicSwitch.resetVPort(1);
    bench.nicSwitch.setVPortEnabled(1, true, true);
    expect(receivers(bench, underETag(2))).toBe('unknownChannel');
    expect(receivers(bench, underETag(TO_ALL))).toBe('0 2 3');
    for (const v of [0, 2, 3]) bench.nicSwitch.removeFromGroup(v, TO_ALL);
    expect(receivers(bench, underETag(TO_ALL))).toBe('unknownChannel');
    bench.nicSwitch.setPortExtender(null);
    expect(receivers(bench, frameBytes({ to: mac(0) }), 0)).toBe('0');
    expect(receivers(bench, underETag(3, 0, frameBytes({ to: mac(0) })).slice(), 0)).toBe('0');
  });

  it('end with a reset of the switch', () => {
    const bench = withETags();
    bench.nicSwitch.reset();
    bench.nicSwitch.setVPortEnabled(0, true, true);
    bench.nicSwitch.addMac(0, mac(0));
    expect(receivers(bench, frameBytes({ to: mac(0) }), 0)).toBe('0');
  });

  it('can be as many as there are VPorts, with any E-CID', () => {
    const bench = new Bench(300);
    bench.nicSwitch.setPortExtender('etag');
    const channel = (v: number) => eChannel({ base: 1 + ((v * 37) % 4095), extension: (v * 11) % 256 });
    for (let v = 0; v < 300; v++) bench.nicSwitch.setChannel(v, channel(v));
    for (let v = 0; v < 300; v += 43) expect(receivers(bench, underETag(channel(v)))).toBe(String(v));
  });
});
