import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../src/base/index.ts';
import {
  DEFAULT_IOMMU_PROFILE,
  type FaultRecord,
  IOMMU_FAULT,
  IOMMU_MISS,
  Iommu,
  writeContextEntry,
} from '../../src/iommu/index.ts';
import { READ_ONLY, READ_WRITE, Tables, WRITE_ONLY } from './setup.ts';

const PAGE = 4096;
const VF = 0x0180;

describe('Iommu.foresee', () => {
  it('translates in place what is cached and permitted, and counts it as a look-up that hit', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0x4000, 0x8000_0000, PAGE, READ_WRITE);
    const iommu = tables.iommu();
    iommu.translate(VF, 0x4000, false);
    const before = iommu.counters();
    const request = { requester: VF, address: 0x4123 };
    expect(iommu.foresee(request, true)).toBe(true);
    expect(request.address).toBe(0x8000_0123);
    expect(iommu.counters()).toEqual({ ...before, lookups: before.lookups + 1, hits: before.hits + 1 });
  });

  it('leaves everything else as if nobody had asked', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0x4000, 0x8000_0000, PAGE, READ_ONLY);
    const iommu = tables.iommu();
    iommu.translate(VF, 0x4000, false);
    const before = iommu.counters();
    for (const [requester, address, isWrite] of [
      [VF, 0x5000, false],
      [VF, 0x4000, true],
      [VF, 2 ** 52, false],
      [VF + 2, 0x4000, false],
    ] as const) {
      const request = { requester, address };
      expect(iommu.foresee(request, isWrite)).toBe(false);
      expect(request).toEqual({ requester, address });
    }
    expect(iommu.counters()).toEqual(before);
    expect(iommu.faultLog.length).toBe(0);
    iommu.enabled = false;
    expect(iommu.foresee({ requester: VF, address: 0x4000 }, false)).toBe(false);
  });
});

describe('Iommu.lookup', () => {
  it('misses until a walk has filled the caches, then gives the host physical address', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0x4000, 0x8000_0000, PAGE, READ_WRITE);
    const iommu = tables.iommu();
    expect(iommu.lookup(VF, 0x4123, false)).toBe(IOMMU_MISS);
    expect(iommu.translate(VF, 0x4123, false)).toBe(0x8000_0123);
    expect(iommu.lookup(VF, 0x4fff, true)).toBe(0x8000_0fff);
    expect(iommu.lookup(VF, 0x5000, false)).toBe(IOMMU_MISS);
  });

  it('refuses what a cached translation does not permit, and records it once', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0x4000, 0x8000_0000, PAGE, READ_ONLY);
    const iommu = tables.iommu();
    iommu.translate(VF, 0x4000, false);
    expect(iommu.lookup(VF, 0x4008, true)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.length).toBe(1);
    expect(iommu.faultLog.take()).toEqual({ sourceId: VF, address: 0x4000, reason: 5, isWrite: true });
  });

  it('refuses an address beyond the width of the cached context', () => {
    const tables = new Tables();
    tables.attach(VF, 1, 3).map(0, 0, PAGE, READ_WRITE);
    const iommu = tables.iommu();
    iommu.translate(VF, 0, false);
    for (const address of [2 ** 39, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      expect(iommu.lookup(VF, address, false)).toBe(IOMMU_FAULT);
      expect(iommu.faultLog.take()?.reason).toBe(4);
    }
    expect(iommu.lookup(VF, 2 ** 39 - 1, false)).toBe(IOMMU_MISS);
  });

  it('shares translations among the functions of a domain', () => {
    const tables = new Tables();
    const table = tables.attach(VF, 1);
    table.map(0x4000, 0x8000_0000, PAGE, READ_WRITE);
    tables.roots.setContext(VF + 2, { domain: 1, root: table.root, levels: 4 });
    const iommu = tables.iommu();
    iommu.translate(VF, 0x4000, false);
    expect(iommu.lookup(VF + 2, 0x4000, false)).toBe(IOMMU_MISS);
    const { walks } = iommu.counters();
    iommu.translate(VF + 2, 0x5000, false);
    expect(iommu.lookup(VF + 2, 0x4000, false)).toBe(0x8000_0000);
    expect(iommu.counters().walks).toBe(walks + 1);
  });

  it('uses the lower 16 bits of a Routing ID', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0x4000, 0x8000_0000, PAGE, READ_WRITE);
    expect(tables.iommu().translate(0x7_0000 + VF, 0x4000, false)).toBe(0x8000_0000);
  });
});

