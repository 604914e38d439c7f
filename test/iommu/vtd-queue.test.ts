import { describe, expect, it } from 'vitest';
import type { IommuOptions, VtdUnitOptions } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { READ_WRITE } from './setup.ts';
import { FSTS, GSTS, IQE, ITE, QIE } from './vtd-driver.ts';
import {
  contextFlush,
  deviceTlbFlush,
  ICS,
  IECTL,
  IQERCD,
  IQH,
  IQT,
  interruptFlush,
  iotlbFlush,
  QueueDriver,
  WAIT_FN,
  WAIT_IF,
  WAIT_SW,
  type Words,
  wait,
} from './vtd-queue-driver.ts';
import { HOST, PAGE, setUp, VF } from './vtd-setup.ts';

const AREA = 0x4000_0000;
const ACCESS_PS = 1000;

function setUpQueue(
  options: Partial<VtdUnitOptions> = {},
  iommuOptions: Partial<IommuOptions> = {},
  size = 0,
) {
  const world = setUp(options, iommuOptions);
  const driver = new QueueDriver(world.unit, world.tables.memory, AREA, undefined, size);
  driver.enableQueue();
  driver.start(world.tables.roots.address);
  /** Pages of the first four that still lead to where they led at first. */
  const stale = () => [0, 1, 2, 3].filter((page) => world.iommu.translate(VF, page * PAGE, false) < 2 * HOST);
  /** Four pages cached, and then their entries changed. */
  const change = () => {
    for (let page = 0; page < 4; page++) world.iommu.translate(VF, page * PAGE, false);
    world.table.unmap(0, 4 * PAGE);
    world.table.map(0, 2 * HOST, 4 * PAGE, { ...READ_WRITE, pageBytes: PAGE });
  };
  return { ...world, driver, stale, change };
}

/** In time, an access of memory a nanosecond. */
function setUpTimed(options: Partial<VtdUnitOptions> = {}, iommuOptions: Partial<IommuOptions> = {}) {
  const scheduler = new Scheduler();
  const world = setUp(
    { scheduler, commandPs: 0, memoryAccessPs: ACCESS_PS, ...options },
    { scheduler, ...iommuOptions },
  );
  const driver = new QueueDriver(world.unit, world.tables.memory, AREA, () => scheduler.step());
  driver.enableQueue();
  /** Time since the queue was told, in accesses, at which a status word holds `data`. */
  const begin = scheduler.now;
  const accesses = () => (scheduler.now - begin) / ACCESS_PS;
  return { ...world, driver, scheduler, accesses };
}

