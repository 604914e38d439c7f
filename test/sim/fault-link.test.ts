import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine, type Report, type Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { enumerate, findFunctions } from '../../src/pcie/index.ts';
import type { FaultKind, FaultOptions, Simulation } from '../../src/sim/index.ts';
import { boot, makeSimulation, notReturned, run, settle } from './rig.ts';

const PAIRS: Scenario = {
  guests: ['a', 'b', 'c', 'd'].map((name, i) => ({ name, driver: i % 2 === 0 ? 'poll' : 'interrupt' })),
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6, frameBytes: { imix: true } },
    { from: 'c', to: 'port', ratePps: 5e5 },
    { from: 'port', to: 'host', ratePps: 5e5 },
  ],
  warmUpMs: 0,
  durationMs: 0.4,
};
const withFaults = (...faults: FaultOptions[]): Scenario => ({ ...PAIRS, faults });
const consequences = ({ faults }: Report) => (faults ?? []).map(({ consequence }) => consequence);
const at = (simulation: Simulation, us: number) => simulation.advance(simulation.startPs + us * MICROSECOND);
const PF = 0x0100;

describe('a link that goes down', () => {
  it('resets the card below it, whose registers read as all ones until it is up again', () => {
    const simulation = boot(withFaults({ kind: 'link-down', atMs: 0.1, forMs: 0.1 }));
    const { rootComplex, nic } = simulation.machine;
    const bar = nic.pf.barBase(0);
    at(simulation, 150);
    expect(rootComplex.configRead(PF, 0, 4)).toBe(0xffffffff);
    expect(rootComplex.read(bar + 8, 4)).toBe(0xffffffff);
    expect(nic.pf.sriov?.count).toBe(0);
    at(simulation, 250);
    expect(rootComplex.configRead(PF, 0, 4)).toBe(0x10fb8086);
    // Memory Space Enable and Bus Master Enable have gone with the reset.
    expect(rootComplex.configRead(PF, 4, 2)).toBe(0);
    expect(rootComplex.read(bar + 8, 4)).toBe(0xffffffff);
    simulation.advance(simulation.endPs);
    const report = simulation.report();
    expect(consequences(report)[0]).toMatch(
      /^DL_Down: hot reset of the card, rings disabled: 10, VFs gone: 4; configuration reads of 01:00\.0 are ffffffffh, Command ffffh; TLPs lost while it is down: [1-9]\d*; the link is up again, and no driver has set the card up: configuration reads of 01:00\.0 are 10fb8086h, Command 0000h$/,
    );
    expect(report.counters['pcie.downs']).toBe(1);
    expect(report.flows[0].delivered).toBeLessThan(120);
    expect(report.conservation.balanced).toBe(true);
    settle(simulation, 1);
    expect(notReturned(simulation).filter((line) => !/rings:/.test(line))).toEqual([]);
  });

  it('leaves a card that software can enumerate and set up again', () => {
    const simulation = run(withFaults({ kind: 'link-down', atMs: 0.1, forMs: 0.05 }));
    const { rootComplex, scheduler } = simulation.machine;
    const config = {
      read: (id: number, offset: number, bytes: number) => rootComplex.configRead(id, offset, bytes),
      write: (id: number, offset: number, bytes: number, value: number) =>
        rootComplex.configWrite(id, offset, bytes, value),
    };
    const tree = enumerate(config, {
      memory32: { base: 0x8000_0000, bytes: 0x7ee0_0000 },
      memory64: { base: 0x2000_0000_0000, bytes: 0x100_0000_0000 },
      ari: true,
      wait: (ms) => scheduler.runUntil(scheduler.now + ms * 1e9),
    });
    const [pf] = findFunctions(tree, 0x8086, 0x10fb);
    const registers = pf.bars[0].address;
    // LINKS.
    expect(rootComplex.read(registers + 0x42a4, 4)).not.toBe(0xffffffff);
  });

  it('is down once for two faults at the same instant, and up when both are over', () => {
    const simulation = run(
      withFaults({ kind: 'link-down', atMs: 0.1, forMs: 0.1 }, { kind: 'link-down', atMs: 0.1, forMs: 0.2 }),
    );
    const [first, second] = consequences(simulation.report());
    expect(first).toContain('the link stays down');
    expect(second).toMatch(
      /^the link is down already; the link is up again, .* are 10fb8086h, Command 0000h$/,
    );
    expect(simulation.report().counters['pcie.downs']).toBe(1);
    expect(simulation.machine.rootComplex.configRead(PF, 0, 4)).toBe(0x10fb8086);
  });

  it('ends what the card waited for', () => {
    const simulation = run(
      withFaults(
        { kind: 'lost-completion', atMs: 0.05, target: 'a' },
        { kind: 'link-down', atMs: 0.1, forMs: 0.1 },
      ),
    );
    expect(consequences(simulation.report())[0]).toMatch(/after 10 ms; the function is reset before; /);
    expect(simulation.machine.nic.requester.counters()['tagsInUse']).toBe(0);
    settle(simulation, 11);
    expect(simulation.machine.nic.requester.counters()['readErrors']).toBeGreaterThan(0);
    expect(simulation.report().conservation.balanced).toBe(true);
    expect(simulation.machine.tlps.available).toBe(simulation.machine.tlps.capacity);
  });

  it('lets no reset reach a function meanwhile', () => {
    const report = run(
      withFaults(
        { kind: 'link-down', atMs: 0.1, forMs: 0.1 },
        { kind: 'flr', atMs: 0.15, target: 'host' },
        { kind: 'flr', atMs: 0.16, target: 'a' },
      ),
    ).report();
    expect(consequences(report).slice(1)).toEqual([
      '01:00.0 does not answer configuration requests, and nothing is reset',
      'the function does not exist at that time, and nothing is reset',
    ]);
    expect(report.conservation.balanced).toBe(true);
  });

  it('during the boot ends it with an error of the driver, or of the enumeration', () => {
    for (const atMs of [1, 60, 110]) {
      const simulation = makeSimulation(
        withFaults({ kind: 'link-down', since: 'power-on', atMs, forMs: 3_000 }),
      );
      expect(() => simulation.boot()).toThrow(Error);
    }
  });
});