describe('Iommu.translate', () => {
  it('refuses a function whose bus has no root entry, and one without a context entry', () => {
    const tables = new Tables();
    tables.attach(VF, 1);
    const iommu = tables.iommu();
    expect(iommu.translate(0x0300, 0x1000, false)).toBe(IOMMU_FAULT);
    expect(iommu.translate(VF + 1, 0x1000, true)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()).toEqual({ sourceId: 0x0300, address: 0x1000, reason: 1, isWrite: false });
    expect(iommu.faultLog.take()).toEqual({ sourceId: VF + 1, address: 0x1000, reason: 2, isWrite: true });
  });

  it('refuses what is not mapped: a read for want of R, a write for want of W', () => {
    const tables = new Tables();
    const table = tables.attach(VF, 1);
    table.map(0, 0, PAGE, READ_ONLY);
    table.map(PAGE, 0, PAGE, WRITE_ONLY);
    const iommu = tables.iommu();
    for (const [address, isWrite] of [
      [0, true],
      [PAGE, false],
      [2 * PAGE, false],
      [2 ** 40, true],
    ] as const) {
      expect(iommu.translate(VF, address, isWrite)).toBe(IOMMU_FAULT);
      expect(iommu.faultLog.take()?.reason).toBe(isWrite ? 5 : 6);
    }
    expect(iommu.translate(VF, 0, false)).toBe(0);
    expect(iommu.translate(VF, PAGE, true)).toBe(0);
  });

  it('finds a function present nowhere when the root table lies in memory that nobody wrote', () => {
    const iommu = new Iommu({ memory: new SparseMemory(2 ** 40), rootTable: 0x12_3000 });
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(1);
  });

  it('never throws for tables that point outside memory', () => {
    const memory = new SparseMemory(2 ** 20);
    const iommu = new Iommu({ memory, rootTable: 2 ** 20 });
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(8);
    memory.write64(0x1000 + 16, 2 ** 20 + 1, 0);
    iommu.rootTable = 0x1000;
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(9);
  });

  it('keeps using what it has cached, whatever happens to the tables', () => {
    const tables = new Tables();
    const table = tables.attach(VF, 1);
    table.map(0x4000, 0x8000_0000, PAGE, READ_WRITE);
    const iommu = tables.iommu();
    iommu.translate(VF, 0x4000, false);
    table.unmap(0x4000, PAGE);
    tables.roots.clearContext(VF);
    expect(iommu.translate(VF, 0x4000, false)).toBe(0x8000_0000);
    iommu.invalidatePages(1, 0x4000, PAGE);
    expect(iommu.translate(VF, 0x4000, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(6);
    iommu.invalidateContext(VF);
    expect(iommu.translate(VF, 0x4000, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(2);
  });

  it('does not record qualified faults of a function with FPD, but counts them', () => {
    const tables = new Tables();
    const table = tables.table();
    tables.roots.setContext(VF, { domain: 1, root: table.root, levels: 4, silent: true });
    const iommu = tables.iommu();
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.translate(VF, 2 ** 50, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.length).toBe(0);
    expect(iommu.counters().faults).toBe(2);
    // Not qualified: the root entry.
    expect(iommu.translate(0x0400, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.length).toBe(1);
  });

  it('announces a fault that went on record', () => {
    const tables = new Tables();
    tables.attach(VF, 1);
    const iommu = tables.iommu({ faultRecords: 1 });
    const seen: FaultRecord[] = [];
    iommu.events.on('fault', (record) => seen.push(record));
    iommu.translate(VF, 0x1234, true);
    iommu.translate(VF, 0x5678, true);
    expect(seen).toEqual([{ sourceId: VF, address: 0x1000, reason: 5, isWrite: true }]);
    expect(iommu.faultLog.overflow).toBe(true);
    expect(iommu.counters().faultsLost).toBe(1);
  });
});

describe('modes', () => {
  it('passes every address unchanged while translation is off', () => {
    const iommu = new Tables().iommu({ enabled: false });
    for (const address of [0, 0x1234, 2 ** 51 + 1]) {
      expect(iommu.lookup(VF, address, true)).toBe(address);
      expect(iommu.translate(VF, address, false)).toBe(address);
    }
    iommu.enabled = true;
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
  });

  it('passes addresses of a pass-through function unchanged, as far as the address width goes', () => {
    const tables = new Tables();
    tables.roots.setPassThrough(VF, 3);
    const iommu = tables.iommu();
    expect(iommu.lookup(VF, 0x1234, true)).toBe(IOMMU_MISS);
    expect(iommu.translate(VF, 0x1234, true)).toBe(0x1234);
    expect(iommu.lookup(VF, 2 ** 48 - 1, false)).toBe(2 ** 48 - 1);
    expect(iommu.translate(VF, 2 ** 48, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(4);
    expect(iommu.iotlb.size).toBe(0);
  });

  it('refuses a translation type and a width that it does not support', () => {
    const tables = new Tables();
    const table = tables.table();
    const iommu = tables.iommu({ levels: [4] });
    tables.roots.setContext(VF, { domain: 1, root: table.root, levels: 3 });
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(3);
    // The context table was made second to last.
    const contextTable = tables.pages[2];
    writeContextEntry(tables.memory, contextTable + (VF & 0xff) * 16, {
      type: 1,
      domain: 1,
      levels: 4,
      table: table.root,
    });
    expect(iommu.translate(VF, 0, false)).toBe(IOMMU_FAULT);
    expect(iommu.faultLog.take()?.reason).toBe(3);
  });
});

describe('Iommu as a component', () => {
  it('counts so that hits, misses and bypasses add up to the look-ups', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0, 0x10_0000, 8 * PAGE, READ_ONLY);
    tables.roots.setPassThrough(VF + 1, 2);
    const iommu = tables.iommu();
    let lookups = 0;
    for (let i = 0; i < 64; i++) {
      iommu.translate(VF + (i % 3), (i % 12) * PAGE, i % 5 === 0);
      iommu.lookup(VF, i * PAGE, false);
      lookups += 2;
    }
    const counters = iommu.counters();
    expect(counters.lookups).toBe(lookups);
    expect(counters.hits + counters.misses + counters.bypassed).toBe(lookups);
    for (const name of ['hits', 'misses', 'bypassed', 'faults'] as const) {
      expect(counters[name]).toBeGreaterThan(0);
    }
  });

  it('hits n - 1 times a page that is read n times, and evicts nothing that fits', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0, 0x4000_0000, 117 * PAGE, { ...READ_WRITE, pageBytes: PAGE });
    const iommu = tables.iommu();
    for (let round = 0; round < 5; round++) {
      for (let page = 0; page < 117; page++) iommu.translate(VF, page * PAGE, false);
    }
    expect(iommu.counters()).toMatchObject({
      lookups: 5 * 117,
      hits: 4 * 117,
      misses: 117,
      evictions: 0,
      walks: 117,
      walkAccesses: 2 + 4 * 117,
      faults: 0,
    });
  });

  it('is as after power-on after a reset', () => {
    const tables = new Tables();
    tables.attach(VF, 1).map(0, 0, PAGE, READ_WRITE);
    const iommu = tables.iommu();
    iommu.translate(VF, 0, false);
    iommu.translate(VF, PAGE, false);
    iommu.rootTable = 0x9000;
    iommu.enabled = false;
    iommu.reset();
    expect(iommu.enabled).toBe(true);
    expect(iommu.rootTable).toBe(tables.roots.address);
    expect(iommu.faultLog.length).toBe(0);
    expect(new Set(Object.values(iommu.counters()))).toEqual(new Set([0]));
    expect(iommu.lookup(VF, 0, false)).toBe(IOMMU_MISS);
  });

  it('completes a profile with the default', () => {
    const iommu = new Tables().iommu({ profile: { walkers: 2 } });
    expect(iommu.profile).toEqual({ ...DEFAULT_IOMMU_PROFILE, walkers: 2 });
  });

  it('refuses options that cannot be', () => {
    const tables = new Tables();
    expect(() => tables.iommu({ memory: undefined as never })).toThrow(TypeError);
    expect(() => tables.iommu({ deviceTlbs: 'yes' as never })).toThrow(/^deviceTlbs must be true or false/);
    expect(() => tables.iommu({ hostAddressBits: 53 })).toThrow(/^hostAddressBits must be/);
    expect(() => tables.iommu({ inputAddressBits: 57 })).toThrow(/^inputAddressBits must be/);
    expect(() => tables.iommu({ levels: [5] })).toThrow(/^levels must be/);
    expect(() => tables.iommu({ levels: [] })).toThrow(/^levels must hold/);
    expect(() => tables.iommu({ largestPageBytes: 8192 })).toThrow(/^largestPageBytes must be/);
    expect(() => tables.iommu({ rootTable: 100 })).toThrow(/^rootTable must be a multiple/);
    expect(() => tables.iommu({ profile: { walkers: 0 } })).toThrow(/^walkers must be/);
    expect(() => tables.iommu({ profile: { memoryAccessPs: 0.5 } })).toThrow(/^memoryAccessPs must be/);
    const iommu = tables.iommu();
    expect(() => iommu.invalidateContext(-1)).toThrow(/^routingId must be/);
    expect(() => iommu.invalidateDomain(65536)).toThrow(/^domain must be/);
    expect(() => iommu.invalidatePages(1, -1, 4096)).toThrow(/^address must be/);
    expect(() => iommu.invalidatePages(1, 0, 0)).toThrow(/^bytes must be/);
    expect(() => iommu.walk(VF, 0, false, { translated() {} }, 0)).toThrow(/has no scheduler/);
  });
});

describe('RootTable', () => {
  it('makes one context table for a bus and keeps other functions as they are', () => {
    const tables = new Tables();
    tables.attach(0x0100, 1).map(0, 0x1000, PAGE, READ_WRITE);
    tables.attach(0x01ff, 2).map(0, 0x2000, PAGE, READ_WRITE);
    tables.attach(0xffff, 3).map(0, 0x3000, PAGE, READ_WRITE);
    const iommu = tables.iommu();
    expect([0x0100, 0x01ff, 0xffff].map((id) => iommu.translate(id, 0, false))).toEqual([
      0x1000, 0x2000, 0x3000,
    ]);
    tables.roots.clearContext(0x01ff);
    iommu.invalidateContext('all');
    expect([0x0100, 0x01ff, 0xffff].map((id) => iommu.translate(id, 0, false))).toEqual([
      0x1000,
      IOMMU_FAULT,
      0x3000,
    ]);
  });

  it('refuses values that no entry can hold', () => {
    const { roots } = new Tables();
    const context = { domain: 1, root: 0x1000, levels: 4 as const };
    expect(() => roots.setContext(65536, context)).toThrow(/^routingId must be/);
    expect(() => roots.setContext(0, { ...context, domain: 65536 })).toThrow(/^domain must be/);
    expect(() => roots.setContext(0, { ...context, root: 0x1001 })).toThrow(/^root must be a multiple/);
    expect(() => roots.setContext(0, { ...context, levels: 2 as 3 })).toThrow(/^levels must be/);
    expect(() => roots.setPassThrough(0, -1)).toThrow(/^domain must be/);
  });
});
