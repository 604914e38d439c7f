import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../src/base/index.ts';
import { ContextCache } from '../../src/iommu/context-cache.ts';
import { FaultReason, IOMMU_FAULT, Iommu } from '../../src/iommu/index.ts';
import { PageWalker, WALK_DONE } from '../../src/iommu/page-walker.ts';
import { PagingStructureCache } from '../../src/iommu/paging-structure-cache.ts';
import { type ReferenceSetup, referenceWalk } from './reference-walk.ts';
import { READ_WRITE, Tables } from './setup.ts';

const LIMITS = {
  hostAddressBits: 46,
  inputAddressBits: 48,
  levels: [3, 4],
  largestLeaf: 3,
  deviceTlbs: false,
  memoryLimit: 2 ** 46,
};

function walkerOf(tables: Tables, structures: PagingStructureCache | null = null, walks = 1) {
  const walker = new PageWalker(walks, tables.memory, new ContextCache(), structures, LIMITS);
  walker.rootTable = tables.roots.address;
  return walker;
}

/** The addresses that a walk reads, in order. */
function accessesOf(walker: PageWalker, routingId: number, address: number): number[] {
  const walk = walker.begin(routingId, address, false);
  const accesses: number[] = [];
  while (walker.nextAccess[walk] !== WALK_DONE) {
    accesses.push(walker.nextAccess[walk]);
    walker.step(walk);
  }
  walker.end(walk);
  return accesses;
}

