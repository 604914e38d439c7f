import type { Capability, CapabilityHost, FunctionContext } from './capability.ts';
import { CAP_PCI_EXPRESS } from './ids.ts';
import { type PciExpressRegisters, pciExpressRows } from './pci-express-rows.ts';

/** Offsets within the capability. */
export const PCIE_CAPABILITIES = 0x02;
export const PCIE_DEVICE_CAPABILITIES = 0x04;
export const PCIE_DEVICE_CONTROL = 0x08;
export const PCIE_DEVICE_STATUS = 0x0a;
export const PCIE_LINK_CAPABILITIES = 0x0c;
export const PCIE_LINK_CONTROL = 0x10;
export const PCIE_LINK_STATUS = 0x12;
export const PCIE_DEVICE_CAPABILITIES_2 = 0x24;
export const PCIE_DEVICE_CONTROL_2 = 0x28;
export const PCIE_LINK_CONTROL_2 = 0x30;

/** Device/Port Type of an endpoint (PCIe 3.0 7.8.2). */
export const PORT_ENDPOINT = 0;
/** Device/Port Type of a root port. */
export const PORT_ROOT = 4;
/** Device/Port Type of the upstream port of a switch. */
export const PORT_UPSTREAM = 5;
/** Device/Port Type of a downstream port of a switch. */
export const PORT_DOWNSTREAM = 6;

/** Bits of Device Capabilities and Device Control. */
export const DEVICE_CAPABILITIES_FLR = 1 << 28;
export const DEVICE_CONTROL_RELAXED_ORDERING = 1 << 4;
export const DEVICE_CONTROL_EXTENDED_TAGS = 1 << 8;
export const DEVICE_CONTROL_NO_SNOOP = 1 << 11;
export const DEVICE_CONTROL_FLR = 1 << 15;
/** Bit of Device Status, as the upper half of the dword of Device Control has it. */
export const TRANSACTIONS_PENDING = 1 << (16 + 5);
/** Data Link Layer Link Active Reporting Capable, in Link Capabilities. */
export const LINK_ACTIVE_REPORTING = 1 << 20;
/** Data Link Layer Link Active, in Link Status of a port that leads downstream: only one that can report it has it set (7.8.8). */
export const LINK_STATUS_ACTIVE = 1 << 13;
/** Bits of Device Capabilities 2 and Device Control 2. */
export const ARI_FORWARDING = 1 << 5;

/** The PCI Express capability of a device. */
export interface PciExpressOptions extends PciExpressRegisters {
  readonly at?: number;
  /**
   * True for a device whose VFs read 0 in the version, in Device Capabilities, Link Capabilities and Device Capabilities 2,
   * where SR-IOV 1.1 3.5 has the values of the PF. Default false.
   */
  readonly blankInVirtualFunctions?: boolean;
}

/**
 * The PCI Express capability (PCIe 3.0 7.8). In a VF most control bits are reserved and those of the PF apply (SR-IOV 1.1
 * 3.5); Initiate Function Level Reset works in both.
 */
export function pciExpress(options: PciExpressOptions): Capability {
  return {
    id: CAP_PCI_EXPRESS,
    extended: false,
    name: 'PCIe',
    bytes: options.version === 1 ? 0x24 : 0x3c,
    at: options.at,
    rows: (context) => pciExpressRows(registersFor(options, context), context),
    decode,
    written(host, _base, offset, written) {
      if (offset === PCIE_DEVICE_CONTROL && (written & DEVICE_CONTROL_FLR) !== 0 && canReset(options, host)) {
        host.functionLevelReset();
      }
    },
  };
}

function canReset(options: PciExpressOptions, host: CapabilityHost): boolean {
  return host.isVirtual || (options.deviceCapabilities & DEVICE_CAPABILITIES_FLR) !== 0;
}

/** What a function of this context shows of the device's registers. */
function registersFor(options: PciExpressOptions, context: FunctionContext): PciExpressRegisters {
  if (!context.virtual) return options;
  if (options.blankInVirtualFunctions) {
    return {
      ...options,
      version: 0,
      deviceCapabilities: 0,
      linkCapabilities: 0,
      deviceCapabilities2: 0,
      linkStatus: 0,
    };
  }
  return {
    ...options,
    linkStatus: 0,
    deviceCapabilities: options.deviceCapabilities | DEVICE_CAPABILITIES_FLR,
  };
}

function decode(host: CapabilityHost, base: number): void {
  const control = host.config.read16(base + PCIE_DEVICE_CONTROL);
  host.ownMaxPayloadBytes = encodedBytes(control >> 5);
  host.ownMaxReadRequestBytes = encodedBytes(control >> 12);
  host.ownRelaxedOrdering = (control & DEVICE_CONTROL_RELAXED_ORDERING) !== 0;
  host.ownNoSnoop = (control & DEVICE_CONTROL_NO_SNOOP) !== 0;
  host.ownExtendedTags = (control & DEVICE_CONTROL_EXTENDED_TAGS) !== 0;
}

/** Sizes of 128 to 4,096 bytes as three bits; the two reserved values count as the smallest size. */
function encodedBytes(code: number): number {
  return (code & 7) > 5 ? 128 : 128 << (code & 7);
}
