import type { DropReason, MirrorRule, PortVlan } from '../../src/nicswitch/index.ts';

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
  tagStrip: boolean;
  selfDelivery: boolean;
  maxFrameBytes: number;
}

export interface ReferenceConfig {
  vports: ReferenceVPort[];
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
  maxFrameBytes: number;
  /** By their index. */
  mirrorRules: Map<number, MirrorRule>;
}

/** A frame as it is handed to the switch: its bytes, and the TCI that travels beside it or -1. */
export interface ReferenceFrame {
  bytes: Uint8Array;
  tci: number;
}

export type TagAction = 'as is' | 'strip' | 'insert';

export interface Decision {
  /** Receivers in ascending order, the wire last. */
  receivers: { port: number; tag: TagAction }[];
  /** Who gets a mirrored copy beside them, in the order of the rules; absent for nobody. */
  mirrored?: { port: number; tag: TagAction }[];
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
    tagStrip: false,
    selfDelivery: false,
    maxFrameBytes: 65_535,
  };
}

export function newConfig(vports: number): ReferenceConfig {
  return {
    vports: Array.from({ length: vports }, newVPort),
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
    maxFrameBytes: 1514,
    mirrorRules: new Map(),
  };
}

/** Who receives `frame` from `ingress`; the wire is the number behind the last VPort. */
export function decide(config: ReferenceConfig, frame: ReferenceFrame, ingress: number): Decision {
  const wire = config.vports.length;
  const fromWire = ingress === wire;
  const sender = config.vports[ingress];
  const { bytes } = frame;
  if (bytes.length < 14) return drop('runt');
  if (!fromWire && !sender.tx) return drop('txDisabled');

  const beside = besideTag(frame, fromWire ? 'descriptor' : sender.portVlan);
  const inBytes = beside < 0 && bytes[12] === 0x81 && bytes[13] === 0x00;
  if (inBytes && bytes.length < 18) return drop('truncatedTag');
  const size = inBytes ? bytes.length - 4 : bytes.length;
  if (size > config.maxFrameBytes) return drop('giant');

  const tci = beside >= 0 ? beside : inBytes ? bytes[14] * 256 + bytes[15] : undefined;
  const vlan = tci === undefined ? undefined : tci % 4096;
  const destination = macAt(bytes, 0);
  const source = macAt(bytes, 6);
  const place = beside >= 0 ? 'beside' : inBytes ? 'in bytes' : 'none';
  const toWire = { port: wire, tag: tagFor(false, place) };

  const admitted = !config.vlanFilter || !vlan || !config.notAdmitted.has(vlan);
  if (fromWire) {
    if (!admitted) return drop('vlanFilter');
  } else {
    if (sender.checkMac && (isGroup(source) || !sender.macs.has(source))) return drop('macSpoof');
    if (sender.checkVlan && !isMember(sender, vlan)) return drop('vlanSpoof');
    if (!config.loopback) return { receivers: [toWire] };
  }
  const switched = (decision: Decision) => withMirrors(config, decision, ingress, vlan, size, place);
  if (!admitted) return switched({ receivers: [toWire] });

  const group = isGroup(destination);
  let reason: DropReason | undefined;
  let receivers: number[] = [];
  const leave = (left: number[], otherwise: DropReason) => {
    receivers = left;
    if (left.length === 0) reason ??= otherwise;
  };
  const all = config.vports.map((_, v) => v);
  let alsoToWire = !fromWire;
  if (group && !config.replication) {
    if (!fromWire) return { receivers: [toWire] };
    leave(config.defaultVPort === null ? [] : [config.defaultVPort], 'noMatch');
  } else {
    const exact = all.filter((v) => config.vports[v].macs.has(destination));
    const wanted = all.filter((v) => wants(config, config.vports[v], destination, exact.length > 0));
    leave(wanted, 'noMatch');
    const inVlan = (v: number) => !config.vlanFilter || receivesVlan(config.vports[v], vlan);
    if (!group && exact.length > 0 && (config.localMatch === 'mac' || exact.some(inVlan))) alsoToWire = false;
    const returned = fromWire && group && !config.loopback && config.sourcePruning;
    const isSource = (v: number) =>
      returned ? config.vports[v].macs.has(source) : v === ingress && !sender.selfDelivery;
    leave(
      receivers.filter((v) => !isSource(v)),
      'sourcePruned',
    );
    leave(receivers.filter(inVlan), 'vlanFilter');
    if (receivers.length === 0 && fromWire && !group && config.defaultVPort !== null) {
      reason = undefined;
      receivers = [config.defaultVPort];
    }
  }
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
    tag: tagFor(strips(config.vports[v]), place),
  }));
  if (alsoToWire) decided.push(toWire);
  return switched(decided.length > 0 ? { receivers: decided } : { receivers: [], reason });
}

/** Adds whom the mirroring rules copy the frame to: none without replication, and nobody twice. */
function withMirrors(
  config: ReferenceConfig,
  decision: Decision,
  ingress: number,
  vlan: number | undefined,
  size: number,
  place: 'beside' | 'in bytes' | 'none',
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
    .filter((to) => config.vports[to].rx && size <= config.vports[to].maxFrameBytes);
  if (copied.length === 0) return decision;
  return {
    ...decision,
    mirrored: copied.map((port) => ({ port, tag: tagFor(strips(config.vports[port]), place) })),
  };
}

function includes(numbers: Iterable<number> | undefined, number: number): boolean {
  return [...(numbers ?? [])].includes(number);
}

function strips(vport: ReferenceVPort): boolean {
  return vport.tagStrip || typeof vport.portVlan === 'number';
}

/** The TCI beside a frame once its sender's port VLAN has been applied. */
export function besideTag(frame: ReferenceFrame, portVlan: PortVlan): number {
  if (portVlan === 'never') return -1;
  return portVlan === 'descriptor' ? frame.tci : portVlan;
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

function receivesVlan(vport: ReferenceVPort, vlan: number | undefined): boolean {
  return vport.vlanPromiscuous || isMember(vport, vlan);
}

function tagFor(stripped: boolean, place: 'beside' | 'in bytes' | 'none'): TagAction {
  if (place === 'beside') return stripped ? 'as is' : 'insert';
  return place === 'in bytes' && stripped ? 'strip' : 'as is';
}
