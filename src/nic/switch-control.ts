import type { NicSwitch } from '../nicswitch/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import { macOfWords } from '../wire/index.ts';

/** Bits of the registers that steer the switch (82599 datasheet 8.2.3.27, 8.2.3.7). */
const RAH_AV = 1 << 31;
const VLNCTRL_VFE = 1 << 30;
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
const VIEN = 1 << 31;
const VLANA_ALWAYS = 1;
const VLANA_NEVER = 2;
const LBE = 1 << 0;

const RECEIVE_ADDRESSES = 128;
const VLAN_FILTERS = 64;

/**
 * Makes the switch do what the registers say. Writes come in bunches and frames in streams: the card notes
 * that a register has changed, and tells the switch before the next frame.
 */
export class SwitchControl {
  private readonly file: RegisterFile;
  private readonly switch: NicSwitch;
  private readonly pools: number;
  private readonly stripsTags: (pool: number) => boolean;

  /** @param stripsTags whether the first receive queue of a pool strips VLAN tags. */
  constructor(
    file: RegisterFile,
    nicSwitch: NicSwitch,
    pools: number,
    stripsTags: (pool: number) => boolean,
  ) {
    this.file = file;
    this.switch = nicSwitch;
    this.pools = pools;
    this.stripsTags = stripsTags;
  }

  /** Brings the switch up to date. */
  apply(): void {
    const file = this.file;
    const nicSwitch = this.switch;
    const control = file.get('PFVTCTL');
    const pools = (control & VT_EN) !== 0;
    for (let pool = 0; pool < this.pools; pool++) {
      nicSwitch.resetVPort(pool);
      nicSwitch.setTagStrip(pool, this.stripsTags(pool));
    }
    if (pools) this.applyPools();
    else this.applySinglePool();
    this.applyAddresses(pools);
    this.applyVlans();
    if (pools) nicSwitch.setDefaultVPort((control & DIS_DEF_POOL) !== 0 ? null : (control >>> 7) & 0x3f);
    nicSwitch.setReplication(!pools || (control & RPL_EN) !== 0);
    nicSwitch.setLoopback((file.get('PFDTXGSWC') & LBE) !== 0);
  }

  /** Without virtualization all that passes the filters is pool 0's (7.1.1, 7.1.2.1.1). */
  private applySinglePool(): void {
    const nicSwitch = this.switch;
    const filter = this.file.get('FCTRL');
    nicSwitch.setVPortEnabled(0, true, true);
    nicSwitch.setAcceptBroadcast(0, (filter & FCTRL_BAM) !== 0);
    nicSwitch.setAcceptMulticastHash(0, true);
    nicSwitch.setMulticastPromiscuous(0, (filter & FCTRL_MPE) !== 0);
    nicSwitch.setDefaultVPort((filter & FCTRL_UPE) !== 0 ? 0 : null);
  }

  private applyPools(): void {
    const file = this.file;
    const nicSwitch = this.switch;
    for (let pool = 0; pool < this.pools; pool++) {
      const bit = 1 << (pool & 31);
      const receives = (file.get('PFVFRE', pool >> 5) & bit) !== 0;
      const transmits = (file.get('PFVFTE', pool >> 5) & bit) !== 0;
      nicSwitch.setVPortEnabled(pool, receives, transmits);
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

  private applyAddresses(pools: boolean): void {
    const file = this.file;
    for (let i = 0; i < RECEIVE_ADDRESSES; i++) {
      const high = file.get('RAH', i);
      if ((high & RAH_AV) === 0) continue;
      const address = macOfWords(file.get('RAL', i), high);
      for (let pool = 0; pool < this.pools; pool++) {
        const owns = pools
          ? ((file.get('MPSAR', 2 * i + (pool >> 5)) >>> (pool & 31)) & 1) !== 0
          : pool === 0;
        if (owns) this.switch.addMac(pool, address);
      }
    }
    for (let word = 0; word < 128; word++) {
      const bits = file.get('MTA', word);
      for (let i = 0; i < 32; i++) this.switch.setMulticastHash(word * 32 + i, ((bits >>> i) & 1) !== 0);
    }
  }

  private applyVlans(): void {
    const file = this.file;
    const nicSwitch = this.switch;
    nicSwitch.setVlanFilter((file.get('VLNCTRL') & VLNCTRL_VFE) !== 0);
    for (let word = 0; word < 128; word++) {
      const bits = file.get('VFTA', word);
      for (let i = 0; i < 32; i++) nicSwitch.setVlanAdmitted(word * 32 + i, ((bits >>> i) & 1) !== 0);
    }
    for (let i = 0; i < VLAN_FILTERS; i++) {
      const filter = file.get('PFVLVF', i);
      if ((filter & VIEN) === 0) continue;
      for (let pool = 0; pool < this.pools; pool++) {
        const member = (file.get('PFVLVFB', 2 * i + (pool >> 5)) >>> (pool & 31)) & 1;
        if (member !== 0) nicSwitch.addVlan(pool, filter & 0xfff);
      }
    }
  }
}
