/** Polynomials 100Bh and 04C11DB7h with their bits in reverse: the least significant bit of each byte comes first. */
const DLLP_POLYNOMIAL = 0xd008;
const TLP_POLYNOMIAL = 0xedb8_8320;
/** Type[0] and EP may change on the way: the ECRC takes both as set (PCI Express Base 2.7.1). */
const VARIANT_TYPE = 0x01;
const VARIANT_EP = 0x40;

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
  const head = Uint8Array.of((sequence >>> 8) & 0xf, sequence & 0xff);
  return wordOf(remainderOf(tlp, TLP_POLYNOMIAL, remainderOf(head, TLP_POLYNOMIAL, -1)));
}

/**
 * ECRC over a TLP from its first End-End prefix to the end of its payload, as the number that its four bytes are, most
 * significant first (2.7.1).
 *
 * @param headerAt where the header begins, behind the prefixes.
 */
export function ecrc(tlp: Uint8Array, headerAt: number): number {
  const invariant = tlp.slice();
  invariant[headerAt] |= VARIANT_TYPE;
  invariant[headerAt + 2] |= VARIANT_EP;
  return wordOf(remainderOf(invariant, TLP_POLYNOMIAL, -1));
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

/** The complement of a remainder, its lowest byte first on the link. */
function wordOf(remainder: number): number {
  const crc = ~remainder;
  return ((crc << 24) | ((crc & 0xff00) << 8) | ((crc >>> 8) & 0xff00) | (crc >>> 24)) >>> 0;
}
