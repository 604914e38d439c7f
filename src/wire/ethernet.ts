import { read16, write16 } from './bytes.ts';
import { readMac, writeMac } from './mac.ts';

/** Byte offsets of the fields of an Ethernet header (IEEE 802.3, clause 3). */
export const ETHERNET = { DESTINATION: 0, SOURCE: 6, TYPE: 12 } as const;

/** Bytes of an Ethernet header without tags. */
export const ETHERNET_HEADER_BYTES = 14;

/** Values of the EtherType field. */
export const EtherType = {
  IPV4: 0x0800,
  ARP: 0x0806,
  IPV6: 0x86dd,
  /** IEEE 802.1Q customer tag. */
  VLAN: 0x8100,
  /** IEEE 802.1ad service tag. */
  SERVICE_VLAN: 0x88a8,
  /** MAC Control: PAUSE and priority flow control (IEEE 802.3 clause 31). */
  MAC_CONTROL: 0x8808,
  /** VN-Tag, the forerunner of the E-Tag. */
  VNTAG: 0x8926,
  /** IEEE 802.1BR E-Tag. */
  ETAG: 0x893f,
} as const;

/** Preamble and start frame delimiter, in bytes. */
export const PREAMBLE_BYTES = 8;
/** The least gap between two frames, in bytes. */
export const INTER_FRAME_GAP_BYTES = 12;
/** Frame check sequence, in bytes. */
export const FCS_BYTES = 4;
/** The shortest frame, in bytes with the frame check sequence. */
export const MIN_FRAME_BYTES = 64;
/** The longest frame without a tag, in bytes with the frame check sequence. */
export const MAX_FRAME_BYTES = 1518;
/** The longest frame with one 802.1Q tag, in bytes with the frame check sequence. */
export const MAX_TAGGED_FRAME_BYTES = 1522;

/** An Ethernet header without tags. */
export interface EthernetHeader {
  readonly destination: number;
  readonly source: number;
  /** What follows: one of {@link EtherType}, or a length when below 1,536. */
  readonly etherType: number;
}

/** Destination address of the frame at `offset`. */
export function readDestination(u8: Uint8Array, offset: number): number {
  return readMac(u8, offset + ETHERNET.DESTINATION);
}

/** Source address of the frame at `offset`. */
export function readSource(u8: Uint8Array, offset: number): number {
  return readMac(u8, offset + ETHERNET.SOURCE);
}

/** EtherType of the frame at `offset`: the outer tag's, when there is one. */
export function readEtherType(u8: Uint8Array, offset: number): number {
  return read16(u8, offset + ETHERNET.TYPE);
}

/** The header of the frame of `bytes` bytes at `offset`; undefined when the frame is too short for it. */
export function parseEthernet(u8: Uint8Array, offset: number, bytes: number): EthernetHeader | undefined {
  if (bytes < ETHERNET_HEADER_BYTES) return undefined;
  return {
    destination: readDestination(u8, offset),
    source: readSource(u8, offset),
    etherType: readEtherType(u8, offset),
  };
}

/** Writes `header` at `offset` and returns the bytes written. */
export function writeEthernet(u8: Uint8Array, offset: number, header: EthernetHeader): number {
  writeMac(u8, offset + ETHERNET.DESTINATION, header.destination);
  writeMac(u8, offset + ETHERNET.SOURCE, header.source);
  write16(u8, offset + ETHERNET.TYPE, header.etherType);
  return ETHERNET_HEADER_BYTES;
}

/**
 * Length of a frame as IEEE 802.3 has it (clause 3.1.1, MAC frame): padded to the shortest frame, with frame check
 * sequence, without preamble and gap.
 *
 * @param frameBytes bytes of the frame in memory, without the frame check sequence.
 * @example
 * macFrameBytes(42); // 64
 */
export function macFrameBytes(frameBytes: number): number {
  return Math.max(MIN_FRAME_BYTES, frameBytes + FCS_BYTES);
}

/**
 * Bytes that a frame takes on the wire: padded to the shortest frame, with frame check sequence, preamble and gap.
 *
 * @param frameBytes bytes of the frame in memory, without the frame check sequence.
 * @example
 * wireBytes(60); // 84: at 10 Gb/s 67.2 ns, so 14.88 million frames/s
 */
export function wireBytes(frameBytes: number): number {
  return macFrameBytes(frameBytes) + PREAMBLE_BYTES + INTER_FRAME_GAP_BYTES;
}
