import { describe, expect, it } from 'vitest';
import { createMachine, type RunningMachine } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { restoreSimulation } from '../../src/sim/snapshot/index.ts';
import { checkMoments } from './snapshot-rig.ts';

const NUMVFS = '0000:01:00.0/sriov_numvfs';
const nic = intel82599Chip({ strict: true });

function machineWithTraffic(): RunningMachine {
  const machine = createMachine({ nic, guests: [{ name: 'a' }, { name: 'b', driver: 'interrupt' }] });
  machine.host.sysfs.write(NUMVFS, '2');
  const [a, b] = machine.guests;
  a.traffic.send({ to: b.vf(0).mac, saturate: true });
  machine.port.traffic.send({ to: a.vf(0).mac, ratePps: 1e6 });
  return machine;
}

describe('a machine whose card has the registers of the whole chip', { timeout: 120_000 }, () => {
  it('is booted and driven by the drivers of this project, which touch no register that is not known', () => {
    const machine = machineWithTraffic();
    const report = machine.run({ simulatedMs: 0.2 });
    expect(report.conservation.balanced).toBe(true);
    expect(report.endpoints[2].transmitted.frames).toBeGreaterThan(1000);
    expect(report.counters['nic.unknownRegisterAccesses']).toBe(0);
    // Once at the boot and once for the VFs.
    expect(report.counters['nic.chip.resets']).toBe(2);
  });

  it('names in its report what software has touched and nobody knows', () => {
    const machine = createMachine({ nic: intel82599Chip() });
    expect(machine.nic.memoryRead(machine.nic.pf.barBase(0) + 0x1_fff0, 4)).toBe(0);
    const { counters } = machine.run({ simulatedMs: 0.01 });
    expect(counters['nic.chip.unknown.pf.0x1fff0.reads']).toBe(1);
    expect(counters['nic.unknownRegisterAccesses']).toBe(1);
  });

  it('is restored from a snapshot, in the middle of a word of the EEPROM and of a change of the link', () => {
    const machine = machineWithTraffic();
    const { simulation } = machine;
    const bar = machine.nic.pf.bar(0);
    bar.write32(0x42a0, 0xc09c_7004, 15);
    bar.write32(0x10014, (0x15 << 2) | 1, 15);
    bar.read32(0x10140, 4);
    const { nowPs } = simulation;
    simulation.endPs = nowPs + 60 * MICROSECOND;
    const at = (share: number) => ({ ps: nowPs + Math.floor(share * 60 * MICROSECOND), events: 7 });
    checkMoments(simulation, [at(0.1), at(0.6)], (bytes) => {
      const restored = restoreSimulation(bytes, { nicProfile: nic });
      // What was asked for, taken and begun is there again.
      const again = restored.machine.nic.pf.bar(0);
      const now = machine.nic.pf.bar(0);
      for (const offset of [0x10014, 0x42a4, 0x10140, 0x10010, 0x2f00])
        expect([offset, again.read32(offset, 4)]).toEqual([offset, now.read32(offset, 4)]);
      return restored;
    });
  });
});
