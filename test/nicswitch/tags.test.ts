import { describe, expect, it } from 'vitest';
import {
  type DoubleVlan,
  recommendedTrafficClasses,
  tagOperation,
  targetPort,
} from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, GROUP, mac, putFrame, STRANGER, written } from './fixtures.ts';
import { hex } from './reference-tags.ts';

type Tag = readonly [type: number, tci: number];

const REST = Uint8Array.from({ length: 46 }, (_, i) => i);

/** A frame to `to` with tags in its bytes, outermost first, and IPv4 behind. */
function tagged(to: number, tags: readonly Tag[], from = mac(0)): Uint8Array {
  const address = (a: number) =>
    Array.from({ length: 6 }, (_, i) => Math.floor(a / 2 ** (40 - 8 * i)) & 0xff);
  const words = tags.flatMap(([type, tci]) => [type >> 8, type & 0xff, tci >> 8, tci & 0xff]);
  return Uint8Array.from([...address(to), ...address(from), ...words, 0x08, 0x00, ...REST]);
}

/** What a frame has between addresses and payload: tags as type/TCI in hexadecimal digits. */
function tagsOf(bytes: Uint8Array): string {
  const end = hex(bytes).lastIndexOf(`0800${hex(REST)}`);
  if (end < 0) throw new Error(`the payload is not there: ${hex(bytes)}`);
  return (hex(bytes).slice(24, end).match(/.{8}/g) ?? [])
    .map((tag) => `${tag.slice(0, 4)}/${tag.slice(4)}`)
    .join(' ');
}

/** Who gets the frame with which tags: `1: 8100/000a`, the wire last, or why nobody does. */
function outcome(bench: Bench, ingress: number, bytes: Uint8Array, beside = -1): string {
  const { frames, nicSwitch } = bench;
  const slot = putFrame(frames, bytes, beside);
  const count = nicSwitch.route(slot, ingress);
  if (count === 0)
    return Object.entries(nicSwitch.portCounters(ingress).dropped).find(([, n]) => n > 0)?.[0] ?? '';
  const seen = Array.from(nicSwitch.targets.subarray(0, count), (target) => {
    const port = targetPort(target);
    const text = `${port === nicSwitch.uplink ? 'wire' : port}: ${tagsOf(written(frames, slot, tagOperation(target)))}`;
    frames.release(slot);
    return text.trim();
  });
  nicSwitch.checkBalance();
  return seen.join(', ');
}

/** VPorts 0 and 1 in port VLAN 10, 2 tags for itself in VLANs 10 and 20, 3 takes untagged frames only. */
function withVlans(): Bench {
  const bench = new Bench(4);
  const s = bench.nicSwitch;
  s.setVlanFilter(true);
  for (const v of [0, 1]) s.setPortVlan(v, 10);
  for (const v of [0, 1, 2]) {
    s.addVlan(v, 10);
    s.setAcceptUntagged(v, false);
  }
  s.addVlan(2, 20);
  return bench;
}

const C10 = [0x8100, 10] as const;
const C20 = [0x8100, 20] as const;
const PRIORITY_5 = [0x8100, 5 << 13] as const;

describe('port VLANs and tagging guests beside each other', () => {
  it.each<[string, number | 'wire', number, Tag[], string]>([
    ['port VLAN to port VLAN: untagged', 0, mac(1), [], '1:'],
    ['port VLAN to a tagging guest: tagged', 0, mac(2), [], '2: 8100/000a'],
    ['port VLAN to the wire: tagged', 0, STRANGER, [], 'wire: 8100/000a'],
    ['port VLAN to all: each as it is used to', 0, BROADCAST, [], '1:, 2: 8100/000a, wire: 8100/000a'],
    ['a tagging guest to a port VLAN: untagged', 2, mac(1), [C10], '1:'],
    ['a tagging guest in another VLAN: not here, so out', 2, mac(1), [C20], 'wire: 8100/0014'],
    ['an untagged frame of a tagging guest', 2, mac(1), [], 'wire:'],
    ['the wire to a port VLAN: untagged', 'wire', mac(1), [C10], '1:'],
    ['the wire to a tagging guest: tagged', 'wire', mac(2), [C10], '2: 8100/000a'],
    ['untagged from the wire', 'wire', BROADCAST, [], '3:'],
    ['a tag of a guest in a port VLAN: stays inside', 0, mac(1), [C20], '1: 8100/0014'],
    ['the same to the wire: both', 0, STRANGER, [C20], 'wire: 8100/000a 8100/0014'],
  ])('%s', (_, from, to, tags, expected) => {
    const bench = withVlans();
    expect(outcome(bench, from === 'wire' ? bench.wire : from, tagged(to, tags))).toBe(expected);
  });
});

