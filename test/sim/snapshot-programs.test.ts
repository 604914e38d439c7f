import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/index.ts';
import { PollModeDriver, VfMessages } from '../../src/drivers/index.ts';
import { createMachine, type RunningMachine } from '../../src/index.ts';
import { useTransmitReports } from '../../src/nic/index.ts';
import { FlitErrors, wrongBitsAt } from '../../src/pcie/index.ts';
import { intel82599Chip, xeonE5v4 } from '../../src/profiles/index.ts';
import { pfHandle } from '../../src/sim/index.ts';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import {
  type RestoreOptions,
  restoreSimulation,
  SnapshotError,
  snapshotSimulation,
} from '../../src/sim/snapshot/index.ts';

/** Writes a snapshot of a machine, and restores it. */
function restore({ simulation }: RunningMachine, options: RestoreOptions = {}) {
  const bytes = snapshotSimulation(simulation);
  return () => restoreSimulation(bytes, options);
}

describe('what a program hangs into a machine is not in a snapshot, which is refused:', {
  timeout: 60_000,
}, () => {
  it('nothing, of a machine as it is made', () => {
    expect(restore(createMachine())).not.toThrow();
  });

  it('transmit reports, used or not', () => {
    const machine = createMachine();
    useTransmitReports(machine.nic, machine.scheduler);
    expect(restore(machine)).toThrow(SnapshotError);
  });

  it('further messages of a mailbox', () => {
    const machine = createMachine();
    new VfMessages(machine.simulation.machine.pfDriver);
    expect(restore(machine)).toThrow(SnapshotError);
  });

  it('a driver of its own', () => {
    const nicProfile = intel82599Chip();
    const machine = createMachine({ nic: nicProfile });
    const handle = pfHandle(machine.simulation.machine);
    new PollModeDriver(handle, { costs: xeonE5v4.software.poll }).start();
    expect(restore(machine, { nicProfile })).toThrow(SnapshotError);
  });

  it('bit errors of a link in Flit Mode', () => {
    const machine = createMachine({ nic: { profile: 'generic-100g' }, pcie: { generation: 6 }, pcieParts });
    const { link, tlps, bridge, nic } = machine.simulation.machine;
    const bits = wrongBitsAt(1e-5, new RandomStreams(3).stream('bits'));
    new FlitErrors(machine.scheduler, link.upstream, tlps, bits, bridge.function, nic.pf);
    expect(restore(machine)).toThrow(SnapshotError);
  });
});
