import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FramePool,
  FreeList,
  IntRing,
  naturalLog,
  RandomStreams,
  SparseMemory,
  wordStore,
} from '../../src/base/index.ts';

describe('IntRing', () => {
  it('holds as many entries as its capacity, first in first out, across the wrap', () => {
    const ring = new IntRing(4);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) expect(ring.push(i)).toBe(true);
      expect(ring.push(9)).toBe(false);
      expect(ring.room).toBe(0);
      expect([ring.shift(), ring.shift()]).toEqual([0, 1]);
      ring.push(4);
      expect([ring.shift(), ring.shift(), ring.shift()]).toEqual([2, 3, 4]);
      expect(ring.length).toBe(0);
    }
  });

  it('refuses a capacity that is no power of two', () => {
    expect(() => new IntRing(6)).toThrow('capacity must be a power of two, got 6');
  });
});

describe('FreeList', () => {
  it('gives out each integer once', () => {
    const list = new FreeList(3);
    expect([list.take(), list.take(), list.take(), list.take()]).toEqual([0, 1, 2, -1]);
    list.give(1);
    expect(list.take()).toBe(1);
  });
});

describe('FramePool', () => {
  it('frees a slot when its last holder releases it', () => {
    const pool = new FramePool({ slots: 2 });
    const slot = pool.take();
    pool.retain(slot, 2);
    pool.release(slot);
    pool.release(slot);
    expect(pool.available).toBe(1);
    pool.release(slot);
    expect(pool.available).toBe(2);
    expect(() => pool.release(slot)).toThrow('released more often');
  });
});

describe('SparseMemory', () => {
  it('reads zero where nothing was written and allocates at first touch', () => {
    const memory = new SparseMemory(2 ** 40);
    expect(memory.allocatedBytes).toBe(0);
    expect(memory.read32(0x12_3456_7890)).toBe(0);
    expect(memory.allocatedBytes).toBe(65_536);
  });

  it('refuses addresses outside its limit', () => {
    const memory = new SparseMemory(2 ** 20);
    expect(() => memory.read8(2 ** 21)).toThrow(RangeError);
    expect(() => memory.read8(-1)).toThrow(RangeError);
  });

  it('behaves as one array of bytes, across chunks and at any alignment', () => {
    const addresses = fc.oneof(
      fc.integer({ min: 0xffe0, max: 0x1_0020 }),
      fc.integer({ min: 0, max: 0x3_0000 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(0, 2 ** 33, 2 ** 37, 2 ** 51),
        // Its end is or is not that of a word or a pair.
        fc.constantFrom(512, 516, 517),
        // Where the bytes begin in it.
        fc.constantFrom(0, 4, 8, 9),
        fc.array(
          fc.tuple(addresses, fc.uint8Array({ minLength: 1, maxLength: 400, size: 'max' }), fc.boolean()),
          {
            maxLength: 20,
          },
        ),
        (base, bytesOfStore, at, writes) => {
          const memory = new SparseMemory();
          const model = new Uint8Array(0x4_0000);
          const store = wordStore(new ArrayBuffer(bytesOfStore));
          const { u8 } = store;
          for (const [address, bytes, words] of writes) {
            u8.set(bytes, at);
            if (words) memory.copyInWords(base + address, bytes.length, store, at);
            else memory.copyIn(base + address, bytes.length, u8, at);
            model.set(bytes, address);
          }
          for (const [address, bytes, words] of writes) {
            if (words) memory.copyOutWords(base + address, bytes.length, store, at);
            else memory.copyOut(base + address, bytes.length, u8, at);
            expect(u8.slice(at, at + bytes.length)).toEqual(model.slice(address, address + bytes.length));
            const word = new DataView(model.buffer).getUint32(address, true);
            expect(memory.read32(base + address)).toBe(word);
          }
        },
      ),
    );
  });
});

describe('RandomStreams', () => {
  it('gives a stream by seed and name alone', () => {
    const first = new RandomStreams(7).stream('a').uint32();
    const streams = new RandomStreams(7);
    streams.stream('b').uint32();
    expect(streams.stream('a').uint32()).toBe(first);
    expect(new RandomStreams(8).stream('a').uint32()).not.toBe(first);
  });

  it('draws exponential gaps with the mean that was asked for', () => {
    const stream = new RandomStreams(1).stream('gaps');
    let sum = 0;
    for (let i = 0; i < 200_000; i++) sum += stream.exponential(1000);
    expect(sum / 200_000).toBeGreaterThan(990);
    expect(sum / 200_000).toBeLessThan(1010);
  });

  it('computes logarithms to the last digits', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -32, max: 1, noNaN: true }), (x) => {
        expect(Math.abs(naturalLog(x) - Math.log(x))).toBeLessThan(1e-14);
      }),
    );
  });
});
