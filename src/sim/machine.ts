import { log2Exact, RandomStreams } from '../base/index.ts';
import { type DataPath, IxgbeDriver, IxgbevfDriver, type PortFlowControl } from '../drivers/index.ts';
import {
  AddressSpace,
  DeviceHandle,
  type GuestMemory,
  HostMemory,
  Hypervisor,
  InterruptController,
  MMIO_HIGH,
  MMIO_LOW,
  SoftwareError,
  Sysfs,
  WriteWatch,
} from '../host/index.ts';
import { Iommu, RootTable } from '../iommu/index.ts';
import { type Component, MILLISECOND, Probe, Scheduler } from '../kernel/index.ts';
import { Nic, type NicProfile } from '../nic/index.ts';
import {
  BridgePort,
  type ConfigAccess,
  connectRootErrors,
  type EnumeratedFunction,
  enumerate,
  findFunctions,
  formatRoutingId,
  PcieLink,
  RootBus,
  RootComplex,
  RootPort,
  receiveErrorMessage,
  setNumVfs,
  TlpPool,
} from '../pcie/index.ts';
import type { HostProfile } from '../profiles/index.ts';
import { parseMac } from '../wire/index.ts';
import { withSlots } from './frame-slots.ts';
import { applyMirrors, driverMirrors } from './mirrors.ts';
import { NO_TRANSLATION } from './no-translation.ts';
import type { PcieMachineParts } from './pcie-parts.ts';
import { definePfSysfs } from './pf-sysfs.ts';
import type { ResolvedMachine } from './scenario-machine.ts';
import { portFlowControl, withPort } from './scenario-port.ts';
import { ratesOf } from './scenario-profiles.ts';
import { softwareCounts } from './software-counts.ts';
import { defineVfSysfs } from './vf-sysfs.ts';
import { vportCounts } from './vport-counts.ts';
import { applyVPortPolicies } from './vport-policies.ts';

/** What a machine is made of. */
export interface MachineParts extends ResolvedMachine, PcieMachineParts {
  readonly seed: number;
  readonly hostProfile: HostProfile;
  readonly nicProfile: NicProfile;
  /** Group addresses that every guest's driver joins. */
  readonly groups: readonly number[];
}

/** Who is told when VFs come and go. */
export interface VfListener {
  /** A VF's driver is about to start: frames may come from now on. */
  vfStarting(vf: number, path: DataPath): void;
  /** A VF's driver has stopped, for good. */
  vfStopped(vf: number, path: DataPath): void;
  /** The driver of the PF's own interface has stopped its queues, to start them again. */
  pfStopped(path: DataPath): void;
  /** There is another number of VFs now, and the PF's own interface has been down in between. */
  vfsChanged(): void;
}

/** Where the root port is, and with it everything below. */
const ROOT_PORT = 0x0008;
/** Ports for I/O BARs. */
const IO_SPACE = { base: 0x1000, bytes: 0xf000 };
/** The host's drivers take their memory from here. */
const HOST_DRIVER_BYTES = 64 * 2 ** 20;
const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Device Control of the PCI Express capability: its offset, and where the sizes are (PCIe 3.0 7.8.4). */
const EXPRESS_CAPABILITY = 0x10;
const DEVICE_CONTROL = 8;
const MPS_SHIFT = 5;
const MRRS_SHIFT = 12;

/**
 * The whole: one card in one host, with its guests and all their drivers. This is the composition root, the
 * one place that knows the concrete classes; everything below it knows only its neighbours.
 */
export class Machine {
  readonly parts: MachineParts;
  readonly scheduler = new Scheduler();
  readonly probe = new Probe(this.scheduler);
  readonly random: RandomStreams;
  readonly memory: HostMemory;
  readonly iommu: Iommu | null;
  readonly hypervisor: Hypervisor;
  readonly interrupts: InterruptController;
  readonly tlps = new TlpPool();
  /** The link of the card. */
  readonly link: PcieLink;
  readonly rootPort: RootPort;
  /** The configuration space of the root port. */
  readonly bridge: BridgePort;
  readonly rootComplex: RootComplex;
  readonly nic: Nic;
  readonly sysfs = new Sysfs();
  readonly guests: readonly GuestMemory[];
  /** The driver of each VF that is assigned, by VF number. */
  readonly vfDrivers = new Map<number, IxgbevfDriver>();
  vfListener: VfListener | null = null;

  private readonly config: ConfigAccess;
  /** @internal */
  readonly watch = new WriteWatch();
  private readonly driverMemory: number;
  private pfFunction: EnumeratedFunction | null = null;
  ixgbe: IxgbeDriver | null = null;
  private vfRoutingIds: readonly number[] = [];
  /** The PF has been reset since it was enumerated: its BARs, Command and ARI Capable Hierarchy are lost. */
  private wasReset = false;

