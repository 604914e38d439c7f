import type { DataPath } from '../drivers/index.ts';
import type { FlowTracker } from './flow-tracker.ts';
import type { Machine } from './machine.ts';
import type { ResolvedScenario } from './scenario-resolved.ts';
import type { Station } from './station.ts';

/** What the report looks at. */
export interface RunView {
  readonly scenario: ResolvedScenario;
  readonly machine: Machine;
  readonly tracker: FlowTracker;
  readonly station: Station;
  readonly bootPs: number;
  readonly startPs: number;
  /** VPort of the PF. */
  readonly pfPort: number;
  /** Each queue of the card that a driver works on, with that driver's data path. */
  queuePaths(): Iterable<readonly [number, DataPath]>;
}
