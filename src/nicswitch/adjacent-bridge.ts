import { checkInteger, checkKeys } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import {
  ETHERNET,
  ETHERNET_HEADER_BYTES,
  EtherType,
  isMulticast,
  readDestination,
  readEtherType,
  readSource,
  VLAN_TAG_BYTES,
} from '../wire/index.ts';
import { checkMac, type MacAddress } from './mac-address.ts';

/** How large an {@link AdjacentBridge} is. */
export interface AdjacentBridgeOptions {
  /** Ports, 1 to 256. */
  readonly ports: number;
  /** Addresses that it can learn, 1 to 1,048,576; beyond, what it has not learned is flooded. Default 8,192. */
  readonly addresses?: number;
  /** Name under which it counts. Default 'bridge'. */
  readonly name?: string;
}

/** VLAN of untagged frames, at first (IEEE 802.1Q, table 9-2). */
const DEFAULT_PVID = 1;
/** 01:80:c2:00:00:00 to 0f: what no bridge relays (IEEE 802.1Q, table 8-1). */
const RESERVED_GROUP = 0x0180_c200_0000;
const RESERVED_LAST = RESERVED_GROUP + 0xf;

interface BridgePort {
  reflectiveRelay: boolean;
  pvid: number;
  /** VLANs that the port is no member of: at first there is none. */
  readonly without: Set<number>;
}

const OPTIONS = { ports: true, addresses: true, name: true } as const;

/**
 * The bridge at the other end of a card's wire: it learns addresses, an own set for each VLAN, and relays frames to
 * where they belong (IEEE 802.1Q, clause 8).
 *
 * Reflective relay (IEEE 802.1Qbg) lets a frame leave by the port that it came in at, which is how VPorts reach
 * each other in VEPA; without, frames that would are filtered. A group frame then comes back to its sender's card as
 * well, where {@link SwitchConfiguration.setSourcePruning} keeps it from the sender itself.
 *
 * Frames leave as they came, with their tag or without. Addresses do not age; a station that moves is learned anew
 * with its next frame.
 *
 * @example
 * const bridge = new AdjacentBridge({ ports: 2 });
 * bridge.setReflectiveRelay(0, true);
 * const count = bridge.relay(frame, 0);
 * bridge.targets.subarray(0, count); // ports that it leaves by
 */
export class AdjacentBridge implements Component {
  readonly name: string;
  readonly ports: number;
  /** Ports that the frame relayed last leaves by, ascending. */
  readonly targets: Int32Array;
  framesIn = 0;
  framesOut = 0;
  /** Ports beyond the first that frames have left by. */
  replicas = 0;
  /** Frames that have left by no port: `framesIn + replicas = framesOut + filtered`. */
  filtered = 0;
  /** Of the frames that left, those that left by the port that they came in at. */
  reflected = 0;