  constructor(parts: MachineParts) {
    this.parts = parts;
    const { hostProfile, nicProfile, between } = parts;
    const { scheduler, probe, tlps } = this;
    this.random = new RandomStreams(parts.seed);
    this.memory = new HostMemory({ memoryBytes: parts.host.memoryGiB * GIB });
    this.driverMemory = this.memory.allocateRange(HOST_DRIVER_BYTES);
    const { memory } = this.memory;

    const roots = parts.host.iommu
      ? new RootTable({ memory, allocatePage: () => this.memory.allocatePage() })
      : null;
    this.iommu =
      roots === null
        ? null
        : new Iommu({
            memory,
            scheduler,
            probe,
            profile: hostProfile.iommu,
            rootTable: roots.address,
            random: this.random.stream('iommu'),
          });
    this.hypervisor = new Hypervisor(this.memory, roots, this.iommu);
    this.interrupts = new InterruptController('interrupts', scheduler);

    const maxPayloadBytes = Math.min(hostProfile.maxPayloadBytes, nicProfile.maxPayloadBytes);
    const maxReadRequestBytes = Math.min(hostProfile.maxReadRequestBytes, nicProfile.maxReadRequestBytes);
    const link = {
      ...nicProfile.pcie,
      rootCredits: hostProfile.rootCredits,
      flightPs: hostProfile.linkFlightPs,
      maxPayloadBytes,
    };
    this.link = between?.makeLinks(this, link) ?? new PcieLink('pcie', scheduler, probe, tlps, link);
    const rootBus = new RootBus();
    const bridge = new BridgePort({ ...parts.rootPort, routingId: ROOT_PORT });
    rootBus.attach(bridge);
    this.bridge = bridge;
    this.rootComplex = new RootComplex(
      'rootComplex',
      scheduler,
      tlps,
      rootBus,
      { portOfAddress: (address) => (bridge.claimsMemory(address) ? this.rootPort : null) },
      hostProfile.outboundPs,
    );
    this.rootPort = new RootPort(
      'rootPort',
      scheduler,
      between?.rootLink ?? this.link,
      tlps,
      memory,
      this.iommu ?? NO_TRANSLATION,
      this.interrupts,
      {
        memoryReadPs: hostProfile.memoryReadPs,
        maxPayloadBytes,
        readCompletionBoundary: hostProfile.readCompletionBoundary,
        isMemory: this.memory.isMemory,
        written: this.watch.written,
        errorMessage: (source, code) => receiveErrorMessage(bridge.function, source, code, this.interrupts),
      },
      this.rootComplex.onCompletion,
    );
    this.nic = new Nic({
      name: 'nic',
      scheduler,
      probe,
      tlps,
      link: this.link,
      profile: withPort(withSlots(nicProfile, parts.nic), parts.nic.port),
      random: this.random.stream('ecn'),
      linkGbps: parts.nic.linkGbps,
      maxPayloadBytes,
      maxReadRequestBytes,
      readCompletionBoundary: hostProfile.readCompletionBoundary,
    });
    nicProfile.readiness?.(this.nic.endpoint, scheduler);
    this.nic.pf.events.on('reset', (fn) => {
      this.wasReset ||= !fn.isVirtual;
    });
    this.rootPort.connect(this.nic.requester);
    const { endpoint, requester } = this.nic;
    for (const fn of endpoint.functions)
      fn.sendError = (source, code) => requester.errorMessage(source, code);
    connectRootErrors(bridge.function, this.interrupts);
    bridge.downstream = this.rootComplex.configTarget(this.rootPort, between ?? this.nic);
    between?.connect(this);
    const { rootComplex } = this;
    this.config = {
      read: (routingId, offset, bytes) => rootComplex.configRead(routingId, offset, bytes),
      write: (routingId, offset, bytes, value) => rootComplex.configWrite(routingId, offset, bytes, value),
    };
    this.guests = parts.guests.map((guest) =>
      this.hypervisor.createGuest({
        name: guest.name,
        bytes: guest.memoryMiB * MIB,
        pageBytes: guest.pageSize === '2M' ? 2 ** 21 : 4096,
      }),
    );
  }

  /** Flow control that the drivers set up, or null. */
  private get flowControl(): PortFlowControl | null {
    const { nic, nicProfile } = this.parts;
    return portFlowControl(
      nic,
      nicProfile.receiveBufferBytes,
      nicProfile.macPs,
      nicProfile.transmitBufferBytes,
    );
  }

  /** The PF's driver: {@link Machine.ixgbe} once the boot has found the card. */
  get pfDriver(): IxgbeDriver {
    if (this.ixgbe === null) throw new Error('the machine has not been booted');
    return this.ixgbe;
  }

