import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import type { Simulation } from '../../src/sim/simulation.ts';
import { boot, jsonOf, notReturned, settle } from './rig.ts';

/** Registers that steer switch, rates and flow control, with the elements that each has. */
const REGISTERS: readonly (readonly [name: string, count: number])[] = [
  ['PFVTCTL', 1],
  ['FCTRL', 1],
  ['PFDTXGSWC', 1],
  ['DMATXCTL', 1],
  ['EXVET', 1],
  ['CTRL_EXT', 1],
  ['RXCTRL', 1],
  ['RAL', 8],
  ['RAH', 8],
  ['MPSAR', 16],
  ['MTA', 8],
  ['PFUTA', 8],
  ['MCSTCTRL', 1],
  ['VLNCTRL', 1],
  ['VFTA', 8],
  ['PFVLVF', 4],
  ['PFVLVFB', 8],
  ['PFMRCTL', 4],
  ['PFMRVLAN', 8],
  ['PFMRVM', 8],
  ['PFVFRE', 2],
  ['PFVFTE', 2],
  ['PFVMTXSW', 2],
  ['PFVFSPOOF', 2],
  ['PFVML2FLT', 4],
  ['PFVMVIR', 4],
  ['PFQDE', 1],
  ['RTTDCS', 1],
  ['RTTDQSEL', 1],
  ['RTTDT1C', 1],
  ['RTTDT2C', 8],
  ['RTTBCNRM', 1],
  ['RTTBCNRC', 1],
  ['MTQC', 1],
  ['FCTTV', 4],
  ['FCRTL', 8],
  ['FCRTH', 8],
  ['FCRTV', 1],
  ['FCCFG', 1],
  ['MFLCN', 1],
  ['RTRUP2TC', 1],
  ['RTTUP2TC', 1],
  ['RXPBSIZE', 8],
  ['TXPBSIZE', 8],
  ['TXPBTHRESH', 8],
];

type Step =
  | { readonly do: 'write'; readonly register: number; readonly index: number; readonly value: number }
  | { readonly do: 'run'; readonly us: number }
  | { readonly do: 'pause'; readonly enabled: number; readonly quanta: number }
  | { readonly do: 'vfReset' | 'functionReset'; readonly vf: number }
  | { readonly do: 'deviceReset' | 'linkReset' }
  | { readonly do: 'numVfs'; readonly count: number };

const value = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, -1, 1),
  fc.nat(31).map((bit) => 1 << bit),
  fc.nat(0xff).map((byte) => byte * 0x0101_0101),
);
const write: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('write' as const),
  register: fc.nat(REGISTERS.length - 1),
  index: fc.nat(255),
  value,
});
const run: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('run' as const),
  us: fc.integer({ min: 1, max: 30 }),
});
const upset: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('pause' as const), enabled: fc.nat(255), quanta: fc.nat(0xffff) }),
  fc.record({ do: fc.constantFrom('vfReset' as const, 'functionReset' as const), vf: fc.nat(3) }),
  fc.record({ do: fc.constantFrom('deviceReset' as const, 'linkReset' as const) }),
  fc.record({ do: fc.constant('numVfs' as const), count: fc.constantFrom(0, 4) }),
);
const anySteps = fc.array(
  fc.oneof({ weight: 8, arbitrary: write }, { weight: 3, arbitrary: run }, { weight: 1, arbitrary: upset }),
  { maxLength: 60 },
);
const anyProfile = fc.constantFrom('intel-82599' as const, 'generic' as const, 'generic-100g' as const);

