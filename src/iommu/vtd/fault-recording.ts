import type { RegisterFile } from '../../registers/index.ts';
import { FaultLog, type FaultRecord } from '../fault-log.ts';
import type { FaultReason } from '../fault-reason.ts';
import { PAGE_BYTES } from '../page-size.ts';
import { F, T_READ } from './bits.ts';

/** Who is told that a record was made, or that a fault found its record in use. */
export interface FaultListener {
  faultRecorded(index: number): void;
  faultLost(): void;
}

/** Words of a record. */
const LOW = 'FRCD_REG_0';
const TOP = 'FRCD_REG_3';

/**
 * The fault recording registers as the log of an IOMMU (VT-d 7.3.1, primary fault logging): records are made one behind
 * the other, going round; one whose F bit software has not cleared is not overwritten, the fault is lost, and none
 * is recorded until software has cleared PFO.
 */
export class FaultRecording extends FaultLog {
  private readonly file: RegisterFile;
  private readonly listener: FaultListener;
  private readonly low: number;
  private readonly top: number;
  /** The record that the next fault goes to. */
  private next = 0;

  constructor(file: RegisterFile, records: number, listener: FaultListener) {
    super(records);
    this.file = file;
    this.listener = listener;
    this.low = file.slot(LOW);
    this.top = file.slot(TOP);
  }

  /** Records whose F bit is set. */
  override get length(): number {
    let length = 0;
    for (let index = 0; index < this.capacity; index++) if (this.waits(index)) length++;
    return length;
  }

  override record(sourceId: number, address: number, reason: FaultReason, isWrite: boolean): boolean {
    const page = Math.floor(address / PAGE_BYTES);
    return this.put(sourceId, (page % 2 ** 20) * PAGE_BYTES, Math.floor(page / 2 ** 20), reason, isWrite);
  }

  /** Records a refused interrupt: FI has its index in bits 63:48. */
  recordInterrupt(sourceId: number, index: number, reason: number): boolean {
    return this.put(sourceId, 0, index << 16, reason, true);
  }

  /** Takes the oldest record, and clears its F bit. */
  override take(): FaultRecord | undefined {
    for (let i = 0; i < this.capacity; i++) {
      const index = (this.next + i) % this.capacity;
      if (!this.waits(index)) continue;
      const { values } = this.file;
      const low = values[this.low + index] >>> 0;
      const high = values[this.low + this.capacity + index] >>> 0;
      const top = values[this.top + index];
      this.file.write32(this.file.compiled.offsetOf[this.top + index], F);
      return {
        address: low + high * 2 ** 32,
        isWrite: (top & T_READ) === 0,
        reason: (top & 0xff) as FaultReason,
        sourceId: values[this.top - this.capacity + index] & 0xffff,
      };
    }
    return undefined;
  }

  /** The first record is the next one again, as while neither requests nor interrupts are remapped. */
  rewind(): void {
    this.next = 0;
  }

  override clear(): void {
    super.clear();
    this.next = 0;
    for (let slot = this.low; slot < this.top + this.capacity; slot++) this.file.values[slot] = 0;
  }

  private waits(index: number): boolean {
    return (this.file.values[this.top + index] & F) !== 0;
  }

  private put(sourceId: number, low: number, high: number, reason: number, isWrite: boolean): boolean {
    const index = this.next;
    if (this.overflow || this.waits(index)) {
      this.lost++;
      this.overflow = true;
      this.listener.faultLost();
      return false;
    }
    const { values } = this.file;
    const { capacity } = this;
    values[this.low + index] = low;
    values[this.low + capacity + index] = high;
    values[this.top - capacity + index] = sourceId;
    values[this.top + index] = F | (isWrite ? 0 : T_READ) | reason;
    this.next = (index + 1) % capacity;
    this.listener.faultRecorded(index);
    return true;
  }
}
