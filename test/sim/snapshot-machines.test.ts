import { describe, expect, it } from 'vitest';
import { createMachine, profiles, type RunningMachine } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { NicProfile } from '../../src/nic/index.ts';
import { flitMode } from '../../src/pcie/index.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { crc32 } from '../../src/wire/index.ts';
import { boot, makeSimulation } from './rig.ts';
import { checkMoments, firstDifference } from './snapshot-rig.ts';

const NUMVFS = '0000:01:00.0/sriov_numvfs';

function machineWithTraffic(options: Parameters<typeof createMachine>[0] = {}): RunningMachine {
  const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b', driver: 'interrupt' }], ...options });
  machine.host.sysfs.write(NUMVFS, '2');
  const [a, b] = machine.guests;
  a.traffic.send({ to: b.vf(0).mac, saturate: true });
  machine.port.traffic.send({ to: a.vf(0).mac, ratePps: 1e6, arrivals: 'poisson' });
  return machine;
}

/** Lets a machine run so long, and checks restoring it at two moments of that. */
function check({ simulation }: RunningMachine, us: number, restore = restoreSimulation): void {
  const { nowPs } = simulation;
  simulation.endPs = nowPs + us * MICROSECOND;
  const at = (share: number) => ({ ps: nowPs + Math.floor(share * us * MICROSECOND), events: 7 });
  checkMoments(simulation, [at(0.1), at(0.6)], restore);
}

function flitCard(): NicProfile {
  const card = profiles.nic.generic100g;
  return { ...card, pcie: { ...card.pcie, rate: { generation: 6, lanes: 4 }, flitMode } };
}

describe('a machine that a program has made', { timeout: 120_000 }, () => {
  it('is restored with its traffic', () => check(machineWithTraffic(), 60));

  it('is restored with the flows that came later', () => {
    const machine = machineWithTraffic();
    machine.run({ simulatedMs: 0.05 });
    machine.host.traffic.send({ to: 'broadcast', ratePps: 3e5, frameBytes: { imix: true } });
    check(machine, 60);
  });

  it('is restored after its VFs have gone, and after others have come', () => {
    const machine = machineWithTraffic();
    machine.run({ simulatedMs: 0.05 });
    machine.host.sysfs.write(NUMVFS, '0');
    check(machine, 40);
    machine.host.sysfs.write(NUMVFS, '5');
    check(machine, 40);
  });

  it('takes VFs away and brings others after it is restored', () => {
    const machine = machineWithTraffic();
    machine.run({ simulatedMs: 0.05 });
    const again = restoreSimulation(snapshotSimulation(machine.simulation));
    for (const { machine: each } of [machine.simulation, again]) {
      each.sysfs.write(NUMVFS, '0');
      each.sysfs.write(NUMVFS, '1');
    }
    expect(firstDifference(snapshotSimulation(again), snapshotSimulation(machine.simulation))).toBe(-1);
  });

  it('is restored with VFs that nobody has touched before', () => {
    const machine = machineWithTraffic();
    machine.host.sysfs.write(NUMVFS, '0');
    machine.host.sysfs.write(NUMVFS, '40');
    const { rootComplex, nic } = machine.simulation.machine;
    expect(rootComplex.configRead(nic.pf.sriov?.routingIdOf(30) ?? 0, 0, 4)).toBe(0xffff_ffff);
    rootComplex.configWrite(nic.pf.sriov?.routingIdOf(30) ?? 0, 4, 2, 4);
    check(machine, 20);
  });

  it('is restored after a reset of one VF, and of the whole card behind its drivers', () => {
    const machine = machineWithTraffic();
    machine.run({ simulatedMs: 0.05 });
    const { machine: parts } = machine.simulation;
    const vf = parts.nic.pf.sriov?.routingIdOf(0) ?? 0;
    const capability = parts.nic.endpoint.functionAt(vf)?.findCapability(0x10) ?? 0;
    parts.rootComplex.configWrite(vf, capability + 8, 2, 0x8000);
    check(machine, 30);
    machine.nic.reset();
    check(machine, 30);
  });

  it('is restored with the faults that the program asked for', () => {
    const machine = machineWithTraffic();
    machine.simulation.faults.inject({ kind: 'iommu-fault', probability: 0.01, target: 'a' });
    machine.run({ simulatedMs: 0.05 });
    machine.simulation.faults.inject({ kind: 'slow-memory', atMs: 0.01, forMs: 0.02, factor: 3 });
    check(machine, 60);
  });

  it("is restored with a profile of its user's own, if that is given again", () => {
    const nicProfile = { ...profiles.nic.genericNic, registerReadPs: 123_000 };
    const machine = machineWithTraffic({ nic: nicProfile });
    expect(() => restoreSimulation(snapshotSimulation(machine.simulation))).toThrow(
      'snapshot: it was made with a profile of its own: give options.nicProfile',
    );
    check(machine, 30, (bytes) => restoreSimulation(bytes, { nicProfile }));
  });

  it('is restored with a link of generation 6', () => {
    const nicProfile = flitCard();
    const machine = machineWithTraffic({ nic: nicProfile });
    check(machine, 30, (bytes) => restoreSimulation(bytes, { nicProfile }));
  });

  it('is restored with another profile of the package', () =>
    check(machineWithTraffic({ nic: profiles.nic.generic100g }), 30));
});

describe('what is no snapshot of this version', () => {
  const bytes = snapshotSimulation(boot({ guests: [{ name: 'a' }] }));
  const changed = (change: (bytes: Uint8Array) => void, sign = true) => {
    const copy = bytes.slice();
    change(copy);
    if (sign) new DataView(copy.buffer).setUint32(9, crc32(copy, 13, copy.length - 13), true);
    return () => restoreSimulation(copy);
  };

  it('is refused with one line', () => {
    expect(() => restoreSimulation('text' as never)).toThrow(TypeError);
    expect(() => restoreSimulation(new Uint8Array(0))).toThrow('snapshot: this is none');
    expect(() => restoreSimulation(bytes.subarray(1))).toThrow('snapshot: this is none');
    expect(() => restoreSimulation(bytes.subarray(0, -1))).toThrow('snapshot: it is damaged');
    expect(changed((copy) => copy.fill(1, 8, 9))).toThrow('snapshot: it has format 1, this version reads 2');
    expect(changed((copy) => copy.fill(0x39, 14, 15))).toThrow(
      /^snapshot: it is of version 9\.1\.0 of the simulator, this is 0\.1\.0$/,
    );
  });

  it('is refused wherever a byte has changed', () => {
    for (let at = 9; at < bytes.length; at += 9973) {
      expect(changed((copy) => (copy[at] ^= 0x10), false)).toThrow('snapshot: it is damaged');
    }
  });

  it('is refused where objects have other fields than this machine', () => {
    const name = new TextEncoder().encode('digestA');
    const at = bytes.findIndex((_, i) => name.every((byte, k) => bytes[i + k] === byte));
    expect(changed((copy) => copy.fill(0x42, at + 6, at + 7))).toThrow(
      'snapshot: machine.scheduler is not as it is in a machine of this version',
    );
  });

  it('is none before the boot', () => {
    expect(() => snapshotSimulation(makeSimulation({ guests: [{ name: 'a' }] }))).toThrow(
      'snapshot: the machine has not been booted',
    );
  });
});
