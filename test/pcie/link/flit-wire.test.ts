import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BitErrors,
  Endpoint,
  FlitClock,
  FlitWire,
  flitMode,
  flitsBetweenSkips,
  LinkErrors,
} from '../../../src/pcie/index.ts';
import { LinkWire } from '../../../src/pcie/link-wire.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { loadProgram, runLoad, TINY_CREDITS } from './link-load.ts';
import { FLIGHT_PS, INFINITE, LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE, CONFIG_READ } = TlpKind;
const CLASSES = Object.values(FlowClass);

/** A link of generation 6; sixteen lanes make a flit last 2 ns. */
function rigOf(lanes = 16, options = {}, holdPs = 0): LinkRig {
  return new LinkRig({ rate: { generation: 6, lanes }, flitMode, ...options }, holdPs);
}

function arrivals({ arrivedUp }: LinkRig): number[] {
  return arrivedUp.map(({ timePs }) => timePs - FLIGHT_PS);
}

describe('a TLP in Flit Mode', () => {
  it('has arrived with the end of the flit that has its last byte', () => {
    const rig = rigOf();
    // Headers of 12 bytes and payload: 16 bytes, and 236 bytes with them, and 76 more.
    for (const bytes of [4, 208, 64]) rig.send(rig.link.upstream, MEMORY_WRITE, bytes);
    rig.scheduler.runUntilIdle();
    expect(arrivals(rig)).toEqual([2000, 2000, 4000]);
  });

  it('goes into the flit that is on its way where there is room for its first byte', () => {
    const sentAt = (timePs: number) => {
      const rig = rigOf();
      rig.scheduler.runUntil(timePs);
      rig.send(rig.link.upstream, MEMORY_WRITE, 4);
      rig.scheduler.runUntilIdle();
      return arrivals(rig)[0];
    };
    // 16 bytes leave in 125 ps: byte 208 begins at 1,625 ps, byte 224 at 1,750 ps, and only 12 bytes of it are for TLPs.
    expect([0, 1, 1000, 1625].map(sentAt)).toEqual([2000, 2000, 2000, 2000]);
    expect([1640, 1750, 1760, 1999, 2000].map(sentAt)).toEqual([4000, 4000, 4000, 4000, 4000]);
  });

  it('waits longer for the end of its flit on narrow links', () => {
    const times = [1, 2, 4, 8, 16, 32].map((lanes) => {
      const rig = rigOf(lanes);
      rig.send(rig.link.upstream, MEMORY_WRITE, 4);
      rig.scheduler.runUntilIdle();
      return arrivals(rig)[0];
    });
    expect(times).toEqual([32_000, 16_000, 8000, 4000, 2000, 1000]);
  });

  it('has neither framing nor sequence number nor LCRC, and its header extended where it says more', () => {
    const rig = rigOf();
    rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    expect(rig.link.upstream.tlpBytes).toBe(12 + 64);
    // Byte enables for the end of a read, and of a configuration request always.
    rig.send(rig.link.upstream, CONFIG_READ, 4);
    expect(rig.link.upstream.tlpBytes).toBe(12 + 64 + 12 + 4);
  });

  it('of a train of reads is delivered with the first of them', () => {
    const rig = rigOf();
    rig.send(rig.link.upstream, MEMORY_READ, 40 * 512, 40);
    rig.scheduler.runUntilIdle();
    expect(arrivals(rig)).toEqual([2000]);
    // 40 headers of 12 bytes, sixteen in a flit.
    expect(rig.link.upstream.wire.freeAt).toBe(2 * 2000 + 12 * 8 * (125 / 16));
  });

  it('is not acknowledged by a DLLP of its own', () => {
    const rig = rigOf();
    for (let i = 0; i < 100; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    rig.scheduler.runUntil(10_000_000);
    expect(rig.link.downstream.counters()).toMatchObject({ tlps: 0, dllps: 0 });
    expect(rig.link.downstream.wire.busyPs).toBe(rig.link.downstream.counters()['skips'] * 5000);
  });
});

describe('credits in Flit Mode', () => {
  it('come back in the DLP bytes of a flit, with its end', () => {
    const one = { ...INFINITE, postedHeaders: 1, postedData: 16 };
    const rig = rigOf(16, { rootCredits: one });
    for (let i = 0; i < 3; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    rig.scheduler.runUntilIdle();
    const arrived = 2000 + FLIGHT_PS;
    // It is there at a flit's start, in whose DLP bytes the credits go back: two flights and two flits a round.
    const round = 2 * (2000 + FLIGHT_PS);
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([
      arrived,
      arrived + round,
      arrived + 2 * round,
    ]);
  });

  it('of all classes share the DLP bytes, one update a flit', () => {
    const time = { now: 0 };
    const wire = new FlitWire(time, { generation: 6, lanes: 16 });
    const ends = [0, 0, 0, 9000, 0].map((due) => {
      const end = wire.dllpEndPs(due);
      wire.oweUpdate(due);
      return end;
    });
    expect(ends).toEqual([2000, 4000, 6000, 10_000, 8000]);
    expect(wire.updatesSent).toBe(5);
    // DLP bytes begin at byte 236.
    expect(wire.dllpEndPs(20_000 + Math.floor((236 * 125) / 16))).toBe(22_000);
    expect(wire.dllpEndPs(20_000 + Math.ceil((238 * 125) / 16))).toBe(24_000);
  });
});

describe('every symbol time in Flit Mode', () => {
  const load = fc.record({ lanes: fc.constantFrom(1, 4, 8, 16), program: loadProgram });

  function run({ lanes, program }: typeof load extends fc.Arbitrary<infer T> ? T : never, watches: boolean) {
    const credits = { rootCredits: TINY_CREDITS, deviceCredits: TINY_CREDITS };
    return runLoad(rigOf(lanes, credits, 50_000), program, watches);
  }

  it('is a byte of a TLP, of NOP TLPs, of DLP, CRC or FEC of some flit, or of a SKIP', () => {
    fc.assert(
      fc.property(load, (given) => {
        const rig = run(given, false);
        const clock = new FlitClock({ generation: 6, lanes: given.lanes });
        // To a time at which a SKIP has just ended: all flits are whole.
        const periods = Math.ceil(rig.scheduler.now / clock.periodPs) + 1;
        rig.scheduler.runUntil(periods * clock.periodPs);
        for (const direction of [rig.link.upstream, rig.link.downstream]) {
          const { tlpBytes, dllps: flits, skips } = direction.counters();
          expect(skips).toBe(periods);
          const nopFlits = periods * flitsBetweenSkips(given.lanes) - flits;
          const nopBytes = flits * 236 - tlpBytes;
          expect(nopFlits).toBeGreaterThanOrEqual(0);
          expect(nopBytes).toBeGreaterThanOrEqual(0);
          const idlePs = ((nopBytes + nopFlits * 256) * 125) / given.lanes;
          expect(direction.wire.busyPs + idlePs).toBeCloseTo(rig.scheduler.now, 3);
          expect(direction.wire.busyPs).toBeCloseTo(
            ((tlpBytes + 20 * flits) * 125) / given.lanes + skips * 40 * 125,
            3,
          );
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
    );
  });

  it('delivers in order what one class has sent, and each once', () => {
    fc.assert(
      fc.property(load, (given) => {
        const rig = run(given, false);
        for (const arrived of [rig.arrivedUp, rig.arrivedDown]) {
          for (const flowClass of CLASSES) {
            const ids = arrived.filter((each) => each.flowClass === flowClass).map(({ id }) => id);
            expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
          }
        }
      }),
    );
  });
});

describe('bit errors in Flit Mode', () => {
  it('are refused: they are those of flits and not of TLPs', () => {
    const rig = rigOf();
    const [port, device] = [1, 2].map(() => new Endpoint({ functions: intel82599Config() }).functions[0]);
    expect(
      () => new LinkErrors(rig.scheduler, rig.link.upstream, rig.tlps, {} as BitErrors, port, device),
    ).toThrow('bit errors must be on a link of generation 1 to 5, got one in Flit Mode');
  });
});

describe('a link whose generation and mode do not go together', () => {
  it('is refused', () => {
    expect(() => rigOf(16, { flitMode: undefined })).toThrow(
      'generation must be an integer from 1 to 5, got 6',
    );
    expect(() => new LinkRig({ rate: { generation: 3, lanes: 8 }, flitMode })).toThrow(
      'generation in Flit Mode must be an integer from 6 to 6, got 3',
    );
    expect(() => new LinkWire({ now: 0 }, { generation: 7, lanes: 1 }, 256)).toThrow('generation');
  });

  it('can go down and come up again: what is sent then begins in a new flit', () => {
    const rig = rigOf(1);
    rig.send(rig.link.upstream, MEMORY_WRITE, 256);
    rig.scheduler.runUntil(1000);
    rig.link.reset();
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    // 268 bytes had been on their way: flits 0 and 1.
    expect(arrivals(rig)).toEqual([3 * 32_000]);
    expect(rig.link.upstream.counters()).toMatchObject({ tlps: 1, tlpBytes: 16, dllps: 1, skips: 0 });
  });
});
