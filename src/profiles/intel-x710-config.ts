import {
  acs,
  type BarDefinition,
  type FunctionProfile,
  secondaryPciExpress,
  tph,
  type VfRoutingRule,
} from '../pcie/index.ts';
import { type CardFunction, cardFunctions, INTEL_PLACES } from './card-function.ts';
import { INTEL } from './intel-82599-config.ts';

/** Device ID of the Intel X710 for SFP+. */
export const INTEL_X710 = 0x1572;
/** Device ID of its VFs. */
export const INTEL_X710_VF = 0x154c;

/** VFs of the whole card; its ports share them. Measured: 128 with one port, 64 each with two, 32 with four. */
const CARD_VFS = 128;

/**
 * Configuration space of the Intel X710 10 GbE controller (its kin for 40 GbE, XL710, differs in its Device ID alone): one PF
 * a port. Measured, where nothing else is said: listings of cards by `lspci`. There is no data path for it here.
 *
 * @param ports 1, 2 or 4; they share 128 VFs. Default 2.
 * @throws RangeError for another number of ports.
 */
export function intelX710Config(ports = 2): FunctionProfile[] {
  return cardFunctions(ports, [1, 2, 4], (number) => pf(number, CARD_VFS / ports));
}

const BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory64', bytes: 8 * 1024 * 1024, prefetchable: true },
  { index: 3, kind: 'memory64', bytes: 32 * 1024, prefetchable: true },
];

/** Sizes follow from the places of the VF BARs of cards with 64 and 128 VFs. */
const VF_BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory64', bytes: 64 * 1024, prefetchable: true },
  { index: 3, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
];

/**
 * The VFs of each port lie behind those of the port before. Measured: 16 for function 0 with ARI, 334 for function 2 of four
 * without, which is 256 more than what the same rule gives with ARI.
 */
function routing(totalVfs: number): VfRoutingRule {
  return (ari, _numVfs, functionNumber) => ({
    firstVfOffset: (ari ? 16 : 272) + functionNumber * (totalVfs - 1),
    vfStride: 1,
  });
}

function pf(number: number, totalVfs: number): CardFunction {
  return {
    title: 'Intel Corporation Ethernet Controller X710 for 10GbE SFP+ (rev 02)',
    vendorId: INTEL,
    deviceId: INTEL_X710,
    revision: 2,
    // Ethernet Converged Network Adapter X710-2, from the list of IDs.
    subsystemId: 0x0008,
    bars: BARS,
    romBytes: 512 * 1024,
    places: INTEL_PLACES,
    // Version 3, device-specific initialisation, PME from D0 and D3hot; D3hot to D0 does not reset.
    powerManagement: { capabilities: 0x4823, controlStatus: 0x2008 },
    msi: { vectors: 1, maskable: true },
    msix: { vectors: 129, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x1000 },
    // 8 GT/s, 8 lanes, L1, payloads of up to 2,048 bytes, extended tags, Function Level Reset.
    express: {
      deviceCapabilities: 0x10008ce4,
      // Relaxed ordering and extended tags; no-snoop is off.
      deviceControl: 0x2110,
      linkCapabilities: 0x00420883,
      linkStatus: 0x1083,
      deviceCapabilities2: 0x0000001f,
      linkCapabilities2: 0x0000000e,
      linkControl2: 0x0003,
    },
    aer: { version: 2 },
    serial: '00-90-0b-ff-ff-78-1e-0c',
    sriov: {
      totalVfs,
      vfDeviceId: INTEL_X710_VF,
      supportedPageSizes: 0x553,
      vfBars: VF_BARS,
      routing: routing(totalVfs),
    },
    more: [
      tph({ at: 0x1a0, deviceSpecificMode: true }),
      acs({ at: 0x1b0, services: 0 }),
      ...(number === 0 ? [secondaryPciExpress({ at: 0x1d0, lanes: 8 })] : []),
    ],
    // Which capabilities there are is measured; their places beside those of the PF, and five vectors, are estimates.
    vf: {
      title: 'Intel Corporation Ethernet Virtual Function 700 Series (rev 02)',
      msix: { vectors: 5, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 },
      aer: { version: 2 },
      more: [tph({ at: 0x1a0, deviceSpecificMode: true }), acs({ at: 0x1d0, services: 0 })],
    },
  };
}
