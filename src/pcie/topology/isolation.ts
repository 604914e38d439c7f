import { ACS_CAPABILITY, ACS_CONTROL, ACS_ISOLATION, AcsService } from '../capabilities/acs.ts';
import { CAP_PCI_EXPRESS, ECAP_ACS } from '../capabilities/ids.ts';
import { PCIE_CAPABILITIES, PORT_DOWNSTREAM, PORT_ROOT } from '../capabilities/pci-express.ts';
import type { ConfigAccess } from '../config-access.ts';
import { allEnumerated, type EnumeratedFunction, type EnumeratedTree } from '../enumerated.ts';
import { HEADER_TYPE, MULTI_FUNCTION } from '../header.ts';
import { listCapabilities, offsetOf } from '../probe.ts';
import type { RoutingId } from '../routing-id.ts';
import { currentVfs } from '../sriov-software.ts';

const NAMES: readonly (readonly [bit: number, name: string])[] = [
  [AcsService.sourceValidation, 'Source Validation'],
  [AcsService.requestRedirect, 'P2P Request Redirect'],
  [AcsService.completionRedirect, 'P2P Completion Redirect'],
  [AcsService.upstreamForwarding, 'Upstream Forwarding'],
];

/** Device/Port Type of a function, or -1 if it is no PCI Express function. */
export function portTypeOf(access: ConfigAccess, fn: EnumeratedFunction): number {
  const express = offsetOf(fn.capabilities, CAP_PCI_EXPRESS, false);
  return express === 0 ? -1 : (access.read(fn.routingId, express + PCIE_CAPABILITIES, 2) >> 4) & 15;
}

/** Whether Header Type says that its device has several functions. */
export function isMultiFunction(access: ConfigAccess, fn: EnumeratedFunction): boolean {
  return (access.read(fn.routingId, HEADER_TYPE, 1) & MULTI_FUNCTION) !== 0;
}

/**
 * Why a function does not keep requests that come through it, or from it, from its peers; null if it does. As Linux has it
 * (`pci_acs_enabled`): a port must have the services on; so must a function of a device with several; services that the
 * capability does not have count as on, because what needs them cannot happen there.
 */
export function lacksIsolation(access: ConfigAccess, fn: EnumeratedFunction): string | null {
  const type = portTypeOf(access, fn);
  if (type < 0) return 'is no PCI Express function';
  if (type !== PORT_ROOT && type !== PORT_DOWNSTREAM && !isMultiFunction(access, fn)) return null;
  const at = offsetOf(fn.capabilities, ECAP_ACS, true);
  if (at === 0) return 'has no access control services';
  const needed = access.read(fn.routingId, at + ACS_CAPABILITY, 2) & ACS_ISOLATION;
  const missing = needed & ~access.read(fn.routingId, at + ACS_CONTROL, 2);
  if (missing === 0) return null;
  const names = NAMES.filter(([bit]) => (missing & bit) !== 0).map(([, name]) => name);
  return `has ${names.join(', ')} off`;
}

/**
 * Turns on, in every port and function that has them, the services that isolate functions from each other, as an operating
 * system does that lends functions to guests; VFs that exist included.
 *
 * @example
 * const tree = enumerate(hierarchy, windows);
 * enableAcs(hierarchy, tree);
 * iommuGroups(hierarchy, tree).length; // one for each function that can be lent alone
 */
export function enableAcs(access: ConfigAccess, tree: EnumeratedTree): void {
  for (const fn of allEnumerated(tree)) {
    turnOn(access, fn.routingId);
    if (fn.sriov === undefined) continue;
    for (const vf of currentVfs(access, fn)) turnOn(access, vf);
  }
}

function turnOn(access: ConfigAccess, routingId: RoutingId): void {
  const at = offsetOf(listCapabilities(access, routingId), ECAP_ACS, true);
  if (at === 0) return;
  const wanted = access.read(routingId, at + ACS_CAPABILITY, 2) & ACS_ISOLATION;
  const control = access.read(routingId, at + ACS_CONTROL, 2);
  access.write(routingId, at + ACS_CONTROL, 2, control | wanted);
}
