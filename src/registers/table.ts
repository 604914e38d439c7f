/**
 * What software can do with a bit, in the words of the specifications. A trailing S is the PCI Express "sticky":
 * the bit survives every reset but the loss of power.
 *
 * - `RO`, `ROS`, `HwInit`: only the hardware changes it.
 * - `RW`, `RWS`: a write is stored.
 * - `RW1C`, `RW1CS`: writing one clears, writing zero does nothing. `RW1S`: writing one sets.
 * - `RC`: a read clears it; writes do nothing. `RC_W1C`: cleared by a read and by writing one.
 * - `WO`: a write acts and is not stored; reads as zero.
 * - `RsvdP`, `RsvdZ`: reserved; writes do nothing.
 */
export type Access =
  | 'RO'
  | 'ROS'
  | 'HwInit'
  | 'RW'
  | 'RWS'
  | 'RW1C'
  | 'RW1CS'
  | 'RW1S'
  | 'RC'
  | 'RC_W1C'
  | 'WO'
  | 'RsvdP'
  | 'RsvdZ';

/** A field of a register: `width` bits from bit `lsb` on. */
export interface RegisterField {
  /** As the specification spells it. */
  readonly name: string;
  readonly lsb: number;
  readonly width: number;
  /** Default: the access of the register. */
  readonly access?: Access;
  /** Value after reset. Default 0. */
  readonly reset?: number;
  readonly phrase?: string;
  /** What single values mean. */
  readonly values?: Readonly<Record<number, string>>;
  /** True for a field that is not sticky and is nevertheless left alone by a Function Level Reset (PCIe 3.0 6.6.2). */
  readonly keptByFlr?: boolean;
}

/** Further elements of an array of registers, or a second address of its elements. */
export interface RegisterSegment {
  readonly offset: number;
  /** Bytes from one element to the next. */
  readonly step: number;
  readonly count: number;
}

/**
 * One row of a register table: a register, or an array of equal registers. A bit has the access of the field that
 * covers it; a bit that no field covers has the access of the row.
 */
export interface RegisterRow {
  /** As the specification spells it. */
  readonly name: string;
  /** Bytes from the start of the table's space. */
  readonly offset: number;
  /** Width: 1, 2 or 4 bytes. Default 4. */
  readonly bytes?: 1 | 2 | 4;
  readonly access: Access;
  /** Value after reset, for registers whose fields state none. Default 0. */
  readonly reset?: number;
  /** Elements, for an array. */
  readonly count?: number;
  /** Bytes from one element to the next, for an array. */
  readonly step?: number;
  /** Where the array goes on: elements `count`, `count + 1`, ... lie there. */
  readonly segments?: readonly RegisterSegment[];
  /** Other addresses of the first elements of the array: the same registers seen twice. */
  readonly aliases?: readonly RegisterSegment[];
  readonly fields?: readonly RegisterField[];
  /** What it is, in a few words. */
  readonly phrase: string;
  /** Section of the specification that defines it. */
  readonly section: string;
}

/**
 * A register map: one table drives write masks and resets ({@link compileTable}), decoding for people ({@link decodeTable})
 * and the documentation.
 */
export interface RegisterTable {
  readonly name: string;
  /** Size of the space in bytes, a multiple of four. */
  readonly bytes: number;
  readonly rows: readonly RegisterRow[];
}

/** A one-bit field. */
export function bit(
  name: string,
  lsb: number,
  access: Access,
  phrase: string,
  extra?: Pick<RegisterField, 'reset' | 'values' | 'keptByFlr'>,
): RegisterField {
  return { name, lsb, width: 1, access, phrase, ...extra };
}

/** A field of `width` bits. */
export function bits(
  name: string,
  lsb: number,
  width: number,
  access: Access,
  phrase: string,
  extra?: Pick<RegisterField, 'reset' | 'values' | 'keptByFlr'>,
): RegisterField {
  return { name, lsb, width, access, phrase, ...extra };
}

/** All ones in the low `width` bits, as a signed 32-bit integer. */
export function maskOf(width: number): number {
  return width >= 32 ? -1 : (1 << width) - 1;
}

/** Elements of a row with all its segments; 1 for a single register. */
export function elementCount(row: RegisterRow): number {
  let count = row.count ?? 1;
  for (const segment of row.segments ?? []) count += segment.count;
  return count;
}

/** Byte offset of element `index` of a row. */
export function elementOffset(row: RegisterRow, index: number): number {
  const own = row.count ?? 1;
  if (index < own) return row.offset + index * (row.step ?? 0);
  let left = index - own;
  for (const segment of row.segments ?? []) {
    if (left < segment.count) return segment.offset + left * segment.step;
    left -= segment.count;
  }
  throw new RangeError(`${row.name} has ${elementCount(row)} elements, got index ${index}`);
}

/** Value of a register after reset, from the row's value and those of its fields. */
export function resetOf(row: RegisterRow): number {
  let value = row.reset ?? 0;
  for (const field of row.fields ?? []) value |= (field.reset ?? 0) << field.lsb;
  return value | 0;
}
