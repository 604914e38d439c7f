import { describe, expect, it } from 'vitest';
import { enableVf, requestFurtherMacs, requestMac, requestXcastMode } from '../../src/drivers/index.ts';
import { XcastMode } from '../../src/drivers/mailbox-protocol.ts';
import type { Report, VfOptions } from '../../src/sim/index.ts';
import { parseMac } from '../../src/wire/index.ts';
import { boot, noteArrivals, reportOf, run, settle } from './rig.ts';

/** Guests a, b, c with one VF each, and what they send. */
function machine(vfs: Record<string, VfOptions>, traffic: { from: string; to: string; vlan?: number }[]) {
  return {
    guests: ['a', 'b', 'c'].map((name) => ({ name, vfs: [vfs[name] ?? {}] })),
    traffic: traffic.map((flow) => ({ ...flow, ratePps: 100_000, count: 10 })),
    warmUpMs: 0,
    durationMs: 0.3,
  };
}

const received = (report: Report) =>
  Object.fromEntries(report.endpoints.map(({ name, received: { frames } }) => [name, frames]));

describe('private VFs', () => {
  const apart = { a: { private: true }, b: { private: true } };

  it('do not reach each other, nor others; they reach the host and the port', () => {
    const report = reportOf(
      machine(apart, [
        { from: 'a', to: 'b' },
        { from: 'a', to: 'c' },
        { from: 'c', to: 'b' },
        { from: 'a', to: 'host' },
        { from: 'host', to: 'b' },
        { from: 'a', to: 'port' },
        { from: 'port', to: 'b' },
      ]),
    );
    expect(received(report)).toEqual({ port: 10, host: 10, a: 0, b: 20, c: 0 });
    expect(report.conservation).toMatchObject({ balanced: true, dropped: { privateVPort: 30 } });
  });

  it('get broadcasts of the host and of the port, not of each other', () => {
    const report = reportOf(
      machine(apart, [
        { from: 'a', to: 'broadcast' },
        { from: 'host', to: 'broadcast' },
      ]),
    );
    expect(received(report)).toEqual({ port: 20, host: 10, a: 10, b: 10, c: 10 });
    expect(report.conservation.balanced).toBe(true);
  });
});

describe('allowed VLANs', () => {
  it('hold without anti-spoofing, too', () => {
    const report = reportOf(
      machine({ a: { spoofCheck: false, allowedVlans: [200] } }, [
        { from: 'a', to: 'port', vlan: 100 },
        { from: 'a', to: 'port', vlan: 200 },
        { from: 'a', to: 'port' },
      ]),
    );
    expect(received(report)['port']).toBe(20);
    expect(report.conservation).toMatchObject({ balanced: true, dropped: { vlanNotAllowed: 10 } });
  });
});

describe('storm limits', () => {
  it('let their rate of broadcasts pass in simulated time, and all else', () => {
    const simulation = run({
      guests: [{ name: 'a', vfs: [{ stormLimits: { broadcast: 10_000 } }] }, { name: 'b' }],
      traffic: [
        { from: 'a', to: 'broadcast', ratePps: 100_000 },
        { from: 'a', to: 'b', ratePps: 100_000 },
      ],
      warmUpMs: 0,
      durationMs: 5,
    });
    const { broadcastIn, unicastIn, dropped } = simulation.machine.nic.data.switch.portCounters(0);
    // 50 in 5 ms, and a burst of 10.
    expect(broadcastIn - dropped.broadcastStorm).toBeGreaterThanOrEqual(59);
    expect(broadcastIn - dropped.broadcastStorm).toBeLessThanOrEqual(60);
    expect(dropped.broadcastStorm).toBeGreaterThan(430);
    expect(unicastIn).toBeGreaterThan(490);
    expect(dropped.unknownUnicastStorm).toBe(0);
    expect(simulation.report().conservation.balanced).toBe(true);
  });

  it('of unknown addresses limit what goes to the port', () => {
    const report = reportOf(
      machine({ a: { stormLimits: { unknownUnicast: 0 } } }, [
        { from: 'a', to: 'port' },
        { from: 'a', to: 'b' },
      ]),
    );
    expect(received(report)).toMatchObject({ port: 0, b: 10 });
    expect(report.conservation.dropped).toEqual({ unknownUnicastStorm: 10 });
  });
});

