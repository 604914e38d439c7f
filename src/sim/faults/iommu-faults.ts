import { FAULT_PHRASES, type Iommu, permissionReason } from '../../iommu/index.ts';
import {
  type AddressTranslator,
  CompletionStatus,
  type FailureListener,
  formatRoutingId,
  type TranslationClient,
} from '../../pcie/index.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, RequestEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';
import { functionOf, routingIdOf } from './fault-target.ts';
import { tellFailure } from './read-failure.ts';

/**
 * Requests that the IOMMU refuses although the tables permit them. It stands before the IOMMU while a fault is
 * armed: requests of the functions that are meant are looked up when they arrive and not when they leave.
 */
export class IommuFaults implements RequestEffect, AddressTranslator, FailureListener {
  private readonly run: FaultRun;
  private readonly iommu: Iommu;
  private readonly armed: ArmedFault[] = [];
  /** Reads whose completions are under way. */
  private readonly open: FaultRecord[] = [];

  constructor(run: FaultRun, iommu: Iommu) {
    this.run = run;
    this.iommu = iommu;
    run.simulation.machine.nic.requester.listeners.push(this);
  }

  arm(armed: ArmedFault): void {
    this.armed.push(armed);
    this.run.simulation.machine.rootPort.translator = this;
  }

  disarm(armed: ArmedFault): void {
    this.armed.splice(this.armed.indexOf(armed), 1);
    if (this.armed.length === 0) this.run.simulation.machine.rootPort.translator = this.iommu;
  }

  lookup(routingId: number, address: number, isWrite: boolean): number {
    for (const armed of this.armed) {
      if (!this.means(armed, routingId, isWrite) || !armed.strikes()) continue;
      if (!armed.isActive) this.disarm(armed);
      return this.refuse(armed, routingId, address, isWrite);
    }
    return this.iommu.lookup(routingId, address, isWrite);
  }

  foresee(request: { readonly requester: number; address: number }, isWrite: boolean): boolean {
    for (const armed of this.armed) if (this.means(armed, request.requester, isWrite)) return false;
    return this.iommu.foresee(request, isWrite);
  }

  walk(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    this.iommu.walk(routingId, address, isWrite, client, cookie);
  }

  requestFailed(routingId: number, client: number, cookie: number, status: number): void {
    if (status !== CompletionStatus.UNSUPPORTED_REQUEST) return;
    const at = this.open.findIndex((record) => record.routingId === routingId);
    if (at < 0) return;
    const [record] = this.open.splice(at, 1);
    record.isOpen = false;
    record.notes.push(`Unsupported Request: ${tellFailure(this.run.simulation.machine.nic, client, cookie)}`);
  }

  private means({ fault }: ArmedFault, routingId: number, isWrite: boolean): boolean {
    const { direction, target } = fault;
    if (direction !== null && (direction === 'write') !== isWrite) return false;
    const { pf } = this.run.simulation.machine.nic;
    return target === null ? routingId !== pf.routingId : routingId === routingIdOf(pf, target);
  }

  private refuse(armed: ArmedFault, routingId: number, address: number, isWrite: boolean): number {
    const { iommu } = this;
    const record = this.run.struck(armed, functionOf(this.run.simulation.machine.nic.pf, routingId));
    const { lost } = iommu.faultLog;
    const answer = iommu.reject(routingId, address, isWrite);
    const reason = permissionReason(isWrite);
    record.notes.push(
      iommu.faultLog.lost > lost
        ? 'no fault record: all are in use (Primary Fault Overflow)'
        : `fault record of ${formatRoutingId(routingId)}, reason ${reason}h: ${FAULT_PHRASES[reason]}`,
    );
    if (isWrite) {
      record.notes.push('the posted write is dropped, and the card is not told');
    } else {
      record.routingId = routingId;
      record.isOpen = true;
      this.open.push(record);
    }
    return answer;
  }
}
