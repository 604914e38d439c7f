import { hex, lanesOf } from '../base/index.ts';
import type { CompiledTable } from './compile.ts';

/**
 * Called when a register is read. Returns what the read returns; `stored` is what it holds. Both signed
 * 32-bit. Bits that a read clears are cleared afterwards.
 */
export type ReadHook = (index: number, stored: number) => number;

/**
 * Called after a write was stored. `stored` is what the register holds now, `written` what was written (with
 * the bytes that were not enabled as they were), `before` what it held. All signed 32-bit.
 */
export type WriteHook = (index: number, stored: number, written: number, before: number) => void;

/** How often an offset without a register was touched. */
export interface UnknownAccess {
  reads: number;
  writes: number;
}

/** Options of a {@link RegisterFile}. */
export interface RegisterFileOptions {
  /** An access to an offset without a register throws a RangeError, instead of being counted. Default false. */
  readonly strict?: boolean;
}

/** Flags of a slot: whether reading it, and whether writing it, does more than move the value. */
const READ_ACTS = 1;
const WRITE_ACTS = 2;

/**
 * The registers of a device behind a BAR: plain storage by the masks of a table, and hooks for the rows that
 * do something. An offset without a register reads as zero and is counted.
 *
 * @example
 * const file = new RegisterFile(compileTable(table));
 * file.onWrite('RDT', (queue, tail) => rings[queue].bump(tail));
 * file.write32(0x1018, 5);
 * file.get('RDT', 0); // 5
 */
export class RegisterFile {
  readonly compiled: CompiledTable;
  /** What the registers hold, by slot of the compiled table. The device reads and writes it directly. */
  readonly values: Int32Array;
  /** Offsets without a register that were touched. */
  readonly unknown = new Map<number, UnknownAccess>();
  private readonly strict: boolean;
  private readonly flags: Uint8Array;
  // The arrays of the compiled table as fields: one load instead of two on every access.
  private readonly slotAt: Int32Array;
  private readonly writeMask: Int32Array;
  private readonly w1cMask: Int32Array;
  private readonly w1sMask: Int32Array;
  private readonly rowOf: Int32Array;
  private readonly elementOf: Int32Array;
  private readonly readHooks: (ReadHook | null)[];
  private readonly writeHooks: (WriteHook | null)[];

  constructor(compiled: CompiledTable, options: RegisterFileOptions = {}) {
    this.compiled = compiled;
    this.values = compiled.reset.slice();
    this.strict = options.strict ?? false;
    this.slotAt = compiled.slotAt;
    this.writeMask = compiled.writeMask;
    this.w1cMask = compiled.w1cMask;
    this.w1sMask = compiled.w1sMask;
    this.rowOf = compiled.rowOf;
    this.elementOf = compiled.elementOf;
    this.flags = new Uint8Array(compiled.slots);
    this.readHooks = compiled.table.rows.map(() => null);
    this.writeHooks = compiled.table.rows.map(() => null);
    for (let slot = 0; slot < compiled.slots; slot++) {
      if (compiled.readClearMask[slot] !== 0) this.flags[slot] |= READ_ACTS;
      if (compiled.w1cMask[slot] !== 0 || compiled.w1sMask[slot] !== 0) this.flags[slot] |= WRITE_ACTS;
    }
  }

  /** Reads the register at `offset`, as software does. Unsigned. */
  read32(offset: number): number {
    const dword = offset >>> 2;
    const slot = dword < this.slotAt.length ? this.slotAt[dword] : -1;
    if (slot < 0) return this.unknownRead(offset);
    if ((this.flags[slot] & READ_ACTS) !== 0) return this.readActing(slot) >>> 0;
    return this.values[slot] >>> 0;
  }

  /** Writes the register at `offset`, as software does. `byteEnables`: bit i for byte i; default all four. */
  write32(offset: number, value: number, byteEnables = 15): void {
    const dword = offset >>> 2;
    const slot = dword < this.slotAt.length ? this.slotAt[dword] : -1;
    if (slot < 0) {
      this.unknownWrite(offset);
      return;
    }
    const lanes = lanesOf(byteEnables);
    const mask = this.writeMask[slot] & lanes;
    if ((this.flags[slot] & WRITE_ACTS) !== 0) this.writeActing(slot, value, mask, lanes);
    else this.values[slot] = (this.values[slot] & ~mask) | (value & mask);
  }

