import { describe, expect, it } from 'vitest';
import { didYouMean, nearestName } from '../../src/sim/scenario-suggest.ts';

describe('the name that was meant', () => {
  it.each([
    ['frmeBytes', 'frameBytes'],
    ['ratepps', 'ratePps'],
    ['form', 'from'],
    ['vf', 'vfs'],
  ])('of %s is %s', (name, meant) => {
    expect(nearestName(name, ['vfs', 'from', 'ratePps', 'rateMbps', 'frameBytes'])).toBe(meant);
  });

  it('is left open where none is near', () => {
    expect(nearestName('colour', ['from', 'to', 'vlan'])).toBeUndefined();
    expect(didYouMean('colour', [])).toBe('');
    expect(didYouMean('form', ['from'])).toBe(' (did you mean "from"?)');
  });
});
