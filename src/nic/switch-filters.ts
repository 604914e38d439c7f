import type { MirrorRule, NicSwitch } from '../nicswitch/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import { macOfWords } from '../wire/index.ts';

const RAH_AV = 1 << 31;
const VLNCTRL_VFE = 1 << 30;
const VIEN = 1 << 31;
const MCSTCTRL_MO = 3;
const MCSTCTRL_MFE = 1 << 2;
/** PFMRCTL: what a rule mirrors, and the pool that gets the copies. */
const VPME = 1 << 0;
const UPME = 1 << 1;
const DPME = 1 << 2;
const VLME = 1 << 3;
const MP_SHIFT = 8;
const MP_MASK = 0x3f;

const RECEIVE_ADDRESSES = 128;
const VLAN_FILTERS = 64;
const TABLE_WORDS = 128;
/** Elements of PFMRCTL. */
const MIRROR_REGISTERS = 4;
/** Rules have two words of pools and of VLAN filters each: word n + 4 is the upper one of rule n. */
const UPPER = MIRROR_REGISTERS;

/** Pools that a filter leads to: two words of bits. */
type PoolBits = readonly [low: number, high: number];
const NO_POOLS: PoolBits = [0, 0];

/**
 * Filters of the switch as the registers have them: addresses, hash tables, VLANs, mirroring rules. What the
 * switch has been told is remembered, and only what differs is told again.
 */
export class SwitchFilters {
  private readonly file: RegisterFile;
  private readonly switch: NicSwitch;
  private readonly pools: number;
  private addresses = new Map<number, PoolBits>();
  private members = new Map<number, PoolBits>();
  private readonly multicast = new Int32Array(TABLE_WORDS);
  private readonly unicast = new Int32Array(TABLE_WORDS);
  /** At first the switch admits every VLAN. */
  private readonly admitted = new Int32Array(TABLE_WORDS).fill(-1);

  constructor(file: RegisterFile, nicSwitch: NicSwitch, pools: number) {
    this.file = file;
    this.switch = nicSwitch;
    this.pools = pools;
  }

  /** The VPorts have been reset: they have neither addresses nor VLANs. */
  forgetVPorts(): void {
    this.addresses.clear();
    this.members.clear();
  }

  /** RAL, RAH and MPSAR. Without pools all addresses are pool 0's. */
  applyAddresses(virtualized: boolean): void {
    const file = this.file;
    const wanted = new Map<number, PoolBits>();
    for (let i = 0; i < RECEIVE_ADDRESSES; i++) {
      const high = file.get('RAH', i);
      if ((high & RAH_AV) === 0) continue;
      const pools: PoolBits = virtualized ? [file.get('MPSAR', 2 * i), file.get('MPSAR', 2 * i + 1)] : [1, 0];
      add(wanted, macOfWords(file.get('RAL', i), high), pools);
    }
    this.differences(this.addresses, wanted, (pool, address, member) => {
      if (member) this.switch.addMac(pool, address);
      else this.switch.removeMac(pool, address);
    });
    this.addresses = wanted;
  }

  /**
   * MTA, PFUTA and MCSTCTRL. Group addresses are looked up in the MTA while MCSTCTRL.MFE is set (4.6.7).
   */
  applyHashes(): void {
    const file = this.file;
    const nicSwitch = this.switch;
    const control = file.get('MCSTCTRL');
    nicSwitch.setHashOffset(control & MCSTCTRL_MO);
    const filtered = (control & MCSTCTRL_MFE) !== 0;
    for (let word = 0; word < TABLE_WORDS; word++) {
      tell(this.multicast, word, filtered ? file.get('MTA', word) : 0, (entry, on) =>
        nicSwitch.setMulticastHash(entry, on),
      );
      tell(this.unicast, word, file.get('PFUTA', word), (entry, on) => nicSwitch.setUnicastHash(entry, on));
    }
  }

