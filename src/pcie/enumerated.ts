import type { BarDefinition } from './bar.ts';
import type { RoutingId } from './routing-id.ts';

/** A range of addresses to place BARs in. */
export interface AddressWindow {
  readonly base: number;
  readonly bytes: number;
}

/** What the firmware or the operating system has to give away. */
export interface EnumerateOptions {
  /** Root bus. Default 0. */
  readonly bus?: number;
  /** Highest bus number that may be given. Default 255. */
  readonly lastBus?: number;
  /** Memory below 4 GiB. */
  readonly memory32: AddressWindow;
  /** Memory for 64-bit prefetchable BARs. Default: they go below 4 GiB too. */
  readonly memory64?: AddressWindow;
  /** I/O space. Default: none, and I/O BARs stay without address. */
  readonly io?: AddressWindow;
  /** Turn ARI forwarding on where both ends can. Default true. */
  readonly ari?: boolean;
  /** Page size of the system in bytes. Default 4,096. */
  readonly pageBytes?: number;
  /** Lets time pass: 1 s, if VFs are found enabled and are turned off. */
  readonly wait?: (milliseconds: number) => void;
}

/** A function as it was found. */
export interface EnumeratedFunction {
  readonly routingId: RoutingId;
  /** `01:00.0`. */
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  readonly classCode: number;
  readonly isBridge: boolean;
  readonly bars: EnumeratedBar[];
  readonly capabilities: EnumeratedCapability[];
  readonly sriov?: EnumeratedSriov;
  /** Buses on which functions of its segment, VFs too, can be: from its own to this one. */
  lastBus: number;
  /** Of a bridge. */
  secondaryBus?: number;
  subordinateBus?: number;
  readonly children: EnumeratedFunction[];
}

/** What {@link enumerate} found. */
export interface EnumeratedTree {
  readonly bus: number;
  /** The functions on the root bus; what is below a bridge is in its `children`. */
  readonly functions: EnumeratedFunction[];
  /** What could not be given a bus or an address, one sentence each. */
  readonly problems: string[];
}

/** A BAR as it was sized and placed. */
export interface EnumeratedBar extends BarDefinition {
  readonly prefetchable: boolean;
  /** Where it was placed, or -1 if there was no room. */
  address: number;
}

/** A capability as it was found. */
export interface EnumeratedCapability {
  readonly id: number;
  readonly extended: boolean;
  readonly offset: number;
  /** Version of an extended capability, else 0. */
  readonly version: number;
}

/** The SR-IOV capability of a PF as it was found. */
export interface EnumeratedSriov {
  /** Offset of the capability. */
  readonly offset: number;
  readonly initialVfs: number;
  readonly totalVfs: number;
  readonly vfDeviceId: number;
  readonly functionDependencyLink: number;
  /** System page size that was set, in bytes. */
  readonly pageBytes: number;
  /** Highest bus that a VF is on, over all values of NumVFs. */
  readonly lastVfBus: number;
  /**
   * Most VFs that requests reach all of: TotalVFs, or fewer below a port that does not forward ARI if some are on the PF's own
   * bus with function numbers above 7.
   */
  readonly reachableVfs: number;
  /** `bytes` is one VF's share, `address` that of VF 0; -1 if there was no room for TotalVFs of them. */
  readonly vfBars: EnumeratedBar[];
}

/** All functions of a tree, in the order in which they were found. */
export function allEnumerated(tree: EnumeratedTree): EnumeratedFunction[] {
  const walk = (fn: EnumeratedFunction): EnumeratedFunction[] => [fn, ...fn.children.flatMap(walk)];
  return tree.functions.flatMap(walk);
}

/** The functions with this Vendor ID and Device ID. */
export function findFunctions(tree: EnumeratedTree, vendor: number, device: number): EnumeratedFunction[] {
  return allEnumerated(tree).filter((fn) => fn.vendor === vendor && fn.device === device);
}
