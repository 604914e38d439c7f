import { hasBit, rowWords, writeBit } from './bitmap.ts';
import { AS_SWITCH, NOWHERE, TO_PORT, VEPA } from './forwarding.ts';
import type { SwitchClock } from './frame-rate-limit.ts';
import { HashFilter } from './hash-filter.ts';
import { MacTable } from './mac-table.ts';
import { MirrorRules } from './mirror-rules.ts';
import { RECORD_SHIFT } from './port-record.ts';
import { StormControl } from './storm-control.ts';
import { TagTables } from './tag-tables.ts';
import { type UntaggedCheck, VlanTable } from './vlan-table.ts';

/**
 * When a unicast frame from a VPort is kept from the wire: if its address is an exact filter of a VPort that
 * receives its VLAN, or if it is an exact filter at all (then a match in another VLAN only loses the frame).
 */
export type LocalMatch = 'vlan' | 'mac';

/** Rows of {@link SwitchTables.vportSets}. */
export const VPORT_SET = Object.freeze({
  /** May receive. */
  RX: 0,
  /** May send. */
  TX: 1,
  BROADCAST: 2,
  MULTICAST_PROMISCUOUS: 3,
  UNICAST_PROMISCUOUS: 4,
  MULTICAST_HASH: 5,
  UNICAST_HASH: 6,
  SELF_DELIVERY: 7,
  /** Takes part at all: neither deactivated nor deleted. */
  ACTIVE: 8,
  /** See VPortIsolation. */
  PRIVATE: 9,
  PROMISCUOUS: 10,
});
const VPORT_SETS = Object.keys(VPORT_SET).length;
/** Those before are of filters and may be set anew at any time; those from here on are the host's policy. */
export const FILTER_SETS = VPORT_SET.ACTIVE;

/** Everything the data path looks at, as it looks at it. Written by SwitchConfiguration only. */
export class SwitchTables {
  declare readonly uplink: number;
  declare readonly maxFrameBytes: number;
  declare readonly localMatch: LocalMatch;
  declare readonly macs: MacTable;
  declare readonly vlans: VlanTable;
  declare readonly tags: TagTables;
  readonly multicastHash = new HashFilter();
  readonly unicastHash = new HashFilter();
  /** A line of words for each port: see port-record.ts. */
  declare readonly records: Int32Array;
  /**
   * Longest frame that each port takes, in bytes without its 802.1Q tag; 0 while it may not receive. The records
   * have the same, or 0 where frames to the port need the long way.
   */
  declare readonly longest: Int32Array;
  declare readonly mirrors: MirrorRules;
  /** Words of a set of ports. */
  declare readonly setWords: number;
  /** Set number s, one of {@link VPORT_SET}, begins at `s * setWords`. */
  declare readonly vportSets: Int32Array;
  /** Which 12 bits of an address index the hash filters: see hashIndex. */
  hashOffset = 0;
  loopback = true;
  replication = true;
  sourcePruning = true;
  /** -1 for none. */
  defaultVPort = -1;
  /** True if unicast frames can have receivers that the exact filters do not show. */
  unicastPromiscuity = false;
  /** Counts changes of what lists of receivers are made of, beside those of {@link SwitchTables.vlans}. */
  version = 0;
  /** True if unicast frames without exact filter can have receivers. */
  unicastHashing = false;
  /** True if some VPort is private. */
  isolation = false;
  /** Where the frames of each VPort go: see forwarding.ts. */
  declare readonly forwarding: Int32Array;
  /** True if some VPort expects its frames back from the adjacent bridge while the switch does not. */
  reflection = false;
  declare readonly storms: StormControl;

  constructor(
    vports: number,
    macFilters: number,
    maxFrameBytes: number,
    localMatch: LocalMatch,
    mirrorRules: number,
    clock: SwitchClock | null,
    untaggedCheck: UntaggedCheck,
  ) {
    const ports = vports + 1;
    this.uplink = vports;
    this.maxFrameBytes = maxFrameBytes;
    this.localMatch = localMatch;
    this.macs = new MacTable(macFilters, ports);
    this.vlans = new VlanTable(ports, untaggedCheck);
    this.records = new Int32Array(ports << RECORD_SHIFT);
    this.longest = new Int32Array(ports);
    this.mirrors = new MirrorRules(mirrorRules, ports);
    this.setWords = rowWords(ports);
    this.tags = new TagTables(ports, this.setWords);
    this.vportSets = new Int32Array(VPORT_SETS * this.setWords);
    this.forwarding = new Int32Array(ports).fill(AS_SWITCH);
    this.storms = new StormControl(ports, clock);
  }

  /** Everything but the filters of VPorts as after construction. */
  clear(): void {
    this.macs.clear();
    this.vlans.clear();
    this.tags.clear();
    this.multicastHash.clear();
    this.unicastHash.clear();
    this.mirrors.clear();
    this.hashOffset = 0;
    this.loopback = true;
    this.replication = true;
    this.sourcePruning = true;
    this.defaultVPort = -1;
    this.forwarding.fill(AS_SWITCH);
    this.reflection = false;
    this.storms.clear();
    this.vportSets.fill(0, VPORT_SET.PRIVATE * this.setWords);
    for (let vport = 0; vport < this.uplink; vport++) this.writeSet(VPORT_SET.ACTIVE, vport, true);
  }

  /** Whether frames are mirrored: without replication none are (82599 data sheet, section 7.10.3.4). */
  get mirroring(): boolean {
    return this.replication && this.mirrors.active;
  }

  /** Returns whether what the exact filters show of unicast frames has changed by it. */
  writeSet(set: number, vport: number, member: boolean): boolean {
    writeBit(this.vportSets, set * this.setWords, vport, member);
    this.version = (this.version + 1) | 0;
    const { unicastPromiscuity, unicastHashing, isolation } = this;
    this.unicastPromiscuity = this.anyone(VPORT_SET.UNICAST_PROMISCUOUS);
    this.unicastHashing = this.anyone(VPORT_SET.UNICAST_HASH);
    this.isolation = this.anyone(VPORT_SET.PRIVATE);
    return (
      this.unicastPromiscuity !== unicastPromiscuity ||
      this.unicastHashing !== unicastHashing ||
      this.isolation !== isolation
    );
  }

  setForwarding(vport: number, way: number): void {
    this.forwarding[vport] = way;
    this.reflection = this.forwarding.includes(VEPA);
  }

  /** Whether all that `vport` sends goes to the wire alone. */
  goesToWire(vport: number): boolean {
    const way = this.forwarding[vport];
    return way === AS_SWITCH ? !this.loopback : way === VEPA || way === TO_PORT;
  }

  /** Whether all that `vport` sends goes to one VPort, or nowhere. */
  goesToVPort(vport: number): boolean {
    const way = this.forwarding[vport];
    return way >= 0 || way === NOWHERE;
  }

  /** Whether private VPorts exchange frames with `vport`. */
  isOpen(vport: number): boolean {
    return vport === this.defaultVPort || this.isInSet(VPORT_SET.PROMISCUOUS, vport);
  }

  isInSet(set: number, vport: number): boolean {
    return hasBit(this.vportSets, set * this.setWords, vport);
  }

  private anyone(set: number): boolean {
    for (let w = 0; w < this.setWords; w++) {
      if (this.vportSets[set * this.setWords + w] !== 0) return true;
    }
    return false;
  }
}
