import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../src/base/index.ts';
import { SecondStageTable } from '../../src/iommu/index.ts';
import { READ_ONLY, READ_WRITE, Tables } from './setup.ts';

const KIB4 = 4096;
const MIB2 = 2 ** 21;
const GIB1 = 2 ** 30;

describe('SecondStageTable', () => {
  it('maps with the largest pages that alignment allows', () => {
    const table = new Tables().table();
    table.map(GIB1 - MIB2 - KIB4, 4 * GIB1 - MIB2 - KIB4, KIB4 + MIB2 + GIB1 + MIB2 + KIB4, READ_WRITE);
    const sizes = [];
    for (let at = GIB1 - MIB2 - KIB4; ; ) {
      const page = table.find(at);
      if (page === undefined) break;
      sizes.push(page.bytes);
      at = page.address + page.bytes;
    }
    expect(sizes).toEqual([KIB4, MIB2, GIB1, MIB2, KIB4]);
  });

  it('uses 4 KiB pages where the two addresses differ below 2 MiB', () => {
    const table = new Tables().table();
    table.map(MIB2, MIB2 + KIB4, MIB2, READ_WRITE);
    expect(table.find(MIB2)).toEqual({
      address: MIB2,
      hostPhysical: MIB2 + KIB4,
      bytes: KIB4,
      read: true,
      write: true,
    });
  });

  it('uses no page larger than asked for', () => {
    const table = new Tables().table();
    table.map(0, 0, GIB1, { ...READ_WRITE, pageBytes: MIB2 });
    table.map(GIB1, GIB1, MIB2, { ...READ_WRITE, pageBytes: KIB4 });
    expect(table.find(0)?.bytes).toBe(MIB2);
    expect(table.find(GIB1)?.bytes).toBe(KIB4);
  });

  it('reaches the last page of the address width and nothing beyond', () => {
    for (const levels of [3, 4] as const) {
      const end = 2 ** (12 + 9 * levels);
      const table = new Tables().table(levels);
      table.map(end - KIB4, KIB4, KIB4, READ_ONLY);
      expect(table.find(end - 1)?.hostPhysical).toBe(KIB4);
      expect(table.find(end)).toBeUndefined();
      expect(() => table.map(end, 0, KIB4, READ_ONLY)).toThrow(RangeError);
      expect(() => table.map(end - KIB4, 0, 2 * KIB4, READ_ONLY)).toThrow(RangeError);
    }
  });

  it('returns how much it unmapped, holes not counted', () => {
    const table = new Tables().table();
    table.map(0, 0, 2 * KIB4, READ_WRITE);
    table.map(5 * KIB4, 0, KIB4, READ_WRITE);
    expect(table.unmap(KIB4, 9 * KIB4)).toBe(2 * KIB4);
    expect(table.find(0)).toBeDefined();
    expect(table.find(KIB4)).toBeUndefined();
    expect(table.find(5 * KIB4)).toBeUndefined();
    expect(table.unmap(0, GIB1)).toBe(KIB4);
  });

  it('refuses to unmap part of a larger page and changes nothing then', () => {
    const table = new Tables().table();
    table.map(0, 0, 2 * MIB2, READ_WRITE);
    expect(() => table.unmap(KIB4, MIB2 - KIB4)).toThrow(
      /whole pages, but 0x1000 lies within one of 2097152/,
    );
    expect(() => table.unmap(0, MIB2 + KIB4)).toThrow(/0x201000 lies within/);
    expect(table.unmap(0, 2 * MIB2)).toBe(2 * MIB2);
  });

  it('refuses what is misaligned, empty, forbidden or mapped already, and changes nothing then', () => {
    const table = new Tables().table();
    table.map(4 * KIB4, 0, KIB4, READ_WRITE);
    expect(() => table.map(1, 0, KIB4, READ_WRITE)).toThrow(/^address must be a multiple of 4096, got 1$/);
    expect(() => table.map(0, 1, KIB4, READ_WRITE)).toThrow(/^hostPhysical must be a multiple/);
    expect(() => table.map(0, 0, 100, READ_WRITE)).toThrow(/^bytes must be/);
    expect(() => table.map(0, 0, 0, READ_WRITE)).toThrow(/^bytes must be/);
    expect(() => table.map(-KIB4, 0, KIB4, READ_WRITE)).toThrow(/^address must be/);
    expect(() => table.map(0, 2 ** 52, KIB4, READ_WRITE)).toThrow(/^hostPhysical must be/);
    expect(() => table.map(0, 0, KIB4, { read: false, write: false })).toThrow(/^read or write must be true/);
    expect(() => table.map(0, 0, KIB4, { ...READ_WRITE, pageBytes: 8192 })).toThrow(
      /^pageBytes must be one of/,
    );
    expect(() => table.map(0, 0, 5 * KIB4, READ_WRITE)).toThrow(/but 0x4000 is/);
    expect(() => table.map(0, 0, GIB1, READ_WRITE)).toThrow(/but 0x4000 is/);
    expect(table.find(0)).toBeUndefined();
    expect(table.unmap(0, MIB2)).toBe(KIB4);
  });

  it('refuses levels that no AW stands for, and pages that are none', () => {
    const memory = new SparseMemory(2 ** 30);
    const allocatePage = () => 100;
    expect(() => new SecondStageTable({ memory, allocatePage, levels: 4 })).toThrow(
      /^the page from allocatePage must be a multiple/,
    );
    expect(() => new SecondStageTable({ memory, allocatePage, levels: 5 as 4 })).toThrow(/^levels must be/);
    expect(() => new SecondStageTable({ memory, allocatePage: 7 as never, levels: 4 })).toThrow(TypeError);
  });

  it('clears pages that it is given, whatever they held', () => {
    const tables = new Tables();
    for (let at = 0x10_0000; at < 0x12_0000; at += 4) tables.memory.write32(at, 0xffff_ffff);
    const table = tables.table();
    table.map(0, 0, KIB4, READ_WRITE);
    expect(table.find(KIB4)).toBeUndefined();
    expect(table.find(GIB1)).toBeUndefined();
  });

  it('says of every address what a plain map says, whatever is mapped and unmapped', () => {
    const pages = fc.nat({ max: 40 });
    // Pages around a 2 MiB boundary, so that sizes mix.
    const base = MIB2 - 16 * KIB4;
    const step = fc.record({
      unmaps: fc.boolean(),
      first: pages,
      count: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant(512)),
      host: fc.oneof(pages, fc.constant(512 - 16)),
      write: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const table = new Tables().table(3);
        const model = new Map<number, { host: number; write: boolean }>();
        for (const { unmaps, first, count, host, write } of steps) {
          const address = base + first * KIB4;
          const numbers = Array.from({ length: count }, (_, i) => i);
          if (unmaps) {
            const wholePagesOnly = numbers
              .map((i) => table.find(address + i * KIB4))
              .every(
                (page) =>
                  page === undefined ||
                  (page.address >= address && page.address + page.bytes <= address + count * KIB4),
              );
            const expected = numbers.filter((i) => model.has(first + i)).length * KIB4;
            if (!wholePagesOnly) {
              expect(() => table.unmap(address, count * KIB4)).toThrow(RangeError);
              continue;
            }
            expect(table.unmap(address, count * KIB4)).toBe(expected);
            for (const i of numbers) model.delete(first + i);
          } else if (numbers.some((i) => model.has(first + i))) {
            expect(() => table.map(address, host * KIB4, count * KIB4, { read: true, write })).toThrow(
              RangeError,
            );
          } else {
            table.map(address, host * KIB4, count * KIB4, { read: true, write });
            for (const i of numbers) model.set(first + i, { host: (host + i) * KIB4, write });
          }
        }
        for (let number = 0; number < 560; number++) {
          const address = base + number * KIB4;
          const page = table.find(address);
          const expected = model.get(number);
          expect(page === undefined).toBe(expected === undefined);
          if (page && expected) {
            expect(page.hostPhysical + (address - page.address)).toBe(expected.host);
            expect(page.write).toBe(expected.write);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
