import { describe, expect, it } from 'vitest';
import type { Simulation } from '../../src/sim/simulation.ts';
import { boot, settle } from './rig.ts';

const [VFTA, PFVLVF, PFVLVFB] = [0xa000, 0xf100, 0xf200];
const VIEN = 0x8000_0000;

const register = ({ machine }: Simulation, offset: number) => machine.nic.registers.read32(offset) >>> 0;

/** Guests a to c; what each sends to the port, tagged or not. */
function machine(traffic: { from: string; vlan?: number; priority?: number }[]): Simulation {
  return boot({
    guests: [
      { name: 'a' },
      { name: 'b', vfs: [{ vlan: 100 }] },
      { name: 'c', vfs: [{ trustedVlans: [200] }] },
    ],
    traffic: traffic.map((flow) => ({ ...flow, to: 'port', ratePps: 100_000, count: 10 })),
    warmUpMs: 0,
    durationMs: 0.2,
  });
}

describe('VLAN 0', () => {
  it('has the first VLAN filter, with the pools of all functions that have no port VLAN', () => {
    const simulation = machine([]);
    expect(register(simulation, PFVLVF)).toBe(VIEN);
    // VFs 0 and 2, and the PF behind VF 2.
    expect(register(simulation, PFVLVFB)).toBe(0b1101);
    expect(register(simulation, VFTA) & 1).toBe(1);
    const others = Array.from({ length: 63 }, (_, i) => register(simulation, PFVLVF + 4 * (i + 1)));
    expect(others.filter((filter) => filter !== 0)).toEqual([VIEN + 200, VIEN + 100]);
  });

  it('lets functions send without a VLAN past the check, and the port VLAN those that have one', () => {
    const simulation = machine([
      { from: 'a' },
      { from: 'a', priority: 5 },
      { from: 'a', vlan: 200 },
      { from: 'b' },
      { from: 'c' },
      { from: 'c', vlan: 200 },
    ]);
    settle(simulation, 1);
    const { conservation, endpoints } = simulation.report();
    expect(conservation).toMatchObject({ balanced: true, dropped: { vlanSpoof: 10 } });
    expect(endpoints.find(({ name }) => name === 'port')?.received.frames).toBe(50);
  });

  it('is what the check goes by: a function that is taken out of it sends nothing untagged', () => {
    const simulation = machine([{ from: 'a' }, { from: 'c' }, { from: 'c', vlan: 200 }]);
    simulation.machine.nic.registers.write32(PFVLVFB, 0b1001, 15);
    settle(simulation, 1);
    const { conservation, endpoints } = simulation.report();
    expect(conservation).toMatchObject({ balanced: true, dropped: { vlanSpoof: 10 } });
    expect(endpoints.find(({ name }) => name === 'port')?.received.frames).toBe(20);
  });

  it('is left for a port VLAN, and joined again without one', () => {
    const simulation = machine([]);
    const { pfDriver } = simulation.machine;
    pfDriver.setVfVlan(0, 300);
    expect(register(simulation, PFVLVFB)).toBe(0b1100);
    pfDriver.setVfVlan(0, null);
    pfDriver.setVfVlan(1, null);
    expect(register(simulation, PFVLVFB)).toBe(0b1111);
    expect(
      [100, 300].map((vlan) => (register(simulation, VFTA + 4 * (vlan >> 5)) >>> (vlan & 31)) & 1),
    ).toEqual([0, 0]);
  });
});
