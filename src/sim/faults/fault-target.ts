import type { PcieFunction } from '../../pcie/index.ts';
import type { EndpointRef, VPortRef } from '../scenario-resolved.ts';

/** Routing ID of a function; -1 for a VF that does not exist now. */
export function routingIdOf(pf: PcieFunction, target: VPortRef): number {
  if (target.kind === 'pf') return pf.routingId;
  const { sriov } = pf;
  return sriov !== null && target.vf < sriov.count ? sriov.routingIdOf(target.vf) : -1;
}

/** Whose Routing ID it is. */
export function functionOf(pf: PcieFunction, routingId: number): EndpointRef {
  const vf = pf.sriov?.indexOf(routingId) ?? -1;
  return vf < 0 ? { kind: 'pf' } : { kind: 'vf', vf };
}
