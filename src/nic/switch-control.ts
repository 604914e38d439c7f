import type { NicSwitch } from '../nicswitch/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import { SwitchFilters } from './switch-filters.ts';

/** Bits of the registers that steer the switch (82599 datasheet 8.2.3.27, 8.2.3.7). */
const FCTRL_MPE = 1 << 8;
const FCTRL_UPE = 1 << 9;
const FCTRL_BAM = 1 << 10;
const VT_EN = 1 << 0;
const DIS_DEF_POOL = 1 << 29;
const RPL_EN = 1 << 30;
const AUPE = 1 << 24;
const ROMPE = 1 << 25;
const ROPE = 1 << 26;
const BAM = 1 << 27;
const MPE = 1 << 28;
const VLANA_ALWAYS = 1;
const VLANA_NEVER = 2;
const LBE = 1 << 0;
const EXTENDED_VLAN = 1 << 26;
const GDV = 1 << 3;
/** The least number that is an EtherType and no length. */
const LEAST_ETHERTYPE = 0x600;

/** What has to be told to the switch again. */
const MODE = 1 << 0;
const ADDRESSES = 1 << 1;
const HASHES = 1 << 2;
const VLANS = 1 << 3;
const MIRRORS = 1 << 4;
const ALL = MODE | ADDRESSES | HASHES | VLANS | MIRRORS;

/** What depends on a register; those that are a pool's own depend on how many pools share a word of it. */
const STEERING: Readonly<Record<string, { readonly parts?: number; readonly poolsPerWord?: number }>> = {
  PFVTCTL: { parts: MODE },
  FCTRL: { parts: MODE },
  PFDTXGSWC: { parts: MODE },
  DMATXCTL: { parts: MODE },
  EXVET: { parts: MODE },
  RAL: { parts: ADDRESSES },
  RAH: { parts: ADDRESSES },
  MPSAR: { parts: ADDRESSES },
  MTA: { parts: HASHES },
  PFUTA: { parts: HASHES },
  MCSTCTRL: { parts: HASHES },
  VLNCTRL: { parts: VLANS },
  VFTA: { parts: VLANS },
  PFVLVF: { parts: VLANS | MIRRORS },
  PFVLVFB: { parts: VLANS },
  PFMRCTL: { parts: MIRRORS },
  PFMRVLAN: { parts: MIRRORS },
  PFMRVM: { parts: MIRRORS },
  PFVFRE: { poolsPerWord: 32 },
  PFVFTE: { poolsPerWord: 32 },
  PFVMTXSW: { poolsPerWord: 32 },
  PFVFSPOOF: { poolsPerWord: 8 },
  PFVML2FLT: { poolsPerWord: 1 },
  PFVMVIR: { poolsPerWord: 1 },
};

/** Names of the registers that steer the switch. */
export const SWITCH_REGISTERS: readonly string[] = Object.keys(STEERING);

/**
 * Makes the switch do what the registers say. Writes come in bunches and frames in streams: the card notes
 * which registers have changed, and the switch is told of these before the next frame.
 */
export class SwitchControl {
  private readonly file: RegisterFile;
  private readonly switch: NicSwitch;
  private readonly filters: SwitchFilters;
  private readonly pools: number;
  private readonly stripsTags: (pool: number) => boolean;
  /** Pools that have queues. */
  private withQueues: number;
  private changedParts = ALL;
  private readonly changedPools = new Set<number>();
  /** Whether the switch has pools: PFVTCTL.VT_EN as it was applied last; null before the first time. */
  private virtualized: boolean | null = null;

  /** @param stripsTags whether the first receive queue of a pool strips VLAN tags. */
  constructor(
    file: RegisterFile,
    nicSwitch: NicSwitch,
    pools: number,
    stripsTags: (pool: number) => boolean,
  ) {
    this.file = file;
    this.switch = nicSwitch;
    this.filters = new SwitchFilters(file, nicSwitch, pools);
    this.pools = pools;
    this.withQueues = pools;
    this.stripsTags = stripsTags;
  }

  /** Element `index` of one of `SWITCH_REGISTERS` holds something else now. */
  registerChanged(name: string, index: number): void {
    const { parts = 0, poolsPerWord = 0 } = STEERING[name];
    this.changedParts |= parts;
    for (let i = 0; i < poolsPerWord; i++) this.poolChanged(index * poolsPerWord + i);
  }

  /** What a pool is told may have changed. */
  poolChanged(pool: number): void {
    if (pool < this.pools) this.changedPools.add(pool);
  }

  /** From now on the first `count` pools have queues. */
  usePools(count: number): void {
    this.withQueues = Math.min(count, this.pools);
    this.allChanged();
  }

  /** The device has been reset. */
  reset(): void {
    this.allChanged();
  }

  /** All registers may hold something else. */
  private allChanged(): void {
    this.changedParts = ALL;
    for (let pool = 0; pool < this.pools; pool++) this.changedPools.add(pool);
  }

