import type { DataPath } from '../drivers/index.ts';
import { MICROSECOND, type Probe } from '../kernel/index.ts';
import { NicDrop } from '../nic/index.ts';
import { generic100g, genericNic, type HostProfile, intel82599, xeonE5v4 } from '../profiles/index.ts';
import type { FrameCapture } from '../trace/index.ts';
import { type CapturePacket, parseMac } from '../wire/index.ts';
import { buildReport } from './build-report.ts';
import { CaptureSource } from './capture-source.ts';
import { DriverEndpoint } from './driver-endpoint.ts';
import { FaultInjector } from './faults/fault-injector.ts';
import { FlowSource, TemplateCounter } from './flow-source.ts';
import { type FlowRecord, FlowTracker } from './flow-tracker.ts';
import { makeFrameCapture } from './frame-capture.ts';
import { Machine, type MachineParts, type VfListener } from './machine.ts';
import type { MakingStep } from './making-step.ts';
import { MeasuredSpan } from './measured-span.ts';
import { needPcieParts, type OwnMachineProfiles, type PcieParts } from './pcie-parts.ts';
import type { Report } from './report.ts';
import type { RunView } from './run-view.ts';
import { ScenarioError } from './scenario-error.ts';
import { MULTICAST_MAC } from './scenario-limits.ts';
import { cableDelayPs } from './scenario-port.ts';
import type { EndpointRef, ResolvedFlow, ResolvedScenario } from './scenario-resolved.ts';
import type { FrameSender } from './sender.ts';
import { Station } from './station.ts';
import { expectVfDriver } from './vf-driver.ts';

/** Endpoints as the tracker numbers them: the port, the PF, the VFs. */
export const PORT_ENDPOINT_INDEX = 0;
export const PF_ENDPOINT_INDEX = 1;
export const FIRST_VF_ENDPOINT_INDEX = 2;

/** Profiles by name. */
export const NICS = { 'intel-82599': intel82599, generic: genericNic, 'generic-100g': generic100g } as const;
export const HOSTS = { 'xeon-e5-v4': xeonE5v4 } as const;

/**
 * A scenario that runs: a {@link Machine}, its traffic, and what is measured of it. Times are in ps from
 * power-on.
 *
 * @example
 * const { scenario, captures } = resolveScenario({
 *   guests: [{ name: 'a' }, { name: 'b' }],
 *   traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
 * });
 * const simulation = new Simulation(scenario, captures);
 * simulation.boot();
 * simulation.advance(simulation.endPs);
 * simulation.report().flows[0].latencyNs;
 */
export class Simulation implements RunView, VfListener {
  readonly scenario: ResolvedScenario;
  readonly machine: Machine;
  readonly tracker: FlowTracker;
  readonly station: Station;
  /** Makes things go wrong, as the scenario or a program asks. */
  readonly faults: FaultInjector = new FaultInjector(this);
  /** How long the boot took, and when the traffic begins; known after {@link Simulation.boot}. */
  bootPs = 0;
  startPs = 0;
  endPs = 0;

  /** How it was made so far: one that is made in the same way has the same parts, and takes a snapshot of this one. */
  readonly steps: MakingStep[] = [];
  /** What sends, in the order in which it was added. */
  readonly sources: (FlowSource | CaptureSource)[] = [];

  readonly captures: readonly (readonly CapturePacket[])[];
  private readonly drivers: DriverEndpoint[];
  private readonly flowRecords: FlowRecord[] = [];
  private readonly templates = new TemplateCounter();
  private pfPool = 0;
  private measured: MeasuredSpan | null = null;

