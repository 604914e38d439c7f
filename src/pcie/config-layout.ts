import {
  type CompiledTable,
  compileTable,
  type RegisterRow,
  type RegisterTable,
} from '../registers/index.ts';
import type { FunctionContext } from './capabilities/capability.ts';
import { headerRow, type PlacedCapability } from './capabilities/capability.ts';
import { CAP_PCI_EXPRESS } from './capabilities/ids.ts';
import { PCIE_DEVICE_CONTROL } from './capabilities/pci-express.ts';

const DWORDS = 1024;

/**
 * The unchanging part of a configuration space: resets and masks by dword, and which capability lies where. Frozen; all VFs
 * of a PF share one.
 */
export interface ConfigLayout {
  /** The registers, in words: for decoding and for documentation. */
  readonly table: RegisterTable;
  readonly reset: Int32Array;
  /** Bits that a write stores. */
  readonly writeMask: Int32Array;
  /** Bits that writing one clears. */
  readonly w1cMask: Int32Array;
  /** Bits that writing one sets. */
  readonly w1sMask: Int32Array;
  /** Bits that survive every reset but a loss of power. */
  readonly stickyMask: Int32Array;
  /** Bits that a Function Level Reset leaves alone. */
  readonly keptByFlrMask: Int32Array;
  /** 1 for dwords whose write mask depends on the state of the function. */
  readonly guarded: Uint8Array;
  /** The dword with Transactions Pending, which nobody sets: it is as the function is when it is read. -1: there is none. */
  readonly pendingAt: number;
  /** Place among the dwords that software can change, or -1. */
  readonly cellAt: Int16Array;
  /** The dwords that software can change. */
  readonly cellDwords: Int16Array;
  readonly capabilities: readonly PlacedCapability[];
  /** Index into `capabilities` by dword, or -1. */
  readonly capabilityAt: Int8Array;
}

/**
 * Builds the layout of a configuration space from its header and its placed capabilities.
 *
 * @throws RangeError if registers overlap, or the table is not sound otherwise.
 */
export function buildLayout(
  name: string,
  header: readonly RegisterRow[],
  capabilities: readonly PlacedCapability[],
  context: FunctionContext,
): ConfigLayout {
  const rows = [...header];
  for (const placed of capabilities) rows.push(headerRow(placed), ...rowsAt(placed, context));
  const table: RegisterTable = { name, bytes: DWORDS * 4, rows };
  const compiled = compileTable(table);
  const spread = (of: Int32Array) => spreadSlots(compiled, of);
  const guarded = new Uint8Array(DWORDS);
  const capabilityAt = new Int8Array(DWORDS).fill(-1);
  capabilities.forEach(({ capability, offset }, i) => {
    capabilityAt.fill(i, offset >> 2, (offset + capability.bytes + 3) >> 2);
    for (const at of capability.guarded ?? []) guarded[(offset + at) >> 2] = 1;
  });

  const writeMask = spread(compiled.writeMask);
  const w1cMask = spread(compiled.w1cMask);
  const w1sMask = spread(compiled.w1sMask);
  const cellAt = new Int16Array(DWORDS).fill(-1);
  const cells: number[] = [];
  for (let dword = 0; dword < DWORDS; dword++) {
    if ((writeMask[dword] | w1cMask[dword] | w1sMask[dword]) !== 0) cellAt[dword] = cells.push(dword) - 1;
  }
  const express = capabilities.find(
    ({ capability: { id, extended } }) => id === CAP_PCI_EXPRESS && !extended,
  );
  return Object.freeze({
    table,
    reset: spread(compiled.reset),
    writeMask,
    w1cMask,
    w1sMask,
    stickyMask: spread(compiled.stickyMask),
    keptByFlrMask: spread(compiled.keptByFlrMask),
    guarded,
    pendingAt: express === undefined ? -1 : (express.offset + PCIE_DEVICE_CONTROL) >> 2,
    cellAt,
    cellDwords: Int16Array.from(cells),
    capabilities,
    capabilityAt,
  });
}

/** Where the capability with this ID lies, or 0. */
export function capabilityOffset(layout: ConfigLayout, id: number, extended: boolean): number {
  const found = layout.capabilities.find(
    ({ capability }) => capability.id === id && capability.extended === extended,
  );
  return found?.offset ?? 0;
}

/**
 * Offset of a register by its name in the table, as `SR-IOV NumVFs`.
 *
 * @throws RangeError if there is none.
 */
export function registerOffset(layout: ConfigLayout, name: string): number {
  const row = layout.table.rows.find((candidate) => candidate.name === name);
  if (row === undefined) throw new RangeError(`${layout.table.name} has no register ${name}`);
  return row.offset;
}

/** The registers of a placed capability at their absolute offsets, named after it. */
export function rowsAt({ capability, offset }: PlacedCapability, context: FunctionContext): RegisterRow[] {
  return capability.rows(context).map((row) => ({
    ...row,
    name: `${capability.name} ${row.name}`,
    offset: offset + row.offset,
  }));
}

function spreadSlots(compiled: CompiledTable, of: Int32Array): Int32Array {
  const dwords = new Int32Array(DWORDS);
  for (let dword = 0; dword < DWORDS; dword++) {
    const slot = compiled.slotAt[dword];
    if (slot >= 0) dwords[dword] = of[slot];
  }
  return dwords;
}