describe('the invalidation queue', () => {
  it('carries descriptors out up to the tail, and its head follows', () => {
    const { unit, driver, stale, change } = setUpQueue();
    change();
    driver.submit(iotlbFlush(3, 1, 0, 1));
    expect(stale()).toEqual([2, 3]);
    expect(unit.read32(IQH)).toBe(16);
    driver.submit(contextFlush(1), iotlbFlush(2, 1));
    expect(stale()).toEqual([]);
    expect(unit.read32(IQH)).toBe(48);
    expect(unit.counters()).toMatchObject({ queuedIotlb: 2, queuedContext: 1, queueErrors: 0 });
  });

  it('goes round at its end: 256 descriptors a page', () => {
    for (const size of [0, 1, 3]) {
      const { unit, driver } = setUpQueue({}, {}, size);
      for (let i = 0; i < 2 * driver.entries + 3; i++) driver.submitSync();
      expect(unit.read32(IQH)).toBe(3 << 4);
      expect(unit.counters().queuedWaits).toBe(2 * driver.entries + 3);
    }
  });

  it('takes all that fits into the largest one at once, each with a fence', () => {
    const { unit, driver } = setUpQueue({}, {}, 7);
    driver.submit(...new Array<Words>(2 ** 15 - 1).fill(wait(WAIT_SW | WAIT_FN, 1, AREA + 0x30_0000)));
    expect(unit.read32(IQH)).toBe((2 ** 15 - 1) << 4);
    expect(unit.counters()).toMatchObject({ statusWrites: 2 ** 15 - 1, queueErrors: 0 });
  });

  it('takes all granularities of context, IOTLB, device-TLB and interrupt entry invalidation', () => {
    const { driver, unit } = setUpQueue({}, { deviceTlbs: true });
    driver.submitSync(contextFlush(1), contextFlush(2, 1), contextFlush(3, 1, VF, 3));
    driver.submitSync(iotlbFlush(1), iotlbFlush(2, 1), iotlbFlush(3, 1, 2 ** 46, 18, 1));
    driver.submitSync(deviceTlbFlush(VF, 0x7fff_f001, 0x7fff_ffff), interruptFlush(7, 3), [4, 0, 0, 0]);
    expect(unit.counters()).toMatchObject({
      queuedContext: 3,
      queuedIotlb: 3,
      queuedDeviceTlb: 1,
      queuedInterrupt: 2,
      queuedWaits: 3,
      queueErrors: 0,
    });
  });

  it('keeps entries of upper tables with IH, and forgets them without', () => {
    const { driver, iommu } = setUpQueue(
      {},
      {
        profile: { pagingStructureCache: { sets: 1, ways: 8, replacement: 'lru' } },
      },
    );
    const walkAccesses = (words: Words) => {
      iommu.translate(VF, 0, false);
      driver.submitSync(words);
      const before = iommu.counters().walkAccesses;
      iommu.translate(VF, 0, false);
      return iommu.counters().walkAccesses - before;
    };
    expect(walkAccesses(iotlbFlush(3, 1, 0, 0, 1))).toBe(1);
    expect(walkAccesses(iotlbFlush(3, 1, 0, 0, 0))).toBe(4);
  });

  it('keeps contexts when translations are invalidated, and translations when contexts are', () => {
    const { driver, iommu, tables, stale, change } = setUpQueue();
    change();
    tables.roots.clearContext(VF);
    driver.submitSync(iotlbFlush(1));
    expect(stale()).toEqual([]);
    driver.submitSync(contextFlush(3, 1, VF, 0));
    expect(iommu.lookup(VF, 0, false)).toBe(-1);
  });

  it('begins at its first descriptor again when it is switched off and on', () => {
    const { driver, unit } = setUpQueue();
    driver.submitSync(iotlbFlush(1));
    driver.command(QIE, false);
    expect(unit.read32(IQH)).toBe(0);
    driver.enableQueue();
    driver.submitSync(iotlbFlush(1));
    expect(unit.read32(IQH)).toBe(32);
  });

  it('does nothing while it is off', () => {
    const { driver, unit, change, stale } = setUpQueue();
    driver.command(QIE, false);
    change();
    driver.submit(iotlbFlush(1));
    expect(stale()).toEqual([0, 1, 2, 3]);
    expect(unit.read32(IQH)).toBe(0);
  });
});

describe('a wait descriptor', () => {
  it('writes its status, and sets IWC with a message for the first one that asks for it', () => {
    const { driver, unit, messages, tables } = setUpQueue();
    unit.write32(IECTL + 4, 0x51);
    unit.write32(IECTL + 8, 0xfee0_2000);
    unit.write32(IECTL, 0);
    driver.submit(wait(WAIT_SW | WAIT_IF, 0xcafe, AREA + 0x30_0000), wait(WAIT_IF));
    expect(tables.memory.read32(AREA + 0x30_0000)).toBe(0xcafe);
    expect(messages).toEqual([{ address: 0xfee0_2000, data: 0x51 }]);
    expect(unit.read32(ICS)).toBe(1);
    unit.write32(ICS, 1);
    driver.submit(wait(WAIT_IF));
    expect(messages.length).toBe(2);
  });

  it('leaves a message that is masked pending, until software has seen to IWC', () => {
    const { driver, unit, messages } = setUpQueue();
    driver.submit(wait(WAIT_IF));
    expect(unit.read32(IECTL)).toBe(0xc000_0000);
    unit.write32(ICS, 1);
    expect(unit.read32(IECTL)).toBe(2 ** 31);
    unit.write32(IECTL, 0);
    expect(messages).toEqual([]);
  });

  it('writes nothing to where no memory is', () => {
    const { driver, unit } = setUpQueue({}, { memoryLimit: 2 ** 40 });
    driver.submit(wait(WAIT_SW, 1, 2 ** 44));
    expect(unit.counters()).toMatchObject({ statusWritesLost: 1, queuedWaits: 1 });
  });
});

