import type { BridgePort } from '../bridge.ts';
import { AcsService } from '../capabilities/acs.ts';
import { Endpoint } from '../endpoint.ts';
import type { PcieFunction } from '../function.ts';
import { busOf, formatRoutingId, type RoutingId } from '../routing-id.ts';
import { enabledServices, portNumberOf, requestToPeer } from './acs-decision.ts';
import { noteAcsViolation, noteUnsupportedRequest } from './errors.ts';
import { AddressType, type HierarchyError, type HopAction } from './request.ts';
import type { HierarchyDevice, HierarchyStructure } from './structure.ts';
import type { CompletionOrigin, Way } from './ways.ts';

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

/** A request on its way. */
export interface RoutedRequest {
  readonly requester: RoutingId;
  readonly isRead: boolean;
  /** As it is now: the root complex has it translated. */
  address: number;
  readonly addressType: AddressType;
  throughRootComplex: boolean;
  hop(at: string, action: HopAction): void;
  /** Its header, for a Header Log; as it came to the root complex, or as it is now. */
  header(isTranslated: boolean): readonly number[];
}

/** Where a request goes, or that it has arrived, or why it ends. */
export type RequestStep = Way | RequestArrival | RequestRefusal;

/** A request is with who takes it. */
export interface RequestArrival {
  readonly to: 'completer';
  readonly completer: PcieFunction | 'memory';
  readonly bar: number;
  /** Within the BAR, or the address of memory. */
  readonly offset: number;
  /** Where its completion starts. */
  readonly origin: CompletionOrigin;
}

/** A request ends here as an error, which its finder has noted. */
export interface RequestRefusal {
  readonly to: 'nobody';
  readonly error: HierarchyError;
  readonly status: 'unsupported-request' | 'completer-abort';
  readonly origin: CompletionOrigin;
}

/** What hops and errors call it. */
const ROOT_COMPLEX = 'root complex';
const ROOT: CompletionOrigin = { at: 'root' };

/**
 * What each device of a hierarchy decides about a memory request that has come to it. Routing by address: PCIe 3.0 2.4.1,
 * with the access control services of 6.12 where it would go to a peer.
 */
export class RequestRouting {
  private readonly structure: HierarchyStructure;
  private readonly services: RootComplexServices;

  constructor(structure: HierarchyStructure, services: RootComplexServices) {
    this.structure = structure;
    this.services = services;
  }

  /** A processor makes it. */
  fromProcessor(request: RoutedRequest): RequestStep {
    request.throughRootComplex = true;
    const port = this.structure.rootPorts.find((each) => each.claimsMemory(request.address));
    if (port !== undefined) return this.out(port, request);
    if (this.services.memory?.claims(request.address)) return memory(request);
    return refused(
      request,
      ROOT_COMPLEX,
      ROOT,
      'Unsupported Request',
      'no port and no memory has this address',
    );
  }

  /** A function makes it, one that may. */
  fromFunction(from: PcieFunction, request: RoutedRequest): RequestStep {
    const endpoint = this.structure.endpointWith(from);
    request.hop(from.name, 'sent');
    return this.staysInside(endpoint, from, request) ?? { to: 'above', device: endpoint };
  }

  /** It comes to a port from below, and leaves it for a peer, upstream, or into the root complex. */
  fromBelow(port: BridgePort, request: RoutedRequest): RequestStep {
    const wrong = enters(port, request);
    if (wrong !== null) return wrong;
    const within = this.structure.switchWith(port);
    const peers: readonly BridgePort[] =
      within?.downstream ?? (this.services.peerToPeer ? this.structure.rootPorts : []);
    const target = peers.find((each) => each.claimsMemory(request.address));
    if (target !== undefined) {
      const step = this.towards(port, target, request);
      if (step !== null) return step;
    } else if (within?.upstream.claimsMemory(request.address)) {
      return unsupported(
        request,
        port.function,
        backTo(port),
        'the address is in the window of the switch, and of none of its ports',
      );
    } else if (within !== null) {
      request.hop(port.function.name, 'upstream');
    }
    if (within === null) return this.inRootComplex(port, request);
    const { function: upstream } = within.upstream;
    if (!upstream.busMaster) {
      return unsupported(request, upstream, backTo(port), 'Bus Master Enable of the port is clear');
    }
    request.hop(upstream.name, 'upstream');
    return { to: 'above', device: within };
  }

  /** It comes to a device from above. */
  fromAbove(device: HierarchyDevice, request: RoutedRequest): RequestStep {
    const origin: CompletionOrigin = { at: 'device', device };
    if (device instanceof Endpoint) {
      if (device.claim(request.address)) return arrival(device, origin, request);
      return unclaimed(request, device, origin);
    }
    const { upstream, downstream } = device;
    const next = upstream.claimsMemory(request.address)
      ? downstream.find((each) => each.claimsMemory(request.address))
      : undefined;
    if (next === undefined) {
      return unsupported(request, upstream.function, origin, 'no window has this address');
    }
    request.hop(upstream.function.name, 'downstream');
    return this.out(next, request);
  }

  /** A request for another function of the same device; null: it leaves upstream. */
  private staysInside(endpoint: Endpoint, from: PcieFunction, request: RoutedRequest): RequestStep | null {
    if (!this.structure.hasPeerToPeer(endpoint) || !endpoint.claim(request.address)) return null;
    const peer = endpoint.hitFunction!;
    if (peer === from) return null;
    switch (requestToPeer(from, peer.routingId & 0xff, isTranslated(request))) {
      case 'direct':
        request.hop(from.name, 'peer-to-peer');
        return arrival(endpoint, { at: 'function', endpoint, fn: peer }, request);
      case 'redirect':
        request.hop(from.name, 'redirected');
        return null;
      case 'violation':
        return violation(request, from, { at: 'function', endpoint, fn: from }, keepsFrom(peer));
    }
  }

