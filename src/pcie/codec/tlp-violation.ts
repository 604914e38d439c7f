import { messageOf } from './messages.ts';
import { type TlpCheck, type TlpViolation, violation } from './tlp-checks.ts';
import type { TlpFields } from './tlp-fields.ts';
import type { TlpLimits } from './tlp-limits.ts';
import { enablesProblem, hasOperandWords, isRouted, operandBytesOf } from './tlp-rules.ts';

/** Says what a TLP has that does not pass `check`: for whoever asks, as it takes longer than the check. */
export function violationOf(tlp: TlpFields, check: TlpCheck, limits: TlpLimits): TlpViolation {
  return violation(check, found(tlp, check, limits));
}

function found(tlp: TlpFields, check: TlpCheck, limits: TlpLimits): string {
  const { bytes, headerAt, headerBytes, prefixCount, localPrefixes } = tlp;
  const { length, firstEnables, lastEnables, payloadBytes, trafficClass } = tlp;
  const size = tlp.end - tlp.start;
  const left = tlp.end - headerAt;
  const name = messageOf(tlp.code)?.name;
  switch (check) {
    case 'header':
      if (size % 4 !== 0) return `${size} bytes`;
      return left === 0 ? `${prefixCount} prefixes and no header` : `${left} bytes of ${headerBytes}`;
    case 'type':
      return `Fmt ${binary(bytes[headerAt] >>> 5, 3)}, Type ${binary(bytes[headerAt] & 31, 5)}`;
    case 'digest':
      return tlp.digest ? 'none' : 'one too many';
    case 'length':
      return `${left - headerBytes - (tlp.digest ? 4 : 0)} bytes instead of ${payloadBytes}`;
    case 'prefixOrder':
      return 'a local one behind an End-End one';
    case 'localPrefix':
      return `type ${binary(unknownLocal(tlp, limits), 4)}`;
    case 'endEndPrefix':
      return `${prefixCount - localPrefixes} of them`;
    case 'maxPayload':
      return `${payloadBytes} bytes of at most ${limits.maxPayloadBytes}`;
    case 'trafficClass':
      return `TC ${trafficClass}`;
    case 'pageCrossing':
      return `${4 * length} bytes from ${addressOf(tlp)}`;
    case 'addressFormat':
      return `${addressOf(tlp)} in four double words`;
    case 'byteEnables':
      if (!tlp.hasAddress) return `${binary(lastEnables, 4)} for a last double word`;
      return `${binary(firstEnables, 4)} and ${binary(lastEnables, 4)} at Length ${length}: ${enablesProblem(tlp)}`;
    case 'requestFields':
      if (trafficClass !== 0) return `TC ${trafficClass}`;
      return (tlp.attributes & 3) !== 0 ? `Attr ${tlp.attributes & 3}` : `Length ${length}`;
    case 'atomicOperand':
      return hasOperandWords(tlp)
        ? `an operand of ${operandBytesOf(tlp)} bytes at ${addressOf(tlp)}`
        : `${4 * length} bytes of a ${tlp.kind}`;
    case 'messageClass':
      return `${name} with TC ${trafficClass}`;
    case 'messageRouting':
      return isRouted(tlp) ? `${name} at the ${limits.end}'s end` : `${name} with r[2:0] ${tlp.routing}`;
    default:
      return `${payloadBytes} bytes from ${tlp.lowerAddress} with Byte Count ${tlp.byteCount}`;
  }
}

/** Type of the first local prefix that the receiver does not know. */
function unknownLocal(tlp: TlpFields, { localPrefixes }: TlpLimits): number {
  let index = 0;
  while (localPrefixes.includes(typeOfPrefix(tlp, index))) index++;
  return typeOfPrefix(tlp, index);
}

/** L[3:0] or E[3:0]. */
function typeOfPrefix(tlp: TlpFields, index: number): number {
  return tlp.bytes[tlp.start + 4 * index] & 15;
}

function addressOf(tlp: TlpFields): string {
  const low = tlp.addressLow.toString(16);
  const whole = tlp.addressHigh === 0 ? low : tlp.addressHigh.toString(16) + low.padStart(8, '0');
  return `${whole.toUpperCase()}h`;
}

function binary(value: number, digits: number): string {
  return `${value.toString(2).padStart(digits, '0')}b`;
}
