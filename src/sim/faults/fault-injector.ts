import { type Component, MICROSECOND } from '../../kernel/index.ts';
import { checkOptions } from '../option-keys.ts';
import type { FaultReport } from '../report.ts';
import type { RunView } from '../run-view.ts';
import { EndpointDirectory } from '../scenario-endpoints.ts';
import { ProblemReporter } from '../scenario-error.ts';
import { resolveFault } from '../scenario-faults.ts';
import type { EndpointRef, ResolvedFault } from '../scenario-resolved.ts';
import { resolveTimes } from '../scenario-times.ts';
import type { FaultKind, FaultOptions } from '../scenario-types.ts';
import { AnswerFaults } from './answer-faults.ts';
import { ArmedFault } from './armed-fault.ts';
import { LinkBitErrors } from './bit-errors.ts';
import type { FaultRun, RequestEffect, TimedEffect } from './fault-effect.ts';
import { FaultRecord } from './fault-record.ts';
import { FunctionReset } from './function-reset.ts';
import { IommuFaults } from './iommu-faults.ts';
import { LinkFaults } from './link-faults.ts';
import { SlowMemory } from './slow-memory.ts';

/** Events of a fault: its time or the begin of its span, a stroke by chance, the end of the span. */
const BEGIN = -1;
const STRIKE = -2;
const END = -3;

/** How long faults may be away that a program asks for, in ms: longer than anything runs. */
const FOREVER_MS = 1e6;
/** What the target of a fault was, to look for its name. */
type Target = EndpointRef | string | undefined;

/**
 * Faults on demand: brings what a scenario or a program asks for to the units that suffer it, at its time or by
 * chance from a random stream of its own, and keeps what came of it for the report.
 *
 * @example
 * const machine = createMachine({ guests: [{ name: 'a' }, { name: 'b' }] });
 * machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
 * machine.faults.inject({ kind: 'iommu-fault', atMs: 0.2, target: 'a', direction: 'read' });
 * machine.guests[0].traffic.send({ to: 'b', ratePps: 1e6 });
 * machine.run({ simulatedMs: 1 }).faults; // [{ atNs, kind: 'iommu-fault', target: 'a', consequence: 'fault record ...' }]
 */
export class FaultInjector implements Component, FaultRun {
  readonly name = 'faults';
  readonly simulation: RunView;

  private readonly armed: ArmedFault[] = [];
  private readonly records: FaultRecord[] = [];
  /** Of each record, the number of its fault. */
  private readonly causes: number[] = [];
  private readonly requests = new Map<FaultKind, RequestEffect>();
  private readonly timed = new Map<FaultKind, TimedEffect>();
  /** Effects with counters of their own. */
  private readonly counting: { readonly components: readonly Component[] }[] = [];
  private task = -1;

  constructor(simulation: RunView) {
    this.simulation = simulation;
  }

  /** Whether there are faults to strike, or to report. */
  get isUsed(): boolean {
    return this.armed.length > 0;
  }

  /**
   * Asks for a fault; its times count from now.
   *
   * @throws ScenarioError or TypeError for an option that is wrong.
   */
  inject(options: FaultOptions): void {
    checkOptions('faults.inject options', options, 'fault');
    const { scenario } = this.simulation;
    const reporter = new ProblemReporter('faults.inject');
    const fault = resolveFault(options, 'options', {
      endpoints: new EndpointDirectory(scenario, reporter),
      times: resolveTimes({ warmUpMs: 0, durationMs: FOREVER_MS }),
      reporter,
      iommu: scenario.host.iommu,
    });
    const { now } = this.simulation.machine.scheduler;
    // As a scenario would have it, so that the report tells what was asked for.
    fault.since = 'power-on';
    if (fault.atPs !== null) fault.atPs += now;
    else fault.fromPs += now;
    if (fault.toPs !== null) fault.toPs += now;
    this.take(fault, 0);
  }

  /** Brings in the scenario's faults whose times count from `since`, which is the instant `originPs`. */
  begin(since: ResolvedFault['since'], originPs: number): void {
    const { scenario, steps } = this.simulation;
    if (scenario.faults === undefined) return;
    steps.push({ kind: 'faults', since });
    for (const fault of scenario.faults) {
      if (fault.since === since) this.add(fault, originPs);
    }
  }

  struck(armed: ArmedFault, target: Target = armed.fault.target ?? undefined): FaultRecord {
    const { kind } = armed.fault;
    const record = new FaultRecord(kind, this.simulation.machine.scheduler.now, this.nameOf(target));
    this.records.push(record);
    this.causes.push(this.armed.indexOf(armed));
    return record;
  }

