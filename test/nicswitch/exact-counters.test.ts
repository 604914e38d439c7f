import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExactPortCounters } from '../../src/nicswitch/index.ts';
import { WideCounts } from '../../src/nicswitch/wide-counts.ts';
import { Bench, BROADCAST, mac, STRANGER } from './fixtures.ts';

const WRAP = 2n ** 64n;

/** Counters as if VPort 0 had sent `frames` frames of 60 bytes to VPort 1, and as many that were spoofed. */
function sent(frames: bigint): ExactPortCounters[] {
  const { nicSwitch } = new Bench(2);
  const [first, second, wire] = [0, 1, 2].map((port) => nicSwitch.portCountersExact(port));
  const twice = (2n * frames) % WRAP;
  return [
    {
      ...first,
      framesIn: twice,
      bytesIn: (twice * 60n) % WRAP,
      unicastIn: twice,
      dropped: { ...first.dropped, macSpoof: frames },
    },
    { ...second, framesOut: frames, bytesOut: (frames * 60n) % WRAP, unicastOut: frames },
    wire,
  ];
}

describe('counters of 64 bits', () => {
  it.each([
    ['2^32', 2n ** 32n],
    ['2^48', 2n ** 48n],
    ['2^53', 2n ** 53n],
    ['2^63', 2n ** 63n],
    ['2^64', 2n ** 64n],
  ])('count on exactly where they pass %s', (_, end) => {
    const bench = new Bench(2);
    const { nicSwitch } = bench;
    const begin = end - 2n;
    nicSwitch.setAntiSpoof(0, { mac: true });
    nicSwitch.restoreCounters(sent(begin));
    nicSwitch.checkBalance();
    for (let i = 0; i < 5; i++) {
      bench.route(0, { to: mac(1), from: mac(0) });
      bench.route(0, { to: mac(1), from: STRANGER });
    }
    const frames = (begin + 5n) % WRAP;
    const bytes = (count: bigint) => (count * 60n) % WRAP;
    expect(nicSwitch.portCountersExact(0)).toMatchObject({
      framesIn: (2n * frames) % WRAP,
      bytesIn: bytes(2n * frames),
      unicastIn: (2n * frames) % WRAP,
      dropped: { macSpoof: frames, runt: 0n },
    });
    expect(nicSwitch.portCountersExact(1)).toMatchObject({
      framesOut: frames,
      bytesOut: bytes(frames),
      unicastOut: frames,
    });
    expect(nicSwitch.countersExact()).toMatchObject({
      framesIn: (2n * frames) % WRAP,
      replicas: 0n,
      delivered: frames,
      dropped: frames,
      'dropped.macSpoof': frames,
    });
    expect(nicSwitch.dropped('macSpoof')).toBe(Number(frames));
    expect(nicSwitch.portCounters(1).framesOut).toBe(Number(frames));
  });

  it('are told again as they were restored, and are kept in the totals when a VPort is retired', () => {
    const { nicSwitch } = new Bench(2);
    const ports = sent(2n ** 60n + 12_345n);
    nicSwitch.restoreCounters(ports);
    expect([0, 1, 2].map((port) => nicSwitch.portCountersExact(port))).toEqual(ports);
    const before = nicSwitch.countersExact();
    nicSwitch.retireVPort(0);
    expect(nicSwitch.countersExact()).toEqual(before);
    expect(nicSwitch.portCountersExact(0).framesIn).toBe(0n);
    nicSwitch.reset();
    expect(Object.values(nicSwitch.countersExact()).every((count) => count === 0n)).toBe(true);
  });

  it('are the numbers of the counters as long as these are exact', () => {
    const bench = new Bench(3);
    bench.route(0, { to: BROADCAST });
    bench.route(bench.wire, { to: mac(2), bytes: 100 });
    bench.route(0, { to: mac(0) });
    const { nicSwitch } = bench;
    for (const [name, count] of Object.entries(nicSwitch.counters())) {
      expect(nicSwitch.countersExact()[name]).toBe(BigInt(count));
    }
    expect(nicSwitch.counters()).toMatchObject({ framesIn: 3, replicas: 2, delivered: 4, dropped: 1 });
    expect(nicSwitch.portCountersExact(2)).toMatchObject({ framesOut: 2n, broadcastOut: 1n, bytesOut: 160n });
  });

  it('are refused if they are of other ports, or do not balance', () => {
    const { nicSwitch } = new Bench(2);
    expect(() => nicSwitch.restoreCounters(sent(5n).slice(1))).toThrow(
      /ports must be 3 with the uplink, got 2/,
    );
    const [first, second, wire] = sent(5n);
    const lost = [first, { ...second, framesOut: 4n }, wire];
    expect(() => nicSwitch.restoreCounters(lost)).toThrow(/ports must be counters that balance/);
    expect(nicSwitch.countersExact()['framesIn']).toBe(0n);
    nicSwitch.checkBalance();
  });

  it('do not balance if one frame of 2^60 is lost', () => {
    const { nicSwitch } = new Bench(2);
    const [first, second, wire] = sent(2n ** 60n);
    const ports = [first, { ...second, framesOut: second.framesOut - 1n }, wire];
    expect(() => nicSwitch.restoreCounters(ports)).toThrow(/balance/);
  });
});

describe('WideCounts', () => {
  it('are sums modulo 2^64, whenever they are carried', () => {
    const grown = fc.array(fc.tuple(fc.maxSafeNat(), fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: WRAP - 1n }), grown, (begin, steps) => {
        const counts = new WideCounts(2);
        counts.set(1, begin);
        let sum = begin;
        for (const [by, taken] of steps) {
          // A double holds what lies below its carry, and as much again.
          const bytes = by % 2 ** 51;
          counts.low[1] += bytes;
          sum += BigInt(bytes);
          counts.carry(1);
          if (taken) {
            counts.low[1]--;
            sum--;
          }
        }
        expect(counts.exact(1)).toBe(BigInt.asUintN(64, sum));
        expect(counts.value(1)).toBe(Number(BigInt.asUintN(64, sum)));
        expect(counts.exact(0)).toBe(0n);
      }),
    );
  });
});