describe('a priority tag (VLAN 0)', () => {
  it.each<[string, number | 'wire', number, Tag[], number, string]>([
    ['belongs to the port VLAN, and keeps its priority', 0, STRANGER, [PRIORITY_5], -1, 'wire: 8100/a00a'],
    ['the same where the descriptor asked for it', 0, STRANGER, [], 5 << 13, 'wire: 8100/a00a'],
    ['keeps its drop eligibility', 0, mac(2), [[0x8100, 0x1000]], -1, '2: 8100/100a'],
    ['is gone at a receiver in the port VLAN', 0, mac(1), [PRIORITY_5], -1, '1:'],
    ['to all', 0, BROADCAST, [PRIORITY_5], -1, '1:, 2: 8100/a00a, wire: 8100/a00a'],
    [
      'is of the untagged VLAN where there is no port VLAN',
      3,
      BROADCAST,
      [PRIORITY_5],
      -1,
      'wire: 8100/a000',
    ],
    ['from the wire is for who takes untagged frames', 'wire', BROADCAST, [PRIORITY_5], -1, '3: 8100/a000'],
    [
      'around another tag is taken for the priority alone',
      0,
      STRANGER,
      [PRIORITY_5, C20],
      -1,
      'wire: 8100/a00a 8100/0014',
    ],
  ])('%s', (_, from, to, tags, beside, expected) => {
    const bench = withVlans();
    expect(outcome(bench, from === 'wire' ? bench.wire : from, tagged(to, tags), beside)).toBe(expected);
  });
});

/** Tenants with outer VLANs: VPorts 0 and 1 in 100, 2 in 200; 3 sees and sends outer tags itself. */
function provider(mode: DoubleVlan = {}): Bench {
  const bench = new Bench(4);
  const s = bench.nicSwitch;
  s.setVlanFilter(true);
  s.setDoubleVlan(mode);
  for (const [v, vlan] of [
    [0, 100],
    [1, 100],
    [2, 200],
  ]) {
    s.setServiceVlan(v, vlan);
    s.setAcceptUntagged(v, false);
    s.addVlan(v, vlan);
  }
  s.addVlan(3, 100);
  return bench;
}

const S100 = [0x88a8, 100] as const;
const S200 = [0x88a8, 200] as const;

