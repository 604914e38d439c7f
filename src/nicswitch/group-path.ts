import { VLAN_TAG_BYTES } from '../wire/index.ts';
import { type DirectPathParts, SHORTEST as SHORTEST_DIRECT } from './direct-path.ts';
import { DROP } from './drop-reason.ts';
import { isSourceOf } from './frame-addresses.ts';
import { hashIndex } from './hash-filter.ts';
import { GROUP_BIT, NOBODY, nearValue } from './mac-table.ts';
import { QUEUE_TAIL } from './port-queues.ts';
import {
  ALL_DIRECT,
  BYTES_OUT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  FILTERED_DIRECT,
  KEEP_TAG,
  OUT_BY_CLASS,
  OUTPUT_QUEUE,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
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
import { isPriorityOnly, NUMBER_MASK, TAG_SHIFT, TAG_STRIP, tagOf, vlanOf } from './target.ts';

const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;
// Constants of this module: an imported one is loaded and checked at each use.
const SHIFT = RECORD_SHIFT;
const NUMBER = NUMBER_MASK;
const SHORTEST = SHORTEST_DIRECT;

/** A frame to a group or to all goes to its output queues; false, and nothing done, if it needs the long way. */
export type GroupPath = (slot: number, ingress: number) => boolean;

/**
 * The direct way for frames to groups and to all: the checks of the direct path, and then one pass over a list of
 * receivers that has been compiled before (receiver-lists.ts). A copy is an entry in an output queue and no more:
 * references are added once, and what a frame counts at its receivers is counted at the list. ReceiverSelection
 * decides these frames, too, by the same rules, and all that need more: storm limits, mirroring, private VPorts, two
 * VLAN tags, other ways of forwarding.
 */
export function createGroupPath(parts: DirectPathParts): GroupPath {
  const { frames, tables, output, lists, counters } = parts;
  const { macs, storms, mirrors, multicastHash } = tables;
  const settle = () => counters.settle();
  const fixed = {
    i32: frames.i32,
    lengths: frames.lengths,
    outerTci: frames.outerTci,
    references: frames.references,
    wordShift: frames.slotShift - 2,
    records: tables.records,
    vlanWords: tables.vlans.words,
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

  return function replicate(slot: number, ingress: number): boolean {
    const { i32, lengths, outerTci, references, wordShift, records, vlanWords, rowLength, uplink } = fixed;
    const from = ingress << SHIFT;
    const direct = records[from | DIRECT];
    const bytes = lengths[slot];
    const word = slot << wordShift;
    const first = i32[word];
    if ((direct !== ALL_DIRECT && direct !== FILTERED_DIRECT) || bytes < SHORTEST) return false;
    if ((first & GROUP_BIT) === 0) return false;
    const second = i32[word | 1];
    const third = i32[word | 2];
    const fourth = i32[word | 3];
    const toAll = first === -1 && (second & 0xffff) === 0xffff;
    if (!isListed(ingress, toAll ? BROADCAST_STORM : MULTICAST_STORM)) return false;

    let outer = outerTci[slot];
    const portTag = records[from | PORT_TAG];
    if (portTag !== KEEP_TAG) {
      if (portTag >= 0 && isPriorityOnly(outer, fourth)) return false;
      outer = portTag;
    }
    const tag = tagOf(outer, fourth);
    const row = vlanOf(tag, outer, fourth);
    const senders = Math.imul(row, rowLength);
    const checkVlan = records[from | CHECK_VLAN];
    if (((vlanWords[(senders + (ingress >>> 5)) | 0] >>> ingress) & checkVlan) !== checkVlan) return false;
    const differs = ((second ^ records[from | SOURCE_FIRST]) >>> 16) | (third ^ records[from | SOURCE_LAST]);
    if ((differs & records[from | CHECK_MAC]) !== 0 && !isSourceOf(macs, ingress, second, third))
      return false;

    let key: number;
    if (toAll) {
      key = broadcastKey(row);
    } else {
      const value = nearValue(macs.places, macs.shift, first, second);
      const hashed = value === NOBODY && multicastHash.get(hashIndex(second & 0xffff, tables.hashOffset));
      key = multicastKey(row, value, hashed);
    }
    const list = lists.find(key, settle);
    const { members, heads, listStride, items, stride, capacity } = fixed;
    const head = list << HEAD_SHIFT;
    const size = tag === TAG_STRIP ? (bytes - VLAN_TAG_BYTES) | 0 : bytes;
    const count = heads[head | MEMBERS];
    // Nobody to tell why a frame has no receiver.
    if (size > heads[head | LONGEST] || (count === 0 && ingress === uplink)) return false;

    outerTci[slot] = outer;
    const frameClass = toAll ? BROADCAST : MULTICAST;
    const entryTag = tag << TAG_SHIFT;
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
  };
}
