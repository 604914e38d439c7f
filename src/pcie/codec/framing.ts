import { checkInteger } from '../../base/index.ts';
import { DLLP_PACKET_BYTES } from './dllp.ts';
import { lcrc } from './link-crc.ts';

/** How a link marks where packets begin and end: up to 5 GT/s (8b/10b), or from 8 GT/s on (128b/130b). */
export type LinkEncoding = '8b/10b' | '128b/130b';

/** Control symbols of 8b/10b: K27.7, K28.2, K29.7 and K30.7 (PCI Express Base 4.2.1.2). */
const STP = 0xfb;
const SDP = 0x5c;
const END = 0xfd;
const EDB = 0xfe;
/** Tokens of 128b/130b: start of a DLLP, and the four symbols that end a nullified TLP (4.2.2.3). */
const SDP_TOKEN = [0xf0, 0xac] as const;
const EDB_TOKEN = 0xc0;

/** A TLP between framing and transaction layer, as the receiver of a link finds it. */
export interface LinkTlp {
  /** 0 to 4,095. */
  readonly sequence: number;
  readonly tlp: Uint8Array;
  /** Its LCRC is right. */
  readonly isIntact: boolean;
  /** The transmitter has taken it back: inverted LCRC and EDB (3.6.2.2.1). It is dropped without an error. */
  readonly isNullified: boolean;
}

/** What a receiver has found: a TLP or a DLLP, or bytes that are no packet: a framing error (4.2.2.3.3). */
export type Frame =
  | ({ readonly kind: 'tlp' } & LinkTlp)
  | { readonly kind: 'dllp'; readonly dllp: Uint8Array }
  | { readonly kind: 'framing error'; readonly what: string };

const LCRC_BYTES = 4;
/** Bytes of sequence number of 8b/10b; 128b/130b has it in its token. */
const SEQUENCE_BYTES = 2;
const TOKEN_BYTES = 4;

/**
 * A TLP as it is on the link, as a sequence of symbols: start, sequence number, TLP, LCRC, end (PCI Express Base 3.6.2,
 * 4.2.1.2, 4.2.2.3). Lanes and scrambling are below this.
 *
 * @param nullified sends it with an inverted LCRC and EDB. Default false.
 * @throws RangeError for a sequence number beyond 4,095 and a TLP that is no whole double words, or too long.
 */
export function frameTlp(
  tlp: Uint8Array,
  sequence: number,
  encoding: LinkEncoding,
  nullified = false,
): Uint8Array {
  checkInteger('sequence', sequence, 0, 0xfff);
  checkTlpBytes(tlp);
  const right = lcrc(sequence, tlp);
  const check = nullified ? ~right >>> 0 : right;
  const word = [check >>> 24, (check >>> 16) & 0xff, (check >>> 8) & 0xff, check & 0xff];
  if (encoding === '8b/10b') {
    return Uint8Array.of(STP, sequence >>> 8, sequence & 0xff, ...tlp, ...word, nullified ? EDB : END);
  }
  const words = (TOKEN_BYTES + tlp.length + LCRC_BYTES) / 4;
  const end = nullified ? [EDB_TOKEN, EDB_TOKEN, EDB_TOKEN, EDB_TOKEN] : [];
  return Uint8Array.of(...stpToken(words, sequence), ...tlp, ...word, ...end);
}

/** A DLLP with its framing: eight symbols. */
export function frameDllp(dllp: Uint8Array, encoding: LinkEncoding): Uint8Array {
  checkInteger('bytes of the DLLP', dllp.length, DLLP_PACKET_BYTES, DLLP_PACKET_BYTES);
  return encoding === '8b/10b' ? Uint8Array.of(SDP, ...dllp, END) : Uint8Array.of(...SDP_TOKEN, ...dllp);
}

/** Takes one framed packet apart. Bytes are the wire's: nothing in them throws. */
export function unframe(bytes: Uint8Array, encoding: LinkEncoding): Frame {
  return encoding === '8b/10b' ? unframeSymbols(bytes) : unframeTokens(bytes);
}

