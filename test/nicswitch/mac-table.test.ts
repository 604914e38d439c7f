import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MacTable, macHash, NOBODY, nearValue, SET } from '../../src/nicswitch/mac-table.ts';
import { macHighWord, macLowWord } from '../../src/wire/index.ts';

const PORTS = 40;

/** Addresses whose first places in an empty table are the last and the first ones: they probe around the end. */
function neighbours(count: number): { low: number; high: number }[] {
  const { shift } = new MacTable(1, PORTS);
  const last = 2 ** (32 - shift) - 1;
  const found: { low: number; high: number }[] = [];
  for (let low = 0; found.length < count; low++) {
    const place = macHash(low, 0) >>> shift;
    if (place >= last - 1 || place <= 1) found.push({ low, high: 0 });
  }
  return found;
}

/** An address as it lies in a frame. */
function wordsOf(mac: number): { low: number; high: number } {
  return { low: macLowWord(mac), high: macHighWord(mac) };
}

describe('MacTable', () => {
  it('knows nobody at first, not even the address of zeros that empty places look like', () => {
    const table = new MacTable(16, PORTS);
    expect(table.lookup(0, 0)).toBe(NOBODY);
    table.add(3, 0, 0);
    expect(table.lookup(0, 0)).toBe(3);
  });

  it('tells addresses apart by each of their 48 bits', () => {
    const table = new MacTable(64, PORTS);
    table.add(0, 0, 0);
    for (let bit = 0; bit < 32; bit++) expect(table.lookup(1 << bit, 0)).toBe(NOBODY);
    for (let bit = 0; bit < 16; bit++) expect(table.lookup(0, 1 << bit)).toBe(NOBODY);
  });

  it('is read by the data path alike, however many places an address is from its first', () => {
    const table = new MacTable(64, PORTS);
    const addresses = neighbours(24);
    for (const [port, { low, high }] of addresses.slice(0, 16).entries()) table.add(port, low, high);
    for (const { low, high } of addresses) {
      // What stands above the last two bytes of an address is not part of it.
      expect(nearValue(table.places, table.shift, low, high | 0x12340000)).toBe(table.lookup(low, high));
    }
  });

  it.each([
    [1, 256],
    [2, 1024],
    [256, 256],
    [65_536, 128],
  ])('spreads addresses in steps of %d: %d of them are at their first two places', (step, count) => {
    const table = new MacTable(4096, PORTS);
    const addresses = Array.from({ length: count }, (_, i) => wordsOf(0x020000000100 + i * step));
    for (const { low, high } of addresses) table.add(1, low, high);
    const { places, shift, mask } = table;
    const far = addresses.filter(({ low, high }) => {
      const place = (macHash(low, high) >>> shift) << 1;
      return ![place, (place + 2) & mask].some(
        (at) => places[at] === low && (places[at + 1] & 0xffff) === high,
      );
    });
    expect(far.length).toBeLessThanOrEqual(count / 100);
  });

  it('holds as many addresses as it was made for', () => {
    const table = new MacTable(3, PORTS);
    expect([1, 2, 3, 4].map((low) => table.add(0, low, 0))).toEqual([true, true, true, false]);
    expect(table.size).toBe(3);
    expect(table.add(1, 3, 0)).toBe(true);
    expect(table.remove(0, 1, 0)).toBe(true);
    expect(table.add(0, 4, 0)).toBe(true);
  });

  it('has a port as value for one, and a set for several', () => {
    const table = new MacTable(16, PORTS);
    table.add(7, 1, 2);
    expect(table.lookup(1, 2)).toBe(7);
    table.add(39, 1, 2);
    const value = table.lookup(1, 2);
    expect(value).toBeGreaterThanOrEqual(SET);
    expect(Array.from(table.sets.subarray(table.rowOf(value), table.rowOf(value) + 2))).toEqual([
      1 << 7,
      1 << 7,
    ]);
    table.remove(7, 1, 2);
    expect(table.lookup(1, 2)).toBe(39);
  });

  it('uses sets again that are no longer needed', () => {
    const table = new MacTable(16, PORTS);
    const words = table.sets.length;
    for (let i = 0; i < 100; i++) {
      table.add(1, i & 7, 0);
      table.add(2, i & 7, 0);
      table.remove(1, i & 7, 0);
      table.remove(2, i & 7, 0);
    }
    expect(table.sets.length).toBe(words);
    expect(table.size).toBe(0);
  });

  it('never fills more than a quarter of its places', () => {
    const table = new MacTable(4096, PORTS);
    for (let i = 0; i < 4096; i++) table.add(i % PORTS, i, i >> 8);
    expect(table.size).toBe(4096);
    expect(table.places.length / 2).toBe(16_384);
    for (let i = 0; i < 4096; i++) expect(table.lookup(i, i >> 8)).toBe(i % PORTS);
  });

  it('finds what is there, and nothing else, after any adding and removing of addresses that share places', () => {
    const addresses = neighbours(12);
    const step = fc.record({
      add: fc.boolean(),
      port: fc.integer({ min: 0, max: 2 }),
      address: fc.constantFrom(...addresses),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new MacTable(12, PORTS);
        const expected = new Map(addresses.map((address) => [address, new Set<number>()]));
        for (const { add, port, address } of steps) {
          const ports = expected.get(address) as Set<number>;
          if (add) {
            expect(table.add(port, address.low, address.high)).toBe(true);
            ports.add(port);
          } else {
            expect(table.remove(port, address.low, address.high)).toBe(ports.delete(port));
          }
          for (const [{ low, high }, members] of expected) {
            for (let p = 0; p < 3; p++) expect(table.has(p, low, high)).toBe(members.has(p));
            if (members.size === 0) expect(table.lookup(low, high)).toBe(NOBODY);
            if (members.size === 1) expect(table.lookup(low, high)).toBe([...members][0]);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
