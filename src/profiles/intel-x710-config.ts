import {
  acs,
  aer,
  ari,
  type Capability,
  deviceSerialNumber,
  type FunctionProfile,
  msi,
  msix,
  pciExpress,
  powerManagement,
  secondaryPciExpress,
  sriov,
  tph,
  type VfRoutingRule,
} from '../pcie/index.ts';
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
 */
export function intelX710Config(ports = 2): FunctionProfile[] {
  return Array.from({ length: ports }, (_, number) => pf(number, CARD_VFS / ports));
}

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

function pf(number: number, totalVfs: number): FunctionProfile {
  return Object.freeze<FunctionProfile>({
    title: 'Ethernet controller: Intel Corporation Ethernet Controller X710 for 10GbE SFP+ (rev 02)',
    identity: {
      vendorId: INTEL,
      deviceId: INTEL_X710,
      revision: 2,
      classCode: 0x020000,
      subsystemVendorId: INTEL,
      // Ethernet Converged Network Adapter X710-2, from the list of IDs.
      subsystemId: 0x0008,
    },
    bars: [
      { index: 0, kind: 'memory64', bytes: 8 * 1024 * 1024, prefetchable: true },
      { index: 3, kind: 'memory64', bytes: 32 * 1024, prefetchable: true },
    ],
    romBytes: 512 * 1024,
    capabilities: [
      // Version 3, device-specific initialisation, PME from D0 and D3hot; D3hot to D0 does not reset.
      powerManagement({ at: 0x40, capabilities: 0x4823, controlStatus: 0x2008 }),
      msi({ at: 0x50, vectors: 1, address64: true, maskable: true }),
      msix({ at: 0x70, vectors: 129, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x1000 }),
      express(),
      aer({ at: 0x100, version: 2, severity: 0x62010 }),
      deviceSerialNumber({ at: 0x140, serial: '00-90-0b-ff-ff-78-1e-0c' }),
      ari({ at: 0x150 }),
      sriov({
        at: 0x160,
        totalVfs,
        vfDeviceId: INTEL_X710_VF,
        supportedPageSizes: 0x553,
        // Sizes follow from the places of the VF BARs of cards with 64 and 128 VFs.
        vfBars: [
          { index: 0, kind: 'memory64', bytes: 64 * 1024, prefetchable: true },
          { index: 3, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
        ],
        routing: routing(totalVfs),
        vf: {
          title: 'Ethernet controller: Intel Corporation Ethernet Virtual Function 700 Series (rev 02)',
          // Which capabilities there are is measured; their places beside those of the PF, and five vectors, are estimates.
          capabilities: [
            msix({ at: 0x70, vectors: 5, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 }),
            express(),
            aer({ at: 0x100, version: 2 }),
            ari({ at: 0x150 }),
            tph({ at: 0x1a0, deviceSpecificMode: true }),
            acs({ at: 0x1d0, services: 0 }),
          ],
        },
      }),
      tph({ at: 0x1a0, deviceSpecificMode: true }),
      acs({ at: 0x1b0, services: 0 }),
      ...(number === 0 ? [secondaryPciExpress({ at: 0x1d0, lanes: 8 })] : []),
    ],
  });
}

/** 8 GT/s, 8 lanes, L1, payloads of up to 2,048 bytes, extended tags, Function Level Reset. */
function express(): Capability {
  return pciExpress({
    at: 0xa0,
    version: 2,
    deviceCapabilities: 0x10008ce4,
    // Relaxed ordering and extended tags; no-snoop is off.
    deviceControl: 0x2110,
    linkCapabilities: 0x00420883,
    linkStatus: 0x1083,
    deviceCapabilities2: 0x0000001f,
    linkCapabilities2: 0x0000000e,
    linkControl2: 0x0003,
  });
}
