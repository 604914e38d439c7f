import { assert } from '../../base/index.ts';
import type { BridgePort } from '../bridge.ts';
import { AcsService } from '../capabilities/acs.ts';
import { allOnes } from '../config-access.ts';
import { Endpoint } from '../endpoint.ts';
import type { PcieFunction } from '../function.ts';
import { busOf, formatRoutingId, type RoutingId } from '../routing-id.ts';
import { enabledServices, portNumberOf, requestToPeer } from './acs-decision.ts';
import { type CompletionOrigin, returnCompletion } from './completion-routing.ts';
import { noteAcsViolation, noteFailedRead, noteTimeout, noteUnsupportedRequest } from './errors.ts';
import {
  AddressType,
  type HierarchyError,
  type HierarchyOutcome,
  type HierarchyRequest,
  type Hop,
  type HopAction,
  headerOf,
} from './request.ts';
import type { HierarchyDevice, HierarchyStructure } from './structure.ts';

/** Translates the address of a request at once; an IOMMU of `sriovsim/iommu` is one. */
export interface UntimedTranslator {
  /** The physical address, or a negative number if the request is refused. */
  translate(routingId: RoutingId, address: number, isWrite: boolean): number;
}

/** Memory of the host, as requests reach it. */
export interface HostMemory {
  /** Whether memory stands behind this address. */
  claims(address: number): boolean;
  /** Reads 1, 2 or 4 bytes. Unsigned. */
  read(address: number, bytes: number): number;
  write(address: number, bytes: number, value: number): void;
}

/** What the root complex does with requests that come up. */
export interface RootComplexServices {
  readonly translator: UntimedTranslator | null;
  readonly memory: HostMemory | null;
  /** Lets requests from one root port out of another. */
  readonly peerToPeer: boolean;
}

/** Where a request has arrived. */
interface Arrival {
  readonly completer: PcieFunction | 'memory';
  readonly bar: number;
  /** Within the BAR, or the address of memory. */
  readonly offset: number;
}

/** What hops and errors call it. */
const ROOT_COMPLEX = 'root complex';
const ROOT: CompletionOrigin = { at: 'root' };

/**
 * One request on its way through a hierarchy, and its completion on the way back. Routing by address: PCIe 3.0 2.4.1, with
 * the access control services of 6.12 where it would go to a peer.
 */
export class Journey {
  private readonly structure: HierarchyStructure;
  private readonly services: RootComplexServices;
  private readonly request: HierarchyRequest;
  private readonly requester: RoutingId;
  private readonly isRead: boolean;
  private readonly hops: Hop[] = [];
  private address: number;
  private throughRootComplex = false;
  private error: HierarchyError | null = null;
  private status: HierarchyOutcome['status'] = 'successful';
  private arrival: Arrival | null = null;
  /** Where the completion starts. */
  private origin: CompletionOrigin = ROOT;

  constructor(structure: HierarchyStructure, services: RootComplexServices, request: HierarchyRequest) {
    this.structure = structure;
    this.services = services;
    this.request = request;
    this.requester = request.requester ?? request.from?.routingId ?? 0;
    this.isRead = request.kind === 'read';
    this.address = request.address;
  }

  run(): HierarchyOutcome {
    const { from } = this.request;
    if (from === null) this.fromProcessor();
    else this.fromFunction(from);
    let value = this.arrival === null ? 0 : this.transfer(this.arrival);
    if (this.isRead && this.status !== 'not-sent') this.complete(from);
    if (this.isRead && this.status !== 'successful') value = allOnes(this.request.bytes ?? 4);
    return {
      status: this.status,
      completer: this.arrival?.completer ?? null,
      bar: this.arrival?.bar ?? -1,
      value,
      throughRootComplex: this.throughRootComplex,
      error: this.error,
      hops: this.hops,
    };
  }

  private fromProcessor(): void {
    this.throughRootComplex = true;
    const port = this.structure.rootPorts.find((each) => each.claimsMemory(this.address));
    if (port !== undefined) this.down(port);
    else if (!this.intoMemory()) {
      this.refuse(ROOT_COMPLEX, ROOT, 'Unsupported Request', 'no port and no memory has this address');
    }
  }

  private fromFunction(from: PcieFunction): void {
    const endpoint = this.structure.endpointWith(from);
    if (!from.present || !from.busMaster) {
      this.status = 'not-sent';
      return;
    }
    this.hop(from.name, 'sent');
    if (!this.staysInside(endpoint, from)) this.up(endpoint);
  }

