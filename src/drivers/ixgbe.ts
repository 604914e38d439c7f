import { type BarWindow, type DeviceHandle, SoftwareError } from '../host/index.ts';
import type { RateProfile, Refusal } from '../nicswitch/index.ts';
import { AddressFilters, addressOfVf } from './address-filters.ts';
import { DataPath, type SoftwareCosts } from './data-path.ts';
import { type PortFlowControl, writeFlowControl } from './flow-setup.ts';
import { AUPE, BAM, LINK_UP, LINKS, PFVML2FLT, QUEUES_PER_POOL, ROMPE, RTTDCS } from './ixgbe-registers.ts';
import { multicastHash } from './mailbox-protocol.ts';
import { type PoolMirror, writeMirrorRules } from './mirror-setup.ts';
import { PfMailboxService } from './pf-mailbox-service.ts';
import { poolsBelow, queueRegisters, setPool } from './pool-registers.ts';
import { QueuePair } from './queue-pair.ts';
import { VfFilters } from './vf-filters.ts';
import { VfRates, type VfTxRate } from './vf-rates.ts';
import type { VfSettings } from './vf-settings.ts';
import { VlanFilters } from './vlan-filters.ts';

/** How the PF's driver works. */
export interface PfDriverOptions {
  readonly ringSize: number;
  readonly mode: 'interrupt' | 'poll';
  readonly costs: SoftwareCosts;
  /** Address of the PF's own interface. */
  readonly mac: number;
  /** Port VLAN of the PF's own interface, or null. */
  readonly vlan: number | null;
  /** Group addresses to receive. */
  readonly groups: readonly number[];
  /** Whether frames are switched between VPorts (VEB) or all go to the wire (VEPA). */
  readonly loopback: boolean;
  /** What the card can do about transmit rates. */
  readonly rates: RateProfile;
  /** Flow control of the port; without it there is none. */
  readonly flowControl?: PortFlowControl | null;
  /** Mirroring rules, while there are VFs. Default: none. */
  readonly mirrors?: readonly PoolMirror[];
  /** VLANs that pass from the wire while there are VFs, although no pool is a member. Default: none. */
  readonly admittedVlans?: readonly number[];
}

// PF registers (82599 datasheet 8.2.3).
const CTRL = 0x0000;
const CTRL_RST = 1 << 26;
const CTRL_EXT = 0x0018;
const CTRL_EXT_PFRSTD = 1 << 14;
const EICR = 0x0800;
const EIAC = 0x0810;
const EITR = 0x0820;
const EIMS = 0x0880;
const EIMC = 0x0888;
const EIAM = 0x0890;
const GPIE = 0x0898;
/** MSI-X, with auto-mask, pending bits, and a read of EICR that leaves the queues' causes alone (OCD). */
const GPIE_MSIX = ((1 << 4) | (1 << 5) | (1 << 30) | (1 << 31)) >>> 0;
const GPIE_64_POOLS = 3 << 14;
const IVAR = 0x0900;
const IVAR_MISC = 0x0a00;
const PFQDE = 0x2f04;
const PFQDE_WRITE = (1 << 16) | 1;
const RXCTRL = 0x3000;
const RTTDCS_ARBDIS = 1 << 6;
const DMATXCTL = 0x4a80;
const FCTRL = 0x5080;
const FCTRL_BAM = 1 << 10;
const VLNCTRL = 0x5088;
const VLNCTRL_VFE = (1 << 30) | 0x8100;
const PFVTCTL = 0x51b0;
const PFVTCTL_ENABLE = (1 << 0) | (1 << 30);
const PFVMTXSW = 0x5180;
const PFVFRE = 0x51e0;
const PFVMVIR = 0x8000;
/** Of a TCI. */
const PRIORITY_SHIFT = 13;
const PFVMVIR_ALWAYS = 1 << 30;
const PFVFTE = 0x8110;
const MTQC = 0x8120;
const MTQC_64_POOLS = (1 << 1) | (1 << 2);
const PFVFSPOOF = 0x8200;
const PFDTXGSWC = 0x8220;
const MRQC = 0xec80;
const MRQC_64_POOLS = 0x8;

const QUEUE_VECTOR = 0;
const OTHER_VECTOR = 1;
const EICR_MAILBOX = 1 << 19;
const IVAR_VALID = 0x80;
/** EITR: five units of 2.048 us between two interrupts. */
const THROTTLE = 5 << 3;
/** What is on its way to the queues has landed after this. */
const QUIET_PS = 1_000_000_000;
/** Software waits 10 ms after a global reset (4.6.3.2). */
const RESET_PS = 10_000_000_000;

