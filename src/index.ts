/**
 * sriovsim: a cycle-level simulator of an SR-IOV network card and the machine around it.
 *
 * @packageDocumentation
 */

// A bundle has modules in the order in which they are met, and is some hundred bytes smaller compressed with these first.
import './host/index.ts';
import './drivers/index.ts';

export { EventLog, type EventRecord, FrameCapture, type FrameCaptureOptions } from './trace/index.ts';

// The whole.

export {
  type CreateMachineOptions,
  createMachine,
  formatReportJson,
  type GuestVf,
  type LoadedScenario,
  type MachineGuest,
  profiles,
  type Report,
  type ResolvedScenario,
  type RunningMachine,
  resolveScenario,
  type Scenario,
  ScenarioError,
  type SendOptions,
  Simulation,
} from './sim/index.ts';
