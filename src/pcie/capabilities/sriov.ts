import { checkInteger } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import { type BarDefinition, barRows, checkBars } from '../bar.ts';
import type { FunctionIdentity } from '../header.ts';
import type { Capability, CapabilityHost, FunctionContext } from './capability.ts';
import { ECAP_SRIOV } from './ids.ts';

/** Offsets within the capability (SR-IOV 1.1 3.3). */
export const SRIOV_CAPABILITIES = 0x04;
export const SRIOV_CONTROL = 0x08;
export const SRIOV_STATUS = 0x0a;
export const SRIOV_INITIAL_VFS = 0x0c;
export const SRIOV_TOTAL_VFS = 0x0e;
export const SRIOV_NUM_VFS = 0x10;
export const SRIOV_FUNCTION_LINK = 0x12;
export const SRIOV_FIRST_VF_OFFSET = 0x14;
export const SRIOV_VF_STRIDE = 0x16;
export const SRIOV_VF_DEVICE_ID = 0x1a;
export const SRIOV_SUPPORTED_PAGE_SIZES = 0x1c;
export const SRIOV_SYSTEM_PAGE_SIZE = 0x20;
export const SRIOV_VF_BAR0 = 0x24;
export const SRIOV_MIGRATION_STATE = 0x3c;

/** Bit of SR-IOV Control: VFs exist. */
export const VF_ENABLE = 1 << 0;
/** Bit of SR-IOV Control: VFs answer in memory space. */
export const VF_MEMORY_SPACE_ENABLE = 1 << 3;
/** Bit of SR-IOV Control: VFs may have any function number. */
export const ARI_CAPABLE_HIERARCHY = 1 << 4;
/** Bit of SR-IOV Capabilities: ARI Capable Hierarchy Preserved. */
export const ARI_PRESERVED = 1 << 1;

/** Page sizes that every PF must support: 4 KiB, 8 KiB, 64 KiB, 256 KiB, 1 MiB and 4 MiB (SR-IOV 1.1 3.3.12). */
export const REQUIRED_PAGE_SIZES = 0x553;

/** First VF Offset and VF Stride. */
export interface VfRouting {
  readonly firstVfOffset: number;
  readonly vfStride: number;
}

/**
 * How a PF numbers its VFs: with and without ARI Capable Hierarchy, or for devices where it depends on NumVFs or on the
 * function too, a rule.
 */
export type VfRoutingRule =
  | { readonly ari: VfRouting; readonly other: VfRouting }
  | ((ariCapableHierarchy: boolean, numVfs: number, functionNumber: number) => VfRouting);

/** The VFs of a PF: what they have of their own. */
export interface VirtualFunctionProfile {
  readonly title: string;
  /** IDs that differ from the PF's; the Vendor ID and the class cannot (SR-IOV 1.1 3.4.1). */
  readonly identity?: Partial<Pick<FunctionIdentity, 'revision' | 'subsystemId'>>;
  readonly capabilities: readonly Capability[];
}

/** The SR-IOV capability of a PF: its VFs. */
export interface SriovOptions {
  readonly at?: number;
  /** 1 to 65,535. InitialVFs is the same, as VF migration is not modelled. */
  readonly totalVfs: number;
  readonly vfDeviceId: number;
  /** Supported Page Sizes: bit n for 2^(n + 12) bytes. Default {@link REQUIRED_PAGE_SIZES}. */
  readonly supportedPageSizes?: number;
  /** Default: the PF's own function number, which says that it depends on no other. */
  readonly functionDependencyLink?: number;
  /** ARI Capable Hierarchy survives the step from D3hot to D0. Default false. */
  readonly ariPreserved?: boolean;
  /** VF BARs: memory only (SR-IOV 1.1 3.3.14). */
  readonly vfBars: readonly BarDefinition[];
  readonly routing: VfRoutingRule;
  readonly vf: VirtualFunctionProfile;
}

/** The capability, with what it was made of. */
export interface SriovCapability extends Capability {
  readonly options: SriovOptions;
}

