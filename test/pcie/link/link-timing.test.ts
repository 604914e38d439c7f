import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symbolPs, updateLatencySymbols } from '../../../src/pcie/link-rate.ts';
import { TlpKind } from '../../../src/pcie/tlp.ts';
import { loadProgram, runLoad, TINY_CREDITS } from './link-load.ts';
import { FLIGHT_PS, LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
const GEN3_X8 = { generation: 3, lanes: 8 };
/** A SKIP ordered set of four symbols every 1,538, on a generation 1 link. */
const SLOW_SKIP_PS = 4 * 4000;
const SLOW_SKIP_INTERVAL_PS = 1538 * 4000;

/** ps a byte on a link of these lanes, for sums in tests. */
function psPerByte(generation: number, lanes: number): number {
  return { 1: 4000, 2: 2000, 3: 8125 / 8 }[generation as 1 | 2 | 3] / lanes;
}

describe('serialisation', () => {
  it('delivers a TLP when its last symbol has left and the flight is over', () => {
    const rig = new LinkRig();
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([24 * 4000 + FLIGHT_PS]);
  });

  it('sends TLPs back to back, without gap and without losing a fraction of a picosecond', () => {
    const rig = new LinkRig({ rate: GEN3_X8 });
    for (let i = 0; i < 15; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    rig.scheduler.runUntilIdle();
    // 84 bytes at 8125/64 ps; before the first SKIP.
    const ends = rig.arrivedUp.map((_, i) => Math.floor(((i + 1) * 84 * 8125) / 64) + FLIGHT_PS);
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual(ends);
  });

  it('delivers a train of reads with its first request, and is busy until its last', () => {
    const rig = new LinkRig();
    rig.send(rig.link.upstream, MEMORY_READ, 2048, 4);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([
      LinkRig.slowPs(20) + FLIGHT_PS,
      LinkRig.slowPs(4 * 20 + 24) + FLIGHT_PS,
    ]);
  });

  it('counts TLPs, their bytes and their payload', () => {
    const rig = new LinkRig();
    rig.send(rig.link.downstream, MEMORY_WRITE, 512, 2);
    rig.send(rig.link.downstream, MEMORY_READ, 1024, 2);
    rig.scheduler.runUntilIdle();
    expect(rig.link.downstream.counters()).toMatchObject({
      tlps: 4,
      tlpBytes: 2 * 20 + 512 + 2 * 20,
      payloadBytes: 512,
    });
  });

  it('keeps the two directions apart', () => {
    const rig = new LinkRig();
    rig.send(rig.link.upstream, MEMORY_WRITE, 256);
    rig.send(rig.link.downstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedDown[0].timePs).toBe(24 * 4000 + FLIGHT_PS);
    expect(rig.arrivedUp[0].timePs).toBe(276 * 4000 + FLIGHT_PS);
  });
});

describe('SKIP ordered sets', () => {
  it('are sent once every 1,538 symbols, on an idle link and on a busy one', () => {
    const idle = new LinkRig();
    idle.scheduler.runUntil(100 * SLOW_SKIP_INTERVAL_PS);
    expect(idle.link.upstream.counters().skips).toBe(100);
    const busy = new LinkRig();
    const { upstream } = busy.link;
    upstream.onRoom = () => {
      while (busy.scheduler.now < 99 * SLOW_SKIP_INTERVAL_PS && upstream.room(0) > 0)
        busy.send(upstream, MEMORY_WRITE, 256);
    };
    upstream.onRoom();
    busy.scheduler.runUntil(100 * SLOW_SKIP_INTERVAL_PS);
    expect(upstream.counters().skips).toBe(100);
  });

  it('hold up what follows them by four symbols', () => {
    const rig = new LinkRig();
    for (let i = 0; i < 30; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 256);
    rig.scheduler.runUntilIdle();
    // 276 bytes are 276 symbols: the first five end by symbol 1,380, the sixth by 1,656, behind the SKIP's turn.
    const ends = rig.arrivedUp.map(({ timePs }, i) => timePs - FLIGHT_PS - LinkRig.slowPs(276 * (i + 1)));
    const skipsBefore = ends.map((extra) => extra / SLOW_SKIP_PS);
    for (const [i, skips] of skipsBefore.entries()) {
      const start = 276 * i + 4 * skips;
      expect(skips).toBe(Math.floor(start / 1538));
    }
  });

  it('come in full number behind a train that is longer than their interval', () => {
    const rig = new LinkRig();
    // 4,096 + 16 x 20 bytes at 4 ns: 17.7 us, two intervals and a half.
    rig.send(rig.link.upstream, MEMORY_WRITE, 4096, 16);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp[1].timePs).toBe(LinkRig.slowPs(4416 + 24) + 2 * SLOW_SKIP_PS + FLIGHT_PS);
  });
});

describe('Acks', () => {
  const latencyPs = (lanes: number) =>
    updateLatencySymbols({ generation: 1, lanes }, 256) * symbolPs({ generation: 1, lanes });

  it('answer a lone TLP with one DLLP in the other direction, within the update latency', () => {
    const rig = new LinkRig();
    rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    rig.scheduler.runUntilIdle();
    const arrival = rig.scheduler.now;
    expect(rig.link.downstream.counters().dllps).toBe(0);
    rig.scheduler.runUntil(arrival + Math.ceil(latencyPs(1)));
    expect(rig.link.downstream.counters().dllps).toBe(1);
    rig.scheduler.runUntil(arrival + 100 * latencyPs(1));
    expect(rig.link.downstream.counters().dllps).toBe(1);
  });

  it('are at least one an update latency while TLPs flow, and no more than TLPs', () => {
    for (const payload of [4, 64, 256]) {
      const rig = new LinkRig({ rate: { generation: 1, lanes: 4 } });
      const { upstream, downstream } = rig.link;
      const durationPs = 200 * latencyPs(4);
      upstream.onRoom = () => {
        while (rig.scheduler.now < durationPs && upstream.room(0) > 0)
          rig.send(upstream, MEMORY_WRITE, payload);
      };
      upstream.onRoom();
      rig.scheduler.runUntil(durationPs + FLIGHT_PS + 3 * latencyPs(4));
      // A TLP arrives at most this long after the last Ack was sent, and is acknowledged a latency later.
      const gap = LinkRig.slowPs(20 + payload) / 4;
      const acks = downstream.counters().dllps;
      expect(acks).toBeGreaterThanOrEqual(Math.floor(durationPs / (latencyPs(4) + gap)));
      expect(acks).toBeLessThanOrEqual(upstream.counters().tlps);
    }
  });

  it('are as many for long trains as for single TLPs', () => {
    const acks = [1, 16].map((count) => {
      const rig = new LinkRig();
      for (let i = 0; i < 16 / count; i++) rig.send(rig.link.upstream, COMPLETION_DATA, 256 * count, count);
      rig.scheduler.runUntilIdle();
      rig.scheduler.runUntil(rig.scheduler.now + 2 * latencyPs(1));
      return rig.link.downstream.counters().dllps;
    });
    expect(acks[0]).toBeGreaterThan(3);
    expect(acks[1]).toBe(acks[0]);
  });
});

describe('every symbol time', () => {
  const load = fc.record({
    generation: fc.constantFrom(1, 2, 3),
    lanes: fc.constantFrom(1, 4, 8),
    program: loadProgram,
  });

  function run(
    { generation, lanes, program }: typeof load extends fc.Arbitrary<infer T> ? T : never,
    watches: boolean,
  ) {
    const credits = { rootCredits: TINY_CREDITS, deviceCredits: TINY_CREDITS };
    return runLoad(new LinkRig({ rate: { generation, lanes }, ...credits }, 50_000), program, watches);
  }

  it('is a TLP byte, a DLLP byte, a SKIP or idle, and none is two of them', () => {
    fc.assert(
      fc.property(load, (given) => {
        const rig = run(given, false);
        // Long enough for what was owed at the end to have gone.
        rig.scheduler.runUntil(rig.scheduler.now + 20_000_000);
        const rate = psPerByte(given.generation, given.lanes);
        const symbol = symbolPs(given);
        for (const direction of [rig.link.upstream, rig.link.downstream]) {
          const { tlpBytes, dllps, skips } = direction.counters();
          const exact = tlpBytes * rate + dllps * 8 * rate + skips * 4 * symbol;
          // Every pause of the link may round a fraction of a picosecond down.
          expect(Math.abs(direction.busyPs - exact)).toBeLessThanOrEqual(
            given.program.length + dllps + skips,
          );
          expect(direction.busyPs).toBeLessThanOrEqual(rig.scheduler.now);
        }
      }),
    );
  });

  it('is the same whether somebody looks at the counters meanwhile or not', () => {
    fc.assert(
      fc.property(load, (given) => {
        const [alone, watched] = [run(given, false), run(given, true)];
        expect(watched.arrivedUp).toEqual(alone.arrivedUp);
        expect(watched.arrivedDown).toEqual(alone.arrivedDown);
        expect(watched.link.counters()).toEqual(alone.link.counters());
      }),
      { numRuns: 3000 },
    );
  });
});
