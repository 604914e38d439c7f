import { checkInteger } from '../../base/index.ts';
import { CompletionStatus } from '../tlp.ts';
import { bytesOfRead } from './completions.ts';
import type { CompletionTlp, MemoryReadTlp } from './tlp-types.ts';

/** What a completion is to a requester. */
export type CompletionMatch =
  /** It brings what was asked for, or the last of it. */
  | 'data'
  | 'done'
  /** The read has ended with another Completion Status. */
  | 'failed'
  /** No request has this Routing ID and tag. */
  | 'unexpected'
  /** There is such a request, but the completion does not fit it (PCI Express Base 2.3.2). */
  | 'mismatched';

/** No Snoop and Relaxed Ordering. */
const CHECKED_ATTRIBUTES = 3;

interface Outstanding {
  readonly read: MemoryReadTlp;
  byteCount: number;
  lowerAddress: number;
}

/** The memory reads that a requester waits for, by Routing ID and tag. */
export class OutstandingReads {
  private readonly reads = new Map<number, Outstanding>();

  /** @throws RangeError if a read with the same Routing ID and tag waits. */
  add(read: MemoryReadTlp): void {
    const id = transactionOf(read);
    checkInteger('reads that wait with this Routing ID and tag', this.reads.has(id) ? 1 : 0, 0, 0);
    this.reads.set(id, { read, ...bytesOfRead(read) });
  }

  /** Reads that wait. */
  get size(): number {
    return this.reads.size;
  }

  /** A completion has come. A read that does not fit its completion goes on waiting. */
  take(completion: CompletionTlp): CompletionMatch {
    const id = transactionOf(completion);
    const waiting = this.reads.get(id);
    if (waiting === undefined) return 'unexpected';
    const { read } = waiting;
    const { kind, status, byteCount, lowerAddress, payload, trafficClass = 0, attributes = 0 } = completion;
    const isLocked = kind === 'CplLk' || kind === 'CplDLk';
    // ID-based Ordering is the completer's own to set.
    const sameAttributes = ((attributes ^ (read.attributes ?? 0)) & CHECKED_ATTRIBUTES) === 0;
    const sameClass = trafficClass === (read.trafficClass ?? 0) && sameAttributes;
    // A retry is for configuration requests alone (2.3.2).
    if (isLocked !== (read.kind === 'MRdLk') || !sameClass || status === CompletionStatus.CONFIG_RETRY)
      return 'mismatched';
    if (status !== CompletionStatus.SUCCESSFUL) {
      this.reads.delete(id);
      return 'failed';
    }
    if (payload.length === 0 || byteCount !== waiting.byteCount || lowerAddress !== waiting.lowerAddress)
      return 'mismatched';
    waiting.byteCount -= payload.length - (lowerAddress & 3);
    waiting.lowerAddress = ((lowerAddress & ~3) + payload.length) & 0x7f;
    if (waiting.byteCount > 0) return 'data';
    this.reads.delete(id);
    return 'done';
  }
}

function transactionOf({ requester, tag }: { requester: number; tag: number }): number {
  return requester * 1024 + tag;
}
