import { describe, expect, it } from 'vitest';
import { interruptModerationExperiment, runExperiment } from '../../../src/sim/experiments/index.ts';

const column = (name: string) =>
  interruptModerationExperiment.columns.findIndex((each) => each.name === name);

function rows(...settings: string[]) {
  const { rows: found } = runExperiment(interruptModerationExperiment, settings);
  return found.map((row) => (name: string) => row[column(name)] as number);
}

/** What was measured, as a multiple of what the closed form says: of interrupts and of latency. */
const ratios = (value: (name: string) => number) => [
  value('interrupts') / value('closedInterrupts'),
  value('latency') / value('closedLatency'),
];

describe('interrupt-moderation', () => {
  it('has fewer interrupts and more latency with longer intervals, as its closed form has', () => {
    const [none, some] = rows('rates=50000', 'intervals=0,40');
    for (const value of [none, some]) {
      expect(value('lost')).toBe(0);
      for (const ratio of ratios(value)) expect(Math.abs(ratio - 1)).toBeLessThan(0.06);
    }
    expect(some('interrupts')).toBeLessThan(none('interrupts') / 2);
    expect(some('latency')).toBeGreaterThan(2 * none('latency'));
    expect(some('framesPerInterrupt')).toBeGreaterThan(2 * none('framesPerInterrupt'));
  });

  it('sends no more than one interrupt an interval, and for each frame where those are rarer', () => {
    const [often, rare] = rows('arrivals=constant', 'rates=200000,20000', 'intervals=10');
    expect(often('interrupts')).toBeLessThanOrEqual(1e6 / (10 * 2.048) + 1000);
    expect([rare('framesPerInterrupt'), Math.round(rare('interrupts') / 1000)]).toEqual([1, 20]);
    for (const ratio of [often, rare].flatMap(ratios)) expect(Math.abs(ratio - 1)).toBeLessThan(0.06);
  });
});
