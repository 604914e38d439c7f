import type { FramePool } from '../base/index.ts';

/** EtherType 8100h as it lies in a word of a frame. */
const VLAN_TYPE = 0x0081;

/**
 * Priority of the frame in a slot: that of the tag beside it, else of the 802.1Q tag in its bytes, else 0
 * (IEEE 802.1Q clause 6.9.4: an untagged frame has the port's priority, which is 0 after reset).
 */
export function framePriority(frames: FramePool, slot: number): number {
  const outer = frames.outerTci[slot];
  if (outer >= 0) return (outer >>> 13) & 7;
  const word = frames.i32[((slot << frames.slotShift) >> 2) + 3];
  // Byte 14 is the first of the tag's TCI, with the Priority Code Point in its upper three bits.
  return (word & 0xffff) === VLAN_TYPE ? (word >>> 21) & 7 : 0;
}
