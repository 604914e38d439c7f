import { read16 } from './bytes.ts';
import { ETAG_BYTES, type ETag, parseETag } from './etag.ts';
import { ETHERNET, EtherType } from './ethernet.ts';
import { isVlanEtherType, parseVlanTag, VLAN_TAG_BYTES, type VlanTag } from './vlan.ts';
import { parseVnTag, VNTAG_BYTES, type VnTag } from './vntag.ts';

/** One tag of a frame. */
export type Tag =
  | { readonly kind: 'vlan'; readonly tag: Required<VlanTag> }
  | { readonly kind: 'vntag'; readonly tag: Required<VnTag> }
  | { readonly kind: 'etag'; readonly tag: Required<ETag> };

/** The tags of a frame and what lies behind them. */
export interface TagStack {
  /** Outermost first. */
  readonly tags: readonly Tag[];
  /** EtherType behind the last tag. */
  readonly etherType: number;
  /** Offset of the first byte behind the last EtherType, counted from the frame's first byte. */
  readonly payloadOffset: number;
}

/**
 * The tags of the frame of `bytes` bytes at `offset`, whatever their order and number; undefined when the frame ends
 * within its header or within a tag.
 */
export function parseTagStack(u8: Uint8Array, offset: number, bytes: number): TagStack | undefined {
  const tags: Tag[] = [];
  let at: number = ETHERNET.TYPE;
  while (at + 2 <= bytes) {
    const etherType = read16(u8, offset + at);
    const tagBytes = bytesOfTag(etherType);
    if (tagBytes === 0) return { tags, etherType, payloadOffset: at + 2 };
    const tag = parseTag(u8, offset + at, bytes - at);
    if (tag === undefined) return undefined;
    tags.push(tag);
    at += tagBytes;
  }
  return undefined;
}

function bytesOfTag(etherType: number): number {
  if (isVlanEtherType(etherType)) return VLAN_TAG_BYTES;
  if (etherType === EtherType.VNTAG) return VNTAG_BYTES;
  return etherType === EtherType.ETAG ? ETAG_BYTES : 0;
}

function parseTag(u8: Uint8Array, offset: number, bytes: number): Tag | undefined {
  const vlan = parseVlanTag(u8, offset, bytes);
  if (vlan !== undefined) return { kind: 'vlan', tag: vlan };
  const vnTag = parseVnTag(u8, offset, bytes);
  if (vnTag !== undefined) return { kind: 'vntag', tag: vnTag };
  const eTag = parseETag(u8, offset, bytes);
  return eTag === undefined ? undefined : { kind: 'etag', tag: eTag };
}
