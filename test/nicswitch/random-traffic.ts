import fc from 'fast-check';
import type {
  ForwardingMode,
  MirrorRule,
  NicSwitch,
  PortVlan,
  StormKind,
  VPortIsolation,
} from '../../src/nicswitch/index.ts';
import { BROADCAST, GROUP, mac, STRANGER } from './fixtures.ts';
import { tagChange, tagStack } from './random-tags.ts';
import { newPriorities, newVPort, type ReferenceConfig, type ReferenceFrame } from './reference-switch.ts';

/**
 * One change of a configuration, made to both switches. Few addresses, VLANs and hash entries, so that frames meet
 * filters often.
 */
export interface Change {
  name: string;
  apply(nicSwitch: NicSwitch, config: ReferenceConfig): void;
}

export function made(name: string, apply: Change['apply']): Change {
  return { name, apply };
}

const ADDRESSES = [mac(0), mac(1), mac(2), mac(3), GROUP, GROUP + 1, STRANGER, BROADCAST, 0];
const VLANS = [0, 1, 10, 20, 4095];
/** Hash entries of some of the addresses, at any offset. */
const HASHES = [0x010, 0x000, 0x020, 0xfff, 0x100, 0x030];

const address = fc.constantFrom(...ADDRESSES);
const vlan = fc.constantFrom(...VLANS);
const hash = fc.constantFrom(...HASHES);
const mostly = fc.integer({ min: 0, max: 9 }).map((n) => n > 0);
const seldom = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
export const tci = fc.tuple(vlan, fc.constantFrom(0, 0x2000, 0xf000)).map(([id, priority]) => priority | id);
const portVlan: fc.Arbitrary<PortVlan> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<PortVlan>('descriptor') },
  { weight: 1, arbitrary: fc.constant<PortVlan>('never') },
  { weight: 2, arbitrary: tci },
);

/** Any change of a switch with `vports` VPorts; storm limits and passing time too for one that has a clock. */
export function change(vports: number, timed = false): fc.Arbitrary<Change> {
  const vport = fc.integer({ min: 0, max: vports - 1 });
  const on = fc.boolean();
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(vport, mostly, mostly).map(([v, rx, tx]) =>
        made(`setVPortEnabled(${v}, ${rx}, ${tx})`, (s, c) => {
          s.setVPortEnabled(v, rx, tx);
          c.vports[v].rx = rx;
          c.vports[v].tx = tx;
        }),
      ),
    },
    {
      weight: 5,
      arbitrary: fc.tuple(vport, address).map(([v, a]) =>
        made(`addMac(${v}, ${a})`, (s, c) => {
          s.addMac(v, a);
          c.vports[v].macs.add(a);
        }),
      ),
    },
    fc.tuple(vport, address).map(([v, a]) =>
      made(`removeMac(${v}, ${a})`, (s, c) => {
        s.removeMac(v, a);
        c.vports[v].macs.delete(a);
      }),
    ),
    {
      weight: 4,
      arbitrary: fc.tuple(vport, vlan).map(([v, id]) =>
        made(`addVlan(${v}, ${id})`, (s, c) => {
          s.addVlan(v, id);
          c.vports[v].vlans.add(id);
        }),
      ),
    },
    fc.tuple(vport, vlan).map(([v, id]) =>
      made(`removeVlan(${v}, ${id})`, (s, c) => {
        s.removeVlan(v, id);
        c.vports[v].vlans.delete(id);
      }),
    ),
    vportFlag(vport, on, 'setAcceptUntagged'),
    vportFlag(vport, on, 'setAcceptBroadcast'),
    vportFlag(vport, on, 'setMulticastPromiscuous'),
    vportFlag(vport, seldom, 'setUnicastPromiscuous'),
    vportFlag(vport, seldom, 'setVlanPromiscuous'),
    vportFlag(vport, on, 'setAcceptMulticastHash'),
    vportFlag(vport, on, 'setAcceptUnicastHash'),
    vportFlag(vport, on, 'setTagStrip'),
    vportFlag(vport, on, 'setSelfDelivery'),
    fc.tuple(vport, fc.constantFrom(60, 100, 65_535)).map(([v, bytes]) =>
      made(`setMaxFrameBytes(${v}, ${bytes})`, (s, c) => {
        s.setMaxFrameBytes(v, bytes);
        c.vports[v].maxFrameBytes = bytes;
      }),
    ),
    fc.tuple(vport, on, on).map(([v, checkMac, checkVlan]) =>
      made(`setAntiSpoof(${v}, ${checkMac}, ${checkVlan})`, (s, c) => {
        s.setAntiSpoof(v, { mac: checkMac, vlan: checkVlan });
        Object.assign(c.vports[v], { checkMac, checkVlan });
      }),
    ),
    fc.tuple(vport, portVlan).map(([v, tag]) =>
      made(`setPortVlan(${v}, ${tag})`, (s, c) => {
        s.setPortVlan(v, tag);
        c.vports[v].portVlan = tag;
      }),
    ),
    vport.map((v) =>
      made(`resetVPort(${v})`, (s, c) => {
        s.resetVPort(v);
        c.vports[v] = newVPort();
        c.priorities[v] = newPriorities();
        c.storms[v] = {};
        if (c.defaultVPort === v) c.defaultVPort = null;
        for (const other of c.vports) {
          if (typeof other.forwarding !== 'object' || other.forwarding.vport !== v) continue;
          other.forwarding = other.forwarding.port === true ? 'port' : 'nowhere';
        }
      }),
    ),
    vport.map((v) =>
      made(`resetFilters(${v})`, (s, c) => {
        s.resetFilters(v);
        const { active, isolation, forwarding, allowed } = c.vports[v];
        c.vports[v] = { ...newVPort(), active, isolation, forwarding, allowed };
        c.priorities[v] = newPriorities();
        if (c.defaultVPort === v) c.defaultVPort = null;
      }),
    ),
    { weight: 3, arbitrary: tagChange(vports) },
    { weight: 3, arbitrary: fc.oneof(...policyChanges(vports)) },
    ...(timed ? [{ weight: 3, arbitrary: fc.oneof(...stormChanges(vports)) }] : []),
    { weight: 2, arbitrary: switchFlag(mostly, 'setVlanFilter') },
    switchFlag(mostly, 'setLoopback'),
    switchFlag(mostly, 'setReplication'),
    switchFlag(on, 'setSourcePruning'),
    fc.tuple(vlan, mostly).map(([id, admitted]) =>
      made(`setVlanAdmitted(${id}, ${admitted})`, (s, c) => {
        s.setVlanAdmitted(id, admitted);
        if (admitted) c.notAdmitted.delete(id);
        else c.notAdmitted.add(id);
      }),
    ),
    fc.tuple(hash, on, on).map(([index, set, unicast]) =>
      made(`set${unicast ? 'Unicast' : 'Multicast'}Hash(${index}, ${set})`, (s, c) => {
        if (unicast) s.setUnicastHash(index, set);
        else s.setMulticastHash(index, set);
        const table = unicast ? c.unicastHash : c.multicastHash;
        if (set) table.add(index);
        else table.delete(index);
      }),
    ),
    fc.integer({ min: 0, max: 3 }).map((offset) =>
      made(`setHashOffset(${offset})`, (s, c) => {
        s.setHashOffset(offset);
        c.hashOffset = offset;
      }),
    ),
    { weight: 2, arbitrary: mirrorRule(vport) },
    fc.option(vport).map((v) =>
      made(`setDefaultVPort(${v})`, (s, c) => {
        s.setDefaultVPort(v);
        c.defaultVPort = v;
      }),
    ),
  );
}