  /**
   * @param captures the frames of `scenario.captures[i]`.
   * @param scenario as `resolveScenario(...).scenario` has it, with every default filled in.
   * @throws {@link ScenarioError} for a profile that does not exist; TypeError for what is not a resolved scenario.
   */
  constructor(
    scenario: ResolvedScenario,
    captures: readonly (readonly CapturePacket[])[] = [],
    parts?: MachineParts,
  ) {
    this.scenario = scenario;
    this.captures = captures;
    this.machine = new Machine(parts ?? machineParts(scenario));
    this.machine.vfListener = this;
    this.tracker = new FlowTracker(FIRST_VF_ENDPOINT_INDEX + scenario.nic.vfs);
    const { nic, scheduler } = this.machine;
    this.drivers = this.tracker.endpoints.map(
      (_, index) => new DriverEndpoint(index, this.tracker, scheduler),
    );
    this.station = new Station(
      PORT_ENDPOINT_INDEX,
      scheduler,
      nic.data,
      this.tracker,
      scenario.nic.linkGbps,
      nic.profile.macPs + cableDelayPs(scenario.nic),
      bridgeOf(scenario),
      this.machine.probe,
    );
    nic.data.switch.tables.mirrors.onCopy = (slot, vport) => this.noteCopy(slot, vport);
    const { port } = scenario.nic;
    this.station.badFcsEvery = port.badFcsEvery ?? 0;
    if (port.pfc.length > 0) this.station.heedPauses('priority');
    else if (port.pause === 'send' || port.pause === 'both') this.station.heedPauses('link');
  }

  /**
   * VPort of the PF: the pool behind those of the VFs, as its driver has set it up last; a reset of the card behind the
   * driver's back does not move what the driver has counted.
   */
  get pfPort(): number {
    return this.pfPool;
  }

  /** Each queue of the card that a driver works on, with that driver's data path. */
  *queuePaths(): Generator<readonly [number, DataPath]> {
    const { nic, pfDriver, vfDrivers } = this.machine;
    const { queuesPerPool } = nic.profile;
    yield [this.pfPort * queuesPerPool, pfDriver.path];
    for (const [vf, driver] of vfDrivers) yield [vf * queuesPerPool, driver.path];
  }

  vfStarting(vf: number, path: DataPath): void {
    this.drivers[FIRST_VF_ENDPOINT_INDEX + vf].attach(path);
  }

  /**
   * The driver of a VF has stopped. What it had handed over and the card not taken is not sent; what the card had written and
   * the driver never found is lost: both by how far the card came, because the registers of a ring that has failed do not tell.
   */
  vfStopped(vf: number, path: DataPath): void {
    const notSent = this.leftBehind(vf, path);
    this.drivers[FIRST_VF_ENDPOINT_INDEX + vf].detach(notSent);
  }

  /** The same of the PF's own interface, which will go on. */
  pfStopped(path: DataPath): void {
    this.drivers[PF_ENDPOINT_INDEX].stopped(this.leftBehind(this.pfPort, path));
  }

  /** Counts frames that a stopped driver never found; returns how many the card has not taken. */
  private leftBehind(pool: number, { queue: pair }: DataPath): number {
    const { nic } = this.machine;
    const { transmitted, received, drops } = nic.data;
    const queue = pool * nic.profile.queuesPerPool;
    const { ringSize, stoppedTransmitTail, stoppedReceiveNext } = pair;
    const notFound = (received[queue].index - stoppedReceiveNext) & (ringSize - 1);
    drops.count(pool, NicDrop.DMA_FAILED, notFound);
    return (stoppedTransmitTail - transmitted[queue].index) & (ringSize - 1);
  }

  /** What was counted before belongs to other VPorts: the measured span begins again. */
  vfsChanged(): void {
    this.pfPool = this.machine.nic.pf.sriov?.count ?? 0;
    this.steps.push({ kind: 'vfs', count: this.pfPool });
    this.beginRings();
    this.controlExtender();
    if (this.measured === null) return;
    this.tracker.startMeasuring();
    this.measured = MeasuredSpan.begin(this, this.nowPs);
  }

  /** Drivers have begun their rings anew: of one that a card without its registers has not started nothing is taken. */
  private beginRings(): void {
    const { transmit, receive, transmitted, received } = this.machine.nic.data;
    for (const [queue] of this.queuePaths()) {
      if (transmit.rings.all[queue].enabled === 0) transmitted[queue].start();
      if (receive.rings.all[queue].enabled === 0) received[queue].start();
    }
  }

  /** The present, in ps of simulated time. */
  get nowPs(): number {
    return this.machine.scheduler.now;
  }

  /** Where a sink for probes is attached; what it sees changes nothing. */
  get probe(): Probe {
    return this.machine.probe;
  }

