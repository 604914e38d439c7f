import { checkInteger, checkOneOf } from '../base/index.ts';
import { read16, write16 } from './bytes.ts';
import { EtherType } from './ethernet.ts';

/** Bytes that a VLAN tag adds to a frame: its EtherType and the Tag Control Information (TCI). */
export const VLAN_TAG_BYTES = 4;

/** The highest VLAN that frames can belong to; 4095 is reserved (IEEE 802.1Q, table 9-2). */
export const MAX_VLAN_ID = 4094;

/** A VLAN tag (IEEE 802.1Q, clause 9.6). */
export interface VlanTag {
  /** `EtherType.VLAN` or `EtherType.SERVICE_VLAN`. Default `EtherType.VLAN`. */
  readonly etherType?: number;
  /** 0 to 4,095; 0 means that the tag carries a priority and no VLAN. */
  readonly id: number;
  /** Priority Code Point, 0 to 7. Default 0. */
  readonly priority?: number;
  /** Drop Eligible Indicator. Default false. */
  readonly dropEligible?: boolean;
}

/** VLAN of a TCI. */
export function tciId(tci: number): number {
  return tci & 0xfff;
}

/** Priority Code Point of a TCI. */
export function tciPriority(tci: number): number {
  return (tci >>> 13) & 7;
}

/**
 * The 16-bit TCI of `tag`.
 *
 * @throws TypeError or RangeError if a field does not fit its bits.
 */
export function packTci(tag: VlanTag): number {
  const id = checkInteger('VLAN id', tag.id, 0, 0xfff);
  const priority = checkInteger('VLAN priority', tag.priority ?? 0, 0, 7);
  return (priority << 13) | (tag.dropEligible ? 0x1000 : 0) | id;
}

/** True for the EtherTypes that start a VLAN tag. */
export function isVlanEtherType(etherType: number): boolean {
  return etherType === EtherType.VLAN || etherType === EtherType.SERVICE_VLAN;
}

/** The VLAN tag whose EtherType is at `offset`, with `bytes` bytes left; undefined when there is none. */
export function parseVlanTag(u8: Uint8Array, offset: number, bytes: number): Required<VlanTag> | undefined {
  if (bytes < VLAN_TAG_BYTES || !isVlanEtherType(read16(u8, offset))) return undefined;
  const tci = read16(u8, offset + 2);
  return {
    etherType: read16(u8, offset),
    id: tciId(tci),
    priority: tciPriority(tci),
    dropEligible: (tci & 0x1000) !== 0,
  };
}

/**
 * Writes `tag` at `offset`, where the EtherType of an untagged frame would be, and returns the bytes written. The
 * EtherType of what follows goes behind it.
 *
 * @throws TypeError or RangeError if a field does not fit its bits.
 */
export function writeVlanTag(u8: Uint8Array, offset: number, tag: VlanTag): number {
  const etherType = tag.etherType ?? EtherType.VLAN;
  const tci = packTci(tag);
  write16(u8, offset, checkOneOf('VLAN etherType', etherType, [EtherType.VLAN, EtherType.SERVICE_VLAN]));
  write16(u8, offset + 2, tci);
  return VLAN_TAG_BYTES;
}
