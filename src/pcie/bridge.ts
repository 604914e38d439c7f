import { bit, bits, type RegisterRow } from '../registers/index.ts';
import { aer } from './capabilities/aer.ts';
import { type Capability, type FunctionContext, placeCapabilities } from './capabilities/capability.ts';
import { CAP_PCI_EXPRESS, ECAP_ACS } from './capabilities/ids.ts';
import { msi } from './capabilities/msi.ts';
import {
  ARI_FORWARDING,
  PCIE_DEVICE_CONTROL_2,
  PORT_ROOT,
  PORT_UPSTREAM,
  pciExpress,
} from './capabilities/pci-express.ts';
import { powerManagement } from './capabilities/power-management.ts';
import type { ConfigTarget, ConfigType } from './config-access.ts';
import { buildLayout, type ConfigLayout } from './config-layout.ts';
import { type DecodeListener, type FunctionProfile, PcieFunction } from './function.ts';
import { byte, commandFields, commonRows, type FunctionIdentity } from './header.ts';
import { busOf, deviceOf, type RoutingId } from './routing-id.ts';

/** Offsets in a type 1 header (PCI-to-PCI Bridge 1.2 3.2). */
export const PRIMARY_BUS = 0x18;
export const SECONDARY_BUS = 0x19;
export const SUBORDINATE_BUS = 0x1a;
export const IO_BASE = 0x1c;
export const IO_LIMIT = 0x1d;
export const SECONDARY_STATUS = 0x1e;
export const MEMORY_BASE = 0x20;
export const MEMORY_LIMIT = 0x22;
export const PREFETCH_BASE = 0x24;
export const PREFETCH_LIMIT = 0x26;
export const PREFETCH_BASE_UPPER = 0x28;
export const PREFETCH_LIMIT_UPPER = 0x2c;
export const IO_BASE_UPPER = 0x30;
export const BRIDGE_CONTROL = 0x3e;
/** Bit of Bridge Control. */
export const SECONDARY_BUS_RESET = 1 << 6;

/** What a {@link BridgePort} is made of. */
export interface BridgePortOptions {
  /** Device/Port Type: 4 root port, 5 upstream, 6 downstream port of a switch. Default 4. */
  readonly portType?: number;
  readonly routingId: RoutingId;
  readonly title?: string;
  readonly identity?: Partial<FunctionIdentity>;
  /** ARI Forwarding Supported. Default true. */
  readonly ariForwarding?: boolean;
  /** Device Capabilities. Default: role-based error reporting, payloads of up to 256 bytes. */
  readonly deviceCapabilities?: number;
  /** Link Capabilities. Default: 8 GT/s, 16 lanes. */
  readonly linkCapabilities?: number;
  /** Link Capabilities 2: the speeds of the port. Default 0: Link Capabilities says it all. */
  readonly linkCapabilities2?: number;
  /** Link Status. Default 0, until the link trains. */
  readonly linkStatus?: number;
  /** The function is one of several of its device. Default false. */
  readonly multiFunction?: boolean;
  /** Further capabilities, as access control services. */
  readonly extraCapabilities?: readonly Capability[];
}

/**
 * A port with a type 1 header: a root port, or a port of a switch. It says which configuration requests,
 * memory and I/O addresses go on downstream; the fields are decoded when software writes them.
 *
 * @example
 * const port = new BridgePort({ routingId: 0x0008 });
 * port.downstream = new Endpoint({ functions: intel82599Config() });
 */
export class BridgePort implements ConfigTarget, DecodeListener {
  readonly function: PcieFunction;
  /** What is at the lower end of its link. */
  downstream: ConfigTarget | null = null;
  secondaryBus = 0;
  subordinateBus = 0;
  /** ARI Forwarding Enable. */
  ariForwarding = false;
  /** The windows: first and last address. A window whose limit is below its base is closed. */
  memoryBase = 0;
  memoryLimit = -1;
  prefetchBase = 0;
  prefetchLimit = -1;
  ioBase = 0;
  ioLimit = -1;
  private readonly portType: number;

  constructor(options: BridgePortOptions) {
    this.portType = options.portType ?? PORT_ROOT;
    const profile = bridgeProfile(options);
    const context: FunctionContext = {
      virtual: false,
      number: options.routingId & 7,
      nextFunction: 0,
      multiFunction: options.multiFunction ?? false,
      lowest: false,
    };
    const { routingId } = options;
    this.function = new PcieFunction({ profile, layout: bridgeLayout(profile, context), context, routingId });
    this.function.decodeListener = this;
    const express = this.function.findCapability(CAP_PCI_EXPRESS);
    this.function.config.onWrite(express + PCIE_DEVICE_CONTROL_2, () => this.decodeChanged());
    this.function.config.onWrite(BRIDGE_CONTROL, (after, before) => {
      if ((after & ~before & (SECONDARY_BUS_RESET << 16)) !== 0) this.downstream?.hotReset();
    });
    this.decodeChanged();
  }