function mirrorRule(vport: fc.Arbitrary<number>): fc.Arbitrary<Change> {
  const some = (members: fc.Arbitrary<number>) =>
    fc.option(fc.uniqueArray(members, { maxLength: 3 }), { nil: undefined });
  const rule: fc.Arbitrary<MirrorRule> = fc.record({
    to: vport,
    receivedBy: some(vport),
    sentBy: some(vport),
    uplink: seldom,
    downlink: seldom,
    vlans: some(vlan),
  });
  // One that says nothing at all of what it copies is refused.
  const says = ({ receivedBy, sentBy, uplink, downlink, vlans }: MirrorRule) =>
    uplink === true || downlink === true || (receivedBy ?? sentBy ?? vlans) !== undefined;
  const index = fc.integer({ min: 0, max: 3 });
  return fc.tuple(index, fc.option(rule.filter(says), { freq: 2 })).map(([i, wanted]) =>
    made(`setMirrorRule(${i}, ${JSON.stringify(wanted)})`, (s, c) => {
      s.setMirrorRule(i, wanted);
      if (wanted === null) c.mirrorRules.delete(i);
      else c.mirrorRules.set(i, wanted);
    }),
  );
}

/** Changes of what the host lets a VPort do. */
function policyChanges(vports: number): fc.Arbitrary<Change>[] {
  const vport = fc.integer({ min: 0, max: vports - 1 });
  const isolation = fc.constantFrom<VPortIsolation[]>('shared', 'private', 'promiscuous');
  const allowedVlans = fc.option(fc.record({ vlans: fc.uniqueArray(vlan), untagged: fc.boolean() }));
  return [
    fc.tuple(vport, mostly).map(([v, active]) =>
      made(`setVPortActive(${v}, ${active})`, (s, c) => {
        s.setVPortActive(v, active);
        c.vports[v].active = active;
      }),
    ),
    fc.tuple(vport, isolation).map(([v, value]) =>
      made(`setIsolation(${v}, ${value})`, (s, c) => {
        s.setIsolation(v, value);
        c.vports[v].isolation = value;
      }),
    ),
    fc.tuple(vport, forwardingMode(vports)).map(([v, mode]) =>
      made(`setForwarding(${v}, ${JSON.stringify(mode)})`, (s, c) => {
        if (typeof mode === 'object' && mode.vport === v) return;
        s.setForwarding(v, mode);
        c.vports[v].forwarding = mode;
      }),
    ),
    fc.tuple(vport, allowedVlans).map(([v, allowed]) =>
      made(`setAllowedVlans(${v}, ${JSON.stringify(allowed)})`, (s, c) => {
        s.setAllowedVlans(v, allowed);
        c.vports[v].allowed = allowed && { ...allowed, vlans: new Set(allowed.vlans) };
      }),
    ),
  ];
}

