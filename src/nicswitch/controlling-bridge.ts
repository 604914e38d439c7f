import { checkKeys, checkOneOf } from '../base/index.ts';
import {
  ETAG_BYTES,
  ETHERNET,
  ETHERNET_HEADER_BYTES,
  EtherType,
  eChannel,
  formatMac,
  isMulticast,
  parseEChannel,
  parseETag,
  parseVlanTag,
  parseVnTag,
  readDestination,
  readSource,
  VNTAG_BYTES,
  writeETag,
  writeVnTag,
} from '../wire/index.ts';
import { checkMac, type MacAddress } from './mac-address.ts';
import { checkChannel, type VirtualTagKind } from './virtual-access.ts';

/** What a {@link ControllingBridge} tells the port extender below it: a {@link NicSwitch} does all of it. */
export interface PortExtender {
  setPortExtender(tag: VirtualTagKind | null): void;
  setChannel(vport: number, channel: number | null): void;
  addToGroup(vport: number, group: number): void;
  removeFromGroup(vport: number, group: number): void;
}

/** What a controlling bridge sends because of a frame. */
export interface BridgeOutput {
  /** Down to the port extender, with tags; a frame to many of its ports is one. */
  readonly toExtender: readonly Uint8Array[];
  /** To the network behind the bridge. */
  readonly toNetwork: readonly Uint8Array[];
}

/** How a {@link ControllingBridge} is made. */
export interface ControllingBridgeOptions {
  readonly tag: VirtualTagKind;
  /** Channel of each VPort of the extender, as `setChannel` takes them. */
  readonly channels: readonly number[];
}

/** Where a frame comes from or a station is: a channel, or the network behind the bridge. */
type Port = number | 'network';

/** Priority that a tag carries, and the Drop Eligible Indicator. */
interface Priority {
  priority: number;
  dropEligible: boolean;
}

const NO_PRIORITY: Priority = { priority: 0, dropEligible: false };
/** The group of all channels. */
const FLOOD = 1;
const NOTHING: BridgeOutput = Object.freeze({ toExtender: [], toNetwork: [] });

const OPTIONS = { tag: true, channels: true } as const;

/**
 * The bridge at the other end of a port extender's wire, for tests and for machines that have none: it learns where
 * stations are, forwards between the extender's VPorts and the network behind it by tag, and lets the extender
 * replicate what is for many, but not to the VPort it came from (IEEE 802.1BR; VN-Tag). It works on bytes, one frame
 * at a time, and forgets nothing.
 *
 * @example
 * const bridge = new ControllingBridge({ tag: 'etag', channels: [1, 2, 3] });
 * bridge.control(nicSwitch); // VPort 0 has channel 1, and so on
 * const { toExtender } = bridge.receive(frame); // what VPort 0 has sent, with its tag
 */
export class ControllingBridge {
  readonly tag: VirtualTagKind;
  /** Frames without the extender's tag, or with one of a channel that there is not: dropped. */
  unknown = 0;
  /** Frames to the port that they came from: dropped. */
  filtered = 0;

