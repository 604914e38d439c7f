import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MICROSECOND, MILLISECOND } from '../../src/kernel/index.ts';
import { resolveScenario } from '../../src/sim/index.ts';
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

/** The other end of the wire stops a priority for so many quanta of 51.2 ns. */
function pause({ machine }: Simulation, quanta: number, priority = 3): void {
  const path = machine.nic.data.classPath;
  path?.flow.timers.receive({ kind: 'priority', enabled: 1 << priority, quanta: new Array(8).fill(quanta) });
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
  });

  it('fills a shared buffer, behind which all others wait until the pause ends', () => {
    const { simulation, came } = whilePaused('shared');
    expect(came).toEqual([0, 0]);
    expect(counter(simulation, 'class3.bytes')).toBeUndefined();
    simulation.advance(simulation.startPs + 6 * MILLISECOND);
    expect(delivered(simulation)[1]).toBeGreaterThan(490);
  });

  it('keeps account of copies of its frames that are marked in front of the wire', () => {
    const scenario = scenarioOf('divided');
    const simulation = boot({
      ...scenario,
      nic: { profile: 'generic-100g', port: { pfc: [1, 2, 3] } },
      traffic: [
        {
          from: 'a',
          to: 'broadcast',
          frameBytes: 1500,
          priority: 3,
          ecn: true,
          rateMbps: 4000,
          count: 200,
        },
      ],
    });
    // 335 us at 100 Gb/s, in which 111 frames come; from 64 KiB on, the 44th, the port gets a marked copy of what VF b
    // and the host have.
    pause(simulation, 0xffff);
    settle(simulation, 5);
    expect(simulation.report().counters['nic.ecn.marked']).toBeGreaterThan(60);
    expect(notReturned(simulation)).toEqual([]);
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

describe('TXPBSIZE and TXPBTHRESH of an 82599', () => {
  /**
   * Eight classes: queue 2, that of VF 1, is of class 2, whose priority the other end has stopped; queue 0, that of
   * VF 0, is of class 0. KiB of size and threshold by class.
   */
  function stopped(parts: Record<number, [sizeKib: number, thresholdKib: number]>) {
    const simulation = boot({
      nic: { port: { pfc: [1, 2] } },
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [
        { from: 'a', to: 'port', frameBytes: 1518, rateMbps: 2000 },
        { from: 'b', to: 'port', frameBytes: 1518, priority: 2, rateMbps: 4000 },
      ],
      warmUpMs: 0,
      durationMs: 1,
    });
    const { registers } = simulation.machine.nic;
    const write = (offset: number, value: number) => registers.write32(offset, value, 15);
    write(0x8120, (1 << 0) | (1 << 1) | (3 << 2));
    for (let c = 0; c < 8; c++) {
      const [size, threshold] = parts[c] ?? [0, 0];
      write(0xcc00 + 4 * c, size * KIB);
      write(0x4950 + 4 * c, threshold);
    }
    pause(simulation, 0xffff, 2);
    simulation.advance(simulation.startPs + MILLISECOND);
    return simulation;
  }

  it('are what all share after a reset: 160 KiB, and 150', () => {
    const { registers } = boot({}).machine.nic;
    const read = (offset: number) => Array.from({ length: 8 }, (_, c) => registers.read32(offset + 4 * c));
    expect(read(0xcc00)).toEqual([160 * KIB, 0, 0, 0, 0, 0, 0, 0]);
    expect(read(0x4950)).toEqual([150, 0, 0, 0, 0, 0, 0, 0]);
  });

  it.each<[string, Record<number, [number, number]>, number]>([
    // 27 frames of 1,514 bytes are no more than 40,960.
    ['fetches up to its threshold', { 0: [100, 90], 2: [60, 40] }, 28],
    // No more than 61,440 less 1,518: 39 frames are 59,046.
    ['keeps room for the longest frame, whatever its threshold', { 0: [100, 90], 2: [60, 60] }, 40],
    ['has one frame at a time with a threshold of 0', { 0: [100, 90], 2: [60, 0] }, 1],
    // 10 KiB are left of 160; less 1,518 they are 8,722.
    ['gets what lower ones have left', { 0: [150, 140], 2: [60, 50] }, 6],
    ['fetches nothing without a part', { 0: [100, 90], 1: [20, 10] }, 0],
    ['fetches nothing with a part for no frame of the longest', { 0: [100, 90], 2: [1, 1] }, 0],
  ])('give each class its part: one %s', (_, parts, frames) => {
    const simulation = stopped(parts);
    expect(counter(simulation, 'class2.bytes')).toBe(frames * 1514);
    expect(counter(simulation, 'class2.highWater')).toBe(frames * 1514);
    expect(Math.abs(delivered(simulation)[0] - 1000 / 6.072)).toBeLessThan(3);
  });

  it('have what waits go on when they are written anew', () => {
    const simulation = stopped({ 0: [100, 90], 1: [20, 10] });
    expect(delivered(simulation)[1]).toBe(0);
    simulation.machine.nic.registers.write32(0xcc04, 0, 15);
    settle(simulation, 10);
    const { flows } = simulation.report();
    expect(flows.map((flow) => flow.delivered)).toEqual(flows.map((flow) => flow.offered));
    expect(notReturned(simulation)).toEqual([]);
  });
});

describe("the PF's driver", () => {
  const sizes = (simulation: Simulation) =>
    Array.from({ length: 8 }, (_, c) => simulation.machine.nic.registers.read32(0xcc00 + 4 * c) / KIB);

  it('divides the transmit buffer among the classes of VFs, and anew when one changes', () => {
    const simulation = boot(scenarioOf('divided'));
    expect(sizes(simulation)).toEqual([80, 0, 0, 80, 0, 0, 0, 0]);
    simulation.machine.pfDriver.setVfTxRate(1, { trafficClass: 5 });
    simulation.advance(simulation.nowPs + 10 * MICROSECOND);
    expect(sizes(simulation)).toEqual([53, 0, 0, 53, 0, 53, 0, 0]);
    for (const vf of [0, 1]) simulation.machine.pfDriver.setVfTxRate(vf, { trafficClass: 0 });
    simulation.advance(simulation.nowPs + 10 * MICROSECOND);
    expect(sizes(simulation)).toEqual([160, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('leaves it whole where no class is stopped by itself, or all share it', () => {
    const scenario = scenarioOf('divided');
    const whole = [160, 0, 0, 0, 0, 0, 0, 0];
    expect(sizes(boot({ ...scenario, nic: { profile: 'generic', port: { pause: 'both' } } }))).toEqual(whole);
    expect(sizes(boot(scenarioOf('shared')))).toEqual(whole);
  });

  it('is shared only where a class can be stopped by itself', () => {
    const scenario: Scenario = { nic: { port: { pause: 'both', transmitBuffer: 'shared' } } };
    expect(() => resolveScenario(scenario)).toThrow(
      'scenario: nic.port.transmitBuffer: it is shared anyway; allowed with pfc',
    );
  });
});
