import { describe, expect, it } from 'vitest';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { Simulation } from '../../src/sim/simulation.ts';
import { boot, noteArrivals, settle, vfEndpoint } from './rig.ts';

const PORT = 0;
const [A, B, C] = [vfEndpoint(0), vfEndpoint(1), vfEndpoint(2)];
const [PFVTCTL, PFMRCTL, PFMRVM] = [0x51b0, 0xf600, 0xf630];
const RPL_EN = 1 << 30;
const [VPME, UPME, DPME] = [1, 2, 4];

const write = ({ machine }: Simulation, offset: number, value: number) =>
  machine.nic.registers.write32(offset, value, 15);

/** Ten frames from `from` to `to` among the guests a, b and c, after some registers have been written. */
function tenFrames(from: string, to: string, registers: [number, number][]) {
  const simulation = boot({
    guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    traffic: [{ from, to, ratePps: 1e6, count: 10 }],
    warmUpMs: 0,
    durationMs: 0.05,
  });
  for (const [offset, value] of registers) write(simulation, offset, value);
  const arrivals = noteArrivals(simulation);
  settle(simulation, 0.5);
  const { conservation } = simulation.report();
  expect(conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
  const received: Record<number, number> = {};
  for (const { endpoint } of arrivals) received[endpoint] = (received[endpoint] ?? 0) + 1;
  const { switch: nicSwitch } = simulation.machine.nic.data;
  return { received, replicas: conservation.replicas, mirrored: nicSwitch.portCounters(2).mirrored };
}

describe('a mirroring rule of the card, with guest c as its pool', () => {
  it.each<[string, string, string, [number, number][], Record<number, number>, number]>([
    [
      'pool, from the wire',
      'port',
      'a',
      [
        [PFMRVM, 1],
        [PFMRCTL, VPME | (2 << 8)],
      ],
      { [A]: 10, [C]: 10 },
      10,
    ],
    [
      'pool, from another guest',
      'b',
      'a',
      [
        [PFMRVM, 1],
        [PFMRCTL, VPME | (2 << 8)],
      ],
      { [A]: 10, [C]: 10 },
      10,
    ],
    [
      'pool, frames of another',
      'a',
      'b',
      [
        [PFMRVM, 1],
        [PFMRCTL, VPME | (2 << 8)],
      ],
      { [B]: 10 },
      0,
    ],
    ['uplink', 'port', 'b', [[PFMRCTL, UPME | (2 << 8)]], { [B]: 10, [C]: 10 }, 10],
    ['uplink, between guests', 'a', 'b', [[PFMRCTL, UPME | (2 << 8)]], { [B]: 10 }, 0],
    ['uplink, its own frames', 'port', 'c', [[PFMRCTL, UPME | (2 << 8)]], { [C]: 10 }, 0],
    ['downlink', 'a', 'port', [[PFMRCTL, DPME | (2 << 8)]], { [PORT]: 10, [C]: 10 }, 10],
    [
      'downlink, what it sends itself',
      'c',
      'port',
      [[PFMRCTL, DPME | (2 << 8)]],
      { [PORT]: 10, [C]: 10 },
      10,
    ],
    [
      'two rules, one copy',
      'port',
      'a',
      [
        [PFMRVM, 1],
        [PFMRCTL, VPME | (2 << 8)],
        [PFMRCTL + 4, UPME | (2 << 8)],
      ],
      { [A]: 10, [C]: 10 },
      10,
    ],
  ])('%s', (_, from, to, registers, received, mirrored) => {
    const replication: [number, number] = [PFVTCTL, 1 | (3 << 7) | RPL_EN];
    expect(tenFrames(from, to, [replication, ...registers])).toEqual({
      received,
      replicas: mirrored,
      mirrored,
    });
  });

  it('changes under full load without a loss', () => {
    const simulation = boot({
      guests: [
        { name: 'a', driver: 'poll' },
        { name: 'b', driver: 'poll' },
        { name: 'c', driver: 'poll' },
      ],
      traffic: [{ from: 'a', to: 'b', ratePps: 5e5, count: 200 }],
      warmUpMs: 0,
      durationMs: 0.5,
    });
    const arrivals = noteArrivals(simulation);
    write(simulation, PFMRVM, 0b10);
    for (let i = 0; i < 20; i++) {
      simulation.advance(simulation.nowPs + 20 * MICROSECOND);
      write(simulation, PFMRCTL, (i & 1) === 0 ? VPME | (2 << 8) : 0);
    }
    settle(simulation, 0.5);
    const sequences = arrivals.filter(({ endpoint }) => endpoint === B).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 200 }, (_, i) => i));
    const copies = arrivals.filter(({ endpoint }) => endpoint === C).length;
    expect(copies).toBeGreaterThan(50);
    expect(copies).toBeLessThan(150);
    expect(simulation.report().conservation).toMatchObject({ balanced: true, replicas: copies });
  });
});