describe('PageWalker', () => {
  it('reads root entry, context entry and one entry a level, one a step', () => {
    const tables = new Tables();
    const table = tables.attach(0x0185, 1);
    table.map(0x12_3456_7000, 0x9000, 4096, READ_WRITE);
    const [roots, top, context, third, second, first] = tables.pages;
    const address = 0x12_3456_7000;
    expect(accessesOf(walkerOf(tables), 0x0185, address)).toEqual([
      roots + 1 * 16,
      context + 0x85 * 16,
      top + 8 * Math.floor(address / 2 ** 39),
      third + 8 * (Math.floor(address / 2 ** 30) % 512),
      second + 8 * (Math.floor(address / 2 ** 21) % 512),
      first + 8 * (Math.floor(address / 2 ** 12) % 512),
    ]);
  });

  it('reads one level less for each size of page, and for three-level tables', () => {
    const count = (levels: 3 | 4, pageBytes: number) => {
      const tables = new Tables();
      tables.attach(0, 1, levels).map(0, 0, 2 ** 30, { ...READ_WRITE, pageBytes });
      return accessesOf(walkerOf(tables), 0, 0).length - 2;
    };
    expect([count(4, 2 ** 12), count(4, 2 ** 21), count(4, 2 ** 30)]).toEqual([4, 3, 2]);
    expect([count(3, 2 ** 12), count(3, 2 ** 21), count(3, 2 ** 30)]).toEqual([3, 2, 1]);
  });

  it('reads no root and no context entry once the context is cached', () => {
    const tables = new Tables();
    tables.attach(7, 1).map(0, 0, 8192, READ_WRITE);
    const walker = walkerOf(tables);
    expect(accessesOf(walker, 7, 0).length).toBe(6);
    expect(accessesOf(walker, 7, 4096).length).toBe(4);
  });

  it('reads the leaf alone when the paging-structure cache is warm', () => {
    const tables = new Tables();
    tables.attach(7, 1).map(0, 0, 2 ** 22, { ...READ_WRITE, pageBytes: 4096 });
    const structures = new PagingStructureCache({ sets: 1, ways: 16, replacement: 'lru' });
    const walker = walkerOf(tables, structures);
    expect(accessesOf(walker, 7, 0).length).toBe(6);
    expect(accessesOf(walker, 7, 4096).length).toBe(1);
    // The next 2 MiB share the two tables above.
    expect(accessesOf(walker, 7, 2 ** 21).length).toBe(2);
    structures.invalidatePages(1, 0, 4096);
    expect(accessesOf(walker, 7, 0).length).toBe(4);
  });

  it('refuses at once what a cached upper entry does not permit', () => {
    const tables = new Tables();
    tables.attach(7, 1).map(0, 0, 4096, READ_WRITE);
    const structures = new PagingStructureCache({ sets: 1, ways: 16, replacement: 'lru' });
    // The entry above the leaf table permits reads only.
    const second = tables.pages[4];
    tables.memory.write32(second, tables.memory.read32(second) & ~2);
    const walker = walkerOf(tables, structures);
    accessesOf(walker, 7, 0);
    const walk = walker.begin(7, 0, true);
    expect(walker.nextAccess[walk]).toBe(WALK_DONE);
    expect(walker.reasons[walk]).toBe(FaultReason.WRITE_NOT_PERMITTED);
  });

  it('ends when every table points to itself', () => {
    const tables = new Tables();
    tables.attach(0, 1);
    const top = tables.pages[1];
    for (let i = 0; i < 512; i++) tables.memory.write64(top + 8 * i, top + 3, 0);
    const walker = walkerOf(tables);
    expect(accessesOf(walker, 0, 0x1234_5678_9abc).length).toBe(6);
    expect(walker.pages[0]).toBe(top);
  });

  it('permits what every level permits', () => {
    const tables = new Tables();
    const table = tables.attach(0, 1);
    table.map(0, 0x7000, 4096, READ_WRITE);
    const third = tables.pages[3];
    tables.memory.write32(third, tables.memory.read32(third) & ~2);
    const iommu = tables.iommu();
    expect(iommu.translate(0, 0, false)).toBe(0x7000);
    expect(iommu.translate(0, 0, true)).toBe(IOMMU_FAULT);
  });

  it('asserts that a walk is idle before it begins one', () => {
    const tables = new Tables();
    const walker = walkerOf(tables, null, 2);
    walker.begin(0, 0, false);
    walker.begin(0, 0, false);
    expect(walker.idle).toBe(0);
    expect(() => walker.begin(0, 0, false)).toThrow(/none is idle/);
  });

  describe('agrees with the reference walk', () => {
    // Few table pages close together, so that what random words point to is often a table again.
    const BASE = 0x4000;
    const PAGES = 6;
    const MEMORY_LIMIT = 2 ** 30;

    const pagePointer = fc.nat({ max: PAGES - 1 }).map((page) => BASE + page * 4096);
    const entryBit = fc.constantFrom(0, 0, 0, 0, 0, 0, 1 << 7, 1 << 7, 1 << 11, 1 << 5, 1 << 12, 1 << 21);
    const upper = fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0x4000, 0x2000, 0x4000_0000, 0x8000_0000, 0x10_0000);
    const pagingEntry = fc
      .record({
        permissions: fc.constantFrom(3, 3, 3, 3, 3, 1, 2, 0),
        target: fc.oneof(pagePointer, pagePointer, fc.constant(0), fc.constant(0x4000_0000)),
        bits: entryBit,
        high: upper,
      })
      .map(({ permissions, target, bits, high }) => ({ low: (target | permissions | bits) >>> 0, high }));
    const contextEntry = fc
      .record({
        present: fc.constantFrom(1, 1, 1, 1, 1, 1, 0),
        type: fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 3),
        target: pagePointer,
        bits: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1 << 4, 1 << 11),
        high: fc.constantFrom(0, 0, 0, 0, 0, 0x4000),
        aw: fc.constantFrom(1, 1, 2, 2, 2, 2, 0, 3, 7),
        extra: fc.constantFrom(0, 0, 0, 0, 0, 0x80, 0x78, 0x100_0000),
        last: fc.constantFrom(0, 0, 0, 0, 0, 0, 1),
      })
      .map((e) => [
        (e.target | e.present | (e.type << 2) | e.bits) >>> 0,
        e.high,
        e.aw | e.extra | (5 << 8),
        e.last,
      ]);
    const rootWords = fc.constantFrom(
      ...Array.from({ length: 14 }, () => [BASE + 4096 + 1, 0, 0, 0]),
      [BASE + 4096, 0, 0, 0],
      [BASE + 4096 + 3, 0, 0, 0],
      [BASE + 4096 + 1, 0x8000_0000, 0, 0],
      [BASE + 4096 + 1, 0, 1, 0],
      [BASE + 4096 + 1, 0, 0, 1],
      [0x4000_0001, 0, 0, 0],
    );
    // Indices 0 and 1 of each level are filled; now and then an address beyond.
    const address = fc.oneof(
      {
        arbitrary: fc
          .tuple(fc.nat({ max: 1 }), fc.nat({ max: 1 }), fc.nat({ max: 1 }), fc.nat({ max: 1 }), fc.nat(4095))
          .map(([a, b, c, d, e]) => a * 2 ** 39 + b * 2 ** 30 + c * 2 ** 21 + d * 2 ** 12 + e),
        weight: 12,
      },
      { arbitrary: fc.constantFrom(2 ** 39, 2 ** 47, 2 ** 48, 2 ** 52, 2 ** 53 - 1), weight: 1 },
    );
    const world = fc.record({
      root: rootWords,
      context: contextEntry,
      entries: fc.array(pagingEntry, { minLength: 2 * (PAGES - 2), maxLength: 2 * (PAGES - 2) }),
      rootTable: fc.constantFrom(BASE, BASE, BASE, BASE, BASE, BASE, BASE, BASE, BASE, MEMORY_LIMIT),
      largestPageBytes: fc.constantFrom(2 ** 30, 2 ** 21, 2 ** 12),
      inputAddressBits: fc.constantFrom(48, 48, 39, 47),
      pagingStructureCache: fc.constantFrom(null, { sets: 1, ways: 3, replacement: 'lru' as const }),
      requests: fc.array(fc.tuple(address, fc.boolean()), { minLength: 1, maxLength: 6 }),
    });

    const seen = new Set<number>();

    it('on good and broken tables', () => {
      fc.assert(
        fc.property(world, (w) => {
          const memory = new SparseMemory(MEMORY_LIMIT);
          for (let i = 0; i < 4; i++) memory.write32(BASE + i * 4, w.root[i]);
          for (let i = 0; i < 4; i++) memory.write32(BASE + 4096 + i * 4, w.context[i]);
          w.entries.forEach(({ low, high }, i) => {
            memory.write64(BASE + (2 + (i >> 1)) * 4096 + (i & 1) * 8, low, high);
          });
          const setup: ReferenceSetup = {
            memory,
            rootTable: w.rootTable,
            hostAddressBits: 46,
            inputAddressBits: w.inputAddressBits,
            levels: [3, 4],
            largestLeaf: { [2 ** 12]: 1, [2 ** 21]: 2, [2 ** 30]: 3 }[w.largestPageBytes] as number,
            memoryLimit: MEMORY_LIMIT,
          };
          const iommu = new Iommu({
            memory,
            rootTable: w.rootTable,
            inputAddressBits: w.inputAddressBits,
            largestPageBytes: w.largestPageBytes,
            profile: { pagingStructureCache: w.pagingStructureCache },
          });
          for (const [at, isWrite] of w.requests) {
            const expected = referenceWalk(setup, 0, at, isWrite);
            const answer = iommu.translate(0, at, isWrite);
            if ('hostPhysical' in expected) {
              seen.add(0);
              expect(answer).toBe(expected.hostPhysical);
              expect(iommu.faultLog.length).toBe(0);
            } else {
              seen.add(expected.reason);
              expect(answer).toBe(IOMMU_FAULT);
              expect(iommu.faultLog.take()).toEqual({
                sourceId: 0,
                address: Math.floor(at / 4096) * 4096,
                reason: expected.reason,
                isWrite,
              });
            }
          }
        }),
        { numRuns: 3000 },
      );
    });

    it('and those tables break in every way there is', () => {
      expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    });
  });
});
