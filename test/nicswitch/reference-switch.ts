import type {
  DropReason,
  ForwardingMode,
  MirrorRule,
  PortVlan,
  StormKind,
  VPortIsolation,
} from '../../src/nicswitch/index.ts';
import { decideExtender, stripped } from './reference-extender.ts';
import { type Dressed, dress, undress } from './reference-tags.ts';

/**
 * The switch once more, slowly: what a VPort wants is a predicate, a rule is a filter over a list of VPorts. It shares no
 * code with src/nicswitch and is what random traffic is compared with.
 */
export interface ReferenceVPort {
  rx: boolean;
  tx: boolean;
  macs: Set<number>;
  vlans: Set<number>;
  acceptUntagged: boolean;
  acceptBroadcast: boolean;
  multicastPromiscuous: boolean;
  unicastPromiscuous: boolean;
  vlanPromiscuous: boolean;
  acceptMulticastHash: boolean;
  acceptUnicastHash: boolean;
  checkMac: boolean;
  checkVlan: boolean;
  portVlan: PortVlan;
  serviceVlan: number | null;
  /** As a port extender has it. */
  channel: number | null;
  groups: Set<number>;
  tagStrip: boolean;
  selfDelivery: boolean;
  maxFrameBytes: number;
  active: boolean;
  isolation: VPortIsolation;
  forwarding: ForwardingMode | 'nowhere';
  /** Null: all. */
  allowed: { vlans: Set<number>; untagged: boolean } | null;
}

/**
 * A storm limit as the generic cell rate algorithm: the earliest instant at which the next frame may come, in ps times
 * the rate, so that all is whole.
 */
export interface ReferenceStorm {
  rate: bigint;
  burst: bigint;
  next: bigint;
}

export interface ReferenceConfig {
  /** Simulated time in ps, which the switch reads as well. */
  clock: { now: number };
  /** Limits of each port, the wire last. */
  storms: Partial<Record<StormKind, ReferenceStorm>>[];
  vports: ReferenceVPort[];
  /** By port, that of the wire last. */
  priorities: { defaultPriority: number | null; regeneration: number[] }[];
  doubleVlan: { outerType: number; filter: 'outer' | 'inner' } | null;
  extender: 'etag' | 'vntag' | null;
  vlanFilter: boolean;
  notAdmitted: Set<number>;
  multicastHash: Set<number>;
  unicastHash: Set<number>;
  hashOffset: number;
  defaultVPort: number | null;
  replication: boolean;
  loopback: boolean;
  sourcePruning: boolean;
  localMatch: 'vlan' | 'mac';
  untaggedCheck: 'accepted' | 'vlanZero';
  maxFrameBytes: number;
  /** By their index. */
  mirrorRules: Map<number, MirrorRule>;
}

/** A frame as it is handed to the switch: its bytes, and the TCI that travels beside it or -1. */
export interface ReferenceFrame {
  bytes: Uint8Array;
  tci: number;
}

export interface Decision {
  /** Receivers in ascending order, the wire last. */
  receivers: { port: number /** What it gets, in hexadecimal digits. */; bytes: string }[];
  /** Who gets a mirrored copy beside them, in the order of the rules; absent for nobody. */
  mirrored?: { port: number; bytes: string }[];
  /** Set if there are no receivers. */
  reason?: DropReason;
}

const HASH_SHIFTS = [4, 3, 2, 0];

export function newVPort(): ReferenceVPort {
  return {
    rx: false,
    tx: false,
    macs: new Set(),
    vlans: new Set(),
    acceptUntagged: true,
    acceptBroadcast: true,
    multicastPromiscuous: false,
    unicastPromiscuous: false,
    vlanPromiscuous: false,
    acceptMulticastHash: false,
    acceptUnicastHash: false,
    checkMac: false,
    checkVlan: false,
    portVlan: 'descriptor',
    serviceVlan: null,
    channel: null,
    groups: new Set(),
    tagStrip: false,
    selfDelivery: false,
    maxFrameBytes: 65_535,
    active: true,
    isolation: 'shared',
    forwarding: 'default',
    allowed: null,
  };
}

