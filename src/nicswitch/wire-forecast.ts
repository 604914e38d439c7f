import type { FramePool } from '../base/index.ts';
import { VLAN_TAG_BYTES } from '../wire/index.ts';
import { SHORTEST } from './direct-path.ts';
import { isSourceOf } from './frame-addresses.ts';
import { GROUP_BIT, NOBODY, nearValue } from './mac-table.ts';
import {
  ALL_DIRECT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  KEEP_TAG,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
  WIRE_DIRECT,
} from './port-record.ts';
import type { SwitchTables } from './switch-tables.ts';
import { isPriorityOnly, TAG_STRIP, tagOf, vlanOf } from './target.ts';

/**
 * Whether the direct way through the switch takes a frame to the wire: its steps (`decideOne`), in the same
 * order, without anything being changed or counted.
 */
export function isForWire(frames: FramePool, tables: SwitchTables, slot: number, ingress: number): boolean {
  const { records, macs, vlans, setWords, uplink } = tables;
  const { words: vlanWords, rowLength } = vlans;
  const from = ingress << RECORD_SHIFT;
  const direct = records[from | DIRECT];
  const word = slot << (frames.slotShift - 2);
  const { i32 } = frames;
  const first = i32[word];
  const second = i32[word + 1];
  const third = i32[word + 2];
  const fourth = i32[word + 3];
  const bytes = frames.lengths[slot];
  // Of the others no frame goes to the wire by the tables alone.
  if (direct !== WIRE_DIRECT && direct !== ALL_DIRECT) return false;
  if (bytes < SHORTEST || (first & GROUP_BIT) !== 0) return false;

  const portTag = records[from | PORT_TAG];
  if (portTag >= 0 && isPriorityOnly(frames.outerTci[slot], fourth)) return false;
  const outer = portTag === KEEP_TAG ? frames.outerTci[slot] : portTag;
  const tag = tagOf(outer, fourth);
  const members = Math.imul(vlanOf(tag, outer, fourth), rowLength);
  const checkVlan = records[from | CHECK_VLAN];
  if (((vlanWords[members + (ingress >>> 5)] >>> ingress) & checkVlan) !== checkVlan) return false;
  const differs = ((second ^ records[from | SOURCE_FIRST]) >>> 16) | (third ^ records[from | SOURCE_LAST]);
  if ((differs & records[from | CHECK_MAC]) !== 0 && !isSourceOf(macs, ingress, second, third)) return false;
  if (direct === ALL_DIRECT) {
    if (nearValue(macs.places, macs.shift, first, second) !== NOBODY) return false;
    if (((vlanWords[members + setWords + (uplink >>> 5)] >>> uplink) & 1) === 0) return false;
  }
  const size = tag === TAG_STRIP ? bytes - VLAN_TAG_BYTES : bytes;
  return size <= (records[(uplink << RECORD_SHIFT) | EGRESS] & 0xffff);
}