  /** Everything that counts, by name. */
  get components(): readonly Component[] {
    const { iommu, nic } = this;
    const hardware = [
      this.link,
      ...(this.parts.between?.components ?? []),
      this.rootPort,
      this.rootComplex,
      iommu,
      this.interrupts,
      ...nic.components,
    ];
    const parts = hardware.filter((part) => part !== null);
    return [...parts, vportCounts(nic.data), ...softwareCounts(this)];
  }

  /**
   * Enumerates the bus and starts the PF's driver. VFs come with `sriov_numvfs`, as on Linux.
   *
   * @throws SoftwareError if the card cannot be given its buses and addresses.
   */
  boot(): void {
    const pf = this.enumerateCard();
    this.hypervisor.keep(pf.routingId);
    this.ixgbe = new IxgbeDriver(this.hostHandle(pf), {
      ...this.driverOptions(this.parts.hostInterface),
      mac: parseMac(this.parts.hostInterface.mac),
      vlan: this.parts.hostInterface.vlan,
      groups: this.parts.groups,
      loopback: this.parts.nic.loopback === 'veb',
      rates: ratesOf(this.parts.nicProfile),
      flowControl: this.flowControl,
      ...driverMirrors(this.parts.nic.mirrors, this.parts.nicProfile),
    });
    this.ixgbe.probe();
    definePfSysfs(this.sysfs, this.pfPath, pf, {
      totalVfs: this.parts.nicProfile.pools - 1,
      numVfs: () => this.vfRoutingIds.length,
      setNumVfs: (count) => this.setNumVfs(count),
      read16: (offset) => this.config.read(pf.routingId, offset, 2),
    });
  }

  /** Gives the bus its numbers, and the card its addresses and sizes; the same ones each time. */
  private enumerateCard(): EnumeratedFunction {
    this.wasReset = false;
    const tree = enumerate(this.config, {
      memory32: MMIO_LOW,
      memory64: MMIO_HIGH,
      io: IO_SPACE,
      ari: this.parts.nic.ari,
      wait: (ms) => this.wait(ms),
    });
    if (tree.problems.length > 0) throw new SoftwareError(`enumeration: ${tree.problems[0]}`);
    const { identity } = this.parts.nicProfile.functions[0];
    const [pf] = findFunctions(tree, identity.vendorId, identity.deviceId);
    if (pf === undefined) throw new SoftwareError('enumeration found no card');
    this.pfFunction = pf;
    this.setPayloadSizes(pf);
    this.parts.between?.setUp(this.config, tree);
    return pf;
  }

  /** Name of the PF in sysfs: `0000:01:00.0`. */
  get pfPath(): string {
    return `0000:${formatRoutingId(this.nic.pf.routingId)}`;
  }

  /**
   * What writing `sriov_numvfs` does: brings that many VFs, sets them up through the PF, assigns them to the
   * guests that they belong to, and starts their drivers. A card that was reset is enumerated again before that, as by a
   * rescan of the bus.
   *
   * @throws SriovError as Linux would refuse; SoftwareError if the card has gone.
   */
  setNumVfs(count: number): void {
    const options = { wait: (ms: number) => this.wait(ms), maximum: this.parts.nicProfile.pools - 1 };
    const before = this.vfRoutingIds.length;
    if (count === before) return;
    // The operating system knows of VFs that have gone with a reset: they are to be taken away first.
    if (this.wasReset) {
      if (count > 0 && before > 0) throw new Error(`EBUSY: ${before} VFs`);
      this.enumerateCard();
    }
    const pf = this.pfFunction as EnumeratedFunction;
    this.scheduler.depth++;
    // What is refused is refused before anything stops.
    if (count <= options.maximum && (count === 0 || before === 0)) this.stopInterfaces();
    try {
      this.vfRoutingIds = setNumVfs(this.config, pf, count, options);
    } finally {
      this.startInterfaces(pf);
      this.scheduler.depth--;
    }
  }

  /** Takes down the VFs' drivers and the PF's own interface: their queues are about to change. */
  private stopInterfaces(): void {
    this.pfDriver.quiesce();
    for (const [vf, driver] of this.vfDrivers) {
      driver.stop();
      this.vfListener?.vfStopped(vf, driver.path);
    }
    this.vfDrivers.clear();
    for (const { space } of this.guests) space.release();
    for (const routingId of this.vfRoutingIds) this.hypervisor.revoke(routingId);
    this.pfDriver.stop();
    this.vfListener?.pfStopped(this.pfDriver.path);
  }

