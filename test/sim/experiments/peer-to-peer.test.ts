import { describe, expect, it } from 'vitest';
import { peerToPeerExperiment, runExperiment } from '../../../src/sim/experiments/index.ts';
import { measureLink } from '../../../src/sim/experiments/link-bandwidth.ts';

type Row = Record<string, number>;

function rows(...settings: string[]): Row[] {
  const { columns, rows } = runExperiment(peerToPeerExperiment, settings);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])) as Row);
}

/** How far a figure is from another one, as a share of that. */
const off = (found: number, expected: number) => Math.abs(found / expected - 1);

describe('the experiment peer-to-peer', () => {
  it.each(['cut-through', 'store-and-forward'])(
    'has latencies of the sum of their parts, with %s',
    (forwarding) => {
      const found = rows(
        'redirect=off,requests,all',
        `forwarding=${forwarding}`,
        'generation=1,4',
        'lanes=4',
        'pairs=1',
        'sizes=4,500,2048',
      );
      expect(found).toHaveLength(2 * 2 * 3 * 3);
      // What the sum does not know are DLLPs that a TLP waits for; each link rounds to whole ps.
      for (const { latency, closedLatency } of found) {
        expect(latency).toBeGreaterThanOrEqual(closedLatency - 0.005);
        expect(off(latency, closedLatency)).toBeLessThan(0.02);
      }
    },
  );

  it('moves as much directly as one link carries', () => {
    const [{ throughput }] = rows('operation=write', 'redirect=off', 'pairs=1', 'sizes=1024');
    const link = measureLink({
      rate: { generation: 3, lanes: 8 },
      mps: 256,
      mrrs: 512,
      rcb: 64,
      size: 1024,
      traffic: 'write',
      wideAddresses: false,
    });
    expect(off(throughput, link)).toBeLessThan(0.005);
  });

  it('takes longer through the root port, by a switch, a turn and two ends of a link', () => {
    const [direct, redirected] = rows(
      'operation=write',
      'redirect=off,requests',
      'pairs=1',
      'sizes=64',
      'switchNs=130',
    );
    const symbols = (16 + 84) * 0.126953125;
    expect(redirected.latency - direct.latency).toBeCloseTo(130 + 150 + 2 * 75 + symbols, 1);
  });

  it('shares the link of the root port among all pairs, and no link otherwise', () => {
    const found = rows('operation=write', 'redirect=off,requests', 'pairs=1,4', 'sizes=256');
    const [direct, directFour, redirected, redirectedFour] = found.map(({ throughput }) => throughput);
    expect(off(directFour, direct)).toBeLessThan(0.005);
    expect(off(redirected, direct)).toBeLessThan(0.03);
    expect(off(redirectedFour, direct / 4)).toBeLessThan(0.03);
  });

  it('leaves completions their direct way unless P2P Completion Redirect is on', () => {
    const found = rows('operation=read', 'redirect=off,requests,all', 'pairs=4', 'sizes=1024');
    const [direct, requests, all] = found.map(({ throughput }) => throughput);
    expect(off(requests, direct)).toBeLessThan(0.03);
    // One link for the completions of four.
    expect(all).toBeLessThan(1.01 * (direct / 4));
    expect(all).toBeGreaterThan(0.85 * (direct / 4));
  });

  it('reads no more than its tags allow', () => {
    for (const { throughput, closedThroughput } of rows(
      'operation=read',
      'redirect=off',
      'tags=4',
      'sizes=64,256',
    )) {
      expect(off(throughput, closedThroughput)).toBeLessThan(0.02);
    }
  });

  it('has a read that needs more requests than there are tags go round after round', () => {
    const found = rows(
      'operation=read',
      'redirect=off,all',
      'pairs=1',
      'tags=1,7',
      'sizes=64,1100,4096,16384',
    );
    expect(found).toHaveLength(16);
    for (const { latency, closedLatency, throughput, closedThroughput, tags, size } of found) {
      const label = `${tags} ${size}`;
      expect(off(latency, closedLatency), label).toBeLessThan(0.005);
      expect(off(throughput, closedThroughput), label).toBeLessThan(0.02);
      // One request after the other: nothing overlaps but DLLPs.
      if (tags === 1) expect(off(throughput, (size * 8) / latency), label).toBeLessThan(0.002);
    }
  });

  it('measures the same of transfers that take longer than it measures, and never more than framing leaves', () => {
    for (const operation of ['write', 'read']) {
      const found = rows(
        `operation=${operation}`,
        'generation=1',
        'lanes=1',
        'redirect=off',
        'pairs=1',
        'sizes=1024,16384,65536',
      );
      const [{ throughput: first }] = found;
      expect(first).toBeGreaterThan(1.75);
      for (const { throughput } of found) {
        expect(throughput).toBeLessThan((2 * 256) / 276);
        expect(off(throughput, first)).toBeLessThan(0.001);
      }
    }
    for (const { throughput } of rows('redirect=off', 'sizes=4096')) {
      expect(throughput).toBeLessThan((63.015385 * 256) / 276);
    }
  });
});