  /** Brings the switch up to date. */
  apply(): void {
    const { filters } = this;
    const virtualized = (this.file.get('PFVTCTL') & VT_EN) !== 0;
    if (virtualized !== this.virtualized) this.startOver(virtualized);
    const parts = this.changedParts;
    if ((parts & MODE) !== 0) this.applyMode(virtualized);
    for (const pool of this.changedPools) {
      this.switch.setTagStrip(pool, this.stripsTags(pool));
      if (virtualized) this.applyPool(pool);
    }
    if ((parts & ADDRESSES) !== 0) filters.applyAddresses(virtualized);
    if ((parts & HASHES) !== 0) filters.applyHashes();
    if ((parts & VLANS) !== 0) filters.applyVlans();
    if ((parts & MIRRORS) !== 0) filters.applyMirrors(virtualized);
    this.changedParts = 0;
    this.changedPools.clear();
  }

  /** What a pool is, and whether there are any, is different from here on. */
  private startOver(virtualized: boolean): void {
    this.virtualized = virtualized;
    for (let pool = 0; pool < this.pools; pool++) this.switch.resetFilters(pool);
    this.filters.forgetVPorts();
    this.allChanged();
  }

  private applyMode(virtualized: boolean): void {
    const nicSwitch = this.switch;
    const control = this.file.get('PFVTCTL');
    if (virtualized) {
      const pool = (control >>> 7) & 0x3f;
      nicSwitch.setDefaultVPort((control & DIS_DEF_POOL) !== 0 || pool >= this.withQueues ? null : pool);
    } else this.applySinglePool();
    nicSwitch.setReplication(!virtualized || (control & RPL_EN) !== 0);
    nicSwitch.setLoopback(virtualized && (this.file.get('PFDTXGSWC') & LBE) !== 0);
    this.applyDoubleVlan();
  }

  /** Double VLAN mode (7.4.5): for received and for sent frames, which are the same to a switch. */
  private applyDoubleVlan(): void {
    const { file } = this;
    const outerType = file.get('EXVET') >>> 16;
    const received = (file.get('CTRL_EXT') & EXTENDED_VLAN) !== 0;
    const sent = (file.get('DMATXCTL') & GDV) !== 0;
    // A type that no frame has is that of none.
    const isOn = received && sent && outerType >= LEAST_ETHERTYPE;
    this.switch.setDoubleVlan(isOn ? { outerType, filter: 'inner' } : null);
  }

  /** Without virtualization all that passes the filters is pool 0's (7.1.1, 7.1.2.1.1). */
  private applySinglePool(): void {
    const nicSwitch = this.switch;
    const filter = this.file.get('FCTRL');
    // All queues send (7.2.1.2.1).
    for (let pool = 0; pool < this.pools; pool++) nicSwitch.setVPortEnabled(pool, pool === 0, true);
    nicSwitch.setAcceptBroadcast(0, (filter & FCTRL_BAM) !== 0);
    nicSwitch.setAcceptMulticastHash(0, true);
    nicSwitch.setMulticastPromiscuous(0, (filter & FCTRL_MPE) !== 0);
    nicSwitch.setDefaultVPort((filter & FCTRL_UPE) !== 0 ? 0 : null);
  }

  private applyPool(pool: number): void {
    const file = this.file;
    const nicSwitch = this.switch;
    const bit = 1 << (pool & 31);
    const hasQueues = pool < this.withQueues;
    const receives = hasQueues && (file.get('PFVFRE', pool >> 5) & bit) !== 0;
    const transmits = hasQueues && (file.get('PFVFTE', pool >> 5) & bit) !== 0;
    nicSwitch.setVPortEnabled(pool, receives, transmits);
    nicSwitch.setSelfDelivery(pool, (file.get('PFVMTXSW', pool >> 5) & bit) !== 0);
    const filter = file.get('PFVML2FLT', pool);
    nicSwitch.setAcceptUntagged(pool, (filter & AUPE) !== 0);
    nicSwitch.setAcceptBroadcast(pool, (filter & BAM) !== 0);
    nicSwitch.setAcceptMulticastHash(pool, (filter & ROMPE) !== 0);
    nicSwitch.setAcceptUnicastHash(pool, (filter & ROPE) !== 0);
    nicSwitch.setMulticastPromiscuous(pool, (filter & MPE) !== 0);
    const insert = file.get('PFVMVIR', pool);
    const action = insert >>> 30;
    if (action === VLANA_ALWAYS) nicSwitch.setPortVlan(pool, insert & 0xffff);
    else nicSwitch.setPortVlan(pool, action === VLANA_NEVER ? 'never' : 'descriptor');
    const spoof = file.get('PFVFSPOOF', pool >> 3);
    nicSwitch.setAntiSpoof(pool, {
      mac: ((spoof >> (pool & 7)) & 1) !== 0,
      vlan: ((spoof >> (8 + (pool & 7))) & 1) !== 0,
    });
  }
}
