import { TagEdit } from '../wire/index.ts';
import { UNTAGGED, VLAN_TYPE, vlanOfWord } from './vlan-table.ts';

/**
 * What the switch hands on is one 32-bit word: a number in the low 24 bits (a port in
 * {@link NicSwitch.targets}, a slot in an output queue) and above it what the receiver has to do with the
 * frame's outermost VLAN tag. The switch itself moves no byte.
 */

/** Deliver the bytes as they are in the slot. A tag beside the frame (`FramePool.outerTci`) is left out. */
export const TAG_AS_IS = TagEdit.NONE;
/** Leave out the 802.1Q tag that follows the source address in the slot's bytes. */
export const TAG_STRIP = TagEdit.STRIP;
/** Put an 802.1Q tag with the slot's `FramePool.outerTci` behind the source address. */
export const TAG_INSERT = TagEdit.INSERT;

/** Leave out the outer VLAN tag of the slot's bytes; where two are read, {@link TAG_STRIP} is for the inner. */
export const TAG_STRIP_OUTER = TagEdit.STRIP_OUTER;
/** Put in the slot's `FramePool.serviceTag`, outside of the one of {@link TAG_INSERT}. */
export const TAG_INSERT_OUTER = TagEdit.INSERT_OUTER;
/** Leave out the VN-Tag or E-Tag that follows the source address in the slot's bytes. */
export const TAG_STRIP_VIRTUAL = TagEdit.STRIP_VIRTUAL;
/** Put the slot's `FramePool.virtualTag` behind the source address, outside of all others. */
export const TAG_INSERT_VIRTUAL = TagEdit.INSERT_VIRTUAL;
/** {@link TAG_STRIP} and {@link TAG_INSERT} mean the place behind the outer VLAN tag, which stays. */
export const TAG_BEHIND_OUTER = TagEdit.BEHIND_OUTER;

/**
 * What is done to the tags of a frame: {@link TAG_AS_IS}, or the sum of what is left out and what is put in: bits of
 * `TagEdit`. A tag that is replaced is both. `writeTagged` does it.
 */
export type TagOperation = number;

/** Position of the tag operation in a word. */
export const TAG_SHIFT = 24;
/** The number in a word. */
export const NUMBER_MASK = 0xffffff;

/** The port of a word in {@link NicSwitch.targets}. */
export function targetPort(target: number): number {
  return target & NUMBER_MASK;
}

/** The frame slot of an entry of an output queue. */
export function entrySlot(entry: number): number {
  return entry & NUMBER_MASK;
}

/**
 * Where the outermost tag of a frame is: beside it (TAG_INSERT), if `outer` is its TCI and not below 0; in
 * its bytes (TAG_STRIP), if `type`, the word of a frame behind its addresses, begins with EtherType 8100h; or
 * nowhere (TAG_AS_IS).
 */
export const tagOf = (outer: number, type: number): TagOperation => {
  if (outer >= 0) return TAG_INSERT;
  return (type & 0xffff) === VLAN_TYPE ? TAG_STRIP : TAG_AS_IS;
};

/** Row of the VLAN table for a frame whose tag is there. */
export const vlanOf = (tag: number, outer: number, type: number): number => {
  if (tag === TAG_AS_IS) return UNTAGGED;
  return tag === TAG_INSERT ? outer & 0xfff : vlanOfWord(type);
};

/** True if the outermost tag, beside the frame or in `type`, has VLAN 0: a port VLAN takes over its priority. */
export const isPriorityOnly = (outer: number, type: number): boolean =>
  (outer & ~0xf000) === 0 || (outer < 0 && (type & 0xff0fffff) === VLAN_TYPE);

/** What to do with the tag of a target or of an entry of an output queue. */
export function tagOperation(word: number): TagOperation {
  return (word >>> TAG_SHIFT) as TagOperation;
}
