import { describe, expect, it } from 'vitest';
import type { PortOptions } from '../../src/sim/scenario-types.ts';
import { run } from './rig.ts';

const counter = (counters: Record<string, number>, name: string) => counters[`nic.flowControl.${name}`];

/** The port sends more than guest a can take, as fast as it can, and a little to guest b. */
function congested(port: PortOptions) {
  const simulation = run({
    nic: { port },
    guests: [
      { name: 'a', vfs: [{ trustedVlans: [100] }] },
      { name: 'b', vfs: [{ trustedVlans: [100] }] },
    ],
    traffic: [
      { from: 'port', to: 'a', saturate: true, vlan: 100, priority: 3 },
      { from: 'port', to: 'b', ratePps: 1e5, vlan: 100, priority: 5 },
    ],
    warmUpMs: 0,
    durationMs: 1.5,
  });
  const { conservation, flows, counters } = simulation.report();
  expect(conservation.balanced).toBe(true);
  return { simulation, conservation, flows, counters };
}

describe('a wire with more than the guests can take', () => {
  it('loses frames without flow control', () => {
    const { conservation } = congested({});
    expect(conservation.dropped['noDescriptor']).toBeGreaterThan(1000);
  });

  it('loses none with PAUSE, which stops all', () => {
    const { conservation, flows, counters, simulation } = congested({ pause: 'both' });
    expect(conservation.dropped).toEqual({});
    expect(counter(counters, 'linkXoffSent')).toBeGreaterThan(0);
    expect(simulation.station.pauseTimers?.linkOff).toBe(counter(counters, 'linkXoffSent'));
    expect(flows[0].lost).toBe(0);
  });

  it('loses none with priority flow control, and what has another priority is not stopped', () => {
    const { conservation, flows, counters, simulation } = congested({ pfc: [3] });
    expect(conservation.dropped).toEqual({});
    expect(counter(counters, 'class1.xoffSent')).toBeGreaterThan(0);
    expect(simulation.station.pauseTimers?.off[3]).toBe(counter(counters, 'class1.xoffSent'));
    expect(simulation.station.pauseTimers?.off[5]).toBe(0);
    expect(flows[1].delivered).toBeGreaterThanOrEqual(flows[1].offered - 1);
    // Well below what a full buffer in front of it would cost, 256 KiB at the rate of guest a.
    expect(flows[1].latencyNs?.max).toBeLessThan(30_000);
  });

  it('loses frames where the threshold leaves too little headroom for the cable', () => {
    const cableMetres = 2000;
    expect(congested({ pause: 'send', cableMetres }).conservation.dropped).toEqual({});
    const { conservation } = congested({ pause: 'send', cableMetres, xoffKiB: 511 });
    expect(conservation.dropped['packetBufferFull']).toBeGreaterThan(0);
  });

  it('moves again after each stop: what was sent is delivered when the traffic ends', () => {
    const ports: PortOptions[] = [{ pause: 'send' }, { pfc: [3] }];
    for (const port of ports) {
      const simulation = run({
        nic: { port: { ...port, xoffKiB: 64, xonKiB: 16 } },
        guests: [{ name: 'a', vfs: [{ trustedVlans: [100] }] }],
        traffic: [{ from: 'port', to: 'a', saturate: true, vlan: 100, priority: 3, stopMs: 1 }],
        warmUpMs: 0,
        durationMs: 3,
      });
      const { conservation, counters } = simulation.report();
      expect(conservation.dropped).toEqual({});
      expect(conservation.inFlightTotal).toBe(0);
      const sent = 'pause' in port ? 'linkXoffSent' : 'class1.xoffSent';
      expect(counter(counters, sent)).toBeGreaterThan(1);
      expect(counters['nic.receiveBufferHighWater']).toBeGreaterThan(64 * 1024);
    }
  });
});

describe('a cable', () => {
  it('delays frames by 5 ns a metre', () => {
    const latency = (cableMetres: number) => {
      const traffic = [{ from: 'port', to: 'a', ratePps: 1e5 }];
      const { flows } = run({
        nic: { port: { cableMetres } },
        guests: [{ name: 'a' }],
        traffic,
        durationMs: 0.3,
      }).report();
      return flows[0].latencyNs?.min ?? 0;
    };
    // By whole passes of the guest's loop: no interrupt falls within the microsecond.
    expect(latency(1000) - latency(0)).toBe(5000);
  });
});
