import { TlpKind } from '../pcie/index.ts';
import type { LogLink } from './log-format.ts';
import type { LogTrain } from './log-trains.ts';

/** What one TLP of a train moves. */
export interface TlpPiece {
  readonly address: number;
  readonly bytes: number;
  /** Number of the request in its train; of a completion, of the request that it answers. */
  readonly request: number;
  /** Of a completion: bytes that its request still misses, its own included. */
  readonly byteCount: number;
}

/** What the TLPs of a train move, one by one, as the link cuts them. */
export function piecesOf(train: LogTrain, { maxPayloadBytes, readCompletionBoundary }: LogLink): TlpPiece[] {
  const { kind, tlps: count, address, bytes, requestBytes } = train;
  if (count > 1 && kind === TlpKind.MEMORY_WRITE) return split(address, bytes, maxPayloadBytes);
  if (count > 1 && kind === TlpKind.MEMORY_READ) return split(address, bytes, requestBytes);
  if (count > 1 && kind === TlpKind.COMPLETION_DATA) {
    return split(address, bytes, requestBytes).flatMap((asked) =>
      completions(asked, maxPayloadBytes, readCompletionBoundary),
    );
  }
  // Completions without data answer the requests of a train in order.
  return Array.from({ length: count }, (_, request) => ({ address, bytes, request, byteCount: bytes }));
}

/** Cut at whole multiples of `size` from the first double word on. */
function split(address: number, bytes: number, size: number): TlpPiece[] {
  const pieces: TlpPiece[] = [];
  const end = address + bytes;
  for (let from = address, to = address - (address % 4) + size; from < end; from = to, to += size) {
    const own = Math.min(end, to) - from;
    pieces.push({ address: from, bytes: own, request: pieces.length, byteCount: own });
  }
  return pieces;
}

/** All but the last end at a multiple of the Read Completion Boundary (PCI Express Base 2.3.1.1). */
function completions(asked: TlpPiece, size: number, boundary: number): TlpPiece[] {
  const { address, bytes, request } = asked;
  const end = address + bytes;
  const reach = address - (address % 4) + size;
  if (end <= reach) return [asked];
  const first = reach - (reach % boundary);
  const pieces: TlpPiece[] = [{ address, bytes: first - address, request, byteCount: bytes }];
  for (let from = first; from < end; from += size)
    pieces.push({ address: from, bytes: Math.min(size, end - from), request, byteCount: end - from });
  return pieces;
}