  private readonly capacity: number;
  private readonly settings: BridgePort[];
  /** Port of each address, by VLAN. */
  private readonly learned = new Map<number, Map<number, number>>();
  private addresses = 0;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: AdjacentBridgeOptions) {
    checkKeys<AdjacentBridgeOptions>('options', options, OPTIONS);
    this.name = options.name ?? 'bridge';
    this.ports = checkInteger('ports', options.ports, 1, 256);
    this.capacity = checkInteger('addresses', options.addresses ?? 8192, 1, 1 << 20);
    this.targets = new Int32Array(this.ports);
    this.settings = Array.from({ length: this.ports }, () => ({
      reflectiveRelay: false,
      pvid: DEFAULT_PVID,
      without: new Set<number>(),
    }));
  }

  /** Whether frames may leave by `port` that came in there (IEEE 802.1Qbg). They may not, at first. */
  setReflectiveRelay(port: number, enabled: boolean): void {
    this.port(port).reflectiveRelay = enabled;
  }

  /** Whether `port` is a member of VLAN `vlan`, 1 to 4,094. Each is one of every VLAN, at first. */
  setVlanMember(port: number, vlan: number, member: boolean): void {
    const { without } = this.port(port);
    checkInteger('vlan', vlan, 1, 4094);
    if (member) without.delete(vlan);
    else without.add(vlan);
  }

  /** VLAN of the frames that come untagged, or with a priority tag, to `port`, 1 to 4,094. 1, at first. */
  setPvid(port: number, vlan: number): void {
    this.port(port).pvid = checkInteger('vlan', vlan, 1, 4094);
  }

  /** The port that an address has been learned at in a VLAN, or -1. */
  portOf(mac: MacAddress, vlan = DEFAULT_PVID): number {
    return this.learned.get(vlan)?.get(checkMac(mac)) ?? -1;
  }

  /** Forgets every address. */
  forget(): void {
    this.learned.clear();
    this.addresses = 0;
  }

  /**
   * Takes a frame that has come in at `ingress`, without frame check sequence: `bytes` of `frame` from `offset` on;
   * and decides by which ports it leaves.
   *
   * @returns how many of {@link AdjacentBridge.targets} these are.
   */
  relay(frame: Uint8Array, ingress: number, offset = 0, bytes: number = frame.length - offset): number {
    const port = this.port(ingress);
    this.framesIn++;
    const count = this.select(frame, offset, bytes, ingress, port);
    this.framesOut += count;
    if (count === 0) this.filtered++;
    else this.replicas += count - 1;
    for (let i = 0; i < count; i++) if (this.targets[i] === ingress) this.reflected++;
    return count;
  }

  counters(): Record<string, number> {
    const { framesIn, framesOut, replicas, filtered, reflected, addresses } = this;
    return { framesIn, framesOut, replicas, filtered, reflected, addresses };
  }

  /** Counters at zero and no address known; settings stay. */
  reset(): void {
    this.forget();
    this.framesIn = this.framesOut = this.replicas = this.filtered = this.reflected = 0;
  }

  private select(frame: Uint8Array, at: number, bytes: number, ingress: number, port: BridgePort): number {
    if (bytes < ETHERNET_HEADER_BYTES) return 0;
    const tagged = readEtherType(frame, at) === EtherType.VLAN;
    if (tagged && bytes < ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES) return 0;
    const tci = at + ETHERNET.TYPE + 2;
    const id = tagged ? ((frame[tci] & 0xf) << 8) | frame[tci + 1] : 0;
    const vlan = id === 0 ? port.pvid : id;
    if (port.without.has(vlan)) return 0;
    const destination = readDestination(frame, at);
    if (destination >= RESERVED_GROUP && destination <= RESERVED_LAST) return 0;
    this.learn(vlan, readSource(frame, at), ingress);
    const known = isMulticast(destination) ? undefined : this.learned.get(vlan)?.get(destination);
    if (known !== undefined) return this.leave(0, known, ingress, vlan);
    let count = 0;
    for (let other = 0; other < this.ports; other++) count = this.leave(count, other, ingress, vlan);
    return count;
  }

  /** Adds a port to the first `count` targets if the frame may leave by it. */
  private leave(count: number, port: number, ingress: number, vlan: number): number {
    const { without, reflectiveRelay } = this.settings[port];
    if (without.has(vlan) || (port === ingress && !reflectiveRelay)) return count;
    this.targets[count] = port;
    return count + 1;
  }

  private learn(vlan: number, source: number, port: number): void {
    if (isMulticast(source)) return;
    let table = this.learned.get(vlan);
    if (table === undefined) {
      table = new Map();
      this.learned.set(vlan, table);
    }
    const known = table.get(source);
    if (known === port) return;
    if (known === undefined) {
      if (this.addresses === this.capacity) return;
      this.addresses++;
    }
    table.set(source, port);
  }

  private port(port: number): BridgePort {
    return this.settings[checkInteger('port', port, 0, this.ports - 1)];
  }
}