describe('a descriptor that is none', () => {
  const GOOD = iotlbFlush(1);
  const changed = (words: Words, word: number, bits: number): Words =>
    words.map((value, i) => (i === word ? value | bits : value)) as unknown as Words;
  const RESERVED: [string, Words][] = [
    ['context: bits 15:6', changed(contextFlush(1), 0, 1 << 6)],
    ['context: bits 63:50', changed(contextFlush(1), 1, 1 << 18)],
    ['context: upper half', changed(contextFlush(1), 3, 1)],
    ['context: granularity 0', contextFlush(0)],
    ['IOTLB: bits 15:8', changed(iotlbFlush(1), 0, 1 << 15)],
    ['IOTLB: bits 63:32', changed(iotlbFlush(1), 1, 1)],
    ['IOTLB: bits 75:71', changed(iotlbFlush(3, 1), 2, 1 << 7)],
    ['IOTLB: granularity 0', iotlbFlush(0)],
    ['IOTLB: a mask beyond MAMV', iotlbFlush(3, 1, 0, 19)],
    ['device TLB: bits 31:21', changed(deviceTlbFlush(VF, 0), 0, 1 << 21)],
    ['device TLB: bits 75:65', changed(deviceTlbFlush(VF, 0), 2, 2)],
    ['interrupt entries: bits 26:5', changed(interruptFlush(0), 0, 1 << 26)],
    ['interrupt entries: a mask beyond MHMV', interruptFlush(0, 16)],
    ['wait: bits 31:7', changed(wait(WAIT_SW, 1, AREA), 0, 1 << 7)],
    ['wait: status address', wait(WAIT_SW, 1, AREA + 2)],
  ];

  it.each(RESERVED)('stops the queue with IQE, its head there: %s', (_, words) => {
    const { driver, unit, stale, change } = setUpQueue({}, { deviceTlbs: true });
    change();
    driver.submit(wait(WAIT_FN), words, GOOD);
    expect(unit.read32(FSTS)).toBe(IQE);
    expect(unit.read32(IQERCD)).toBe(4);
    expect(unit.read32(IQH)).toBe(16);
    expect(stale()).toEqual([0, 1, 2, 3]);
  });

  it.each([0, 6, 7, 8, 9, 15])('has a type that there is not: %i', (type) => {
    const { driver, unit } = setUpQueue();
    driver.submit([type, 0, 0, 0]);
    expect(unit.read32(FSTS)).toBe(IQE);
    expect(unit.read32(IQERCD)).toBe(3);
  });

  it('is one for a device TLB where there are none', () => {
    const { driver, unit } = setUpQueue();
    driver.submit(deviceTlbFlush(VF, 0));
    expect(unit.read32(IQERCD)).toBe(3);
  });

  it('is carried out when software has corrected it and cleared IQE', () => {
    const { driver, unit, stale, change } = setUpQueue();
    change();
    driver.submit([0, 0, 0, 0], wait(WAIT_SW, 7, AREA + 0x30_0000));
    driver.put(0, GOOD);
    expect(stale()).toEqual([0, 1, 2, 3]);
    unit.write32(FSTS, IQE);
    expect(stale()).toEqual([]);
    expect(unit.read32(FSTS)).toBe(0);
    expect(unit.read32(IQERCD)).toBe(0);
    expect(unit.read32(IQH)).toBe(32);
  });

  it('is replaced by the wait, as Linux does, and what comes later is carried out', () => {
    const { driver, unit, stale, change } = setUpQueue();
    change();
    expect(() => driver.submitSync([0xf, 0, 0, 0])).toThrow('invalid descriptor');
    driver.submitSync(GOOD);
    expect(stale()).toEqual([]);
    expect(unit.counters()).toMatchObject({ queueErrors: 1, queuedWaits: 3 });
  });

  it('is told by the fault event', () => {
    const { driver, messages } = setUpQueue();
    driver.setFaultInterrupt(0xfee0_1000, 0x41);
    driver.submit([0, 0, 0, 0]);
    expect(messages).toEqual([{ address: 0xfee0_1000, data: 0x41 }]);
  });

  it('is what a tail beyond the queue leads to, and what cannot be read', () => {
    const { driver, unit } = setUpQueue();
    unit.write32(IQT, 256 << 4);
    expect(unit.read32(FSTS)).toBe(IQE);
    expect(unit.read32(IQERCD)).toBe(1);
    unit.write32(IQT, 0);
    unit.write32(FSTS, IQE);
    expect(unit.read32(FSTS)).toBe(0);
    driver.submitSync();
    const far = setUp({}, { memoryLimit: 2 ** 40 });
    const farDriver = new QueueDriver(far.unit, far.tables.memory, 2 ** 44);
    farDriver.enableQueue();
    far.unit.write32(IQT, 16);
    expect(far.unit.read32(IQERCD)).toBe(2);
  });
});