  /** A request for another function of the same device. */
  private staysInside(endpoint: Endpoint, from: PcieFunction): boolean {
    if (!this.structure.hasPeerToPeer(endpoint) || !endpoint.claim(this.address)) return false;
    const peer = endpoint.hitFunction!;
    if (peer === from) return false;
    switch (requestToPeer(from, peer.routingId & 0xff, this.isTranslated)) {
      case 'direct':
        this.hop(from.name, 'peer-to-peer');
        this.arrive(endpoint, { at: 'function', endpoint, fn: peer });
        return true;
      case 'redirect':
        this.hop(from.name, 'redirected');
        return false;
      case 'violation':
        this.violation(from, { at: 'function', endpoint, fn: from }, keepsFrom(peer));
        return true;
    }
  }

  /** From `device` on, up to where it leaves for a peer or reaches the root complex. */
  private up(first: HierarchyDevice): void {
    let device = first;
    for (;;) {
      const port = this.structure.portAbove(device);
      if (!this.enters(port)) return;
      const within = this.structure.switchWith(port);
      const peers =
        within?.downstream ?? (this.services.peerToPeer ? this.structure.rootPorts : ([] as BridgePort[]));
      const target = peers.find((each) => each.claimsMemory(this.address));
      if (target !== undefined) {
        if (!this.towards(port, target)) return;
      } else if (within?.upstream.claimsMemory(this.address)) {
        this.unsupported(
          port.function,
          backTo(port),
          'the address is in the window of the switch, and of none of its ports',
        );
        return;
      } else if (within !== null) {
        this.hop(port.function.name, 'upstream');
      }
      if (within === null) {
        this.rootComplex(port);
        return;
      }
      if (!within.upstream.function.busMaster) {
        this.unsupported(within.upstream.function, backTo(port), 'Bus Master Enable of the port is clear');
        return;
      }
      this.hop(within.upstream.function.name, 'upstream');
      device = within;
    }
  }

  /** What a port checks of every request that comes from below. */
  private enters(port: BridgePort): boolean {
    const fn = port.function;
    const on = enabledServices(fn);
    if (!fn.busMaster) {
      this.unsupported(fn, backTo(port), 'Bus Master Enable of the port is clear');
      return false;
    }
    if ((on & AcsService.sourceValidation) !== 0 && !port.covers(busOf(this.requester))) {
      this.violation(
        fn,
        backTo(port),
        `Requester ID ${formatRoutingId(this.requester)} is not from below the port`,
      );
      return false;
    }
    if ((on & AcsService.translationBlocking) !== 0 && this.addressType !== AddressType.UNTRANSLATED) {
      this.violation(fn, backTo(port), 'the request says that its address is translated');
      return false;
    }
    return true;
  }

  /** A port has a request for a peer, or for what is below itself. False: it ends here or has gone there. */
  private towards(port: BridgePort, target: BridgePort): boolean {
    const fn = port.function;
    if (target === port) {
      if ((enabledServices(fn) & AcsService.upstreamForwarding) === 0) {
        this.unsupported(
          fn,
          backTo(port),
          'the request would leave where it came in, and upstream forwarding is off',
        );
        return false;
      }
      this.hop(fn.name, 'redirected');
      return true;
    }
    switch (requestToPeer(fn, portNumberOf(target.function), this.isTranslated)) {
      case 'direct':
        this.hop(fn.name, 'peer-to-peer');
        this.throughRootComplex ||= this.structure.switchWith(port) === null;
        this.down(target);
        return false;
      case 'redirect':
        this.hop(fn.name, 'redirected');
        return true;
      case 'violation':
        this.violation(fn, backTo(port), keepsFrom(target.function));
        return false;
    }
  }

  private rootComplex(port: BridgePort): void {
    this.throughRootComplex = true;
    const { translator, peerToPeer } = this.services;
    if (this.addressType !== AddressType.UNTRANSLATED && (translator === null || !this.isTranslated)) {
      this.unsupported(port.function, backTo(port), 'the root complex has no use for this Address Type');
      return;
    }
    if (translator !== null && !this.isTranslated) {
      const physical = translator.translate(this.requester, this.address, !this.isRead);
      if (physical < 0) {
        this.refuse(ROOT_COMPLEX, ROOT, 'IOMMU fault', 'the IOMMU refuses it');
        return;
      }
      this.address = physical;
      this.hop(ROOT_COMPLEX, 'translated');
    } else {
      this.hop(ROOT_COMPLEX, 'root-complex');
    }
    if (this.intoMemory()) return;
    const target = this.structure.rootPorts.find((each) => each.claimsMemory(this.address));
    if (target !== undefined && peerToPeer) this.down(target);
    // The port has the request as it came, not with the address that the IOMMU has made of it.
    else
      this.unsupported(
        port.function,
        backTo(port),
        'no port and no memory has this address',
        this.request.address,
      );
  }

