import { pcieParts } from '../sim/pcie-of-scenario.ts';
import { logHeader, logTrailer, recordLog } from '../sim/run-log.ts';
import { machineParts, Simulation } from '../sim/simulation.ts';
import { restoreSimulation, snapshotSimulation } from '../sim/snapshot/index.ts';
import { raiseInliningBudget } from './inlining.ts';
import { makeRunCommand } from './run-command.ts';

/** `sriovsim run` */
export const runCommand = makeRunCommand(
  ({ scenario, captures }) => {
    raiseInliningBudget();
    return new Simulation(scenario, captures, machineParts(scenario, { pcieParts }));
  },
  { header: logHeader, trailer: logTrailer, attach: recordLog },
  {
    take: snapshotSimulation,
    restore: (bytes) => {
      raiseInliningBudget();
      return restoreSimulation(bytes);
    },
  },
);
