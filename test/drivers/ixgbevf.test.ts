import { describe, expect, it } from 'vitest';
import { IxgbevfDriver, type VfDriverOptions } from '../../src/drivers/index.ts';
import { DeviceHandle, WriteWatch } from '../../src/host/index.ts';
import { createMachine } from '../../src/index.ts';
import { xeonE5v4 } from '../../src/profiles/index.ts';
import { parseMac } from '../../src/wire/index.ts';

const VF_BAR0 = 0x160 + 0x24;

/** A second driver for VF 0 of a machine, as somebody else might write one: all that it has is a handle of the VF. */
function makeDriver(options: Partial<VfDriverOptions> = {}, vfs = 1) {
  const running = createMachine({ guests: [{ vfs: [{ trustedVlans: [100] }] }] });
  running.host.sysfs.write('0000:01:00.0/sriov_numvfs', String(vfs));
  const { machine } = running.simulation;
  const { rootComplex } = machine;
  const bar = (at: number) =>
    ((rootComplex.configRead(0x0100, at, 4) & ~15) >>> 0) +
    rootComplex.configRead(0x0100, at + 4, 4) * 2 ** 32;
  const handle = new DeviceHandle({
    name: 'vf0',
    routingId: 0x0180,
    barBases: { 0: bar(VF_BAR0), 3: bar(VF_BAR0 + 12) },
    scheduler: machine.scheduler,
    rootComplex,
    interrupts: machine.interrupts,
    memory: machine.guests[0].space,
    watch: new WriteWatch(),
    interruptLatencyPs: 0,
  });
  const driver = new IxgbevfDriver(handle, {
    ringSize: 64,
    mode: 'interrupt',
    costs: xeonE5v4.software.interrupt,
    vlans: [],
    groups: [],
    ...options,
  });
  return { driver, handle, machine };
}

describe('the VF driver', () => {
  it("learns its address and its queues from the PF's driver", () => {
    const { driver } = makeDriver();
    driver.start();
    expect(driver.mac).toBe(parseMac('02:00:00:00:01:00'));
    expect(driver.queues).toBe(2);
  });

  it('sets Bus Master Enable of its function, and enables MSI-X where it waits for interrupts', () => {
    const { driver, handle } = makeDriver();
    handle.configWrite(0x04, 2, 0);
    handle.configWrite(0x72, 2, 0);
    driver.start();
    expect(handle.configRead(0x04, 2) & 4).toBe(4);
    expect(handle.configRead(0x72, 2) & 0x8000).toBe(0x8000);
  });

  it('leaves MSI-X alone where it polls', () => {
    const { driver, handle } = makeDriver({ mode: 'poll' });
    handle.configWrite(0x72, 2, 0);
    driver.start();
    expect(handle.configRead(0x72, 2)).toBe(2);
  });

  it('joins a VLAN that it is trusted with, and says so when the PF refuses another', () => {
    expect(() => makeDriver({ vlans: [100] }).driver.start()).not.toThrow();
    expect(() => makeDriver({ vlans: [100, 300] }).driver.start()).toThrow('vf0: the PF refused message 4');
  });

  it('gives up on a function that is not there', () => {
    const { driver, machine } = makeDriver();
    machine.rootComplex.configWrite(0x0100, 0x160 + 0x08, 2, 0);
    expect(() => driver.start()).toThrow(
      /^vf0: waited for .* in vain$|does not become enabled|refused message/,
    );
  });
});

describe('a handle of a device', () => {
  it('has the memory BARs of its function, and no others', () => {
    const { handle } = makeDriver();
    // VFLINKS: up.
    expect(handle.bar(0).read32(0x10) & (1 << 30)).not.toBe(0);
    expect(() => handle.bar(1)).toThrow(new RangeError('vf0 has no memory BAR 1'));
  });

  it('lets time pass, and tells it', () => {
    const { handle, machine } = makeDriver();
    const before = handle.now;
    handle.wait(1234);
    expect(handle.now).toBe(before + 1234);
    expect(machine.scheduler.now).toBe(handle.now);
  });
});
