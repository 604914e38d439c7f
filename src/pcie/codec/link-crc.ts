import { crc32 } from '../../wire/index.ts';

/** Polynomial 100Bh with its bits in reverse: the least significant bit of each byte comes first. */
const DLLP_POLYNOMIAL = 0xd008;
/** Type[0] and EP may change on the way: the ECRC takes both as set (PCI Express Base 2.7.1). */
const VARIANT_TYPE = 0x01;
const VARIANT_EP = 0x40;
/** EP in Flit Mode: in this byte of the header, this bit. */
const FLIT_EP_AT = 6;
const VARIANT_FLIT_EP = 0x80;
/** For bytes that are not as they are in a TLP. */
const SCRATCH = new Uint8Array(3);

/**
 * CRC of a DLLP's four bytes, as the number that its two last bytes are, most significant first: all ones at the start,
 * complemented at the end (PCI Express Base 3.4.1).
 */
export function dllpCrc(bytes: Uint8Array): number {
  const crc = ~remainderOf(bytes.subarray(0, 4), DLLP_POLYNOMIAL, 0xffff) & 0xffff;
  return ((crc & 0xff) << 8) | (crc >>> 8);
}

/**
 * LCRC of a TLP behind its sequence number, as the number that its four bytes are, most significant first (3.6.2.2.1):
 * the CRC of Ethernet, over the two bytes of the sequence number and the TLP.
 *
 * @param sequence 0 to 4,095.
 */
export function lcrc(sequence: number, tlp: Uint8Array): number {
  SCRATCH[0] = (sequence >>> 8) & 0xf;
  SCRATCH[1] = sequence;
  return reversed(crc32(tlp, 0, tlp.length, crc32(SCRATCH, 0, 2)));
}

/**
 * ECRC over a TLP from its first End-End prefix to the end of its payload, as the number that its four bytes are, most
 * significant first (2.7.1).
 *
 * @param headerAt where the header begins, behind the prefixes.
 */
export function ecrc(tlp: Uint8Array, headerAt: number): number {
  return ecrcOf(tlp, 0, tlp.length, headerAt);
}

/** As {@link ecrc}, of a TLP that is somewhere in `bytes`: from its first End-End prefix at `from` up to `end`. */
export function ecrcOf(bytes: Uint8Array, from: number, end: number, headerAt: number): number {
  SCRATCH[0] = bytes[headerAt] | VARIANT_TYPE;
  SCRATCH[1] = bytes[headerAt + 1];
  SCRATCH[2] = bytes[headerAt + 2] | VARIANT_EP;
  const prefixes = from === headerAt ? 0 : crc32(bytes, from, headerAt - from);
  return reversed(crc32(bytes, headerAt + 3, end - headerAt - 3, crc32(SCRATCH, 0, 3, prefixes)));
}

/**
 * ECRC of a TLP in Flit Mode, from its header base at `from` up to `end`: EP is in another place there (PCI Express Base 6.0
 * 2.7.1).
 */
export function flitEcrc(bytes: Uint8Array, from: number, end: number): number {
  SCRATCH[0] = bytes[from] | VARIANT_TYPE;
  const head = crc32(bytes, from + 1, FLIT_EP_AT - 1, crc32(SCRATCH, 0, 1));
  SCRATCH[0] = bytes[from + FLIT_EP_AT] | VARIANT_FLIT_EP;
  const behind = from + FLIT_EP_AT + 1;
  return reversed(crc32(bytes, behind, end - behind, crc32(SCRATCH, 0, 1, head)));
}

function remainderOf(bytes: Uint8Array, polynomial: number, start: number): number {
  let remainder = start;
  for (let at = 0; at < bytes.length; at++) {
    remainder ^= bytes[at];
    for (let bit = 0; bit < 8; bit++)
      remainder = (remainder >>> 1) ^ ((remainder & 1) === 0 ? 0 : polynomial);
  }
  return remainder;
}

/** A CRC with its lowest byte first, as it is on the link. */
function reversed(crc: number): number {
  return ((crc << 24) | ((crc & 0xff00) << 8) | ((crc >>> 8) & 0xff00) | (crc >>> 24)) >>> 0;
}
