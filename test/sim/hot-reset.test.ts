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

describe('a card that was reset, when the number of VFs is written', () => {
  const NUMVFS = '0000:01:00.0/sriov_numvfs';
  const made = () => createMachine({ guests: [{ name: 'a' }, { name: 'b' }] });

  it.each([
    ['a hot reset', (machine: RunningMachine) => machine.nic.hotReset()],
    ['a function level reset', (machine: RunningMachine) => machine.nic.pf.functionLevelReset()],
  ])('is enumerated again: its addresses and bus numbers are as before, and frames go: %s', (_, reset) => {
    const machine = made();
    const { simulation, host, nic } = machine;
    const { bridge } = simulation.machine;
    host.sysfs.write(NUMVFS, '2');
    const before = [0, 2, 4].map((bar) => nic.pf.barBase(bar));
    const vf = nic.pf.sriov?.routingIdOf(1);
    reset(machine);
    expect(nic.pf.barBase(0)).not.toBe(before[0]);
    expect([bridge.secondaryBus, bridge.subordinateBus]).toEqual([1, 1]);
    // As Linux has it: those that it knows of are to be taken away first.
    expect(() => host.sysfs.write(NUMVFS, '1')).toThrow('EBUSY');
    host.sysfs.write(NUMVFS, '0');
    host.sysfs.write(NUMVFS, '2');
    expect([0, 2, 4].map((bar) => nic.pf.barBase(bar))).toEqual(before);
    expect(nic.pf.sriov?.routingIdOf(1)).toBe(vf);
    machine.guests[0].traffic.send({ to: 'b', ratePps: 1e6 });
    const report = machine.run({ simulatedMs: 0.1 });
    expect(report.flows[0].delivered).toBeGreaterThan(90);
    expect(report.conservation).toMatchObject({ balanced: true });
  });

  it('gets its VFs although it had none before', () => {
    const machine = made();
    machine.nic.pf.functionLevelReset();
    machine.host.sysfs.write(NUMVFS, '2');
    expect(machine.nic.pf.sriov?.count).toBe(2);
  });

  it('is not found where it has gone', () => {
    const machine = made();
    machine.faults.inject({ kind: 'surprise-removal', atMs: 0 });
    machine.run({ simulatedMs: 0.01 });
    expect(() => machine.host.sysfs.write(NUMVFS, '2')).toThrow('enumeration found no card');
  });
});