export function newConfig(vports: number): ReferenceConfig {
  return {
    clock: { now: 0 },
    storms: Array.from({ length: vports + 1 }, () => ({})),
    vports: Array.from({ length: vports }, newVPort),
    priorities: Array.from({ length: vports + 1 }, newPriorities),
    doubleVlan: null,
    extender: null,
    vlanFilter: false,
    notAdmitted: new Set(),
    multicastHash: new Set(),
    unicastHash: new Set(),
    hashOffset: 0,
    defaultVPort: null,
    replication: true,
    loopback: true,
    sourcePruning: true,
    localMatch: 'vlan',
    untaggedCheck: 'accepted',
    maxFrameBytes: 1514,
    mirrorRules: new Map(),
  };
}

export function newPriorities(): ReferenceConfig['priorities'][number] {
  return { defaultPriority: null, regeneration: [0, 1, 2, 3, 4, 5, 6, 7] };
}

/** Who receives `frame` from `ingress`; the wire is the number behind the last VPort. */
export function decide(config: ReferenceConfig, frame: ReferenceFrame, ingress: number): Decision {
  const wire = config.vports.length;
  const fromWire = ingress === wire;
  const sender = config.vports[ingress];
  const { bytes } = frame;
  if (bytes.length < 14) return drop('runt');
  if (!fromWire && !sender.active) return drop('vportInactive');
  if (config.extender !== null) return decideExtender(config, frame, ingress);
  if (!fromWire && !sender.tx) return drop('txDisabled');

  const dressed = dress(config, frame, ingress);
  if (typeof dressed === 'string') return drop(dressed);
  const size = bytes.length - dressed.taken;
  if (size > config.maxFrameBytes) return drop('giant');

  const { vlan } = dressed;
  const destination = macAt(bytes, 0);
  const source = macAt(bytes, 6);
  const toWire = { port: wire, bytes: undress(frame, dressed, []) };

  const admitted = !config.vlanFilter || !vlan || !config.notAdmitted.has(vlan);
  if (fromWire) {
    if (!admitted) return drop('vlanFilter');
  } else {
    if (sender.checkMac && (isGroup(source) || !sender.macs.has(source))) return drop('macSpoof');
    if (!isAllowed(sender, vlan)) return drop('vlanNotAllowed');
    if (sender.checkVlan && !maySendIn(config, sender, vlan)) return drop('vlanSpoof');
  }
  const storm = stormKind(config, destination);
  if (storm !== undefined && !passesStorm(config, ingress, storm)) return drop(`${storm}Storm`);

  const mode = fromWire ? 'veb' : modeOf(config, sender);
  const toOne = typeof mode === 'object' || mode === 'nowhere';
  if (mode === 'vepa' || mode === 'port') return { receivers: [toWire] };
  const switched = (decision: Decision) => withMirrors(config, decision, ingress, vlan, size, frame, dressed);
  if (!toOne && !admitted) return switched({ receivers: [toWire] });

  const group = isGroup(destination);
  let reason: DropReason | undefined;
  let receivers: number[] = [];
  const leave = (left: number[], otherwise: DropReason) => {
    receivers = left;
    if (left.length === 0) reason ??= otherwise;
  };
  const all = config.vports.map((_, v) => v);
  const mayUse = (v: number) => isAllowed(config.vports[v], vlan);
  let alsoToWire = !fromWire;
  const toOnly = (vport: number | null) => {
    reason = undefined;
    leave(vport === null ? [] : [vport], 'noMatch');
    leave(receivers.filter(mayUse), 'vlanNotAllowed');
  };
  if (toOne) {
    alsoToWire = typeof mode === 'object' && mode.port === true;
    const to = typeof mode === 'object' ? mode.vport : null;
    toOnly(to);
    // Who may exchange frames at all is asked before their VLANs.
    if (to !== null && !exchange(config, ingress, to)) {
      receivers = [];
      reason = 'privateVPort';
    }
  } else if (group && !config.replication) {
    if (!fromWire) return { receivers: [toWire] };
    toOnly(config.defaultVPort);
    leave(
      receivers.filter((v) => !isReturnedTo(config, source, v)),
      'sourcePruned',
    );
  } else {
    const exact = all.filter((v) => config.vports[v].macs.has(destination));
    const wanted = all.filter((v) => wants(config, config.vports[v], destination, exact.length > 0));
    leave(wanted, 'noMatch');
    const inVlan = (v: number) => !config.vlanFilter || receivesVlan(config.vports[v], vlan);
    const takes = (v: number) => mayUse(v) && inVlan(v);
    if (!group && exact.length > 0 && (config.localMatch === 'mac' || exact.some(takes))) alsoToWire = false;
    const isSource = (v: number) =>
      fromWire ? group && isReturnedTo(config, source, v) : v === ingress && !sender.selfDelivery;
    leave(
      receivers.filter((v) => !isSource(v)),
      'sourcePruned',
    );
    const senders = fromWire
      ? all.filter((v) => !isGroup(source) && config.vports[v].macs.has(source))
      : [ingress];
    leave(
      receivers.filter((v) => senders.every((s) => exchange(config, s, v))),
      'privateVPort',
    );
    leave(receivers.filter(mayUse), 'vlanNotAllowed');
    leave(receivers.filter(inVlan), 'vlanFilter');
    const isDefault = fromWire && !group && reason !== 'privateVPort';
    if (receivers.length === 0 && isDefault && config.defaultVPort !== null) toOnly(config.defaultVPort);
  }
  leave(
    receivers.filter((v) => config.vports[v].active),
    'vportInactive',
  );
  leave(
    receivers.filter((v) => config.vports[v].rx),
    'vportDisabled',
  );
  leave(
    receivers.filter((v) => size <= config.vports[v].maxFrameBytes),
    'giant',
  );
  const decided: Decision['receivers'] = receivers.map((v) => ({
    port: v,
    bytes: undress(frame, dressed, stripped(config, v)),
  }));
  if (alsoToWire) decided.push(toWire);
  return switched(decided.length > 0 ? { receivers: decided } : { receivers: [], reason });
}

