import type { RegisterField } from '../../registers/index.ts';

/**
 * Fields from a list in one line, whose names say all that there is to say: `0 Enable; 4+3 Size` is bit 0 and bits 6:4. For
 * registers of dumps, which are read and never written.
 */
export function fieldList(text: string): RegisterField[] {
  return text.split('; ').map((part) => {
    const [, lsb, width = '1', name] = /^(\d+)(?:\+(\d+))? (.*)$/.exec(part)!;
    return { name, lsb: Number(lsb), width: Number(width), access: 'RO', phrase: '' };
  });
}