function scenarioOf(profile: string, seed: number): Scenario {
  const rate = { ratePps: 4e5, count: 150 };
  return JSON.parse(
    JSON.stringify({
      seed,
      nic: { profile },
      guests: [
        { name: 'a', driver: 'poll' },
        { name: 'b', driver: 'interrupt', ringSize: 64, vfs: [{ vlan: 100, spoofCheck: true }] },
        { name: 'c', driver: 'poll', vfs: [{ trustedVlans: [100, 200], spoofCheck: false }] },
        { name: 'd', driver: 'interrupt', vfs: [{ trust: true }] },
      ],
      traffic: [
        { from: 'a', to: 'd', frameBytes: 64, saturate: true, count: 400 },
        { from: 'd', to: 'a', frameBytes: 1518, saturate: true, count: 100 },
        { from: 'b', to: 'c', ...rate },
        { from: 'c', to: 'broadcast', vlan: 100, ...rate },
        { from: 'c', to: 'host', vlan: 200, ...rate },
        { from: 'host', to: 'port', ...rate, frameBytes: 1518 },
        { from: 'port', to: 'a', frameBytes: 1518, saturate: true, count: 150 },
        { from: 'port', to: 'multicast', ...rate },
        { from: 'port', to: 'b', ...rate, vlan: 100 },
      ],
      warmUpMs: 0,
      durationMs: 2,
    }),
  );
}

function take(simulation: Simulation, step: Step): void {
  const { machine } = simulation;
  const { nic } = machine;
  const { registers } = nic;
  const { sriov } = nic.pf;
  switch (step.do) {
    case 'run':
      simulation.advance(simulation.nowPs + step.us * MICROSECOND);
      return;
    case 'write': {
      const [name, count] = REGISTERS[step.register];
      registers.write32(offsetOf(simulation, name, step.index % count), step.value >>> 0, 15);
      return;
    }
    case 'pause': {
      const timers = nic.data.classPath?.flow.timers;
      const { enabled, quanta } = step;
      timers?.receive({ kind: 'priority', enabled, quanta: new Array<number>(8).fill(quanta) });
      timers?.receive({ kind: 'pause', quanta });
      return;
    }
    case 'vfReset':
      if (sriov !== null && step.vf < sriov.count)
        sriov
          .vf(step.vf)
          .bar(0)
          .write32(0, 1 << 26, 15);
      return;
    case 'functionReset':
      if (sriov !== null && step.vf < sriov.count) sriov.vf(step.vf).functionLevelReset();
      return;
    case 'deviceReset':
      registers.write32(0, 1 << 26, 15);
      return;
    case 'linkReset':
      registers.write32(0, 1 << 3, 15);
      return;
    case 'numVfs':
      machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, '0');
      if (step.count > 0) machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, String(step.count));
  }
}

function offsetOf({ machine }: Simulation, name: string, index: number): number {
  const { file } = machine.nic.registers;
  return 4 * file.compiled.slotAt.indexOf(file.slot(name, index));
}

function balances(simulation: Simulation): void {
  simulation.machine.nic.data.switch.checkBalance();
  const { conservation } = simulation.report();
  expect(conservation).toMatchObject({ balanced: true });
}

const long = process.env['SRIOVSIM_LONG'] === '1';
const numRuns = Number(process.env['STORM'] ?? (long ? 300 : 10));

describe('any registers of the switch, of rates and of flow control, written under traffic', () => {
  it('leave a balance at any moment, and everything comes back when the card is reset', {
    timeout: 600_000,
  }, () => {
    fc.assert(
      fc.property(anyProfile, fc.nat(1000), anySteps, (profile, seed, steps) => {
        const simulation = boot(scenarioOf(profile, seed));
        simulation.advance(simulation.startPs + 20 * MICROSECOND);
        for (const step of steps) {
          take(simulation, step);
          balances(simulation);
        }
        take(simulation, { do: 'deviceReset' });
        settle(simulation);
        balances(simulation);
        const left = notReturned(simulation).filter((each) => !each.includes(' rings:'));
        expect(left).toEqual([]);
      }),
      { numRuns },
    );
  });

  it('have the same outcome twice, and however a run is cut into slices', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(anyProfile, fc.nat(1000), anySteps, (profile, seed, steps) => {
        const outcome = (sliced: boolean) => {
          const simulation = boot(scenarioOf(profile, seed));
          for (const step of steps) {
            // A driver that reads a register lets time pass on its own: slices are counted from the first.
            const from = simulation.nowPs;
            for (let us = 1; sliced && step.do === 'run' && us < step.us; us++) {
              simulation.advance(Math.max(simulation.nowPs, from + us * MICROSECOND));
            }
            if (step.do !== 'run') take(simulation, step);
            else simulation.advance(Math.max(simulation.nowPs, from + step.us * MICROSECOND));
          }
          return jsonOf(simulation);
        };
        expect(outcome(true)).toBe(outcome(false));
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    );
  });
});