  /** Brings up the PF's own interface and the drivers of the VFs that there are, unless they are up. */
  private startInterfaces(pf: EnumeratedFunction): void {
    if (!this.pfDriver.isStopped) return;
    const { vfs } = this.parts;
    const routingIds = this.vfRoutingIds;
    this.pfDriver.configureVfs(
      routingIds.map((_, vf) => ({
        mac: vfs[vf] === undefined ? 0 : parseMac(vfs[vf].mac),
        vlan: vfs[vf]?.vlan ?? null,
        vlanPriority: vfs[vf]?.vlanPriority ?? 0,
        trustedVlans: vfs[vf]?.trustedVlans ?? [],
        spoofCheck: vfs[vf]?.spoofCheck ?? true,
        maxTxMbps: vfs[vf]?.maxTxMbps ?? 0,
        minTxMbps: vfs[vf]?.minTxMbps ?? 0,
        trafficClass: vfs[vf]?.trafficClass ?? 0,
        trusted: vfs[vf]?.trust ?? false,
        selfDelivery: vfs[vf]?.selfDelivery ?? false,
      })),
    );
    const { nic, nicProfile } = this.parts;
    applyVPortPolicies(this.nic.data.switch, vfs, routingIds.length);
    applyMirrors(this.nic.data.switch, nic.mirrors, nicProfile, routingIds.length);
    defineVfSysfs(this.sysfs, this.pfPath, routingIds.length, this.pfDriver);
    routingIds.forEach((routingId, vf) => {
      this.startVf(pf, routingId, vf);
    });
    this.vfListener?.vfsChanged();
  }

  private startVf(pf: EnumeratedFunction, routingId: number, vf: number): void {
    const owner = this.parts.vfs[vf]?.guest ?? null;
    if (owner === null) {
      this.hypervisor.revoke(routingId);
      return;
    }
    const guest = this.parts.guests[owner];
    this.hypervisor.assign(this.guests[owner], routingId);
    const bars = (pf.sriov as NonNullable<typeof pf.sriov>).vfBars;
    const handle = new DeviceHandle({
      name: `vf${vf}`,
      routingId,
      barBases: Object.fromEntries(bars.map((bar) => [bar.index, bar.address + vf * bar.bytes])),
      scheduler: this.scheduler,
      rootComplex: this.rootComplex,
      interrupts: this.interrupts,
      memory: this.guests[owner].space,
      watch: this.watch,
      interruptLatencyPs: this.parts.hostProfile.guestInterruptPs,
    });
    const driver = new IxgbevfDriver(handle, {
      ...this.driverOptions(guest),
      vlans: this.parts.vfs[vf].trustedVlans,
      drops: this.flowControl?.sendsPause !== true,
      groups: this.parts.groups,
    });
    this.vfDrivers.set(vf, driver);
    this.vfListener?.vfStarting(vf, driver.path);
    driver.start();
  }

  private hostHandle(pf: EnumeratedFunction): DeviceHandle {
    const end = this.driverMemory + HOST_DRIVER_BYTES;
    const memoryBars = pf.bars.filter((bar) => bar.kind !== 'io');
    return new DeviceHandle({
      name: 'pf',
      routingId: pf.routingId,
      barBases: Object.fromEntries(memoryBars.map((bar) => [bar.index, bar.address])),
      scheduler: this.scheduler,
      rootComplex: this.rootComplex,
      interrupts: this.interrupts,
      memory: new AddressSpace(this.memory.memory, this.driverMemory, end, (address) => address),
      watch: this.watch,
      interruptLatencyPs: this.parts.hostProfile.hostInterruptPs,
    });
  }

  private driverOptions(driver: { readonly ringSize: number; readonly driver: 'interrupt' | 'poll' }) {
    const costs = this.parts.hostProfile.software[driver.driver];
    return { ringSize: driver.ringSize, mode: driver.driver, costs };
  }

  /** Max_Payload_Size and Max_Read_Request_Size of the PF, which its VFs share. */
  private setPayloadSizes(pf: EnumeratedFunction): void {
    const capability = pf.capabilities.find(({ id, extended }) => id === EXPRESS_CAPABILITY && !extended);
    if (capability === undefined) return;
    const { hostProfile, nicProfile } = this.parts;
    const code = (bytes: number) => log2Exact(bytes) - 7;
    const payload = code(Math.min(hostProfile.maxPayloadBytes, nicProfile.maxPayloadBytes));
    const request = code(Math.min(hostProfile.maxReadRequestBytes, nicProfile.maxReadRequestBytes));
    const at = capability.offset + DEVICE_CONTROL;
    const kept = this.config.read(pf.routingId, at, 2) & ~((7 << MPS_SHIFT) | (7 << MRRS_SHIFT));
    this.config.write(pf.routingId, at, 2, kept | (payload << MPS_SHIFT) | (request << MRRS_SHIFT));
  }

  private wait(milliseconds: number): void {
    this.scheduler.runUntil(this.scheduler.now + milliseconds * MILLISECOND);
  }
}
