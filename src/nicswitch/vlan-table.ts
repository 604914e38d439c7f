import { checkInteger } from '../base/index.ts';
import { hasBit, rowWords, writeBit } from './bitmap.ts';
import type { PortSet } from './port-set.ts';

/** Row of frames without a tag; the rows before it are those of VLAN 0 to 4095. */
export const UNTAGGED = 4096;
const ROWS = 4097;

/** EtherType 8100h as its two bytes lie in a little-endian word of a frame. */
export const VLAN_TYPE = 0x0081;
const SERVICE_TYPE = 0xa888;
const OLD_SERVICE_TYPE = 0x0091;

/** Whether a frame's word begins with the EtherType of a VLAN tag: 8100h, 88A8h (IEEE 802.1ad) or 9100h. */
export const isVlanTag = (word: number): boolean => {
  const type = word & 0xffff;
  return type === VLAN_TYPE || type === SERVICE_TYPE || type === OLD_SERVICE_TYPE;
};

/**
 * Who may send frames without a VLAN, untagged or with a tag of VLAN 0, where VLANs are checked: VPorts that
 * take untagged frames; or members of VLAN 0 alone, because the check looks such a frame up as one of VLAN 0.
 */
export type UntaggedCheck = 'accepted' | 'vlanZero';

/** VLAN of the tag in `word`: EtherType in the lower half, big-endian TCI in the upper. */
export const vlanOfWord = (word: number): number => {
  return ((word >>> 8) & 0xf00) | (word >>> 24);
};

/**
 * Which ports belong to which VLAN, and what follows for receiving.
 *
 * A row holds two sets of ports side by side, so that a frame touches one cache line: first the senders, then
 * the receivers. Senders are the members: who may send in the VLAN where that is checked. Receivers are the
 * members and those that take every VLAN; all ports while the filter is off. A port with a list of allowed
 * VLANs is neither in the rows of others, and sends in all of its own unless membership is checked, too.
 * To have no tag is treated as one more VLAN. A tag with VLAN 0 carries a priority only: the frame counts as
 * untagged, its members are those of the untagged row and who asked for VLAN 0 by number. Who may send
 * without a VLAN is a question of its own: see {@link UntaggedCheck}.
 */
export class VlanTable {
  declare readonly words: Int32Array;
  /** Counts changes of {@link VlanTable.words}. */
  version = 0;
  /** Words of one set of ports. */
  declare readonly setWords: number;
  /** Words of a row: `row * rowLength` is the first word of its senders. */
  declare readonly rowLength: number;
  /** The wire: no VLAN is filtered out there. */
  private readonly uplink: number;
  private readonly untaggedCheck: UntaggedCheck;
  private readonly vlanZero: Int32Array;
  private readonly promiscuous: Int32Array;
  /** Who asked for a row: `row * setWords` is its first word. */
  private readonly members: Int32Array;
  /** Who may not use a row, in the same form; null while no port has a list. */
  private denied: Int32Array | null = null;
  /** Ports that have a list, and ports whose membership is checked. */
  private readonly listed: Int32Array;
  private readonly checked: Int32Array;
  private readonly admitted = new Int32Array(4096 >> 5);
  /** Rows that each port is a member of. */
  private readonly rowsOf: Set<number>[];
  private filtering = false;

  /** @param ports ports, the last of them the uplink. */
  constructor(ports: number, untaggedCheck: UntaggedCheck = 'accepted') {
    this.untaggedCheck = untaggedCheck;
    this.setWords = rowWords(ports);
    this.rowLength = 2 * this.setWords;
    this.words = new Int32Array(ROWS * this.rowLength);
    this.uplink = ports - 1;
    this.members = new Int32Array(ROWS * this.setWords);
    this.listed = new Int32Array(this.setWords);
    this.checked = new Int32Array(this.setWords);
    this.vlanZero = new Int32Array(this.setWords);
    this.promiscuous = new Int32Array(this.setWords);
    this.rowsOf = Array.from({ length: ports }, () => new Set());
    this.clear();
  }

  /** No members, no lists, all VLANs admitted, filter off. */
  clear(): void {
    this.members.fill(0);
    this.listed.fill(0);
    this.checked.fill(0);
    this.denied = null;
    this.vlanZero.fill(0);
    this.promiscuous.fill(0);
    for (const rows of this.rowsOf) rows.clear();
    this.admitted.fill(-1);
    this.filtering = false;
    this.compileAll();
  }

  /** True while receivers are filtered by VLAN. */
  get filter(): boolean {
    return this.filtering;
  }

  set filter(enabled: boolean) {
    if (enabled === this.filtering) return;
    this.filtering = enabled;
    this.compileAll();
  }

  isMember(port: number, row: number): boolean {
    return hasBit(this.members, row * this.setWords, port);
  }