  /** A port has a request for a peer, or for what is below itself. Null: it goes up. */
  private towards(port: BridgePort, target: BridgePort, request: RoutedRequest): RequestStep | null {
    const fn = port.function;
    if (target === port) {
      if ((enabledServices(fn) & AcsService.upstreamForwarding) === 0) {
        return unsupported(
          request,
          fn,
          backTo(port),
          'the request would leave where it came in, and upstream forwarding is off',
        );
      }
      request.hop(fn.name, 'redirected');
      return null;
    }
    switch (requestToPeer(fn, portNumberOf(target.function), isTranslated(request))) {
      case 'direct':
        request.hop(fn.name, 'peer-to-peer');
        request.throughRootComplex ||= this.structure.switchWith(port) === null;
        return this.out(target, request);
      case 'redirect':
        request.hop(fn.name, 'redirected');
        return null;
      case 'violation':
        return violation(request, fn, backTo(port), keepsFrom(target.function));
    }
  }

  private inRootComplex(port: BridgePort, request: RoutedRequest): RequestStep {
    request.throughRootComplex = true;
    const { translator, peerToPeer } = this.services;
    const translated = isTranslated(request);
    if (request.addressType !== AddressType.UNTRANSLATED && (translator === null || !translated)) {
      const reason = 'the root complex has no use for this Address Type';
      return unsupported(request, port.function, backTo(port), reason);
    }
    if (translator !== null && !translated) {
      const physical = translator.translate(request.requester, request.address, !request.isRead);
      if (physical < 0) return refused(request, ROOT_COMPLEX, ROOT, 'IOMMU fault', 'the IOMMU refuses it');
      request.address = physical;
      request.hop(ROOT_COMPLEX, 'translated');
    } else {
      request.hop(ROOT_COMPLEX, 'root-complex');
    }
    if (this.services.memory?.claims(request.address)) return memory(request);
    const target = this.structure.rootPorts.find((each) => each.claimsMemory(request.address));
    if (target !== undefined && peerToPeer) return this.out(target, request);
    // The port has the request as it came, not with the address that the IOMMU has made of it.
    return unsupported(request, port.function, backTo(port), 'no port and no memory has this address', false);
  }

  private out(port: BridgePort, request: RoutedRequest): RequestStep {
    request.hop(port.function.name, 'downstream');
    if (this.structure.deviceBelow(port) !== null) return { to: 'below', port };
    const device = this.structure.switchWith(port);
    const origin: CompletionOrigin = device === null ? ROOT : { at: 'device', device };
    return unsupported(request, port.function, origin, 'nothing is connected to the port');
  }
}

/** What a port checks of every request that comes from below. */
function enters(port: BridgePort, request: RoutedRequest): RequestRefusal | null {
  const fn = port.function;
  const on = enabledServices(fn);
  if (!fn.busMaster) {
    return unsupported(request, fn, backTo(port), 'Bus Master Enable of the port is clear');
  }
  if ((on & AcsService.sourceValidation) !== 0 && !port.covers(busOf(request.requester))) {
    const reason = `Requester ID ${formatRoutingId(request.requester)} is not from below the port`;
    return violation(request, fn, backTo(port), reason);
  }
  if ((on & AcsService.translationBlocking) !== 0 && request.addressType !== AddressType.UNTRANSLATED) {
    return violation(request, fn, backTo(port), 'the request says that its address is translated');
  }
  return null;
}

function isTranslated({ addressType }: RoutedRequest): boolean {
  return addressType === AddressType.TRANSLATED;
}

function arrival(endpoint: Endpoint, origin: CompletionOrigin, request: RoutedRequest): RequestArrival {
  const { hitBar: bar, hitOffset: offset } = endpoint;
  const completer = endpoint.hitFunction!;
  request.hop(completer.name, 'completed');
  return { to: 'completer', completer, bar, offset, origin };
}

function memory(request: RoutedRequest): RequestArrival {
  request.hop('memory', 'completed');
  return { to: 'completer', completer: 'memory', bar: -1, offset: request.address, origin: ROOT };
}

function unsupported(
  request: RoutedRequest,
  fn: PcieFunction,
  origin: CompletionOrigin,
  reason: string,
  asTranslated = true,
): RequestRefusal {
  noteUnsupportedRequest([fn], request.isRead, request.header(asTranslated));
  return refused(request, fn.name, origin, 'Unsupported Request', reason);
}

/** No function is meant: all note it, and the first is named for all. */
function unclaimed(request: RoutedRequest, device: Endpoint, origin: CompletionOrigin): RequestRefusal {
  const { functions } = device;
  noteUnsupportedRequest(functions, request.isRead, request.header(true));
  return refused(request, functions[0].name, origin, 'Unsupported Request', 'no BAR has this address');
}

function violation(
  request: RoutedRequest,
  fn: PcieFunction,
  origin: CompletionOrigin,
  reason: string,
): RequestRefusal {
  noteAcsViolation(fn, origin.at === 'port', request.isRead, request.header(true));
  return refused(request, fn.name, origin, 'ACS Violation', reason);
}

function refused(
  request: RoutedRequest,
  at: string,
  origin: CompletionOrigin,
  error: HierarchyError['error'],
  reason: string,
): RequestRefusal {
  request.hop(at, 'refused');
  const status = error === 'ACS Violation' ? 'completer-abort' : 'unsupported-request';
  return { to: 'nobody', error: { at, error, reason }, status, origin };
}

function backTo(port: BridgePort): CompletionOrigin {
  return { at: 'port', port };
}

function keepsFrom(peer: PcieFunction): string {
  return `egress control keeps requests from ${peer.name}`;
}
