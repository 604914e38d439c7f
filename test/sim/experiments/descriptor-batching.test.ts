import { describe, expect, it } from 'vitest';
import { descriptorBatchingExperiment, runExperiment } from '../../../src/sim/experiments/index.ts';

type Row = Record<string, number>;

function rows(...settings: string[]): Row[] {
  const { columns, rows } = runExperiment(descriptorBatchingExperiment, settings);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])) as Row);
}

describe('the experiment descriptor-batching', () => {
  it('fills the wire with 64-byte frames where descriptors are prefetched and nothing waits', () => {
    const [row] = rows('batch=32', 'pthresh=32', 'wthresh=0');
    expect(row.closedForm).toBeCloseTo(14.881, 3);
    expect(row.simulated).toBeCloseTo(14.88, 1);
    // One descriptor of each batch asks for its status.
    expect(row.framesPerReport).toBeCloseTo(32, 0);
  });

  it('is bounded by the driver where each frame takes a pass', () => {
    const [row] = rows('batch=1', 'pthresh=32', 'wthresh=0');
    expect(row.closedForm).toBe(12.5);
    expect(Math.abs(row.simulated / row.closedForm - 1)).toBeLessThan(0.005);
  });

  it('reports as many frames at once as WTHRESH says, up to the cache', () => {
    const found = rows('batch=32', 'pthresh=32', 'wthresh=8,120');
    expect(Math.abs(found[0].framesPerReport - 8)).toBeLessThan(1);
    expect(found[1].framesPerReport).toBeLessThanOrEqual(40);
    expect(found[1].framesPerReport).toBeGreaterThan(20);
  });

  it('fetches fewer descriptors at a time the more the cache keeps in stock', () => {
    const [all, some] = rows('batch=32', 'pthresh=0,38', 'wthresh=0');
    expect(all.descriptorsPerFetch).toBeGreaterThan(some.descriptorsPerFetch);
  });

  it('is never above its closed form, and below it where batches leave the cache no room', () => {
    const found = rows('batch=32', 'pthresh=0,32', 'wthresh=0,40');
    for (const { closedForm, simulated } of found) expect(simulated).toBeLessThanOrEqual(closedForm * 1.002);
    const of = (pthresh: number, wthresh: number) =>
      found.find((row) => row.pthresh === pthresh && row.wthresh === wthresh) as Row;
    expect(of(0, 40).simulated).toBeLessThan(of(32, 0).simulated);
  });

  it('reports by head as often as by descriptors', () => {
    const [row] = rows('reports=head', 'batch=16', 'pthresh=32', 'wthresh=8');
    expect(row.wthresh).toBe(0);
    expect(row.framesPerReport).toBeCloseTo(16, 0);
    expect(row.simulated).toBeCloseTo(14.88, 1);
  });
});
