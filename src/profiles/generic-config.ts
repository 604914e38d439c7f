import { ceilPowerOfTwo, checkInteger } from '../base/index.ts';
import {
  ACS_OF_FUNCTIONS,
  acs,
  aer,
  ari,
  ats,
  type BarDefinition,
  type Capability,
  deviceSerialNumber,
  type FunctionIdentity,
  type FunctionProfile,
  ltr,
  msi,
  msix,
  pasid,
  pciExpress,
  powerManagement,
  pri,
  secondaryPciExpress,
  sriov,
  tph,
  type VfRoutingRule,
  vpd,
  vpdData,
} from '../pcie/index.ts';

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
  /** Generation of the link, 1 to 5, and its lanes. Default 3 and 16. */
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

/** Vendor ID of the generic card. */
export const GENERIC_VENDOR = 0x1234;
/** Device ID of its PFs. */
export const GENERIC_PF = 0x5100;
/** Device ID of its VFs. */
export const GENERIC_VF = 0x5101;

/**
 * Configuration space of a card that cannot be bought, with every capability that is modelled and every limit as a parameter.
 * All its numbers are ours. What a scenario calls `generic` is another one: a card with a data path and the
 * configuration space of the 82599.
 *
 * @throws RangeError if a limit is out of range.
 * @example
 * const endpoint = new Endpoint({ functions: genericConfig({ pfs: 2, totalVfs: 1024 }) });
 */
export function genericConfig(options: GenericConfigOptions = {}): FunctionProfile[] {
  const pfs = checkInteger('pfs', options.pfs ?? 1, 1, 256);
  return Array.from({ length: pfs }, (_, number) => pf(options, number, pfs));
}

function pf(options: GenericConfigOptions, number: number, pfs: number): FunctionProfile {
  const { totalVfs = Math.floor(65_535 / pfs), vectors = 64 } = options;
  return Object.freeze<FunctionProfile>({
    title: 'Ethernet controller: generic SR-IOV controller',
    identity: {
      vendorId: GENERIC_VENDOR,
      deviceId: GENERIC_PF,
      revision: 0,
      classCode: 0x020000,
      subsystemVendorId: GENERIC_VENDOR,
      subsystemId: GENERIC_PF,
      ...options.identity,
    },
    bars: bars(options.barBytes ?? 64 * 1024, vectors),
    capabilities: [
      powerManagement({ capabilities: 0xc803, controlStatus: (options.noSoftReset ?? true) ? 8 : 0 }),
      msi({ vectors: options.msiVectors ?? 32 }),
      messages(vectors),
      express(options),
      vpd({ data: vpdData({ name: 'generic SR-IOV controller', readOnly: { PN: 'GENERIC', SN: '0001' } }) }),
      aer({ version: 2, acs: pfs > 1 }),
      deviceSerialNumber({ serial: '02-00-00-ff-ff-00-00-01' }),
      ari(),
      sriov({
        totalVfs,
        vfDeviceId: options.vfDeviceId ?? GENERIC_VF,
        supportedPageSizes: options.supportedPageSizes,
        functionDependencyLink: options.functionDependencyLink,
        ariPreserved: options.ariPreserved ?? true,
        vfBars: bars(options.vfBarBytes ?? 16 * 1024, options.vfVectors ?? 3),
        routing: options.routing ?? behindPfs(pfs, totalVfs),
        vf: {
          title: 'Ethernet controller: generic SR-IOV controller, Virtual Function',
          capabilities: [
            messages(options.vfVectors ?? 3),
            express(options),
            aer({ version: 2 }),
            ari(),
            acs({ services: 0 }),
            ats({ invalidateQueueDepth: options.invalidateQueueDepth }),
            tph({ deviceSpecificMode: true, interruptVectorMode: true }),
          ],
        },
      }),
      acs({ services: pfs > 1 ? ACS_OF_FUNCTIONS : 0 }),
      ats({ invalidateQueueDepth: options.invalidateQueueDepth, globalInvalidate: true }),
      pri({ capacity: options.pageRequests ?? 512, responsePasidRequired: true }),
      pasid({ maxWidth: options.pasidWidth, executePermission: true, privilegedMode: true }),
      tph({
        interruptVectorMode: true,
        deviceSpecificMode: true,
        extended: true,
        table: 'capability',
        tableEntries: options.steeringTags ?? 8,
      }),
      ...(number === 0 ? [ltr()] : []),
      // Links of 8 GT/s and more are equalised.
      ...(number === 0 && (options.generation ?? 3) >= 3
        ? [secondaryPciExpress({ lanes: options.lanes ?? 16 })]
        : []),
    ],
  });
}

/** VFs of function 0 first, then those of function 1 and so on, from behind the PFs or from the next bus on. */
function behindPfs(pfs: number, totalVfs: number): VfRoutingRule {
  return (ari, _numVfs, number) => ({
    firstVfOffset: (ari ? pfs : 256) + number * (totalVfs - 1),
    vfStride: 1,
  });
}

/** BAR 0 for registers, BAR 4 for the MSI-X table with its pending bits. */
function bars(bytes: number, vectors: number): BarDefinition[] {
  const table = Math.max(ceilPowerOfTwo(pendingAt(vectors) + Math.ceil(vectors / 64) * 8), 4096);
  return [
    { index: 0, kind: 'memory64', bytes, prefetchable: true },
    { index: 4, kind: 'memory64', bytes: table, prefetchable: true },
  ];
}

function messages(vectors: number): Capability {
  return msix({ vectors, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: pendingAt(vectors) });
}

/** Pending bits are behind the table, whose entries have 16 bytes. */
function pendingAt(vectors: number): number {
  return vectors * 16;
}

function express(options: GenericConfigOptions): Capability {
  const { generation = 3, lanes = 16, maxPayloadBytes = 512 } = options;
  checkInteger('generation', generation, 1, 5);
  const payload = Math.clz32(128) - Math.clz32(maxPayloadBytes);
  if (maxPayloadBytes !== 128 << payload || payload < 0 || payload > 5) {
    throw new RangeError(`maxPayloadBytes must be a power of two from 128 to 4096, got ${maxPayloadBytes}`);
  }
  return pciExpress({
    // Role-based error reporting, extended tags, Function Level Reset; latencies of L0s and L1 do not matter.
    deviceCapabilities: 0x10008fe0 | payload,
    deviceControl: 0x2910,
    linkCapabilities: 0x00400000 | (lanes << 4) | generation,
    linkStatus: 0x1000 | (lanes << 4) | generation,
    // All time-outs, LTR.
    deviceCapabilities2: 0x0000081f,
    linkCapabilities2: ((1 << generation) - 1) << 1,
    linkControl2: generation,
    idOrdering: true,
  });
}