describe('a card that is taken out', () => {
  it('reads as all ones for good; its drivers receive nothing more, and their rings fill', () => {
    const simulation = run(withFaults({ kind: 'surprise-removal', atMs: 0.1 }));
    const report = simulation.report();
    expect(consequences(report)[0]).toMatch(
      /configuration reads of 01:00\.0 are ffffffffh.*lost while it is down: /,
    );
    expect(simulation.machine.rootComplex.configRead(PF, 0, 4)).toBe(0xffffffff);
    const received = simulation.machine.vfDrivers.get(1)?.path.queue.framesReceived;
    settle(simulation, 1);
    expect(simulation.machine.vfDrivers.get(1)?.path.queue.framesReceived).toBe(received);
    expect(simulation.report().conservation.inFlight['transmit rings']).toBeGreaterThan(400);
    expect(simulation.report().conservation.dropped['receiveDisabled']).toBeGreaterThan(0);
    expect(simulation.report().conservation.balanced).toBe(true);
  });

  it('stays out where a shorter outage ends', () => {
    const simulation = run(
      withFaults({ kind: 'link-down', atMs: 0.1, forMs: 0.1 }, { kind: 'surprise-removal', atMs: 0.15 }),
    );
    expect(consequences(simulation.report())[0]).toContain('the link stays down');
    expect(simulation.machine.rootComplex.configRead(PF, 0, 4)).toBe(0xffffffff);
  });

  it('lets software that asks it for its VFs come to an end', () => {
    const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    machine.guests[0].traffic.send({ to: 'b', ratePps: 1e6, count: 200 });
    machine.faults.inject({ kind: 'surprise-removal', atMs: 0.1 });
    expect(machine.run({ simulatedMs: 0.2 }).conservation.balanced).toBe(true);
    try {
      machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '0');
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
    expect(machine.simulation.report().conservation.balanced).toBe(true);
  });
});

describe('whatever goes wrong', () => {
  const KINDS: FaultKind[] = [
    'bit-error',
    'link-down',
    'iommu-fault',
    'poisoned-data',
    'lost-completion',
    'flr',
  ];
  const TARGETS = ['host', 'a', 'b', 'c'];
  const fault = fc
    .record({
      kind: fc.constantFrom(...KINDS),
      atMs: fc.integer({ min: 0, max: 380 }).map((us) => us / 1000),
      forMs: fc.integer({ min: 1, max: 100 }).map((us) => us / 1000),
      target: fc.constantFrom(...TARGETS),
    })
    .map(({ kind, atMs, forMs, target }): FaultOptions => {
      if (kind === 'link-down') return { kind, atMs, forMs };
      if (kind === 'bit-error') return { kind, probability: 0.01, fromMs: atMs, toMs: atMs + forMs };
      return { kind, atMs, target: kind === 'iommu-fault' && target === 'host' ? 'a' : target };
    });

  it('what is held for a replay ends with the link, and nothing waits behind it for ever', () => {
    const errors = { kind: 'bit-error', probability: 0.01 } as const;
    const simulation = boot({
      ...PAIRS,
      faults: [
        { kind: 'link-down', atMs: 0.315, forMs: 0.001 },
        { ...errors, fromMs: 0.3, toMs: 0.315 },
        { ...errors, fromMs: 0.221, toMs: 0.309 },
        { kind: 'flr', atMs: 0, target: 'c' },
      ],
    });
    at(simulation, 400);
    settle(simulation, 70);
    const { conservation, faults } = simulation.report();
    expect(conservation.balanced).toBe(true);
    expect(faults?.find(({ kind }) => kind === 'link-down')?.consequence).toContain('the link is up again');
    expect(simulation.machine.tlps.available).toBe(simulation.machine.tlps.capacity);
  });

  it('no frame is lost without a count, and two runs are the same', () => {
    fc.assert(
      fc.property(
        fc.array(fault, { minLength: 1, maxLength: 6 }),
        fc.constantFrom<Scenario>(
          {},
          { nic: { profile: 'generic-100g', port: { switching: 'cut-through' } } },
        ),
        (faults, card) => {
          const scenario = { ...PAIRS, ...card, faults };
          const simulation = boot(scenario);
          for (const us of [50, 120, 200, 300, 400]) {
            at(simulation, us);
            expect(simulation.report().conservation).toMatchObject({ balanced: true });
          }
          const { digest } = simulation.machine.scheduler;
          // One time-out may let another completion be asked for that is lost.
          settle(simulation, 70);
          expect(simulation.report().conservation).toMatchObject({ balanced: true });
          expect(simulation.machine.nic.requester.counters()['tagsInUse']).toBe(0);
          expect(simulation.machine.tlps.available).toBe(simulation.machine.tlps.capacity);
          const again = boot(scenario);
          at(again, 400);
          expect(again.machine.scheduler.digest).toBe(digest);
        },
      ),
      { numRuns: 12 },
    );
  });
});
