import { allOnes } from '../config-access.ts';
import type { PcieFunction } from '../function.ts';
import type { RoutingId } from '../routing-id.ts';
import { CompletionRouting } from './completion-routing.ts';
import { noteFailedRead, noteTimeout } from './errors.ts';
import {
  AddressType,
  type HierarchyError,
  type HierarchyOutcome,
  type HierarchyRequest,
  type Hop,
  type HopAction,
  headerOf,
} from './request.ts';
import {
  type RequestArrival,
  type RequestRefusal,
  RequestRouting,
  type RootComplexServices,
  type RoutedRequest,
} from './request-routing.ts';
import type { HierarchyStructure } from './structure.ts';

/** One request on its way through a hierarchy, and its completion on the way back, at once. */
export class Journey implements RoutedRequest {
  readonly requester: RoutingId;
  readonly isRead: boolean;
  readonly addressType: AddressType;
  address: number;
  throughRootComplex = false;

  private readonly structure: HierarchyStructure;
  private readonly services: RootComplexServices;
  private readonly request: HierarchyRequest;
  private readonly hops: Hop[] = [];
  private error: HierarchyError | null = null;
  private status: HierarchyOutcome['status'] = 'successful';

  constructor(structure: HierarchyStructure, services: RootComplexServices, request: HierarchyRequest) {
    this.structure = structure;
    this.services = services;
    this.request = request;
    this.requester = request.requester ?? request.from?.routingId ?? 0;
    this.isRead = request.kind === 'read';
    this.addressType = request.addressType ?? AddressType.UNTRANSLATED;
    this.address = request.address;
  }

  run(): HierarchyOutcome {
    const { from } = this.request;
    if (from !== null) this.structure.endpointWith(from);
    const maySend = from === null || (from.present && from.busMaster);
    if (!maySend) this.status = 'not-sent';
    const end = maySend ? this.go(from) : null;
    const arrival = end?.to === 'completer' ? end : null;
    let value = arrival === null ? 0 : this.transfer(arrival);
    if (end !== null && this.isRead) this.complete(end, from);
    if (this.isRead && this.status !== 'successful') value = allOnes(this.request.bytes ?? 4);
    return {
      status: this.status,
      completer: arrival?.completer ?? null,
      bar: arrival?.bar ?? -1,
      value,
      throughRootComplex: this.throughRootComplex,
      error: this.error,
      hops: this.hops,
    };
  }

  hop(at: string, action: HopAction): void {
    this.hops.push({ at, action, isCompletion: false });
  }

  header(isTranslated: boolean): readonly number[] {
    return headerOf(this.request, this.requester, isTranslated ? this.address : this.request.address);
  }

  /** From device to device, until it has arrived or ends. */
  private go(from: PcieFunction | null): RequestArrival | RequestRefusal {
    const { structure } = this;
    const routing = new RequestRouting(structure, this.services);
    let step = from === null ? routing.fromProcessor(this) : routing.fromFunction(from, this);
    while (step.to === 'below' || step.to === 'above') {
      step =
        step.to === 'below'
          ? routing.fromAbove(structure.deviceBelow(step.port)!, this)
          : routing.fromBelow(structure.portAbove(step.device), this);
    }
    if (step.to === 'nobody') ({ error: this.error, status: this.status } = step);
    return step;
  }

  private transfer({ completer, bar, offset }: RequestArrival): number {
    const { bytes = 4, value = 0 } = this.request;
    if (completer === 'memory') {
      const memory = this.services.memory!;
      if (this.isRead) return memory.read(offset, bytes);
      memory.write(offset, bytes, value);
      return 0;
    }
    const shift = (offset & 3) * 8;
    const target = completer.bar(bar);
    if (this.isRead) {
      const dword = target.read32(offset - (offset & 3), bytes);
      return bytes === 4 ? dword >>> 0 : (dword >>> shift) & (2 ** (8 * bytes) - 1);
    }
    target.write32(offset - (offset & 3), (value << shift) >>> 0, ((1 << bytes) - 1) << (offset & 3));
    return 0;
  }

  /** The completion of a read finds its way back, or the requester's timer ends. */
  private complete({ origin }: RequestArrival | RequestRefusal, from: PcieFunction | null): void {
    const { structure, requester } = this;
    const routing = new CompletionRouting(structure);
    const completion = {
      requester,
      from,
      relaxedOrdering: this.request.relaxedOrdering ?? false,
      hop: (at: string, action: HopAction) => this.hops.push({ at, action, isCompletion: true }),
    };
    let step = routing.start(origin, completion);
    while (step.to === 'below' || step.to === 'above') {
      step =
        step.to === 'below'
          ? routing.fromAbove(structure.deviceBelow(step.port)!, completion)
          : routing.fromBelow(structure.portAbove(step.device), completion);
    }
    if (step.to === 'nobody') {
      this.status = 'completion-timeout';
      this.error ??= { at: step.at, error: 'Unexpected Completion', reason: step.reason };
    }
    if (from === null) return;
    if (this.status === 'completion-timeout') noteTimeout(from);
    else if (this.status === 'unsupported-request' || this.status === 'completer-abort') {
      noteFailedRead(from, this.status);
    }
  }
}
