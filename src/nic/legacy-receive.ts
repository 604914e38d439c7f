/** Bits of a status that have the same places in both formats: DD, EOP, VP, UDPCS, L4CS, IPCS. */
const STATUS = 0xff;
/** L4E and IPE, bits 31:30 of an advanced descriptor's status, are in 15:14 of the last double word of a legacy one. */
const ERROR_SHIFT = 16;
const ERRORS = 0xc000;

/**
 * Makes a legacy receive descriptor (82599 data sheet 7.1.5) of an advanced one, as double words: 2 has the length, 3 status
 * 7:0, errors 15:8 and VLAN tag 31:16. The address of the buffer, double words 0 and 1, stays.
 *
 * @param status of the advanced descriptor. @param length its last double word.
 */
export function writeLegacy(cache: Int32Array, word: number, status: number, length: number): void {
  cache[word + 2] = length & 0xffff;
  cache[word + 3] = (length & ~0xffff) | ((status >>> ERROR_SHIFT) & ERRORS) | (status & STATUS);
}