/** Storm limits, and time that passes. */
function stormChanges(vports: number): fc.Arbitrary<Change>[] {
  const rate = fc.record({
    framesPerSecond: fc.constantFrom(0, 1, 3, 1_000_000, 999_999_937),
    burstFrames: fc.constantFrom(1, 2, 5),
  });
  const kind = fc.constantFrom<StormKind[]>('broadcast', 'multicast', 'unknownUnicast');
  return [
    fc.tuple(fc.integer({ min: 0, max: vports }), kind, fc.option(rate)).map(([port, which, limit]) =>
      made(`setStormLimit(${port}, ${which}, ${JSON.stringify(limit)})`, (s, c) => {
        s.setStormLimit(port, which, limit);
        const before = c.storms[port][which];
        const same =
          before !== undefined &&
          before.rate === BigInt(limit?.framesPerSecond ?? -1) &&
          before.burst === BigInt(limit?.burstFrames ?? -1);
        if (same) return;
        if (limit === null) delete c.storms[port][which];
        else {
          c.storms[port][which] = {
            rate: BigInt(limit.framesPerSecond),
            burst: BigInt(limit.burstFrames),
            next: 0n,
          };
        }
      }),
    ),
    fc.constantFrom(0, 999, 1_000_000, 333_333_333_333, 2_000_000_000_000).map((ps) =>
      made(`${ps} ps later`, (_, c) => {
        c.clock.now += ps;
      }),
    ),
  ];
}

function forwardingMode(vports: number): fc.Arbitrary<ForwardingMode> {
  const mode = fc.constantFrom<('default' | 'veb' | 'vepa' | 'port')[]>('default', 'veb', 'vepa', 'port');
  const redirect = fc.record({ vport: fc.integer({ min: 0, max: vports - 1 }), port: fc.boolean() });
  return fc.oneof(mode, redirect);
}

/** Settings of a VPort that are on or off: the method, and the field of the reference. */
const VPORT_FLAGS = {
  setAcceptUntagged: 'acceptUntagged',
  setAcceptBroadcast: 'acceptBroadcast',
  setMulticastPromiscuous: 'multicastPromiscuous',
  setUnicastPromiscuous: 'unicastPromiscuous',
  setVlanPromiscuous: 'vlanPromiscuous',
  setAcceptMulticastHash: 'acceptMulticastHash',
  setAcceptUnicastHash: 'acceptUnicastHash',
  setTagStrip: 'tagStrip',
  setSelfDelivery: 'selfDelivery',
} as const;

function vportFlag(
  vport: fc.Arbitrary<number>,
  value: fc.Arbitrary<boolean>,
  method: keyof typeof VPORT_FLAGS,
): fc.Arbitrary<Change> {
  return fc.tuple(vport, value).map(([v, on]) =>
    made(`${method}(${v}, ${on})`, (s, c) => {
      s[method](v, on);
      c.vports[v][VPORT_FLAGS[method]] = on;
    }),
  );
}

const SWITCH_FLAGS = {
  setVlanFilter: 'vlanFilter',
  setLoopback: 'loopback',
  setReplication: 'replication',
  setSourcePruning: 'sourcePruning',
} as const;

function switchFlag(value: fc.Arbitrary<boolean>, method: keyof typeof SWITCH_FLAGS): fc.Arbitrary<Change> {
  return value.map((on) =>
    made(`${method}(${on})`, (s, c) => {
      s[method](on);
      c[SWITCH_FLAGS[method]] = on;
    }),
  );
}

/** A frame, now and then malformed, and where it comes in. */
export function traffic(
  vports: number,
  tags: fc.Arbitrary<number[]> = tagStack,
): fc.Arbitrary<{ frame: ReferenceFrame; ingress: number }> {
  const ingress = fc.integer({ min: 0, max: vports });
  const length = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(60, 64, 100, 104) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 36 }) },
    { weight: 1, arbitrary: fc.constantFrom(1514, 1515, 1518, 1519) },
  );
  return fc
    .record({
      ingress,
      to: address,
      from: fc.option(address, { freq: 3 }),
      inBytes: tags,
      beside: fc.option(tci, { freq: 2 }),
      length,
    })
    .map(({ ingress, to, from, inBytes, beside, length }) => {
      const bytes = new Uint8Array(Math.max(length, 64)).fill(0xee);
      writeAddress(bytes, 0, to);
      writeAddress(bytes, 6, from ?? mac(ingress));
      bytes.set([...inBytes, 0x08, 0x00], 12);
      return { ingress, frame: { bytes: bytes.subarray(0, length), tci: beside ?? -1 } };
    });
}

function writeAddress(bytes: Uint8Array, offset: number, address: number): void {
  for (let i = 5, rest = address; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[offset + i] = rest % 256;
}
