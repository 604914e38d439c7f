import type { BridgePort } from '../bridge.ts';
import { AcsService } from '../capabilities/acs.ts';
import { Endpoint } from '../endpoint.ts';
import type { PcieFunction } from '../function.ts';
import { busOf, type RoutingId } from '../routing-id.ts';
import { completionToPeer, enabledServices } from './acs-decision.ts';
import { noteUnexpectedCompletion } from './errors.ts';
import type { HopAction } from './request.ts';
import type { HierarchyDevice, HierarchyStructure } from './structure.ts';
import type { CompletionOrigin, Way } from './ways.ts';

/** A completion that is to be routed. */
export interface RoutedCompletion {
  readonly requester: RoutingId;
  /** Who waits for it; null for a processor. */
  readonly from: PcieFunction | null;
  readonly relaxedOrdering: boolean;
  hop(at: string, action: HopAction): void;
}

/** Where a completion goes, that it is with the one who waits for it, or why it never will be. */
export type CompletionStep =
  | Way
  | { readonly to: 'requester' }
  | { readonly to: 'nobody'; readonly at: string; readonly reason: string };

const REQUESTER: CompletionStep = { to: 'requester' };

/** What each device of a hierarchy decides about a completion: routing by its Requester ID (PCIe 3.0 2.4.2). */
export class CompletionRouting {
  private readonly structure: HierarchyStructure;

  constructor(structure: HierarchyStructure) {
    this.structure = structure;
  }

  /** It sets out. */
  start(origin: CompletionOrigin, completion: RoutedCompletion): CompletionStep {
    switch (origin.at) {
      case 'root':
        return this.inRootComplex(completion);
      case 'port':
        // It goes back out of where the request came in, if the Requester ID is from there.
        if (origin.port.covers(busOf(completion.requester))) return this.out(origin.port, completion);
        return lose(completion, origin.port.function, 'its Requester ID is not from below the port');
      case 'device':
        return { to: 'above', device: origin.device };
      case 'function':
        if (
          origin.fn === completion.from ||
          completionToPeer(origin.fn, completion.relaxedOrdering) === 'direct'
        ) {
          completion.hop(origin.fn.name, 'peer-to-peer');
          return deliver(origin.endpoint, completion);
        }
        completion.hop(origin.fn.name, 'redirected');
        return { to: 'above', device: origin.endpoint };
    }
  }

  /** It comes to a port from below. */
  fromBelow(port: BridgePort, completion: RoutedCompletion): CompletionStep {
    const bus = busOf(completion.requester);
    const fn = port.function;
    const within = this.structure.switchWith(port);
    const peers = within?.downstream ?? this.structure.rootPorts;
    const target = completion.from === null ? undefined : peers.find((each) => each.covers(bus));
    if (target === port) {
      if ((enabledServices(fn) & AcsService.upstreamForwarding) === 0) {
        return lose(completion, fn, 'it would leave where it came in, and upstream forwarding is off');
      }
      completion.hop(fn.name, 'redirected');
    } else if (target !== undefined && completionToPeer(fn, completion.relaxedOrdering) === 'direct') {
      completion.hop(fn.name, 'peer-to-peer');
      return this.out(target, completion);
    } else {
      completion.hop(fn.name, target === undefined ? 'upstream' : 'redirected');
    }
    if (within === null) return this.inRootComplex(completion);
    completion.hop(within.upstream.function.name, 'upstream');
    return { to: 'above', device: within };
  }

  /** It comes to a device from above. */
  fromAbove(device: HierarchyDevice, completion: RoutedCompletion): CompletionStep {
    if (device instanceof Endpoint) return deliver(device, completion);
    const { upstream, downstream } = device;
    const bus = busOf(completion.requester);
    const next = downstream.find((each) => each.covers(bus));
    if (next === undefined) return lose(completion, upstream.function, 'no port leads to its Requester ID');
    completion.hop(upstream.function.name, 'downstream');
    return this.out(next, completion);
  }

  private inRootComplex(completion: RoutedCompletion): CompletionStep {
    completion.hop('root complex', 'root-complex');
    if (completion.from === null) return REQUESTER;
    const port = this.structure.rootPorts.find((each) => each.covers(busOf(completion.requester)));
    if (port !== undefined) return this.out(port, completion);
    return { to: 'nobody', at: 'root complex', reason: 'no port leads to its Requester ID' };
  }

  private out(port: BridgePort, completion: RoutedCompletion): CompletionStep {
    completion.hop(port.function.name, 'downstream');
    if (this.structure.deviceBelow(port) !== null) return { to: 'below', port };
    return lose(completion, port.function, 'nothing is connected to the port');
  }
}

function deliver(endpoint: Endpoint, completion: RoutedCompletion): CompletionStep {
  const fn = endpoint.functionAt(completion.requester);
  if (fn === null || fn !== completion.from) {
    return lose(completion, fn ?? endpoint.functions[0], 'it has not asked for it');
  }
  completion.hop(fn.name, 'completed');
  return REQUESTER;
}

function lose(completion: RoutedCompletion, fn: PcieFunction, reason: string): CompletionStep {
  noteUnexpectedCompletion(fn);
  completion.hop(fn.name, 'refused');
  return { to: 'nobody', at: fn.name, reason };
}
