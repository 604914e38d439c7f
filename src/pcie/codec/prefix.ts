import { checkInteger } from '../../base/index.ts';

/** A TLP prefix: a double word before the header (PCI Express Base 2.2.10). */
export interface TlpPrefix {
  /** Local prefixes end at the other end of the link; End-End ones go with the TLP. */
  readonly scope: 'local' | 'end-end';
  /** L[3:0] or E[3:0], 0 to 15: see {@link PrefixType}. */
  readonly type: number;
  /** The 24 bits behind the first byte. */
  readonly content: number;
}

/** Types of prefixes that the specification names (tables 2-36 and 2-37). */
export const PrefixType = {
  /** Local: multi-root I/O virtualization. */
  MULTI_ROOT: 0b0000,
  /** End-End: the upper half of a sixteen-bit Steering Tag. */
  EXTENDED_TPH: 0b0000,
  /** End-End: Process Address Space ID. */
  PASID: 0b0001,
  /** Both: defined by vendors. */
  VENDOR_0: 0b1110,
  VENDOR_1: 0b1111,
} as const;

/** What a PASID TLP prefix says (6.20.2). */
export interface PasidPrefix {
  /** 0 to 2^20 - 1. */
  readonly pasid: number;
  readonly executeRequested: boolean;
  readonly privilegedModeRequested: boolean;
}

/** Fmt of every prefix, in its first byte. */
const FMT_PREFIX = 0b100 << 5;
const END_END = 1 << 4;
const PRIVILEGED = 1 << 23;
const EXECUTE = 1 << 22;

/** The prefix that names a Process Address Space ID (6.20.2). */
export function pasidPrefix(fields: PasidPrefix): TlpPrefix {
  const { pasid, executeRequested, privilegedModeRequested } = fields;
  checkInteger('pasid', pasid, 0, 0xfffff);
  const content = (privilegedModeRequested ? PRIVILEGED : 0) | (executeRequested ? EXECUTE : 0) | pasid;
  return { scope: 'end-end', type: PrefixType.PASID, content };
}

/** What a prefix says of a Process Address Space ID, or null for any other prefix. */
export function pasidOf({ scope, type, content }: TlpPrefix): PasidPrefix | null {
  if (scope !== 'end-end' || type !== PrefixType.PASID) return null;
  return {
    pasid: content & 0xfffff,
    executeRequested: (content & EXECUTE) !== 0,
    privilegedModeRequested: (content & PRIVILEGED) !== 0,
  };
}

/** Whether a double word with this first byte is a prefix, and no header. */
export function isPrefix(firstByte: number): boolean {
  return firstByte >>> 5 === 0b100;
}

/** Whether a prefix with this first byte is a local one. */
export function isLocal(firstByte: number): boolean {
  return (firstByte & END_END) === 0;
}

/** A prefix as a double word. */
export function prefixWord({ scope, type, content }: TlpPrefix): number {
  checkInteger('type of a prefix', type, 0, 15);
  checkInteger('content of a prefix', content, 0, 0xffffff);
  const first = FMT_PREFIX | (scope === 'end-end' ? END_END : 0) | type;
  return first * 2 ** 24 + content;
}

/** The prefix that a double word is, or null for one whose Fmt is another. */
export function prefixOf(word: number): TlpPrefix | null {
  const first = word >>> 24;
  if (!isPrefix(first)) return null;
  return {
    scope: isLocal(first) ? 'local' : 'end-end',
    type: first & 15,
    content: word & 0xffffff,
  };
}
