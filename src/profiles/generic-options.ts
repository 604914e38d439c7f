import { checkBoolean, checkInteger, checkKeys, checkOneOf, checkPowerOfTwo } from '../base/index.ts';
import { checkLinkRate, type FunctionIdentity, type LinkRate, type VfRoutingRule } from '../pcie/index.ts';

/** The limits of a card that cannot be bought; everything has a default. */
export interface GenericConfigOptions {
  /** PFs, 1 to 256. Default 1. */
  readonly pfs?: number;
  /** VFs of each PF, 1 to 65,535; how many can be enabled is for the bus numbers to say. Default: 65,535 shared by all PFs. */
  readonly totalVfs?: number;
  /** Where VFs are. Default: right behind the PFs with ARI, on the next bus without; those of a PF behind those of the PF before. */
  readonly routing?: VfRoutingRule;
  /** Function number that every PF depends on. Default: its own, none. */
  readonly functionDependencyLink?: number;
  readonly identity?: Partial<FunctionIdentity>;
  readonly vfDeviceId?: number;
  /** Bit n for pages of 2^(n + 12) bytes. Default 553h, what all must have. */
  readonly supportedPageSizes?: number;
  /** ARI Capable Hierarchy survives D3hot. Default true. */
  readonly ariPreserved?: boolean;
  /** D3hot to D0 does not reset. Default true. */
  readonly noSoftReset?: boolean;
  /** Registers of a PF, BAR 0, in bytes. Default 64 KiB. */
  readonly barBytes?: number;
  /** Registers of a VF, VF BAR 0, in bytes. Default 16 KiB. */
  readonly vfBarBytes?: number;
  /** Vectors of MSI-X of a PF and of a VF, 1 to 2,048. Default 64 and 3. */
  readonly vectors?: number;
  readonly vfVectors?: number;
  /** Vectors of MSI: 1, 2, 4, 8, 16 or 32. Default 32. */
  readonly msiVectors?: number;
  /** Largest payload: 128 to 4,096 bytes. Default 512. */
  readonly maxPayloadBytes?: number;
  /** Generation of the link, and its lanes, as {@link LinkRate} has them. Default 3 and 16. */
  readonly generation?: number;
  readonly lanes?: number;
  /** Invalidate requests that a PF's queue takes, 1 to 32. Default 32. */
  readonly invalidateQueueDepth?: number;
  /** Bits of a PASID, 1 to 20. Default 20. */
  readonly pasidWidth?: number;
  /** Page requests outstanding. Default 512. */
  readonly pageRequests?: number;
  /** Steering tags in the TPH capability, 1 to 64. Default 8. */
  readonly steeringTags?: number;
}

const KEYS: Readonly<Record<keyof GenericConfigOptions, true>> = {
  pfs: true,
  totalVfs: true,
  routing: true,
  functionDependencyLink: true,
  identity: true,
  vfDeviceId: true,
  supportedPageSizes: true,
  ariPreserved: true,
  noSoftReset: true,
  barBytes: true,
  vfBarBytes: true,
  vectors: true,
  vfVectors: true,
  msiVectors: true,
  maxPayloadBytes: true,
  generation: true,
  lanes: true,
  invalidateQueueDepth: true,
  pasidWidth: true,
  pageRequests: true,
  steeringTags: true,
};

const IDENTITY: Readonly<Record<keyof FunctionIdentity, readonly [min: number, max: number]>> = {
  vendorId: [0, 0xfffe],
  deviceId: [0, 0xffff],
  revision: [0, 0xff],
  classCode: [0, 0xffffff],
  subsystemVendorId: [0, 0xffff],
  subsystemId: [0, 0xffff],
  interruptPin: [0, 4],
};

/** What numbers may be; the other options have rules of their own. */
const RANGES = {
  pfs: [1, 256],
  totalVfs: [1, 65_535],
  functionDependencyLink: [0, 255],
  vfDeviceId: [0, 0xffff],
  vectors: [1, 2048],
  vfVectors: [1, 2048],
  invalidateQueueDepth: [1, 32],
  pasidWidth: [1, 20],
  pageRequests: [1, 2 ** 32 - 1],
  steeringTags: [1, 64],
} as const;

/** Powers of two. */
const POWERS = {
  barBytes: [16, 2 ** 40],
  vfBarBytes: [4096, 2 ** 40],
  maxPayloadBytes: [128, 4096],
} as const;

/**
 * Returns the options if each is one that there is, and is in range.
 *
 * @throws TypeError or RangeError otherwise.
 */
export function checkGenericOptions(options: GenericConfigOptions): GenericConfigOptions {
  checkKeys<GenericConfigOptions>('options', options, KEYS);
  eachOf(RANGES, options, checkInteger);
  eachOf(POWERS, options, checkPowerOfTwo);
  if (options.msiVectors !== undefined) checkOneOf('msiVectors', options.msiVectors, [1, 2, 4, 8, 16, 32]);
  for (const flag of ['ariPreserved', 'noSoftReset'] as const) {
    if (options[flag] !== undefined) checkBoolean(flag, options[flag]);
  }
  checkLinkRate(linkOf(options));
  const { identity } = options;
  if (identity !== undefined) {
    const keys = Object.fromEntries(Object.keys(IDENTITY).map((key) => [key, true]));
    checkKeys<FunctionIdentity>('identity', identity, keys as Record<keyof FunctionIdentity, true>);
    eachOf(IDENTITY, identity, (name, value, min, max) => checkInteger(`identity.${name}`, value, min, max));
  }
  return options;
}

/** The link that options ask for. */
export function linkOf({ generation = 3, lanes = 16 }: GenericConfigOptions): LinkRate {
  return { generation, lanes };
}

/** Checks what there is of the numbers that `ranges` names. */
function eachOf(
  ranges: Readonly<Record<string, readonly [min: number, max: number]>>,
  values: object,
  check: (name: string, value: unknown, min: number, max: number) => number,
): void {
  for (const [name, value] of Object.entries(values)) {
    const range = ranges[name];
    if (range !== undefined && value !== undefined) check(name, value, ...range);
  }
}
