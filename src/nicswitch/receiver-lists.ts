import { lowestBit } from './bitmap.ts';
import { NOBODY, SET } from './mac-table.ts';
import { EGRESS, RECORD_SHIFT } from './port-record.ts';
import { PortSet } from './port-set.ts';
import { BROADCAST, type CountedLists, type CountListed, MULTICAST } from './switch-counters.ts';
import { type SwitchTables, VPORT_SET } from './switch-tables.ts';
import { NUMBER_MASK } from './target.ts';

/** Lists that are kept; a power of two. */
const LISTS = 64;
/** An odd multiplier: lists of neighbouring VLANs lie apart. */
const HASH = 0x9e3779b1 | 0;
const HASH_SHIFT = 26;

// What a key says of the destination: the value of its address in the table of addresses, or one of these.
/** A group address without exact filter that the hash table has. */
const HASHED = 0x1_0000;
const TO_ALL = 0x1_0001;
const GROUP_BITS = 17;

// Words of a list's head, of 8: `list << HEAD_SHIFT` is the first.
export const HEAD_SHIFT = 3;
/** What it is the list of; no key is -1. */
const KEY = 0;
/** How many VPorts are in it. */
export const MEMBERS = 1;
/** Longest frame that all of them take, in bytes without its 802.1Q tag; -1 if the list tells nothing. */
export const LONGEST = 2;
/** Frames that went to all of its VPorts since the counters were settled last, */
export const LIST_FRAMES = 3;
/** and their bytes. */
export const LIST_BYTES = 4;

/** The key of the list for broadcasts in a VLAN: row `row` of the VLAN table. */
export const broadcastKey = (row: number): number => (row << GROUP_BITS) | TO_ALL;

/** The same for a group: `value` is that of its address in the table of addresses, `hashed` what the hash table has. */
export const multicastKey = (row: number, value: number, hashed: boolean): number =>
  (row << GROUP_BITS) | (value === NOBODY && hashed ? HASHED : value);

const groupOf = (key: number): number => key & ((1 << GROUP_BITS) - 1);

/**
 * Who receives frames to groups and to all, compiled: for a VLAN and a destination the VPorts that the rules leave,
 * in ascending order, each as a word with its tag operations, ready to be gone through. What depends on the sender
 * is not in it: it is to be left out, and the wire added.
 *
 * A list is made when the first frame asks for it and forgotten when a filter changes. There are as many as fit;
 * one that is asked for takes the place of another.
 */
export class ReceiverLists implements CountedLists {
  /** Member n of a list: `list * stride + n`. Bits 23:0: port; above, tag operations, as in its EGRESS word. */
  declare readonly members: Int32Array;
  declare readonly stride: number;
  declare readonly heads: Int32Array;
  private readonly tables: SwitchTables;
  private readonly ports: PortSet;
  private version = -1;

  constructor(tables: SwitchTables) {
    this.tables = tables;
    this.stride = tables.uplink;
    this.members = new Int32Array(LISTS * this.stride);
    this.heads = new Int32Array(LISTS << HEAD_SHIFT);
    this.ports = new PortSet(tables.uplink + 1);
    this.forget();
  }

  /**
   * Number of the list of a key, up to date.
   *
   * @param settle is called before a list goes whose frames have not been counted at its members.
   */
  find(key: number, settle: () => void): number {
    const { heads, tables } = this;
    const version = (tables.version + tables.vlans.version) | 0;
    if (version !== this.version) {
      settle();
      this.forget();
      this.version = version;
    }
    const list = Math.imul(key, HASH) >>> HASH_SHIFT;
    const head = list << HEAD_SHIFT;
    if (heads[head] !== key) {
      if (heads[head | LIST_FRAMES] !== 0) settle();
      this.compile(list, key);
    }
    return list;
  }

  settle(count: CountListed): void {
    const { heads, members, stride } = this;
    for (let list = 0; list < LISTS; list++) {
      const head = list << HEAD_SHIFT;
      const frames = heads[head | LIST_FRAMES];
      if (frames === 0) continue;
      const bytes = heads[head | LIST_BYTES];
      const frameClass = groupOf(heads[head | KEY]) === TO_ALL ? BROADCAST : MULTICAST;
      const first = list * stride;
      for (let i = 0; i < heads[head | MEMBERS]; i++) {
        count(members[first + i] & NUMBER_MASK, frames, bytes, frameClass);
      }
      heads[head | LIST_FRAMES] = 0;
      heads[head | LIST_BYTES] = 0;
    }
  }

  private forget(): void {
    this.heads.fill(0);
    for (let list = 0; list < LISTS; list++) this.heads[(list << HEAD_SHIFT) | KEY] = -1;
  }

  private compile(list: number, key: number): void {
    const { heads, members, stride, tables, ports } = this;
    const { records, longest, vlans, vportSets, setWords, maxFrameBytes } = tables;
    const row = key >>> GROUP_BITS;
    this.match(groupOf(key));
    ports.intersectRow(vlans.words, vlans.receiversRow(row));
    ports.intersectRow(vportSets, VPORT_SET.ACTIVE * setWords);
    ports.intersectRow(vportSets, VPORT_SET.RX * setWords);
    const first = list * stride;
    let count = 0;
    let shortest = vlans.passes(row) ? maxFrameBytes : -1;
    for (let w = 0; w < ports.words.length; w++) {
      for (let rest = ports.words[w]; rest !== 0; rest &= rest - 1) {
        const port = (w << 5) + lowestBit(rest);
        members[first + count++] = port | (records[(port << RECORD_SHIFT) | EGRESS] & ~NUMBER_MASK);
        if (longest[port] < shortest) shortest = longest[port];
      }
    }
    const head = list << HEAD_SHIFT;
    heads[head | KEY] = key;
    heads[head | MEMBERS] = count;
    heads[head | LONGEST] = shortest;
  }

  /** Who asked for the destination. */
  private match(group: number): void {
    const { ports, tables } = this;
    const { macs, vportSets, setWords } = tables;
    ports.clear();
    if (group === TO_ALL) {
      ports.addRow(vportSets, VPORT_SET.BROADCAST * setWords);
      return;
    }
    if (group === HASHED) ports.addRow(vportSets, VPORT_SET.MULTICAST_HASH * setWords);
    else if (group < SET) ports.add(group);
    else if (group !== NOBODY) ports.addRow(macs.sets, macs.rowOf(group));
    ports.addRow(vportSets, VPORT_SET.MULTICAST_PROMISCUOUS * setWords);
  }
}