/** Whether a frame to a group that comes from the wire is the VPort's own, sent back by the adjacent bridge. */
function isReturnedTo(config: ReferenceConfig, source: number, vport: number): boolean {
  const reflecting = !config.loopback || config.vports.some(({ forwarding }) => forwarding === 'vepa');
  return reflecting && config.sourcePruning && config.vports[vport].macs.has(source);
}

/** Adds whom the mirroring rules copy the frame to: none without replication, and nobody twice. */
function withMirrors(
  config: ReferenceConfig,
  decision: Decision,
  ingress: number,
  vlan: number | undefined,
  size: number,
  frame: ReferenceFrame,
  dressed: Dressed,
): Decision {
  if (!config.replication) return decision;
  const wire = config.vports.length;
  const ports = decision.receivers.map(({ port }) => port);
  const copied = [...config.mirrorRules]
    .sort(([a], [b]) => a - b)
    .filter(([, rule]) => {
      if (vlan !== undefined && includes(rule.vlans, vlan)) return true;
      if (ports.some((port) => includes(rule.receivedBy, port))) return true;
      if (ingress === wire) return rule.uplink === true && ports.length > 0;
      return includes(rule.sentBy, ingress) || (rule.downlink === true && ports.includes(wire));
    })
    .map(([, rule]) => rule.to)
    .filter((to, i, all) => all.indexOf(to) === i && !ports.includes(to))
    .filter((to) => config.vports[to].active && config.vports[to].rx)
    .filter((to) => size <= config.vports[to].maxFrameBytes);
  if (copied.length === 0) return decision;
  return {
    ...decision,
    mirrored: copied.map((port) => ({ port, bytes: undress(frame, dressed, stripped(config, port)) })),
  };
}

function includes(numbers: Iterable<number> | undefined, number: number): boolean {
  return [...(numbers ?? [])].includes(number);
}

