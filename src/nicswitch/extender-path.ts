import { CHANNEL_SET, channelValue } from './channel-table.ts';
import type { DirectPath, DirectPathParts } from './direct-path.ts';
import { eCidOf, ingressECidOf, upwardsETag } from './extender-selection.ts';
import { isSourceOf } from './frame-addresses.ts';
import { GROUP_BIT } from './mac-table.ts';
import { QUEUE_TAIL } from './port-queues.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  FRAMES_IN,
  FRAMES_OUT,
  KEEP_TAG,
  NONE_DIRECT,
  OUTPUT_QUEUE,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
} from './port-record.ts';
import { SETTLE_AT } from './switch-counters.ts';
import {
  isPriorityOnly,
  NUMBER_MASK,
  TAG_AS_IS,
  TAG_INSERT,
  TAG_INSERT_VIRTUAL,
  TAG_SHIFT,
  TAG_STRIP,
  TAG_STRIP_VIRTUAL,
  tagOf,
  vlanOf,
} from './target.ts';
import { VLAN_TYPE } from './vlan-table.ts';

const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;

/** Instead of a target: the tables do not tell it. */
const LONG_WAY = -1;

/** With the addresses, a tag for virtual access, an 802.1Q tag and an EtherType. */
const SHORTEST = 26;

// EtherTypes as their two bytes lie in a little-endian word of a frame.
const ETAG_TYPE = 0x3f89;
const VNTAG_TYPE = 0x2689;
const ETAG_BYTES = 8;
const VNTAG_BYTES = 6;
const VLAN_BYTES = 4;
/** GRP of an E-Tag, in the word behind its EtherType's. */
const GROUP = 0x30;
// Bits of a VN-Tag: d and p beside the EtherType, l in the word behind.
const D_AND_P = 0x00c00000;
const D = 0x00800000;
const L = 0x80;

// Constants of this module: an imported one is loaded and checked at each use.
const STRIP_VIRTUAL = TAG_STRIP_VIRTUAL;
const INSERT_VIRTUAL = TAG_INSERT_VIRTUAL;
const STRIP = TAG_STRIP;
const INSERT = TAG_INSERT;
const AS_IS = TAG_AS_IS;
const SET = CHANNEL_SET;
const PORT = NUMBER_MASK;
/** Longest frame that a port takes, in the word EGRESS of its record. */
const LONGEST = 0xffff;

/**
 * The direct way through a port extender: unicast frames up to the wire with the tag of their VPort, and down from it
 * to the one VPort that has the channel of their tag, found by two loads. Whatever else a frame is, it is left to
 * ExtenderSelection.
 *
 * @param base whose queues it shares.
 */
