import {
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
  type VfRoutingRule,
  vpd,
} from '../pcie/index.ts';

/** Vendor ID of Broadcom. */
export const BROADCOM = 0x14e4;
/** Device ID of the BCM57810. */
export const BCM57810 = 0x168e;
/** Device ID of its VFs. */
export const BCM57810_VF = 0x16af;

const TOTAL_VFS = 16;

/**
 * Measured for function 0: 8 and 1. That the VFs of function 1 follow those of function 0, and that ARI makes no
 * difference, are estimates; Linux's driver does not enable VFs in a slot without ARI, where none could be reached.
 */
const routing: VfRoutingRule = (_ari, _numVfs, functionNumber) => ({
  firstVfOffset: 8 + functionNumber * (TOTAL_VFS - 1),
  vfStride: 1,
});

/**
 * Configuration space of the Broadcom BCM57810 10 GbE controller: one PF a port, with up to 16 VFs each. Measured: all of the
 * SR-IOV capability but the sizes of the VF BARs, and the place of the ARI capability. Estimates from the family of chips:
 * the other capabilities and their places, BARs, sizes of VF BARs. Left out are Power Budgeting, Virtual Channel and
 * Resizable BAR. There is no data path for it here.
 *
 * @param ports 1 or 2. Default 2.
 */
export function broadcomBcm57810Config(ports = 2): FunctionProfile[] {
  return Array.from({ length: ports }, (_, number) => pf(number));
}

function pf(number: number): FunctionProfile {
  return Object.freeze<FunctionProfile>({
    title:
      'Ethernet controller: Broadcom Inc. and subsidiaries NetXtreme II BCM57810 10 Gigabit Ethernet (rev 10)',
    identity: {
      vendorId: BROADCOM,
      deviceId: BCM57810,
      revision: 0x10,
      classCode: 0x020000,
      subsystemVendorId: BROADCOM,
      subsystemId: 0x1006,
    },
    bars: [
      { index: 0, kind: 'memory64', bytes: 8 * 1024 * 1024, prefetchable: true },
      { index: 2, kind: 'memory64', bytes: 8 * 1024 * 1024, prefetchable: true },
      { index: 4, kind: 'memory64', bytes: 64 * 1024, prefetchable: true },
    ],
    romBytes: 512 * 1024,
    capabilities: [
      // Version 3, PME from D0, D3hot and D3cold; D3hot to D0 does not reset.
      powerManagement({ at: 0x48, capabilities: 0xc803, controlStatus: 0x2008 }),
      vpd({ at: 0x50 }),
      msi({ at: 0x58, vectors: 8, address64: true, maskable: false }),
      msix({ at: 0xa0, vectors: 32, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: 0x1000 }),
      express(),
      aer({ at: 0x100, severity: 0x62010 }),
      deviceSerialNumber({ at: 0x13c, serial: '00-10-18-ff-fe-a4-01-20' }),
      ari({ at: 0x1b8 }),
      sriov({
        at: 0x1c0,
        totalVfs: TOTAL_VFS,
        vfDeviceId: BCM57810_VF,
        supportedPageSizes: 0x5ff,
        vfBars: [
          { index: 0, kind: 'memory64', bytes: 32 * 1024, prefetchable: true },
          { index: 4, kind: 'memory64', bytes: 4 * 1024, prefetchable: true },
        ],
        routing,
        vf: {
          title:
            'Ethernet controller: Broadcom Inc. and subsidiaries NetXtreme II BCM57810 10 Gigabit Ethernet Virtual Function (rev 10)',
          capabilities: [
            msix({ at: 0xa0, vectors: 1, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: 0x800 }),
            express(),
            aer({ at: 0x100 }),
            ari({ at: 0x1b8 }),
          ],
        },
      }),
      ...(number === 0 ? [secondaryPciExpress({ at: 0x300, lanes: 8 })] : []),
    ],
  });
}

/** 8 GT/s, 8 lanes, L0s and L1, payloads of up to 512 bytes, extended tags, Function Level Reset. */
function express(): Capability {
  return pciExpress({
    at: 0xac,
    version: 2,
    deviceCapabilities: 0x10008da2,
    deviceControl: 0x2910,
    linkCapabilities: 0x00415c83,
    linkStatus: 0x1083,
    deviceCapabilities2: 0x0000001f,
    linkCapabilities2: 0x0000000e,
    linkControl2: 0x0003,
  });
}