/** Looks at the link, 10 ms apart, before the driver gives up. */
const LINK_POLLS = 100;

/** VFs that the driver enables at most: one of the 64 pools stays with the PF. */
export const IXGBE_MAX_VFS = 63;

/**
 * Driver of the 82599's PF, in the order of the datasheet's 4.6.3 (initialisation) and 4.6.10
 * (virtualization): its own network interface, the pools of the VFs, and the mailbox service for their
 * drivers.
 */
export class IxgbeDriver {
  /** The data path of the PF's own interface. Its queues change with the number of VFs, because its pool does. */
  readonly path: DataPath;
  private readonly handle: DeviceHandle;
  /** @internal */
  readonly bar: BarWindow;
  private readonly options: PfDriverOptions;
  readonly mailbox: PfMailboxService;
  private readonly rates: VfRates;
  private readonly addresses: AddressFilters;
  private readonly vlans: VlanFilters;
  private readonly vfFilters: VfFilters;
  private vfs: VfSettings[] = [];
  private connected = false;
  private stopped = false;

  constructor(handle: DeviceHandle, options: PfDriverOptions) {
    this.handle = handle;
    this.options = options;
    this.bar = handle.bar(0);
    this.path = this.makePath();
    this.rates = new VfRates(
      this.bar,
      options.rates,
      QUEUES_PER_POOL,
      options.flowControl?.transmitBufferBytes,
    );
    this.vlans = new VlanFilters(this.bar);
    this.addresses = new AddressFilters(this.bar);
    this.vfFilters = new VfFilters(this.bar, this.addresses);
    this.mailbox = new PfMailboxService(this.bar, {
      settings: (vf) => this.vfs[vf],
      setVlan: (vf, vlan, add) => this.vlans.setMember(vf, vlan, add),
      setMulticast: (vf, hashes) => this.setMulticast(vf, hashes),
      setMac: (vf, mac) => this.vfFilters.changeAddress(vf, mac),
      addMac: (vf, mac) => this.vfFilters.addAddress(vf, mac, this.vfs.length),
      clearMacs: (vf) => this.vfFilters.clearAddresses(vf),
      setReceiveMode: (vf, mode) => this.vfFilters.setReceiveMode(vf, mode),
      resetVf: (vf) => this.resetVf(vf),
    });
  }

  /** Resets the device and brings up the PF's own interface. */
  probe(): void {
    this.initialise(0);
  }

  /** Receives nothing any more: neither from the wire nor for any pool. VF drivers may stop then. */
  quiesce(): void {
    const bar = this.bar;
    bar.write32(RXCTRL, 0);
    for (let word = 0; word < 2; word++) bar.write32(PFVFRE + 4 * word, 0);
    this.handle.wait(QUIET_PS);
  }

  /**
   * Takes the PF's own interface down, after {@link IxgbeDriver.quiesce}. {@link IxgbeDriver.configureVfs}
   * brings it up again.
   */
  stop(): void {
    this.bar.write32(EIMC, 1 << QUEUE_VECTOR);
    this.path.stop();
    this.stopped = true;
  }

  /** Whether the PF's own interface has been taken down. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /**
   * Sets the device up for `vfs`, which exist already: pools, filters, mailboxes. The PF's own interface
   * moves to the pool behind the VFs'. Their drivers may start afterwards.
   */
  configureVfs(vfs: readonly VfSettings[]): void {
    this.vfs = [...vfs];
    this.mailbox.further?.begin();
    this.initialise(vfs.length);
    this.stopped = false;
  }

  /** Transmit rates of a VF, as they are in force. */
  vfTxRate(vf: number): VfTxRate {
    return this.rates.of(vf);
  }

  /**
   * Changes the transmit rates of a VF, as `ip link set DEV vf N max_tx_rate M min_tx_rate M` does; 0 is none.
   * Returns why the card cannot do that, or null; then nothing has changed.
   */
  setVfTxRate(vf: number, rate: Partial<VfTxRate>): string | null {
    return this.rates.set(vf, { ...this.rates.of(vf), ...rate });
  }

  /** What the VF's driver asked for and was refused, by reason. */
  refusals(vf: number): Record<Refusal, number> {
    return this.mailbox.refusals(vf);
  }

  /** The administrator's settings of a VF. @throws RangeError `EINVAL` if there is no such VF. */
  vfSettings(vf: number): VfSettings {
    const settings = this.vfs[vf];
    if (settings === undefined) throw new RangeError(`EINVAL: there is no VF ${vf}`);
    return settings;
  }