  /** Slot of element `index` of the row called `name`: an index into {@link RegisterFile.values}. */
  slot(name: string, index = 0): number {
    const row = this.row(name);
    const slot = this.compiled.firstSlot[row] + index;
    if (index < 0 || slot >= this.compiled.slots || this.compiled.rowOf[slot] !== row) {
      throw new RangeError(`${this.compiled.table.name}.${name} has no element ${index}`);
    }
    return slot;
  }

  /** What a register holds, without the effects of a read. Unsigned. */
  get(name: string, index = 0): number {
    return this.values[this.slot(name, index)] >>> 0;
  }

  /** Sets what a register holds, as the hardware does: no mask, no hook. */
  set(name: string, value: number, index = 0): void {
    this.values[this.slot(name, index)] = value;
  }

  /**
   * Installs the read hook of a row; for an array it serves every element.
   *
   * @throws RangeError if the table has no such row, or the row has a hook.
   */
  onRead(name: string, hook: ReadHook): void {
    const row = this.hookable(name, this.readHooks);
    this.readHooks[row] = hook;
    this.flag(row, READ_ACTS);
  }

  /**
   * Installs the write hook of a row; for an array it serves every element.
   *
   * @throws RangeError if the table has no such row, or the row has a hook.
   */
  onWrite(name: string, hook: WriteHook): void {
    const row = this.hookable(name, this.writeHooks);
    this.writeHooks[row] = hook;
    this.flag(row, WRITE_ACTS);
  }

  /** All registers back to their reset values. Hooks stay and are not called. */
  reset(): void {
    this.values.set(this.compiled.reset);
  }

  /** What all registers hold, to be given to {@link RegisterFile.restore} later. */
  save(): Int32Array {
    return this.values.slice();
  }

  /** Takes back what {@link RegisterFile.save} gave. Hooks are not called. */
  restore(saved: Int32Array): void {
    if (saved.length !== this.values.length) {
      throw new RangeError(`saved state of ${saved.length} registers, expected ${this.values.length}`);
    }
    this.values.set(saved);
  }

  private readActing(slot: number): number {
    const stored = this.values[slot];
    const hook = this.readHooks[this.rowOf[slot]];
    const value = hook === null ? stored : hook(this.elementOf[slot], stored);
    this.values[slot] &= ~this.compiled.readClearMask[slot];
    return value;
  }

  private writeActing(slot: number, value: number, mask: number, lanes: number): void {
    const before = this.values[slot];
    const enabled = value & lanes;
    const kept = ((before & ~mask) | (value & mask)) & ~(enabled & this.w1cMask[slot]);
    const stored = kept | (enabled & this.w1sMask[slot]);
    this.values[slot] = stored;
    const hook = this.writeHooks[this.rowOf[slot]];
    if (hook !== null) hook(this.elementOf[slot], stored, (before & ~lanes) | enabled, before);
  }

  private row(name: string): number {
    const row = this.compiled.rowByName.get(name);
    if (row === undefined) throw new RangeError(`${this.compiled.table.name} has no register ${name}`);
    return row;
  }

  private hookable(name: string, hooks: readonly unknown[]): number {
    const row = this.row(name);
    if ((this.compiled.table.rows[row].bytes ?? 4) !== 4) {
      throw new RangeError(`${this.compiled.table.name}.${name}: only a 4-byte register can have a hook`);
    }
    if (hooks[row] !== null) throw new RangeError(`${this.compiled.table.name}.${name} has a hook already`);
    return row;
  }

  private flag(row: number, flag: number): void {
    const { rowOf, slots } = this.compiled;
    for (let slot = 0; slot < slots; slot++) if (rowOf[slot] === row) this.flags[slot] |= flag;
  }

  private unknownRead(offset: number): number {
    this.count(offset, 'read').reads++;
    return 0;
  }

  private unknownWrite(offset: number): void {
    this.count(offset, 'write').writes++;
  }

  private count(offset: number, kind: string): UnknownAccess {
    if (this.strict) {
      throw new RangeError(`${this.compiled.table.name}: ${kind} of 0x${hex(offset)}, where no register is`);
    }
    let entry = this.unknown.get(offset);
    if (entry === undefined) {
      entry = { reads: 0, writes: 0 };
      this.unknown.set(offset, entry);
    }
    return entry;
  }
}