  /**
   * Where a type 1 configuration request for `routingId` goes: 0, downstream as type 0; 1, downstream as type
   * 1; -1, it is not for this port, or is an Unsupported Request there. A port without ARI forwarding sends
   * nothing to other devices than device 0 (PCIe 3.0 7.3.1).
   */
  configRoute(routingId: RoutingId): ConfigType | -1 {
    const bus = busOf(routingId);
    if (bus === this.secondaryBus && bus !== 0) {
      const leadsToLink = this.portType !== PORT_UPSTREAM;
      return leadsToLink && !this.ariForwarding && deviceOf(routingId) !== 0 ? -1 : 0;
    }
    return this.covers(bus) ? 1 : -1;
  }

  /** Whether `bus` is behind this port. */
  covers(bus: number): boolean {
    return bus >= this.secondaryBus && bus <= this.subordinateBus && this.secondaryBus !== 0;
  }

  /** Whether a memory request for `address` goes downstream. */
  claimsMemory(address: number): boolean {
    if (!this.function.ownMemoryEnabled) return false;
    return (
      (address >= this.memoryBase && address <= this.memoryLimit) ||
      (address >= this.prefetchBase && address <= this.prefetchLimit)
    );
  }

  /** Whether an I/O request for `address` goes downstream. */
  claimsIo(address: number): boolean {
    return this.function.ioEnabled && address >= this.ioBase && address <= this.ioLimit;
  }

  configRead(routingId: RoutingId, offset: number, bytes: number, type: ConfigType): number {
    if (type === 0) return this.answers(routingId) ? this.function.config.read(offset, bytes) : -1;
    const route = this.configRoute(routingId);
    if (route < 0 || this.downstream === null) return -1;
    return this.downstream.configRead(routingId, offset, bytes, route as ConfigType);
  }

  configWrite(routingId: RoutingId, offset: number, bytes: number, value: number, type: ConfigType): boolean {
    if (type === 0) {
      if (!this.answers(routingId)) return false;
      this.function.routingId = routingId;
      this.function.config.write(offset, bytes, value);
      return true;
    }
    const route = this.configRoute(routingId);
    if (route < 0 || this.downstream === null) return false;
    return this.downstream.configWrite(routingId, offset, bytes, value, route as ConfigType);
  }

  hotReset(): void {
    this.function.conventionalReset('hot');
    this.downstream?.hotReset();
  }

  /** Takes over what bus numbers, windows and ARI Forwarding Enable say. */
  decodeChanged(): void {
    const { config } = this.function;
    this.secondaryBus = config.read8(SECONDARY_BUS);
    this.subordinateBus = config.read8(SUBORDINATE_BUS);
    const express = this.function.findCapability(CAP_PCI_EXPRESS);
    this.ariForwarding = (config.read16(express + PCIE_DEVICE_CONTROL_2) & ARI_FORWARDING) !== 0;
    const low = (offset: number) => (config.read16(offset) & 0xfff0) * 2 ** 16;
    const high = (offset: number) => config.read32(offset) * 2 ** 32;
    this.memoryBase = low(MEMORY_BASE);
    this.memoryLimit = low(MEMORY_LIMIT) + 0xfffff;
    this.prefetchBase = high(PREFETCH_BASE_UPPER) + low(PREFETCH_BASE);
    this.prefetchLimit = high(PREFETCH_LIMIT_UPPER) + low(PREFETCH_LIMIT) + 0xfffff;
    const upper = config.read32(IO_BASE_UPPER);
    this.ioBase = (upper & 0xffff) * 2 ** 16 + (config.read8(IO_BASE) & 0xf0) * 2 ** 8;
    this.ioLimit = (upper >>> 16) * 2 ** 16 + (config.read8(IO_LIMIT) & 0xf0) * 2 ** 8 + 0xfff;
  }

  private answers(routingId: RoutingId): boolean {
    return (routingId & 0xff) === (this.function.routingId & 0xff);
  }
}

