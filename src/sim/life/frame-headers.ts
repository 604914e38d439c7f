import { formatMac, readMac } from '../../wire/index.ts';
import type { FoundFrame } from './find-frame.ts';
import type { RegisterLook } from './register-look.ts';

/** What of a frame the rules of a switch look at. */
export interface FrameHeaders {
  readonly destination: number;
  readonly source: number;
  readonly frameClass: 'unicast' | 'multicast' | 'broadcast';
  /** VLAN of the tag with which it came in; null for none. */
  readonly ownVlan: number | null;
}

const HEADER_BYTES = 14;
const TAG_END = 16;
const VLAN_TYPE = 0x8100;
const BROADCAST = 0xffff_ffff_ffff;
const GROUP = 2 ** 40;

/** The headers of a frame; null if the log does not have its bytes, or they are too few. */
export function headersOf({ data, tci }: FoundFrame): FrameHeaders | null {
  if (data === null || data.length < HEADER_BYTES) return null;
  const destination = readMac(data, 0);
  const isGroup = Math.floor(destination / GROUP) % 2 === 1;
  return {
    destination,
    source: readMac(data, 6),
    frameClass: destination === BROADCAST ? 'broadcast' : isGroup ? 'multicast' : 'unicast',
    ownVlan: tci >= 0 ? tci & 0xfff : tagInBytes(data),
  };
}

function tagInBytes(data: Uint8Array): number | null {
  if (data.length < TAG_END || ((data[12] << 8) | data[13]) !== VLAN_TYPE) return null;
  return ((data[14] << 8) | data[15]) & 0xfff;
}

/** An address in words. */
export function macText(mac: number): string {
  return formatMac(mac);
}

const ALWAYS = 1;
const NEVER = 2;

/**
 * VLAN that the switch takes a frame for, by its own tag and by what PFVMVIR says of the VPort that sends it; null for
 * none, undefined where the log does not tell.
 */
export function switchVlan(
  headers: FrameHeaders,
  { data }: FoundFrame,
  vport: number | null,
  look: RegisterLook,
): number | null | undefined {
  // With two tags, or with those of a port extender, other rules hold.
  if (look.isDouble || look.isExtender) return undefined;
  if (vport === null) return headers.ownVlan;
  const insert = look.get('PFVMVIR', vport);
  if (insert >>> 30 === ALWAYS) return insert & 0xfff;
  if (insert >>> 30 === NEVER) return data === null ? undefined : tagInBytes(data);
  return headers.ownVlan;
}
