import { checkInteger } from '../base/index.ts';
import { read16, read32, write16, write32 } from './bytes.ts';
import { EtherType } from './ethernet.ts';

/** Bytes that a VN-Tag adds to a frame: its EtherType and 32 bits. */
export const VNTAG_BYTES = 6;

/** A VN-Tag: names virtual interfaces (VIFs) between a card and the bridge that forwards for it. */
export interface VnTag {
  /** d: true from the bridge to the card. Default false. */
  readonly toCard?: boolean;
  /** p: the destination is a pointer into a list of VIFs (a multicast). Default false. */
  readonly pointer?: boolean;
  /** 0 to 16,383. */
  readonly destinationVif: number;
  /** l: the frame goes back to the card it came from. Default false. */
  readonly looped?: boolean;
  /** 0 to 3. Default 0. */
  readonly version?: number;
  /** 0 to 4,095. */
  readonly sourceVif: number;
}

const D = 0x8000_0000;
const P = 0x4000_0000;
const L = 0x8000;

/** The VN-Tag whose EtherType is at `offset`, with `bytes` bytes left; undefined when there is none. */
export function parseVnTag(u8: Uint8Array, offset: number, bytes: number): Required<VnTag> | undefined {
  if (bytes < VNTAG_BYTES || read16(u8, offset) !== EtherType.VNTAG) return undefined;
  const word = read32(u8, offset + 2);
  return {
    toCard: (word & D) !== 0,
    pointer: (word & P) !== 0,
    destinationVif: (word >>> 16) & 0x3fff,
    looped: (word & L) !== 0,
    version: (word >>> 12) & 3,
    sourceVif: word & 0xfff,
  };
}

/**
 * Writes `tag` at `offset` and returns the bytes written. The EtherType of what follows goes behind it.
 *
 * @throws TypeError or RangeError if a field does not fit its bits.
 */
export function writeVnTag(u8: Uint8Array, offset: number, tag: VnTag): number {
  const destination = checkInteger('destinationVif', tag.destinationVif, 0, 0x3fff);
  const version = checkInteger('version', tag.version ?? 0, 0, 3);
  const source = checkInteger('sourceVif', tag.sourceVif, 0, 0xfff);
  const flags = (tag.toCard ? D : 0) | (tag.pointer ? P : 0) | (tag.looped ? L : 0);
  write16(u8, offset, EtherType.VNTAG);
  write32(u8, offset + 2, flags | (destination << 16) | (version << 12) | source);
  return VNTAG_BYTES;
}