  /**
   * Captures the frames that the card's switch sees from now on. The capture takes the place of any other
   * sink.
   */
  captureFrames(): FrameCapture {
    const capture = makeFrameCapture(this);
    this.probe.sink = capture;
    return capture;
  }

  /**
   * Enumerates the bus, brings the VFs and starts all drivers; then the traffic is set up, to begin at
   * {@link Simulation.startPs}.
   */
  boot(): void {
    const { machine, scenario, faults } = this;
    faults.begin('power-on', this.nowPs);
    this.bootCard();
    if (scenario.nic.vfs > 0) machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, String(scenario.nic.vfs));
    this.bootPs = machine.scheduler.now;
    this.startPs = Math.ceil(this.bootPs / MICROSECOND + 10) * MICROSECOND;
    this.endPs = this.startPs + scenario.warmUpPs + scenario.durationPs;
    faults.begin('start', this.startPs);
    for (const flow of scenario.flows) this.startFlow(flow);
    scenario.captures.forEach((_, index) => {
      this.startCapture(index);
    });
  }

  /** Boots as far as the PF's driver: without VFs, and without the scenario's traffic. */
  bootCard(): void {
    this.steps.push({ kind: 'card' });
    this.machine.boot();
    this.drivers[PF_ENDPOINT_INDEX].attach(this.machine.pfDriver.path);
    this.bootPs = this.startPs = this.endPs = this.machine.scheduler.now;
  }

  /** Whether it has been booted, as far as the PF's driver at least. */
  get isBooted(): boolean {
    return this.bootPs > 0;
  }

  /** Adds a flow while the machine runs; its times count from now. */
  addFlow(flow: ResolvedFlow): void {
    this.startPs = this.nowPs;
    this.scenario.flows.push(flow);
    this.startFlow(flow);
  }

  /** Lets `durationPs` pass and reports on what of it came after `warmUpPs`. */
  runFor(durationPs: number, warmUpPs: number): Report {
    this.startPs = this.nowPs;
    this.endPs = this.startPs + durationPs;
    this.scenario.warmUpPs = warmUpPs;
    this.scenario.durationPs = durationPs - warmUpPs;
    this.measured = null;
    this.advance(this.endPs);
    return this.report();
  }

  /** Simulates up to an instant in ps, of which fractions are cut off. How a run is cut into slices does not change its outcome. */
  advance(untilPs: number): void {
    if (untilPs >= this.measureFromPs) this.startMeasuring();
    this.machine.scheduler.runUntil(Math.floor(untilPs));
  }

  /** Runs the next event, if one waits. Returns whether one ran. */
  step(): boolean {
    const { scheduler } = this.machine;
    const { nextPs } = scheduler;
    if (nextPs >= this.measureFromPs && nextPs < Number.POSITIVE_INFINITY) this.startMeasuring();
    return scheduler.step();
  }

  private get measureFromPs(): number {
    return this.startPs + this.scenario.warmUpPs;
  }

  private startMeasuring(): void {
    if (this.measured !== null) return;
    const from = this.measureFromPs;
    // Just before the first instant that is measured.
    this.machine.scheduler.runUntil(from - 1);
    this.tracker.startMeasuring();
    this.measured = MeasuredSpan.begin(this, from);
  }

  /** What has come of it until now. */
  report(options: { partial?: boolean } = {}): Report {
    const measured = this.measured ?? MeasuredSpan.begin(this, this.nowPs);
    return buildReport(this, this.flowRecords, measured, options.partial ?? this.nowPs < this.endPs);
  }

  /**
   * Begins a flow, whose times count from {@link Simulation.startPs}.
   * @internal
   */
  startFlow(flow: ResolvedFlow): void {
    const { machine, tracker } = this;
    const record = tracker.addFlow(flow.ecn !== undefined);
    this.flowRecords.push(record);
    this.steps.push({ kind: 'flow', flow });
    this.sources.push(
      new FlowSource({
        scheduler: machine.scheduler,
        tracker,
        templates: this.templates,
        originPs: this.startPs,
        record,
        flow,
        endpoint: endpointIndex(flow.from),
        random: machine.random.stream(`flow ${record.index}`),
        sender: this.sender(flow.from),
      }),
    );
  }

  /**
   * Begins to send the capture of the scenario with this number.
   * @internal
   */
  startCapture(index: number): void {
    const { machine, tracker, scenario } = this;
    const capture = scenario.captures[index];
    const record = tracker.addFlow();
    this.flowRecords.push(record);
    this.steps.push({ kind: 'capture', index });
    this.sources.push(
      new CaptureSource({
        scheduler: machine.scheduler,
        tracker,
        templates: this.templates,
        originPs: this.startPs,
        endPs: this.endPs,
        record,
        capture,
        packets: this.captures[index] ?? [],
        endpoint: endpointIndex(capture.from),
        sender: this.sender(capture.from),
      }),
    );
  }

  /** The bridge above a port extender gives its VPorts their channels; without VFs the card is none. */
  private controlExtender(): void {
    const { data } = this.machine.nic;
    const { extender } = this.station;
    if (extender === null) return;
    // First what registers say: it would take the channels away again.
    data.beforeSwitch?.();
    if (this.pfPort === 0) data.switch.setPortExtender(null);
    else extender.control(data.switch, this.pfPort + 1);
  }

  /** A mirroring rule has made a copy of the frame in a slot. */
  private noteCopy(slot: number, vport: number): void {
    const { frames } = this.machine.nic.data;
    const endpoint = vport === this.pfPort ? PF_ENDPOINT_INDEX : FIRST_VF_ENDPOINT_INDEX + vport;
    if (endpoint >= this.tracker.endpoints.length) return;
    this.tracker.noteCopy(endpoint, frames.i32, frames.offsetOf(slot) >> 2, frames.lengths[slot]);
  }

  private sender(from: EndpointRef): FrameSender {
    if (from.kind === 'port') return this.station;
    if (from.kind === 'vf') expectVfDriver(this.machine, from.vf);
    return this.drivers[endpointIndex(from)];
  }
}

