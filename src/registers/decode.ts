import { hex } from '../base/index.ts';
import { elementCount, elementOffset, maskOf, type RegisterRow, type RegisterTable } from './table.ts';

/** A field as it was read. */
export interface DecodedField {
  readonly name: string;
  readonly lsb: number;
  readonly width: number;
  /** Unsigned. */
  readonly value: number;
  /** What the table says that value means, or ''. */
  readonly meaning: string;
  readonly phrase: string;
}

/** A register as it was read. */
export interface DecodedRegister {
  /** With the index for an element of an array: `RDT[3]`. */
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** Unsigned. */
  readonly value: number;
  readonly phrase: string;
  readonly section: string;
  readonly fields: readonly DecodedField[];
}

/** Reads `bytes` (1, 2 or 4) at `offset`, unsigned. */
export type RegisterRead = (offset: number, bytes: number) => number;

/**
 * Reads every register of a table and splits it into its fields. Reserved fields are left out.
 *
 * @param read called once a register, in the order of the table.
 * @example
 * const registers = decodeTable(table, (offset, bytes) => config.read(offset, bytes));
 * console.log(formatDecoded(registers));
 */
export function decodeTable(table: RegisterTable, read: RegisterRead): DecodedRegister[] {
  const decoded: DecodedRegister[] = [];
  for (const row of table.rows) {
    const count = elementCount(row);
    const isArray = count > 1 || row.count !== undefined;
    for (let element = 0; element < count; element++) {
      const offset = elementOffset(row, element);
      const bytes = row.bytes ?? 4;
      const name = isArray ? `${row.name}[${element}]` : row.name;
      decoded.push(decodeRegister(row, name, offset, read(offset, bytes)));
    }
  }
  return decoded;
}

/** Splits one register into its fields. */
export function decodeRegister(
  row: RegisterRow,
  name: string,
  offset: number,
  value: number,
): DecodedRegister {
  const fields: DecodedField[] = [];
  for (const field of row.fields ?? []) {
    const access = field.access ?? row.access;
    if (access === 'RsvdP' || access === 'RsvdZ') continue;
    const { lsb, width } = field;
    const part = ((value >>> lsb) & maskOf(width)) >>> 0;
    fields.push({
      name: field.name,
      lsb,
      width,
      value: part,
      meaning: field.values?.[part] ?? '',
      phrase: field.phrase ?? '',
    });
  }
  const { phrase, section } = row;
  return { name, offset, bytes: row.bytes ?? 4, value: value >>> 0, phrase, section, fields };
}

/** Decoded registers as text: one line a register, its fields behind it as `NAME=value`. */
export function formatDecoded(registers: readonly DecodedRegister[]): string {
  return registers.map((register) => `${formatRegister(register)}\n`).join('');
}

function formatRegister(register: DecodedRegister): string {
  const { name, offset, bytes, value, phrase, fields } = register;
  const head = `${hex(offset, 3)}  ${hex(value, bytes * 2).padStart(8)}  ${name}: ${phrase}`;
  if (fields.length === 0) return head;
  const parts = fields.map((field) => {
    const shown = field.width === 1 || field.value < 10 ? `${field.value}` : `0x${hex(field.value)}`;
    return field.meaning === '' ? `${field.name}=${shown}` : `${field.name}=${shown} (${field.meaning})`;
  });
  return `${head}\n               ${parts.join(' ')}`;
}
