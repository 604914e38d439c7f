import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compileTable, RegisterFile } from '../../src/registers/index.ts';
import { TABLE } from './fixture.ts';

const compiled = compileTable(TABLE);

describe('RegisterFile', () => {
  it('starts with the reset values', () => {
    const file = new RegisterFile(compiled);
    expect(file.read32(0)).toBe(0x20);
    expect(file.read32(8)).toBe(0x80000);
    expect(file.read32(0x1014 + 63 * 0x40)).toBe(0x402);
  });

  it('stores what is RW and leaves the rest', () => {
    const file = new RegisterFile(compiled);
    file.write32(0, 0xffffffff);
    expect(file.read32(0)).toBe(0x04000031);
    file.write32(8, 0);
    expect(file.read32(8)).toBe(0x80000);
  });

  it('reads as unsigned', () => {
    const file = new RegisterFile(compiled);
    file.write32(0x1014, 0xfedcba98);
    expect(file.read32(0x1014)).toBe(0xfedcba98);
  });

  it('writes the enabled bytes only', () => {
    const file = new RegisterFile(compiled);
    file.write32(0x1014, 0x11223344);
    file.write32(0x1014, 0xaabbccdd, 0b0101);
    expect(file.read32(0x1014)).toBe(0x11bb33dd);
  });

  it('clears bits that are written as one', () => {
    const file = new RegisterFile(compiled);
    file.write32(0x888, 0x0f);
    expect(file.read32(0x888)).toBe(0xf0);
    file.write32(0x888, 0xffffffff, 0);
    expect(file.read32(0x888)).toBe(0xf0);
  });

  it('clears on read what is RC', () => {
    const file = new RegisterFile(compiled);
    file.set('GPRC', 7);
    expect(file.get('GPRC')).toBe(7);
    expect(file.read32(0x2074)).toBe(7);
    expect(file.read32(0x2074)).toBe(0);
  });

  it('shows the same register at its alias', () => {
    const file = new RegisterFile(compiled);
    file.write32(0x2100 + 4 * 3, 0x77);
    expect(file.read32(0x1014 + 0x40 * 3)).toBe(0x77);
    expect(file.get('SRRCTL', 3)).toBe(0x77);
  });

  it('tells the hook of an array which element was written, through an alias too', () => {
    const file = new RegisterFile(compiled);
    const hook = vi.fn();
    file.onWrite('RDT', hook);
    file.onWrite('SRRCTL', hook);
    file.write32(0x3018 + 0x40, 0x12345678);
    expect(hook).toHaveBeenLastCalledWith(65, 0x5678, 0x12345678, 0);
    file.write32(0x2104, 5);
    expect(hook).toHaveBeenLastCalledWith(1, 5, 5, 0x402);
  });

  it('gives the written bits of a write-only register to its hook and stores nothing', () => {
    const file = new RegisterFile(compiled);
    const hook = vi.fn();
    file.onWrite('EICS', hook);
    file.write32(0x808, 3);
    expect(hook).toHaveBeenCalledWith(0, 0, 3, 0);
    expect(file.read32(0x808)).toBe(0);
  });

  it('returns what a read hook returns', () => {
    const file = new RegisterFile(compiled);
    file.onRead('RDT', (index, stored) => stored + index);
    file.write32(0x1018 + 2 * 0x40, 100);
    expect(file.read32(0x1018 + 2 * 0x40)).toBe(102);
    expect(file.get('RDT', 2)).toBe(100);
  });

  it('refuses a second hook, an unknown name and an index outside', () => {
    const file = new RegisterFile(compiled);
    file.onWrite('RDT', () => {});
    expect(() => file.onWrite('RDT', () => {})).toThrow('demo.RDT has a hook already');
    expect(() => file.onRead('RDX', () => 0)).toThrow('demo has no register RDX');
    expect(() => file.get('RDT', 127)).toThrow('demo.RDT has no element 127');
    expect(() => file.get('RDT', -1)).toThrow('demo.RDT has no element -1');
  });

  it('reads unknown offsets as zero and counts them', () => {
    const file = new RegisterFile(compiled);
    expect(file.read32(0x3ff0)).toBe(0);
    file.write32(0x3ff0, 1);
    expect(file.read32(0x100000)).toBe(0);
    expect(file.unknown.get(0x3ff0)).toEqual({ reads: 1, writes: 1 });
    expect(file.unknown.get(0x100000)).toEqual({ reads: 1, writes: 0 });
  });

  it('throws at unknown offsets when strict', () => {
    const file = new RegisterFile(compiled, { strict: true });
    expect(() => file.read32(4)).toThrow('demo: read of 0x4, where no register is');
    expect(() => file.write32(4, 0)).toThrow('demo: write of 0x4, where no register is');
  });

  it('goes back to the reset values, and to saved ones', () => {
    const file = new RegisterFile(compiled);
    file.write32(0x1018, 9);
    const saved = file.save();
    file.reset();
    expect(file.get('RDT')).toBe(0);
    file.restore(saved);
    expect(file.get('RDT')).toBe(9);
    expect(() => file.restore(new Int32Array(3))).toThrow(RangeError);
  });

  it('never lets software change a bit outside the masks', () => {
    const offsets = fc.integer({ min: 0, max: 0x3fff });
    const writes = fc.array(fc.tuple(offsets, fc.integer(), fc.integer({ min: 0, max: 15 })));
    fc.assert(
      fc.property(writes, (operations) => {
        const file = new RegisterFile(compiled);
        for (const [offset, value, enables] of operations) {
          file.write32(offset, value, enables);
          file.read32(offset);
        }
        for (let slot = 0; slot < compiled.slots; slot++) {
          const changeable =
            compiled.writeMask[slot] |
            compiled.w1cMask[slot] |
            compiled.w1sMask[slot] |
            compiled.readClearMask[slot];
          expect((file.values[slot] ^ compiled.reset[slot]) & ~changeable).toBe(0);
        }
      }),
    );
  });
});
