import { describe, expect, it } from 'vitest';
import { parseMacControl, writeMacControl } from '../../src/wire/mac-control.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const SOURCE = 0x0200_0000_0101;
const HEADER = '0180c2000001 020000000101 8808';

describe('a PAUSE frame', () => {
  it('is constructed: reserved address, MAC Control type, opcode 0001h, quanta, zeros up to 60 bytes', () => {
    const u8 = dirty(62);
    expect(writeMacControl(u8, 1, SOURCE, { kind: 'pause', quanta: 0x1234 })).toBe(60);
    const bytes = `${HEADER}00011234`.replaceAll(' ', '');
    expect(toHex(u8)).toBe(`a5${bytes.padEnd(120, '0')}a5`);
  });

  it('is parsed', () => {
    const u8 = fromHex(`${HEADER} 0001 ffff ${'00'.repeat(42)}`);
    expect(parseMacControl(u8, 0, 60)).toEqual({ kind: 'pause', quanta: 0xffff });
  });
});

describe('a priority pause frame', () => {
  it('is constructed: opcode 0101h, one bit and one time for each priority', () => {
    const u8 = dirty(60);
    writeMacControl(u8, 0, SOURCE, {
      kind: 'priority',
      enabled: 0b1000_0001,
      quanta: [1, 0, 0, 0, 0, 0, 0, 0xffff],
    });
    const times = `0001${'0000'.repeat(6)}ffff`;
    expect(toHex(u8)).toBe(`${HEADER}01010081${times}`.replaceAll(' ', '').padEnd(120, '0'));
  });

  it('is parsed; bits above the eight priorities are ignored', () => {
    const u8 = fromHex(`${HEADER} 0101 ff08 0000 0000 0000 0102 ${'00'.repeat(34)}`);
    expect(parseMacControl(u8, 0, 60)).toEqual({
      kind: 'priority',
      enabled: 8,
      quanta: [0, 0, 0, 0x0102, 0, 0, 0, 0],
    });
  });
});

describe('a MAC Control frame', () => {
  it.each([
    ['that is cut short', `${HEADER} 0001 ffff ${'00'.repeat(41)}`],
    ['with an opcode that nobody knows', `${HEADER} 0002 ffff ${'00'.repeat(42)}`],
    ['of another type', `${HEADER.replace('8808', '8809')} 0001 ffff ${'00'.repeat(42)}`],
  ])('%s says nothing', (_, hex) => {
    const u8 = fromHex(hex);
    expect(parseMacControl(u8, 0, u8.length)).toBeUndefined();
  });

  it('is not written with quanta that do not fit 16 bits', () => {
    const u8 = dirty(60);
    expect(() => writeMacControl(u8, 0, SOURCE, { kind: 'pause', quanta: 65_536 })).toThrow(/quanta.*65536/);
  });
});
