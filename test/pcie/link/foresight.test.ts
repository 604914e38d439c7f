import { describe, expect, it } from 'vitest';
import type { Scheduler } from '../../../src/kernel/index.ts';
import { KnownMemory } from '../../../src/pcie/known-memory.ts';
import { DmaRig, ForeseeingTranslator, memoryRequest, PagedTranslator } from './dma-rig.ts';

/** Pages from 0x10000 on whose look-ups miss, and the time that their walk takes; all others hit. */
function rigWith(walks: Readonly<Record<number, number>>, foresees = true): DmaRig {
  const Translator = foresees ? ForeseeingTranslator : PagedTranslator;
  class Some extends Translator {
    private asked = 0;

    constructor(scheduler: Scheduler) {
      super(scheduler, () => walks[this.asked] ?? 0);
    }

    override lookup(routingId: number, address: number): number {
      this.asked = Math.floor(address / 4096) * 4096;
      return super.lookup(routingId, address);
    }
  }
  return new DmaRig({ translator: (scheduler) => new Some(scheduler) });
}

describe('a read that hits when it leaves', () => {
  it('completes when it would have otherwise, and takes one event less', () => {
    const [with_, without] = [true, false].map((foresees) => {
      const rig = rigWith({}, foresees);
      rig.memory.write32(0x10000 + PagedTranslator.SHIFT, 0x1234);
      rig.requester.read(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
      rig.requester.read(memoryRequest(1, 0x20000, 1024, 64, rig.client, 2));
      rig.scheduler.runUntilIdle();
      expect(rig.store.i32[0]).toBe(0x1234);
      expect(rig.isIdle).toBe(true);
      return rig;
    });
    expect(with_.reads).toEqual(without.reads);
    expect(with_.reads.length).toBeGreaterThan(1);
    expect(without.scheduler.events - with_.scheduler.events).toBe(with_.reads.length);
    expect(with_.port.counters()).toEqual(without.port.counters());
  });

  it('sees what the writes before it on the link have written', () => {
    const rig = rigWith({});
    rig.store.u8.fill(0x77, 0, 64);
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 2));
    rig.scheduler.runUntilIdle();
    expect([...rig.store.u8.subarray(128, 192)]).toEqual(new Array(64).fill(0x77));
  });

  it('does not pass a write before it whose page has to be walked for', () => {
    const rig = rigWith({ 65536: 900_000 });
    rig.store.u8.fill(0x77, 0, 64);
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.read(memoryRequest(1, 0x20000, 64, 128, rig.client, 2));
    rig.scheduler.runUntil(900_000);
    expect(rig.reads).toEqual([]);
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual([0x10000 + PagedTranslator.SHIFT]);
    expect(rig.reads).toHaveLength(1);
    expect(rig.isIdle).toBe(true);
  });

  it('is not there after a reset of the link, nor is a write', () => {
    const rig = rigWith({ 196608: 900_000 });
    rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 1));
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 2));
    rig.requester.write(memoryRequest(1, 0x30000, 64, 0, rig.client, 3));
    rig.scheduler.runUntil(50_000);
    rig.link.reset();
    rig.requester.reset();
    rig.scheduler.runUntilIdle();
    expect([rig.reads, rig.writes, rig.committed]).toEqual([[], [], []]);
    expect(rig.isIdle).toBe(true);
    // What comes later waits for nothing that was lost.
    rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 4));
    rig.scheduler.runUntilIdle();
    expect(rig.reads.map(({ cookie }) => cookie)).toEqual([4]);
  });
});

describe('a read that misses when it leaves', () => {
  it('is walked for when it has arrived', () => {
    const [with_, without] = [true, false].map((foresees) => {
      const rig = rigWith({ 65536: 300_000 }, foresees);
      rig.requester.read(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
      rig.scheduler.runUntilIdle();
      return rig;
    });
    expect(with_.reads).toEqual(without.reads);
    expect(with_.scheduler.events).toBe(without.scheduler.events);
  });
});

describe('KnownMemory', () => {
  it('answers as it was told, and asks for a piece of 2 MiB that is all memory only once', () => {
    const asked: [number, number][] = [];
    const known = new KnownMemory((address, bytes) => {
      asked.push([address, bytes]);
      return address + bytes <= 3 * 2 ** 21 + 4096;
    });
    expect(known.holds(2 ** 21 + 64, 64)).toBe(true);
    expect(known.holds(2 ** 21 + 4096, 4096)).toBe(true);
    expect(asked).toEqual([
      [2 ** 21 + 64, 64],
      [2 ** 21, 2 ** 21],
    ]);
    // A piece that is memory in part is asked for each time.
    expect(known.holds(3 * 2 ** 21, 64)).toBe(true);
    expect(known.holds(3 * 2 ** 21 + 4096, 64)).toBe(false);
    expect(known.holds(-2, 64)).toBe(false);
    // Pieces that share a place with another one.
    expect(known.holds(65 * 2 ** 21, 64)).toBe(false);
    expect(known.holds(2 ** 21, 64)).toBe(true);
  });
});