export function macAt(bytes: Uint8Array, offset: number): number {
  let mac = 0;
  for (let i = 0; i < 6; i++) mac = mac * 256 + bytes[offset + i];
  return mac;
}

function drop(reason: DropReason): Decision {
  return { receivers: [], reason };
}

function isGroup(mac: number): boolean {
  return Math.floor(mac / 2 ** 40) % 2 === 1;
}

function wants(config: ReferenceConfig, vport: ReferenceVPort, destination: number, exact: boolean): boolean {
  if (destination === 0xffff_ffff_ffff) return vport.acceptBroadcast;
  if (vport.macs.has(destination)) return true;
  const index = hashOf(destination, config.hashOffset);
  if (isGroup(destination)) {
    if (vport.multicastPromiscuous) return true;
    return !exact && vport.acceptMulticastHash && config.multicastHash.has(index);
  }
  if (vport.unicastPromiscuous) return true;
  return !exact && vport.acceptUnicastHash && config.unicastHash.has(index);
}

function hashOf(mac: number, offset: number): number {
  const last = mac % 256;
  const lastButOne = Math.floor(mac / 256) % 256;
  return ((last * 256 + lastButOne) >> HASH_SHIFTS[offset]) & 0xfff;
}

/** Untagged is undefined; VLAN 0 is a priority on an untagged frame, or asked for as such. */
function isMember(vport: ReferenceVPort, vlan: number | undefined): boolean {
  if (vlan === undefined) return vport.acceptUntagged;
  return vport.vlans.has(vlan) || (vlan === 0 && vport.acceptUntagged);
}

/** Whether the VPort may send in the VLAN where that is checked. */
export function maySendIn(config: ReferenceConfig, vport: ReferenceVPort, vlan: number | undefined): boolean {
  return config.untaggedCheck === 'vlanZero' ? vport.vlans.has(vlan ?? 0) : isMember(vport, vlan);
}

/** Whether the host lets the VPort use the VLAN. */
export function isAllowed({ allowed }: ReferenceVPort, vlan: number | undefined): boolean {
  if (allowed === null) return true;
  if (vlan === undefined) return allowed.untagged;
  return allowed.vlans.has(vlan) || (vlan === 0 && allowed.untagged);
}

/** Whether two VPorts exchange frames. */
function exchange(config: ReferenceConfig, one: number, other: number): boolean {
  const isolation = (v: number) => (v === config.defaultVPort ? 'promiscuous' : config.vports[v].isolation);
  const both = [isolation(one), isolation(other)];
  return one === other || both.includes('promiscuous') || !both.includes('private');
}

function modeOf({ loopback }: ReferenceConfig, { forwarding }: ReferenceVPort): ForwardingMode | 'nowhere' {
  if (forwarding === 'default') return loopback ? 'veb' : 'vepa';
  return forwarding;
}

/** What kind of storm frames to `destination` can make: none, if a filter names a single address. */
function stormKind(config: ReferenceConfig, destination: number): StormKind | undefined {
  if (destination === 0xffff_ffff_ffff) return 'broadcast';
  if (isGroup(destination)) return 'multicast';
  const hashed =
    config.vports.some(({ acceptUnicastHash }) => acceptUnicastHash) &&
    config.unicastHash.has(hashOf(destination, config.hashOffset));
  const named = hashed || config.vports.some(({ macs }) => macs.has(destination));
  return named ? undefined : 'unknownUnicast';
}

function passesStorm(config: ReferenceConfig, port: number, kind: StormKind): boolean {
  const storm = config.storms[port][kind];
  if (storm === undefined) return true;
  if (storm.rate === 0n) return false;
  const frame = 1_000_000_000_000n;
  const now = BigInt(config.clock.now) * storm.rate;
  if (now < storm.next - (storm.burst - 1n) * frame) return false;
  storm.next = (now > storm.next ? now : storm.next) + frame;
  return true;
}

function receivesVlan(vport: ReferenceVPort, vlan: number | undefined): boolean {
  return vport.vlanPromiscuous || isMember(vport, vlan);
}
