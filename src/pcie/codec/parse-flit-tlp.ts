import {
  FLIT_FORMAT_OF,
  FLIT_NOP,
  type FlitCheck,
  type FlitSteering,
  type FlitTlp,
  type FlitViolation,
  firstByteOf,
  flitViolation,
  OHC_A,
  OHC_B,
  OHC_C,
  OHC_E_WORDS,
  TRAILER_ECRC,
} from './flit-tlp-types.ts';
import { flitEcrc } from './link-crc.ts';
import type { PasidPrefix } from './prefix.ts';
import { lengthOf, TlpFields, wordAt } from './tlp-fields.ts';
import { FMT_4DW, TlpGroup } from './tlp-formats.ts';
import { limitsOf, type TlpLimits, type TlpReceiverSettings } from './tlp-limits.ts';
import { packetOf } from './tlp-packet.ts';
import { brokenRule } from './tlp-rules.ts';
import { MessageRouting } from './tlp-types.ts';
import type { EcrcState } from './tlp-view.ts';
import { violationOf } from './tlp-violation.ts';

/** What has become of the bytes: a TLP of Flit Mode, or the check that they failed. */
export type ParsedFlitTlp =
  | { readonly tlp: FlitTlp; readonly ecrc: EcrcState; readonly violation: null }
  | { readonly tlp: null; readonly ecrc: EcrcState; readonly violation: FlitViolation };

const WORD = 4;

/**
 * Bytes of the TLP of Flit Mode that begins at `at`, which TLPs say themselves: a NOP TLP has four. -1 if it is of no known
 * kind, has a trailer of an unknown size, or goes on behind the bytes that are there.
 *
 * @example
 * for (let at = 0; at < bytes.length; at += flitTlpBytes(bytes, at)) parseFlitTlp(bytes.subarray(at, at + flitTlpBytes(bytes, at)));
 */
export function flitTlpBytes(bytes: Uint8Array, at = 0): number {
  if (bytes.length - at < WORD) return -1;
  const type = bytes[at];
  if (type === FLIT_NOP) return WORD;
  const format = FLIT_FORMAT_OF[type];
  const trailer = bytes[at + 2] >>> 5;
  if (format === null || trailer > TRAILER_ECRC) return -1;
  const words = (type & FMT_4DW) === 0 ? 3 : 4;
  const payload = format.carriesData ? lengthOf(wordAt(bytes, at)) : 0;
  const size = WORD * (words + contentWords(bytes[at + 1]) + payload + trailer);
  return size > bytes.length - at ? -1 : size;
}

/**
 * Takes a TLP of Flit Mode apart and makes the checks of a receiver (PCI Express Base 6.0 2.2, 2.3): those of {@link parseTlp},
 * but for prefixes, and those of `FLIT_CHECKS`. Bytes are the wire's: nothing in them throws.
 *
 * @param settings as of {@link parseTlp}; what they say of prefixes is of no use.
 * @throws TypeError or RangeError for settings that are out of range.
 * @example
 * parseFlitTlp(bytes).tlp; // { kind: 'MRd', tag: 0x2006, pasid: null, ... }
 */
export function parseFlitTlp(bytes: Uint8Array, settings: TlpReceiverSettings = {}): ParsedFlitTlp {
  return new FlitFields(bytes, limitsOf(settings)).result();
}

/** Double words of Orthogonal Header Content by the second byte of a header. */
function contentWords(second: number): number {
  return (second & 1) + ((second >> 1) & 1) + ((second >> 2) & 1) + OHC_E_WORDS[(second >> 3) & 3];
}

/** The fields of a TLP of Flit Mode, in the places that the other mode has for them: so the rules for both are the same. */
class FlitFields extends TlpFields {
  private readonly limits: TlpLimits;
  private ecrc: EcrcState = 'absent';
  /** OHC-A, or 0. */
  private a = 0;

  constructor(bytes: Uint8Array, limits: TlpLimits) {
    super();
    this.bytes = bytes;
    this.end = bytes.length;
    this.limits = limits;
  }

  result(): ParsedFlitTlp {
    const { bytes, end: size } = this;
    if (size % WORD !== 0 || size === 0) return this.fail('header', `${size} bytes`);
    const format = FLIT_FORMAT_OF[bytes[0]];
    if (format === null) return this.fail('type', bytes[0] === FLIT_NOP ? 'a NOP TLP' : `Type ${bytes[0]}`);
    this.format = format;
    const [, second, third] = bytes;
    const trailer = third >>> 5;
    if (trailer > TRAILER_ECRC) return this.fail('trailer', `TS ${trailer}`);
    const base = (bytes[0] & FMT_4DW) === 0 ? 12 : 16;
    const contentBytes = WORD * contentWords(second);
    if (size < base + contentBytes) return this.fail('header', `${size} bytes of ${base + contentBytes}`);
    this.headerBytes = base;
    this.payloadAt = base + contentBytes;
    this.payloadBytes = format.carriesData ? WORD * lengthOf(wordAt(bytes, 0)) : 0;
    const covered = this.payloadAt + this.payloadBytes;
    if (covered + WORD * trailer !== size)
      return this.fail(
        'length',
        `${size - this.payloadAt - WORD * trailer} bytes instead of ${this.payloadBytes}`,
      );
    if (trailer === TRAILER_ECRC)
      this.ecrc = flitEcrc(bytes, 0, covered) === wordAt(bytes, covered) >>> 0 ? 'good' : 'bad';
    this.a = (second & OHC_A) === 0 ? 0 : wordAt(bytes, base);
    this.translate(second, trailer);
    if (format.group === TlpGroup.REGISTER && (second & OHC_A) === 0)
      return this.fail('headerContent', 'none');
    const broken = brokenRule(this, this.limits);
    if (broken !== null)
      return { tlp: null, ecrc: this.ecrc, violation: violationOf(this, broken, this.limits) };
    return { tlp: this.packet(), ecrc: this.ecrc, violation: null };
  }

