import { acs, type BarDefinition, type FunctionProfile, ltr, tph } from '../pcie/index.ts';
import { type CardFunction, cardFunctions, INTEL_PLACES } from './card-function.ts';
import { INTEL } from './intel-82599-config.ts';

/** Device ID of the Intel I350. */
export const INTEL_I350 = 0x1521;
/** Device ID of its VFs. */
export const INTEL_I350_VF = 0x1520;

/**
 * Configuration space of the Intel I350 Gigabit Ethernet Controller: one PF a port, with up to 8 VFs each. Measured, where
 * nothing else is said: listings of cards by `lspci`, PF and VF. There is no data path for it here.
 *
 * @param ports 1, 2 or 4. Default 4.
 * @throws RangeError for another number of ports.
 */
export function intelI350Config(ports = 4): FunctionProfile[] {
  return cardFunctions(ports, [1, 2, 4], pf);
}

const BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory32', bytes: 1024 * 1024 },
  { index: 3, kind: 'memory32', bytes: 16 * 1024 },
];

const VF_BARS: readonly BarDefinition[] = [
  { index: 0, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
  { index: 3, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
];

/** VFs are interleaved over the four ports; without ARI they are on the next bus. Measured: 384 and 4. */
const ROUTING = {
  ari: { firstVfOffset: 128, vfStride: 4 },
  other: { firstVfOffset: 384, vfStride: 4 },
};

/** Where PF and VF have these alike. */
const TPH = 0x1a0;
const ACS = 0x1d0;

function pf(number: number): CardFunction {
  return {
    title: 'Intel Corporation I350 Gigabit Network Connection (rev 01)',
    vendorId: INTEL,
    deviceId: INTEL_I350,
    revision: 1,
    // I350-T4, from the list of IDs.
    subsystemId: 0x0001,
    bars: BARS,
    places: INTEL_PLACES,
    // Version 3, device-specific initialisation, PME from D0, D3hot and D3cold; D3hot to D0 does not reset.
    powerManagement: { capabilities: 0xc823, controlStatus: 0x2008 },
    msi: { vectors: 1, maskable: true },
    msix: { vectors: 10, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 },
    // 5 GT/s, 4 lanes, L0s and L1, payloads of up to 512 bytes, Function Level Reset, LTR.
    express: {
      deviceCapabilities: 0x10008cc2,
      deviceControl: 0x2810,
      linkCapabilities: 0x0042ec42,
      linkStatus: 0x1042,
      deviceCapabilities2: 0x0000081f,
      linkControl2: 0x0002,
    },
    aer: { version: 2 },
    serial: '6c-b3-11-ff-ff-25-d9-c8',
    sriov: {
      totalVfs: 8,
      vfDeviceId: INTEL_I350_VF,
      supportedPageSizes: 0x553,
      ariPreserved: true,
      vfBars: VF_BARS,
      routing: ROUTING,
    },
    more: [
      // The size of the table is an estimate: one steering tag for each of eight queues.
      tph({ at: TPH, deviceSpecificMode: true, table: 'capability', tableEntries: 8 }),
      ...(number === 0 ? [ltr({ at: 0x1c0 })] : []),
      acs({ at: ACS, services: 0 }),
    ],
    vf: {
      title: 'Intel Corporation I350 Ethernet Controller Virtual Function (rev 01)',
      msix: { vectors: 3, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 },
      aer: { ecrc: false },
      more: [tph({ at: TPH, deviceSpecificMode: true }), acs({ at: ACS, services: 0 })],
    },
  };
}
