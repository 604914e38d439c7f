import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MICROSECOND, MILLISECOND } from '../../src/kernel/index.ts';
import { boot, notReturned, settle } from './rig.ts';

const KIB = 1024;
type Simulation = ReturnType<typeof boot>;

/** VF a sends in class 3 with priority 3, and VF b in class 0 with priority 0, both to the wire. */
function scenarioOf(transmitBuffer: 'divided' | 'shared', more: Partial<Scenario> = {}): Scenario {
  return {
    nic: { profile: 'generic', port: { pfc: [1, 2, 3], transmitBuffer } },
    guests: [{ name: 'a', vfs: [{ class: 3 }] }, { name: 'b' }],
    traffic: [
      { from: 'a', to: 'port', frameBytes: 1518, priority: 3, rateMbps: 4000 },
      { from: 'b', to: 'port', frameBytes: 1518, rateMbps: 2000 },
    ],
    warmUpMs: 0,
    durationMs: 3,
    ...more,
  };
}

/** The other end of the wire stops priority 3 for so many quanta of 51.2 ns. */
function pause({ machine }: Simulation, quanta: number): void {
  const path = machine.nic.data.classPath;
  path?.flow.timers.receive({ kind: 'priority', enabled: 1 << 3, quanta: new Array(8).fill(quanta) });
}

const counter = (simulation: Simulation, name: string) =>
  simulation.report().counters[`nic.transmitBuffer.${name}`];
const delivered = (simulation: Simulation) => simulation.report().flows.map((flow) => flow.delivered);

/**
 * After a ms of both, class 3 is stopped for 3.36 ms; at 4 Gb/s it fills 160 KiB in 0.33 ms. Frames of either that
 * come in the ms from half a ms on.
 */
function whilePaused(transmitBuffer: 'divided' | 'shared') {
  const simulation = boot(scenarioOf(transmitBuffer));
  simulation.advance(simulation.startPs + MILLISECOND);
  pause(simulation, 0xffff);
  simulation.advance(simulation.startPs + 1.5 * MILLISECOND);
  const before = delivered(simulation);
  simulation.advance(simulation.startPs + 2.5 * MILLISECOND);
  const after = delivered(simulation);
  return { simulation, came: after.map((count, flow) => count - before[flow]) };
}

describe('a class that the other end of the wire has stopped', () => {
  it('fills its part of a divided buffer, and no other class is held up', () => {
    const { simulation, came } = whilePaused('divided');
    // 2 Gb/s are a frame of 1,518 bytes every 6.072 us.
    expect(came[0]).toBe(0);
    expect(Math.abs(came[1] - 1000 / 6.072)).toBeLessThan(2);
    // Two classes have 80 KiB each, and fetch up to 78 KiB, 79,872 bytes. 52 frames without check sequence
    // have 78,728 bytes, 53 have 80,242.
    expect(counter(simulation, 'class3.bytes')).toBe(53 * 1514);
    expect(counter(simulation, 'class3.highWater')).toBe(53 * 1514);
    expect(counter(simulation, 'class0.bytes')).toBeLessThan(4 * 1514);
    expect(53 * 1514).toBeLessThan(80 * KIB);
  });

  it('fills a shared buffer, behind which all others wait until the pause ends', () => {
    const { simulation, came } = whilePaused('shared');
    expect(came).toEqual([0, 0]);
    expect(counter(simulation, 'class3.bytes')).toBeUndefined();
    simulation.advance(simulation.startPs + 6 * MILLISECOND);
    expect(delivered(simulation)[1]).toBeGreaterThan(490);
  });

  it('goes on when the pause ends, and nothing is lost', () => {
    for (const use of ['divided', 'shared'] as const) {
      const scenario = scenarioOf(use);
      const simulation = boot({
        ...scenario,
        traffic: scenario.traffic?.map((each) => ({ ...each, count: 300 })),
      });
      simulation.advance(simulation.startPs + 100 * MICROSECOND);
      pause(simulation, 0xffff);
      settle(simulation, 20);
      expect(delivered(simulation)).toEqual([300, 300]);
      expect(notReturned(simulation)).toEqual([]);
      for (let c = 0; use === 'divided' && c < 8; c++) expect(counter(simulation, `class${c}.bytes`)).toBe(0);
    }
  });
});
