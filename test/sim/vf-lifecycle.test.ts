import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine, type RunningMachine } from '../../src/index.ts';

const NUMVFS = '0000:01:00.0/sriov_numvfs';
const PORT_MAC = '02:00:00:ff:00:01';
const HOST_MAC = '02:00:00:00:00:00';

function setVfs({ host }: RunningMachine, count: number): void {
  host.sysfs.write(NUMVFS, String(count));
}

/** What the flow called `name` delivered while `ms` passed. */
function delivered(machine: RunningMachine, name: string, ms = 0.2): number {
  const report = machine.run({ simulatedMs: ms });
  expect(report.conservation).toMatchObject({ balanced: true });
  return report.flows.find((flow) => flow.name === name)?.delivered ?? Number.NaN;
}

describe("the PF's own interface", () => {
  it.each(['interrupt', 'poll'] as const)('keeps its traffic while VFs come and go, driver: %s', (driver) => {
    const machine = createMachine({ guests: [{ name: 'a' }], hostInterface: { driver } });
    machine.host.traffic.send({ to: PORT_MAC, ratePps: 2e5 });
    machine.port.traffic.send({ to: HOST_MAC, ratePps: 2e5 });
    const out = 'host to 02:00:00:ff:00:01';
    const back = 'port to 02:00:00:00:00:00';
    for (const count of [0, 1, 0, 63, 0]) {
      setVfs(machine, count);
      expect(delivered(machine, out), `${count} VFs`).toBeGreaterThan(35);
      expect(delivered(machine, back), `${count} VFs`).toBeGreaterThan(35);
    }
  });

  it('keeps a saturated ring full while VFs come and go', () => {
    const machine = createMachine({ guests: [{ name: 'a' }], hostInterface: { driver: 'poll' } });
    machine.host.traffic.send({ to: PORT_MAC, saturate: true, frameBytes: 1518 });
    for (const count of [1, 0, 2]) {
      setVfs(machine, count);
      expect(delivered(machine, 'host to 02:00:00:ff:00:01', 1)).toBeGreaterThan(750);
    }
  });
});

describe('VFs that go away', () => {
  it('let out what their drivers had queued, and leave nothing behind', () => {
    const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b', driver: 'poll' }] });
    setVfs(machine, 2);
    const [a, b] = machine.guests;
    a.traffic.send({ to: b.vf(0).mac, saturate: true });
    b.traffic.send({ to: 'broadcast', ratePps: 2e5 });
    machine.port.traffic.send({ to: a.vf(0).mac, ratePps: 2e5 });
    machine.run({ simulatedMs: 0.1 });
    setVfs(machine, 0);
    const report = machine.run({ simulatedMs: 0.1 });
    expect(report.conservation).toMatchObject({ balanced: true });
    // The station sends on, to an address that nobody has.
    expect(Object.keys(report.conservation.inFlight)).not.toContain('receive buffer');
    expect(report.iommu).toMatchObject({ faults: 0 });
  });

  it('can come back as often as one likes, and their guests send on', () => {
    const machine = createMachine({
      guests: [
        { name: 'a', memoryMiB: 4 },
        { name: 'b', ringSize: 1024 },
      ],
    });
    setVfs(machine, 2);
    const [a, b] = machine.guests;
    a.traffic.send({ to: b.vf(0).mac, ratePps: 2e5, frameBytes: 1000 });
    b.traffic.send({ to: a.vf(0).mac, saturate: true });
    for (let round = 0; round < 5; round++) {
      expect(delivered(machine, `a to ${b.vf(0).mac}`)).toBeGreaterThan(30);
      setVfs(machine, 0);
      expect(delivered(machine, `a to ${b.vf(0).mac}`)).toBe(0);
      setVfs(machine, 2);
    }
  });

  it('count what the card had not fetched as not sent', () => {
    const machine = createMachine({ guests: [{ name: 'a' }] });
    setVfs(machine, 1);
    machine.guests[0].traffic.send({ to: PORT_MAC, ratePps: 1e6, count: 100 });
    // Without Bus Master Enable the card fetches nothing.
    machine.simulation.machine.rootComplex.configWrite(0x0180, 0x04, 2, 0);
    machine.run({ simulatedMs: 0.2 });
    setVfs(machine, 0);
    const { conservation } = machine.run({ simulatedMs: 0.1 });
    expect(conservation).toMatchObject({
      offered: 100,
      delivered: 0,
      dropped: { txRingFull: 100 },
      balanced: true,
    });
  });

  it('have no context entry any more: their Routing IDs reach no memory', () => {
    const machine = createMachine({ guests: [{ name: 'a' }] });
    const { iommu } = machine.simulation.machine;
    setVfs(machine, 1);
    expect(iommu?.translate(0x0180, 0x10_0000, false)).toBeGreaterThanOrEqual(0);
    setVfs(machine, 0);
    expect(iommu?.translate(0x0180, 0x10_0000, false)).toBeLessThan(0);
  });
});