describe('trust', () => {
  const OTHER = parseMac('02:00:00:00:09:09');

  function booted(trust: boolean) {
    const simulation = boot(machine({ a: { trust } }, [{ from: 'port', to: '02:00:00:00:09:09' }]));
    const driver = simulation.machine.vfDrivers.get(0);
    if (driver === undefined) throw new Error('VF 0 has no driver');
    return { simulation, driver, pf: simulation.machine.pfDriver };
  }

  it('lets a guest take another address, and have further ones', () => {
    const { simulation, driver } = booted(true);
    requestFurtherMacs(driver, [OTHER]);
    expect(simulation.machine.nic.data.switch.hasMac(0, OTHER)).toBe(false); // until the next frame
    const arrivals = noteArrivals(simulation);
    simulation.advance(simulation.endPs);
    expect(arrivals.length).toBeGreaterThan(0);
    expect(arrivals.every(({ endpoint }) => endpoint === 2)).toBe(true);
  });

  it('is needed for it', () => {
    const { simulation, driver, pf } = booted(false);
    expect(() => requestFurtherMacs(driver, [OTHER])).toThrow('vf0: the PF refused message 6');
    expect(() => requestMac(driver, OTHER)).toThrow('vf0: the PF refused message 2');
    expect(pf.refusals(0)).toMatchObject({ notTrusted: 2 });
    const arrivals = noteArrivals(simulation);
    simulation.advance(simulation.endPs);
    // Nobody has the address: it is the host's, who takes the rest.
    expect(arrivals.length).toBeGreaterThan(0);
    expect(arrivals.every(({ endpoint }) => endpoint === 1)).toBe(true);
  });

  it('lets a guest receive all groups, until it is lost', () => {
    const { driver, pf } = booted(true);
    expect(requestXcastMode(driver, XcastMode.ALLMULTI)).toBe(XcastMode.ALLMULTI);
    expect(() => requestXcastMode(driver, XcastMode.PROMISC)).toThrow('vf0: the PF refused message 12');
    pf.setVfTrust(0, false);
    expect(requestXcastMode(driver, XcastMode.ALLMULTI)).toBe(XcastMode.MULTI);
    pf.setVfTrust(0, true);
    expect(requestXcastMode(driver, XcastMode.ALLMULTI)).toBe(XcastMode.ALLMULTI);
  });
});

describe('the VPorts of the card', () => {
  it("are the default one, which is the PF's and behind the VFs', and one for each VF", () => {
    const { machine } = boot(machine3());
    expect(machine.nic.vports).toEqual([
      { id: 0, place: 3, owner: 'pf', state: 'activated' },
      { id: 1, place: 0, owner: { vf: 0 }, state: 'activated' },
      { id: 2, place: 1, owner: { vf: 1 }, state: 'activated' },
      { id: 3, place: 2, owner: { vf: 2 }, state: 'activated' },
    ]);
    machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, '0');
    expect(machine.nic.vports).toEqual([{ id: 0, place: 0, owner: 'pf', state: 'activated' }]);
    expect(machine.sysfs.list().filter((path) => path.includes('/sriov/'))).toEqual([]);
  });

  it('of a VF is deactivated with its link, under traffic, and nothing of others is lost', () => {
    const simulation = boot(
      machine({}, [
        { from: 'a', to: 'b' },
        { from: 'a', to: 'c' },
      ]),
    );
    const { nic, pfDriver } = simulation.machine;
    enableVf(pfDriver, 1, false);
    simulation.advance(simulation.endPs);
    expect(nic.vports[2].state).toBe('deactivated');
    expect(received(simulation.report())).toMatchObject({ b: 0, c: 10 });
    expect(nic.data.switch.dropped('vportDisabled')).toBe(10);
    expect(simulation.report().conservation.balanced).toBe(true);
    enableVf(pfDriver, 1, true);
    settle(simulation, 0.1);
    expect(nic.vports[2].state).toBe('activated');
  });
});

describe('files of a VF in sysfs', () => {
  it('set trust, the check of addresses, and the port VLAN', () => {
    const { machine } = boot(machine3());
    const { sysfs, pfPath, pfDriver, nic } = machine;
    const file = (name: string) => `${pfPath}/sriov/1/${name}`;
    const read = () => ['trust', 'spoofcheck', 'vlan', 'mac'].map((name) => sysfs.read(file(name)));
    expect(read()).toEqual(['OFF', 'ON', '0', '02:00:00:00:02:00']);
    sysfs.write(file('trust'), 'ON');
    sysfs.write(file('spoofcheck'), 'OFF');
    sysfs.write(file('vlan'), '100');
    expect(read().slice(0, 3)).toEqual(['ON', 'OFF', '100']);
    expect(pfDriver.vfSettings(1)).toMatchObject({ trusted: true, spoofCheck: false, vlan: 100 });
    // Posted writes: they are there when the next read has come back.
    sysfs.write(file('spoofcheck'), 'OFF');
    const { file: registers } = nic.registers;
    expect(registers.get('PFVFSPOOF', 0) & 0x202).toBe(0);
    expect(registers.get('PFVMVIR', 1) >>> 0).toBe(0x4000_0064);
    sysfs.write(file('vlan'), '0');
    expect(sysfs.read(file('vlan'))).toBe('0');
  });

  it.each([
    ['trust', 'yes', 'EINVAL: trust takes ON or OFF, got "yes"'],
    ['vlan', '4095', 'EINVAL: a VLAN is a number from 1 to 4094, got 4095'],
    ['vlan', '-1', 'EINVAL: vlan takes a number from 0 to 4094, got "-1"'],
  ])('refuse in %s %s', (name, text, error) => {
    const { machine } = boot(machine3());
    expect(() => machine.sysfs.write(`${machine.pfPath}/sriov/0/${name}`, text)).toThrow(error);
  });
});

/** Three VFs, and no traffic. */
function machine3() {
  return machine({}, []);
}