describe('QinQ: an outer tag around what guests send', () => {
  it.each<[string, number | 'wire', number, Tag[], number, string]>([
    ['is put around an untagged frame', 0, STRANGER, [], -1, 'wire: 88a8/0064'],
    ['is put around a tagged frame', 0, STRANGER, [C10], -1, 'wire: 88a8/0064 8100/000a'],
    ['is put around a tag beside the frame', 0, STRANGER, [], 10, 'wire: 88a8/0064 8100/000a'],
    ['is taken off where a guest knows of none', 0, mac(1), [C10], -1, '1: 8100/000a'],
    ['is taken off with a tag beside it', 0, mac(1), [], 10, '1: 8100/000a'],
    ['is left for who sees it', 0, mac(3), [C10], -1, '3: 88a8/0064 8100/000a'],
    ['keeps tenants apart whose inner VLANs are the same', 0, mac(2), [C10], -1, 'wire: 88a8/0064 8100/000a'],
    ['from the wire is taken off', 'wire', mac(1), [S100, C10], -1, '1: 8100/000a'],
    ['from the wire is left for who sees it', 'wire', mac(3), [S100, C10], -1, '3: 88a8/0064 8100/000a'],
    ['of another tenant', 'wire', mac(1), [S200, C10], -1, 'vlanFilter'],
    ['a frame without an outer tag is of no tenant', 'wire', mac(1), [C10], -1, 'vlanFilter'],
    ['of a guest itself is sent as it is', 3, mac(1), [S100, C20], -1, '1: 8100/0014'],
    [
      'with VLAN 0 is replaced, its priority kept',
      0,
      STRANGER,
      [[0x88a8, 0x6000], C10],
      -1,
      'wire: 88a8/6064 8100/000a',
    ],
    [
      'around an outer tag of the guest: that stays inside',
      0,
      STRANGER,
      [S200],
      -1,
      'wire: 88a8/0064 88a8/00c8',
    ],
    ['of another type is none', 'wire', mac(3), [[0x9100, 100]], -1, '3: 9100/0064'],
  ])('%s', (_, from, to, tags, beside, expected) => {
    const bench = provider();
    expect(outcome(bench, from === 'wire' ? bench.wire : from, tagged(to, tags), beside)).toBe(expected);
  });

  it('can have an EtherType of its own', () => {
    const bench = provider({ outerType: 0x9100 });
    expect(outcome(bench, 0, tagged(STRANGER, [C10]))).toBe('wire: 9100/0064 8100/000a');
    expect(outcome(bench, bench.wire, tagged(mac(1), [[0x9100, 100], C10]))).toBe('1: 8100/000a');
    expect(outcome(bench, bench.wire, tagged(mac(3), [S100]))).toBe('3: 88a8/0064');
  });

  it('can be an 802.1Q tag too: the first tag is the outer one', () => {
    const bench = provider({ outerType: 0x8100 });
    expect(outcome(bench, 0, tagged(STRANGER, [C10]))).toBe('wire: 8100/0064 8100/000a');
    expect(outcome(bench, bench.wire, tagged(mac(1), [[0x8100, 100], C10]))).toBe('1: 8100/000a');
    expect(outcome(bench, bench.wire, tagged(mac(1), [[0x8100, 100]]))).toBe('1:');
  });

  it('is not looked at any more when it is switched off', () => {
    const bench = provider();
    bench.nicSwitch.setDoubleVlan(null);
    expect(outcome(bench, bench.wire, tagged(mac(3), [S200, C10]))).toBe('3: 88a8/00c8 8100/000a');
  });

  it('does not count as bytes of the frame, as little as the inner one', () => {
    const bench = provider();
    bench.nicSwitch.setMaxFrameBytes(1, 60);
    expect(outcome(bench, bench.wire, tagged(mac(1), [S100, C10]))).toBe('1: 8100/000a');
    bench.nicSwitch.setMaxFrameBytes(1, 59);
    expect(outcome(bench, bench.wire, tagged(mac(1), [S100, C10]))).toBe('giant');
  });
});

describe("filtering by the inner of two tags, the 82599's double VLAN mode", () => {
  function inner(): Bench {
    const bench = new Bench(4);
    const s = bench.nicSwitch;
    s.setVlanFilter(true);
    s.setDoubleVlan({ outerType: 0x8100, filter: 'inner' });
    for (const v of [0, 1, 2]) s.setAcceptUntagged(v, false);
    s.setPortVlan(0, 10);
    s.setTagStrip(1, true);
    for (const v of [0, 1, 2]) s.addVlan(v, 10);
    return bench;
  }
  const OUTER = [0x8100, 77] as const;

  it.each<[string, number | 'wire', number, Tag[], number, string]>([
    ['the inner VLAN decides', 'wire', mac(2), [OUTER, C10], -1, '2: 8100/004d 8100/000a'],
    ['another inner VLAN', 'wire', mac(2), [OUTER, C20], -1, 'vlanFilter'],
    ['the only tag is the outer one: the frame is untagged', 'wire', mac(2), [C10], -1, 'vlanFilter'],
    ['and goes to who takes untagged frames', 'wire', mac(3), [C10], -1, '3: 8100/000a'],
    ['the inner tag is stripped, behind the outer one', 'wire', mac(1), [OUTER, C10], -1, '1: 8100/004d'],
    ['a port VLAN is inserted behind the outer tag', 0, mac(2), [OUTER], -1, '2: 8100/004d 8100/000a'],
    ['and left out for who strips', 0, mac(1), [OUTER], -1, '1: 8100/004d'],
    [
      'what the descriptor asks for is inserted behind the outer tag',
      2,
      STRANGER,
      [OUTER],
      10,
      'wire: 8100/004d 8100/000a',
    ],
    ['a priority tag inside is replaced', 0, STRANGER, [OUTER, PRIORITY_5], -1, 'wire: 8100/004d 8100/a00a'],
  ])('%s', (_, from, to, tags, beside, expected) => {
    const bench = inner();
    expect(outcome(bench, from === 'wire' ? bench.wire : from, tagged(to, tags), beside)).toBe(expected);
  });
});

