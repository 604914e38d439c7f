import { describe, expect, it } from 'vitest';
import { ETHERNET_GBPS } from '../../src/nic/index.ts';
import { generic100g } from '../../src/profiles/index.ts';
import { createMachine } from '../../src/sim/create-machine.ts';
import { run } from './rig.ts';

describe('the port of the generic card', () => {
  it.each(ETHERNET_GBPS)('at %d Gb/s takes frames of 1,518 bytes at line rate', (linkGbps) => {
    const simulation = run({
      nic: { profile: 'generic-100g', linkGbps },
      guests: [{ name: 'a' }],
      traffic: [{ from: 'port', to: 'a', saturate: true, frameBytes: 1518 }],
      warmUpMs: 0.05,
      durationMs: 0.5,
    });
    const { endpoints, conservation } = simulation.report();
    const wanted = (linkGbps * 1518) / 1538;
    // One frame more or less in the time.
    expect(Math.abs(endpoints[0].txGbps - wanted)).toBeLessThan((1518 * 8) / 500_000 + 1e-9);
    expect(conservation.balanced).toBe(true);
  });

  it('loses nothing at 100 Gb/s with priority flow control over a shared buffer', () => {
    const scenario = (pfc: number[]) => ({
      nic: { profile: 'generic-100g', port: { pfc, fec: 'rs' as const, cableMetres: 30 } },
      guests: [{ name: 'a', vfs: [{ trustedVlans: [100] }] }],
      traffic: [{ from: 'port', to: 'a', saturate: true as const, frameBytes: 256, vlan: 100, priority: 3 }],
      warmUpMs: 0,
      durationMs: 0.3,
    });
    expect(run(scenario([])).report().conservation.droppedTotal).toBeGreaterThan(0);
    const { conservation, counters } = run(scenario([3])).report();
    expect(conservation.dropped).toEqual({});
    expect(conservation.balanced).toBe(true);
    expect(counters['nic.flowControl.class1.xoffSent']).toBeGreaterThan(0);
    expect(counters['nic.receiveBuffer.class1.headroomBytes']).toBeLessThanOrEqual(64 * 1024);
  });
});

describe('the width of the pipeline', () => {
  it('lets a frame occupy it for as many cycles as it is long', () => {
    const machine = createMachine({
      nic: { ...generic100g, switchBytesPerCycle: 1 },
      guests: [
        { name: 'a', driver: 'poll' },
        { name: 'b', driver: 'poll' },
      ],
    });
    machine.host.sysfs.write(`${machine.simulation.machine.pfPath}/sriov_numvfs`, '2');
    machine.guests[0].traffic.send({ to: 'b', frameBytes: 1518, saturate: true });
    const { endpoints } = machine.run({ simulatedMs: 2, warmUpMs: 1 });
    // 1,518 cycles of 2.5 ns; a frame more or less in the millisecond that is measured.
    expect(Math.abs(endpoints[2].txPps - 1e12 / (1518 * generic100g.coreClockPs))).toBeLessThanOrEqual(1000);
  });
});
