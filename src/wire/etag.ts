import { checkInteger } from '../base/index.ts';
import { read16, write16 } from './bytes.ts';
import { EtherType } from './ethernet.ts';

/** Bytes that an E-Tag adds to a frame: its EtherType and 48 bits. */
export const ETAG_BYTES = 8;

/** An E-Tag (IEEE 802.1BR): names E-channels between a port extender and its controlling bridge. */
export interface ETag {
  /** E-PCP, 0 to 7. Default 0. */
  readonly priority?: number;
  /** E-DEI. Default false. */
  readonly dropEligible?: boolean;
  /** Ingress_E-CID_base, 0 to 4,095: the port that a multicast came from. Default 0. */
  readonly ingressBase?: number;
  /** GRP, 0 to 3: 0 for a point-to-point E-channel, others for multicasts. Default 0. */
  readonly group?: number;
  /** E-CID_base, 0 to 4,095. */
  readonly base: number;
  /** Ingress_E-CID_ext, 0 to 255. Default 0. */
  readonly ingressExtension?: number;
  /** E-CID_ext, 0 to 255. Default 0. */
  readonly extension?: number;
}

/** What names an E-channel: GRP, E-CID_base and E-CID_ext of an {@link ETag}. */
export interface EChannel {
  /** 0 (point-to-point) to 3. Default 0. */
  readonly group?: number;
  /** 0 to 4,095. */
  readonly base: number;
  /** 0 to 255. Default 0. */
  readonly extension?: number;
}

/** The highest number that {@link eChannel} gives. */
export const MAX_E_CHANNEL = 0x3f_ffff;

/**
 * An E-channel as one number of 22 bits: the base in bits 11:0, GRP in 13:12, the extension above. Without an
 * extension these are the 14 bits that cards such as the X550 forward by.
 *
 * @throws TypeError or RangeError if a field does not fit its bits.
 * @example
 * eChannel({ base: 5 }); // 5, of a port
 * eChannel({ group: 1, base: 5 }); // 0x1005, of a group
 */
export function eChannel(channel: EChannel): number {
  const group = checkInteger('group', channel.group ?? 0, 0, 3);
  const base = checkInteger('base', channel.base, 0, 0xfff);
  return (checkInteger('extension', channel.extension ?? 0, 0, 0xff) << 14) | (group << 12) | base;
}

/** The fields of what {@link eChannel} gives. */
export function parseEChannel(channel: number): Required<EChannel> {
  return { group: (channel >>> 12) & 3, base: channel & 0xfff, extension: (channel >>> 14) & 0xff };
}

/** True for a number of {@link eChannel} that names a point-to-multipoint E-channel: GRP is not 0. */
export function isEChannelGroup(channel: number): boolean {
  return (channel & 0x3000) !== 0;
}

/** The E-Tag whose EtherType is at `offset`, with `bytes` bytes left; undefined when there is none. */
export function parseETag(u8: Uint8Array, offset: number, bytes: number): Required<ETag> | undefined {
  if (bytes < ETAG_BYTES || read16(u8, offset) !== EtherType.ETAG) return undefined;
  const ingress = read16(u8, offset + 2);
  const channel = read16(u8, offset + 4);
  return {
    priority: ingress >>> 13,
    dropEligible: (ingress & 0x1000) !== 0,
    ingressBase: ingress & 0xfff,
    group: (channel >>> 12) & 3,
    base: channel & 0xfff,
    ingressExtension: u8[offset + 6],
    extension: u8[offset + 7],
  };
}

/**
 * Writes `tag` at `offset` and returns the bytes written. The EtherType of what follows goes behind it.
 *
 * @throws TypeError or RangeError if a field does not fit its bits.
 */
export function writeETag(u8: Uint8Array, offset: number, tag: ETag): number {
  const priority = checkInteger('priority', tag.priority ?? 0, 0, 7);
  const ingressBase = checkInteger('ingressBase', tag.ingressBase ?? 0, 0, 0xfff);
  const group = checkInteger('group', tag.group ?? 0, 0, 3);
  const base = checkInteger('base', tag.base, 0, 0xfff);
  const ingressExtension = checkInteger('ingressExtension', tag.ingressExtension ?? 0, 0, 0xff);
  const extension = checkInteger('extension', tag.extension ?? 0, 0, 0xff);
  write16(u8, offset, EtherType.ETAG);
  write16(u8, offset + 2, (priority << 13) | (tag.dropEligible ? 0x1000 : 0) | ingressBase);
  write16(u8, offset + 4, (group << 12) | base);
  u8[offset + 6] = ingressExtension;
  u8[offset + 7] = extension;
  return ETAG_BYTES;
}
