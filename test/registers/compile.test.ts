import { describe, expect, it } from 'vitest';
import {
  compileTable,
  type RegisterRow,
  type RegisterTable,
  tableProblems,
} from '../../src/registers/index.ts';
import { TABLE } from './fixture.ts';

const row = (name: string, offset: number, extra: Partial<RegisterRow> = {}): RegisterRow => ({
  name,
  offset,
  access: 'RW',
  phrase: 'p',
  section: 's',
  ...extra,
});
const table = (...rows: RegisterRow[]): RegisterTable => ({ name: 't', bytes: 0x100, rows });

describe('tableProblems', () => {
  it('finds nothing in a sound table', () => {
    expect(tableProblems(TABLE)).toEqual([]);
  });

  it.each([
    ['a name twice', table(row('A', 0), row('A', 4)), 't: A: the name occurs twice'],
    ['an offset twice', table(row('A', 0), row('B', 0)), 't: B: offset 0x0 belongs to A already'],
    [
      'half an offset twice',
      table(row('A', 0), row('B', 2, { bytes: 2 })),
      't: B: offset 0x2 belongs to A already',
    ],
    ['an offset outside', table(row('A', 0x100)), 't: A: offset 0x100 is outside'],
    ['an offset that is not aligned', table(row('A', 2)), 't: A: offset 0x2 is not aligned'],
    ['a row without section', table(row('A', 0, { section: '' })), 't: A: no section'],
    ['a row without phrase', table(row('A', 0, { phrase: '' })), 't: A: no phrase'],
    [
      'a step below the width',
      table(row('A', 0, { count: 2, step: 2 })),
      't: A: step 2 is below its width of 4 bytes',
    ],
    [
      'fields that overlap',
      table(
        row('A', 0, {
          fields: [
            { name: 'F', lsb: 0, width: 4 },
            { name: 'G', lsb: 3, width: 1 },
          ],
        }),
      ),
      't: A.G: overlaps another field',
    ],
    [
      'a field outside its register',
      table(row('A', 0, { bytes: 2, fields: [{ name: 'F', lsb: 15, width: 2 }] })),
      't: A.F: bits 16:15 are outside 16 bits',
    ],
    [
      'a reset that does not fit',
      table(row('A', 0, { fields: [{ name: 'F', lsb: 0, width: 2, reset: 4 }] })),
      't: A.F: reset 0x4 does not fit 2 bits',
    ],
    [
      'a reset in reserved bits',
      table(row('A', 0, { reset: 8, fields: [{ name: 'F', lsb: 3, width: 1, access: 'RsvdP' }] })),
      't: A: reset sets reserved bits',
    ],
    [
      'an array that runs into another register',
      table(row('A', 0x20), row('B', 0, { count: 9, step: 4 })),
      't: B: offset 0x20 belongs to A already',
    ],
  ])('names %s', (_, broken, problem) => {
    expect(tableProblems(broken)).toContain(problem);
    expect(() => compileTable(broken)).toThrow(RangeError);
  });
});

describe('compileTable', () => {
  const compiled = compileTable(TABLE);

  it('numbers the elements of an array one after the other, also where it goes on elsewhere', () => {
    const first = compiled.firstSlot[compiled.rowByName.get('RDT')!];
    expect(compiled.slotAt[0x1018 / 4]).toBe(first);
    expect(compiled.slotAt[(0x1018 + 63 * 0x40) / 4]).toBe(first + 63);
    expect(compiled.slotAt[0x3018 / 4]).toBe(first + 64);
    expect(compiled.elementOf[first + 64]).toBe(64);
    expect(compiled.offsetOf[first + 64]).toBe(0x3018);
  });

  it('leads an alias to the register that it shows', () => {
    expect(compiled.slotAt[0x2104 / 4]).toBe(compiled.slotAt[0x1054 / 4]);
  });

  it('has no slot where no register is', () => {
    expect(compiled.slotAt[1]).toBe(-1);
  });

  it('gives a bit the access of its field, and of the row where no field is', () => {
    const slot = compiled.slotAt[0];
    expect(compiled.writeMask[slot]).toBe(0x31);
    expect(compiled.w1sMask[slot]).toBe(1 << 26);
    expect(compiled.reset[slot]).toBe(0x20);
  });

  it('puts narrow registers of one dword into one slot', () => {
    const narrow = compileTable(
      table(
        row('A', 0, { bytes: 2, reset: 0x1234 }),
        row('B', 2, { bytes: 1, access: 'RW1C' }),
        row('C', 3, { bytes: 1, reset: 0x56 }),
      ),
    );
    expect(narrow.slots).toBe(1);
    expect(narrow.reset[0]).toBe(0x56001234);
    expect(narrow.writeMask[0]).toBe(0xff00ffff | 0);
    expect(narrow.w1cMask[0]).toBe(0x00ff0000);
  });

  it('marks sticky bits and those that a Function Level Reset leaves alone', () => {
    const sticky = compileTable(
      table(
        row('A', 0, {
          fields: [
            { name: 'S', lsb: 0, width: 1, access: 'RWS' },
            { name: 'K', lsb: 1, width: 1, keptByFlr: true },
          ],
        }),
      ),
    );
    expect(sticky.stickyMask[0]).toBe(1);
    expect(sticky.keptByFlrMask[0]).toBe(3);
  });
});
