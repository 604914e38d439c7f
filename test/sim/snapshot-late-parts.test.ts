import { describe, expect, it } from 'vitest';
import { createMachine, profiles, type RunningMachine } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { EOP, IFCS, IXSM, OffloadRig, RS, TSE, TXSM } from '../nic/offload-rig.ts';
import { makePacket } from '../wire/packets.ts';
import { checkMoments } from './snapshot-rig.ts';

const NUMVFS = '0000:01:00.0/sriov_numvfs';

// PF registers (82599 data sheet 8.2.3.3, 8.2.3.10, 8.2.3.22.34), and their bits.
const SRRCTL = 0x1014;
const DROP_EN = 2 ** 28;
const PFQDE = 0x2f04;
const RTRUP2TC = 0x3020;
const FCTTV = 0x3200;
const FCRTL = 0x3220;
const FCRTH = 0x3260;
const FCEN = 2 ** 31;
const FCCFG = 0x3d00;
const TFCE_PRIORITY = 2 << 3;
const TFCE_LINK = 1 << 3;
const MFLCN = 0x4294;
const RPFCE = 1 << 2;
const RTTDCS = 0x4900;
const TDPAC_VMPAC = 3;
const TXPBTHRESH = 0x4950;
const TXPBSIZE = 0xcc00;
/** Priority 3 is class 3, all others are class 0. */
const PRIORITY_3 = 3 << 9;

function machineWithTraffic(options: Parameters<typeof createMachine>[0] = {}): RunningMachine {
  const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b', driver: 'interrupt' }], ...options });
  machine.host.sysfs.write(NUMVFS, '2');
  const [a, b] = machine.guests;
  a.traffic.send({ to: b.vf(0).mac, saturate: true });
  b.traffic.send({ to: 'port', saturate: true, frameBytes: { imix: true } });
  machine.port.traffic.send({ to: a.vf(0).mac, ratePps: 1e6, arrivals: 'poisson' });
  machine.run({ simulatedMs: 0.02 });
  return machine;
}

/** Lets a machine run so long, and checks restoring it at once and at two moments of that. */
function check({ simulation }: RunningMachine, us = 20): void {
  const { nowPs } = simulation;
  simulation.endPs = nowPs + us * MICROSECOND;
  const at = (share: number) => ({ ps: nowPs + Math.floor(share * us * MICROSECOND), events: 5 });
  checkMoments(simulation, [{ ps: nowPs, events: 0 }, at(0.2), at(0.7)]);
}

/** Writes registers of the PF as its driver does: offset, value. */
function write({ nic }: RunningMachine, ...writes: readonly (readonly [number, number])[]): void {
  for (const [offset, value] of writes) nic.registers.write32(offset, value, 15);
}

const hasTask = ({ scheduler }: RunningMachine, name: string) => scheduler.taskNames.includes(name);

