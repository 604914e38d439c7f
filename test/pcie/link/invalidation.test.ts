import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../../src/base/index.ts';
import type { Iommu } from '../../../src/iommu/index.ts';
import { READ_WRITE, Tables } from '../../iommu/setup.ts';
import { DmaRig, memoryRequest } from './dma-rig.ts';

const FUNCTION = 0x180;
const DOMAIN = 5;
const OLD = 0x100_0000;
const NEW = 0x200_0000;
const PAGE = 0x4000;
/** From its departure to the memory no request takes longer: flight, symbols, a memory read. */
const UNDER_WAY_PS = 400_000;

/** A device, an IOMMU that maps its page to OLD, and a function that moves the page to NEW. */
function rigWithIommu() {
  const tables = new Tables(0x4000_0000);
  const table = tables.attach(FUNCTION, DOMAIN);
  table.map(PAGE, OLD, 4096, READ_WRITE);
  let iommu: Iommu | null = null;
  const rig = new DmaRig({
    translator: (scheduler) => {
      iommu = tables.iommu({ scheduler });
      return iommu;
    },
  });
  rig.memory.write32(OLD, 1);
  rig.memory.write32(NEW, 2);
  const move = (invalidate: (iommu: Iommu) => void) => {
    table.unmap(PAGE, 4096);
    table.map(PAGE, NEW, 4096, READ_WRITE);
    invalidate(iommu as unknown as Iommu);
  };
  const write = (cookie: number) =>
    rig.requester.write(memoryRequest(FUNCTION, PAGE + 64, 64, 0, rig.client, cookie));
  const read = (cookie: number) =>
    rig.requester.read(memoryRequest(FUNCTION, PAGE, 4, 256 + 4 * cookie, rig.client, cookie));
  /** The translation is cached, and nothing is under way. */
  const warmUp = () => {
    write(0);
    read(0);
    rig.scheduler.runUntilIdle();
    rig.committed.length = 0;
  };
  return { rig, move, write, read, warmUp };
}

const INVALIDATIONS: readonly (readonly [string, (iommu: Iommu) => void])[] = [
  ['of the pages', (iommu) => iommu.invalidatePages(DOMAIN, PAGE, 4096)],
  ['of the domain', (iommu) => iommu.invalidateDomain(DOMAIN)],
  ['of everything', (iommu) => iommu.invalidateAll()],
];

describe.each(INVALIDATIONS)('an invalidation %s', (_, invalidate) => {
  it('holds for every request that leaves after it', () => {
    const { rig, move, write, read, warmUp } = rigWithIommu();
    warmUp();
    move(invalidate);
    write(1);
    read(1);
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual([NEW + 64]);
    expect(rig.store.i32[65]).toBe(2);
  });

  it('does not hold back a request that has left: it goes where the translation said then', () => {
    const { rig, move, write, read, warmUp } = rigWithIommu();
    warmUp();
    write(1);
    read(1);
    rig.scheduler.runUntil(rig.scheduler.now + 10_000);
    move(invalidate);
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual([OLD + 64]);
    expect(rig.store.i32[65]).toBe(1);
  });

  it('has a request that had to be walked for go where the tables say after it', () => {
    const { rig, move, write, read } = rigWithIommu();
    write(1);
    read(1);
    // On the link, and then in the middle of the walk.
    rig.scheduler.runUntil(rig.scheduler.now + 260_000);
    move(invalidate);
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual([NEW + 64]);
    expect(rig.store.i32[65]).toBe(2);
  });

  it('under saturated traffic: nothing reaches the old page once what was under way has landed', () => {
    const random = new RandomStream('7');
    const { rig, move, write, read, warmUp } = rigWithIommu();
    warmUp();
    let cookie = 1;
    const issue = () => {
      while (rig.requester.canWrite() && rig.requester.canRead(4)) {
        if (random.integer(2) === 0) write(cookie);
        else read(cookie);
        cookie = 1 + (cookie % 1000);
      }
    };
    rig.onRead = issue;
    issue();
    rig.scheduler.runUntil(rig.scheduler.now + 2_000_000 + random.integer(100_000));
    expect(new Set(rig.committed)).toEqual(new Set([OLD + 64]));
    move(invalidate);
    rig.scheduler.runUntil(rig.scheduler.now + UNDER_WAY_PS);
    rig.committed.length = 0;
    rig.store.i32.fill(0);
    rig.scheduler.runUntil(rig.scheduler.now + 2_000_000);
    expect(new Set(rig.committed)).toEqual(new Set([NEW + 64]));
    expect(new Set(rig.store.i32.subarray(65, 1065))).toEqual(new Set([0, 2]));
    rig.onRead = () => {};
    rig.scheduler.runUntilIdle();
    expect(rig.isIdle).toBe(true);
  });
});
