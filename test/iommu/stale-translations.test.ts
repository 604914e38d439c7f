import { describe, expect, it } from 'vitest';
import { IOMMU_FAULT, IOMMU_MISS, StaleTranslations } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { READ_ONLY, READ_WRITE } from './setup.ts';
import { iotlbFlush, QueueDriver } from './vtd-queue-driver.ts';
import { HOST, PAGE, setUp, VF } from './vtd-setup.ts';

const ACCESS_PS = 1000;

function setUpWatch() {
  const scheduler = new Scheduler();
  const world = setUp({ scheduler, commandPs: 0, memoryAccessPs: ACCESS_PS }, { scheduler });
  const driver = new QueueDriver(world.unit, world.tables.memory, 0x4000_0000, () => scheduler.step());
  driver.enableQueue();
  driver.start(world.tables.roots.address);
  const watch = new StaleTranslations(world.iommu, world.tables.memory);
  return { ...world, driver, scheduler, watch };
}

describe('stale translations', () => {
  it('are counted when they are used, until they are invalidated', () => {
    const { watch, table, driver } = setUpWatch();
    watch.translate(VF, 0x123, true);
    watch.translate(VF, PAGE, true);
    table.unmap(0, PAGE);
    expect(watch.translate(VF, 0x123, true)).toBe(HOST + 0x123);
    expect(watch.lookup(VF, 0x456, false)).toBe(HOST + 0x456);
    expect(watch.translate(VF, PAGE, true)).toBe(HOST + PAGE);
    expect(watch).toMatchObject({ uses: 5, exposed: 2, misdirected: 0, stale: 2 });
    driver.submitSync(iotlbFlush(3, 1, 0));
    expect(watch.translate(VF, 0x123, true)).toBe(IOMMU_FAULT);
    expect(watch).toMatchObject({ uses: 5, stale: 2 });
  });

  it('lead elsewhere than the tables by then, or permit more', () => {
    const { watch, table, tables } = setUpWatch();
    for (const page of [0, 1]) watch.translate(VF, page * PAGE, true);
    table.unmap(0, 2 * PAGE);
    table.map(0, 2 * HOST, PAGE, READ_WRITE);
    table.map(PAGE, HOST + PAGE, PAGE, READ_ONLY);
    watch.translate(VF, 0, true);
    watch.translate(VF, PAGE, false);
    watch.translate(VF, PAGE, true);
    expect(watch).toMatchObject({ uses: 5, misdirected: 1, exposed: 1 });
    // A context that has gone exposes everything.
    tables.roots.clearContext(VF);
    watch.translate(VF, PAGE, false);
    expect(watch.exposed).toBe(2);
  });

  it('are those between the change and the descriptor that forgets them: two accesses of memory', () => {
    const { watch, table, driver, scheduler } = setUpWatch();
    watch.translate(VF, 0, false);
    table.unmap(0, PAGE);
    driver.submit(iotlbFlush(3, 1, PAGE), iotlbFlush(3, 1, 0));
    const begin = scheduler.now;
    for (let i = 1; i <= 8; i++) {
      scheduler.runUntil(begin + (i * ACCESS_PS) / 2 - 1);
      const request = { requester: VF, address: 8 };
      watch.foresee(request, false);
    }
    expect(watch).toMatchObject({ uses: 5, exposed: 4 });
  });

  it('are not made by watching: answers, faults and counters are those of the IOMMU alone', () => {
    const watched = setUpWatch();
    const alone = setUpWatch();
    const requests = [0, 5, 12, 0, 200, 5, 13].map((page) => page * PAGE);
    for (const isWrite of [false, true]) {
      for (const address of requests) {
        expect(watched.watch.translate(VF, address, isWrite)).toBe(
          alone.iommu.translate(VF, address, isWrite),
        );
      }
    }
    expect(watched.iommu.counters()).toEqual(alone.iommu.counters());
    expect(watched.driver.handleFaults()).toEqual(alone.driver.handleFaults());
    expect(watched.watch.lookup(VF, 7 * PAGE, false)).toBe(IOMMU_MISS);
  });

  it('are none while nothing is translated', () => {
    const { watch, driver } = setUpWatch();
    driver.command(1 << 31, false);
    expect(watch.translate(VF, 0x99_0000, true)).toBe(0x99_0000);
    expect(watch.uses).toBe(0);
  });
});