describe('in simulated time', () => {
  it('each descriptor takes an access of memory, and a status write one more', () => {
    const { driver, scheduler, accesses } = setUpTimed();
    driver.submitSync(iotlbFlush(1), iotlbFlush(1), iotlbFlush(1));
    expect(accesses()).toBe(5);
    scheduler.runUntilIdle();
    expect(accesses()).toBe(5);
  });

  it('translations stay in use until their descriptor has been fetched', () => {
    const { driver, scheduler, iommu, table, tables } = setUpTimed();
    driver.setRootTable(tables.roots.address);
    driver.command(1 << 31);
    iommu.translate(VF, 0, false);
    table.unmap(0, PAGE);
    const begin = scheduler.now;
    driver.submit(contextFlush(1), iotlbFlush(1));
    scheduler.runUntil(begin + 2 * ACCESS_PS - 1);
    expect(iommu.lookup(VF, 0, false)).toBe(-1);
    expect(iommu.translate(VF, PAGE, false)).toBe(HOST + PAGE);
    scheduler.runUntil(begin + 2 * ACCESS_PS);
    expect(iommu.iotlb.size).toBe(0);
  });

  it('what is behind a wait is fetched while its status is written, but not behind a fence', () => {
    const times = (flags: number) => {
      const { driver, scheduler, unit, accesses } = setUpTimed();
      driver.submit(wait(WAIT_SW | flags, 1, AREA + 0x30_0000), iotlbFlush(1));
      scheduler.runUntilIdle();
      expect(unit.counters().queuedIotlb).toBe(1);
      return accesses();
    };
    expect(times(0)).toBe(2);
    expect(times(WAIT_FN)).toBe(3);
  });

  it('a queue that is switched off forgets what it was about to do', () => {
    const { driver, scheduler, unit, tables } = setUpTimed();
    driver.submit(iotlbFlush(1), wait(WAIT_SW, 9, AREA + 0x30_0000));
    unit.write32(0x18, 0);
    scheduler.runUntilIdle();
    expect(unit.read32(GSTS) & QIE).toBe(0);
    expect(tables.memory.read32(AREA + 0x30_0000)).toBe(0);
    expect(unit.counters()).toMatchObject({ queuedIotlb: 0, queueDropped: 2 });
  });
});

