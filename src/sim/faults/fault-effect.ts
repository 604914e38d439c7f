import type { RunView } from '../run-view.ts';
import type { EndpointRef } from '../scenario-resolved.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRecord } from './fault-record.ts';

/** What effects have in common: the run, and where strokes go on record. */
export interface FaultRun {
  readonly simulation: RunView;
  /** Puts a stroke on record; what it met is the target of the fault, another endpoint, or a name. */
  struck(armed: ArmedFault, target?: EndpointRef | string): FaultRecord;
  /** Tells all others that the link has gone down. */
  linkDown(): void;
}

/** A fault that meets requests: while one is armed, the unit that they pass asks it. */
export interface RequestEffect {
  arm(armed: ArmedFault): void;
  disarm(armed: ArmedFault): void;
  /** The link has gone down, and the card has been reset. */
  linkDown?(): void;
  /** What can be told at the present of one that has struck. */
  tell?(record: FaultRecord): readonly string[];
}

/** A fault that happens at an instant, and may last. */
export interface TimedEffect {
  strike(armed: ArmedFault): FaultRecord;
  /** It has lasted long enough. */
  over?(record: FaultRecord, armed: ArmedFault): void;
  /** What can be told at the present of one that has struck. */
  tell?(record: FaultRecord, armed: ArmedFault): readonly string[];
}
