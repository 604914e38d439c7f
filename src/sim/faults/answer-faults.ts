import {
  CompletionStatus,
  CompletionTimeouts,
  describeErrors,
  type FailureListener,
  formatRoutingId,
  ReadOutcome,
  type Tlp,
} from '../../pcie/index.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, RequestEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';
import { functionOf, routingIdOf } from './fault-target.ts';
import { tellFailure } from './read-failure.ts';

/**
 * What can become of the completions of a read when memory has answered: their data are poisoned, or they are lost. It
 * takes the place of the root port's task while a fault is armed.
 */
export class AnswerFaults implements RequestEffect, FailureListener {
  private readonly run: FaultRun;
  private readonly armed: ArmedFault[] = [];
  /** Reads that have not ended. */
  private readonly open: FaultRecord[] = [];
  private readonly timeouts: CompletionTimeouts;
  /** The root port's task, and the one that stands in for it. */
  private readonly usual: number;
  private readonly answered: number;

  constructor(run: FaultRun) {
    this.run = run;
    const { scheduler, tlps, nic, rootPort, link } = run.simulation.machine;
    this.timeouts = new CompletionTimeouts(nic.requester.name, scheduler, tlps, nic.requester);
    this.usual = rootPort.foreseen;
    this.answered = scheduler.task(`${rootPort.name}.answer`, (index, epoch) => {
      if (epoch === link.upstream.epoch) this.answer(tlps.records[index]);
      else tlps.lose(tlps.records[index]);
    });
    nic.requester.listeners.push(this);
  }

  arm(armed: ArmedFault): void {
    this.armed.push(armed);
    this.run.simulation.machine.rootPort.foreseen = this.answered;
  }

  disarm(armed: ArmedFault): void {
    this.armed.splice(this.armed.indexOf(armed), 1);
    if (this.armed.length === 0) this.run.simulation.machine.rootPort.foreseen = this.usual;
  }

  requestFailed(routingId: number, client: number, cookie: number, status: number): void {
    const at = this.open.findIndex(
      (record) => record.routingId === routingId && record.client === client && record.cookie === cookie,
    );
    if (at < 0 || status < ReadOutcome.POISONED) return;
    const [record] = this.open.splice(at, 1);
    const { nic } = this.run.simulation.machine;
    const fn = nic.endpoint.functionAt(routingId);
    record.isOpen = false;
    if (status === ReadOutcome.LOST) record.notes.push('the link goes down before');
    if (status === ReadOutcome.ABANDONED) record.notes.push('the function is reset before');
    record.notes.push(tellFailure(nic, client, cookie));
    if (fn !== null) record.notes.push(`${formatRoutingId(routingId)} then shows ${describeErrors(fn)}`);
  }

  linkDown(): void {
    this.timeouts.abandon();
  }

  tell(record: FaultRecord): readonly string[] {
    return record.isOpen ? ['by now that has not happened, and its tag is not free'] : [];
  }

  private answer(tlp: Tlp): void {
    const { rootPort, nic } = this.run.simulation.machine;
    const armed = this.armed.find((each) => this.means(each, tlp.requester) && each.strikes());
    if (armed === undefined) {
      rootPort.answer(tlp, CompletionStatus.SUCCESSFUL);
      return;
    }
    if (!armed.isActive) this.disarm(armed);
    const record = this.run.struck(armed, functionOf(nic.pf, tlp.requester));
    const fn = nic.endpoint.functionAt(tlp.requester) ?? nic.pf;
    record.routingId = tlp.requester;
    record.client = tlp.client;
    record.cookie = tlp.cookie;
    record.isOpen = true;
    this.open.push(record);
    if (armed.fault.kind === 'poisoned-data') {
      record.notes.push(`${tlp.bytes} bytes of a read come back poisoned (EP)`);
      rootPort.answer(tlp, ReadOutcome.POISONED);
    } else {
      const delayMs = this.timeouts.lose(tlp, fn) / 1e9;
      const limit = delayMs === Number.POSITIVE_INFINITY ? 'which is disabled' : `after ${delayMs} ms`;
      record.notes.push(`the completion of ${tlp.bytes} bytes is lost until Completion Timeout, ${limit}`);
    }
  }

  private means({ fault }: ArmedFault, routingId: number): boolean {
    const { target } = fault;
    return target === null || routingId === routingIdOf(this.run.simulation.machine.nic.pf, target);
  }
}
