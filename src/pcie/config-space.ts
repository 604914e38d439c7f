import { hex } from '../base/index.ts';
import { TRANSACTIONS_PENDING } from './capabilities/pci-express.ts';
import type { ConfigLayout } from './config-layout.ts';

/** Called after software wrote a dword. `before` and `after` are what it held, signed 32-bit. */
export type ConfigWriteHook = (after: number, before: number) => void;

/** The one who owns a configuration space and acts on what is written to it. */
export interface ConfigOwner {
  /** Bits of `mask` that writing `value` to the dword at `offset` may change now. Asked for guarded dwords only. */
  configGuard(offset: number, mask: number, value: number): number;
  /** Transactions Pending, as it reads now. Left out: it never is. */
  readonly transactionsPending?: boolean;
  /** Software wrote the dword at `offset`. `written` holds the bytes as written, within `lanes`. */
  configWritten(offset: number, before: number, after: number, written: number, lanes: number): void;
}

/** What a reset reaches. `cold` is a loss of power, `hot` every other conventional reset. */
export type ResetKind = 'cold' | 'hot' | 'flr';

/**
 * The 4 KiB configuration space of one function (PCIe 3.0 7.2).
 *
 * What never changes stands in the {@link ConfigLayout}, which all VFs of a PF share. The space itself holds
 * the dwords that can change, and those from the first write on: a VF that nobody has touched holds none.
 * Space without a register reads as zero, and writes to it do nothing (7.2.2.1).
 */
export class ConfigSpace {
  readonly layout: ConfigLayout;
  private readonly owner: ConfigOwner | null;
  /** The dwords that software can change, in the order of `layout.cellAt`. */
  private cells: Int32Array | null = null;
  /** Dwords that only the hardware changes and that differ from the layout. */
  private pokes: Map<number, number> | null = null;
  private hooks: Map<number, ConfigWriteHook[]> | null = null;

  constructor(layout: ConfigLayout, owner: ConfigOwner | null = null) {
    this.layout = layout;
    this.owner = owner;
  }

  /** Bytes that this space holds of its own. */
  get ownBytes(): number {
    return (this.cells?.byteLength ?? 0) + (this.pokes?.size ?? 0) * 8;
  }

  /** Reads the dword at `offset`, a multiple of four below 4,096. Unsigned. */
  read32(offset: number): number {
    check(offset, 4);
    return this.load(offset >> 2) >>> 0;
  }

  /** Reads the word at `offset`, a multiple of two below 4,096. */
  read16(offset: number): number {
    check(offset, 2);
    return (this.load(offset >> 2) >>> ((offset & 2) * 8)) & 0xffff;
  }

  /** Reads the byte at `offset`, below 4,096. */
  read8(offset: number): number {
    check(offset, 1);
    return (this.load(offset >> 2) >>> ((offset & 3) * 8)) & 0xff;
  }

  /**
   * Reads 1, 2 or 4 bytes, naturally aligned. Unsigned.
   *
   * @throws RangeError if the access is not aligned, or outside the space.
   */
  read(offset: number, bytes: number): number {
    if (bytes === 4) return this.read32(offset);
    return bytes === 2 ? this.read16(offset) : this.read8(checkWidth(offset, bytes));
  }

  /** Writes the dword at `offset`, as software does. */
  write32(offset: number, value: number): void {
    check(offset, 4);
    this.writeLanes(offset, value, -1);
  }

  /** Writes the word at `offset`, as software does. */
  write16(offset: number, value: number): void {
    check(offset, 2);
    const shift = (offset & 2) * 8;
    this.writeLanes(offset & ~3, value << shift, 0xffff << shift);
  }

  /** Writes the byte at `offset`, as software does. */
  write8(offset: number, value: number): void {
    check(offset, 1);
    const shift = (offset & 3) * 8;
    this.writeLanes(offset & ~3, value << shift, 0xff << shift);
  }

  /**
   * Writes 1, 2 or 4 bytes, naturally aligned, as software does.
   *
   * @throws RangeError if the access is not aligned, or outside the space.
   */
  write(offset: number, bytes: number, value: number): void {
    if (bytes === 4) this.write32(offset, value);
    else if (bytes === 2) this.write16(offset, value);
    else this.write8(checkWidth(offset, bytes), value);
  }

