import { expect, it } from 'vitest';
import { compileTable, decodeTable, formatDecoded, RegisterFile } from '../../src/registers/index.ts';
import { TABLE } from './fixture.ts';

const file = new RegisterFile(compileTable(TABLE));
file.set('RDT', 0x1234, 64);
const decoded = decodeTable(TABLE, (offset) => file.values[file.compiled.slotAt[offset >> 2]]);

it('splits a register into its fields, with what their values mean', () => {
  const control = decoded[0];
  expect(control).toMatchObject({ name: 'CTRL', offset: 0, value: 0x20, section: '1.1' });
  expect(control.fields.map((field) => [field.name, field.value, field.meaning])).toEqual([
    ['GO', 0, ''],
    ['MODE', 2, 'forward'],
    ['RST', 0, ''],
  ]);
});

it('names the elements of an array with their index and leaves reserved fields out', () => {
  const tail = decoded.find((register) => register.name === 'RDT[64]');
  expect(tail).toMatchObject({ offset: 0x3018, value: 0x1234 });
  expect(tail?.fields).toHaveLength(1);
});

it('reads every element once', () => {
  expect(decoded).toHaveLength(2 + 3 + 127 + 64 + 1);
});

it('prints one line a register and its fields behind it', () => {
  expect(formatDecoded(decoded.slice(0, 2))).toBe(
    '000  00000020  CTRL: Device control\n' +
      '               GO=0 MODE=2 (forward) RST=0\n' +
      '008  00080000  STATUS: Device status\n',
  );
});
