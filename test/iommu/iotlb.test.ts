import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/base/index.ts';
import { type CacheShape, Iotlb, PERMIT_READ, PERMIT_WRITE } from '../../src/iommu/index.ts';

const PAGE = 4096;
const LEVEL_BYTES = [0, 2 ** 12, 2 ** 21, 2 ** 30];
const READ_WRITE = PERMIT_READ | PERMIT_WRITE;

function iotlbOf(shape: Partial<CacheShape> = {}, seed = 'iotlb'): Iotlb {
  return new Iotlb({ sets: 1, ways: 4, replacement: 'lru', ...shape }, new RandomStream(seed));
}

/** What a translation adds to the addresses of a page that is held. */
function offsetOf(iotlb: Iotlb, domain: number, address: number): number {
  return iotlb.find(domain, address)?.value ?? Number.NaN;
}

/** Looks a page up and fills it in if it is missing; returns whether it was there. */
function touch(iotlb: Iotlb, page: number, domain = 1): boolean {
  const hit = iotlb.find(domain, page * PAGE) !== null;
  if (!hit) iotlb.fill(domain, page * PAGE, 1, page * PAGE, READ_WRITE);
  return hit;
}

/** Hits of three rounds over as many pages, one after another. */
function cyclicHits(iotlb: Iotlb, pages: number): number {
  for (let i = 0; i < 3 * pages; i++) touch(iotlb, i % pages);
  return iotlb.hits;
}

