import { describe, expect, it } from 'vitest';
import { partsOf, wholeChip } from '../../src/cli/whole-chip.ts';
import type { Scenario } from '../../src/sim/index.ts';
import { resolveScenario, Simulation } from '../../src/sim/index.ts';
import { restateScenario } from '../../src/sim/scenario-restate.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';

const scenario = (profile: string): Scenario => ({
  nic: { profile },
  guests: [{ name: 'a' }, { name: 'b', driver: 'interrupt' }],
  traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
  durationMs: 0.05,
});

function booted(profile: string): Simulation {
  const { scenario: resolved } = resolveScenario(scenario(profile));
  const simulation = new Simulation(resolved, [], partsOf(resolved));
  simulation.boot();
  return simulation;
}

/** EERD, and an offset where no register is. */
const EERD = 0x10014;
const NOWHERE = 0x1_fff0;
const read = ({ machine: { nic } }: Simulation, offset: number) =>
  nic.memoryRead(nic.pf.barBase(0) + offset, 4);

describe('the profile of a whole chip', () => {
  it('has a machine with all registers of the chip, whose drivers carry its traffic', () => {
    const simulation = booted('intel-82599-chip');
    simulation.advance(simulation.endPs);
    const report = simulation.report();
    expect(report.conservation.balanced).toBe(true);
    expect(report.flows[0].delivered).toBeGreaterThan(15);
    read(simulation, EERD);
    expect(simulation.report().counters).toMatchObject({
      'nic.chip.resets': 2,
      'nic.unknownRegisterAccesses': 0,
    });
  });

  it('with a subset instead counts what it does not know, by name', () => {
    const simulation = booted('intel-82599');
    expect([read(simulation, EERD), read(simulation, EERD), read(simulation, NOWHERE)]).toEqual([0, 0, 0]);
    expect(simulation.report().counters).toMatchObject({
      'nic.unknownRegisterAccesses': 3,
      'nic.unknown.pf.0x10014': 2,
      'nic.unknown.pf.0x1fff0': 1,
    });
  });

  it('and strict makes a register that nobody knows an error', () => {
    const simulation = booted('intel-82599-strict');
    expect(() => read(simulation, NOWHERE)).toThrow(
      'pf.0x1fff0: software reads a register that is not known',
    );
  });

  it('is for whoever makes the machine to have', () => {
    const { scenario: resolved } = resolveScenario(scenario('intel-82599-chip'));
    expect(restateScenario(resolved).nic?.profile).toBe('intel-82599-chip');
    expect(() => new Simulation(resolved)).toThrow(
      'scenario: nic.profile: there is no profile intel-82599-chip; allowed intel-82599, generic, generic-100g',
    );
  });

  it('is known to a snapshot, which is restored with it', () => {
    const simulation = booted('intel-82599-chip');
    simulation.advance(simulation.startPs + 5e6);
    const bytes = snapshotSimulation(simulation);
    const again = restoreSimulation(bytes, { nicProfile: wholeChip });
    for (const one of [simulation, again]) one.advance(one.endPs);
    expect(again.report()).toEqual(simulation.report());
    expect(() => restoreSimulation(bytes)).toThrow(/profile of its own: give options.nicProfile/);
  });
});