function unframeSymbols(bytes: Uint8Array): Frame {
  const size = bytes.length;
  const last = bytes[size - 1];
  if (bytes[0] === SDP) {
    if (size !== DLLP_PACKET_BYTES + 2 || last !== END)
      return error('a DLLP that is not eight symbols with END');
    return { kind: 'dllp', dllp: bytes.slice(1, -1) };
  }
  if (bytes[0] !== STP) return error('neither STP nor SDP');
  const tlpBytes = size - 2 - SEQUENCE_BYTES - LCRC_BYTES;
  if (tlpBytes < 0 || (last !== END && last !== EDB)) return error('a TLP without END or EDB');
  const sequence = ((bytes[1] & 0xf) << 8) | bytes[2];
  return linkTlp(
    sequence,
    bytes.slice(3, 3 + tlpBytes),
    bytes.subarray(3 + tlpBytes, size - 1),
    last === EDB,
  );
}

function unframeTokens(bytes: Uint8Array): Frame {
  const size = bytes.length;
  if (bytes[0] === SDP_TOKEN[0] && bytes[1] === SDP_TOKEN[1]) {
    if (size !== DLLP_PACKET_BYTES + 2) return error('a DLLP that is not eight symbols');
    return { kind: 'dllp', dllp: bytes.slice(2) };
  }
  if (size < TOKEN_BYTES || (bytes[0] & 0xf) !== 0xf) return error('neither STP nor SDP');
  const words = (bytes[0] >>> 4) | ((bytes[1] & 0x7f) << 4);
  const sequence = ((bytes[2] & 0xf) << 8) | bytes[3];
  const [, second, third] = stpToken(words, sequence);
  if (second !== bytes[1] || third !== bytes[2]) return error('frame CRC or frame parity of STP');
  const end = 4 * words;
  const isNullified = size === end + 4 && bytes.subarray(end).every((symbol) => symbol === EDB_TOKEN);
  if (size !== end && !isNullified) return error(`${size} symbols, where STP says ${end}`);
  if (words < 2) return error(`${words} double words`);
  return linkTlp(sequence, bytes.slice(4, end - 4), bytes.subarray(end - 4, end), isNullified);
}

/** Whether bytes can be a TLP between framing symbols. @throws TypeError or RangeError if not. */
export function checkTlpBytes(tlp: Uint8Array): void {
  if (!(tlp instanceof Uint8Array)) throw new TypeError(`tlp must be a Uint8Array, got ${typeof tlp}`);
  checkInteger('bytes of the TLP modulo 4', tlp.length % 4, 0, 0);
  checkInteger('bytes of the TLP', tlp.length, 12, 4 * (0x7ff - 2));
}

function linkTlp(sequence: number, tlp: Uint8Array, check: Uint8Array, isEnded: boolean): Frame {
  const found = ((check[0] << 24) | (check[1] << 16) | (check[2] << 8) | check[3]) >>> 0;
  const right = lcrc(sequence, tlp);
  const isNullified = isEnded && found === ~right >>> 0;
  return { kind: 'tlp', sequence, tlp, isIntact: !isEnded && found === right, isNullified };
}

/** STP of 128b/130b: 1111b, length in double words, its CRC and even parity, sequence number (4.2.2.3.1). */
function stpToken(words: number, sequence: number): readonly number[] {
  const crc = frameCrc(words);
  const parity = ones(words) ^ ones(crc);
  return [
    0xf | ((words & 0xf) << 4),
    (words >>> 4) | (parity << 7),
    (crc << 4) | (sequence >>> 8),
    sequence & 0xff,
  ];
}

/** Four bits over the eleven of the length, its lowest first: polynomial x^4 + x + 1. */
function frameCrc(words: number): number {
  let remainder = 0;
  for (let i = 0; i < 11; i++) {
    const bit = ((words >>> i) & 1) ^ (remainder >>> 3);
    remainder = ((remainder << 1) & 0xf) ^ (bit === 1 ? 0b0011 : 0);
  }
  return remainder;
}

function ones(value: number): number {
  let parity = 0;
  for (let left = value; left !== 0; left >>>= 1) parity ^= left & 1;
  return parity;
}

function error(what: string): Frame {
  return { kind: 'framing error', what };
}
