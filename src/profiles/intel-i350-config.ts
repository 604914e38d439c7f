import {
  acs,
  aer,
  ari,
  type Capability,
  deviceSerialNumber,
  type FunctionProfile,
  ltr,
  msi,
  msix,
  pciExpress,
  powerManagement,
  sriov,
  tph,
} from '../pcie/index.ts';
import { INTEL } from './intel-82599-config.ts';

/** Device ID of the Intel I350. */
export const INTEL_I350 = 0x1521;
/** Device ID of its VFs. */
export const INTEL_I350_VF = 0x1520;

/** VFs are interleaved over the four ports; without ARI they are on the next bus. Measured: 384 and 4. */
const ROUTING = {
  ari: { firstVfOffset: 128, vfStride: 4 },
  other: { firstVfOffset: 384, vfStride: 4 },
};

/**
 * Configuration space of the Intel I350 Gigabit Ethernet Controller: one PF a port, with up to 8 VFs each. Measured, where
 * nothing else is said: listings of cards by `lspci`, PF and VF. There is no data path for it here.
 *
 * @param ports 1, 2 or 4. Default 4.
 */
export function intelI350Config(ports = 4): FunctionProfile[] {
  return Array.from({ length: ports }, (_, number) => pf(number));
}

function pf(number: number): FunctionProfile {
  return Object.freeze<FunctionProfile>({
    title: 'Ethernet controller: Intel Corporation I350 Gigabit Network Connection (rev 01)',
    identity: {
      vendorId: INTEL,
      deviceId: INTEL_I350,
      revision: 1,
      classCode: 0x020000,
      subsystemVendorId: INTEL,
      // I350-T4, from the list of IDs.
      subsystemId: 0x0001,
    },
    bars: [
      { index: 0, kind: 'memory32', bytes: 1024 * 1024 },
      { index: 3, kind: 'memory32', bytes: 16 * 1024 },
    ],
    capabilities: [
      // Version 3, device-specific initialisation, PME from D0, D3hot and D3cold; D3hot to D0 does not reset.
      powerManagement({ at: 0x40, capabilities: 0xc823, controlStatus: 0x2008 }),
      msi({ at: 0x50, vectors: 1, address64: true, maskable: true }),
      msix({ at: 0x70, vectors: 10, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 }),
      express(),
      aer({ at: 0x100, version: 2, severity: 0x62010 }),
      deviceSerialNumber({ at: 0x140, serial: '6c-b3-11-ff-ff-25-d9-c8' }),
      ari({ at: 0x150 }),
      sriov({
        at: 0x160,
        totalVfs: 8,
        vfDeviceId: INTEL_I350_VF,
        supportedPageSizes: 0x553,
        ariPreserved: true,
        vfBars: [
          { index: 0, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
          { index: 3, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
        ],
        routing: ROUTING,
        vf: {
          title: 'Ethernet controller: Intel Corporation I350 Ethernet Controller Virtual Function (rev 01)',
          capabilities: [
            msix({ at: 0x70, vectors: 3, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 }),
            express(),
            aer({ at: 0x100, ecrc: false }),
            ari({ at: 0x150 }),
            tph({ at: 0x1a0, deviceSpecificMode: true }),
            acs({ at: 0x1d0, services: 0 }),
          ],
        },
      }),
      // The size of the table is an estimate: one steering tag for each of eight queues.
      tph({ at: 0x1a0, deviceSpecificMode: true, table: 'capability', tableEntries: 8 }),
      ...(number === 0 ? [ltr({ at: 0x1c0 })] : []),
      acs({ at: 0x1d0, services: 0 }),
    ],
  });
}

/** 5 GT/s, 4 lanes, L0s and L1, payloads of up to 512 bytes, Function Level Reset, LTR. */
function express(): Capability {
  return pciExpress({
    at: 0xa0,
    version: 2,
    deviceCapabilities: 0x10008cc2,
    deviceControl: 0x2810,
    linkCapabilities: 0x0042ec42,
    linkStatus: 0x1042,
    deviceCapabilities2: 0x0000081f,
    linkControl2: 0x0002,
  });
}