describe('priorities', () => {
  const SWAPPED = [7, 6, 5, 4, 3, 2, 1, 0];

  it('are regenerated from those of received frames', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setPriorities(0, { regeneration: SWAPPED });
    expect(outcome(bench, 0, tagged(mac(1), [[0x8100, (2 << 13) | 0x1000 | 10]]))).toBe('1: 8100/b00a');
    expect(outcome(bench, 0, tagged(mac(1), []))).toBe('1:');
    expect(outcome(bench, 0, tagged(mac(1), []), (1 << 13) | 10)).toBe('1: 8100/c00a');
    expect(outcome(bench, 1, tagged(mac(0), [C10], mac(1)))).toBe('0: 8100/000a');
  });

  it('are regenerated from the wire too', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setPriorities(bench.wire, { regeneration: [3, 3, 3, 3, 3, 3, 3, 3] });
    expect(outcome(bench, bench.wire, tagged(mac(1), [C10]))).toBe('1: 8100/600a');
  });

  it('of the outer tag are meant where there are two', () => {
    const bench = provider();
    bench.nicSwitch.setPriorities(bench.wire, { regeneration: SWAPPED });
    bench.nicSwitch.setPriorities(0, { regeneration: SWAPPED });
    expect(outcome(bench, bench.wire, tagged(mac(3), [S100, PRIORITY_5]))).toBe('3: 88a8/e064 8100/a000');
    expect(outcome(bench, 0, tagged(mac(3), [C10]))).toBe('3: 88a8/e064 8100/000a');
  });

  it('of untagged frames are the default of the port', () => {
    const bench = withVlans();
    bench.nicSwitch.setPriorities(0, { defaultPriority: 4 });
    expect(outcome(bench, 0, tagged(STRANGER, []))).toBe('wire: 8100/800a');
    expect(outcome(bench, 0, tagged(STRANGER, [PRIORITY_5]))).toBe('wire: 8100/a00a');
    bench.nicSwitch.setPriorities(0, { regeneration: SWAPPED });
    expect(outcome(bench, 0, tagged(STRANGER, []))).toBe('wire: 8100/600a');
    bench.nicSwitch.setPriorities(0, { defaultPriority: null });
    bench.nicSwitch.setPortVlan(0, (6 << 13) | 10);
    expect(outcome(bench, 0, tagged(STRANGER, []))).toBe('wire: 8100/200a');
  });

  it('are shared out to traffic classes as the standard recommends', () => {
    // By number of classes; in each, by priority.
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((n) => recommendedTrafficClasses(n).join(''))).toEqual([
      '00000000',
      '00001111',
      '00001122',
      '00112233',
      '00112234',
      '10223345',
      '10234456',
      '10234567',
    ]);
    expect(() => recommendedTrafficClasses(9)).toThrow(RangeError);
  });

  it('are each a traffic class of their own unless the port is told otherwise', () => {
    const { nicSwitch } = new Bench(2);
    expect([0, 5, 7].map((priority) => nicSwitch.trafficClass(1, priority))).toEqual([0, 5, 7]);
    nicSwitch.setPriorities(1, { trafficClasses: recommendedTrafficClasses(2) });
    expect([0, 5, 7].map((priority) => nicSwitch.trafficClass(1, priority))).toEqual([0, 1, 1]);
    nicSwitch.resetVPort(1);
    expect(nicSwitch.trafficClass(1, 5)).toBe(5);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a priority above 7', { defaultPriority: 8 }, 'defaultPriority'],
    ['a table of seven', { regeneration: [0, 1, 2, 3, 4, 5, 6] }, 'regeneration must be a list of 8'],
    ['a table with another number', { trafficClasses: [0, 1, 2, 3, 4, 5, 6, 8] }, 'trafficClasses[7]'],
    ['a table that is none', { regeneration: 1 }, 'regeneration'],
  ])('cannot be %s', (_, priorities, name) => {
    const { nicSwitch } = new Bench(1);
    expect(() => nicSwitch.setPriorities(0, priorities)).toThrow(name);
  });
});

describe('truncated tags', () => {
  const outer = { outerType: 0x88a8, filter: 'outer' } as const;

  it.each<[string, DoubleVlan | null, Tag[], number]>([
    ['one tag', null, [C10], 18],
    ['a second one that nobody reads', null, [C10, C20], 22],
    ['one that nobody reads', null, [S100], 18],
    ['an outer tag', outer, [S100], 18],
    ['two tags', outer, [S100, C10], 22],
  ])('%s: dropped at every length until it is whole', (_, mode, tags, whole) => {
    for (let bytes = 0; bytes <= 30; bytes++) {
      const bench = new Bench(2);
      bench.nicSwitch.setDoubleVlan(mode);
      const expected = bytes < 14 ? 'runt' : bytes < whole ? 'truncatedTag' : '1';
      const frame = tagged(mac(1), tags).subarray(0, bytes);
      const { receivers, drop } = bench.routeBytes(bench.wire, frame);
      expect(drop ?? Object.keys(receivers).join(), `${bytes} bytes`).toBe(expected);
      expect(bench.nicSwitch.dropped('truncatedTag')).toBe(expected === 'truncatedTag' ? 1 : 0);
    }
  });

  it('are found in a port VLAN too, where a priority tag would be replaced', () => {
    const bench = new Bench(2);
    bench.nicSwitch.setPortVlan(0, 10);
    expect(bench.routeBytes(0, tagged(mac(1), [C10]).subarray(0, 17)).drop).toBe('truncatedTag');
  });
});

