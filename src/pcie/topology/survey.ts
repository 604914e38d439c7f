import { SECONDARY_BUS, SUBORDINATE_BUS } from '../bridge.ts';
import { ECAP_SRIOV } from '../capabilities/ids.ts';
import type { ConfigAccess } from '../config-access.ts';
import type { EnumeratedFunction, EnumeratedTree } from '../enumerated.ts';
import { DEVICE_ID, HEADER_TYPE, MULTI_FUNCTION, VENDOR_ID } from '../header.ts';
import { listCapabilities, offsetOf } from '../probe.ts';
import { formatRoutingId, type RoutingId } from '../routing-id.ts';

/** Offsets in the SR-IOV capability. */
const INITIAL_VFS = 0x0c;
const TOTAL_VFS = 0x0e;
const DEPENDENCY_LINK = 0x12;
const VF_DEVICE_ID = 0x1a;

/**
 * The functions of a hierarchy that has its bus numbers, by reads alone, as `lspci` looks at it: nothing is changed. BARs, and
 * what can only be had by trying, are left out; VFs are not among them.
 *
 * @example
 * iommuGroups(access, surveyTree(access));
 */
export function surveyTree(access: ConfigAccess, bus = 0): EnumeratedTree {
  return { bus, functions: functionsOn(access, bus), problems: [] };
}

function functionsOn(access: ConfigAccess, bus: number): EnumeratedFunction[] {
  const found: EnumeratedFunction[] = [];
  for (let device = 0; device < 32; device++) {
    const first = (bus << 8) | (device << 3);
    if (access.read(first, VENDOR_ID, 2) === 0xffff) continue;
    found.push(functionAt(access, first));
    const isMulti = (access.read(first, HEADER_TYPE, 1) & MULTI_FUNCTION) !== 0;
    for (let fn = 1; isMulti && fn < 8; fn++) {
      if (access.read(first | fn, VENDOR_ID, 2) !== 0xffff) found.push(functionAt(access, first | fn));
    }
  }
  return found;
}

function functionAt(access: ConfigAccess, routingId: RoutingId): EnumeratedFunction {
  const isBridge = (access.read(routingId, HEADER_TYPE, 1) & 0x7f) === 1;
  const capabilities = listCapabilities(access, routingId);
  const offset = offsetOf(capabilities, ECAP_SRIOV, true);
  const fn: EnumeratedFunction = {
    routingId,
    name: formatRoutingId(routingId),
    vendor: access.read(routingId, VENDOR_ID, 2),
    device: access.read(routingId, DEVICE_ID, 2),
    classCode: access.read(routingId, 0x08, 4) >>> 8,
    isBridge,
    bars: [],
    capabilities,
    ...(offset === 0 ? {} : { sriov: sriovAt(access, routingId, offset) }),
    lastBus: routingId >> 8,
    children: [],
  };
  if (!isBridge) return fn;
  const secondary = access.read(routingId, SECONDARY_BUS, 1);
  fn.secondaryBus = secondary;
  fn.subordinateBus = access.read(routingId, SUBORDINATE_BUS, 1);
  if (secondary > routingId >> 8) fn.children.push(...functionsOn(access, secondary));
  return fn;
}

function sriovAt(access: ConfigAccess, routingId: RoutingId, offset: number): EnumeratedFunction['sriov'] {
  const read16 = (at: number) => access.read(routingId, offset + at, 2);
  return {
    offset,
    initialVfs: read16(INITIAL_VFS),
    totalVfs: read16(TOTAL_VFS),
    vfDeviceId: read16(VF_DEVICE_ID),
    functionDependencyLink: read16(DEPENDENCY_LINK) & 0xff,
    pageBytes: 4096,
    lastVfBus: routingId >> 8,
    reachableVfs: read16(TOTAL_VFS),
    vfBars: [],
  };
}
