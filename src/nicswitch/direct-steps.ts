import { VLAN_TAG_BYTES } from '../wire/index.ts';
import { isSourceOf } from './frame-addresses.ts';
import { NOBODY, nearValue, SET } from './mac-table.ts';
import {
  CHECK_MAC,
  CHECK_VLAN,
  EGRESS,
  KEEP_TAG,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
} from './port-record.ts';
import type { SwitchTables } from './switch-tables.ts';
import { isPriorityOnly, NUMBER_MASK, TAG_SHIFT, TAG_STRIP, tagOf, vlanOf } from './target.ts';
import { isVlanTag, VLAN_TYPE } from './vlan-table.ts';

/** Instead of a result: the tables do not tell it. */
export const LONG_WAY = -1;

/** 18 bytes: with an 802.1Q tag, the shortest frame that is whole. */
export const SHORTEST = 18;

// Constants of this module: an imported one is loaded and checked at each use where the package is not bundled.
const SHIFT = RECORD_SHIFT;
const NUMBER = NUMBER_MASK;
const TAG_TYPE = VLAN_TYPE;
const STRIPPED = TAG_STRIP << TAG_SHIFT;

/**
 * The steps of a decision by the tables alone: all of them for a burst from queue to queue, for one frame under a
 * scheduler, and for the question whether a frame that is not whole yet will go to the wire; those about the sender for
 * frames to groups and for those that a port extender sends up. They change nothing and count nothing.
 *
 * The words of a frame that are handed over are `first` to `fifth` of `FramePool.i32`: destination, source, the
 * EtherType with the two bytes behind it, and what follows.
 */
export interface DirectSteps {
  /**
   * What the sender's port makes of the tag: a word as in target.ts, with the place of the VLAN's row in the table
   * of VLANs as the number, and where the tag is, as a tag operation; LONG_WAY if the sender may not use that VLAN, or
   * the tag is another than 802.1Q's.
   *
   * @param tci the tag beside the frame, or -1. The port may replace it: see {@link PORT_TAG}.
   */
  vlanFrom(ingress: number, tci: number, fourth: number): number;

  /** Whether there is one VLAN tag behind the other; `fifth` is the word behind a tag. */
  isStacked(fourth: number, fifth: number): boolean;

  /** Whether the sender may use that source address. */
  mayUse(ingress: number, second: number, third: number): boolean;

  /**
   * The one receiver of a unicast frame; LONG_WAY if it is not told, or is the sender, or is not in the VLAN.
   *
   * @param toWire all frames of the sender go to the wire.
   * @param miss who receives what no filter names, or LONG_WAY.
   * @param vlan as {@link DirectSteps.vlanFrom} returned it.
   */
  receiverOf(
    ingress: number,
    toWire: boolean,
    miss: number,
    first: number,
    second: number,
    vlan: number,
  ): number;

  /** What `port` does to the tag of a frame of `bytes`, above the number's bits; LONG_WAY if it does not take it. */
  operationAt(port: number, vlan: number, bytes: number): number;
}

/** The only port that asked for the address in the words 0 and 1 of a frame; `miss` if nobody did. */
const ownerOf = (places: Int32Array, shift: number, first: number, second: number, miss: number): number => {
  const value = nearValue(places, shift, first, second);
  if (value < SET) return value;
  return value === NOBODY ? miss : LONG_WAY;
};

/**
 * Makes the steps. Functions over constants, and `fixed`, for the reasons that direct-path.ts gives; the compiler
 * puts them into the loops that call them. A result is one number, so that nothing is allocated.
 */
export function createDirectSteps(tables: SwitchTables): DirectSteps {
  const { macs } = tables;
  const fixed = {
    records: tables.records,
    vlanWords: tables.vlans.words,
    rowLength: tables.vlans.rowLength,
    setWords: tables.setWords,
    uplink: tables.uplink,
  };

  const vlanFrom = (ingress: number, tci: number, fourth: number): number => {
    const { records, vlanWords, rowLength } = fixed;
    const from = ingress << SHIFT;
    const portTag = records[from | PORT_TAG];
    if (isVlanTag(fourth) && (fourth & 0xffff) !== TAG_TYPE) return LONG_WAY;
    let outer = tci;
    if (portTag !== KEEP_TAG) {
      if (portTag >= 0 && isPriorityOnly(outer, fourth)) return LONG_WAY;
      outer = portTag;
    }
    const tag = tagOf(outer, fourth);
    const senders = Math.imul(vlanOf(tag, outer, fourth), rowLength);
    const checkVlan = records[from | CHECK_VLAN];
    if (((vlanWords[(senders + (ingress >>> 5)) | 0] >>> ingress) & checkVlan) !== checkVlan) return LONG_WAY;
    return senders | (tag << TAG_SHIFT);
  };

  const isStacked = (fourth: number, fifth: number): boolean =>
    (fourth & 0xffff) === TAG_TYPE && isVlanTag(fifth);

  const mayUse = (ingress: number, second: number, third: number): boolean => {
    const { records } = fixed;
    const from = ingress << SHIFT;
    const differs = ((second ^ records[from | SOURCE_FIRST]) >>> 16) | (third ^ records[from | SOURCE_LAST]);
    return (differs & records[from | CHECK_MAC]) === 0 || isSourceOf(macs, ingress, second, third);
  };

  const receiverOf = (
    ingress: number,
    toWire: boolean,
    miss: number,
    first: number,
    second: number,
    vlan: number,
  ): number => {
    const { vlanWords, uplink, setWords } = fixed;
    const { places, shift } = macs;
    if (toWire) return uplink;
    const port = ownerOf(places, shift, first, second, miss);
    if (port === LONG_WAY || port === ingress) return LONG_WAY;
    const receivers = ((vlan & NUMBER) + setWords) | 0;
    return ((vlanWords[(receivers + (port >>> 5)) | 0] >>> port) & 1) === 0 ? LONG_WAY : port;
  };

  const operationAt = (port: number, vlan: number, bytes: number): number => {
    const egress = fixed.records[(port << SHIFT) | EGRESS];
    const size = (vlan & STRIPPED) !== 0 ? (bytes - VLAN_TAG_BYTES) | 0 : bytes;
    return size > (egress & 0xffff) ? LONG_WAY : egress & vlan & ~NUMBER;
  };

  return { vlanFrom, isStacked, mayUse, receiverOf, operationAt };
}