  /** VLNCTRL, VFTA, PFVLVF and PFVLVFB. */
  applyVlans(): void {
    const file = this.file;
    const nicSwitch = this.switch;
    nicSwitch.setVlanFilter((file.get('VLNCTRL') & VLNCTRL_VFE) !== 0);
    for (let word = 0; word < TABLE_WORDS; word++) {
      tell(this.admitted, word, file.get('VFTA', word), (vlan, on) => nicSwitch.setVlanAdmitted(vlan, on));
    }
    const wanted = new Map<number, PoolBits>();
    for (let i = 0; i < VLAN_FILTERS; i++) {
      const filter = file.get('PFVLVF', i);
      if ((filter & VIEN) === 0) continue;
      add(wanted, filter & 0xfff, [file.get('PFVLVFB', 2 * i), file.get('PFVLVFB', 2 * i + 1)]);
    }
    this.differences(this.members, wanted, (pool, vlan, member) => {
      if (member) nicSwitch.addVlan(pool, vlan);
      else nicSwitch.removeVlan(pool, vlan);
    });
    this.members = wanted;
  }

  /** PFMRCTL, PFMRVLAN and PFMRVM; the VLANs of a rule are those of the filters that it names. */
  applyMirrors(virtualized: boolean): void {
    // Those behind are the host's.
    const rules = Math.min(MIRROR_REGISTERS, this.switch.mirrorRules);
    for (let rule = 0; rule < rules; rule++) {
      this.switch.setMirrorRule(rule, virtualized ? this.mirrorRule(rule) : null);
    }
  }

  private mirrorRule(rule: number): MirrorRule | null {
    const file = this.file;
    const control = file.get('PFMRCTL', rule);
    const to = (control >> MP_SHIFT) & MP_MASK;
    if ((control & (VPME | UPME | DPME | VLME)) === 0 || to >= this.pools) return null;
    const pools: PoolBits = [file.get('PFMRVM', rule), file.get('PFMRVM', rule + UPPER)];
    const filters: PoolBits = [file.get('PFMRVLAN', rule), file.get('PFMRVLAN', rule + UPPER)];
    return {
      to,
      receivedBy: (control & VPME) !== 0 ? numbers(pools).filter((pool) => pool < this.pools) : [],
      uplink: (control & UPME) !== 0,
      downlink: (control & DPME) !== 0,
      vlans: (control & VLME) !== 0 ? this.vlansOf(filters) : [],
    };
  }

  private vlansOf(filters: PoolBits): number[] {
    return numbers(filters)
      .map((filter) => this.file.get('PFVLVF', filter))
      .filter((filter) => (filter & VIEN) !== 0)
      .map((filter) => filter & 0xfff);
  }

  private differences(
    before: ReadonlyMap<number, PoolBits>,
    after: ReadonlyMap<number, PoolBits>,
    change: (pool: number, key: number, member: boolean) => void,
  ): void {
    // First what ends: the switch has room for so many addresses and no more.
    for (const [key, [low, high]] of before) {
      const [keptLow, keptHigh] = after.get(key) ?? NO_POOLS;
      for (const pool of numbers([low & ~keptLow, high & ~keptHigh])) {
        if (pool < this.pools) change(pool, key, false);
      }
    }
    for (const [key, [low, high]] of after) {
      const [hadLow, hadHigh] = before.get(key) ?? NO_POOLS;
      for (const pool of numbers([low & ~hadLow, high & ~hadHigh])) {
        if (pool < this.pools) change(pool, key, true);
      }
    }
  }
}

/** Adds pools to those that a key has. */
function add(map: Map<number, PoolBits>, key: number, pools: PoolBits): void {
  const [low, high] = map.get(key) ?? NO_POOLS;
  map.set(key, [low | pools[0], high | pools[1]]);
}

/** Tells the bits of a word that differ from what has been told, and notes them. */
function tell(
  told: Int32Array,
  word: number,
  bits: number,
  change: (bit: number, on: boolean) => void,
): void {
  const before = told[word];
  if (before === (bits | 0)) return;
  told[word] = bits;
  for (const bit of numbers([before ^ bits, 0])) change(32 * word + bit, ((bits >>> bit) & 1) !== 0);
}

/** Numbers of the bits that are set. */
function numbers([low, high]: PoolBits): number[] {
  const found: number[] = [];
  for (let i = 0; i < 64; i++) if ((((i < 32 ? low : high) >>> (i & 31)) & 1) !== 0) found.push(i);
  return found;
}
