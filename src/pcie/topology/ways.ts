import type { BridgePort } from '../bridge.ts';
import type { Endpoint } from '../endpoint.ts';
import type { PcieFunction } from '../function.ts';
import type { HierarchyDevice } from './structure.ts';

/** Where a TLP goes from where it is. */
export type Way =
  /** Out of a port, to what is connected below it. */
  | { readonly to: 'below'; readonly port: BridgePort }
  /** Out of the upstream port of a device, to the port above it. */
  | { readonly to: 'above'; readonly device: HierarchyDevice };

/** Where a completion starts. */
export type CompletionOrigin =
  | { readonly at: 'root' }
  /** The port where the request came in from below, and was refused. */
  | { readonly at: 'port'; readonly port: BridgePort }
  /** A device that the request came to from above. */
  | { readonly at: 'device'; readonly device: HierarchyDevice }
  /** A function of the requester's own device, which the request has not left. */
  | { readonly at: 'function'; readonly endpoint: Endpoint; readonly fn: PcieFunction };
