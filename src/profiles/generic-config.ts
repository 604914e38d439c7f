import { ceilPowerOfTwo } from '../base/index.ts';
import {
  ACS_OF_FUNCTIONS,
  acs,
  aer,
  ari,
  ats,
  type BarDefinition,
  type Capability,
  deviceSerialNumber,
  type FunctionProfile,
  ltr,
  msi,
  msix,
  pasid,
  pciExpress,
  physicalLayer64,
  powerManagement,
  pri,
  secondaryPciExpress,
  sriov,
  tph,
  type VfRoutingRule,
  vpd,
  vpdData,
} from '../pcie/index.ts';
import { checkGenericOptions, type GenericConfigOptions, linkOf } from './generic-options.ts';

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
 * @throws TypeError or RangeError for an option that there is not, or that is out of range.
 * @example
 * const endpoint = new Endpoint({ functions: genericConfig({ pfs: 2, totalVfs: 1024 }) });
 */
export function genericConfig(options: GenericConfigOptions = {}): FunctionProfile[] {
  const { pfs = 1 } = checkGenericOptions(options);
  return Array.from({ length: pfs }, (_, number) => pf(options, number, pfs));
}

function pf(options: GenericConfigOptions, number: number, pfs: number): FunctionProfile {
  const { totalVfs = Math.floor(65_535 / pfs), vectors = 64 } = options;
  const link = linkOf(options);
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
      ...(number === 0 && link.generation >= 3 ? [secondaryPciExpress({ lanes: link.lanes })] : []),
      ...(number === 0 && link.generation >= 6 ? [physicalLayer64({ lanes: link.lanes })] : []),
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
  const { generation, lanes } = linkOf(options);
  const payload = Math.clz32(128) - Math.clz32(options.maxPayloadBytes ?? 512);
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
    flitMode: generation >= 6,
    idOrdering: true,
  });
}