describe('a tag inside a tag inside a tag', () => {
  it.each<[string, DoubleVlan | null, Tag[]]>([
    ['of one kind', null, [C10, C20, C10]],
    ['of three kinds', null, [C10, S100, [0x9100, 3]]],
    ['and another tag', null, [S100, C10, C20, [0x893f, 4]]],
    ['while two are read', { outerType: 0x88a8, filter: 'outer' }, [S100, C10, C20]],
    ['with an outer type of its own', { outerType: 0x9200, filter: 'inner' }, [[0x9200, 1], C10, C10]],
  ])('is dropped and counted, to one, to a group and to all: %s', (_, mode, tags) => {
    for (const to of [mac(2), GROUP, BROADCAST]) {
      const bench = new Bench(3, { queueEntries: 4 });
      const { nicSwitch, frames } = bench;
      nicSwitch.setDoubleVlan(mode);
      for (const ingress of [0, bench.wire]) {
        expect(bench.routeBytes(ingress, tagged(to, tags)).drop).toBe('tooManyTags');
      }
      for (const ingress of [0, bench.wire]) {
        nicSwitch.input.push(ingress, putFrame(frames, tagged(to, tags)));
      }
      nicSwitch.forward();
      expect(nicSwitch.dropped('tooManyTags')).toBe(4);
      expect(nicSwitch.balance()).toEqual({ framesIn: 4, replicas: 0, delivered: 0, dropped: 4 });
      expect(frames.available).toBe(frames.slots);
    }
  });

  it('is none if the third is no VLAN tag, or beside the frame', () => {
    const bench = withVlans();
    expect(outcome(bench, bench.wire, tagged(mac(2), [C10, S100, [0x893f, 4]]))).toBe(
      '2: 8100/000a 88a8/0064 893f/0004',
    );
    expect(outcome(bench, 0, tagged(mac(2), [C10, C10]), 10)).toBe('2: 8100/000a 8100/000a 8100/000a');
  });

  it('with an outermost type that is unknown is an untagged frame', () => {
    const bench = withVlans();
    for (const type of [0x88a8, 0x9100, 0x893f, 0x8926, 0x88e7]) {
      expect(bench.receivers(bench.wire, { to: mac(2) })).toBe('vlanFilter');
      expect(outcome(bench, bench.wire, tagged(mac(3), [[type, 10], C10]))).toBe(
        `3: ${type.toString(16)}/000a 8100/000a`,
      );
    }
  });
});

describe('the configuration of tags', () => {
  it('refuses what is no EtherType, TCI or VPort', () => {
    const { nicSwitch } = new Bench(2);
    expect(() => nicSwitch.setDoubleVlan({ outerType: 1500 })).toThrow('outerType');
    expect(() => nicSwitch.setDoubleVlan({ filter: 'both' as never })).toThrow('filter');
    expect(() => nicSwitch.setServiceVlan(0, 65_536)).toThrow('tci');
    expect(() => nicSwitch.setServiceVlan(2, 1)).toThrow('vport');
    expect(() => nicSwitch.setPriorities(3, {})).toThrow('port');
    expect(() => nicSwitch.trafficClass(0, 8)).toThrow('priority');
  });

  it('ends with a reset', () => {
    const bench = provider();
    bench.nicSwitch.setPriorities(bench.wire, { regeneration: [3, 3, 3, 3, 3, 3, 3, 3] });
    bench.nicSwitch.reset();
    for (const v of [0, 1]) bench.nicSwitch.setVPortEnabled(v, true, true);
    bench.nicSwitch.addMac(1, mac(1));
    expect(outcome(bench, 0, tagged(mac(1), [C10]))).toBe('1: 8100/000a');
    expect(outcome(bench, bench.wire, tagged(mac(1), [C10]))).toBe('1: 8100/000a');
  });
});
