import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MILLISECOND } from '../../src/kernel/index.ts';
import type { Simulation } from '../../src/sim/simulation.ts';
import { boot, noteArrivals, settle, vfEndpoint } from './rig.ts';

const PORT = 0;
const [PFVTCTL, PFMRCTL, PFMRVM] = [0x51b0, 0xf600, 0xf630];
const [RTTDQSEL, RTTBCNRC] = [0x4904, 0x4984];
const RS_ENA = 0x8000_0000;
const VPME = 1;

const write = ({ machine }: Simulation, offset: number, value: number) =>
  machine.nic.registers.write32(offset, value >>> 0, 15);

/** Frames that each endpoint has received when all is quiet. */
function received(scenario: Scenario, registers: [number, number][]): Record<number, number> {
  const simulation = boot(scenario);
  for (const [offset, value] of registers) write(simulation, offset, value);
  const arrivals = noteArrivals(simulation);
  settle(simulation, 0.5);
  expect(simulation.report().conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
  const counts: Record<number, number> = {};
  for (const { endpoint } of arrivals) counts[endpoint] = (counts[endpoint] ?? 0) + 1;
  return counts;
}

const GUESTS = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
const times = { warmUpMs: 0, durationMs: 0.2 };

describe('a card counts', () => {
  it('51 frames for each of two pools, 102 for the pool that mirrors the other, and 102 for one that mirrors all', () => {
    const traffic = ['a', 'b'].map((to) => ({ from: 'port', to, ratePps: 1e6, count: 51 }));
    const registers: [number, number][] = [
      [PFMRVM, 1],
      [PFMRCTL, VPME | (1 << 8)],
      [PFMRVM + 4, 0xffff_ffff],
      [PFMRVM + 4 + 16, 0xffff_ffff],
      [PFMRCTL + 4, VPME | (2 << 8)],
    ];
    const counts = received({ guests: GUESTS, traffic, ...times }, registers);
    expect([0, 1, 2].map((vf) => counts[vfEndpoint(vf)])).toEqual([51, 102, 102]);
  });

  it('40 broadcasts from the wire once at each of its functions', () => {
    const traffic = [{ from: 'port', to: 'broadcast', ratePps: 1e6, count: 40 }];
    const counts = received({ guests: GUESTS, traffic, ...times }, []);
    for (const vf of [0, 1, 2]) expect(counts[vfEndpoint(vf)]).toBe(40);
    expect(counts[PORT]).toBeUndefined();
  });

  it('40 broadcasts of a pool once at each other one and on the wire; without replication on the wire only', () => {
    const traffic = [{ from: 'a', to: 'broadcast', ratePps: 1e6, count: 40 }];
    const counts = received({ guests: GUESTS, traffic, ...times }, []);
    expect([PORT, vfEndpoint(1), vfEndpoint(2)].map((each) => counts[each])).toEqual([40, 40, 40]);
    expect(counts[vfEndpoint(0)]).toBeUndefined();
    const alone = received({ guests: GUESTS, traffic, ...times }, [[PFVTCTL, 1 | (3 << 7)]]);
    expect(alone).toEqual({ [PORT]: 40 });
  });
});

describe('a rate factor lets so many frames pass in a time', () => {
  /** Frames that come to the port in each window of 4 ms; before each, one of `factors` is set for the first queue. */
  function windows(frameBytes: number, factors: readonly number[]): number[] {
    const simulation = boot({
      guests: [{ name: 'a', driver: 'poll', ringSize: 64 }],
      traffic: [{ from: 'a', to: 'port', frameBytes, saturate: true }],
      warmUpMs: 0,
      durationMs: 100,
    });
    const arrivals = noteArrivals(simulation);
    return factors.map((factor) => {
      write(simulation, RTTDQSEL, 0);
      write(simulation, RTTBCNRC, factor === 0 ? 0 : RS_ENA | factor);
      // What was let through before has left the card by then.
      simulation.advance(simulation.nowPs + MILLISECOND);
      const before = arrivals.length;
      simulation.advance(simulation.nowPs + 4 * MILLISECOND);
      return arrivals.length - before;
    });
  }

  /** With ten bits before the point and 14 behind it: 10.0, and 3.0000 of 10,000 / 3,333. */
  const [TENTH, THIRD] = [10 << 14, Math.floor((10_000 * 2 ** 14) / 3333)];

  it.each([
    // A frame of 1,518 bytes takes 1,214.4 ns at 10 Gb/s without preamble and gap, ten times that at a tenth.
    [1518, TENTH, 4_000_000 / 12_144],
    [1518, THIRD, (4_000_000 / 1214.4) * (2 ** 14 / THIRD)],
    [512, TENTH, 4_000_000 / 4096],
    [64, TENTH, 4_000_000 / 512],
  ])('%i bytes, factor %i', (frameBytes, factor, frames) => {
    const [counted] = windows(frameBytes, [factor]);
    // The first and the last frame of a window are whole or not at all.
    expect(Math.abs(counted - frames)).toBeLessThanOrEqual(1);
  });

  it('changes while frames flow, and ends', () => {
    const counted = windows(1518, [TENTH, 20 << 14, 5 << 14, 0]);
    for (const [i, frames] of [4_000_000 / 12_144, 4_000_000 / 24_288, 4_000_000 / 6072].entries()) {
      expect(Math.abs(counted[i] - frames)).toBeLessThanOrEqual(1);
    }
    // The whole link: 1,538 bytes a frame.
    expect(Math.abs(counted[3] - 4_000_000 / 1230.4)).toBeLessThanOrEqual(1);
  });

  it('and those that are spoofed among them have used their credit', () => {
    const [RAL, PFVFSPOOF, SSVPC] = [0xa200, 0x8200, 0x8780];
    const simulation = boot({
      guests: [{ name: 'a', driver: 'poll', ringSize: 64 }],
      traffic: [{ from: 'a', to: 'port', frameBytes: 1518, saturate: true }],
      warmUpMs: 0,
      durationMs: 100,
    });
    const { registers } = simulation.machine.nic;
    write(simulation, PFVFSPOOF, 1);
    write(simulation, RTTDQSEL, 0);
    write(simulation, RTTBCNRC, RS_ENA | TENTH);
    // The VF's address is in the last of the receive address registers; now it is another one.
    write(simulation, RAL + 8 * 127, registers.read32(RAL + 8 * 127) ^ 0x0100_0000);
    simulation.advance(simulation.nowPs + MILLISECOND);
    registers.read32(SSVPC);
    const arrivals = noteArrivals(simulation);
    simulation.advance(simulation.nowPs + 4 * MILLISECOND);
    expect(arrivals).toHaveLength(0);
    expect(Math.abs(registers.read32(SSVPC) - 4_000_000 / 12_144)).toBeLessThanOrEqual(1);
  });

  it('is that of a thousandth at 10 Mb/s, for 1,024 bytes of layer 2', () => {
    const simulation = boot({
      guests: [{ name: 'a', driver: 'poll', ringSize: 64 }],
      traffic: [{ from: 'a', to: 'port', frameBytes: 1028, saturate: true }],
      warmUpMs: 0,
      durationMs: 1100,
    });
    write(simulation, RTTDQSEL, 0);
    write(simulation, RTTBCNRC, RS_ENA | (1000 << 14));
    simulation.advance(simulation.nowPs + 10 * MILLISECOND);
    const arrivals = noteArrivals(simulation);
    simulation.advance(simulation.nowPs + 1000 * MILLISECOND);
    // 1,250,000 bytes in a second, 1,028 each.
    expect(Math.abs(arrivals.length - 1_250_000 / 1028)).toBeLessThanOrEqual(1);
  });
});
