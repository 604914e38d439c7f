import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SoftwareError } from '../../src/host/index.ts';
import type { Scenario } from '../../src/index.ts';
import { BootError, bootSimulation, type FaultOptions, type Simulation } from '../../src/sim/index.ts';
import { makeSimulation } from './rig.ts';

const numRuns = process.env['SRIOVSIM_LONG'] === '1' ? 400 : 12;

const PAIR: Scenario = {
  guests: [{ name: 'a', driver: 'interrupt' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6 },
    { from: 'host', to: 'port', ratePps: 1e6 },
  ],
  warmUpMs: 0,
  durationMs: 0.05,
};
const sincePowerOn = (fault: FaultOptions): Scenario => ({
  ...PAIR,
  faults: [{ ...fault, since: 'power-on' }],
});

/** What a boot ends with: null, or what is thrown. */
function failureOf(simulation: Simulation): unknown {
  try {
    bootSimulation(simulation);
    return null;
  } catch (error) {
    return error;
  }
}

describe('a fault while the machine boots', () => {
  it('is named with its time, and with what failed, where the machine does not come up', () => {
    const message = (atMs: number, forMs: number) => {
      const error = failureOf(makeSimulation(sincePowerOn({ kind: 'link-down', atMs, forMs })));
      expect(error).toBeInstanceOf(BootError);
      return (error as Error).message.replace(/, [\d.]+ ms after/, ', T ms after');
    };
    const start = 'the machine did not come up, T ms after power-on: ';
    expect(message(0, 3000)).toBe(`${start}enumeration found no card; faults before that: link-down at 0 ms`);
    // The link is up again, but the card has lost what it was set to: nobody is behind its BARs.
    expect(message(1, 0.1)).toBe(
      `${start}pf: the link does not come up; faults before that: link-down at 1 ms`,
    );
    expect(message(1, 3000)).toBe(
      `${start}pf has no MSI-X capability, or is gone; faults before that: link-down at 1 ms`,
    );
    // The VFs have gone.
    expect(message(60, 0.1)).toMatch(/: pf: the link does not come up; .* link-down at 60 ms$/);
  });

  it('is one of several: the first three are named, and how many more there are', () => {
    const faults = [1, 2, 3, 4, 5].map(
      (atMs): FaultOptions => ({ kind: 'surprise-removal', since: 'power-on', atMs }),
    );
    const error = failureOf(makeSimulation({ ...PAIR, faults })) as Error;
    expect(error.message).toMatch(
      /: surprise-removal at 1 ms, surprise-removal at 2 ms, surprise-removal at 3 ms, 2 more$/,
    );
  });

  it('is a Function Level Reset also while the bus is enumerated, before there is a driver', () => {
    const simulation = makeSimulation(sincePowerOn({ kind: 'flr', target: 'host', atMs: 0.008057 }));
    bootSimulation(simulation);
    simulation.advance(simulation.endPs);
    const { faults, conservation } = simulation.report();
    expect(faults?.[0]).toMatchObject({ kind: 'flr', target: 'host' });
    expect(conservation.balanced).toBe(true);
  });

  it.each([
    'bit-error',
    'link-down',
    'surprise-removal',
    'iommu-fault',
    'poisoned-data',
    'lost-completion',
    'slow-memory',
    'flr',
  ] as const)('leaves a report that balances, or a line with its name, whenever it strikes: %s', (kind) => {
    const target = kind === 'flr' ? { target: 'host' } : {};
    const check = (atMs: number) => {
      const simulation = makeSimulation(sincePowerOn({ kind, atMs, ...target }));
      const error = failureOf(simulation);
      if (error === null) {
        simulation.advance(simulation.endPs);
        expect(simulation.report().conservation.balanced).toBe(true);
        return;
      }
      expect(error).toBeInstanceOf(BootError);
      const { message } = error as Error;
      expect(message).not.toContain('\n');
      expect(message).toContain(`; faults before that: ${kind}${kind === 'flr' ? ' (host)' : ''} at `);
    };
    fc.assert(fc.property(fc.double({ min: 0, max: 122, noNaN: true }), check), {
      numRuns,
      examples: [[0], [10], [20.5], [21], [121]],
    });
  });

  it('is not blamed for a defect of a program, which comes through as it is, with its stack', () => {
    for (const defect of [
      new Error('no'),
      new RangeError('index must be at most 3, got 4'),
      new TypeError('no'),
    ]) {
      const simulation = makeSimulation(sincePowerOn({ kind: 'bit-error', atMs: 0.5 }));
      const { machine } = simulation;
      const boot = machine.boot.bind(machine);
      machine.boot = () => {
        boot();
        throw defect;
      };
      expect(failureOf(simulation)).toBe(defect);
      expect(simulation.faults.report().length).toBe(1);
    }
  });

  it('is not blamed for what fails before it', () => {
    const simulation = makeSimulation(sincePowerOn({ kind: 'link-down', atMs: 500 }));
    const failure = new SoftwareError('no');
    simulation.machine.boot = () => {
      throw failure;
    };
    expect(failureOf(simulation)).toBe(failure);
  });
});