describe('Iotlb', () => {
  it('translates every byte of a page it holds, of any size', () => {
    const iotlb = iotlbOf();
    iotlb.fill(1, 0x12_3456_7000, 1, 0x9000, PERMIT_READ);
    iotlb.fill(1, 0x4020_0000, 2, 0xff_ffe0_0000, PERMIT_WRITE);
    iotlb.fill(1, 2 ** 47, 3, 0x4000_0000, READ_WRITE);
    const translate = (address: number) => address + offsetOf(iotlb, 1, address);
    expect(translate(0x12_3456_7abc)).toBe(0x9abc);
    expect(translate(0x403f_ffff)).toBe(0xff_ffff_ffff);
    expect(translate(2 ** 47 + 0x3fff_ffff)).toBe(0x7fff_ffff);
    expect(iotlb.find(1, 0x12_3456_8000)).toBeNull();
    expect(iotlb.find(1, 0x4040_0000)).toBeNull();
    expect(iotlb.find(1, 2 ** 47 + 2 ** 30)).toBeNull();
    expect(iotlb.find(1, 0x4020_0000)?.permissions).toBe(PERMIT_WRITE);
  });

  it('finds pages of all sizes, whichever size was found last', () => {
    const iotlb = iotlbOf({ ways: 8 });
    const bases = [0x1000, 0x4020_0000, 2 ** 40];
    bases.forEach((address, i) => {
      iotlb.fill(1, address, i + 1, address + 2 ** 41, READ_WRITE);
    });
    for (const first of bases) {
      for (const second of bases) {
        for (const address of [first, second, first]) {
          expect(offsetOf(iotlb, 1, address)).toBe(2 ** 41);
        }
        expect(iotlb.find(1, 2 ** 45)).toBeNull();
      }
    }
    expect([iotlb.hits, iotlb.misses]).toEqual([27, 9]);
  });

  it('keeps domains apart', () => {
    const iotlb = iotlbOf();
    iotlb.fill(0, 0x1000, 1, 0xa000, READ_WRITE);
    iotlb.fill(0xffff, 0x1000, 1, 0xb000, READ_WRITE);
    expect(offsetOf(iotlb, 0, 0x1000)).toBe(0x9000);
    expect(offsetOf(iotlb, 0xffff, 0x1000)).toBe(0xa000);
    expect(iotlb.find(1, 0x1000)).toBeNull();
  });

  it('tells pages apart that differ only in address bits above 32', () => {
    const iotlb = iotlbOf({ ways: 16 });
    for (let i = 0; i < 16; i++) iotlb.fill(1, i * 2 ** 44, 1, i * PAGE, READ_WRITE);
    for (let i = 0; i < 16; i++) {
      const address = i * 2 ** 44;
      expect(address + offsetOf(iotlb, 1, address)).toBe(i * PAGE);
    }
  });

  it('replaces a translation that is filled in again', () => {
    const iotlb = iotlbOf();
    iotlb.fill(1, 0x1000, 1, 0x5000, PERMIT_READ);
    iotlb.fill(1, 0x1000, 1, 0x6000, READ_WRITE);
    expect(iotlb.size).toBe(1);
    expect(offsetOf(iotlb, 1, 0x1000)).toBe(0x5000);
    expect(iotlb.evictions).toBe(0);
  });

  it('counts hits, misses and evictions', () => {
    const iotlb = iotlbOf();
    for (const page of [0, 1, 2, 3, 0, 1, 2, 3, 4, 4]) touch(iotlb, page);
    expect([iotlb.hits, iotlb.misses, iotlb.evictions]).toEqual([5, 5, 1]);
  });

  it('misses nothing after the first round over as many pages as it holds', () => {
    for (const replacement of ['lru', 'clock', 'random'] as const) {
      expect(cyclicHits(iotlbOf({ ways: 117, replacement }), 117)).toBe(2 * 117);
    }
  });

  it('with LRU misses always when one page more than it holds is visited in turn, with random only sometimes', () => {
    expect(cyclicHits(iotlbOf({ ways: 64 }), 65)).toBe(0);
    const random = cyclicHits(iotlbOf({ ways: 64, replacement: 'random' }), 65);
    expect(random).toBeGreaterThan(65);
  });

  it('with LRU lets the page go that was not used for longest', () => {
    const iotlb = iotlbOf();
    for (const page of [0, 1, 2, 3, 0, 2, 4]) touch(iotlb, page);
    expect(iotlb.peek(1, PAGE)).toBeNull();
    for (const page of [0, 2, 3, 4]) expect(iotlb.peek(1, page * PAGE)).not.toBeNull();
  });

  it('with second chance spares pages that were used since the last round', () => {
    const iotlb = iotlbOf({ replacement: 'clock' });
    for (const page of [0, 1, 2, 3, 0, 2, 4, 5]) touch(iotlb, page);
    for (const page of [0, 2, 4, 5]) expect(iotlb.peek(1, page * PAGE)).not.toBeNull();
    for (const page of [1, 3]) expect(iotlb.peek(1, page * PAGE)).toBeNull();
  });

  it('draws the same victims from the same seed', () => {
    const survivors = (seed: string) => {
      const iotlb = iotlbOf({ ways: 16, replacement: 'random' }, seed);
      for (let page = 0; page < 100; page++) touch(iotlb, page);
      return Array.from({ length: 100 }, (_, page) => iotlb.peek(1, page * PAGE) !== null);
    };
    expect(survivors('a')).toEqual(survivors('a'));
    expect(survivors('a')).not.toEqual(survivors('b'));
  });

  it('lets only pages of the same set compete', () => {
    const iotlb = iotlbOf({ sets: 4, ways: 1 });
    for (const page of [0, 1, 2, 3]) touch(iotlb, page, 0);
    touch(iotlb, 4, 0);
    expect(iotlb.peek(0, 0)).toBeNull();
    for (const page of [1, 2, 3, 4]) expect(iotlb.peek(0, page * PAGE)).not.toBeNull();
  });

  it('hits held / pages of uniform random accesses, whatever the replacement', () => {
    for (const replacement of ['lru', 'clock', 'random'] as const) {
      const iotlb = iotlbOf({ ways: 117, replacement });
      const random = new RandomStream('pages');
      for (let i = 0; i < 40_000; i++) {
        if (i === 5_000) iotlb.hits = iotlb.misses = 0;
        touch(iotlb, random.integer(256));
      }
      const rate = iotlb.hits / (iotlb.hits + iotlb.misses);
      expect(Math.abs(rate - 117 / 256)).toBeLessThan(0.01);
    }
  });

  it('forgets everything, a domain, or the pages of a range of a domain', () => {
    const iotlb = iotlbOf({ ways: 64 });
    const fill = () => {
      for (const domain of [1, 2]) {
        for (let page = 0; page < 8; page++) iotlb.fill(domain, page * PAGE, 1, 0, READ_WRITE);
        iotlb.fill(domain, 2 ** 21, 2, 0, READ_WRITE);
        iotlb.fill(domain, 2 ** 30, 3, 0, READ_WRITE);
      }
    };
    fill();
    iotlb.invalidatePages(1, 2 * PAGE, 3 * PAGE);
    expect([1, 2, 3, 4, 5].map((page) => iotlb.peek(1, page * PAGE) !== null)).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect(iotlb.size).toBe(17);
    // One page out of a larger one takes the whole of it.
    iotlb.invalidatePages(1, 2 ** 21 + 5 * PAGE, PAGE);
    iotlb.invalidatePages(1, 2 ** 30 + 2 ** 29, PAGE);
    expect(iotlb.peek(1, 2 ** 21)).toBeNull();
    expect(iotlb.peek(1, 2 ** 30)).toBeNull();
    expect(iotlb.size).toBe(15);
    iotlb.invalidatePages(2, 0, 2 ** 31);
    expect(iotlb.size).toBe(5);
    fill();
    iotlb.invalidateDomain(2);
    expect(iotlb.size).toBe(10);
    iotlb.invalidateAll();
    expect(iotlb.size).toBe(0);
    expect(iotlb.find(1, 0)).toBeNull();
  });

  it('takes emptied entries before it evicts', () => {
    for (const replacement of ['lru', 'clock', 'random'] as const) {
      const iotlb = iotlbOf({ ways: 8, replacement });
      for (let page = 0; page < 8; page++) touch(iotlb, page);
      iotlb.invalidatePages(1, 3 * PAGE, 2 * PAGE);
      touch(iotlb, 8);
      touch(iotlb, 9);
      expect(iotlb.evictions).toBe(0);
      touch(iotlb, 10);
      expect(iotlb.evictions).toBe(1);
    }
  });

  it('refuses shapes that cannot be', () => {
    expect(() => iotlbOf({ sets: 3 })).toThrow(/^sets must be a power of two/);
    expect(() => iotlbOf({ ways: 0 })).toThrow(/^ways must be/);
    expect(() => iotlbOf({ replacement: 'fifo' as 'lru' })).toThrow(
      /^replacement must be one of lru, clock, random/,
    );
    expect(() => new Iotlb({ sets: 1, ways: 2, replacement: 'random' })).toThrow(/^random must be a stream/);
  });

  it('holds what a map of the same history holds, in sets of any shape', () => {
    const step = fc.record({
      what: fc.constantFrom('touch', 'touch', 'touch', 'touch', 'page', 'domain', 'all'),
      domain: fc.nat({ max: 2 }),
      page: fc.nat({ max: 20 }),
      level: fc.constantFrom(1, 1, 2, 3),
    });
    const shape = fc.record({
      sets: fc.constantFrom(1, 2, 4),
      ways: fc.integer({ min: 1, max: 5 }),
      replacement: fc.constantFrom('lru' as const),
    });
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 200 }), (sizes, steps) => {
        const iotlb = iotlbOf(sizes);
        // One list a set, the least recently used first.
        const model: string[][] = Array.from({ length: sizes.sets }, () => []);
        for (const { what, domain, page, level } of steps) {
          const address = page * LEVEL_BYTES[level];
          const key = `${domain}/${level}/${page}`;
          const set = model[(page ^ domain) & (sizes.sets - 1)];
          if (what === 'touch') {
            const at = set.indexOf(key);
            if (at >= 0) set.splice(at, 1);
            else if (set.length === sizes.ways) set.shift();
            set.push(key);
            iotlb.fill(domain, address, level, address, READ_WRITE);
          } else {
            const goes = (held: string) => {
              const [d, l, p] = held.split('/').map(Number);
              if (what === 'all') return true;
              if (d !== domain) return false;
              const first = p * LEVEL_BYTES[l];
              return what === 'domain' || (first <= address && address < first + LEVEL_BYTES[l]);
            };
            for (const list of model) list.splice(0, list.length, ...list.filter((held) => !goes(held)));
            if (what === 'page') iotlb.invalidatePages(domain, address, 1);
            else if (what === 'domain') iotlb.invalidateDomain(domain);
            else iotlb.invalidateAll();
          }
          expect(iotlb.size).toBe(model.flat().length);
        }
        for (const key of model.flat()) {
          const [domain, level, page] = key.split('/').map(Number);
          expect(iotlb.peek(domain, page * LEVEL_BYTES[level])).not.toBeNull();
        }
      }),
    );
  });
});
