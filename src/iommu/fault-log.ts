import { checkInteger } from '../base/index.ts';
import type { FaultReason } from './fault-reason.ts';
import { PAGE_BYTES } from './page-size.ts';

/** One refused request, as the fault recording registers keep it (VT-d 11.4.14). */
export interface FaultRecord {
  /** SID: Routing ID of the requester. */
  readonly sourceId: number;
  /** FI: address of the page that was asked for. */
  readonly address: number;
  /** FR. */
  readonly reason: FaultReason;
  /** T: whether it was a write. */
  readonly isWrite: boolean;
}

/**
 * The fault records: a ring of a fixed number of them. When all are in use, further faults are lost and the
 * overflow is noted, until software has taken a record and cleared the note (VT-d 7.2.1, Primary Fault
 * Overflow).
 */
export class FaultLog {
  readonly capacity: number;
  /** PFO: a fault was lost. While it is set, no fault is recorded. */
  overflow = false;
  /** Faults that were lost. */
  lost = 0;
  private readonly sourceIds: Uint16Array;
  private readonly pages: Float64Array;
  private readonly reasons: Uint8Array;
  private readonly writes: Uint8Array;
  private oldest = 0;
  private count = 0;

  /** @param capacity records, 1 to 256 (NFR + 1). */
  constructor(capacity: number) {
    this.capacity = checkInteger('faultRecords', capacity, 1, 256);
    this.sourceIds = new Uint16Array(capacity);
    this.pages = new Float64Array(capacity);
    this.reasons = new Uint8Array(capacity);
    this.writes = new Uint8Array(capacity);
  }

  /** Records that wait for software. */
  get length(): number {
    return this.count;
  }

  /** Records a fault; false if it was lost. */
  record(sourceId: number, address: number, reason: FaultReason, isWrite: boolean): boolean {
    if (this.overflow || this.count === this.capacity) {
      this.overflow = true;
      this.lost++;
      return false;
    }
    const at = (this.oldest + this.count) % this.capacity;
    this.sourceIds[at] = sourceId;
    this.pages[at] = Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
    this.reasons[at] = reason;
    this.writes[at] = isWrite ? 1 : 0;
    this.count++;
    return true;
  }

  /** Takes the oldest record, as software does by clearing its F bit; undefined if none waits. */
  take(): FaultRecord | undefined {
    if (this.count === 0) return undefined;
    const record = this.at(this.oldest);
    this.oldest = (this.oldest + 1) % this.capacity;
    this.count--;
    return record;
  }

  /** Forgets all records and the overflow. */
  clear(): void {
    this.oldest = 0;
    this.count = 0;
    this.overflow = false;
    this.lost = 0;
  }

  private at(index: number): FaultRecord {
    return {
      sourceId: this.sourceIds[index],
      address: this.pages[index],
      reason: this.reasons[index] as FaultReason,
      isWrite: this.writes[index] === 1,
    };
  }
}
