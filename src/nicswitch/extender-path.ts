import { CHANNEL_SET, channelValue } from './channel-table.ts';
import type { DirectPath, DirectPathParts } from './direct-path.ts';
import { LONG_WAY } from './direct-steps.ts';
import { eCidOf, ingressECidOf, upwardsETag } from './extender-selection.ts';
import { GROUP_BIT } from './mac-table.ts';
import { QUEUE_TAIL } from './port-queues.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  DIRECT,
  EGRESS,
  FRAMES_IN,
  KEEP_TAG,
  NONE_DIRECT,
  OUTPUT_QUEUE,
  PORT_TAG,
  RECORD_SHIFT,
} from './port-record.ts';
import {
  NUMBER_MASK,
  TAG_AS_IS,
  TAG_INSERT,
  TAG_INSERT_VIRTUAL,
  TAG_SHIFT,
  TAG_STRIP,
  TAG_STRIP_VIRTUAL,
} from './target.ts';
import { isVlanTag, VLAN_TYPE } from './vlan-table.ts';

const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;

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
  const { records, uplink } = tables;
  const { vlanFrom, isStacked, mayUse, operationAt } = parts.steps;
  const { virtual, priorities } = tables.tags;
  const { table, channels } = virtual;
  const wordShift = frames.slotShift - 2;
  const slots = input.items;
  const { items, stride, capacity } = output;

  /** Target of a frame from the wire. */
  const down = (slot: number, bytes: number): number => {
    const word = slot << wordShift;
    const type = i32[word | 3];
    const half = i32[word | 4];
    if (bytes < SHORTEST || (i32[word] & GROUP_BIT) !== 0 || outerTci[slot] >= 0) return LONG_WAY;
    let channel: number;
    // Words that begin with the frame's own EtherType, and with the one behind its VLAN tag.
    let inner: number;
    let behind: number;
    let tagBytes: number;
    if ((type & 0xffff) === ETAG_TYPE && virtual.kind === 'etag') {
      channel = eCidOf(half);
      // To a group, or to where it comes from.
      if ((half & GROUP) !== 0 || ingressECidOf(type, half) === channel) return LONG_WAY;
      inner = i32[word | 5];
      behind = i32[word | 6];
      tagBytes = ETAG_BYTES;
    } else {
      if ((type & 0xffff) !== VNTAG_TYPE || virtual.kind !== 'vntag') return LONG_WAY;
      channel = ((type >>> 8) & 0x3f00) | (type >>> 24);
      const source = ((half & 0xf) << 8) | ((half >>> 8) & 0xff);
      if ((type & D_AND_P) !== D || ((half & L) !== 0 && source === channel)) return LONG_WAY;
      inner = half >>> 16;
      behind = i32[word | 5] >>> 16;
      tagBytes = VNTAG_BYTES;
    }
    const port = channelValue(table.pages, table.values, channel);
    // Nobody, or a set.
    if (port >>> 0 >= SET) return LONG_WAY;
    const egress = records[(port << RECORD_SHIFT) | EGRESS];
    const tagged = (inner & 0xffff) === VLAN_TYPE;
    if (isVlanTag(tagged ? behind : inner)) return LONG_WAY;
    const size = (bytes - tagBytes - (tagged ? VLAN_BYTES : 0)) | 0;
    if (size > (egress & LONGEST)) return LONG_WAY;
    const strips = tagged ? (egress >>> TAG_SHIFT) & STRIP : AS_IS;
    return port | ((strips | STRIP_VIRTUAL) << TAG_SHIFT);
  };

  /** Target of a frame from a VPort: the wire, with its tag beside it. */
  const up = (slot: number, bytes: number, ingress: number): number => {
    const channel = channels[ingress];
    const word = slot << wordShift;
    const type = i32[word | 3];
    if (channel < 0 || bytes < SHORTEST || (i32[word] & GROUP_BIT) !== 0) return LONG_WAY;
    const typed = type & 0xffff;
    if (typed === ETAG_TYPE || typed === VNTAG_TYPE) return LONG_WAY;
    if (isStacked(type, i32[word | 4])) return LONG_WAY;
    const vlan = vlanFrom(ingress, outerTci[slot], type);
    if (vlan === LONG_WAY || !mayUse(ingress, i32[word | 1], i32[word | 2])) return LONG_WAY;
    if (operationAt(uplink, vlan, bytes) === LONG_WAY) return LONG_WAY;
    const tag = vlan >>> TAG_SHIFT;
    const portTag = records[(ingress << RECORD_SHIFT) | PORT_TAG];
    if (portTag !== KEEP_TAG) outerTci[slot] = portTag;
    if (virtual.kind === 'etag') {
      const tci = tag === INSERT ? outerTci[slot] : ((type >>> 8) & 0xff00) | (type >>> 24);
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
    counters.ranOne(ingress, target & PORT, bytes);
    return target;
  }

  /** Not known: a tag for virtual access takes the place of what the tables tell. */
  const foresee = () => LONG_WAY;

  return { fetch: base.fetch, decide, decideOne, foresee, enqueue: base.enqueue };
}