/**
 * The SR-IOV extended capability (SR-IOV 1.1 3.3). Its registers are here; what they do is in {@link SriovControl}.
 *
 * NumVFs, System Page Size and ARI Capable Hierarchy keep their value while VF Enable is set (for NumVFs and System Page
 * Size the specification leaves a write undefined, 3.3.7 and 3.3.13).
 *
 * @throws RangeError if a number is out of range, or a VF BAR is in I/O space.
 */
export function sriov(options: SriovOptions): SriovCapability {
  checkInteger('totalVfs', options.totalVfs, 1, 65535);
  checkBars(options.vfBars);
  const pages = options.supportedPageSizes ?? REQUIRED_PAGE_SIZES;
  if ((pages & REQUIRED_PAGE_SIZES) !== REQUIRED_PAGE_SIZES) {
    throw new RangeError(`supportedPageSizes must include 0x553, got 0x${pages.toString(16)}`);
  }
  for (const bar of options.vfBars) {
    if (bar.kind === 'io') throw new RangeError(`VF BAR ${bar.index} must be in memory space`);
    if (bar.bytes < 4096) throw new RangeError(`VF BAR ${bar.index} must have 4,096 bytes or more`);
  }
  return {
    id: ECAP_SRIOV,
    extended: true,
    version: 1,
    name: 'SR-IOV',
    bytes: 0x40,
    at: options.at,
    options,
    rows: (context) => sriovRows(options, context),
    keptOverD3hot: options.ariPreserved ? [{ offset: SRIOV_CONTROL, mask: ARI_CAPABLE_HIERARCHY }] : [],
    guarded: [SRIOV_CONTROL, SRIOV_NUM_VFS, SRIOV_SYSTEM_PAGE_SIZE, ...vfBarOffsets(options.vfBars)],
    guard: (host, base, offset, mask) => guard(options, host, base, offset, mask),
    decode(host, base) {
      host.sriov?.decode(base);
    },
  };
}

function vfBarOffsets(bars: readonly BarDefinition[]): number[] {
  return bars.map((bar) => SRIOV_VF_BAR0 + 4 * bar.index);
}

function guard(
  options: SriovOptions,
  host: CapabilityHost,
  base: number,
  offset: number,
  mask: number,
): number {
  const enabled = (host.config.read16(base + SRIOV_CONTROL) & VF_ENABLE) !== 0;
  if (offset >= SRIOV_VF_BAR0) {
    // A VF BAR is at least one system page large, and aligned to it (SR-IOV 1.1 3.3.14).
    return mask & -systemPageBytes(host.config.read32(base + SRIOV_SYSTEM_PAGE_SIZE), options);
  }
  if (!enabled) return mask;
  if (offset === SRIOV_CONTROL) return mask & ~ARI_CAPABLE_HIERARCHY;
  return 0;
}

/**
 * The page size in bytes that a value of System Page Size stands for: its lowest supported bit. Software sets one bit; what
 * others do the specification leaves open (SR-IOV 1.1 3.3.13).
 */
