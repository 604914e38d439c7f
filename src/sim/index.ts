/** The whole: scenarios as objects, what a run reports. Scenario files are read by scenario.ts. */

// First what leads to most modules: a bundle has them in this order, and is a few hundred bytes smaller compressed.

export { type Bootable, BootError, bootSimulation } from './boot-error.ts';
export { machineParts, Simulation } from './simulation.ts';

// All others, by name.

export type {
  BreakpointOptions,
  CounterBreakpoint,
  FrameBreakpoint,
  RegisterBreakpoint,
} from './breakpoints.ts';
export {
  COUNTER_FORMATS,
  COUNTERS_SCHEMA,
  type CounterFormat,
  type Counters,
  counterDifference,
  formatCounters,
  snapshotCounters,
} from './counters.ts';
export {
  type CreateMachineOptions,
  createMachine,
  type GuestVf,
  type MachineGuest,
  profiles,
  type RunningMachine,
  type SendOptions,
} from './create-machine.ts';
export { FaultInjector } from './faults/fault-injector.ts';
export { captureFromLog } from './frame-capture.ts';
export { lifeOfFrame, type OwnProfiles } from './life/life-of-frame.ts';
export type {
  Decider,
  FrameLife,
  LifeBranch,
  LifeClock,
  LifeLink,
  LifeStep,
  LifeStepKind,
} from './life/life-steps.ts';
export { traceFrame } from './life/trace-frame.ts';
export { Machine, type MachineParts, type VfListener } from './machine.ts';
export type { OwnMachineProfiles, PcieBetween, PcieMachineParts, PcieParts } from './pcie-parts.ts';
export { pfHandle } from './pf-handle.ts';
export {
  type Conservation,
  type EndpointReport,
  type FaultReport,
  type FlowReport,
  type FrameCount,
  type InterruptReport,
  type IommuReport,
  type LatencyReport,
  type LinkDirectionReport,
  type PcieReport,
  REPORT_SCHEMA,
  type Report,
  type SimulatedSpan,
  type WallReport,
} from './report.ts';
export { formatJson, formatReportJson } from './report-json.ts';
export {
  conservation,
  framesPerSecond,
  gigabitsPerSecond,
  latencyReport,
  linkDirectionReport,
} from './report-parts.ts';
export { logHeader, logTrailer, recordLog } from './run-log.ts';
export { ScenarioError, type ScenarioProblem } from './scenario-error.ts';
export { type MachineOptions, type ResolvedMachine, resolveMachine } from './scenario-machine.ts';
export type { MirrorFacts, NicFacts } from './scenario-profiles.ts';
export { type LoadedScenario, type ResolveOptions, resolveScenario } from './scenario-resolve.ts';
export type {
  EndpointRef,
  FlowRate,
  FrameSizes,
  ResolvedCapture,
  ResolvedCardSwitch,
  ResolvedFault,
  ResolvedFlow,
  ResolvedForwarding,
  ResolvedGuest,
  ResolvedHost,
  ResolvedHostInterface,
  ResolvedMirror,
  ResolvedNic,
  ResolvedPcie,
  ResolvedPort,
  ResolvedScenario,
  ResolvedVf,
  TargetRef,
  VPortRef,
} from './scenario-resolved.ts';
export type {
  Arrivals,
  BridgeKind,
  CaptureFilter,
  CaptureOptions,
  CaptureTiming,
  CardSwitchOptions,
  DriverKind,
  DriverOptions,
  EcnCapable,
  FaultDirection,
  FaultKind,
  FaultOptions,
  Forwarding,
  FrameBytes,
  GuestOptions,
  HostInterfaceOptions,
  HostOptions,
  Loopback,
  MirrorOptions,
  NicOptions,
  PageSize,
  PauseUse,
  PcieOptions,
  PortOptions,
  RootCreditOptions,
  Scenario,
  StormLimits,
  SwitchForwarding,
  TrafficOptions,
  TransmitBufferUse,
  VfOptions,
  WeightedSize,
} from './scenario-types.ts';
export { Stepper, type Stop } from './stepper.ts';
export { type LogWindow, timelineFromLog } from './views/timeline-from-log.ts';
export { tlpNames } from './views/tlp-names.ts';
export { waveformFromLog } from './views/waveform-from-log.ts';