  /**
   * As `ip link set DEV vf N trust on|off`. Losing trust, a VF loses what it took by it.
   *
   * @throws RangeError `EINVAL` if there is no such VF.
   */
  setVfTrust(vf: number, trusted: boolean): void {
    this.vfs[vf] = { ...this.vfSettings(vf), trusted };
    if (!trusted) this.vfFilters.reset(vf, this.vfs[vf].mac);
  }

  /**
   * As `ip link set DEV vf N spoofchk on|off`: of source addresses and of VLANs.
   *
   * @throws RangeError `EINVAL` if there is no such VF.
   */
  setVfSpoofCheck(vf: number, spoofCheck: boolean): void {
    this.vfs[vf] = { ...this.vfSettings(vf), spoofCheck };
    this.checkSpoofing(vf, spoofCheck);
  }

  /**
   * As `ip link set DEV vf N vlan ID`, null for none.
   *
   * @throws RangeError `EINVAL` if there is no such VF or VLAN, `ENOSPC` if the filters are used up.
   */
  setVfVlan(vf: number, vlan: number | null): void {
    const before = this.vfSettings(vf);
    if (vlan !== null && !(Number.isInteger(vlan) && vlan > 0 && vlan < 4095)) {
      throw new RangeError(`EINVAL: a VLAN is a number from 1 to 4094, got ${vlan}`);
    }
    // Without a port VLAN it is in VLAN 0: see configurePool.
    this.vlans.setMember(vf, before.vlan ?? 0, false);
    if (!this.vlans.setMember(vf, vlan ?? 0, true)) {
      this.vlans.setMember(vf, before.vlan ?? 0, true);
      throw new RangeError('ENOSPC: the VLAN filters are used up');
    }
    this.vfs[vf] = { ...before, vlan };
    this.bar.write32(PFVMVIR + 4 * vf, vlan === null ? 0 : PFVMVIR_ALWAYS | vlan);
    const filter = PFVML2FLT + 4 * vf;
    const others = this.bar.read32(filter) & ~AUPE;
    this.bar.write32(filter, vlan === null ? others | AUPE : others);
  }

  private makePath(): DataPath {
    const bar = this.bar;
    const { ringSize, flowControl } = this.options;
    const drops = flowControl?.sendsPause !== true;
    const queue = new QueuePair(this.handle, bar, { ...queueRegisters(0), ringSize, drops });
    const unmask = this.options.mode === 'poll' ? null : () => bar.write32(EIMS, 1 << QUEUE_VECTOR);
    return new DataPath(this.handle, queue, this.options.costs, unmask);
  }

  private initialise(pool: number): void {
    const bar = this.bar;
    // 4.6.3: interrupts off, global reset, interrupts off again.
    bar.write32(EIMC, 0x7fff_ffff);
    bar.write32(CTRL, CTRL_RST);
    this.handle.wait(RESET_PS);
    bar.write32(EIMC, 0x7fff_ffff);
    this.vlans.forget();
    this.vfFilters.forget();
    // A port VLAN is a pool's: without VFs the only pool has it.
    const pools = pool > 0 || this.options.vlan !== null;
    bar.write32(GPIE, pools ? GPIE_MSIX + GPIE_64_POOLS : GPIE_MSIX);
    if (pools) this.enablePools(pool);
    // 4.6.7 and 4.6.8: filters, then the data paths.
    bar.write32(FCTRL, FCTRL_BAM);
    this.addresses.set(0, this.options.mac, pool);
    this.addresses.admitGroups(this.options.groups.map(multicastHash));
    bar.write32(PFDTXGSWC, this.options.loopback && pool > 0 ? 1 : 0);
    this.vfs.forEach((settings, vf) => {
      this.configureVf(vf, settings);
    });
    if (pools) this.configurePool(pool, this.options.vlan, false);
    const { flowControl, mirrors = [], admittedVlans = [] } = this.options;
    if (pool > 0) {
      for (const vlan of admittedVlans) this.vlans.hold(vlan);
      writeMirrorRules(bar, this.vlans, mirrors, pool);
    }
    if (flowControl !== null && flowControl !== undefined) writeFlowControl(bar, flowControl);
    bar.write32(DMATXCTL, 1);
    bar.write32(RXCTRL, 1);
    this.path.queue.moveTo(queueRegisters(pool * QUEUES_PER_POOL));
    this.path.queue.start();
    this.connectInterrupts(pool);
    this.waitForLink();
    this.rates.restore(this.vfs);
    this.path.start();
    // 4.6.10.2: the VFs' drivers wait for this.
    if (pool > 0) bar.write32(CTRL_EXT, CTRL_EXT_PFRSTD);
  }

