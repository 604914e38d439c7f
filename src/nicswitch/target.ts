import { UNTAGGED, VLAN_TYPE, vlanOfWord } from './vlan-table.ts';

/**
 * What the switch hands on is one 32-bit word: a number in the low 24 bits (a port in
 * {@link NicSwitch.targets}, a slot in an output queue) and above it what the receiver has to do with the
 * frame's outermost VLAN tag. The switch itself moves no byte.
 */

/** Deliver the bytes as they are in the slot. A tag beside the frame (`FramePool.outerTci`) is left out. */
export const TAG_AS_IS = 0;
/** Leave out the 802.1Q tag that follows the source address in the slot's bytes. */
export const TAG_STRIP = 1;
/** Put an 802.1Q tag with the slot's `FramePool.outerTci` behind the source address. */
export const TAG_INSERT = 2;

/** One of {@link TAG_AS_IS}, {@link TAG_STRIP}, {@link TAG_INSERT}. */
export type TagOperation = typeof TAG_AS_IS | typeof TAG_STRIP | typeof TAG_INSERT;

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

/** What to do with the tag of a target or of an entry of an output queue. */
export function tagOperation(word: number): TagOperation {
  return (word >>> TAG_SHIFT) as TagOperation;
}
