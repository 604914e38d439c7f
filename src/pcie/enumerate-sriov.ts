import {
  ARI_CAPABLE_HIERARCHY,
  SRIOV_CONTROL,
  SRIOV_FIRST_VF_OFFSET,
  SRIOV_FUNCTION_LINK,
  SRIOV_INITIAL_VFS,
  SRIOV_NUM_VFS,
  SRIOV_SUPPORTED_PAGE_SIZES,
  SRIOV_SYSTEM_PAGE_SIZE,
  SRIOV_TOTAL_VFS,
  SRIOV_VF_BAR0,
  SRIOV_VF_DEVICE_ID,
  SRIOV_VF_STRIDE,
  VF_ENABLE,
} from './capabilities/sriov.ts';
import type { ConfigAccess } from './config-access.ts';
import type { EnumeratedSriov } from './enumerated.ts';
import { probeBars } from './probe.ts';
import type { RoutingId } from './routing-id.ts';

/** What the system wants of an SR-IOV capability. */
export interface ProbeSriovOptions {
  /** Set ARI Capable Hierarchy. */
  readonly ari: boolean;
  /**
   * Highest function number on the PF's own bus that requests can reach: a port that does not forward ARI sends type 0
   * requests to device 0 alone (PCIe 3.0 7.3.1).
   */
  readonly lastFunction: number;
  readonly pageBytes: number;
  readonly wait?: (milliseconds: number) => void;
}

/** Milliseconds that software gives VFs to go away (SR-IOV 1.1 3.3.3.1). */
export const VF_DISABLE_MS = 1000;

/**
 * Prepares the SR-IOV capability at `offset`: VFs off, ARI Capable Hierarchy and System Page Size set, VF BARs sized, and
 * all values of NumVFs tried for the highest bus that VFs need. Returns a sentence if the capability is of no use.
 */
export function probeSriov(
  access: ConfigAccess,
  routingId: RoutingId,
  offset: number,
  options: ProbeSriovOptions,
): EnumeratedSriov | string {
  const read16 = (at: number) => access.read(routingId, offset + at, 2);
  const write16 = (at: number, value: number) => access.write(routingId, offset + at, 2, value);
  if ((read16(SRIOV_CONTROL) & VF_ENABLE) !== 0) {
    write16(SRIOV_CONTROL, 0);
    options.wait?.(VF_DISABLE_MS);
  }
  const totalVfs = read16(SRIOV_TOTAL_VFS);
  if (totalVfs === 0) return 'TotalVFs is 0';
  write16(SRIOV_CONTROL, options.ari ? ARI_CAPABLE_HIERARCHY : 0);

  const pageBit = options.pageBytes / 4096;
  const supported = access.read(routingId, offset + SRIOV_SUPPORTED_PAGE_SIZES, 4) & -pageBit;
  if (supported === 0) return `no page size of ${options.pageBytes} bytes or more`;
  const page = (supported & -supported) >>> 0;
  access.write(routingId, offset + SRIOV_SYSTEM_PAGE_SIZE, 4, page);

  const reach = reachOfVfs(access, routingId, offset, totalVfs, options.lastFunction);
  if (typeof reach === 'string') return reach;
  const vfBars = probeBars(access, routingId, offset + SRIOV_VF_BAR0, 6);
  const small = vfBars.find((bar) => bar.bytes % options.pageBytes !== 0);
  if (small !== undefined) return `VF BAR ${small.index} is no multiple of the page size`;
  return {
    offset,
    initialVfs: read16(SRIOV_INITIAL_VFS),
    totalVfs,
    vfDeviceId: read16(SRIOV_VF_DEVICE_ID),
    functionDependencyLink: access.read(routingId, offset + SRIOV_FUNCTION_LINK, 1),
    pageBytes: page * 4096,
    ...reach,
    vfBars,
  };
}

/** What the Routing IDs of VFs ask of the hierarchy. */
interface VfReach {
  /** Highest bus that a VF is on. */
  lastVfBus: number;
  /** Largest NumVFs with which requests reach every VF. */
  reachableVfs: number;
}

/** First VF Offset and VF Stride may depend on NumVFs, so every value is tried. */
function reachOfVfs(
  access: ConfigAccess,
  routingId: RoutingId,
  offset: number,
  totalVfs: number,
  lastFunction: number,
): VfReach | string {
  const reach = { lastVfBus: routingId >> 8, reachableVfs: 0 };
  for (let count = totalVfs; count > 0; count--) {
    access.write(routingId, offset + SRIOV_NUM_VFS, 2, count);
    const first = access.read(routingId, offset + SRIOV_FIRST_VF_OFFSET, 2);
    const stride = access.read(routingId, offset + SRIOV_VF_STRIDE, 2);
    if (first === 0 || (stride === 0 && count > 1)) {
      return `First VF Offset ${first} and VF Stride ${stride} with NumVFs ${count} are of no use`;
    }
    reach.lastVfBus = Math.max(reach.lastVfBus, (routingId + first + stride * (count - 1)) >> 8);
    if (count > reach.reachableVfs && reachesAll(routingId, first, stride, count, lastFunction)) {
      reach.reachableVfs = count;
    }
  }
  access.write(routingId, offset + SRIOV_NUM_VFS, 2, 0);
  return reach;
}

/** Whether no VF is on the PF's own bus with a function number above `lastFunction`. */
function reachesAll(
  routingId: RoutingId,
  first: number,
  stride: number,
  count: number,
  lastFunction: number,
) {
  const beyond = (routingId & 0xff00) + lastFunction + 1;
  const index = Math.max(0, Math.ceil((beyond - routingId - first) / (stride || 1)));
  return index >= count || (routingId + first + stride * index) >> 8 !== routingId >> 8;
}