  private readonly channels: readonly number[];
  /** Stations by address and VLAN. */
  private readonly stations = new Map<string, Port>();
  /** Groups by address: their number, and who has joined. */
  private readonly groups = new Map<number, { number: number; members: Set<number> }>();
  private extender: PortExtender | null = null;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: ControllingBridgeOptions) {
    checkKeys<ControllingBridgeOptions>('options', options, OPTIONS);
    this.tag = checkOneOf('tag', options.tag, ['etag', 'vntag']);
    if (!Array.isArray(options.channels)) throw new TypeError('channels must be a list, one for each VPort');
    this.channels = options.channels.map((channel, i) =>
      checkChannel(`channels[${i}]`, options.tag, channel),
    );
    if (new Set(this.channels).size < this.channels.length) {
      throw new RangeError('channels must be different ones');
    }
  }

  /** Sets up the extender: its tag, the channels of its VPorts and its groups; from now on it is kept up to date. */
  control(extender: PortExtender): void {
    this.extender = extender;
    extender.setPortExtender(this.tag);
    this.channels.forEach((channel, vport) => {
      extender.setChannel(vport, channel);
      extender.addToGroup(vport, this.groupNumber(FLOOD));
    });
    for (const { number, members } of this.groups.values()) {
      for (const channel of members) extender.addToGroup(this.vportOf(channel), this.groupNumber(number));
    }
  }

  /** `channel` gets what is sent to the group address `mac`; an address without members is flooded. */
  join(mac: MacAddress, channel: number): void {
    const address = checkMac(mac);
    if (!isMulticast(address)) throw new RangeError(`mac must be a group address, not ${formatMac(address)}`);
    const vport = this.vportOf(channel);
    let group = this.groups.get(address);
    if (group === undefined) {
      group = { number: FLOOD + 1 + this.groups.size, members: new Set() };
      this.groups.set(address, group);
    }
    group.members.add(channel);
    this.extender?.addToGroup(vport, this.groupNumber(group.number));
  }

  /** Takes back {@link ControllingBridge.join}. */
  leave(mac: MacAddress, channel: number): void {
    const group = this.groups.get(checkMac(mac));
    const vport = this.vportOf(channel);
    if (group === undefined || !group.members.delete(channel)) return;
    this.extender?.removeFromGroup(vport, this.groupNumber(group.number));
  }

  /** A frame has come up from the extender, with its tag. */
  receive(frame: Uint8Array): BridgeOutput {
    const parsed = this.tag === 'etag' ? parseUpETag(frame) : parseUpVnTag(frame);
    if (parsed === undefined || !this.channels.includes(parsed.channel)) {
      this.unknown++;
      return NOTHING;
    }
    return this.forward(parsed.frame, parsed.channel, parsed);
  }

  /** A frame has come from the network behind the bridge, without a tag for virtual access. */
  receiveFromNetwork(frame: Uint8Array): BridgeOutput {
    if (frame.length < ETHERNET_HEADER_BYTES) {
      this.unknown++;
      return NOTHING;
    }
    return this.forward(frame, 'network', priorityOf(frame));
  }

  private forward(frame: Uint8Array, from: Port, priority: Priority): BridgeOutput {
    const destination = readDestination(frame, 0);
    const source = readSource(frame, 0);
    const vlan = parseVlanTag(frame, ETHERNET.TYPE, frame.length - ETHERNET.TYPE)?.id ?? 0;
    if (!isMulticast(source)) this.stations.set(`${source} ${vlan}`, from);
    if (isMulticast(destination)) {
      const group = this.groups.get(destination);
      if (group === undefined || group.members.size === 0) return this.toGroup(frame, from, FLOOD, priority);
      return this.toGroup(frame, from, group.number, priority, group.members);
    }
    const to = this.stations.get(`${destination} ${vlan}`);
    if (to === undefined) return this.toGroup(frame, from, FLOOD, priority);
    if (to === from) {
      this.filtered++;
      return NOTHING;
    }
    if (to === 'network') return { toExtender: [], toNetwork: [frame] };
    return { toExtender: [this.down(frame, from, to, false, priority)], toNetwork: [] };
  }

  private toGroup(
    frame: Uint8Array,
    from: Port,
    group: number,
    priority: Priority,
    members: ReadonlySet<number> = new Set(this.channels),
  ): BridgeOutput {
    const others = [...members].some((channel) => channel !== from);
    return {
      toExtender: others ? [this.down(frame, from, this.groupNumber(group), true, priority)] : [],
      toNetwork: from === 'network' ? [] : [frame],
    };
  }

  /** The frame with a tag: to a channel or a group, from a channel or from elsewhere. */
  private down(frame: Uint8Array, from: Port, to: number, isGroup: boolean, priority: Priority): Uint8Array {
    const tagBytes = this.tag === 'etag' ? ETAG_BYTES : VNTAG_BYTES;
    const tagged = new Uint8Array(frame.length + tagBytes);
    tagged.set(frame.subarray(0, ETHERNET.TYPE));
    tagged.set(frame.subarray(ETHERNET.TYPE), ETHERNET.TYPE + tagBytes);
    if (this.tag === 'vntag') {
      writeVnTag(tagged, ETHERNET.TYPE, {
        toCard: true,
        pointer: isGroup,
        destinationVif: to,
        looped: from !== 'network',
        sourceVif: from === 'network' ? 0 : from,
      });
      return tagged;
    }
    // Only what goes to many needs to say where it comes from.
    const ingress = parseEChannel(isGroup && from !== 'network' ? from : 0);
    writeETag(tagged, ETHERNET.TYPE, {
      ...parseEChannel(to),
      ...priority,
      ingressBase: ingress.base,
      ingressExtension: ingress.extension,
    });
    return tagged;
  }

  private groupNumber(group: number): number {
    return this.tag === 'etag' ? eChannel({ group: 1, base: group }) : group;
  }

  private vportOf(channel: number): number {
    const vport = this.channels.indexOf(channel);
    if (vport < 0) throw new RangeError(`channel must be one of ${this.channels.join(', ')}, not ${channel}`);
    return vport;
  }
}

interface Up extends Priority {
  channel: number;
  /** Without the tag. */
  frame: Uint8Array;
}

function parseUpETag(frame: Uint8Array): Up | undefined {
  const tag = parseETag(frame, ETHERNET.TYPE, frame.length - ETHERNET.TYPE);
  if (tag === undefined || frame.length < ETHERNET_HEADER_BYTES + ETAG_BYTES) return undefined;
  const { priority, dropEligible } = tag;
  return { channel: eChannel(tag), priority, dropEligible, frame: without(frame, ETAG_BYTES) };
}

function parseUpVnTag(frame: Uint8Array): Up | undefined {
  const tag = parseVnTag(frame, ETHERNET.TYPE, frame.length - ETHERNET.TYPE);
  if (tag === undefined || tag.toCard || frame.length < ETHERNET_HEADER_BYTES + VNTAG_BYTES) return undefined;
  return { ...NO_PRIORITY, channel: tag.sourceVif, frame: without(frame, VNTAG_BYTES) };
}

function without(frame: Uint8Array, tagBytes: number): Uint8Array {
  const rest = new Uint8Array(frame.length - tagBytes);
  rest.set(frame.subarray(0, ETHERNET.TYPE));
  rest.set(frame.subarray(ETHERNET.TYPE + tagBytes), ETHERNET.TYPE);
  return rest;
}

function priorityOf(frame: Uint8Array): Priority {
  const tag = parseVlanTag(frame, ETHERNET.TYPE, frame.length - ETHERNET.TYPE);
  if (tag === undefined || tag.etherType !== EtherType.VLAN) return NO_PRIORITY;
  return { priority: tag.priority, dropEligible: tag.dropEligible };
}
