import { describe, expect, it, vi } from 'vitest';
import {
  buildLayout,
  type ConfigOwner,
  ConfigSpace,
  restoreConfig,
  saveConfig,
} from '../../../src/pcie/index.ts';
import { bit, bits, type RegisterRow } from '../../../src/registers/index.ts';

const ROWS: RegisterRow[] = [
  { name: 'ID', offset: 0, access: 'RO', reset: 0x10fb8086, phrase: 'p', section: 's' },
  {
    name: 'Control',
    offset: 4,
    bytes: 2,
    access: 'RO',
    phrase: 'p',
    section: 's',
    fields: [
      bits('Low', 0, 3, 'RW', 'p'),
      bit('Sticky', 8, 'RWS', 'p'),
      bit('Kept', 9, 'RW', 'p', { keptByFlr: true }),
    ],
  },
  {
    name: 'Status',
    offset: 6,
    bytes: 2,
    access: 'RO',
    phrase: 'p',
    section: 's',
    fields: [bits('Errors', 0, 4, 'RW1C', 'p', { reset: 15 })],
  },
  { name: 'Scratch', offset: 0xffc, access: 'RW', phrase: 'p', section: 's' },
];
const CONTEXT = { virtual: false, number: 0, nextFunction: 0, multiFunction: false, lowest: true };
const LAYOUT = buildLayout('test', ROWS, [], CONTEXT);

describe('ConfigSpace', () => {
  it('reads bytes, words and dwords little-endian', () => {
    const config = new ConfigSpace(LAYOUT);
    expect(config.read32(0)).toBe(0x10fb8086);
    expect(config.read16(2)).toBe(0x10fb);
    expect(config.read8(3)).toBe(0x10);
    expect(config.read(1, 1)).toBe(0x80);
  });

  it('reads unimplemented space as zero and ignores writes to it', () => {
    const config = new ConfigSpace(LAYOUT);
    config.write32(0x200, 0xffffffff);
    expect(config.read32(0x200)).toBe(0);
  });

  it('writes only what is writable, and only the bytes written', () => {
    const config = new ConfigSpace(LAYOUT);
    config.write32(0, 0);
    config.write16(4, 0xffff);
    expect(config.read32(0)).toBe(0x10fb8086);
    expect(config.read16(4)).toBe(0x0307);
    expect(config.read16(6)).toBe(15);
    config.write8(4, 0);
    expect(config.read16(4)).toBe(0x0300);
  });

  it('clears bits that are written as one', () => {
    const config = new ConfigSpace(LAYOUT);
    config.write16(6, 0x0005);
    expect(config.read16(6)).toBe(10);
    config.write16(4, 0xffff);
    expect(config.read16(6)).toBe(10);
  });

  it('writes the bytes that byte enables name', () => {
    const config = new ConfigSpace(LAYOUT);
    config.writeLanes(0xffc, 0x11223344, 0x00ff00ff);
    expect(config.read32(0xffc)).toBe(0x00220044);
  });

  it('refuses what is not aligned or outside', () => {
    const config = new ConfigSpace(LAYOUT);
    expect(() => config.read32(2)).toThrow('offset must be a multiple of 4 from 0 to 4092, got 0x2');
    expect(() => config.read16(4095)).toThrow(RangeError);
    expect(() => config.read8(4096)).toThrow(RangeError);
    expect(() => config.read8(-1)).toThrow(RangeError);
    expect(() => config.read8(1.5)).toThrow(RangeError);
    expect(() => config.read(0, 3)).toThrow('bytes must be 1, 2 or 4, got 3');
    expect(() => config.write(0, 8, 0)).toThrow(RangeError);
  });

  it('holds nothing of its own until a bit changes', () => {
    const config = new ConfigSpace(LAYOUT);
    config.write16(4, 0);
    config.write32(0x80, 7);
    expect(config.ownBytes).toBe(0);
    config.write16(4, 1);
    expect(config.ownBytes).toBe(8);
  });

  it('lets the hardware set any bit, and holds what differs', () => {
    const config = new ConfigSpace(LAYOUT);
    config.poke16(2, 0x10f7);
    config.poke8(4, 0x40);
    expect(config.read32(0)).toBe(0x10f78086);
    expect(config.read8(4)).toBe(0x40);
  });

  it('keeps sticky bits over a hot reset, and those and others over a Function Level Reset', () => {
    const config = new ConfigSpace(LAYOUT);
    config.write16(4, 0xffff);
    config.reset('flr');
    expect(config.read16(4)).toBe(0x0300);
    config.reset('hot');
    expect(config.read16(4)).toBe(0x0100);
    config.reset('cold');
    expect(config.read16(4)).toBe(0);
    expect(config.ownBytes).toBe(0);
  });

  it('calls hooks after a write with what is held now and what was', () => {
    const config = new ConfigSpace(LAYOUT);
    const hook = vi.fn();
    config.onWrite(4, hook);
    config.write16(6, 1);
    expect(hook).toHaveBeenCalledWith(14 << 16, 15 << 16);
    config.poke8(4, 1);
    config.write32(8, 1);
    expect(hook).toHaveBeenCalledTimes(1);
  });

  it('tells its owner of every write', () => {
    const owner: ConfigOwner = { configGuard: (_offset, mask) => mask, configWritten: vi.fn() };
    const config = new ConfigSpace(LAYOUT, owner);
    config.write16(6, 0x8001);
    expect(owner.configWritten).toHaveBeenCalledWith(4, 15 << 16, 14 << 16, 0x80010000 | 0, 0xffff0000 | 0);
  });

  it('comes back from what it saved', () => {
    const config = new ConfigSpace(LAYOUT);
    config.write16(4, 5);
    config.poke32(0, 1);
    const saved = saveConfig(config);
    config.reset('cold');
    config.write32(0xffc, 9);
    restoreConfig(config, saved);
    expect([config.read32(0), config.read16(4), config.read32(0xffc)]).toEqual([1, 5, 0]);
  });
});