  linkDown(): void {
    this.requests.get('lost-completion')?.linkDown?.();
  }

  /** What has come of the faults that have struck until now, in order of time. */
  report(): FaultReport[] {
    return this.records.map((record, i) => {
      const armed = this.armed[this.causes[i]];
      const { kind } = record;
      const more = this.timed.get(kind)?.tell?.(record, armed) ?? this.requests.get(kind)?.tell?.(record);
      return record.report(more ?? []);
    });
  }

  reset(): void {
    this.records.length = this.causes.length = 0;
  }

  /** All that counts only while there are faults. */
  get components(): readonly Component[] {
    return [this, ...this.counting.flatMap(({ components }) => components)];
  }

  /** Strokes by kind. */
  counters(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { fault } of this.armed) counts[fault.kind] = 0;
    for (const { kind } of this.records) counts[kind]++;
    return counts;
  }

  /**
   * Takes in a fault that the scenario does not have yet; its times count from `originPs`.
   * @internal
   */
  take(fault: ResolvedFault, originPs: number): void {
    const { scenario, steps } = this.simulation;
    steps.push({ kind: 'fault', fault });
    scenario.faults ??= [];
    scenario.faults.push(fault);
    this.add(fault, originPs);
  }

  private add(fault: ResolvedFault, originPs: number): void {
    const { scheduler, random } = this.simulation.machine;
    const number = this.armed.length;
    this.armed.push(new ArmedFault(fault, random.stream(`fault ${number}`)));
    this.makeEffect(fault.kind);
    if (this.task < 0) this.task = scheduler.task(this.name, (index, what) => this.act(index, what));
    scheduler.post(originPs + (fault.atPs ?? fault.fromPs), this.task, number, BEGIN);
    if (fault.toPs !== null) scheduler.post(originPs + fault.toPs, this.task, number, END);
  }

  private makeEffect(kind: FaultKind): void {
    const { requests, timed } = this;
    if (requests.has(kind) || timed.has(kind)) return;
    const { iommu } = this.simulation.machine;
    if (kind === 'slow-memory') timed.set(kind, new SlowMemory(this));
    else if (kind === 'flr') timed.set(kind, new FunctionReset(this));
    else if (kind === 'link-down' || kind === 'surprise-removal') {
      // One for both kinds: it is the same link.
      const link = new LinkFaults(this);
      this.counting.push(link);
      timed.set('link-down', link);
      timed.set('surprise-removal', link);
    } else if (kind === 'bit-error') {
      const errors = new LinkBitErrors(this);
      this.counting.push(errors);
      requests.set(kind, errors);
    } else if (kind === 'iommu-fault') {
      if (iommu !== null) requests.set(kind, new IommuFaults(this, iommu));
    } else {
      // One for both kinds: they stand in the same place.
      const answers = new AnswerFaults(this);
      requests.set('poisoned-data', answers);
      requests.set('lost-completion', answers);
    }
  }

  /** An event: of a fault, or, with the number of a record, that it has lasted long enough. */
  private act(number: number, what: number): void {
    if (what >= 0) {
      const armed = this.armed[number];
      this.timed.get(armed.fault.kind)?.over?.(this.records[what], armed);
      return;
    }
    const armed = this.armed[number];
    const { kind, atPs } = armed.fault;
    const request = this.requests.get(kind);
    if (what === END) {
      const wasActive = armed.isActive;
      armed.isActive = false;
      if (wasActive) request?.disarm(armed);
      return;
    }
    if (what === BEGIN) armed.begin();
    else if (!armed.isActive) return;
    if (request !== undefined) request.arm(armed);
    else if (atPs !== null) this.strike(armed, number);
    else {
      if (what === STRIKE) this.strike(armed, number);
      const { scheduler } = this.simulation.machine;
      scheduler.schedule((armed.drawGap() + 1) * MICROSECOND, this.task, number, STRIKE);
    }
  }

  private strike(armed: ArmedFault, number: number): void {
    const record = this.timed.get(armed.fault.kind)?.strike(armed);
    if (record === undefined || armed.fault.forPs === 0) return;
    const { scheduler } = this.simulation.machine;
    scheduler.schedule(armed.fault.forPs, this.task, number, this.records.indexOf(record));
  }

  private nameOf(target: Target): string | null {
    if (target === undefined) return null;
    if (typeof target === 'string') return target;
    if (target.kind === 'vf') return this.simulation.scenario.vfs[target.vf]?.name ?? `VF ${target.vf}`;
    return target.kind === 'pf' ? 'host' : 'port';
  }
}
