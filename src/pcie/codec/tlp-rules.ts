import { messageOf } from './messages.ts';
import { type TlpViolation, violation } from './tlp-checks.ts';
import type { TlpLimits } from './tlp-limits.ts';
import type {
  AtomicTlp,
  CompletionTlp,
  MemoryCommon,
  MemoryReadTlp,
  MemoryWriteTlp,
  MessageTlp,
  TlpPacket,
} from './tlp-types.ts';

/** Operand sizes of AtomicOps, in double words of payload: a CAS has two operands (2.2.7). */
const OPERAND_WORDS: Readonly<Record<AtomicTlp['kind'], readonly number[]>> = {
  FetchAdd: [1, 2],
  Swap: [1, 2],
  CAS: [2, 4, 8],
};
const PAGE_BYTES = 4096;

/** Fields that are the same for whole groups of TLPs, and so are not kept in them. */
export interface RawFields {
  readonly length: number;
  readonly lastEnables: number;
}

/** The rules for the fields of a TLP, in turn: the first that is broken, or null. */
export function findRuleBroken(tlp: TlpPacket, raw: RawFields, limits: TlpLimits): TlpViolation | null {
  for (const found of rulesBroken(tlp, raw, limits)) {
    if (!limits.without.includes(found.check)) return found;
  }
  return null;
}

function* rulesBroken(tlp: TlpPacket, raw: RawFields, limits: TlpLimits): Generator<TlpViolation> {
  const { length, lastEnables } = raw;
  const { trafficClass = 0 } = tlp;
  const payloadBytes = 'payload' in tlp ? tlp.payload.length : 0;
  if (payloadBytes > limits.maxPayloadBytes)
    yield violation('maxPayload', `${payloadBytes} bytes of at most ${limits.maxPayloadBytes}`);
  if (((limits.trafficClasses >>> trafficClass) & 1) === 0)
    yield violation('trafficClass', `TC ${trafficClass}`);
  switch (tlp.kind) {
    case 'MRd':
    case 'MRdLk':
    case 'MWr':
      yield* addressRules(tlp, length);
      if ((tlp.hints ?? null) === null || tlp.kind === 'MWr') yield* enableRules(tlp, length);
      break;
    case 'FetchAdd':
    case 'Swap':
    case 'CAS':
      yield* operandRules(tlp, length);
      yield* formatRules(tlp);
      break;
    case 'Msg':
    case 'MsgD':
      yield* messageRules(tlp, limits.end);
      break;
    case 'Cpl':
    case 'CplLk':
      break;
    case 'CplD':
    case 'CplDLk':
      yield* completionRules(tlp, limits.readCompletionBoundary);
      break;
    default: {
      const { attributes = 0 } = tlp;
      // Attr[2] is reserved here.
      const found: [boolean, string][] = [
        [trafficClass !== 0, `TC ${trafficClass}`],
        [(attributes & 3) !== 0, `Attr ${attributes & 3}`],
        [length !== 1, `Length ${length}`],
      ];
      if (lastEnables !== 0) yield violation('byteEnables', `${bits(lastEnables)} for a last double word`);
      for (const [isBroken, what] of found) if (isBroken) yield violation('requestFields', what);
    }
  }
}

function* addressRules(tlp: MemoryReadTlp | MemoryWriteTlp, length: number): Generator<TlpViolation> {
  const at = Number(tlp.address % BigInt(PAGE_BYTES));
  if (at + 4 * length > PAGE_BYTES)
    yield violation('pageCrossing', `${4 * length} bytes from ${hex(tlp.address)}`);
  yield* formatRules(tlp);
}

function* formatRules({ address, longHeader }: MemoryCommon): Generator<TlpViolation> {
  if (longHeader === true) yield violation('addressFormat', `${hex(address)} in four double words`);
}

function* enableRules(tlp: MemoryReadTlp | MemoryWriteTlp, length: number): Generator<TlpViolation> {
  const { firstEnables: first, lastEnables: last } = tlp;
  const says = (what: string) =>
    violation('byteEnables', `${bits(first)} and ${bits(last)} at Length ${length}: ${what}`);
  if (length === 1) {
    if (last !== 0) yield says('the last must be 0');
    return;
  }
  if (first === 0 || last === 0) yield says('neither may be 0');
  const isPair = length === 2 && tlp.address % 8n === 0n;
  // Bytes from some one on in the first double word, and up to some one in the last.
  const isRange = [8, 12, 14, 15].includes(first) && [1, 3, 7, 15].includes(last);
  if (!isPair && !isRange) yield says('they leave bytes out');
}

function* operandRules({ kind, address }: AtomicTlp, length: number): Generator<TlpViolation> {
  if (!OPERAND_WORDS[kind].includes(length)) {
    yield violation('atomicOperand', `${4 * length} bytes of a ${kind}`);
    return;
  }
  const operand = kind === 'CAS' ? 2 * length : 4 * length;
  if (address % BigInt(operand) !== 0n)
    yield violation('atomicOperand', `an operand of ${operand} bytes at ${hex(address)}`);
}

function* messageRules(
  { code, routing, trafficClass = 0 }: MessageTlp,
  end: TlpLimits['end'],
): Generator<TlpViolation> {
  const message = messageOf(code);
  if (message === undefined) return;
  const { name, classZero, routings, towards } = message;
  if (classZero && trafficClass !== 0) yield violation('messageClass', `${name} with TC ${trafficClass}`);
  // Reserved values end at the receiver, as local ones do.
  if (!routings.includes(routing > 5 ? 4 : routing))
    yield violation('messageRouting', `${name} with r[2:0] ${routing}`);
  if (end !== null && towards !== null && towards !== end)
    yield violation('messageRouting', `${name} at the ${end}'s end`);
}

function* completionRules(tlp: CompletionTlp, boundary: number): Generator<TlpViolation> {
  const { byteCount, lowerAddress, payload } = tlp;
  if (tlp.byteCountModified === true) return;
  const all = ((lowerAddress & 3) + byteCount + 3) & ~3;
  const found = `${payload.length} bytes from ${lowerAddress} with Byte Count ${byteCount}`;
  if (payload.length > all) yield violation('completionLength', found);
  const end = (lowerAddress & ~3) + payload.length;
  if (payload.length < all && end % boundary !== 0) yield violation('readBoundary', found);
}

function hex(address: bigint): string {
  return `${address.toString(16).toUpperCase()}h`;
}

function bits(enables: number): string {
  return `${enables.toString(2).padStart(4, '0')}b`;
}
