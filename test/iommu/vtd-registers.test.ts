import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IOMMU_FAULT, IOMMU_MISS, vtdRegisterTable } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { tableProblems } from '../../src/registers/index.ts';
import { READ_WRITE } from './setup.ts';
import {
  CAP,
  CCMD,
  CFI,
  ECAP,
  FECTL,
  GCMD,
  GSTS,
  IRE,
  QIE,
  RTADDR,
  SRTP,
  TE,
  VER,
  WBF,
} from './vtd-driver.ts';

import { HOST, PAGE, setUp, setUpTimed, VF } from './vtd-setup.ts';

describe('the table of registers', () => {
  it('is sound for each number of fault records', () => {
    const { iommu } = setUp();
    for (const faultRecords of [1, 2, 16, 17, 256]) {
      const table = vtdRegisterTable({
        limits: iommu.limits,
        faultRecords,
        maxAddressMask: 18,
        writeBufferFlush: false,
        extendedInterrupts: true,
        postedInterrupts: true,
      });
      expect(tableProblems(table)).toEqual([]);
    }
  });
});

describe('capabilities', () => {
  it('say what this model can: 48 bits, tables of 3 and 4 levels, 2 MiB and 1 GiB pages, 65,536 domains', () => {
    const { unit } = setUp();
    expect(unit.read32(VER)).toBe(0x10);
    const [low, high] = [unit.read32(CAP), unit.read32(CAP + 4)];
    expect(4 + 2 * (low & 7)).toBe(16);
    expect((low >>> 8) & 0x1f).toBe(0b110);
    expect(((low >>> 16) & 0x3f) + 1).toBe(48);
    expect((high >>> 2) & 0xf).toBe(0b11);
    expect((high >>> 7) & 1).toBe(1);
    expect((high >>> 16) & 0x3f).toBe(18);
    // No drains, no caching mode, no protected memory, no write buffer.
    expect((high >>> 22) & 3).toBe(0);
    expect(low & 0b1111_1000).toBe(0);
  });

  it('follow the options of the IOMMU', () => {
    const { unit, driver } = setUp(
      { maxAddressMask: 9, writeBufferFlush: true, extendedInterrupts: false },
      { levels: [3], largestPageBytes: 2 ** 12, inputAddressBits: 39, faultRecords: 20, deviceTlbs: true },
    );
    const [low, high] = [unit.read32(CAP), unit.read32(CAP + 4)];
    expect((low >>> 8) & 0x1f).toBe(0b010);
    expect(((low >>> 16) & 0x3f) + 1).toBe(39);
    expect((low >>> 4) & 1).toBe(1);
    expect((high >>> 2) & 0xf).toBe(0);
    expect((high >>> 16) & 0x3f).toBe(9);
    expect(driver.records).toBe(20);
    expect(driver.fro).toBe(0x400);
    expect(unit.read32(ECAP) & 0b1_1111).toBe(0b0_1111);
  });

  it('cannot be written', () => {
    const { unit } = setUp();
    for (const offset of [VER, CAP, CAP + 4, ECAP, ECAP + 4, GSTS]) {
      const before = unit.read32(offset);
      unit.write32(offset, ~before);
      expect(unit.read32(offset)).toBe(before);
    }
  });
});

