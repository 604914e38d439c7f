import type { PasidPrefix } from './prefix.ts';
import { TLP_CHECKS, type TlpCheck, type TlpCheckRow } from './tlp-checks.ts';
import { FORMAT_OF, FORMATS, type TlpFormat } from './tlp-formats.ts';
import type { TlpPacket } from './tlp-types.ts';

/** Steering in Flit Mode: OHC-B (PCI Express Base 6.0 2.2.1.2). */
export interface FlitSteering {
  /** HV, 0 to 3: which hints there are. */
  readonly hintsValid: number;
  /** PH, 0 to 3. */
  readonly processingHint: number;
  /** ST, 0 to 65,535. */
  readonly steeringTag: number;
  /** AMA, 0 to 7, with AV set; null without. Default null. */
  readonly attributes?: number | null;
}

/**
 * What a TLP of Flit Mode has beside the fields of its kind: in Orthogonal Header Content, which comes behind the header base only
 * where it says something (2.2.1.2).
 */
export interface FlitContent {
  /** Process Address Space ID of a request to memory or a message: OHC-A1, of a message by ID OHC-A4. Default null. */
  readonly pasid?: PasidPrefix | null;
  /** NW of a translation request: OHC-A1. Default false. */
  readonly noWrite?: boolean;
  /** Destination Segment of a configuration request, a message by ID, a completion: OHC-A3, A4, A5. Default null. */
  readonly destinationSegment?: number | null;
  /** Completer Segment of a completion: OHC-A5. Default 0. */
  readonly completerSegment?: number;
  /** OHC-B. Default null. */
  readonly steering?: FlitSteering | null;
  /** OHC-C (Requester Segment and integrity), as a double word that is not looked into. Default null. */
  readonly contentC?: number | null;
  /** OHC-E (End-End prefixes): 0, 1, 2 or 4 double words that are not looked into. Default none. */
  readonly contentE?: readonly number[];
}

/**
 * A TLP of Flit Mode. Its tag has 14 bits, that of a message none; it has no `prefixes`, `hints` and `byteCountModified`: what they
 * say is in {@link FlitContent}, or not said.
 */
export type FlitTlp = TlpPacket & FlitContent;

/** Type of NOP TLPs, of a double word, and of a Memory Read with a short address; all others are Fmt and Type of before. */
export const FLIT_NOP = 0x00;
const FLIT_READ = 0x03;

/** By the first byte of a header in Flit Mode, its Type; null where there is no such kind of TLP. */
export const FLIT_FORMAT_OF: readonly (TlpFormat | null)[] = FORMAT_OF.map((format, type) => {
  if (type === FLIT_NOP) return null;
  return type === FLIT_READ ? FORMATS.MRd : format;
});

/** First byte of a header in Flit Mode for that of before, and back. */
export function flitTypeOf(first: number): number {
  return first === FORMATS.MRd.first ? FLIT_READ : first;
}

/** The first byte of before for a Type in Flit Mode. */
export function firstByteOf(flitType: number): number {
  return flitType === FLIT_READ ? FORMATS.MRd.first : flitType;
}

/** Bits of OHC[4:0]: A, B, C; above them E. */
export const OHC_A = 1;
export const OHC_B = 2;
export const OHC_C = 4;
/** Double words of OHC-E by OHC[4:3]. */
export const OHC_E_WORDS = [0, 1, 2, 4] as const;
/** TS: a trailer of a double word, with the ECRC. */
export const TRAILER_ECRC = 1;

/** Checks of a receiver that Flit Mode alone has. */
export const FLIT_CHECKS = {
  trailer: { section: '2.2.1.2', rule: 'there is no trailer, or one with an ECRC', optional: false },
  headerContent: {
    section: '2.2.1.2',
    rule: 'an I/O request has OHC-A2, a configuration request OHC-A3; without it is an Unsupported Request',
    optional: false,
  },
} as const satisfies Readonly<Record<string, TlpCheckRow>>;

/** Name of a check of {@link FLIT_CHECKS}, or of those that both modes have. */
export type FlitCheck = TlpCheck | keyof typeof FLIT_CHECKS;

/** The check that a TLP of Flit Mode has failed. */
export interface FlitViolation {
  readonly check: FlitCheck;
  readonly section: string;
  /** The rule, and what is there instead. */
  readonly what: string;
}

/** Says that a TLP fails `check`, and what it has instead. */
export function flitViolation(check: FlitCheck, found: string): FlitViolation {
  const { section, rule } = { ...TLP_CHECKS, ...FLIT_CHECKS }[check];
  return { check, section, what: `${rule}; here ${found}` };
}
