import { describe, expect, it } from 'vitest';
import type { Interrupt, VtdUnitOptions } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { CAP } from './vtd-driver.ts';
import { message, QueueDriver, type Words } from './vtd-queue-driver.ts';
import { setUp, VF } from './vtd-setup.ts';

const AREA = 0x4000_0000;
const PD = 0x1_2345_6780;
const URGENT = 1 << 14;

/** An entry that posts a vector of a guest into a descriptor. */
function posted(vector: number, descriptor: number, flags = 0): Words {
  const low = (descriptor % 2 ** 32) | 0;
  return [1 | (1 << 15) | flags | (vector << 16), low, VF | (1 << 18), Math.floor(descriptor / 2 ** 32)];
}

function setUpPosting(options: Partial<VtdUnitOptions> = {}, isExtended = true) {
  const notifications: Interrupt[] = [];
  const world = setUp({ interrupts: (interrupt) => notifications.push(interrupt), ...options });
  const { unit } = world;
  const { memory } = world.tables;
  const driver = new QueueDriver(unit, memory, AREA);
  driver.enableQueue();
  driver.enableInterrupts(7, isExtended);
  // NV 0xf2 to processor 0x1234.
  memory.write32(PD + 32, 0xf2 << 16);
  memory.write32(PD + 36, 0x1234);
  const send = (index: number) => unit.sendInterrupt(VF, message(index).address, 0);
  /** Vectors that the guest finds, and the descriptor is as it was. */
  const takePending = () => {
    const vectors: number[] = [];
    memory.write32(PD + 32, memory.read32(PD + 32) & ~1);
    for (let vector = 0; vector < 256; vector++) {
      if (((memory.read32(PD + (vector >> 5) * 4) >>> (vector & 31)) & 1) === 1) vectors.push(vector);
    }
    for (let word = 0; word < 8; word++) memory.write32(PD + word * 4, 0);
    return vectors;
  };
  return { ...world, driver, notifications, memory, send, takePending };
}

describe('posted interrupts', () => {
  it('are announced by PI', () => {
    expect((setUp().unit.read32(CAP + 4) >>> 27) & 1).toBe(1);
    expect((setUp({ postedInterrupts: false }).unit.read32(CAP + 4) >>> 27) & 1).toBe(0);
  });

  it('set the bit of their vector, and ON, and tell the processor of the descriptor', () => {
    const { driver, send, notifications, memory, takePending } = setUpPosting();
    driver.setEntry(0, posted(0xfb, PD));
    send(0);
    expect(notifications).toMatchObject([{ vector: 0xf2, destination: 0x1234, deliveryMode: 0 }]);
    expect(memory.read32(PD + 32)).toBe((0xf2 << 16) | 1);
    expect(takePending()).toEqual([0xfb]);
  });

  it('spare all notifications until the guest has looked: ON is set', () => {
    const { driver, send, notifications, takePending, unit } = setUpPosting();
    for (let i = 0; i < 4; i++) driver.setEntry(i, posted(0x40 + i, PD));
    for (const i of [0, 1, 2, 1, 3]) send(i);
    expect(notifications.length).toBe(1);
    expect(takePending()).toEqual([0x40, 0x41, 0x42, 0x43]);
    send(2);
    expect(notifications.length).toBe(2);
    expect(unit.counters()).toMatchObject({ posted: 6, notifications: 2, spared: 4, suppressed: 0 });
  });

  it('tell nobody while SN is set, but for urgent ones', () => {
    const { driver, send, notifications, memory, takePending, unit } = setUpPosting();
    driver.setEntry(0, posted(0x40, PD));
    driver.setEntry(1, posted(0x41, PD, URGENT));
    memory.write32(PD + 32, (0xf2 << 16) | 2);
    send(0);
    expect(notifications.length).toBe(0);
    expect(memory.read32(PD + 32) & 1).toBe(0);
    send(1);
    expect(notifications.length).toBe(1);
    expect(takePending()).toEqual([0x40, 0x41]);
    expect(unit.counters()).toMatchObject({ posted: 2, notifications: 1, suppressed: 1 });
  });

  it('have destinations of eight bits, in bits 15:8 of NDST, without EIME', () => {
    const { driver, send, notifications } = setUpPosting({}, false);
    driver.setEntry(0, posted(0x40, PD));
    send(0);
    expect(notifications[0].destination).toBe(0x12);
  });

  it.each<[string, number, number, number]>([
    ['257 to 271', 32, (0xf2 << 16) | 4, 0x28],
    ['280 to 287', 32, (0xf2 << 16) | (1 << 24), 0x28],
    ['320 to 511', 60, 1, 0x28],
  ])('are refused if the descriptor sets reserved bits, %s', (_, offset, value, reason) => {
    const { driver, send, memory, takePending } = setUpPosting();
    driver.setEntry(0, posted(0x40, PD));
    memory.write32(PD + offset, value);
    send(0);
    expect(driver.handleFaults()).toMatchObject([{ reason, sourceId: VF }]);
    expect(takePending()).toEqual([]);
  });

  it('are refused if the descriptor cannot be read, or is not aligned to 64 bytes', () => {
    const { driver, send } = setUpPosting();
    driver.setEntry(0, posted(0x40, 2 ** 50));
    send(0);
    driver.setEntry(0, posted(0x40, PD + 8));
    send(0);
    expect(driver.handleFaults().map(({ reason }) => reason)).toEqual([0x27, 0x24]);
  });

  it('are refused from another function', () => {
    const { driver, unit, notifications, takePending } = setUpPosting();
    driver.setEntry(0, posted(0x40, PD));
    unit.sendInterrupt(VF + 1, message(0).address, 0);
    expect(driver.handleFaults()).toMatchObject([{ reason: 0x26, sourceId: VF + 1 }]);
    expect(notifications).toEqual([]);
    expect(takePending()).toEqual([]);
  });

  it('take an access of memory for the entry and one for the descriptor, and none overtakes them', () => {
    const scheduler = new Scheduler();
    const arrivals: [number, number][] = [];
    const world = setUp({
      scheduler,
      commandPs: 0,
      memoryAccessPs: 1000,
      interrupts: ({ vector }) => arrivals.push([vector, (scheduler.now - begin) / 1000]),
    });
    const { memory } = world.tables;
    const driver = new QueueDriver(world.unit, memory, AREA, () => scheduler.step());
    driver.enableQueue();
    driver.enableInterrupts(7, true);
    memory.write32(PD + 32, 0xf2 << 16);
    driver.setEntry(0, posted(0x40, PD));
    driver.setEntry(1, [1 | (0x41 << 16), 1, VF | (1 << 18), 0]);
    const begin = scheduler.now;
    for (const index of [0, 1, 0, 1]) world.unit.sendInterrupt(VF, message(index).address, 0);
    scheduler.runUntilIdle();
    expect(arrivals).toEqual([
      [0xf2, 2],
      [0x41, 3],
      [0x41, 4],
    ]);
    expect(world.unit.counters()).toMatchObject({ interrupts: 4, interruptHits: 2, posted: 2, spared: 1 });
  });

  it('are reserved bits of an entry where PI is not announced', () => {
    const { driver, send } = setUpPosting({ postedInterrupts: false });
    driver.setEntry(0, posted(0x40, PD));
    send(0);
    expect(driver.handleFaults()).toMatchObject([{ reason: 0x24 }]);
  });
});