describe('global commands', () => {
  it('translate nothing after reset', () => {
    const { unit, iommu } = setUp();
    expect(unit.read32(GSTS)).toBe(0);
    expect(iommu.translate(VF, 0x123, true)).toBe(0x123);
  });

  it('bring a unit up in the order in which an operating system does it', () => {
    const { tables, driver, iommu, unit } = setUp();
    driver.start(tables.roots.address);
    expect(unit.read32(GSTS)).toBe((TE | SRTP) >>> 0);
    expect(iommu.translate(VF, 0x123, true)).toBe(HOST + 0x123);
    driver.command(TE, false);
    expect(unit.read32(GSTS)).toBe(SRTP);
    expect(iommu.translate(VF, 0x123, true)).toBe(0x123);
    expect(unit.counters()).toMatchObject({ commands: 3, commandsAtOnce: 0, registerInvalidations: 2 });
  });

  it('take the root table over with SRTP, not when its address is written', () => {
    const { tables, driver, iommu, unit } = setUp();
    unit.write64(RTADDR, tables.roots.address, 0);
    expect(iommu.rootTable).toBe(0);
    driver.command(SRTP);
    expect(iommu.rootTable).toBe(tables.roots.address);
  });

  it('show their status when they are done, and RTPS is clear until then', () => {
    const { tables, driver, unit, scheduler, iommu } = setUpTimed();
    driver.setRootTable(tables.roots.address);
    expect(scheduler.now).toBe(1_000_000);
    unit.write32(GCMD, SRTP);
    expect(unit.read32(GSTS)).toBe(0);
    scheduler.runUntilIdle();
    expect(unit.read32(GSTS)).toBe(SRTP);
    unit.write32(GCMD, TE);
    scheduler.runUntil(2_900_000);
    expect(iommu.enabled).toBe(false);
    expect(unit.read32(GSTS)).toBe(SRTP);
    scheduler.runUntilIdle();
    expect(unit.read32(GSTS)).toBe((TE | SRTP) >>> 0);
    expect(iommu.enabled).toBe(true);
  });

  it('are done one behind the other if software does not wait, pointers first, and are counted', () => {
    const { tables, unit, scheduler, iommu } = setUpTimed();
    unit.write64(RTADDR, tables.roots.address, 0);
    unit.write32(GCMD, TE | SRTP);
    scheduler.runUntil(1_000_000);
    expect(unit.read32(GSTS)).toBe(SRTP);
    scheduler.runUntilIdle();
    expect(unit.read32(GSTS)).toBe((TE | SRTP) >>> 0);
    expect(iommu.translate(VF, 0, false)).toBe(HOST);
    expect(unit.counters()).toMatchObject({ commands: 2, commandsAtOnce: 1 });
  });

  it('flush write buffers if RWBF asks for it: WBFS is set meanwhile', () => {
    const scheduler = new Scheduler();
    const { unit } = setUp({ scheduler, writeBufferFlush: true });
    unit.write32(GCMD, WBF);
    expect(unit.read32(GSTS)).toBe(WBF);
    scheduler.runUntilIdle();
    expect(unit.read32(GSTS)).toBe(0);
  });

  it('ignore WBF without RWBF', () => {
    const { unit, driver } = setUp();
    driver.command(WBF);
    expect(unit.counters().commands).toBe(0);
  });

  it('keep what else is on when one is switched', () => {
    const { unit, driver, tables } = setUp();
    driver.start(tables.roots.address);
    driver.command(CFI);
    driver.command(IRE);
    driver.command(QIE);
    driver.command(CFI, false);
    expect(unit.read32(GSTS)).toBe((TE | SRTP | IRE | QIE) >>> 0);
  });

  it('are gone after a reset, one under way too', () => {
    const { unit, scheduler, driver, tables } = setUpTimed();
    driver.start(tables.roots.address);
    unit.write32(GCMD, TE | QIE);
    unit.reset();
    scheduler.runUntilIdle();
    expect(unit.read32(GSTS)).toBe(0);
    expect(unit.read32(RTADDR)).toBe(0);
    expect(unit.counters().commands).toBe(0);
  });
});

