import { hex } from '../base/index.ts';
import {
  elementCount,
  elementOffset,
  maskOf,
  type RegisterRow,
  type RegisterTable,
  resetOf,
} from './table.ts';

/**
 * Everything that is wrong with a table, one sentence each; empty for a sound one. Checked are unique names and
 * offsets, alignment, the bounds of the space, fields inside their register and apart from each other, resets
 * inside their field and outside reserved bits, and that every row has a phrase and a section.
 *
 * @example
 * expect(tableProblems(myTable)).toEqual([]);
 */
export function tableProblems(table: RegisterTable): string[] {
  const problems: string[] = [];
  if (table.bytes % 4 !== 0) problems.push(`${table.name}: ${table.bytes} bytes is no multiple of 4`);
  const names = new Set<string>();
  const owners = new Map<number, string>();
  for (const row of table.rows) {
    const where = `${table.name}: ${row.name}`;
    if (names.has(row.name)) problems.push(`${where}: the name occurs twice`);
    names.add(row.name);
    if (row.phrase === '') problems.push(`${where}: no phrase`);
    if (row.section === '') problems.push(`${where}: no section`);
    checkPlaces(table, row, where, owners, problems);
    checkFields(row, where, problems);
  }
  return problems;
}

function checkPlaces(
  table: RegisterTable,
  row: RegisterRow,
  where: string,
  owners: Map<number, string>,
  problems: string[],
): void {
  const bytes = row.bytes ?? 4;
  if ((row.count ?? 1) > 1 && (row.step ?? 0) < bytes) {
    problems.push(`${where}: step ${row.step ?? 0} is below its width of ${bytes} bytes`);
    return;
  }
  const isArray = row.count !== undefined || row.segments !== undefined || row.aliases !== undefined;
  if (isArray && bytes !== 4) problems.push(`${where}: an array must be of 4-byte registers`);
  const offsets: number[] = [];
  for (let i = 0; i < elementCount(row); i++) offsets.push(elementOffset(row, i));
  for (const alias of row.aliases ?? []) {
    if (alias.count > elementCount(row)) {
      problems.push(`${where}: an alias of ${alias.count} elements, of ${elementCount(row)}`);
    }
    for (let i = 0; i < alias.count; i++) offsets.push(alias.offset + i * alias.step);
  }
  for (const offset of offsets) {
    if (offset % bytes !== 0) problems.push(`${where}: offset 0x${hex(offset)} is not aligned`);
    if (offset < 0 || offset + bytes > table.bytes)
      problems.push(`${where}: offset 0x${hex(offset)} is outside`);
    for (let i = 0; i < bytes; i++) {
      const owner = owners.get(offset + i);
      if (owner !== undefined) {
        problems.push(`${where}: offset 0x${hex(offset + i)} belongs to ${owner} already`);
        break;
      }
      owners.set(offset + i, row.name);
    }
  }
}

function checkFields(row: RegisterRow, where: string, problems: string[]): void {
  const width = (row.bytes ?? 4) * 8;
  const names = new Set<string>();
  let covered = 0;
  let reserved = row.access === 'RsvdP' || row.access === 'RsvdZ' ? maskOf(width) : 0;
  for (const field of row.fields ?? []) {
    const at = `${where}.${field.name}`;
    if (names.has(field.name)) problems.push(`${at}: the field name occurs twice`);
    names.add(field.name);
    if (field.lsb < 0 || field.width < 1 || field.lsb + field.width > width) {
      problems.push(`${at}: bits ${field.lsb + field.width - 1}:${field.lsb} are outside ${width} bits`);
      continue;
    }
    const mask = maskOf(field.width) << field.lsb;
    if ((covered & mask) !== 0) problems.push(`${at}: overlaps another field`);
    covered |= mask;
    const access = field.access ?? row.access;
    reserved = access === 'RsvdP' || access === 'RsvdZ' ? reserved | mask : reserved & ~mask;
    const reset = field.reset ?? 0;
    if (reset < 0 || reset > maskOf(field.width) >>> 0) {
      problems.push(`${at}: reset 0x${hex(reset)} does not fit ${field.width} bits`);
    } else if (reset !== 0 && ((row.reset ?? 0) & mask) !== 0) {
      problems.push(`${at}: its reset is stated by the row too`);
    }
  }
  const reset = row.reset ?? 0;
  if (width < 32 && (reset < 0 || reset >= 2 ** width))
    problems.push(`${where}: reset 0x${hex(reset)} does not fit`);
  if ((resetOf(row) & reserved) !== 0) problems.push(`${where}: reset sets reserved bits`);
}
