import { SECOND } from '../../kernel/index.ts';
import type { MakingStep } from '../making-step.ts';
import type { Simulation } from '../simulation.ts';

/** Long enough for everything that a machine is made of, in ps. */
const LATER_PS = 1000 * SECOND;

/**
 * Does again what another simulation of the same scenario has done; see {@link Simulation.steps}. Traffic and faults begin
 * long after all steps: when they really do is part of the state that is set then.
 */
export function repeatStep(simulation: Simulation, step: MakingStep): void {
  const { kind } = step;
  const { machine, faults, scenario } = simulation;
  simulation.startPs = simulation.endPs = simulation.nowPs + LATER_PS;
  if (kind === 'card') simulation.bootCard();
  else if (kind === 'vfs') machine.setNumVfs(step.count);
  else if (kind === 'capture') simulation.startCapture(step.index);
  else if (kind === 'faults') faults.begin(step.since, simulation.startPs);
  else if (kind === 'fault') faults.take(step.fault, simulation.startPs);
  else {
    scenario.flows.push(step.flow);
    simulation.startFlow(step.flow);
  }
}
