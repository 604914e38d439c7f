import type { BarDefinition, FunctionProfile } from '../pcie/index.ts';
import { type CardFunction, cardFunctions, INTEL_PLACES } from './card-function.ts';
import { INTEL } from './intel-82599-config.ts';

/** Device ID of the Intel 82576. */
export const INTEL_82576 = 0x10c9;
/** Device ID of its VFs. */
export const INTEL_82576_VF = 0x10ca;

/**
 * Configuration space of the Intel 82576 Gigabit Ethernet Controller: one PF a port, with up to 8 VFs each. Measured, where
 * nothing else is said: a dump of a card with one VF enabled. There is no data path for it here.
 *
 * @param ports 1 or 2. Default 2.
 * @throws RangeError for another number of ports.
 */
export function intel82576Config(ports = 2): FunctionProfile[] {
  return cardFunctions(ports, [1, 2], () => PF);
}

const BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory32', bytes: 128 * 1024 },
  // The flash memory.
  { index: 1, kind: 'memory32', bytes: 4 * 1024 * 1024 },
  { index: 2, kind: 'io', bytes: 32 },
  { index: 3, kind: 'memory32', bytes: 16 * 1024 },
];

/** Registers, and the MSI-X table. */
const VF_BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory64', bytes: 16 * 1024 },
  { index: 3, kind: 'memory64', bytes: 16 * 1024 },
];

/** VFs are interleaved over the two ports; without ARI they are on the next bus. Measured: 384 and 2. */
const ROUTING = {
  ari: { firstVfOffset: 128, vfStride: 2 },
  other: { firstVfOffset: 384, vfStride: 2 },
};

const PF: CardFunction = {
  title: 'Intel Corporation 82576 Gigabit Network Connection (rev 01)',
  vendorId: INTEL,
  deviceId: INTEL_82576,
  revision: 1,
  subsystemId: 0xa03c,
  bars: BARS,
  romBytes: 4 * 1024 * 1024,
  places: INTEL_PLACES,
  // Version 3, device-specific initialisation, PME from D0, D3hot and D3cold.
  powerManagement: { capabilities: 0xc823, controlStatus: 0x2000 },
  msi: { vectors: 1, maskable: true },
  msix: { vectors: 10, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 },
  // 2.5 GT/s, 4 lanes, L0s and L1, payloads of up to 512 bytes, Function Level Reset.
  express: {
    deviceCapabilities: 0x10008cc2,
    deviceControl: 0x2810,
    linkCapabilities: 0x00036c41,
    linkStatus: 0x1041,
    deviceCapabilities2: 0x0000001f,
  },
  aer: { ecrc: false },
  serial: '00-1b-21-ff-ff-2b-46-e0',
  sriov: {
    totalVfs: 8,
    vfDeviceId: INTEL_82576_VF,
    supportedPageSizes: 0x553,
    vfBars: VF_BARS,
    routing: ROUTING,
  },
  // Read in another model of the chip (QEMU's igbvf), as is their order.
  vf: {
    title: 'Intel Corporation 82576 Virtual Function (rev 01)',
    msix: { vectors: 3, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 },
    aer: { ecrc: false },
  },
};
