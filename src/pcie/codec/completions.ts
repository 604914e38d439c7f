import type { RoutingId } from '../routing-id.ts';
import type { CompletionStatus } from '../tlp.ts';
import type { CompletionTlp, MemoryReadTlp, TlpPacket } from './tlp-types.ts';

const NO_BYTES = new Uint8Array(0);

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
  const { requester, tag, trafficClass, attributes, kind } = request;
  const isRead = kind === 'MRd' || kind === 'MRdLk';
  const { byteCount, lowerAddress } = isRead ? bytesOfRead(request as MemoryReadTlp) : REGISTER;
  const base = { requester, tag, trafficClass, attributes, completer, status, byteCount, lowerAddress };
  return { ...base, kind: kind === 'MRdLk' ? 'CplLk' : 'Cpl', payload: NO_BYTES };
}
/** Of completions for anything but memory reads. */
const REGISTER = { byteCount: 4, lowerAddress: 0 };

/** The completion that brings the double word of a register (2.3.1.1). */
export function registerCompletion(
  request: Exclude<TlpPacket, CompletionTlp>,
  completer: RoutingId,
  value: number,
): CompletionTlp {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value, true);
  return { ...completionOf(request, completer, 0), kind: 'CplD', payload };
}

/**
 * The completions that bring the double words of a Memory Read, each as long as it may be: all but the last end at a
 * multiple of the Read Completion Boundary (2.3.1.1).
 *
 * @param data whole double words, from the read's address on.
 */
export function completionsOf(
  read: MemoryReadTlp,
  completer: RoutingId,
  data: Uint8Array,
  maxPayloadBytes: number,
  boundary: number,
): readonly CompletionTlp[] {
  const first = completionOf(read, completer, 0);
  const completions: CompletionTlp[] = [];
  let { byteCount, lowerAddress } = first;
  for (let at = 0; at < data.length; ) {
    const from = Number(read.address % 4096n) + at;
    let size = data.length - at;
    if (size > maxPayloadBytes) size = maxPayloadBytes - ((from + maxPayloadBytes) % boundary);
    const payload = data.slice(at, at + size);
    completions.push({ ...first, kind: 'CplD', byteCount, lowerAddress, payload });
    byteCount -= size - (lowerAddress & 3);
    lowerAddress = (from + size) & 0x7f;
    at += size;
  }
  return completions;
}