function bridgeProfile(options: BridgePortOptions): FunctionProfile {
  const portType = options.portType ?? PORT_ROOT;
  const extra = options.extraCapabilities ?? [];
  const ari = portType !== PORT_UPSTREAM && (options.ariForwarding ?? true);
  return {
    title: options.title ?? 'PCI bridge: PCI Express port',
    identity: {
      vendorId: 0x8086,
      deviceId: 0x3420,
      revision: 2,
      classCode: 0x060400,
      subsystemVendorId: 0,
      subsystemId: 0,
      interruptPin: portType === PORT_ROOT ? 1 : 0,
      ...options.identity,
    },
    bars: [],
    capabilities: [
      powerManagement({ at: 0x40, capabilities: 0xc803, controlStatus: 0x0008 }),
      msi({ at: 0x50, address64: false }),
      pciExpress({
        at: 0x90,
        portType,
        slot: portType !== PORT_UPSTREAM,
        deviceCapabilities: options.deviceCapabilities ?? 0x8001,
        deviceControl: 0x2000,
        linkCapabilities: options.linkCapabilities ?? 0x00000103,
        linkStatus: options.linkStatus,
        linkCapabilities2: options.linkCapabilities2,
        deviceCapabilities2: ari ? ARI_FORWARDING : 0,
      }),
      aer({
        at: 0x100,
        ecrc: false,
        root: portType === PORT_ROOT,
        acs: extra.some(({ id }) => id === ECAP_ACS),
      }),
      ...extra,
    ],
  };
}

function bridgeLayout(profile: FunctionProfile, context: FunctionContext): ConfigLayout {
  const capabilities = placeCapabilities(profile.capabilities);
  const parts = {
    identity: profile.identity,
    bars: [],
    romBytes: 0,
    firstCapability: capabilities[0].offset,
  };
  const rows = [...commonRows(parts, context, commandFields(true), 1), ...type1Rows()];
  return buildLayout(`${profile.title}: configuration space`, rows, capabilities, context);
}

/** The registers of a type 1 header that no other header has; also used to explain a dump. */
export function type1Rows(): RegisterRow[] {
  const section = 'PCI-to-PCI Bridge 1.2 3.2.5';
  const row = (name: string, offset: number, bytes: 1 | 2 | 4, phrase: string): RegisterRow => ({
    name,
    offset,
    bytes,
    access: 'RW',
    phrase,
    section,
  });
  // The upper bits of an address; the low bits say how wide the register with the upper half makes it.
  const window = (name: string, offset: number, bytes: 1 | 2, type: number): RegisterRow => ({
    ...row(name, offset, bytes, `${name.toLowerCase()} of what goes downstream`),
    access: 'RO',
    fields: [
      bits('Type', 0, 4, 'RO', `1 for ${bytes * 32}-bit addresses`, { reset: type }),
      bits('Address', 4, 8 * bytes - 4, 'RW', bytes === 1 ? 'bits 15:12' : 'bits 31:20'),
    ],
  });
  const upper = (name: string, offset: number, bytes: 2 | 4) => row(name, offset, bytes, 'upper half');
  return [
    row('Primary Bus Number', PRIMARY_BUS, 1, 'bus above'),
    row('Secondary Bus Number', SECONDARY_BUS, 1, 'bus below'),
    row('Subordinate Bus Number', SUBORDINATE_BUS, 1, 'highest bus below'),
    byte('Secondary Latency Timer', 0x1b, 0, 'not used in PCI Express'),
    window('I/O Base', IO_BASE, 1, 1),
    window('I/O Limit', IO_LIMIT, 1, 1),
    {
      ...row('Secondary Status', SECONDARY_STATUS, 2, 'what has happened below'),
      access: 'RO',
      fields: [
        bit('Master Data Parity Error', 8, 'RW1C', 'poisoned'),
        bits('Aborts and errors', 11, 5, 'RW1C', 'target aborts, master abort, system error, parity error'),
      ],
    },
    window('Memory Base', MEMORY_BASE, 2, 0),
    window('Memory Limit', MEMORY_LIMIT, 2, 0),
    window('Prefetchable Memory Base', PREFETCH_BASE, 2, 1),
    window('Prefetchable Memory Limit', PREFETCH_LIMIT, 2, 1),
    upper('Prefetchable Base Upper 32 Bits', PREFETCH_BASE_UPPER, 4),
    upper('Prefetchable Limit Upper 32 Bits', PREFETCH_LIMIT_UPPER, 4),
    upper('I/O Base Upper 16 Bits', IO_BASE_UPPER, 2),
    upper('I/O Limit Upper 16 Bits', 0x32, 2),
    {
      ...row('Bridge Control', BRIDGE_CONTROL, 2, 'controls the bus below'),
      access: 'RO',
      section: 'PCIe 3.0 7.5.3.6',
      fields: [
        bit('Parity Error Response Enable', 0, 'RW', 'records poisoned TLPs'),
        bit('SERR# Enable', 1, 'RW', 'passes error messages on'),
        bit('ISA Enable', 2, 'RW', 'keeps ISA addresses back'),
        bit('VGA Enable', 3, 'RW', 'passes VGA addresses on'),
        bit('VGA 16-bit Decode', 4, 'RW', 'decodes them fully'),
        bit('Secondary Bus Reset', 6, 'RW', 'resets what is below'),
      ],
    },
  ];
}
