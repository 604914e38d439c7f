/**
 * sriovsim: a cycle-level simulator of an SR-IOV network card and the machine around it.
 *
 * @packageDocumentation
 */
// The order that modules have in a bundle: like ones side by side compress to fewer bytes. They are all reached from below.
import './host/index.ts';
import './sim/flow-tracker.ts';
import './trace/index.ts';
import './kernel/index.ts';
import './nic/index.ts';
import './profiles/index.ts';
import './drivers/index.ts';
import './wire/index.ts';
import './iommu/index.ts';
import './nicswitch/index.ts';

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
export { EventLog, type EventRecord, FrameCapture, type FrameCaptureOptions } from './trace/index.ts';