  /**
   * Writes those bits of the dword at `offset` that `lanes` covers: whole bytes, by the byte enables of a
   * request.
   */
  writeLanes(offset: number, value: number, lanes: number): void {
    check(offset, 4);
    const { layout } = this;
    const dword = offset >> 2;
    const before = this.held(dword);
    let after = before;
    const cell = layout.cellAt[dword];
    if (cell >= 0) {
      let mask = layout.writeMask[dword] & lanes;
      if (layout.guarded[dword] !== 0 && this.owner !== null) {
        mask = this.owner.configGuard(offset, mask, value);
      }
      const enabled = value & lanes;
      after = (before & ~mask) | (value & mask);
      after = (after & ~(enabled & layout.w1cMask[dword])) | (enabled & layout.w1sMask[dword]);
      if (after !== before) this.own()[cell] = after;
    }
    this.owner?.configWritten(offset, before, after, value & lanes, lanes);
    const hooks = this.hooks?.get(dword);
    if (hooks !== undefined) for (const hook of hooks) hook(after, before);
  }

  /** Sets the dword at `offset`, as the hardware does: no mask, no hook. Transactions Pending stays as it is. */
  poke32(offset: number, value: number): void {
    check(offset, 4);
    const { cellAt, pendingAt } = this.layout;
    const dword = offset >> 2;
    const after = dword === pendingAt ? value & ~TRANSACTIONS_PENDING : value | 0;
    if (this.held(dword) === after) return;
    const cell = cellAt[dword];
    if (cell >= 0) {
      this.own()[cell] = after;
      return;
    }
    this.pokes ??= new Map();
    this.pokes.set(dword, after);
  }

  /** Sets the word at `offset`, as the hardware does. */
  poke16(offset: number, value: number): void {
    check(offset, 2);
    const shift = (offset & 2) * 8;
    this.poke32(offset & ~3, (this.load(offset >> 2) & ~(0xffff << shift)) | ((value & 0xffff) << shift));
  }

  /** Sets the byte at `offset`, as the hardware does. */
  poke8(offset: number, value: number): void {
    check(offset, 1);
    const shift = (offset & 3) * 8;
    this.poke32(offset & ~3, (this.load(offset >> 2) & ~(0xff << shift)) | ((value & 0xff) << shift));
  }

  /** Calls `hook` after every write by software to the dword that holds `offset`, whether it changed a bit or not. */
  onWrite(offset: number, hook: ConfigWriteHook): void {
    check(offset, 1);
    this.hooks ??= new Map();
    const hooks = this.hooks.get(offset >> 2);
    if (hooks === undefined) this.hooks.set(offset >> 2, [hook]);
    else hooks.push(hook);
  }

  /**
   * Back to the reset values, but for what survives that kind of reset (PCIe 3.0 6.6). Hooks stay and are not
   * called.
   */
  reset(kind: ResetKind): void {
    const { layout } = this;
    if (kind === 'cold') {
      this.cells = null;
      this.pokes = null;
      return;
    }
    const kept = kind === 'flr' ? layout.keptByFlrMask : layout.stickyMask;
    if (this.cells !== null) {
      let changed = false;
      for (const dword of layout.cellDwords) {
        const cell = layout.cellAt[dword];
        const reset = layout.reset[dword];
        const value = (reset & ~kept[dword]) | (this.cells[cell] & kept[dword]);
        this.cells[cell] = value;
        if (value !== reset) changed = true;
      }
      if (!changed) this.cells = null;
    }
    if (this.pokes !== null) {
      for (const [dword, value] of this.pokes) {
        this.pokes.set(dword, (layout.reset[dword] & ~kept[dword]) | (value & kept[dword]));
      }
    }
  }

  /** As it reads now. */
  private load(dword: number): number {
    const held = this.held(dword);
    const isPending = dword === this.layout.pendingAt && this.owner?.transactionsPending === true;
    return isPending ? held | TRANSACTIONS_PENDING : held;
  }

  private held(dword: number): number {
    const cells = this.cells;
    if (cells !== null) {
      const cell = this.layout.cellAt[dword];
      if (cell >= 0) return cells[cell];
    }
    const pokes = this.pokes;
    if (pokes !== null) {
      const poked = pokes.get(dword);
      if (poked !== undefined) return poked;
    }
    return this.layout.reset[dword];
  }

  private own(): Int32Array {
    if (this.cells === null) {
      const { cellDwords, reset } = this.layout;
      this.cells = new Int32Array(cellDwords.length);
      for (let cell = 0; cell < cellDwords.length; cell++) this.cells[cell] = reset[cellDwords[cell]];
    }
    return this.cells;
  }
}

function check(offset: number, bytes: number): void {
  if (offset >= 0 && offset < 4096 && (offset & (bytes - 1)) === 0 && Number.isInteger(offset)) return;
  throw new RangeError(
    `offset must be a multiple of ${bytes} from 0 to ${4096 - bytes}, got ${Number.isInteger(offset) ? `0x${hex(offset)}` : offset}`,
  );
}

function checkWidth(offset: number, bytes: number): number {
  if (bytes !== 1) throw new RangeError(`bytes must be 1, 2 or 4, got ${bytes}`);
  return offset;
}