describe('invalidation by registers', () => {
  /** The first four pages cached; their entries then lead elsewhere. */
  function changed() {
    const world = setUp();
    world.driver.start(world.tables.roots.address);
    for (let page = 0; page < 4; page++) world.iommu.translate(VF, page * PAGE, false);
    world.table.unmap(0, 4 * PAGE);
    world.table.map(0, 2 * HOST, 4 * PAGE, { ...READ_WRITE, pageBytes: PAGE });
    const where = () => [0, 1, 2, 3].map((page) => world.iommu.translate(VF, page * PAGE, false) / HOST >= 2);
    return { ...world, where };
  }

  it('leaves translations in use until it comes', () => {
    expect(changed().where()).toEqual([false, false, false, false]);
  });

  it('has global, domain and page granularity, and IAIG says which', () => {
    const all = changed();
    expect(all.driver.flushIotlb(1)).toBe(1);
    expect(all.where()).toEqual([true, true, true, true]);
    const domain = changed();
    expect(domain.driver.flushIotlb(2, 2)).toBe(2);
    expect(domain.where()).toEqual([false, false, false, false]);
    expect(domain.driver.flushIotlb(2, 1)).toBe(2);
    expect(domain.where()).toEqual([true, true, true, true]);
    const pages = changed();
    // A mask of one: pages 2 and 3, whatever the lowest bit of the page number is.
    expect(pages.driver.flushIotlb(3, 1, 3 * PAGE, 1)).toBe(3);
    expect(pages.where()).toEqual([false, false, true, true]);
  });

  it('ignores an address mask beyond MAMV, and IAIG says that nothing was invalidated', () => {
    const { driver, where, unit } = changed();
    expect(driver.flushIotlb(3, 1, 0, 19)).toBe(0);
    expect(where()).toEqual([false, false, false, false]);
    expect(unit.counters().registerInvalidationsIgnored).toBe(1);
  });

  it('of contexts has global, domain and device granularity with a function mask, and CAIG says which', () => {
    const { driver, iommu, tables } = setUp();
    driver.start(tables.roots.address);
    const functions = [0x0180, 0x0182, 0x0184, 0x0186, 0x0188];
    const other = tables.attach(0x0300, 7);
    other.map(0, HOST, PAGE, READ_WRITE);
    const table = tables.table();
    table.map(0, HOST, PAGE, READ_WRITE);
    for (const id of functions) tables.roots.setContext(id, { domain: 3, root: table.root, levels: 4 });
    /** Functions whose contexts have to be read again. */
    const forgotten = (flush: () => void): number[] => {
      for (const id of [...functions, 0x0300]) iommu.translate(id, 0, false);
      flush();
      return [...functions, 0x0300].filter((id) => iommu.lookup(id, 0, false) === IOMMU_MISS);
    };
    expect(forgotten(() => expect(driver.flushContext(3, 3, 0x0184, 0)).toBe(3))).toEqual([0x0184]);
    expect(forgotten(() => driver.flushContext(3, 3, 0x0182, 1))).toEqual([0x0182, 0x0186]);
    expect(forgotten(() => driver.flushContext(3, 3, 0x0182, 3))).toEqual([0x0180, 0x0182, 0x0184, 0x0186]);
    expect(forgotten(() => expect(driver.flushContext(2, 3)).toBe(2))).toEqual(functions);
    expect(forgotten(() => expect(driver.flushContext(1)).toBe(1))).toEqual([...functions, 0x0300]);
    expect(forgotten(() => expect(driver.flushContext(0)).toBe(0))).toEqual([]);
  });

  it('of a domain forgets pass-through contexts too, whose domain is not held', () => {
    const { driver, iommu, tables } = setUp();
    driver.start(tables.roots.address);
    tables.roots.setPassThrough(0x0200, 9);
    expect(iommu.translate(0x0200, 0x5000, true)).toBe(0x5000);
    tables.roots.clearContext(0x0200);
    expect(iommu.translate(0x0200, 0x5000, true)).toBe(0x5000);
    driver.flushContext(2, 9);
    expect(iommu.translate(0x0200, 0x5000, true)).toBe(IOMMU_FAULT);
  });

  it('goes on while ICC and IVT are set, and what is written meanwhile is ignored', () => {
    const { driver, unit, scheduler, tables } = setUpTimed();
    driver.start(tables.roots.address);
    const begin = (1 << 31) | (1 << 29);
    unit.write64(CCMD, 0, begin);
    unit.write32(CCMD + 4, begin | (1 << 30));
    expect(unit.read32(CCMD + 4)).toBe(begin >>> 0);
    scheduler.runUntilIdle();
    expect(unit.read32(CCMD + 4)).toBe((1 << 29) | (1 << 27));
    expect(unit.counters().registerInvalidationsIgnored).toBe(1);
  });

  it('is refused while invalidations are queued', () => {
    const { driver, where } = changed();
    driver.command(QIE);
    expect(driver.flushIotlb(1)).toBe(0);
    expect(driver.flushContext(1)).toBe(0);
    expect(where()).toEqual([false, false, false, false]);
  });
});

describe('what software should not do', () => {
  it('drops reserved bits', () => {
    const { unit } = setUp();
    unit.write64(RTADDR, -1, -1);
    expect(unit.read32(RTADDR)).toBe(0xffff_f000);
    expect(unit.read32(RTADDR + 4)).toBe(2 ** 14 - 1);
    unit.write32(FECTL, -1);
    expect(unit.read32(FECTL)).toBe(2 ** 31);
  });

  it('reads zero where no register is', () => {
    const { unit } = setUp();
    unit.write32(0x60, -1);
    expect([0x60, 0x64, 0xffc, 0x10000, -4].map((at) => unit.read32(at))).toEqual([0, 0, 0, 0, 0]);
  });

  it('throws nothing, whatever is written in whatever order', () => {
    const write = fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 0x88 }), fc.constantFrom(0x80, 0x81, 0x82, 0x83)).map((n) => n * 4),
      fc.oneof(fc.integer(), fc.constantFrom(-1, 1 << 31, TE | SRTP, 3 << 30, (3 << 28) | (1 << 31))),
      fc.integer({ min: 0, max: 15 }),
    );
    const worlds = [setUp(), setUpTimed()];
    fc.assert(
      fc.property(
        fc.array(write, { minLength: 10, maxLength: 60 }),
        fc.constantFrom(...worlds),
        (writes, world) => {
          const { unit, iommu } = world;
          unit.reset();
          for (const [offset, value, lanes] of writes) {
            unit.write32(offset, value, lanes);
            unit.read32(offset);
            iommu.translate(VF, 12 * PAGE, true);
          }
          if ('scheduler' in world) (world.scheduler as Scheduler).runUntilIdle();
          expect(unit.read32(VER)).toBe(0x10);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses options out of range', () => {
    expect(() => setUp({ maxAddressMask: 41 })).toThrow(RangeError);
    expect(() => setUp({ commandPs: -1 })).toThrow(RangeError);
    expect(() => setUp({ writeBufferFlush: 1 as unknown as boolean })).toThrow(TypeError);
  });
});
