import type { SharedFrames } from '../base/index.ts';
import { read16, write16, write32 } from './bytes.ts';
import { ETAG_BYTES } from './etag.ts';
import { ETHERNET, EtherType } from './ethernet.ts';
import { VLAN_TAG_BYTES } from './vlan.ts';
import { VNTAG_BYTES } from './vntag.ts';

/**
 * What can be done to the tags of a frame on its way out of a `FramePool`, as bits that are added up: tags
 * in its bytes are left out, tags beside it are put in. From the outermost on a frame has a tag for virtual
 * access, an outer and an inner VLAN tag; with one VLAN tag only, that is the inner one here.
 */
export const TagEdit = Object.freeze({
  NONE: 0,
  /** The (inner) VLAN tag in the bytes is left out, */
  STRIP: 1,
  /** that with the TCI in `FramePool.outerTci` is put in. */
  INSERT: 2,
  /** The outer VLAN tag in the bytes is left out, */
  STRIP_OUTER: 4,
  /** that in `FramePool.serviceTag` is put in. */
  INSERT_OUTER: 8,
  /** The VN-Tag or E-Tag in the bytes is left out, */
  STRIP_VIRTUAL: 16,
  /** that in `FramePool.virtualTag` is put in. */
  INSERT_VIRTUAL: 32,
  /** STRIP and INSERT apply behind the outer VLAN tag in the bytes, which stays. */
  BEHIND_OUTER: 64,
} as const);

/** The most bytes that can be put in. */
export const MAX_TAG_BYTES = ETAG_BYTES + 2 * VLAN_TAG_BYTES;

/** The most bytes of {@link writeTaggedHeader}: addresses, what can be put in, and an outer tag that stays. */
export const MAX_TAGGED_HEADER_BYTES = 12 + MAX_TAG_BYTES + VLAN_TAG_BYTES;

/** Bytes of the frame in `slot` after `edit`, one or more of {@link TagEdit}. */
export function taggedBytes(frames: SharedFrames, slot: number, edit: number): number {
  const bytes = frames.lengths[slot];
  if (edit === TagEdit.NONE || bytes < ETHERNET.TYPE) return bytes;
  return bytes - strippedBytes(frames, slot, edit) + insertedBytes(frames, slot, edit);
}

/**
 * Writes the frame in `slot` to `target` as its receiver sees it, and returns its bytes. What lies in the pool
 * stays as it is. A frame without room for two addresses has none for tags.
 *
 * @param edit one or more of {@link TagEdit}, as `tagOperation` of the switch gives them.
 * @param target has room for the frame and {@link MAX_TAG_BYTES}.
 * @example
 * const count = nicSwitch.route(slot, vport);
 * for (const word of nicSwitch.targets.subarray(0, count)) {
 *   const bytes = writeTagged(frames, slot, tagOperation(word), buffer);
 *   send(targetPort(word), buffer.subarray(0, bytes));
 * }
 */
export function writeTagged(
  frames: SharedFrames,
  slot: number,
  edit: number,
  target: Uint8Array,
  at: number = 0,
): number {
  const base = frames.offsetOf(slot);
  const length = frames.lengths[slot];
  const bytes = taggedBytes(frames, slot, edit);
  const header = writeTaggedHeader(frames, slot, edit, target, at);
  const rest = bytes - header;
  target.set(frames.u8.subarray(base + length - rest, base + length), at + header);
  return bytes;
}

/** The first part of {@link writeTagged}, up to behind the last tag that is edited; what follows lies in the slot. */
export function writeTaggedHeader(
  frames: SharedFrames,
  slot: number,
  edit: number,
  target: Uint8Array,
  at: number,
): number {
  const { u8 } = frames;
  let from = frames.offsetOf(slot);
  if (edit === TagEdit.NONE || frames.lengths[slot] < ETHERNET.TYPE) return 0;
  for (let i = 0; i < ETHERNET.TYPE; i++) target[at + i] = u8[from + i];
  from += ETHERNET.TYPE;
  let to = at + ETHERNET.TYPE;
  if ((edit & TagEdit.INSERT_VIRTUAL) !== 0) to += writeVirtualTag(frames, slot, target, to);
  if ((edit & TagEdit.STRIP_VIRTUAL) !== 0) from += virtualTagBytes(read16(u8, from));
  if ((edit & TagEdit.STRIP_OUTER) !== 0) from += VLAN_TAG_BYTES;
  if ((edit & TagEdit.INSERT_OUTER) !== 0) {
    write32(target, to, frames.serviceTag[slot]);
    to += VLAN_TAG_BYTES;
  }
  if ((edit & TagEdit.BEHIND_OUTER) !== 0) {
    for (let i = 0; i < VLAN_TAG_BYTES; i++) target[to + i] = u8[from + i];
    to += VLAN_TAG_BYTES;
  }
  if ((edit & TagEdit.INSERT) !== 0) {
    write16(target, to, EtherType.VLAN);
    write16(target, to + 2, frames.outerTci[slot]);
    to += VLAN_TAG_BYTES;
  }
  return to - at;
}

/** Bytes of the tag for virtual access that begins with this EtherType; 0 for others. */
export function virtualTagBytes(etherType: number): number {
  if (etherType === EtherType.ETAG) return ETAG_BYTES;
  return etherType === EtherType.VNTAG ? VNTAG_BYTES : 0;
}

function strippedBytes(frames: SharedFrames, slot: number, edit: number): number {
  const base = frames.offsetOf(slot);
  const virtual =
    (edit & TagEdit.STRIP_VIRTUAL) === 0 ? 0 : virtualTagBytes(read16(frames.u8, base + ETHERNET.TYPE));
  // A bit is as good as a count.
  const tags = (edit & TagEdit.STRIP) + ((edit & TagEdit.STRIP_OUTER) >> 2);
  return virtual + tags * VLAN_TAG_BYTES;
}

function insertedBytes(frames: SharedFrames, slot: number, edit: number): number {
  let bytes = 0;
  if ((edit & TagEdit.INSERT_VIRTUAL) !== 0)
    bytes += frames.virtualTagExtension[slot] < 0 ? VNTAG_BYTES : ETAG_BYTES;
  if ((edit & TagEdit.INSERT_OUTER) !== 0) bytes += VLAN_TAG_BYTES;
  if ((edit & TagEdit.INSERT) !== 0) bytes += VLAN_TAG_BYTES;
  return bytes;
}

function writeVirtualTag(frames: SharedFrames, slot: number, target: Uint8Array, to: number): number {
  const extension = frames.virtualTagExtension[slot];
  write16(target, to, extension < 0 ? EtherType.VNTAG : EtherType.ETAG);
  write32(target, to + 2, frames.virtualTag[slot]);
  if (extension < 0) return VNTAG_BYTES;
  write16(target, to + 6, extension);
  return ETAG_BYTES;
}
