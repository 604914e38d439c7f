import { VLAN_TAG_BYTES } from '../wire/index.ts';
import type { DirectPathParts } from './direct-path.ts';
import { LONG_WAY as LONG_WAY_DIRECT, SHORTEST as SHORTEST_DIRECT } from './direct-steps.ts';
import { DROP } from './drop-reason.ts';
import { hashIndex } from './hash-filter.ts';
import { GROUP_BIT, NOBODY, nearValue } from './mac-table.ts';
import { QUEUE_TAIL } from './port-queues.ts';
import {
  ALL_DIRECT,
  BYTES_OUT,
  DIRECT,
  EGRESS,
  FILTERED_DIRECT,
  KEEP_TAG,
  OUT_BY_CLASS,
  OUTPUT_QUEUE,
  PORT_TAG,
  RECORD_SHIFT,
} from './port-record.ts';
import {
  broadcastKey,
  HEAD_SHIFT,
  LIST_BYTES,
  LIST_FRAMES,
  LONGEST,
  MEMBERS,
  multicastKey,
} from './receiver-lists.ts';
import { BROADCAST_STORM, MULTICAST_STORM } from './storm-control.ts';
import { BROADCAST, MULTICAST } from './switch-counters.ts';
import { VPORT_SET } from './switch-tables.ts';
import { NUMBER_MASK, TAG_SHIFT, TAG_STRIP } from './target.ts';

const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;
// Constants of this module: an imported one is loaded and checked at each use.
const SHIFT = RECORD_SHIFT;
const NUMBER = NUMBER_MASK;
const SHORTEST = SHORTEST_DIRECT;
const LONG_WAY = LONG_WAY_DIRECT;
const STRIPPED = TAG_STRIP << TAG_SHIFT;

/** The direct way of frames to a group or to all. */
export interface GroupPath {
  /** Puts a frame into its output queues; false, and nothing done, if it needs the long way. */
  replicate(slot: number, ingress: number): boolean;
  /**
   * Writes the targets of a frame, counts it at each, and gives each a reference; returns how many, or 0, and nothing
   * done, if it needs the long way.
   */
  gather(slot: number, ingress: number): number;
}

/**
 * The direct way for frames to groups and to all: the steps of the direct path, and then one pass over a list of
 * receivers that has been compiled before (receiver-lists.ts). From queue to queue a copy is an entry in an output
 * queue and no more: references are added once, and what a frame counts at its receivers is counted at the list.
 * ReceiverSelection decides these frames, too, by the same rules, and all that need more: storm limits, mirroring,
 * private VPorts, two VLAN tags, other ways of forwarding.
 */