export function systemPageBytes(value: number, options: SriovOptions): number {
  const usable = value & (options.supportedPageSizes ?? REQUIRED_PAGE_SIZES);
  const lowest = usable & -usable;
  return lowest === 0 ? 4096 : (lowest >>> 0) * 4096;
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function sriovRows(options: SriovOptions, context: FunctionContext): RegisterRow[] {
  const { totalVfs, supportedPageSizes = REQUIRED_PAGE_SIZES } = options;
  const half = (
    name: string,
    offset: number,
    reset: number,
    phrase: string,
    section: string,
  ): RegisterRow => ({
    name,
    offset,
    bytes: 2,
    access: 'RO',
    reset,
    phrase,
    section: `SR-IOV 1.1 ${section}`,
  });
  return [
    {
      name: 'SR-IOV Capabilities',
      offset: SRIOV_CAPABILITIES,
      access: 'RO',
      phrase: 'what the PF can do',
      section: 'SR-IOV 1.1 3.3.2',
      fields: [
        bit('VF Migration Capable', 0, 'RO', 'VFs can migrate'),
        bit('ARI Capable Hierarchy Preserved', 1, 'RO', 'the bit survives D3hot to D0', {
          reset: options.ariPreserved ? 1 : 0,
        }),
        bits('VF Migration Interrupt Message Number', 21, 11, 'RO', 'vector for migration events'),
      ],
    },
    {
      name: 'SR-IOV Control',
      offset: SRIOV_CONTROL,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'turns VFs and their memory on',
      section: 'SR-IOV 1.1 3.3.3',
      fields: [
        bit('VF Enable', 0, 'RW', 'VFs exist'),
        bit('VF Migration Enable', 1, 'RO', 'VFs may migrate'),
        bit('VF Migration Interrupt Enable', 2, 'RO', 'interrupt at migration events'),
        bit('VF MSE', 3, 'RW', 'VFs answer in memory space'),
        bit('ARI Capable Hierarchy', 4, context.lowest ? 'RW' : 'RO', 'VFs may have any function number'),
      ],
    },
    {
      name: 'SR-IOV Status',
      offset: SRIOV_STATUS,
      bytes: 2,
      access: 'RsvdZ',
      phrase: 'migration events',
      section: 'SR-IOV 1.1 3.3.4',
      fields: [bit('VF Migration Status', 0, 'RO', 'a VF is to migrate')],
    },
    half('InitialVFs', SRIOV_INITIAL_VFS, totalVfs, 'VFs that the PF has at first', '3.3.5'),
    half('TotalVFs', SRIOV_TOTAL_VFS, totalVfs, 'VFs that it can have', '3.3.6'),
    { ...half('NumVFs', SRIOV_NUM_VFS, 0, 'VFs that VF Enable brings', '3.3.7'), access: 'RW' },
    {
      ...half('Function Dependency Link', SRIOV_FUNCTION_LINK, 0, 'PF that this one depends on', '3.3.8'),
      fields: [
        bits('Function Dependency Link', 0, 8, 'RO', 'function number, its own for none', {
          reset: options.functionDependencyLink ?? context.number,
        }),
      ],
    },
    half('First VF Offset', SRIOV_FIRST_VF_OFFSET, 0, 'from the PF to the first VF', '3.3.9'),
    half('VF Stride', SRIOV_VF_STRIDE, 0, 'from one VF to the next', '3.3.10'),
    half('VF Device ID', SRIOV_VF_DEVICE_ID, options.vfDeviceId, 'Device ID of the VFs', '3.3.11'),
    {
      name: 'Supported Page Sizes',
      offset: SRIOV_SUPPORTED_PAGE_SIZES,
      access: 'RO',
      reset: supportedPageSizes,
      phrase: 'bit n: pages of 2^(n + 12) bytes',
      section: 'SR-IOV 1.1 3.3.12',
    },
    {
      name: 'System Page Size',
      offset: SRIOV_SYSTEM_PAGE_SIZE,
      access: 'RsvdP',
      phrase: 'the page size in use',
      section: 'SR-IOV 1.1 3.3.13',
      fields: pageBits(supportedPageSizes),
    },
    ...barRows(options.vfBars, SRIOV_VF_BAR0, 'VF BAR', 'SR-IOV 1.1 3.3.14'),
    {
      name: 'VF Migration State Array Offset',
      offset: SRIOV_MIGRATION_STATE,
      access: 'RO',
      phrase: 'where the migration state is',
      section: 'SR-IOV 1.1 3.3.15',
    },
  ];
}

function pageBits(supported: number) {
  const fields = [];
  for (let n = 0; n < 32; n++) {
    if ((supported & (1 << n)) === 0) continue;
    fields.push(bit(`2^${n + 12} bytes`, n, 'RW', 'this page size', { reset: n === 0 ? 1 : 0 }));
  }
  return fields;
}
