import type { Nic } from '../../nic/index.ts';
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

/** Rings that are enabled: of all queues, or of `count` from queue `first` on. */
export function enabledRings({ transmit, receive }: Nic['data'], first = 0, count = Infinity): number {
  let enabled = 0;
  for (const { rings } of [transmit, receive]) {
    for (const ring of rings.all.slice(first, first + count)) enabled += ring.enabled;
  }
  return enabled;
}
