import type { ResolvedFault, ResolvedFlow } from './scenario-resolved.ts';

/**
 * What makes parts of a machine: the boot as far as the PF's driver, another number of VFs, a flow or a capture that
 * begins, the scenario's faults of one origin, and a fault that a program asks for.
 */
export type MakingStep =
  | { readonly kind: 'card' }
  | { readonly kind: 'vfs'; readonly count: number }
  | { readonly kind: 'flow'; readonly flow: ResolvedFlow }
  | { readonly kind: 'capture'; readonly index: number }
  | { readonly kind: 'faults'; readonly since: ResolvedFault['since'] }
  | { readonly kind: 'fault'; readonly fault: ResolvedFault };