  private waitForLink(): void {
    for (let i = 0; i < LINK_POLLS; i++) {
      const links = this.bar.read32(LINKS);
      // All ones: nobody answers.
      if ((links & LINK_UP) !== 0 && links !== 0xffff_ffff) return;
      this.handle.wait(RESET_PS);
    }
    throw new SoftwareError(`${this.handle.name}: the link does not come up`);
  }

  private enablePools(pool: number): void {
    const bar = this.bar;
    bar.write32(RTTDCS, RTTDCS_ARBDIS);
    bar.write32(MTQC, MTQC_64_POOLS);
    bar.write32(MRQC, MRQC_64_POOLS);
    bar.write32(RTTDCS, 0);
    bar.write32(PFVTCTL, PFVTCTL_ENABLE | (pool << 7));
    bar.write32(VLNCTRL, VLNCTRL_VFE);
    for (let i = 0; i <= pool; i++) {
      // A queue that drops needs nobody to stop; one that does not blocks others.
      if (this.options.flowControl?.sendsPause === true) break;
      for (let q = 0; q < QUEUES_PER_POOL; q++) {
        bar.write32(PFQDE, PFQDE_WRITE | ((i * QUEUES_PER_POOL + q) << 8));
      }
    }
    for (let word = 0; word < 2; word++) {
      const pools = poolsBelow(pool + 1, word);
      bar.write32(PFVFRE + 4 * word, pools);
      bar.write32(PFVFTE + 4 * word, pools);
    }
  }

  private configureVf(vf: number, settings: VfSettings): void {
    if (settings.mac !== 0) this.addresses.set(addressOfVf(vf), settings.mac, vf);
    this.configurePool(vf, settings.vlan, settings.spoofCheck, settings.vlanPriority);
    if (settings.selfDelivery !== true) return;
    setPool(this.bar, PFVMTXSW, vf, true);
  }

  private configurePool(pool: number, vlan: number | null, spoofCheck: boolean, priority = 0): void {
    const bar = this.bar;
    // A pool with a port VLAN takes nothing untagged: its untagged frames are those of the VLAN.
    bar.write32(PFVML2FLT + 4 * pool, ROMPE | BAM | (vlan === null ? AUPE : 0));
    // A check of VLANs takes a frame without one for a frame of VLAN 0.
    this.vlans.setMember(pool, vlan ?? 0, true);
    if (vlan !== null) {
      bar.write32(PFVMVIR + 4 * pool, PFVMVIR_ALWAYS | (priority << PRIORITY_SHIFT) | vlan);
    }
    if (spoofCheck) this.checkSpoofing(pool, true);
  }

  private checkSpoofing(pool: number, checked: boolean): void {
    const at = PFVFSPOOF + 4 * (pool >> 3);
    const bits = 0x101 << (pool & 7);
    const others = this.bar.read32(at) & ~bits;
    this.bar.write32(at, checked ? others | bits : others);
  }

  /** What its driver asked for is void; what the administrator has set stays. */
  private resetVf(vf: number): void {
    const { mac, vlan } = this.vfs[vf];
    this.vfFilters.reset(vf, mac);
    this.vlans.leaveOthers(vf, vlan ?? 0);
  }

  private setMulticast(vf: number, hashes: readonly number[]): void {
    const bar = this.bar;
    this.addresses.admitGroups(hashes);
    const filter = PFVML2FLT + 4 * vf;
    bar.write32(filter, (bar.read32(filter) | ROMPE) >>> 0);
  }

  private connectInterrupts(pool: number): void {
    const bar = this.bar;
    const queueVector = IVAR_VALID | QUEUE_VECTOR;
    const queue = pool * QUEUES_PER_POOL;
    bar.write32(IVAR + 4 * (queue >> 1), queueVector | (queueVector << 8));
    bar.write32(IVAR_MISC, (IVAR_VALID | OTHER_VECTOR) << 8);
    bar.write32(EITR + 4 * QUEUE_VECTOR, THROTTLE);
    bar.write32(EIAC, 1 << QUEUE_VECTOR);
    bar.write32(EIAM, 1 << QUEUE_VECTOR);
    if (!this.connected) {
      this.connected = true;
      this.handle.connectInterrupt(QUEUE_VECTOR, () => this.path.interrupt());
      this.handle.connectInterrupt(OTHER_VECTOR, () => this.otherCause());
    } else {
      // The reset has masked the table: the same entries again.
      this.handle.restoreInterrupts();
    }
    bar.write32(EIMS, EICR_MAILBOX);
  }

  private otherCause(): void {
    const causes = this.bar.read32(EICR);
    if ((causes & EICR_MAILBOX) !== 0) this.mailbox.serve(this.vfs.length);
  }
}