describe('registers of classes', () => {
  const write = (simulation: Simulation, name: string, index: number, value: number) =>
    simulation.machine.nic.registers.write32(offsetOf(simulation, name, index), value >>> 0, 15);
  const flow = { ratePps: 1e6, count: 50 };
  const running = (traffic: readonly object[], more: object = {}) => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: traffic.map((each) => ({ ...flow, ...each })),
      warmUpMs: 0,
      durationMs: 1,
      ...more,
    } as Scenario);
    simulation.advance(simulation.startPs);
    return simulation;
  };

  it('that give a class no buffer: what VFs send to the wire goes there, what is for each other is dropped', () => {
    const simulation = running([
      { from: 'a', to: 'port' },
      { from: 'a', to: 'b' },
    ]);
    write(simulation, 'RTRUP2TC', 0, 3);
    simulation.advance(simulation.endPs);
    const { conservation, flows } = simulation.report();
    expect(flows.map(({ delivered }) => delivered)).toEqual([50, 0]);
    expect(conservation).toMatchObject({
      balanced: true,
      inFlightTotal: 0,
      dropped: { packetBufferFull: 50 },
    });
  });

  it('that give a class more buffer, or less than a frame, let go what waits for room', () => {
    for (const kib of [512, 1]) {
      const simulation = running(
        [
          { from: 'a', to: 'b', frameBytes: 1518 },
          { from: 'a', to: 'port', frameBytes: 1518 },
        ],
        { nic: { port: { pause: 'send', xoffKiB: 64 } } },
      );
      // b has no more descriptors fetched, and does not drop: two frames fill its class.
      write(simulation, 'RXPBSIZE', 0, 4 << 10);
      busMaster(simulation, 1, false);
      simulation.advance(simulation.startPs + 300 * MICROSECOND);
      const before = simulation.report();
      expect(before.flows[1].delivered).toBeLessThan(50);
      expect(before.conservation.inFlight['switch']).toBeGreaterThan(0);
      write(simulation, 'RXPBSIZE', 0, kib << 10);
      simulation.advance(simulation.endPs);
      expect(simulation.report().flows[1].delivered, `${kib} KiB`).toBe(50);
      balances(simulation);
    }
  });

  it('that have a queue drop which did not: what waits behind it goes on', () => {
    const simulation = running(
      [
        { from: 'port', to: 'b' },
        { from: 'port', to: 'a' },
      ],
      { nic: { port: { pause: 'send' } } },
    );
    busMaster(simulation, 1, false);
    simulation.advance(simulation.startPs + 300 * MICROSECOND);
    expect(simulation.report().flows[1].delivered).toBeLessThan(50);
    // Queue 2 is that of VF 1.
    write(simulation, 'PFQDE', 0, (1 << 16) | (2 << 8) | 1);
    simulation.advance(simulation.endPs);
    expect(simulation.report().flows[1].delivered).toBe(50);
    balances(simulation);
  });
});

describe('a card that is reset behind the back of its drivers', () => {
  it('leaves a balance when the queues of the PF are set up again', () => {
    const simulation = boot(scenarioOf('intel-82599', 1));
    simulation.advance(simulation.startPs + 50 * MICROSECOND);
    take(simulation, { do: 'deviceReset' });
    balances(simulation);
    for (const count of [0, 4, 0]) {
      take(simulation, { do: 'numVfs', count });
      balances(simulation);
    }
  });
});

/** Bus Master Enable of a VF. */
function busMaster({ machine }: Simulation, vf: number, on: boolean): void {
  const routingId = machine.nic.pf.sriov?.routingIdOf(vf) as number;
  machine.rootComplex.configWrite(routingId, 0x04, 2, on ? 4 : 0);
}