export function createGroupPath(parts: DirectPathParts): GroupPath {
  const { frames, tables, output, lists, counters, targets } = parts;
  const { vlanFrom, isStacked, mayUse } = parts.steps;
  const { macs, storms, mirrors, multicastHash } = tables;
  const settle = () => counters.settle();
  const fixed = {
    i32: frames.i32,
    lengths: frames.lengths,
    outerTci: frames.outerTci,
    references: frames.references,
    wordShift: frames.slotShift - 2,
    records: tables.records,
    rowLength: tables.vlans.rowLength,
    uplink: tables.uplink,
    members: lists.members,
    heads: lists.heads,
    listStride: lists.stride,
    items: output.items,
    stride: output.stride,
    capacity: output.capacity,
  };

  /** Whether the rules of the whole switch leave frames to groups that come in at `port` to their lists. */
  function isListed(port: number, storm: number): boolean {
    if (!tables.replication || mirrors.active) return false;
    if (storms.count > 0 && storms.isLimited(port, storm)) return false;
    if (port !== fixed.uplink) return !tables.isInSet(VPORT_SET.SELF_DELIVERY, port);
    // What the adjacent bridge sends back is not for its sender.
    return (tables.loopback && !tables.reflection) || !tables.sourcePruning;
  }

  /** False if the frame is lost there. */
  function toWire(slot: number, bytes: number, frameClass: number, entryTag: number): boolean {
    const { records, items, stride, capacity, uplink } = fixed;
    const to = uplink << SHIFT;
    if (records[to | OUTPUT_TAIL] === capacity && !output.moveToFront(uplink)) {
      counters.countDrop(uplink, DROP.outputFull);
      return false;
    }
    const tail = records[to | OUTPUT_TAIL];
    items[(Math.imul(uplink, stride) + tail) | 0] = slot | (records[to | EGRESS] & entryTag);
    records[to | OUTPUT_TAIL] = tail + 1;
    records[to | BYTES_OUT] = (records[to | BYTES_OUT] + bytes) | 0;
    const counter = (to + OUT_BY_CLASS + frameClass) | 0;
    records[counter] = (records[counter] + 1) | 0;
    return true;
  }

  const isToAll = (slot: number): boolean => {
    const { i32, wordShift } = fixed;
    const word = slot << wordShift;
    return i32[word] === -1 && (i32[word | 1] & 0xffff) === 0xffff;
  };

  /**
   * Number of the list with the receivers of a frame, and above it, as in target.ts, where the frame's tag is;
   * LONG_WAY if there is none for it.
   */
  function listOf(slot: number, ingress: number): number {
    const { i32, lengths, outerTci, wordShift, records, heads, rowLength, uplink } = fixed;
    const direct = records[(ingress << SHIFT) | DIRECT];
    const bytes = lengths[slot];
    const word = slot << wordShift;
    const first = i32[word];
    if (direct !== ALL_DIRECT && direct !== FILTERED_DIRECT) return LONG_WAY;
    if (bytes < SHORTEST || (first & GROUP_BIT) === 0) return LONG_WAY;
    const second = i32[word | 1];
    const fourth = i32[word | 3];
    const toAll = isToAll(slot);
    if (!isListed(ingress, toAll ? BROADCAST_STORM : MULTICAST_STORM)) return LONG_WAY;
    if (isStacked(fourth, i32[word | 4])) return LONG_WAY;
    const vlan = vlanFrom(ingress, outerTci[slot], fourth);
    if (vlan === LONG_WAY || !mayUse(ingress, second, i32[word | 2])) return LONG_WAY;

    const row = ((vlan & NUMBER) / rowLength) | 0;
    let key: number;
    if (toAll) {
      key = broadcastKey(row);
    } else {
      const value = nearValue(macs.places, macs.shift, first, second);
      const hashed = value === NOBODY && multicastHash.get(hashIndex(second & 0xffff, tables.hashOffset));
      key = multicastKey(row, value, hashed);
    }
    const list = lists.find(key, settle);
    const head = list << HEAD_SHIFT;
    const tag = vlan & ~NUMBER;
    const size = tag === STRIPPED ? (bytes - VLAN_TAG_BYTES) | 0 : bytes;
    // Nobody to tell why a frame has no receiver.
    if (size > heads[head | LONGEST] || (heads[head | MEMBERS] === 0 && ingress === uplink)) return LONG_WAY;
    return list | tag;
  }

  /** The port's tag takes the place of what was beside the frame. */
  function tagFrom(slot: number, ingress: number): void {
    const portTag = fixed.records[(ingress << SHIFT) | PORT_TAG];
    if (portTag !== KEEP_TAG) fixed.outerTci[slot] = portTag;
  }

  function gather(slot: number, ingress: number): number {
    const { records, members, heads, listStride, lengths, references, uplink } = fixed;
    const found = listOf(slot, ingress);
    if (found === LONG_WAY) return 0;
    const list = found & NUMBER;
    const tag = found & ~NUMBER;
    const begin = Math.imul(list, listStride);
    const end = (begin + heads[(list << HEAD_SHIFT) | MEMBERS]) | 0;
    let count = 0;
    for (let i = begin; i < end; i = (i + 1) | 0) {
      const member = members[i];
      if ((member & NUMBER) === ingress) continue;
      targets[count] = member & (NUMBER | tag);
      count = (count + 1) | 0;
    }
    if (ingress !== uplink) {
      targets[count] = uplink | (records[(uplink << SHIFT) | EGRESS] & tag);
      count = (count + 1) | 0;
    }
    tagFrom(slot, ingress);
    const bytes = lengths[slot];
    const frameClass = isToAll(slot) ? BROADCAST : MULTICAST;
    for (let i = 0; i < count; i = (i + 1) | 0) counters.countOut(targets[i] & NUMBER, bytes, frameClass);
    references[slot] = (references[slot] + count - 1) | 0;
    counters.countReplicated(ingress, bytes, frameClass, count);
    return count;
  }

  function replicate(slot: number, ingress: number): boolean {
    const { lengths, references, records, members, heads, listStride, items, stride, capacity, uplink } =
      fixed;
    const found = listOf(slot, ingress);
    if (found === LONG_WAY) return false;
    tagFrom(slot, ingress);
    const list = found & NUMBER;
    const entryTag = found & ~NUMBER;
    const head = list << HEAD_SHIFT;
    const count = heads[head | MEMBERS];
    const from = ingress << SHIFT;
    const bytes = lengths[slot];
    const frameClass = isToAll(slot) ? BROADCAST : MULTICAST;
    const begin = Math.imul(list, listStride);
    const end = (begin + count) | 0;
    const ownTail = records[from | OUTPUT_TAIL];
    let lost = 0;
    let isMember = false;
    for (let i = begin; i < end; i = (i + 1) | 0) {
      const member = members[i];
      const port = member & NUMBER;
      const to = port << SHIFT;
      let tail = records[to | OUTPUT_TAIL];
      if (tail === capacity) {
        if (port === ingress) {
          isMember = true;
          continue;
        }
        if (!output.moveToFront(port)) {
          counters.takeBack(port, bytes, frameClass);
          counters.countDrop(port, DROP.outputFull);
          lost = (lost + 1) | 0;
          continue;
        }
        tail = records[to | OUTPUT_TAIL];
      }
      items[(Math.imul(port, stride) + tail) | 0] = slot | (member & entryTag);
      records[to | OUTPUT_TAIL] = tail + 1;
    }
    heads[head | LIST_FRAMES] = heads[head | LIST_FRAMES] + 1;
    heads[head | LIST_BYTES] = (heads[head | LIST_BYTES] + bytes) | 0;

    let receivers = count;
    // The sender was given the frame like all others, so that no copy asked whether it is that one.
    if (records[from | OUTPUT_TAIL] !== ownTail) {
      records[from | OUTPUT_TAIL] = ownTail;
      isMember = true;
    }
    if (isMember) {
      counters.takeBack(ingress, bytes, frameClass);
      receivers = (receivers - 1) | 0;
    }
    if (ingress !== uplink) {
      receivers = (receivers + 1) | 0;
      if (!toWire(slot, bytes, frameClass, entryTag)) lost = (lost + 1) | 0;
    }
    const copies = (receivers - lost) | 0;
    if (copies === 0) frames.release(slot);
    else references[slot] = (references[slot] + copies - 1) | 0;
    counters.countReplicated(ingress, bytes, frameClass, receivers);
    return true;
  }

  return { replicate, gather };
}
