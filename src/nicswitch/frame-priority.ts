import type { FramePool } from '../base/index.ts';
import { ETHERNET, EtherType, VLAN_TAG_BYTES, VNTAG_BYTES } from '../wire/index.ts';
import type { TagTables } from './tag-tables.ts';
import { TAG_INSERT_OUTER } from './target.ts';

/** No tag has a priority. */
const NONE = -1;
/** No EtherType, and not what `TagTables.outerType` is without outer tags. */
const NO_TYPE = -2;

/**
 * Priority of the frame in `slot`: that of its outermost tag that has one, be it in the bytes (an E-Tag's E-PCP, an
 * outer or an inner VLAN tag's PCP) or beside them; -1 if there is none.
 *
 * @param operation what is done to its tags, as `tagOperation` gives it: an outer tag that is put in is the outermost.
 */
export function taggedPriority(frames: FramePool, tags: TagTables, slot: number, operation: number): number {
  if ((operation & TAG_INSERT_OUTER) !== 0) return (frames.serviceTag[slot] >>> 13) & 7;
  let at: number = ETHERNET.TYPE;
  let type = typeAt(frames, slot, at);
  if (type === EtherType.ETAG) return priorityAt(frames, slot, at);
  if (type === EtherType.VNTAG) {
    at += VNTAG_BYTES;
    type = typeAt(frames, slot, at);
  }
  if (type === tags.outerType) return priorityAt(frames, slot, at);
  const beside = frames.outerTci[slot];
  if (beside >= 0) return (beside >>> 13) & 7;
  return type === EtherType.VLAN ? priorityAt(frames, slot, at) : NONE;
}

/** The EtherType at `at`, unless the frame ends before a tag there would. */
function typeAt({ u8, lengths, slotShift }: FramePool, slot: number, at: number): number {
  if (lengths[slot] < at + VLAN_TAG_BYTES) return NO_TYPE;
  const from = (slot << slotShift) + at;
  return (u8[from] << 8) | u8[from + 1];
}

/** The upper three bits behind the EtherType at `at`. */
function priorityAt({ u8, slotShift }: FramePool, slot: number, at: number): number {
  return u8[(slot << slotShift) + at + 2] >>> 5;
}
