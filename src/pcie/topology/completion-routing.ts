import type { BridgePort } from '../bridge.ts';
import { AcsService } from '../capabilities/acs.ts';
import { Endpoint } from '../endpoint.ts';
import type { PcieFunction } from '../function.ts';
import { busOf, type RoutingId } from '../routing-id.ts';
import { completionToPeer, enabledServices } from './acs-decision.ts';
import { noteUnexpectedCompletion } from './errors.ts';
import type { HopAction } from './request.ts';
import type { HierarchyDevice, HierarchyStructure } from './structure.ts';

/** Where a completion starts. */
export type CompletionOrigin =
  | { readonly at: 'root' }
  /** The port where the request came in from below, and was refused. */
  | { readonly at: 'port'; readonly port: BridgePort }
  /** A device that the request came to from above. */
  | { readonly at: 'device'; readonly device: HierarchyDevice }
  /** A function of the requester's own device, which the request has not left. */
  | { readonly at: 'function'; readonly endpoint: Endpoint; readonly fn: PcieFunction };

/** A completion that is to be routed. */
export interface RoutedCompletion {
  readonly origin: CompletionOrigin;
  readonly requester: RoutingId;
  /** Who waits for it; null for a processor. */
  readonly from: PcieFunction | null;
  readonly relaxedOrdering: boolean;
  hop(at: string, action: HopAction): void;
  lost(at: string, reason: string): void;
}

/** Routes a completion by its Requester ID (PCIe 3.0 2.4.2). Returns whether it reaches the function that waits for it. */
export function returnCompletion(structure: HierarchyStructure, completion: RoutedCompletion): boolean {
  const { origin } = completion;
  switch (origin.at) {
    case 'root':
      return fromRoot(structure, completion);
    case 'port':
      // It goes back out of where the request came in, if the Requester ID is from there.
      if (origin.port.covers(busOf(completion.requester))) return down(structure, origin.port, completion);
      return lose(completion, origin.port.function, 'its Requester ID is not from below the port');
    case 'device':
      return up(structure, origin.device, completion);
    case 'function':
      if (
        origin.fn === completion.from ||
        completionToPeer(origin.fn, completion.relaxedOrdering) === 'direct'
      ) {
        completion.hop(origin.fn.name, 'peer-to-peer');
        return deliver(origin.endpoint, completion);
      }
      completion.hop(origin.fn.name, 'redirected');
      return up(structure, origin.endpoint, completion);
  }
}

function up(structure: HierarchyStructure, first: HierarchyDevice, completion: RoutedCompletion): boolean {
  const bus = busOf(completion.requester);
  const toProcessor = completion.from === null;
  let device = first;
  for (;;) {
    const port = structure.portAbove(device);
    const fn = port.function;
    const within = structure.switchWith(port);
    const peers = within?.downstream ?? structure.rootPorts;
    const target = toProcessor ? undefined : peers.find((each) => each.covers(bus));
    if (target === port) {
      if ((enabledServices(fn) & AcsService.upstreamForwarding) === 0) {
        return lose(completion, fn, 'it would leave where it came in, and upstream forwarding is off');
      }
      completion.hop(fn.name, 'redirected');
    } else if (target !== undefined && completionToPeer(fn, completion.relaxedOrdering) === 'direct') {
      completion.hop(fn.name, 'peer-to-peer');
      return down(structure, target, completion);
    } else {
      completion.hop(fn.name, target === undefined ? 'upstream' : 'redirected');
    }
    if (within === null) return fromRoot(structure, completion);
    completion.hop(within.upstream.function.name, 'upstream');
    device = within;
  }
}

function fromRoot(structure: HierarchyStructure, completion: RoutedCompletion): boolean {
  completion.hop('root complex', 'root-complex');
  if (completion.from === null) return true;
  const port = structure.rootPorts.find((each) => each.covers(busOf(completion.requester)));
  if (port !== undefined) return down(structure, port, completion);
  completion.lost('root complex', 'no port leads to its Requester ID');
  return false;
}

function down(structure: HierarchyStructure, first: BridgePort, completion: RoutedCompletion): boolean {
  const bus = busOf(completion.requester);
  let port = first;
  for (;;) {
    completion.hop(port.function.name, 'downstream');
    const device = structure.deviceBelow(port);
    if (device === null) return lose(completion, port.function, 'nothing is connected to the port');
    if (device instanceof Endpoint) return deliver(device, completion);
    const { upstream, downstream } = device;
    const next = downstream.find((each) => each.covers(bus));
    if (next === undefined) return lose(completion, upstream.function, 'no port leads to its Requester ID');
    completion.hop(upstream.function.name, 'downstream');
    port = next;
  }
}

function deliver(endpoint: Endpoint, completion: RoutedCompletion): boolean {
  const fn = endpoint.functionAt(completion.requester);
  if (fn === null || fn !== completion.from) {
    return lose(completion, fn ?? endpoint.functions[0], 'it has not asked for it');
  }
  completion.hop(fn.name, 'completed');
  return true;
}

function lose(completion: RoutedCompletion, fn: PcieFunction, reason: string): boolean {
  noteUnexpectedCompletion(fn);
  completion.hop(fn.name, 'refused');
  completion.lost(fn.name, reason);
  return false;
}
