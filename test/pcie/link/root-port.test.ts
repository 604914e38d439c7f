import { describe, expect, it } from 'vitest';
import {
  type AddressTranslator,
  TRANSLATION_FAULT,
  TRANSLATION_MISS,
} from '../../../src/pcie/address-translator.ts';
import { CompletionStatus } from '../../../src/pcie/tlp.ts';
import { DmaRig, MEMORY_LIMIT, memoryRequest, PagedTranslator } from './dma-rig.ts';

/**
 * Walks of these durations for pages of these addresses; all other pages hit. Addresses are physical but for
 * `moved`.
 */
function walking(walkPs: Record<number, number>, moved: Record<number, number> = {}) {
  return (scheduler: DmaRig['scheduler']): AddressTranslator => {
    const translate = (address: number) => moved[address - (address % 4096)] ?? address;
    const walks: (() => void)[] = [];
    const walked = scheduler.task('walked', (walk) => walks[walk]());
    return {
      lookup: (_id, address) =>
        address - (address % 4096) in walkPs ? TRANSLATION_MISS : translate(address),
      walk: (_id, address, _isWrite, client, cookie) => {
        walks.push(() => client.translated(cookie, translate(address)));
        scheduler.schedule(walkPs[address - (address % 4096)], walked, walks.length - 1, 0);
      },
    };
  };
}

describe('requests that nothing stands behind', () => {
  it('complete a read with Unsupported Request, whether translation or memory refuses it', () => {
    const rig = new DmaRig({ translator: (s) => new PagedTranslator(s, () => 0, [0x20]) });
    rig.store.u8.fill(0xa5);
    rig.requester.read(memoryRequest(1, 0x20000, 1500, 0, rig.client, 1));
    rig.requester.read(memoryRequest(1, MEMORY_LIMIT, 64, 0, rig.client, 2));
    rig.requester.read(memoryRequest(1, 0x10000, 64, 2048, rig.client, 3));
    rig.scheduler.runUntilIdle();
    const { UNSUPPORTED_REQUEST, SUCCESSFUL } = CompletionStatus;
    const found = rig.reads.map(({ cookie, status }) => [cookie, status]).sort(([x], [y]) => x - y);
    expect(found).toEqual([
      [1, UNSUPPORTED_REQUEST],
      [2, UNSUPPORTED_REQUEST],
      [3, SUCCESSFUL],
    ]);
    expect(rig.store.u8.subarray(0, 2048).every((byte) => byte === 0xa5)).toBe(true);
    expect(rig.port.counters()).toMatchObject({ refusedReads: 2, memoryReads: 1 });
    // Each of the three requests of the first train has a completion of its own, without data.
    expect(rig.link.downstream.counters()).toMatchObject({ tlps: 3 + 1 + 1, tlpBytes: 5 * 20 + 64 });
    expect(rig.isIdle).toBe(true);
  });

  it('drop a write, count it, and change nothing else', () => {
    const rig = new DmaRig({ translator: (s) => new PagedTranslator(s, () => 30_000, [0x20]) });
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 1));
    rig.requester.write(memoryRequest(1, MEMORY_LIMIT - PagedTranslator.SHIFT, 64, 0, rig.client, 2));
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 3));
    rig.scheduler.runUntilIdle();
    expect(rig.writes).toEqual([1, 2, 3]);
    expect(rig.committed).toEqual([0x10000 + PagedTranslator.SHIFT]);
    expect(rig.port.counters()).toMatchObject({ refusedWrites: 2, memoryWrites: 1 });
    expect(rig.isIdle).toBe(true);
  });
});

describe('interrupt messages', () => {
  it('keep their place among writes, though the writes wait for walks', () => {
    const rig = new DmaRig({ translator: walking({ 65536: 400_000 }) });
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.message(1, 0xfee0_1000, 7);
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 2));
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual([0x10000, 'fee01000=7', 0x20000]);
  });

  it('may be written by any DMA of one double word; anything else there is refused', () => {
    const rig = new DmaRig();
    rig.store.u8.set([0x41, 0x40, 0x00, 0x80], 66);
    rig.requester.write(memoryRequest(1, 0xfee0_0000, 4, 66, rig.client, 1));
    for (const [address, bytes] of [
      [0xfee0_0000, 64],
      [0xfee0_0000, 2],
      [0xfee0_0002, 4],
    ])
      rig.requester.write(memoryRequest(1, address, bytes, 64, rig.client, 2));
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual(['fee00000=80004041']);
    expect(rig.port.counters()).toMatchObject({ messages: 1, refusedWrites: 3, memoryWrites: 0 });
    expect(rig.writes).toEqual([1, 2, 2, 2]);
  });

  it('come from the address that the device wrote, never from one that it was translated to', () => {
    const walkTimes: Record<number, number>[] = [{}, { 196608: 100_000 }];
    for (const walkPs of walkTimes) {
      const rig = new DmaRig({ translator: walking(walkPs, { 196608: 0xfee0_0000 }) });
      rig.requester.write(memoryRequest(1, 0x30000, 4, 0, rig.client, 1));
      rig.scheduler.runUntilIdle();
      expect(rig.committed).toEqual([]);
      expect(rig.port.counters()).toMatchObject({ messages: 0, refusedWrites: 1 });
    }
  });
});

