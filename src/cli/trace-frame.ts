import { lifeOfFrame, traceFrame } from '../sim/index.ts';
import { raiseInliningBudget } from './inlining.ts';
import { makeTraceFrameCommand } from './trace-frame-command.ts';
import { partsOf } from './whole-chip.ts';

/** `sriovsim trace-frame` */
export const traceFrameCommand = makeTraceFrameCommand({
  fromLog: lifeOfFrame,
  fromScenario: ({ scenario, captures }, number) => {
    raiseInliningBudget();
    return traceFrame(scenario, captures, number, partsOf(scenario));
  },
});
