import { tableProblems } from './problems.ts';
import { type Access, elementCount, elementOffset, maskOf, type RegisterTable, resetOf } from './table.ts';

/**
 * A register table as dense typed arrays. Every dword that a row covers is a slot; the elements of an array of
 * registers are consecutive slots, wherever they lie. Masks and resets are indexed by slot.
 */
export interface CompiledTable {
  readonly table: RegisterTable;
  /** Dwords that the table covers. */
  readonly slots: number;
  /** Slot by dword number (offset / 4), or -1. Aliases lead to the slot of the element that they show. */
  readonly slotAt: Int32Array;
  /** Byte offset of each slot. */
  readonly offsetOf: Int32Array;
  /** Row that covers each slot; the first one where several narrow registers share a dword. */
  readonly rowOf: Int32Array;
  /** Which element of its row each slot is. */
  readonly elementOf: Int32Array;
  /** Slot of element 0, by row. */
  readonly firstSlot: Int32Array;
  /** Row number by name. */
  readonly rowByName: ReadonlyMap<string, number>;
  readonly reset: Int32Array;
  /** Bits that a write stores. */
  readonly writeMask: Int32Array;
  /** Bits that writing one clears. */
  readonly w1cMask: Int32Array;
  /** Bits that writing one sets. */
  readonly w1sMask: Int32Array;
  /** Bits that a read clears. */
  readonly readClearMask: Int32Array;
  /** Bits that survive every reset but a loss of power. */
  readonly stickyMask: Int32Array;
  /** Bits that a Function Level Reset leaves alone: the sticky ones and those the specification names. */
  readonly keptByFlrMask: Int32Array;
}

/**
 * Compiles a table.
 *
 * @throws RangeError with the first sentence of {@link tableProblems} if the table is not sound.
 */
export function compileTable(table: RegisterTable): CompiledTable {
  const [problem] = tableProblems(table);
  if (problem !== undefined) throw new RangeError(problem);

  const slotAt = new Int32Array(table.bytes / 4).fill(-1);
  const firstSlot = new Int32Array(table.rows.length);
  const rowByName = new Map<string, number>();
  const offsets: number[] = [];
  const rows: number[] = [];
  const elements: number[] = [];
  table.rows.forEach((row, number) => {
    rowByName.set(row.name, number);
    for (let element = 0; element < elementCount(row); element++) {
      const dword = elementOffset(row, element) >> 2;
      if (slotAt[dword] < 0) {
        slotAt[dword] = offsets.length;
        offsets.push(dword * 4);
        rows.push(number);
        elements.push(element);
      }
      if (element === 0) firstSlot[number] = slotAt[dword];
    }
    for (const alias of row.aliases ?? []) {
      for (let i = 0; i < alias.count; i++)
        slotAt[(alias.offset + i * alias.step) >> 2] = firstSlot[number] + i;
    }
  });

  const slots = offsets.length;
  const compiled: CompiledTable = {
    table,
    slots,
    slotAt,
    offsetOf: Int32Array.from(offsets),
    rowOf: Int32Array.from(rows),
    elementOf: Int32Array.from(elements),
    firstSlot,
    rowByName,
    reset: new Int32Array(slots),
    writeMask: new Int32Array(slots),
    w1cMask: new Int32Array(slots),
    w1sMask: new Int32Array(slots),
    readClearMask: new Int32Array(slots),
    stickyMask: new Int32Array(slots),
    keptByFlrMask: new Int32Array(slots),
  };
  for (const row of table.rows) {
    const count = elementCount(row);
    for (let element = 0; element < count; element++) {
      const offset = elementOffset(row, element);
      const slot = slotAt[offset >> 2];
      const shift = (offset & 3) * 8;
      compiled.reset[slot] |= resetOf(row) << shift;
      let covered = 0;
      for (const field of row.fields ?? []) {
        const mask = maskOf(field.width) << field.lsb;
        covered |= mask;
        addMask(compiled, slot, mask << shift, field.access ?? row.access);
        if (field.keptByFlr) compiled.keptByFlrMask[slot] |= mask << shift;
      }
      addMask(compiled, slot, (maskOf((row.bytes ?? 4) * 8) & ~covered) << shift, row.access);
    }
  }
  return compiled;
}

function addMask(to: CompiledTable, slot: number, mask: number, access: Access): void {
  switch (access) {
    case 'RW':
    case 'RWS':
      to.writeMask[slot] |= mask;
      break;
    case 'RW1C':
    case 'RW1CS':
      to.w1cMask[slot] |= mask;
      break;
    case 'RW1S':
      to.w1sMask[slot] |= mask;
      break;
    case 'RC':
      to.readClearMask[slot] |= mask;
      break;
    case 'RC_W1C':
      to.readClearMask[slot] |= mask;
      to.w1cMask[slot] |= mask;
      break;
  }
  if (access === 'RWS' || access === 'ROS' || access === 'RW1CS') {
    to.stickyMask[slot] |= mask;
    to.keptByFlrMask[slot] |= mask;
  }
}