describe('device TLBs', () => {
  /** Devices that answer when the test says so. */
  function setUpDevices() {
    const asked: { sourceId: number; address: number; bytes: number; tag: number }[] = [];
    const deviceTlbs = {
      invalidate: (sourceId: number, address: number, bytes: number, tag: number) => {
        asked.push({ sourceId, address, bytes, tag });
      },
    };
    const world = setUpTimed({ deviceTlbs, deviceTlbTimeoutPs: 100 * ACCESS_PS }, { deviceTlbs: true });
    const status = AREA + 0x30_0000;
    return { ...world, asked, status };
  }

  it('are asked for a page, or with S for the range that the lowest clear bit of the address says', () => {
    const { driver, scheduler, asked } = setUpDevices();
    driver.submit(deviceTlbFlush(VF, 0x5000), deviceTlbFlush(VF, 0x8001), deviceTlbFlush(VF, 0x1_7001, 1));
    scheduler.runUntil(scheduler.now + 10 * ACCESS_PS);
    expect(asked.map(({ address, bytes }) => [address, bytes])).toEqual([
      [0x5000, 0x1000],
      [0x8000, 0x2000],
      [0x1_0001_0000, 0x1_0000],
    ]);
  });

  it('hold up the waits behind them until they have answered, and those before not', () => {
    const { driver, scheduler, asked, unit, tables, status } = setUpDevices();
    driver.submit(
      wait(WAIT_SW, 1, status),
      deviceTlbFlush(VF, 0),
      deviceTlbFlush(VF + 2, 0),
      wait(WAIT_SW, 2, status + 4),
      iotlbFlush(1),
    );
    scheduler.runUntil(scheduler.now + 10 * ACCESS_PS);
    expect([tables.memory.read32(status), tables.memory.read32(status + 4)]).toEqual([1, 0]);
    expect(unit.counters().queuedIotlb).toBe(1);
    unit.deviceTlbAnswered(VF + 2, asked[1].tag);
    scheduler.runUntil(scheduler.now + 10 * ACCESS_PS);
    expect(tables.memory.read32(status + 4)).toBe(0);
    unit.deviceTlbAnswered(VF, asked[0].tag);
    scheduler.runUntilIdle();
    expect(tables.memory.read32(status + 4)).toBe(2);
    expect(unit.read32(FSTS)).toBe(0);
  });

  it('that do not answer in time set ITE: waits are never completed, and nothing is fetched until it is cleared', () => {
    const { driver, scheduler, unit, tables, status } = setUpDevices();
    driver.submit(deviceTlbFlush(VF, 0), wait(WAIT_SW | WAIT_FN, 1, status), wait(WAIT_SW, 2, status + 4));
    scheduler.runUntilIdle();
    expect(unit.read32(FSTS)).toBe(ITE);
    expect(unit.read32(IQERCD + 4)).toBe(VF);
    expect(unit.read32(IQH)).toBe(32);
    unit.write32(FSTS, ITE);
    scheduler.runUntilIdle();
    expect([tables.memory.read32(status), tables.memory.read32(status + 4)]).toEqual([0, 2]);
  });

  it('that answer what nobody asked set ICE', () => {
    const { unit } = setUpDevices();
    unit.deviceTlbAnswered(VF, 5);
    expect(unit.read32(FSTS)).toBe(1 << 5);
    expect(unit.read32(IQERCD + 4)).toBe((VF << 16) >>> 0);
  });

  it('may be named by a context entry if the hardware has them', () => {
    const { tables, iommu, driver } = setUpQueue({}, { deviceTlbs: true });
    const low = tables.memory.read32(tables.pages[2] + (VF & 0xff) * 16);
    expect(low & 0xf).toBe(1);
    tables.memory.write32(tables.pages[2] + (VF & 0xff) * 16, low | (1 << 2));
    driver.submitSync(contextFlush(1));
    expect(iommu.translate(VF, 0, false)).toBe(HOST);
  });
});
