import { describe, expect, it } from 'vitest';
import type { NicProfile } from '../../src/nic/index.ts';
import { generic100g } from '../../src/profiles/index.ts';
import { createMachine } from '../../src/sim/create-machine.ts';
import type { PortOptions } from '../../src/sim/scenario-types.ts';
import { run } from './rig.ts';

/** A pipeline that takes 1.6 Gb/s: a byte in 5 ns. Wire and guest a want several times as much. */
const narrow: NicProfile = {
  ...generic100g,
  linkGbps: [10],
  coreClockPs: 5000,
  switchCycles: 10,
  switchBytesPerCycle: 1,
};

/** Bytes a second with check sequence that b gets from the wire, and c from a, and what was lost. */
function overload(port: PortOptions | Partial<NicProfile>, wireBytes: number, hostBytes: number) {
  const machine = createMachine({
    nic: { ...narrow, ...port },
    guests: ['a', 'b', 'c'].map((name) => ({ name, driver: 'poll' as const })),
  });
  machine.host.sysfs.write(`${machine.simulation.machine.pfPath}/sriov_numvfs`, '3');
  machine.port.traffic.send({ to: 'b', frameBytes: wireBytes, saturate: true });
  machine.guests[0].traffic.send({ to: 'c', frameBytes: hostBytes, saturate: true });
  const { endpoints, conservation } = machine.run({ simulatedMs: 3, warmUpMs: 1 });
  expect(conservation.balanced).toBe(true);
  return { wire: endpoints[3].rxPps * wireBytes, host: endpoints[4].rxPps * hostBytes };
}

describe('the pipeline of a machine under overload', () => {
  it.each([
    [3, 1],
    [1, 1],
    [1, 4],
  ])('shares its time %d to %d between wire and host, whatever the length of frames', (wire, host) => {
    for (const [long, short] of [
      [1518, 64],
      [64, 1518],
    ]) {
      const got = overload({ switchArbitration: 'weighted', switchWeights: { wire, host } }, long, short);
      expect(Math.abs(got.wire / (got.wire + got.host) - wire / (wire + host))).toBeLessThan(0.02);
      // A byte in 5 ns, and never idle: a frame more or less in two milliseconds.
      expect(Math.abs(got.wire + got.host - 2e8)).toBeLessThan(2 * 1518 * 500);
    }
  });

  it('takes frames of both in turn with round robin', () => {
    const got = overload({ switchArbitration: 'round-robin' }, 1518, 64);
    expect(Math.abs(got.wire / 1518 / (got.host / 64) - 1)).toBeLessThan(0.01);
  });

  it('leaves the host what the wire does not want, with the wire first', () => {
    const got = overload({ switchArbitration: 'wire-first' }, 1518, 64);
    expect(got.host).toBe(0);
    expect(Math.abs(got.wire - 2e8)).toBeLessThan(2 * 1518 * 500);
  });
});

describe('nic.port.arbitration', () => {
  it.each([
    { arbitration: 'round-robin' },
    { arbitration: 'weighted', wireShare: 80 },
    { arbitration: 'wire-first' },
  ] as const)('%j changes nothing while the pipeline is not full', (port) => {
    const scenario = (options: PortOptions) => ({
      nic: { port: options },
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'port', to: 'a', ratePps: 100_000 }],
      durationMs: 1,
    });
    const [report, before] = [run(scenario(port)).report(), run(scenario({})).report()];
    expect(report.conservation.balanced).toBe(true);
    expect(report.endpoints).toEqual(before.endpoints);
  });

  it('leaves neither side without a share', () => {
    const weighted = (wireShare: number) => ({
      nic: { port: { arbitration: 'weighted' as const, wireShare } },
    });
    expect(() => run(weighted(100))).toThrow('nic.port.wireShare: 100 is out of range; allowed 1 to 99');
    expect(() => run(weighted(0))).toThrow('nic.port.wireShare: 0 is out of range; allowed 1 to 99');
  });
});
