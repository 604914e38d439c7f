import { describe, expect, it } from 'vitest';
import { runExperiment, vfScalingExperiment } from '../../../src/sim/experiments/index.ts';

type Row = Record<string, number>;

function rows(...settings: string[]): Row[] {
  const { columns, rows } = runExperiment(vfScalingExperiment, settings);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])) as Row);
}

describe('the experiment vf-scaling', () => {
  it('has VFs share the wire, all of it and evenly, however many they are', () => {
    for (const { total, least, most, fairness, vfs } of rows('loads=100', 'vfs=1,12')) {
      expect(total).toBeCloseTo(14.88, 1);
      expect(fairness).toBeGreaterThan(0.999);
      expect(fairness).toBeLessThanOrEqual(1);
      expect(most - least).toBeLessThanOrEqual(0.002 + 0.01 * most);
      expect(least * vfs).toBeLessThanOrEqual(total + 0.01);
    }
  });

  it('has frames wait for the rings of all, as the closed form adds it up', () => {
    for (const { latency, closedFormLatency } of rows('loads=100', 'vfs=3,14')) {
      // A pass of a driver refills a ring after some of it has gone: it is not always full.
      expect(latency).toBeLessThanOrEqual(closedFormLatency + 5);
      expect(latency).toBeGreaterThan(closedFormLatency * 0.8);
    }
  });

  it('has frames at half the load wait for nobody, and arrive all', () => {
    const found = rows('loads=50', 'vfs=9');
    for (const { total, closedForm, latency, closedFormLatency } of found) {
      expect(Math.abs(total / closedForm - 1)).toBeLessThan(0.01);
      expect(latency).toBeLessThan(10);
      expect(closedFormLatency).toBeNull();
    }
  });

  it('has the port share out what comes in, too', () => {
    const [row] = rows('direction=receive', 'loads=100', 'vfs=3', 'sizes=512');
    expect(Math.abs(row.total / row.closedForm - 1)).toBeLessThan(0.01);
    expect(row.fairness).toBeGreaterThan(0.999);
  });
});
