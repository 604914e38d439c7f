import { describe, expect, it } from 'vitest';
import { FlitClock, flitsBetweenSkips } from '../../../src/pcie/index.ts';

const WIDTHS = [1, 2, 4, 8, 12, 16, 32];

describe('flits of a link of generation 6', () => {
  it.each([
    [1, 32_000],
    [2, 16_000],
    [4, 8000],
    [8, 4000],
    [16, 2000],
    [32, 1000],
  ])('of x%i take %i ps: 256 symbols of 125 ps over all lanes', (lanes, flitPs) => {
    const clock = new FlitClock({ generation: 6, lanes });
    for (const flit of [0, 1, 7]) {
      expect(clock.timeOf(flit, 0)).toBe(flit * flitPs);
      expect(clock.endOf(flit)).toBe((flit + 1) * flitPs);
    }
  });

  it('have a SKIP ordered set of 40 symbols behind so many of them as their lanes allow', () => {
    expect(WIDTHS.map(flitsBetweenSkips)).toEqual([46, 93, 187, 375, 561, 750, 1500]);
    for (const lanes of WIDTHS) {
      const clock = new FlitClock({ generation: 6, lanes });
      const flits = flitsBetweenSkips(lanes);
      expect(Number.isInteger(clock.periodPs)).toBe(true);
      expect(clock.timeOf(flits, 0) - clock.endOf(flits - 1)).toBe(40 * 125);
      expect(clock.timeOf(1000 * flits, 0)).toBe(1000 * clock.periodPs);
    }
  });

  it('are found again by the times of their bytes', () => {
    for (const lanes of WIDTHS) {
      const clock = new FlitClock({ generation: 6, lanes });
      const flits = flitsBetweenSkips(lanes);
      for (const flit of [0, 1, 17, flits - 1, flits, 5 * flits + 3, 1e6]) {
        for (const offset of [0, 1, 4, 100, 236, 255]) {
          clock.locate(clock.timeOf(flit, offset));
          // On wide links several bytes leave at a time.
          expect(clock.flit).toBe(flit);
          expect(Math.abs(clock.offset - offset)).toBeLessThanOrEqual(lanes > 8 ? 1 : 0);
        }
      }
      // Within a SKIP ordered set the next one is the one behind it.
      clock.locate(clock.endOf(flits - 1) + 2000);
      expect([clock.flit, clock.offset]).toEqual([flits, 0]);
    }
  });
});
