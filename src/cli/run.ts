import { logHeader, logTrailer, recordLog } from '../sim/run-log.ts';
import { Simulation } from '../sim/simulation.ts';
import { restoreSimulation, snapshotSimulation } from '../sim/snapshot/index.ts';
import { raiseInliningBudget } from './inlining.ts';
import { makeRunCommand } from './run-command.ts';
import { partsOf, wholeChip } from './whole-chip.ts';

/** `sriovsim run` */
export const runCommand = makeRunCommand(
  ({ scenario, captures }) => {
    raiseInliningBudget();
    return new Simulation(scenario, captures, partsOf(scenario));
  },
  { header: logHeader, trailer: logTrailer, attach: recordLog },
  {
    take: snapshotSimulation,
    restore: (bytes) => {
      raiseInliningBudget();
      return restoreSimulation(bytes, { nicProfile: wholeChip });
    },
  },
);