  /** Whether `port` may send in `row` where it is checked. */
  isSender(port: number, row: number): boolean {
    return hasBit(this.words, row * this.rowLength, port);
  }

  /** Whether `port` has no list of VLANs, or `row` is in it. */
  isAllowed(port: number, row: number): boolean {
    return this.denied === null || !hasBit(this.denied, row * this.setWords, port);
  }

  /** Takes from `ports` those that may not use `row`. */
  removeDenied(ports: PortSet, row: number): void {
    if (this.denied !== null) ports.removeRow(this.denied, row * this.setWords);
  }

  /** Whether `port` has a list of the rows that it may use. */
  hasList(port: number): boolean {
    return hasBit(this.listed, 0, port);
  }

  /** Gives `port` a list of the rows that it may use, or none. */
  setAllowed(port: number, rows: ReadonlySet<number> | null): void {
    if (rows === null && !this.hasList(port)) return;
    this.denied ??= new Int32Array(ROWS * this.setWords);
    for (let row = 0; row < ROWS; row++) {
      writeBit(this.denied, row * this.setWords, port, rows !== null && !rows.has(row));
    }
    writeBit(this.listed, 0, port, rows !== null);
    this.compileAll();
  }

  /** Whether `port`, if it has a list, may send in those VLANs only of which it is a member. */
  setChecked(port: number, checked: boolean): void {
    if (hasBit(this.checked, 0, port) === checked) return;
    writeBit(this.checked, 0, port, checked);
    if (this.hasList(port)) this.compileAll();
  }

  /** Makes `port` a member of VLAN `row`, or of {@link UNTAGGED}, or takes it out. */
  setMember(port: number, row: number, member: boolean): void {
    if (row === 0) writeBit(this.vlanZero, 0, port, member);
    else this.writeMember(port, row, member);
    if (row === 0 || row === UNTAGGED) {
      this.writeMember(port, 0, hasBit(this.vlanZero, 0, port) || this.isMember(port, UNTAGGED));
      // Senders of both rows can be others, though their members are the same.
      if (this.untaggedCheck === 'vlanZero') this.compileUntagged();
    }
  }

  /** `port` receives every VLAN, tagged or not. */
  setPromiscuous(port: number, promiscuous: boolean): void {
    if (hasBit(this.promiscuous, 0, port) === promiscuous) return;
    writeBit(this.promiscuous, 0, port, promiscuous);
    this.compileAll();
  }

  /** Takes `port` out of every VLAN. */
  removePort(port: number): void {
    writeBit(this.vlanZero, 0, port, false);
    for (const row of this.rowsOf[port]) this.writeMember(port, row, false);
    this.compileUntagged();
    this.setPromiscuous(port, false);
  }

  /** First word of the receivers of `row`. */
  receiversRow(row: number): number {
    return row * this.rowLength + this.setWords;
  }

  /** True if frames of `row` are looked at at all. */
  passes(row: number): boolean {
    return !this.filtering || row === 0 || row === UNTAGGED || hasBit(this.admitted, 0, row);
  }

  /** Whether frames of `vlan`, not 0, pass the filter. VLAN 0 is none: there is nothing to admit. */
  setAdmitted(vlan: number, admitted: boolean): void {
    if (hasBit(this.admitted, 0, vlan) === admitted) return;
    writeBit(this.admitted, 0, vlan, admitted);
    this.compile(vlan);
  }

  private writeMember(port: number, row: number, member: boolean): void {
    if (this.isMember(port, row) === member) return;
    writeBit(this.members, row * this.setWords, port, member);
    if (member) this.rowsOf[port].add(row);
    else this.rowsOf[port].delete(row);
    this.compile(row);
  }

  private compileAll(): void {
    for (let row = 0; row < ROWS; row++) this.compile(row);
  }

  private compileUntagged(): void {
    this.compile(0);
    this.compile(UNTAGGED);
  }

  private compile(row: number): void {
    const { words, setWords, members, denied, listed, checked } = this;
    const from = row * setWords;
    const asZero = this.untaggedCheck === 'vlanZero' && (row === 0 || row === UNTAGGED);
    const senders = row * this.rowLength;
    const receivers = senders + setWords;
    const passes = this.passes(row);
    this.version = (this.version + 1) | 0;
    for (let w = 0; w < setWords; w++) {
      const member = members[from + w];
      const filtered = passes ? member | this.promiscuous[w] : 0;
      const allowed = denied === null ? -1 : ~denied[from + w];
      const sender = asZero ? this.vlanZero[w] : member;
      words[senders + w] = (sender | (listed[w] & ~checked[w])) & allowed;
      words[receivers + w] = (this.filtering ? filtered : -1) & allowed;
    }
    writeBit(words, receivers, this.uplink, true);
  }
}

/** @internal `vlan` if it is a VLAN's number. */
export function checkVlan(vlan: number): number {
  return checkInteger('vlan', vlan, 0, UNTAGGED - 1);
}
