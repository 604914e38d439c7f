import { Simulation } from '../sim/simulation.ts';
import { makeRunCommand } from './run-command.ts';

/** `sriovsim run` */
export const runCommand = makeRunCommand(({ scenario, captures }) => new Simulation(scenario, captures));
