import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IOMMU_FAULT, StaleTranslations } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { READ_WRITE } from './setup.ts';
import { contextFlush, iotlbFlush, QueueDriver } from './vtd-queue-driver.ts';
import { HOST, PAGE, setUp, VF } from './vtd-setup.ts';

const PAGES = 3;
const AREA = 0x4000_0000;

/** What an operating system or a function does, with a page and a place in memory. */
const action = fc.record({
  kind: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('map', 'unmap', 'flush page') },
    { weight: 20, arbitrary: fc.constantFrom('read', 'write') },
    { weight: 1, arbitrary: fc.constantFrom('flush domain', 'flush all') },
  ),
  page: fc.nat(PAGES - 1),
  place: fc.nat(15),
});

describe('a domain that is programmed through the queue', () => {
  it('reaches a page that was unmapped only until its invalidation is complete, for any order of both', () => {
    const scheduler = new Scheduler();
    const world = setUp({ scheduler, commandPs: 0, memoryAccessPs: 1000 }, { scheduler });
    const { iommu, table, tables } = world;
    const driver = new QueueDriver(world.unit, tables.memory, AREA, () => scheduler.step());
    driver.enableQueue();
    driver.start(tables.roots.address);
    const watch = new StaleTranslations(iommu, tables.memory);
    const client = { translated() {} };
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 80 }), (actions) => {
        table.unmap(0, PAGES * PAGE);
        driver.submitSync(contextFlush(1), iotlbFlush(1));
        /** Where a page leads by its table, and where it led since the last invalidation of it. */
        const now = new Map<number, number>();
        const since = new Map<number, Set<number>>();
        const settle = (page: number) => since.set(page, new Set(now.has(page) ? [now.get(page)!] : []));
        for (let page = 0; page < PAGES; page++) settle(page);
        for (const { kind, page, place } of actions) {
          const address = page * PAGE;
          if (kind === 'map' && !now.has(page)) {
            table.map(address, HOST + place * PAGE, PAGE, { ...READ_WRITE, pageBytes: PAGE });
            now.set(page, HOST + place * PAGE);
            since.get(page)!.add(HOST + place * PAGE);
          } else if (kind === 'unmap' && now.has(page)) {
            table.unmap(address, PAGE);
            now.delete(page);
          } else if (kind === 'flush page') {
            // A walk that is under way meets the invalidation.
            if (iommu.lookup(VF, address, false) === -1) iommu.walk(VF, address, false, client, 0);
            driver.submitSync(iotlbFlush(3, 1, address));
            settle(page);
          } else if (kind === 'flush domain' || kind === 'flush all') {
            driver.submitSync(kind === 'flush all' ? iotlbFlush(1) : iotlbFlush(2, 1));
            for (let each = 0; each < PAGES; each++) settle(each);
          } else if (kind === 'read' || kind === 'write') {
            const answer = watch.translate(VF, address + 8, kind === 'write');
            if (answer !== IOMMU_FAULT) expect([...since.get(page)!]).toContain(answer - 8);
            else expect(now.has(page)).toBe(false);
          }
        }
        // With everything invalidated nothing stale is left.
        driver.submitSync(iotlbFlush(1));
        const before = watch.stale;
        for (let page = 0; page < PAGES; page++) watch.translate(VF, page * PAGE, false);
        expect(watch.stale).toBe(before);
        scheduler.runUntilIdle();
        driver.handleFaults();
      }),
      { numRuns: process.env['SRIOVSIM_LONG'] ? 20_000 : 100 },
    );
    // The window is real: it was used.
    expect(watch.exposed).toBeGreaterThan(0);
    expect(watch.uses).toBeGreaterThan(watch.stale);
  });
});