describe('what registers ask for while a machine runs', { timeout: 120_000 }, () => {
  it('is restored: the rate of a VF, one that is taken back, and that of another', () => {
    const machine = machineWithTraffic();
    const { pfDriver } = machine.simulation.machine;
    expect(hasTask(machine, 'nic.transmit.limits')).toBe(false);
    expect(pfDriver.setVfTxRate(0, { maxMbps: 500 })).toBe(null);
    check(machine);
    expect(hasTask(machine, 'nic.transmit.limits')).toBe(true);
    expect(pfDriver.setVfTxRate(0, { maxMbps: 0 })).toBe(null);
    check(machine);
    expect(pfDriver.setVfTxRate(1, { maxMbps: 100 })).toBe(null);
    check(machine);
  });

  it('is restored: that the rates of the scenario are taken back', () => {
    const machine = machineWithTraffic({ guests: [{ name: 'a', vfs: [{ maxTxMbps: 500 }] }, { name: 'b' }] });
    machine.simulation.machine.pfDriver.setVfTxRate(0, { maxMbps: 0 });
    check(machine);
  });

  it('is restored: classes, weights and limits of VFs on a card that has exact rates', () => {
    const machine = machineWithTraffic({ nic: profiles.nic.genericNic });
    const { pfDriver } = machine.simulation.machine;
    expect(pfDriver.setVfTxRate(0, { trafficClass: 5, maxMbps: 800 })).toBe(null);
    check(machine);
    expect(pfDriver.setVfTxRate(1, { minMbps: 300, trafficClass: 2 })).toBe(null);
    check(machine);
  });

  it('is restored: priority flow control', () => {
    const machine = machineWithTraffic();
    expect(hasTask(machine, 'nic.flowControl.resume')).toBe(false);
    const threshold = [FCRTL + 12, 8 * 1024] as const;
    write(
      machine,
      [RTRUP2TC, PRIORITY_3],
      [FCTTV + 4, 0xffff_0000],
      threshold,
      [FCRTH + 12, FCEN + 16 * 1024],
      [MFLCN, RPFCE],
      [FCCFG, TFCE_PRIORITY],
    );
    expect(hasTask(machine, 'nic.flowControl.resume')).toBe(true);
    check(machine);
    write(machine, [FCCFG, TFCE_LINK], [RTRUP2TC, 0]);
    check(machine);
    write(machine, [FCCFG, 0], [MFLCN, 0]);
    check(machine);
  });

  it('is restored: queues that do not drop, among several', () => {
    const machine = machineWithTraffic();
    const { nic } = machine.simulation.machine;
    // Of the first VF's queue, which its driver and the PF's have made one that drops.
    const srrctl = nic.registers.read32(SRRCTL);
    write(machine, [PFQDE, 2 ** 16], [SRRCTL, srrctl & ~DROP_EN]);
    expect(hasTask(machine, 'nic.flowControl.resume')).toBe(true);
    check(machine);
  });

  it('is restored: a transmit buffer that is divided among classes', () => {
    const machine = machineWithTraffic();
    write(machine, [RTTDCS, TDPAC_VMPAC]);
    for (let c = 0; c < 8; c++) write(machine, [TXPBSIZE + 4 * c, 20 << 10], [TXPBTHRESH + 4 * c, 18]);
    expect(machine.nic.data.transmit.shares).not.toBe(null);
    check(machine);
    write(machine, [RTTDCS, 0]);
    check(machine);
  });

  it('is restored in the order in which it was asked for, between VFs, flows and faults', () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
    ]) {
      const machine = machineWithTraffic();
      const { simulation, host } = machine;
      const acts = [
        () => simulation.machine.pfDriver.setVfTxRate(0, { maxMbps: 700 }),
        () => write(machine, [MFLCN, RPFCE]),
        () => host.traffic.send({ to: 'broadcast', ratePps: 3e5 }),
        () => simulation.faults.inject({ kind: 'slow-memory', atMs: 0.01, forMs: 0.02, factor: 3 }),
      ];
      for (const act of order) acts[act]();
      check(machine, 10);
      host.sysfs.write(NUMVFS, '0');
      host.sysfs.write(NUMVFS, '3');
      check(machine, 10);
    }
  });

  it('is restored: offloads, in the middle of a large send, with RSS', () => {
    const rig = new OffloadRig(2048, 2, false);
    const { machine } = rig;
    rig.writePf(0xec80, 0x00f3_000b);
    for (let i = 0; i < 10; i++) rig.writePf(0xeb80 + 4 * i, 0x1234_5678 * (i + 1));
    for (let i = 0; i < 32; i++) rig.writePf(0xeb00 + 4 * i, 0x0100_0100);
    rig.writePf(0x5000, 1 << 13);
    rig.writeVf(0x300, 1 << 29);
    const spec = { ip: 4, protocol: 'tcp', payloadBytes: 60_000 } as const;
    const packet = makePacket(spec);
    rig.context(packet, spec, { mss: 1448 });
    const at = rig.put(packet.bytes);
    const options = IXSM | TXSM | (spec.payloadBytes << 14);
    rig.post(
      { at, bytes: 54, command: TSE | IFCS, options },
      { at: at + 54, bytes: spec.payloadBytes, command: EOP | RS },
    );
    rig.run(10 * MICROSECOND);
    const { data } = machine.nic;
    expect(data.transmit.framesFetched).toBeGreaterThan(0);
    expect(data.transmit.framesFetched).toBeLessThan(42);
    check(machine, 60);
    expect(data.transmit.framesFetched).toBe(42);
    expect(rig.takeReceived()).toHaveLength(42);
  });
});
