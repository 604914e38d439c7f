import { messageOf } from './messages.ts';
import type { TlpCheck } from './tlp-checks.ts';
import type { TlpFields } from './tlp-fields.ts';
import { TlpGroup } from './tlp-formats.ts';
import type { TlpLimits } from './tlp-limits.ts';

/** Bytes of a page, which no request to memory goes beyond (2.2.7). */
const PAGE_BYTES = 4096;
/** Byte enables from some byte on, and up to some byte, as sets of numbers: bit i for the enables i. */
const FROM_SOME = (1 << 0b1111) | (1 << 0b1110) | (1 << 0b1100) | (1 << 0b1000);
const UP_TO_SOME = (1 << 0b1111) | (1 << 0b0111) | (1 << 0b0011) | (1 << 0b0001);
/** Double words of payload that an AtomicOp can have, as sets likewise: a CAS has two operands (2.2.7). */
const OPERAND_WORDS = (1 << 1) | (1 << 2);
const CAS_WORDS = (1 << 2) | (1 << 4) | (1 << 8);

/** The rules for the fields of a TLP, in turn: the first that is broken, or null. */
export function brokenRule(tlp: TlpFields, limits: TlpLimits): TlpCheck | null {
  if (tlp.payloadBytes > limits.maxPayloadBytes) return 'maxPayload';
  if (((limits.trafficClasses >>> tlp.trafficClass) & 1) === 0) return 'trafficClass';
  const { without } = limits;
  switch (tlp.group) {
    case TlpGroup.MEMORY:
      if (crossesPage(tlp) && !without.includes('pageCrossing')) return 'pageCrossing';
      if (isTooLong(tlp) && !without.includes('addressFormat')) return 'addressFormat';
      return enablesProblem(tlp) !== null && !without.includes('byteEnables') ? 'byteEnables' : null;
    case TlpGroup.ATOMIC:
      if (!hasOperands(tlp)) return 'atomicOperand';
      return isTooLong(tlp) && !without.includes('addressFormat') ? 'addressFormat' : null;
    case TlpGroup.MESSAGE: {
      const message = messageOf(tlp.code);
      if (message === undefined) return null;
      if (message.classZero && tlp.trafficClass !== 0) return 'messageClass';
      const goesWrong = !isRouted(tlp) || isAtWrongEnd(tlp, limits);
      return goesWrong && !without.includes('messageRouting') ? 'messageRouting' : null;
    }
    case TlpGroup.COMPLETION:
      if (!tlp.carriesData || tlp.byteCountModified) return null;
      if (tlp.payloadBytes > bytesLeft(tlp) && !without.includes('completionLength'))
        return 'completionLength';
      return breaksBoundary(tlp, limits) && !without.includes('readBoundary') ? 'readBoundary' : null;
    default: {
      if (tlp.lastEnables !== 0 && !without.includes('byteEnables')) return 'byteEnables';
      // Attr[2] is reserved here.
      const isPlain = tlp.trafficClass === 0 && (tlp.attributes & 3) === 0 && tlp.length === 1;
      return !isPlain && !without.includes('requestFields') ? 'requestFields' : null;
    }
  }
}

/** What is wrong with the byte enables of a read or write, or null. */
export function enablesProblem(tlp: TlpFields): string | null {
  const { length, firstEnables, lastEnables } = tlp;
  // Most have these.
  if (firstEnables === 15 && lastEnables === (length === 1 ? 0 : 15)) return null;
  if (length === 1) return lastEnables === 0 ? null : 'the last must be 0';
  if (firstEnables === 0 || lastEnables === 0) return 'neither may be 0';
  if (length === 2 && (tlp.addressLow & 7) === 0) return null;
  const isRange = ((FROM_SOME >>> firstEnables) & (UP_TO_SOME >>> lastEnables) & 1) !== 0;
  return isRange ? null : 'they leave bytes out';
}

/** Whether an AtomicOp has as many double words as its operands can have. */
export function hasOperandWords(tlp: TlpFields): boolean {
  const { length } = tlp;
  return length <= 8 && (((tlp.kind === 'CAS' ? CAS_WORDS : OPERAND_WORDS) >>> length) & 1) !== 0;
}

/** Bytes of an AtomicOp's operand. */
export function operandBytesOf(tlp: TlpFields): number {
  return tlp.kind === 'CAS' ? 2 * tlp.length : 4 * tlp.length;
}

/** Whether the code of a message can have its routing; reserved values end at the receiver, as local ones do. */
export function isRouted(tlp: TlpFields): boolean {
  const { routing } = tlp;
  return messageOf(tlp.code)?.routings.includes(routing > 5 ? 4 : routing) ?? true;
}

function crossesPage(tlp: TlpFields): boolean {
  return (tlp.addressLow & (PAGE_BYTES - 1)) + 4 * tlp.length > PAGE_BYTES;
}

/** Whether it has a header of four double words for an address that needs three. */
function isTooLong(tlp: TlpFields): boolean {
  return tlp.headerBytes === 16 && tlp.addressHigh === 0;
}

function hasOperands(tlp: TlpFields): boolean {
  return hasOperandWords(tlp) && (tlp.addressLow & (operandBytesOf(tlp) - 1)) === 0;
}

function isAtWrongEnd(tlp: TlpFields, { end }: TlpLimits): boolean {
  if (end === null) return false;
  const towards = messageOf(tlp.code)?.towards ?? null;
  return towards !== null && towards !== end;
}

/** Bytes in whole double words that the request of a completion still misses. */
function bytesLeft(tlp: TlpFields): number {
  return ((tlp.lowerAddress & 3) + tlp.byteCount + 3) & ~3;
}

function breaksBoundary(tlp: TlpFields, { readCompletionBoundary }: TlpLimits): boolean {
  if (tlp.payloadBytes >= bytesLeft(tlp)) return false;
  return (((tlp.lowerAddress & ~3) + tlp.payloadBytes) & (readCompletionBoundary - 1)) !== 0;
}
