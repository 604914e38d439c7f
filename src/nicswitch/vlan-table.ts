import { hasBit, rowWords, writeBit } from './bitmap.ts';

/** Row of frames without a tag; the rows before it are those of VLAN 0 to 4095. */
export const UNTAGGED = 4096;
const ROWS = 4097;

/** EtherType 8100h as its two bytes lie in a little-endian word of a frame. */
export const VLAN_TYPE = 0x0081;

/** VLAN of the tag in `word`: EtherType in the lower half, big-endian TCI in the upper. */
export const vlanOfWord = (word: number): number => {
  return ((word >>> 8) & 0xf00) | (word >>> 24);
};

/**
 * Which ports belong to which VLAN, and what follows for receiving.
 *
 * A row holds two sets of ports side by side, so that a frame touches one cache line: first the members, then
 * the receivers. Receivers are the members and those that take every VLAN; all ports while the filter is off.
 * To have no tag is treated as one more VLAN. A tag with VLAN 0 carries a priority only: the frame counts as
 * untagged, its members are those of the untagged row and who asked for VLAN 0 by number.
 */
export class VlanTable {
  declare readonly words: Int32Array;
  /** Words of one set of ports. */
  declare readonly setWords: number;
  /** Words of a row: `row * rowLength` is the first word of its members. */
  declare readonly rowLength: number;
  /** The wire: no VLAN is filtered out there. */
  private readonly uplink: number;
  private readonly vlanZero: Int32Array;
  private readonly promiscuous: Int32Array;
  private readonly admitted = new Int32Array(4096 >> 5);
  /** Rows that each port is a member of. */
  private readonly rowsOf: Set<number>[];
  private filtering = false;

  /** @param ports ports, the last of them the uplink. */
  constructor(ports: number) {
    this.setWords = rowWords(ports);
    this.rowLength = 2 * this.setWords;
    this.words = new Int32Array(ROWS * this.rowLength);
    this.uplink = ports - 1;
    this.vlanZero = new Int32Array(this.setWords);
    this.promiscuous = new Int32Array(this.setWords);
    this.rowsOf = Array.from({ length: ports }, () => new Set());
    this.clear();
  }

  /** No members, all VLANs admitted, filter off. */
  clear(): void {
    this.words.fill(0);
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
    return hasBit(this.words, row * this.rowLength, port);
  }

  /** Makes `port` a member of VLAN `row`, or of {@link UNTAGGED}, or takes it out. */
  setMember(port: number, row: number, member: boolean): void {
    if (row === 0) writeBit(this.vlanZero, 0, port, member);
    else this.writeMember(port, row, member);
    if (row === 0 || row === UNTAGGED) {
      this.writeMember(port, 0, hasBit(this.vlanZero, 0, port) || this.isMember(port, UNTAGGED));
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
    writeBit(this.words, row * this.rowLength, port, member);
    if (member) this.rowsOf[port].add(row);
    else this.rowsOf[port].delete(row);
    this.compile(row);
  }

  private compileAll(): void {
    for (let row = 0; row < ROWS; row++) this.compile(row);
  }

  private compile(row: number): void {
    const members = row * this.rowLength;
    const receivers = members + this.setWords;
    const passes = this.passes(row);
    for (let w = 0; w < this.setWords; w++) {
      const filtered = passes ? this.words[members + w] | this.promiscuous[w] : 0;
      this.words[receivers + w] = this.filtering ? filtered : -1;
    }
    writeBit(this.words, receivers, this.uplink, true);
  }
}
