import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IOMMU_FAULT, IOMMU_MISS, OrderedTranslations } from '../../src/iommu/index.ts';

/** Odd pages need a walk, page 4 may not be used; walks end when the test says so. */
function rig(ahead: number) {
  const walks: (() => void)[] = [];
  let lookUps = 0;
  const ordered = new OrderedTranslations(
    {
      lookup: (_, address) => {
        lookUps++;
        if (address === 4) return IOMMU_FAULT;
        return address % 2 === 1 ? IOMMU_MISS : address + 1000;
      },
      walk: (_, address, __, client, cookie) => walks.push(() => client.translated(cookie, address + 1000)),
    },
    ahead,
    64,
  );
  const answers: [number, number][] = [];
  const client = { translated: (cookie: number, physical: number) => answers.push([cookie, physical]) };
  /** As a port does. */
  const ask = (address: number, cookie: number) => {
    const physical = ordered.lookup(0x100, address, false);
    if (physical === IOMMU_MISS) ordered.walk(0x100, address, false, client, cookie);
    else answers.push([cookie, physical]);
  };
  return { ask, answers, walks, ordered, lookUps: () => lookUps };
}

describe('OrderedTranslations', () => {
  it('answers a hit at once where nothing waits', () => {
    const { ask, answers } = rig(8);
    ask(2, 7);
    ask(4, 8);
    expect(answers).toEqual([
      [7, 1002],
      [8, IOMMU_FAULT],
    ]);
  });

  it('has a hit wait for the walk of a request before it', () => {
    const { ask, answers, walks } = rig(8);
    ask(1, 0);
    ask(2, 1);
    ask(3, 2);
    expect(answers).toEqual([]);
    walks[1]();
    expect(answers).toEqual([]);
    walks[0]();
    expect(answers.map(([cookie]) => cookie)).toEqual([0, 1, 2]);
  });

  it('looks at no more requests than it may, and at each once', () => {
    const { ask, walks, lookUps } = rig(2);
    for (const page of [1, 3, 5, 2]) ask(page, page);
    expect(walks.length).toBe(2);
    expect(lookUps()).toBe(2);
    walks[0]();
    expect(walks.length).toBe(3);
    walks[1]();
    walks[2]();
    expect(lookUps()).toBe(4);
  });

  it('answers all in order, whatever ends first and however far it looks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.nat()),
        (pages, ahead, choices) => {
          const { ask, answers, walks } = rig(ahead);
          const choose = (count: number) => Number(choices.next().value) % count;
          pages.forEach((page, cookie) => {
            ask(page, cookie);
            expect(walks.length).toBeLessThanOrEqual(ahead);
            if (walks.length > 0 && choose(3) === 0) walks.splice(choose(walks.length), 1)[0]();
          });
          while (walks.length > 0) walks.splice(choose(walks.length), 1)[0]();
          expect(answers).toEqual(pages.map((page, i) => [i, page === 4 ? IOMMU_FAULT : page + 1000]));
        },
      ),
    );
  });

  it('refuses to look at none', () => {
    expect(() => rig(0)).toThrow('ahead');
  });
});
