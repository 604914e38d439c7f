import type { DataPath } from '../drivers/index.ts';
import type { Component } from '../kernel/index.ts';
import type { FlowTracker } from './flow-tracker.ts';
import type { Machine } from './machine.ts';
import type { MakingStep } from './making-step.ts';
import type { FaultReport } from './report.ts';
import type { ResolvedScenario } from './scenario-resolved.ts';
import type { Station } from './station.ts';

/** Faults on demand of a run. */
export interface RunFaults {
  /** Whether there are faults to strike, or to report. */
  readonly isUsed: boolean;
  report(): FaultReport[];
  readonly components: readonly Component[];
}

/** What the report looks at. */
export interface RunView {
  readonly scenario: ResolvedScenario;
  readonly machine: Machine;
  readonly tracker: FlowTracker;
  readonly station: Station;
  readonly bootPs: number;
  readonly startPs: number;
  readonly faults: RunFaults;
  /** How the machine was made so far. */
  readonly steps: MakingStep[];
  /** VPort of the PF. */
  readonly pfPort: number;
  /** Each queue of the card that a driver works on, with that driver's data path. */
  queuePaths(): Iterable<readonly [number, DataPath]>;
}
