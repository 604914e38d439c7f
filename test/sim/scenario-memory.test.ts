import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScenarioError } from '../../src/sim/index.ts';
import { makeSimulation } from './rig.ts';

/** Guests that come close to the memory of a small host, or go beyond it. */
const hosts = fc.record({
  memoryGiB: fc.integer({ min: 1, max: 5 }),
  iommu: fc.boolean(),
  shares: fc.array(fc.record({ share: fc.double({ min: 0.05, max: 1, noNaN: true }), huge: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  }),
});

describe('the memory of the host', () => {
  it('holds every guest of a scenario that is accepted', () => {
    fc.assert(
      fc.property(hosts, ({ memoryGiB, iommu, shares }) => {
        const guests = shares.map(({ share, huge }) => ({
          memoryMiB: 2 * Math.round(share * memoryGiB * 512),
          pageSize: huge ? ('2M' as const) : ('4K' as const),
        }));
        try {
          makeSimulation({ host: { memoryGiB, iommu }, guests });
        } catch (error) {
          // Refused in one line; anything else is a guest that did not fit after all.
          expect(error).toBeInstanceOf(ScenarioError);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each([true, false])('holds a guest of the size that the refusal allows, with an IOMMU: %s', (iommu) => {
    for (const memoryGiB of [1, 3]) {
      const scenario = (memoryMiB: number) => ({ host: { memoryGiB, iommu }, guests: [{ memoryMiB }] });
      const refusal = expect(() => makeSimulation(scenario(memoryGiB * 1024)));
      let most = 0;
      refusal.toThrow(
        expect.toSatisfy((error: ScenarioError) => {
          most = Number(/up to (\d+)$/.exec(error.allowed)?.[1]);
          return most > 0;
        }),
      );
      expect(() => makeSimulation(scenario(most))).not.toThrow();
      expect(() => makeSimulation(scenario(most + 2))).toThrow(ScenarioError);
    }
  });
});
