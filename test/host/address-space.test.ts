import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../src/base/index.ts';
import { AddressSpace, DmaRegion } from '../../src/host/index.ts';

const PAGE = 4096;
/** Pages of a space, each somewhere else: descending, and every one in another chunk of memory. */
const scattered = (address: number) => {
  const page = Math.floor(address / PAGE);
  return (1000 - page) * 0x1_0000 + 3 * PAGE + (address - page * PAGE);
};

describe('the memory of a driver', () => {
  it('is handed out on whole pages, in order of address', () => {
    const space = new AddressSpace(new SparseMemory(), 0x10_0000, 0x20_0000, (address) => address);
    const regions = [100, PAGE, PAGE + 1, 1].map((bytes) => space.allocate(bytes));
    expect(regions.map(({ address }) => address)).toEqual([0x10_0000, 0x10_1000, 0x10_2000, 0x10_4000]);
    expect(regions.map(({ bytes }) => bytes)).toEqual([100, PAGE, PAGE + 1, 1]);
  });

  it('is used up to its last page, and refuses what goes beyond', () => {
    const space = new AddressSpace(new SparseMemory(), 0, 4 * PAGE, (address) => address);
    space.allocate(3 * PAGE);
    expect(() => space.allocate(PAGE + 1)).toThrow(new RangeError('no room for 4097 bytes: 4096 are left'));
    expect(space.allocate(PAGE).address).toBe(3 * PAGE);
    expect(() => space.allocate(1)).toThrow(RangeError);
  });

  it('can all be handed out again when its owners are gone', () => {
    const space = new AddressSpace(new SparseMemory(), PAGE, 4 * PAGE, (address) => address);
    space.allocate(3 * PAGE);
    space.release();
    expect(space.allocate(3 * PAGE).address).toBe(PAGE);
  });
});

describe('a region', () => {
  it('reads and writes the double words where its pages lie', () => {
    const memory = new SparseMemory();
    const region = new DmaRegion(memory, 5 * PAGE, 3 * PAGE, scattered);
    for (const word of [0, 1023, 1024, 2047, 3071]) {
      region.write(word, -word);
      const physical = scattered(5 * PAGE + 4 * word);
      expect(region.physicalOf(4 * word)).toBe(physical);
      expect(region.pageOf(4 * word)).toBe(Math.floor(physical / PAGE));
      expect(memory.read32(physical)).toBe(-word >>> 0);
      memory.write32(physical, 0x8000_0000 + word);
      expect(region.read(word)).toBe((0x8000_0000 + word) | 0);
      expect(region.wordsOf(word)[region.indexOf(word)]).toBe(region.read(word));
    }
  });

  it('takes bytes in and gives them out again, over the ends of pages', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 6000 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 1500 }), (data, word) => {
        const region = new DmaRegion(new SparseMemory(), 0, 4 * PAGE, scattered);
        region.writeBytes(4 * word, data, 0, data.length);
        const back = new Uint8Array(data.length);
        region.readBytes(4 * word, back, 0, data.length);
        expect(back).toEqual(data);
      }),
      { numRuns: 30 },
    );
  });
});