  private down(first: BridgePort): void {
    let port = first;
    for (;;) {
      this.hop(port.function.name, 'downstream');
      const device = this.structure.deviceBelow(port);
      if (device === null) {
        this.unsupported(port.function, this.above(port), 'nothing is connected to the port');
        return;
      }
      if (device instanceof Endpoint) {
        const origin: CompletionOrigin = { at: 'device', device };
        if (device.claim(this.address)) this.arrive(device, origin);
        else this.unsupported(device.functions[0], origin, 'no BAR has this address');
        return;
      }
      const { upstream, downstream } = device;
      const next = upstream.claimsMemory(this.address)
        ? downstream.find((each) => each.claimsMemory(this.address))
        : undefined;
      if (next === undefined) {
        this.unsupported(upstream.function, { at: 'device', device }, 'no window has this address');
        return;
      }
      this.hop(upstream.function.name, 'downstream');
      port = next;
    }
  }

  private arrive(endpoint: Endpoint, origin: CompletionOrigin): void {
    const { hitFunction, hitBar, hitOffset } = endpoint;
    assert(hitFunction !== null, 'a request arrived at no function');
    this.arrival = { completer: hitFunction, bar: hitBar, offset: hitOffset };
    this.origin = origin;
    this.hop(hitFunction.name, 'completed');
  }

  private intoMemory(): boolean {
    if (!this.services.memory?.claims(this.address)) return false;
    this.arrival = { completer: 'memory', bar: -1, offset: this.address };
    this.origin = ROOT;
    this.hop('memory', 'completed');
    return true;
  }

  private transfer({ completer, bar, offset }: Arrival): number {
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
  private complete(from: PcieFunction | null): void {
    const arrived = returnCompletion(this.structure, {
      origin: this.origin,
      requester: this.requester,
      from,
      relaxedOrdering: this.request.relaxedOrdering ?? false,
      hop: (at, action) => this.hops.push({ at, action, isCompletion: true }),
      lost: (at, reason) => {
        this.error ??= { at, error: 'Unexpected Completion', reason };
      },
    });
    if (!arrived) this.status = 'completion-timeout';
    if (from === null) return;
    if (this.status === 'completion-timeout') noteTimeout(from);
    else if (this.status === 'unsupported-request' || this.status === 'completer-abort') {
      noteFailedRead(from, this.status);
    }
  }

  private get addressType(): AddressType {
    return this.request.addressType ?? AddressType.UNTRANSLATED;
  }

  private get isTranslated(): boolean {
    return this.addressType === AddressType.TRANSLATED;
  }

  private hop(at: string, action: HopAction): void {
    this.hops.push({ at, action, isCompletion: false });
  }

  /** Where the completion starts that a downstream port sends for a request from above. */
  private above(port: BridgePort): CompletionOrigin {
    const device = this.structure.switchWith(port);
    return device === null ? ROOT : { at: 'device', device };
  }

  private unsupported(
    fn: PcieFunction,
    origin: CompletionOrigin,
    reason: string,
    address = this.address,
  ): void {
    noteUnsupportedRequest(fn, this.isRead, headerOf(this.request, this.requester, address));
    this.refuse(fn.name, origin, 'Unsupported Request', reason);
  }

  private violation(fn: PcieFunction, origin: CompletionOrigin, reason: string): void {
    const header = headerOf(this.request, this.requester, this.address);
    noteAcsViolation(fn, origin.at === 'port', this.isRead, header);
    this.refuse(fn.name, origin, 'ACS Violation', reason);
  }

  private refuse(at: string, origin: CompletionOrigin, error: HierarchyError['error'], reason: string): void {
    this.hop(at, 'refused');
    this.error = { at, error, reason };
    this.status = error === 'ACS Violation' ? 'completer-abort' : 'unsupported-request';
    this.origin = origin;
  }
}

function backTo(port: BridgePort): CompletionOrigin {
  return { at: 'port', port };
}

function keepsFrom(peer: PcieFunction): string {
  return `egress control keeps requests from ${peer.name}`;
}
