import { checkKeys, checkOneOf } from '../base/index.ts';
import {
  aer,
  ari,
  type BarDefinition,
  type Capability,
  deviceSerialNumber,
  type FunctionIdentity,
  type FunctionProfile,
  msi,
  msix,
  pciExpress,
  powerManagement,
  sriov,
  vpd,
} from '../pcie/index.ts';

/** What differs between cards that carry the chip; its EEPROM decides. */
export interface Intel82599ConfigOptions {
  /** Ports, and so PFs: 1 or 2. Default 1. */
  readonly ports?: 1 | 2;
  /** Device ID of the PFs: 10fbh for SFI/SFP+, 10f7h for KX4 and so on. Default 10fbh. */
  readonly deviceId?: number;
  readonly subsystemVendorId?: number;
  /** Default: an X520-1 with one port, an X520-2 with two. */
  readonly subsystemId?: number;
  /** The EUI-64 of the card, most significant byte first. */
  readonly serial?: string;
  /** Size of BAR 0: 128 KiB of registers, or more with a flash memory behind them. Default 128 KiB. */
  readonly bar0Bytes?: number;
  /** VF BARs are prefetchable. Cards of both kinds are around. Default false. */
  readonly vfPrefetchable?: boolean;
  /**
   * Erratum 35: in VFs the version of the PCI Express capability, Device Capabilities, Link Capabilities and Device
   * Capabilities 2 read 0, as in all chips, where SR-IOV 1.1 3.5 has the values of the PF. Default false.
   */
  readonly errata?: boolean;
}

const OPTIONS: Readonly<Record<keyof Intel82599ConfigOptions, true>> = {
  ports: true,
  deviceId: true,
  subsystemVendorId: true,
  subsystemId: true,
  serial: true,
  bar0Bytes: true,
  vfPrefetchable: true,
  errata: true,
};

/** Vendor ID and Device IDs. */
export const INTEL = 0x8086;
export const INTEL_82599_SFP = 0x10fb;
export const INTEL_82599_VF = 0x10ed;

/** Offsets of the capabilities, the same in PF and VF. */
const AT = { pm: 0x40, msi: 0x50, msix: 0x70, express: 0xa0, vpd: 0xe0 };
const EXTENDED_AT = { aer: 0x100, dsn: 0x140, ari: 0x150, sriov: 0x160 };

/** Where First VF Offset leads with ARI and without: device 16 of the PF's own bus, or of the next one. */
const ROUTING = {
  ari: { firstVfOffset: 128, vfStride: 2 },
  other: { firstVfOffset: 384, vfStride: 2 },
};

/**
 * Configuration space of the Intel 82599 10 GbE Controller: one PF a port, with up to 64 VFs each. Section numbers of the
 * comments are of its data sheet. Register values are measured: the first 256 bytes of a card with two ports after reset, and
 * `lspci` listings of several cards for the extended capabilities and the VFs. What the EEPROM decides varies among them.
 *
 * @throws TypeError or RangeError for an option that there is not, or another number of ports.
 * @example
 * const endpoint = new Endpoint({ functions: intel82599Config({ ports: 2 }) });
 */
export function intel82599Config(options: Intel82599ConfigOptions = {}): FunctionProfile[] {
  const { ports = 1 } = checkKeys<Intel82599ConfigOptions>('options', options, OPTIONS);
  checkOneOf('ports', ports, [1, 2]);
  const identity: FunctionIdentity = {
    vendorId: INTEL,
    deviceId: options.deviceId ?? INTEL_82599_SFP,
    revision: 1,
    classCode: 0x020000,
    subsystemVendorId: options.subsystemVendorId ?? INTEL,
    subsystemId: options.subsystemId ?? (ports === 1 ? 0x0006 : 0x0003),
  };
  const pf = Object.freeze<FunctionProfile>({
    title: 'Ethernet controller: Intel Corporation 82599ES 10-Gigabit SFI/SFP+ Network Connection (rev 01)',
    identity,
    bars: pfBars(options),
    capabilities: pfCapabilities(options),
  });
  return Array.from({ length: ports }, () => pf);
}

/** BAR 0 registers, BAR 2 the I/O window to them, BAR 4 the MSI-X table (9.3.6). */
function pfBars(options: Intel82599ConfigOptions): BarDefinition[] {
  const bytes = options.bar0Bytes ?? 128 * 1024;
  return [
    { index: 0, kind: 'memory64', bytes, prefetchable: true },
    { index: 2, kind: 'io', bytes: 32 },
    { index: 4, kind: 'memory64', bytes: 16 * 1024, prefetchable: true },
  ];
}

function pfCapabilities(options: Intel82599ConfigOptions): Capability[] {
  return [
    // Version 3, device-specific initialisation, PME from D0 and D3hot; No_Soft_Reset is 0 (9.3.7.1.4).
    powerManagement({ at: AT.pm, capabilities: 0x4823, controlStatus: 0x2000 }),
    msi({ at: AT.msi, vectors: 1, address64: true, maskable: true }),
    msix({ at: AT.msix, vectors: 64, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: 0x2000 }),
    express(options),
    vpd({ at: AT.vpd }),
    errorReporting(),
    deviceSerialNumber({ at: EXTENDED_AT.dsn, serial: options.serial ?? '90-e2-ba-ff-ff-76-86-a8' }),
    ari({ at: EXTENDED_AT.ari }),
    sriov({
      at: EXTENDED_AT.sriov,
      totalVfs: 64,
      vfDeviceId: INTEL_82599_VF,
      supportedPageSizes: 0x553,
      vfBars: vfBars(options),
      routing: ROUTING,
      vf: {
        title: 'Ethernet controller: Intel Corporation 82599 Ethernet Controller Virtual Function (rev 01)',
        capabilities: vfCapabilities(options),
      },
    }),
  ];
}

/** VF BAR 0 registers, VF BAR 3 the MSI-X table. */
function vfBars(options: Intel82599ConfigOptions): BarDefinition[] {
  const prefetchable = options.vfPrefetchable ?? false;
  return [
    { index: 0, kind: 'memory64', bytes: 16 * 1024, prefetchable },
    { index: 3, kind: 'memory64', bytes: 16 * 1024, prefetchable },
  ];
}

function vfCapabilities(options: Intel82599ConfigOptions): Capability[] {
  return [
    msix({ at: AT.msix, vectors: 3, tableBar: 3, tableOffset: 0, pbaBar: 3, pbaOffset: 0x2000 }),
    express(options),
    errorReporting(),
    ari({ at: EXTENDED_AT.ari }),
  ];
}

/** 5 GT/s, 8 lanes, payloads of up to 512 bytes, Function Level Reset (9.3.10). */
function express(options: Intel82599ConfigOptions): Capability {
  return pciExpress({
    at: AT.express,
    version: 2,
    deviceCapabilities: 0x10008cc2,
    deviceControl: 0x2810,
    linkCapabilities: 0x00023482,
    // Trained to 5 GT/s and 8 lanes, with the clock of the slot.
    linkStatus: 0x1082,
    deviceCapabilities2: 0x0000001f,
    linkControl2: 0x0002,
    blankInVirtualFunctions: options.errata ?? false,
  });
}

/** Fatal are data link, flow control, overflow and malformed; ECRC can be generated and checked (9.4.1). */
function errorReporting(): Capability {
  return aer({ at: EXTENDED_AT.aer, severity: 0x00062010, correctableMask: 0x2000, ecrc: true });
}
