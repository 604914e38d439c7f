import { describe, expect, it } from 'vitest';
import { createMachine, type RunningMachine } from '../../src/index.ts';

describe('a reset of the card behind the drivers', () => {
  it.each(['interrupt', 'poll'] as const)('leaves a balance: %s', (driver) => {
    const machine = createMachine({
      guests: [
        { name: 'a', driver },
        { name: 'b', driver },
      ],
    });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    machine.guests[0].traffic.send({ to: 'b', saturate: true });
    machine.host.traffic.send({ to: 'port', ratePps: 1e6 });
    const { simulation } = machine;
    simulation.advance(simulation.nowPs + 137_300_000);
    expect(simulation.report({ partial: true }).conservation.balanced).toBe(true);
    machine.nic.hotReset();
    for (const ps of [0, 1_000_000, 200_000_000]) {
      simulation.advance(simulation.nowPs + ps);
      expect(simulation.report({ partial: true }).conservation.balanced).toBe(true);
    }
  });

  it.each([
    ['a hot reset', (machine: RunningMachine) => machine.nic.hotReset()],
    ['a function level reset', (machine: RunningMachine) => machine.nic.pf.functionLevelReset()],
  ])('leaves one when the number of VFs is changed after it: %s', (_, reset) => {
    const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b', driver: 'poll' }] });
    const { simulation, host } = machine;
    host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    machine.guests[0].traffic.send({ to: 'b', saturate: true });
    machine.host.traffic.send({ to: 'port', ratePps: 1e6 });
    machine.port.traffic.send({ to: 'host', ratePps: 1e6 });
    simulation.advance(simulation.nowPs + 50_000_000);
    reset(machine);
    const { conservation: before } = simulation.report({ partial: true });
    expect(before).toMatchObject({ balanced: true });
    // Its rings are where the PF's driver had put them, and begin anew.
    host.sysfs.write('0000:01:00.0/sriov_numvfs', '0');
    for (const ps of [0, 50_000_000]) {
      simulation.advance(simulation.nowPs + ps);
      expect(simulation.report({ partial: true }).conservation).toMatchObject({ balanced: true });
    }
  });
});
