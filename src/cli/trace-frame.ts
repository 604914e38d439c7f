import { lifeOfFrame, type ResolvedScenario, traceFrame } from '../sim/index.ts';
import { raiseInliningBudget } from './inlining.ts';
import { makeTraceFrameCommand } from './trace-frame-command.ts';
import { partsOf, wholeChip } from './whole-chip.ts';

/** `sriovsim trace-frame` */
export const traceFrameCommand = makeTraceFrameCommand({
  fromLog: (log, number) => {
    // A log of something else than a card says so itself.
    const scenario = log.header.scenario as Partial<ResolvedScenario>;
    return lifeOfFrame(log, number, { nicProfile: scenario.nic && wholeChip(scenario.nic) });
  },
  fromScenario: ({ scenario, captures }, number) => {
    raiseInliningBudget();
    return traceFrame(scenario, captures, number, partsOf(scenario));
  },
});