export function createExtenderPath(parts: DirectPathParts, base: DirectPath): DirectPath {
  const { frames, tables, input, output, counters } = parts;
  const { i32, lengths, outerTci, virtualTag, virtualTagExtension } = frames;
  const { records, uplink, macs, vlans } = tables;
  const { virtual, priorities } = tables.tags;
  const { table, channels } = virtual;
  const wordShift = frames.slotShift - 2;
  const slots = input.items;
  const { items, stride, capacity } = output;
  const vlanWords = vlans.words;
  const { rowLength } = vlans;

  /** Target of a frame from the wire. */
  const down = (slot: number, bytes: number): number => {
    const word = slot << wordShift;
    const type = i32[word | 3];
    const half = i32[word | 4];
    if (bytes < SHORTEST || (i32[word] & GROUP_BIT) !== 0 || outerTci[slot] >= 0) return LONG_WAY;
    let channel: number;
    let innerType: number;
    let tagBytes: number;
    if ((type & 0xffff) === ETAG_TYPE && virtual.kind === 'etag') {
      channel = eCidOf(half);
      // To a group, or to where it comes from.
      if ((half & GROUP) !== 0 || ingressECidOf(type, half) === channel) return LONG_WAY;
      innerType = i32[word | 5] & 0xffff;
      tagBytes = ETAG_BYTES;
    } else {
      if ((type & 0xffff) !== VNTAG_TYPE || virtual.kind !== 'vntag') return LONG_WAY;
      channel = ((type >>> 8) & 0x3f00) | (type >>> 24);
      const source = ((half & 0xf) << 8) | ((half >>> 8) & 0xff);
      if ((type & D_AND_P) !== D || ((half & L) !== 0 && source === channel)) return LONG_WAY;
      innerType = half >>> 16;
      tagBytes = VNTAG_BYTES;
    }
    const port = channelValue(table.pages, table.values, channel);
    // Nobody, or a set.
    if (port >>> 0 >= SET) return LONG_WAY;
    const egress = records[(port << RECORD_SHIFT) | EGRESS];
    const tagged = innerType === VLAN_TYPE;
    const size = (bytes - tagBytes - (tagged ? VLAN_BYTES : 0)) | 0;
    if (size > (egress & LONGEST)) return LONG_WAY;
    const strips = tagged ? (egress >>> TAG_SHIFT) & STRIP : AS_IS;
    return port | ((strips | STRIP_VIRTUAL) << TAG_SHIFT);
  };

  /** Target of a frame from a VPort: the wire, with its tag beside it. */
  const up = (slot: number, bytes: number, ingress: number): number => {
    const from = ingress << RECORD_SHIFT;
    const channel = channels[ingress];
    const word = slot << wordShift;
    const type = i32[word | 3];
    if (channel < 0 || bytes < SHORTEST || (i32[word] & GROUP_BIT) !== 0) return LONG_WAY;
    const typed = type & 0xffff;
    if (typed === ETAG_TYPE || typed === VNTAG_TYPE) return LONG_WAY;
    const portTag = records[from | PORT_TAG];
    if (portTag !== KEEP_TAG) {
      if (portTag >= 0 && isPriorityOnly(outerTci[slot], type)) return LONG_WAY;
      outerTci[slot] = portTag;
    }
    const outer = outerTci[slot];
    const tag = tagOf(outer, type);
    if (records[from | CHECK_VLAN] !== 0) {
      const members = Math.imul(vlanOf(tag, outer, type), rowLength);
      if (((vlanWords[(members + (ingress >>> 5)) | 0] >>> ingress) & 1) === 0) return LONG_WAY;
    }
    const second = i32[word | 1];
    const third = i32[word | 2];
    const differs = ((second ^ records[from | SOURCE_FIRST]) >>> 16) | (third ^ records[from | SOURCE_LAST]);
    if ((differs & records[from | CHECK_MAC]) !== 0 && !isSourceOf(macs, ingress, second, third))
      return LONG_WAY;
    const size = tag === STRIP ? (bytes - VLAN_BYTES) | 0 : bytes;
    if (size > (records[(uplink << RECORD_SHIFT) | EGRESS] & LONGEST)) return LONG_WAY;
    if (virtual.kind === 'etag') {
      const tci = tag === INSERT ? outer : ((type >>> 8) & 0xff00) | (type >>> 24);
      const priority = tag === AS_IS ? priorities.untagged[ingress] << 1 : tci >>> 12;
      virtualTag[slot] = upwardsETag(priority >>> 1, priority & 1, channel);
      virtualTagExtension[slot] = channel >>> 14;
    } else {
      virtualTag[slot] = channel;
      virtualTagExtension[slot] = -1;
    }
    return uplink | (((tag & INSERT) | INSERT_VIRTUAL) << TAG_SHIFT);
  };

  function decide(ingress: number, at: number, count: number): number {
    const from = ingress << RECORD_SHIFT;
    if (records[from | DIRECT] === NONE_DIRECT) return 0;
    const begin = at | 0;
    const end = (at + count) | 0;
    let bytesIn = 0;
    let i = begin;
    for (; i < end; i = (i + 1) | 0) {
      const slot = slots[i];
      const bytes = lengths[slot];
      const target = ingress === uplink ? down(slot, bytes) : up(slot, bytes, ingress);
      if (target === LONG_WAY) break;
      const port = target & PORT;
      const to = port << RECORD_SHIFT;
      const tail = records[to | OUTPUT_TAIL];
      if (tail === capacity) break;
      items[(Math.imul(port, stride) + tail) | 0] = slot | (target ^ port);
      records[to | OUTPUT_TAIL] = tail + 1;
      records[to | BYTES_OUT] = (records[to | BYTES_OUT] + bytes) | 0;
      bytesIn = (bytesIn + bytes) | 0;
    }
    const done = (i - begin) | 0;
    records[from | FRAMES_IN] = (records[from | FRAMES_IN] + done) | 0;
    records[from | BYTES_IN] = (records[from | BYTES_IN] + bytesIn) | 0;
    counters.ran(done, bytesIn);
    return done;
  }

  function decideOne(slot: number, ingress: number): number {
    const from = ingress << RECORD_SHIFT;
    if (records[from | DIRECT] === NONE_DIRECT) return LONG_WAY;
    const bytes = lengths[slot];
    const target = ingress === uplink ? down(slot, bytes) : up(slot, bytes, ingress);
    if (target === LONG_WAY) return LONG_WAY;
    const to = (target & PORT) << RECORD_SHIFT;
    const bytesOut = (records[to | BYTES_OUT] + bytes) | 0;
    const bytesIn = (records[from | BYTES_IN] + bytes) | 0;
    records[to | FRAMES_OUT] = (records[to | FRAMES_OUT] + 1) | 0;
    records[to | BYTES_OUT] = bytesOut;
    records[from | FRAMES_IN] = (records[from | FRAMES_IN] + 1) | 0;
    records[from | BYTES_IN] = bytesIn;
    if ((bytesOut | bytesIn) >= SETTLE_AT) counters.settle();
    return target;
  }

  return { fetch: base.fetch, decide, decideOne, enqueue: base.enqueue };
}