describe('sriov_numvfs', () => {
  const message = (machine: RunningMachine, text: string): string => {
    try {
      machine.host.sysfs.write(NUMVFS, text);
      return 'accepted';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("refuses by the name of an error: EBUSY while there are VFs, ERANGE above the driver's limit, EINVAL for no number", () => {
    const machine = createMachine({ guests: [{}, {}] });
    setVfs(machine, 2);
    expect(message(machine, '1')).toMatch(/^EBUSY: .*2 VFs are enabled: disable them before 1$/);
    expect(message(machine, '64')).toMatch(/^ERANGE: .*64 VFs requested, 63 are allowed$/);
    for (const text of ['', '-1', 'two', '1.5', '08']) expect(message(machine, text)).toMatch(/^EINVAL: /);
    expect(machine.host.sysfs.read(NUMVFS)).toBe('2');
    expect(message(machine, '2')).toBe('accepted');
    expect(message(machine, '0x2')).toBe('accepted');
  });

  it('changes nothing when it is refused', () => {
    const machine = createMachine({ guests: [{}, {}] });
    setVfs(machine, 2);
    const [a, b] = machine.guests;
    a.traffic.send({ to: b.vf(0).mac, ratePps: 1e6 });
    machine.run({ simulatedMs: 0.1 });
    const { now } = machine.scheduler;
    expect(message(machine, '1')).toMatch(/^EBUSY/);
    // A configuration read tells how many there are.
    expect(machine.scheduler.now - now).toBeLessThan(20_000_000);
    expect(delivered(machine, `guest1 to ${b.vf(0).mac}`)).toBeGreaterThan(180);
  });

  it('names the file that there is none of', () => {
    const { host } = createMachine();
    expect(() => host.sysfs.write('0000:02:00.0/sriov_numvfs', '1')).toThrow(
      /^ENOENT: there is no 0000:02:00.0/,
    );
    expect(() => host.sysfs.write('0000:01:00.0/vendor', '1')).toThrow(/^EACCES: /);
    expect(host.sysfs.read('0000:01:00.0/sriov_totalvfs')).toBe('63');
  });
});

describe('whatever the administrator does under whatever traffic', () => {
  const LONG = process.env['SRIOVSIM_LONG'] === '1';
  const driver = fc.constantFrom('interrupt' as const, 'poll' as const);
  const flow = fc.record({
    from: fc.constantFrom('host', 'port', 'a', 'b'),
    to: fc.constantFrom(
      'broadcast',
      PORT_MAC,
      HOST_MAC,
      '02:00:00:00:01:00',
      '02:00:00:00:02:00',
      '02:aa:00:00:00:00',
    ),
    frameBytes: fc.constantFrom(64, 594, 1518),
    ratePps: fc.constantFrom(10_000, 60_000),
    saturate: fc.boolean(),
  });
  const step = fc.record({
    vfs: fc.constantFrom(0, 2, 3, 63),
    us: fc.integer({ min: 1, max: 60 }),
    flow: fc.option(flow, { nil: undefined }),
  });

  it('every frame is accounted for', () => {
    fc.assert(
      fc.property(
        driver,
        driver,
        fc.boolean(),
        fc.array(step, { minLength: 2, maxLength: 8 }),
        (host, guest, iommu, steps) => {
          const machine = createMachine({
            host: { iommu },
            hostInterface: { driver: host, ringSize: 64 },
            guests: [
              { name: 'a', driver: guest, ringSize: 64 },
              { name: 'b', driver: host, vfs: [{ vlan: 100 }] },
            ],
          });
          const [a, b] = machine.guests;
          const ends = { host: machine.host.traffic, port: machine.port.traffic, a: a.traffic, b: b.traffic };
          const own = { host: HOST_MAC, port: PORT_MAC, a: a.vf(0).mac, b: b.vf(0).mac };
          let present = 0;
          for (const { vfs, us, flow } of steps) {
            try {
              setVfs(machine, vfs);
              present = vfs;
            } catch (error) {
              expect((error as Error).message).toMatch(/^EBUSY/);
            }
            const isThere = flow?.from === 'host' || flow?.from === 'port' || present >= 2;
            if (flow !== undefined && isThere && flow.to !== own[flow.from as keyof typeof own]) {
              const { from, saturate, ratePps, ...rest } = flow;
              // A station without end would fill the second that disabling takes.
              const rate =
                saturate && from !== 'port' ? { saturate: true as const, count: 3000 } : { ratePps };
              ends[from as keyof typeof ends].send({ ...rest, ...rate });
            }
            const { conservation, flows } = machine.run({ simulatedMs: us / 1000 });
            expect(conservation).toMatchObject({ balanced: true });
            for (const { reordered, duplicated } of flows) expect([reordered, duplicated]).toEqual([0, 0]);
          }
        },
      ),
      { numRuns: LONG ? 60 : 4 },
    );
  }, 600_000);
});
