import {
  type BarDefinition,
  type FunctionProfile,
  secondaryPciExpress,
  type VfRoutingRule,
  vpd,
} from '../pcie/index.ts';
import { type CapabilityPlaces, type CardFunction, cardFunctions } from './card-function.ts';

/** Vendor ID of Broadcom. */
export const BROADCOM = 0x14e4;
/** Device ID of the BCM57810. */
export const BCM57810 = 0x168e;
/** Device ID of its VFs. */
export const BCM57810_VF = 0x16af;

const TOTAL_VFS = 16;

/**
 * Configuration space of the Broadcom BCM57810 10 GbE controller: one PF a port, with up to 16 VFs each. Measured: all of the
 * SR-IOV capability but the sizes of the VF BARs, and the place of the ARI capability. Estimates from the family of chips:
 * the other capabilities and their places, BARs, sizes of VF BARs. Left out are Power Budgeting, Virtual Channel and
 * Resizable BAR. There is no data path for it here.
 *
 * @param ports 1 or 2. Default 2.
 * @throws RangeError for another number of ports.
 */
export function broadcomBcm57810Config(ports = 2): FunctionProfile[] {
  return cardFunctions(ports, [1, 2], pf);
}

const BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory64', bytes: 8 * 1024 * 1024, prefetchable: true },
  { index: 2, kind: 'memory64', bytes: 8 * 1024 * 1024, prefetchable: true },
  { index: 4, kind: 'memory64', bytes: 64 * 1024, prefetchable: true },
];

const VF_BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory64', bytes: 32 * 1024, prefetchable: true },
  { index: 4, kind: 'memory64', bytes: 4 * 1024, prefetchable: true },
];

const PLACES: CapabilityPlaces = {
  powerManagement: 0x48,
  msi: 0x58,
  msix: 0xa0,
  express: 0xac,
  aer: 0x100,
  serial: 0x13c,
  ari: 0x1b8,
  sriov: 0x1c0,
};

/**
 * Measured for function 0: 8 and 1. That the VFs of function 1 follow those of function 0, and that ARI makes no
 * difference, are estimates; Linux's driver does not enable VFs in a slot without ARI, where none could be reached.
 */
const routing: VfRoutingRule = (_ari, _numVfs, functionNumber) => ({
  firstVfOffset: 8 + functionNumber * (TOTAL_VFS - 1),
  vfStride: 1,
});

function pf(number: number): CardFunction {
  const chip = 'Broadcom Inc. and subsidiaries NetXtreme II BCM57810 10 Gigabit Ethernet';
  return {
    title: `${chip} (rev 10)`,
    vendorId: BROADCOM,
    deviceId: BCM57810,
    revision: 0x10,
    subsystemId: 0x1006,
    bars: BARS,
    romBytes: 512 * 1024,
    places: PLACES,
    // Version 3, PME from D0, D3hot and D3cold; D3hot to D0 does not reset.
    powerManagement: { capabilities: 0xc803, controlStatus: 0x2008 },
    msi: { vectors: 8, maskable: false },
    msix: { vectors: 32, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: 0x1000 },
    // 8 GT/s, 8 lanes, L0s and L1, payloads of up to 512 bytes, extended tags, Function Level Reset.
    express: {
      deviceCapabilities: 0x10008da2,
      deviceControl: 0x2910,
      linkCapabilities: 0x00415c83,
      linkStatus: 0x1083,
      deviceCapabilities2: 0x0000001f,
      linkCapabilities2: 0x0000000e,
      linkControl2: 0x0003,
    },
    serial: '00-10-18-ff-fe-a4-01-20',
    sriov: {
      totalVfs: TOTAL_VFS,
      vfDeviceId: BCM57810_VF,
      supportedPageSizes: 0x5ff,
      vfBars: VF_BARS,
      routing,
    },
    more: [vpd({ at: 0x50 }), ...(number === 0 ? [secondaryPciExpress({ at: 0x300, lanes: 8 })] : [])],
    vf: {
      title: `${chip} Virtual Function (rev 10)`,
      msix: { vectors: 1, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: 0x800 },
    },
  };
}
