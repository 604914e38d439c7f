import { completionCount, DATA_LINK_OVERHEAD_BYTES, HEADER_3DW_BYTES, spanOf } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** Symbols of a completion beside its payload. */
const COMPLETION_BYTES = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;

/** How a completer cuts its answers, and how fast the link brings them. */
export interface CompletionCut {
  /** Max_Payload_Size in force. */
  readonly maxPayloadBytes: number;
  /** Read Completion Boundary of the root complex. */
  readonly readCompletionBoundary: number;
  /** ps that a byte takes over all lanes. */
  readonly psPerByte: number;
}

/**
 * The completions of one read train on their way: which bytes each of them brings, and when its last symbol
 * is there, which is when its LCRC shows whether it counts. A train leaves in one piece, so that they follow
 * each other at the rate of the link (PCI Express Base 2.3.1.1: all but the last of a request end at a
 * multiple of the Read Completion Boundary).
 *
 * Bytes are counted from the start of what the train is a part of.
 */
export class CompletionTrain {
  /** First byte that the train brings, and the one behind its last. */
  start = 0;
  end = 0;
  /** When its last symbol arrives. */
  lastPs = Number.NaN;

  private readonly cut: CompletionCut;
  /** Host address of the first byte, and where its double word begins. */
  private address = Number.NaN;
  private firstWord = Number.NaN;
  private requestBytes = 0;
  private count = 0;

  constructor(cut: CompletionCut) {
    this.cut = cut;
  }

  /** Becomes the train `tlp`, whose first byte is number `start`, and whose last symbol arrives at `lastPs`. */
  note(tlp: Tlp, start: number, lastPs: number): void {
    this.start = start;
    this.end = start + tlp.bytes;
    this.lastPs = lastPs;
    this.address = tlp.address;
    this.firstWord = tlp.address - (tlp.address & 3);
    this.requestBytes = tlp.requestBytes;
    this.count = tlp.count;
  }

  /** Byte behind the last one of the completion that brings byte `at`. */
  endOf(at: number): number {
    return this.start + this.cutBehind(this.address + at - this.start) - this.address;
  }

  /** When the completion that brings byte `at` is there, in ps. */
  arrivalOf(at: number): number {
    const { address, firstWord, count } = this;
    const end = this.cutBehind(address + at - this.start);
    const behind = count - this.completionsUntil(end);
    const payload = firstWord + spanOf(address, this.end - this.start) - end;
    if (behind === 0) return this.lastPs;
    return this.lastPs - Math.floor((behind * COMPLETION_BYTES + payload) * this.cut.psPerByte);
  }

  /** Host address behind the completion that brings what is at `address`. */
  private cutBehind(address: number): number {
    const { maxPayloadBytes, readCompletionBoundary } = this.cut;
    const start = this.requestStart(address);
    const end = Math.min(start + this.requestBytes, this.address + this.end - this.start);
    const reach = start + maxPayloadBytes;
    if (end <= reach) return end;
    const first = reach - (reach % readCompletionBoundary);
    if (address < first) return first;
    const others = Math.floor((address - first) / maxPayloadBytes) + 1;
    return Math.min(end, first + others * maxPayloadBytes);
  }

  /** Completions that end at the host address `end`, where one does, or before. */
  private completionsUntil(end: number): number {
    const { maxPayloadBytes, readCompletionBoundary } = this.cut;
    const start = this.requestStart(end - 1);
    const before = (start - this.firstWord) / this.requestBytes;
    const count = (from: number, bytes: number) =>
      completionCount(from, bytes, maxPayloadBytes, readCompletionBoundary);
    return before * count(this.firstWord, this.requestBytes) + count(start, end - start);
  }

  /** Where the request begins that asks for what is at `address`. */
  private requestStart(address: number): number {
    const { firstWord, requestBytes } = this;
    return firstWord + Math.floor((address - firstWord) / requestBytes) * requestBytes;
  }
}

/** Completions of all requests of a read train, whose address is physical: none spans two of them. */
export function completionsOfTrain(
  { address, bytes, count, requestBytes }: Tlp,
  maxPayloadBytes: number,
  boundary: number,
): number {
  const others = count - 1;
  if (others === 0) return completionCount(address, bytes, maxPayloadBytes, boundary);
  // Requests end at whole multiples of their size from the first double word on, so all but the last are cut alike.
  const start = address - (address & 3);
  const last = start + others * requestBytes;
  return (
    others * completionCount(start, requestBytes, maxPayloadBytes, boundary) +
    completionCount(last, address + bytes - last, maxPayloadBytes, boundary)
  );
}
