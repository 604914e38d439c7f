import { AssertionError, lanesOf } from '../base/index.ts';
import type { BarTarget } from './bar.ts';
import { CAP_MSIX } from './capabilities/ids.ts';
import type { MsixCapability } from './capabilities/msix.ts';
import type { PcieFunction } from './function.ts';

/** Sends the message of an interrupt: a write of `data` to the address. All unsigned. */
export type SendMessage = (vector: number, addressLow: number, addressHigh: number, data: number) => void;

/** Dwords of a table entry: address, upper address, data, vector control (PCI 3.0 6.8.2.6 to 6.8.2.9). */
const ENTRY_DWORDS = 4;
const ADDRESS_HIGH = 1;
const DATA = 2;
const CONTROL = 3;
const MASKED = 1;

/**
 * The MSI-X table and pending bits of a function, and what they decide: whether an interrupt goes out, waits,
 * or is lost. It answers to the offsets of table and pending bits within their BAR (6.8.2).
 *
 * @example
 * const msix = new MsixTable(fn, (vector, low, high, data) => fabric.write(low, high, data));
 * fn.attachBar(4, msix);
 * msix.signal(3);
 */
export class MsixTable implements BarTarget {
  readonly vectors: number;
  private readonly fn: PcieFunction;
  private readonly send: SendMessage;
  private readonly table: Int32Array;
  private readonly pending: Int32Array;
  private readonly tableOffset: number;
  private readonly pbaOffset: number;

  /**
   * @param fn a function with an MSI-X capability; it tells the table of changes of MSI-X Enable and Function
   * Mask by
   *   {@link MsixTable.controlChanged}, which the device model calls.
   * @throws RangeError if the function has no MSI-X.
   */
  constructor(fn: PcieFunction, send: SendMessage) {
    const capability = fn.profile.capabilities.find(({ id, extended }) => id === CAP_MSIX && !extended);
    if (capability === undefined) throw new RangeError(`${fn.name} has no MSI-X`);
    const { options } = capability as MsixCapability;
    this.fn = fn;
    this.send = send;
    this.vectors = options.vectors;
    this.tableOffset = options.tableOffset;
    this.pbaOffset = options.pbaOffset;
    this.table = new Int32Array(options.vectors * ENTRY_DWORDS);
    this.pending = new Int32Array((options.vectors + 31) >> 5);
    this.reset();
  }

  /** Raises `vector`. True if the message went out; false if it waits as pending, or MSI-X is off and it is lost. */
  signal(vector: number): boolean {
    if (!(vector >= 0 && vector < this.vectors))
      throw new AssertionError(`vector ${vector} of ${this.vectors}`);
    const fn = this.fn;
    if (!fn.msixEnabled) return false;
    const entry = vector * ENTRY_DWORDS;
    if (fn.msixMasked || (this.table[entry + CONTROL] & MASKED) !== 0) {
      this.pending[vector >> 5] |= 1 << (vector & 31);
      return false;
    }
    this.emit(vector);
    return true;
  }

  /** Whether an interrupt of `vector` waits for its mask to be cleared. */
  isPending(vector: number): boolean {
    return (this.pending[vector >> 5] & (1 << (vector & 31))) !== 0;
  }

  /** MSI-X Enable or Function Mask changed: sends what waited and may go now. */
  controlChanged(): void {
    for (let vector = 0; vector < this.vectors; vector++) this.release(vector);
  }

  /** All vectors masked, nothing pending (6.8.2.9). */
  reset(): void {
    this.table.fill(0);
    this.pending.fill(0);
    for (let vector = 0; vector < this.vectors; vector++)
      this.table[vector * ENTRY_DWORDS + CONTROL] = MASKED;
  }

  read32(offset: number): number {
    const entry = (offset - this.tableOffset) >> 2;
    if (entry >= 0 && entry < this.table.length) return this.table[entry] >>> 0;
    const word = (offset - this.pbaOffset) >> 2;
    return word >= 0 && word < this.pending.length ? this.pending[word] >>> 0 : 0;
  }

  /** Pending bits are read-only. */
  write32(offset: number, value: number, byteEnables = 15): void {
    const entry = (offset - this.tableOffset) >> 2;
    if (!(entry >= 0 && entry < this.table.length)) return;
    const isControl = (entry & 3) === CONTROL;
    const lanes = lanesOf(byteEnables) & (isControl ? MASKED : (entry & 3) === 0 ? ~3 : -1);
    this.table[entry] = (this.table[entry] & ~lanes) | (value & lanes);
    if (isControl) this.release(entry >> 2);
  }

  /** Table and pending bits, to be given to {@link MsixTable.restore} later. */
  save(): Int32Array {
    const saved = new Int32Array(this.table.length + this.pending.length);
    saved.set(this.table);
    saved.set(this.pending, this.table.length);
    return saved;
  }

  /** Takes back what {@link MsixTable.save} gave; sends nothing. */
  restore(saved: Int32Array): void {
    this.table.set(saved.subarray(0, this.table.length));
    this.pending.set(saved.subarray(this.table.length));
  }

  private release(vector: number): void {
    const fn = this.fn;
    if (!this.isPending(vector) || !fn.msixEnabled || fn.msixMasked) return;
    if ((this.table[vector * ENTRY_DWORDS + CONTROL] & MASKED) !== 0) return;
    this.pending[vector >> 5] &= ~(1 << (vector & 31));
    this.emit(vector);
  }

  private emit(vector: number): void {
    const entry = vector * ENTRY_DWORDS;
    const table = this.table;
    this.send(vector, table[entry] >>> 0, table[entry + ADDRESS_HIGH] >>> 0, table[entry + DATA] >>> 0);
  }
}
