import type { RegisterField, RegisterRow } from '../registers/index.ts';

/** One row of storage that software reads and writes. */
export function rw(name: string, offset: number, phrase: string, section: string, reset = 0): RegisterRow {
  return { name, offset, access: 'RW', phrase, section, reset };
}

/** An array of such rows. */
export function rwArray(
  name: string,
  offset: number,
  count: number,
  step: number,
  phrase: string,
  section: string,
): RegisterRow {
  return { name, offset, count, step, access: 'RW', phrase, section };
}

/** A register of fields; the rest of its bits are reserved. */
export function fields(
  name: string,
  offset: number,
  phrase: string,
  section: string,
  list: readonly RegisterField[],
  reset = 0,
): RegisterRow {
  return { name, offset, access: 'RsvdP', phrase, section, fields: list, reset };
}

/** An array of such registers, one behind the other. */
export function fieldsArray(
  name: string,
  offset: number,
  count: number,
  phrase: string,
  section: string,
  list: readonly RegisterField[],
): RegisterRow {
  return { name, offset, count, step: 4, access: 'RsvdP', phrase, section, fields: list };
}

/** An array of counters that reading clears. */
export function counters(
  name: string,
  offset: number,
  count: number,
  phrase: string,
  section: string,
): RegisterRow {
  return { name, offset, count, step: 4, access: 'RC', phrase, section };
}

/** One row that only the hardware changes. */
export function ro(name: string, offset: number, phrase: string, section: string, reset = 0): RegisterRow {
  return { name, offset, access: 'RO', phrase, section, reset };
}
