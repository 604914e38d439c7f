import { checkInteger, checkOneOf, checkPowerOfTwo } from '../../base/index.ts';
import type { RoutingId } from '../routing-id.ts';
import type { CompletionStatus } from '../tlp.ts';
import type { AtomicTlp, CompletionTlp, MemoryReadTlp, TlpPacket } from './tlp-types.ts';

const NO_BYTES = new Uint8Array(0);
/** Of completions that bring a double word, or nothing. */
const ONE_WORD = { byteCount: 4, lowerAddress: 0 };

/** Which bytes a Memory Read asks for: Byte Count and Lower Address of its first completion (PCI Express Base 2.3.1.1). */
export function bytesOfRead(read: MemoryReadTlp): {
  readonly byteCount: number;
  readonly lowerAddress: number;
} {
  const { address, words, firstEnables, lastEnables } = read;
  const before = firstEnables === 0 ? 0 : 31 - Math.clz32(firstEnables & -firstEnables);
  const last = words === 1 ? firstEnables : lastEnables;
  const behind = last === 0 ? 0 : Math.clz32(last) - 28;
  // A read of no bytes, to flush what was posted, has a count of one.
  const byteCount = words === 1 && firstEnables === 0 ? 1 : 4 * words - before - behind;
  return { byteCount, lowerAddress: (Number(address % 128n) + before) & 0x7f };
}

/** The completion without data that says how a request has ended (2.2.9). */
export function completionOf(
  request: Exclude<TlpPacket, CompletionTlp>,
  completer: RoutingId,
  status: CompletionStatus,
): CompletionTlp {
  return completion(request, completer, status, request.kind === 'MRdLk' ? 'CplLk' : 'Cpl', NO_BYTES);
}

function completion(
  request: Exclude<TlpPacket, CompletionTlp>,
  completer: RoutingId,
  status: CompletionStatus,
  kind: CompletionTlp['kind'],
  payload: Uint8Array,
): CompletionTlp {
  const { requester, tag, trafficClass, attributes } = request;
  const { byteCount, lowerAddress } = bytesOf(request);
  return {
    kind,
    requester,
    tag,
    trafficClass,
    attributes,
    completer,
    status,
    byteCount,
    lowerAddress,
    payload,
  };
}

/** Byte Count and Lower Address: of reads, of AtomicOps, whose operand comes back, and of all others (2.2.9). */
function bytesOf(request: Exclude<TlpPacket, CompletionTlp>) {
  switch (request.kind) {
    case 'MRd':
    case 'MRdLk':
      return bytesOfRead(request);
    case 'FetchAdd':
    case 'Swap':
    case 'CAS':
      return { byteCount: operandBytes(request), lowerAddress: 0 };
    default:
      return ONE_WORD;
  }
}

/** Bytes of an operand: a CAS brings two, what to compare with and what to swap (6.15.1). */
function operandBytes({ kind, payload }: AtomicTlp): number {
  return kind === 'CAS' ? payload.length / 2 : payload.length;
}

/** The completion that brings the double word of a register (2.3.1.1). */
export function registerCompletion(
  request: Exclude<TlpPacket, CompletionTlp>,
  completer: RoutingId,
  value: number,
): CompletionTlp {
  const payload = new Uint8Array(4);
  for (let i = 0; i < 4; i++) payload[i] = value >>> (8 * i);
  return completion(request, completer, 0, 'CplD', payload);
}

/**
 * The completions that bring what a request to memory asks for. Those of a read are each as long as it may be: all but the
 * last end at a multiple of the Read Completion Boundary (2.3.1.1); those of a locked one are locked. An AtomicOp has
 * one, with what was in memory before it.
 *
 * @param data of a read its whole double words, from its address on; of an AtomicOp as many bytes as an operand has.
 * @param maxPayloadBytes Max_Payload_Size, a power of two from 128 to 4,096.
 * @param boundary Read Completion Boundary: 64 or 128 bytes.
 * @throws RangeError if one of these is another.
 */
export function completionsOf(
  request: MemoryReadTlp | AtomicTlp,
  completer: RoutingId,
  data: Uint8Array,
  maxPayloadBytes: number,
  boundary: number,
): readonly CompletionTlp[] {
  const isRead = 'words' in request;
  const bytes = isRead ? 4 * request.words : operandBytes(request);
  checkInteger('data.length', data.length, bytes, bytes);
  checkPowerOfTwo('maxPayloadBytes', maxPayloadBytes, 128, 4096);
  checkOneOf('boundary', boundary, [64, 128]);
  const kind = request.kind === 'MRdLk' ? 'CplDLk' : 'CplD';
  const first = completionOf(request, completer, 0);
  if (!isRead) return [{ ...first, kind, payload: data.slice() }];
  const completions: CompletionTlp[] = [];
  let { byteCount, lowerAddress } = first;
  for (let at = 0; at < data.length; ) {
    const from = Number(request.address % 4096n) + at;
    let size = data.length - at;
    if (size > maxPayloadBytes) size = maxPayloadBytes - ((from + maxPayloadBytes) % boundary);
    const payload = data.slice(at, at + size);
    completions.push({ ...first, kind, byteCount, lowerAddress, payload });
    byteCount -= size - (lowerAddress & 3);
    lowerAddress = (from + size) & 0x7f;
    at += size;
  }
  return completions;
}
