import { lifeOfFrame, traceFrame } from '../sim/index.ts';
import { BinaryLog, LogError } from '../trace/index.ts';
import { raiseInliningBudget } from './inlining.ts';
import { makeTraceFrameCommand } from './trace-frame-command.ts';

/** `sriovsim trace-frame` */
export const traceFrameCommand = makeTraceFrameCommand({
  fromLog: (bytes, number) => lifeOfFrame(new BinaryLog(bytes), number),
  fromScenario: ({ scenario, captures }, number) => {
    raiseInliningBudget();
    return traceFrame(scenario, captures, number);
  },
  isWrongInput: (error): error is Error => error instanceof LogError,
});
