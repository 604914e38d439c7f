import { describe, expect, it } from 'vitest';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { SRIOV_CONTROL, SRIOV_NUM_VFS, VF_ENABLE } from '../../src/pcie/capabilities/sriov.ts';
import type { Simulation } from '../../src/sim/index.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { boot, makeSimulation } from './rig.ts';
import { firstDifference } from './snapshot-rig.ts';

const SCENARIO = { guests: [{ name: 'a' }], traffic: [{ from: 'port', to: 'a', ratePps: 1e6 }] };
const NUMVFS = '0000:01:00.0/sriov_numvfs';
const BUSY = 'snapshot: the machine is in the middle of its work: take it when the run has returned';
const UNBOOTED = 'snapshot: the machine has not been booted';

/** What comes of taking a snapshot wherever `attach` has it called. */
function outcomes(simulation: Simulation, attach: (take: () => void) => void, act: () => void): string[] {
  const seen = new Set<string>();
  attach(() => {
    try {
      snapshotSimulation(simulation);
      seen.add('taken');
    } catch (error) {
      seen.add((error as Error).message);
    }
  });
  act();
  return [...seen].sort();
}

const bySink = (simulation: Simulation) => (take: () => void) => {
  simulation.probe.sink = { record: take };
};
const byWatcher = (simulation: Simulation) => (take: () => void) => {
  simulation.machine.scheduler.watcher = take;
};

describe('a snapshot in the middle of something', { timeout: 60_000 }, () => {
  it('is refused in the boot, and while that brings the VFs', () => {
    for (const by of [bySink, byWatcher]) {
      const simulation = makeSimulation(SCENARIO);
      expect(outcomes(simulation, by(simulation), () => simulation.boot())).toEqual([UNBOOTED, BUSY].sort());
    }
  });

  it('is refused by a sink, a watcher and a listener while the machine runs', () => {
    const simulation = boot(SCENARIO);
    const { machine, startPs } = simulation;
    const run = () => simulation.advance(startPs + 5 * MICROSECOND);
    expect(outcomes(simulation, bySink(simulation), run)).toEqual([BUSY]);
    simulation.probe.sink = null;
    const steps = () => {
      for (let i = 0; i < 20; i++) simulation.step();
    };
    expect(outcomes(simulation, byWatcher(simulation), steps)).toEqual([BUSY]);
    machine.scheduler.watcher = null;
    const { routingId } = machine.nic.pf;
    const onWrite = (take: () => void) => machine.nic.pf.events.on('busMaster', take);
    expect(outcomes(simulation, onWrite, () => machine.rootComplex.configWrite(routingId, 4, 2, 0))).toEqual([
      BUSY,
    ]);
  });

  it('is refused while the number of VFs changes, and taken afterwards, also if that was refused', () => {
    const simulation = boot(SCENARIO);
    const { sysfs } = simulation.machine;
    expect(outcomes(simulation, bySink(simulation), () => sysfs.write(NUMVFS, '0'))).toEqual([BUSY]);
    expect(outcomes(simulation, byWatcher(simulation), () => sysfs.write(NUMVFS, '3'))).toEqual([BUSY]);
    simulation.probe.sink = null;
    simulation.machine.scheduler.watcher = null;
    expect(() => sysfs.write(NUMVFS, '64')).toThrow(/ERANGE|EBUSY|EINVAL/);
    const bytes = snapshotSimulation(simulation);
    expect(firstDifference(snapshotSimulation(restoreSimulation(bytes)), bytes)).toBe(-1);
  });

  it('is refused by a listener of a function, whoever resets or changes it, and taken afterwards', () => {
    const simulation = boot(SCENARIO);
    const { nic } = simulation.machine;
    const { pf } = nic;
    const enable = () => {
      const at = pf.findExtendedCapability(0x10);
      pf.config.write16(at + SRIOV_NUM_VFS, 1);
      pf.config.write16(at + SRIOV_CONTROL, VF_ENABLE);
    };
    for (const [event, act] of [
      ['reset', () => pf.sriov?.vf(0).functionLevelReset()],
      ['reset', () => pf.functionLevelReset()],
      ['vfsEnabled', enable],
      ['reset', () => nic.reset()],
    ] as const) {
      const taking = (take: () => void) => pf.events.once(event, take);
      expect(outcomes(simulation, taking, act), event).toEqual([BUSY]);
    }
    // Also after a listener that throws.
    pf.events.once('reset', () => {
      throw new Error('no');
    });
    expect(() => nic.reset()).toThrow('no');
    expect(
      outcomes(
        simulation,
        (take) => take(),
        () => {},
      ),
    ).toEqual(['taken']);
  });

  it('is taken where a run was stopped by what watches it', () => {
    const simulation = boot(SCENARIO);
    const { scheduler } = simulation.machine;
    scheduler.watcher = () => scheduler.stop();
    simulation.advance(simulation.endPs);
    scheduler.watcher = null;
    expect(simulation.nowPs).toBeLessThan(simulation.endPs);
    const again = restoreSimulation(snapshotSimulation(simulation));
    for (const each of [simulation, again]) each.advance(each.startPs + 20 * MICROSECOND);
    expect(again.machine.scheduler.digest).toBe(scheduler.digest);
  });
});