describe('ordering at the completer', () => {
  it('keeps writes in order while walks end in any order', () => {
    const rig = new DmaRig({ translator: walking({ 65536: 900_000, 131072: 200_000, 196608: 500_000 }) });
    for (const address of [0x10000, 0x20000, 0x30000, 0x40000])
      rig.requester.write(memoryRequest(1, address, 64, 0, rig.client, address));
    rig.scheduler.runUntilIdle();
    expect(rig.committed).toEqual([0x10000, 0x20000, 0x30000, 0x40000]);
  });

  it('walks for the writes behind one that waits, so that walks overlap', () => {
    const rig = new DmaRig({ translator: walking({ 65536: 900_000, 131072: 900_000 }) });
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 2));
    rig.scheduler.runUntilIdle();
    expect(rig.scheduler.now).toBeLessThan(1_200_000);
  });

  it('lets a write pass a read that waits for its walk', () => {
    const rig = new DmaRig({ translator: walking({ 65536: 900_000 }) });
    rig.requester.read(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 2));
    rig.scheduler.runUntil(700_000);
    expect(rig.committed).toEqual([0x20000]);
    rig.scheduler.runUntilIdle();
    expect(rig.reads).toHaveLength(1);
  });

  it('lets no read pass a write that arrived before it', () => {
    const rig = new DmaRig({ translator: walking({ 65536: 900_000 }) });
    rig.store.u8.fill(0x77, 0, 64);
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.read(memoryRequest(1, 0x10fc0, 64, 64, rig.client, 2));
    rig.requester.read(memoryRequest(1, 0x20000, 64, 128, rig.client, 3));
    rig.scheduler.runUntil(900_000);
    expect(rig.reads).toEqual([]);
    rig.scheduler.runUntilIdle();
    expect(rig.reads).toHaveLength(2);
  });

  it('starts a read as soon as the writes before it are done, though later ones wait', () => {
    const rig = new DmaRig({ translator: walking({ 65536: 300_000, 131072: 5_000_000 }) });
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.read(memoryRequest(1, 0x30000, 64, 64, rig.client, 2));
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 3));
    rig.scheduler.runUntilIdle();
    expect(rig.reads[0].timePs).toBeLessThan(1_000_000);
  });

  it('loses nothing, however much waits behind a walk', () => {
    const rig = new DmaRig({
      translator: walking({ 65536: 80_000_000 }),
      requester: { tags: 2000 },
    });
    const sequence: number[] = [];
    let next = 0;
    const issue = () => {
      while (next < 2400 && rig.requester.canWrite() && rig.requester.canFetch(16)) {
        const address = next === 0 ? 0x10000 : 0x20000 + next * 16;
        rig.requester.write(memoryRequest(1, address, 16, 0, rig.client, next));
        if (next % 2 === 0) rig.requester.read(memoryRequest(1, address, 16, 64, rig.client, next));
        sequence.push(address);
        next++;
      }
    };
    rig.onReady = issue;
    issue();
    rig.scheduler.runUntilIdle();
    expect(next).toBe(2400);
    expect(rig.committed).toEqual(sequence);
    expect(rig.writes).toHaveLength(2400);
    expect(rig.reads).toHaveLength(1200);
    expect(rig.isIdle).toBe(true);
  });

  it('refuses what translation faults only after its walk, in its place', () => {
    const translator = walking({ 65536: 500_000 }, { 65536: TRANSLATION_FAULT });
    const rig = new DmaRig({ translator });
    rig.requester.write(memoryRequest(1, 0x10000, 64, 0, rig.client, 1));
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 2));
    rig.scheduler.runUntilIdle();
    expect(rig.writes).toEqual([1, 2]);
    expect(rig.port.counters()).toMatchObject({ refusedWrites: 1, memoryWrites: 1 });
  });
});