  private fail(check: FlitCheck, found: string): ParsedFlitTlp {
    return { tlp: null, ecrc: this.ecrc, violation: flitViolation(check, found) };
  }

  /** Puts all fields where the other mode has them. */
  private translate(second: number, trailer: number): void {
    const { bytes, a, format } = this;
    const first = wordAt(bytes, 0);
    const who = wordAt(bytes, 4);
    const attributes = (first >>> 10) & 7;
    const { group } = format;
    const isLong = this.headerBytes === 16;
    const last = wordAt(bytes, isLong ? 12 : 8);
    const addressType = format.hasAddress ? last & 3 : 0;
    this.word0 =
      (firstByteOf(first >>> 24) << 24) |
      ((second >>> 5) << 20) |
      ((attributes >> 2) << 18) |
      (trailer << 15) |
      (((who >>> 15) & 1) << 14) |
      ((attributes & 3) << 12) |
      (addressType << 10) |
      (first & 0x3ff);
    const id = who & 0xffff_0000;
    const route = wordAt(bytes, 8);
    this.word2 = route;
    if (isLong) this.word3 = wordAt(bytes, 12);
    if (group === TlpGroup.COMPLETION) {
      const lower = (((who >>> 14) & 1) << 6) | (((route >>> 12) & 15) << 2) | ((a >>> 3) & 3);
      this.word1 = id | ((a & 7) << 13) | (route & 0xfff);
      this.word2 = (route & 0xffff_0000) | lower;
    } else if (group === TlpGroup.MESSAGE) {
      this.word1 = id | (who & 0xff);
    } else {
      this.word1 = id | this.enables(second);
      if (format.hasAddress && isLong) this.word3 = last & ~3;
      else if (format.hasAddress) this.word2 = last & ~3;
    }
  }

  /** Byte enables: those of OHC-A, or of whole double words. */
  private enables(second: number): number {
    if ((second & OHC_A) !== 0) return this.a & 0xff;
    return this.length === 1 ? 0x0f : 0xff;
  }

  private packet(): FlitTlp {
    const { bytes, a, format } = this;
    const second = bytes[1];
    const { group } = format;
    let at = this.headerBytes + ((second & OHC_A) === 0 ? 0 : WORD);
    const steering = (second & OHC_B) === 0 ? null : steeringOf(wordAt(bytes, at));
    if (steering !== null) at += WORD;
    const contentC = (second & OHC_C) === 0 ? null : wordAt(bytes, at) >>> 0;
    if (contentC !== null) at += WORD;
    const contentE = Array.from(
      { length: OHC_E_WORDS[(second >> 3) & 3] },
      (_, i) => wordAt(bytes, at + WORD * i) >>> 0,
    );
    const isById = group === TlpGroup.MESSAGE && this.routing === MessageRouting.BY_ID;
    const isCompletion = group === TlpGroup.COMPLETION;
    const hasSegment = isById || isCompletion || (group === TlpGroup.REGISTER && this.kind.startsWith('Cfg'));
    return {
      ...packetOf(this),
      tag: group === TlpGroup.MESSAGE ? 0 : wordAt(bytes, 4) & 0x3fff,
      pasid: isById ? partsOf(a) : format.hasAddress || group === TlpGroup.MESSAGE ? addressSpaceOf(a) : null,
      noWrite: format.hasAddress && a < 0,
      destinationSegment: hasSegment && (a & (1 << 15)) !== 0 ? a >>> 24 : null,
      completerSegment: isCompletion ? (a >>> 16) & 0xff : 0,
      steering,
      contentC,
      contentE,
    };
  }
}

/** PASID of OHC-A1. */
function addressSpaceOf(a: number): PasidPrefix | null {
  if ((a & (1 << 30)) === 0) return null;
  return {
    pasid: (a >>> 8) & 0xfffff,
    executeRequested: (a & (1 << 28)) !== 0,
    privilegedModeRequested: (a & (1 << 29)) !== 0,
  };
}

/** PASID of OHC-A4, in three parts. */
function partsOf(a: number): PasidPrefix | null {
  if ((a & (1 << 14)) === 0) return null;
  const pasid = (((a >>> 8) & 15) << 16) | (((a >>> 16) & 0xff) << 8) | (a & 0xff);
  return { pasid, executeRequested: false, privilegedModeRequested: false };
}

function steeringOf(b: number): FlitSteering {
  return {
    hintsValid: (b >>> 4) & 3,
    processingHint: (b >>> 6) & 3,
    steeringTag: (b >>> 8) & 0xffff,
    attributes: (b & 1) === 0 ? null : (b >>> 1) & 7,
  };
}