function bridgeOf({ adjacentBridge, nic }: ResolvedScenario) {
  if (nic.portExtender !== undefined) return nic.portExtender;
  return adjacentBridge === undefined ? null : adjacentBridge === 'reflective-relay';
}

/** An endpoint as the tracker numbers it. */
export function endpointIndex(endpoint: EndpointRef): number {
  if (endpoint.kind === 'port') return PORT_ENDPOINT_INDEX;
  return endpoint.kind === 'pf' ? PF_ENDPOINT_INDEX : FIRST_VF_ENDPOINT_INDEX + endpoint.vf;
}

/**
 * What the machine of a scenario is made of.
 *
 * @param own profiles that take the place of those that the scenario names, and what its key `pcie` needs.
 * @throws {@link ScenarioError} for a profile that does not exist, TypeError for what is no resolved scenario, and for `pcie` without its parts.
 */
export function machineParts(
  scenario: ResolvedScenario,
  own: OwnMachineProfiles & { readonly pcieParts?: PcieParts } = {},
): MachineParts {
  if (scenario?.host === undefined) {
    throw new TypeError('scenario must be a resolved one: that in what resolveScenario returns');
  }
  const parts = {
    seed: scenario.seed,
    host: scenario.host,
    nic: scenario.nic,
    hostInterface: scenario.hostInterface,
    guests: scenario.guests,
    vfs: scenario.vfs,
    hostProfile: own.hostProfile ?? hostOf(scenario),
    nicProfile: own.nicProfile ?? profile(NICS, scenario.nic.profile, 'nic.profile'),
    groups: [parseMac(MULTICAST_MAC)],
  };
  const { pcie } = scenario;
  return pcie ? needPcieParts(own.pcieParts).apply(parts, pcie) : parts;
}

/** The host that a resolved scenario names. */
function hostOf({ host }: Pick<ResolvedScenario, 'host'>): HostProfile {
  return profile(HOSTS, host.profile, 'host.profile');
}

function profile<T>(profiles: Readonly<Record<string, T>>, name: string, path: string): T {
  if (!Object.hasOwn(profiles, name)) {
    const allowed = Object.keys(profiles).join(', ');
    throw new ScenarioError({
      source: 'scenario',
      path,
      value: name,
      problem: `there is no profile ${name}`,
      allowed,
    });
  }
  return profiles[name];
}
