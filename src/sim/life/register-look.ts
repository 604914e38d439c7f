import type { Nic } from '../../nic/index.ts';
import { elementCount } from '../../registers/index.ts';
import { macOfWords } from '../../wire/index.ts';
import type { Decider } from './life-steps.ts';

const RECEIVE_ADDRESSES = 128;
const VLAN_FILTERS = 64;
const VALID = 1 << 31;
const EXTENDED_VLAN = 1 << 26;

/** Registers of a card, to be asked what they said of a frame. */
export class RegisterLook {
  readonly nic: Nic;
  /** Whether the card is a port extender. */
  readonly isExtender: boolean;

  constructor(nic: Nic, isExtender: boolean) {
    this.nic = nic;
    this.isExtender = isExtender;
  }

  /** Whether frames have two VLAN tags: the double VLAN mode. */
  get isDouble(): boolean {
    return (this.get('CTRL_EXT') & EXTENDED_VLAN) !== 0;
  }

  /** What a register holds, unsigned. */
  get(name: string, index = 0): number {
    return this.nic.registers.file.get(name, index);
  }

  /** Bit `n` of an array of words of 32 bits. */
  bit(name: string, n: number): boolean {
    return ((this.get(name, n >> 5) >>> (n & 31)) & 1) !== 0;
  }

  /** A register as something that decided. */
  decider(name: string, index: number, why: string): Decider {
    const row = this.nic.profile.registers.rows.find((each) => each.name === name);
    const isArray = row !== undefined && elementCount(row) > 1;
    return {
      register: isArray ? `${name}[${index}]` : name,
      value: this.get(name, index),
      section: row?.section ?? null,
      why,
    };
  }

  /** Whether there are pools: PFVTCTL.VT_EN. */
  get hasPools(): boolean {
    return (this.get('PFVTCTL') & 1) !== 0;
  }

  /** Valid receive addresses that hold this one. */
  addressFilters(mac: number): number[] {
    const found: number[] = [];
    for (let i = 0; i < RECEIVE_ADDRESSES; i++) {
      const high = this.get('RAH', i);
      if ((high & VALID) !== 0 && macOfWords(this.get('RAL', i), high) === mac) found.push(i);
    }
    return found;
  }

  /** Whether a receive address leads to a pool. */
  leadsTo(filter: number, pool: number): boolean {
    if (!this.hasPools) return pool === 0;
    return this.bit('MPSAR', 64 * filter + pool);
  }

  /** The receive address with `mac` that leads to a pool, as what decided; none if there is none. */
  addressOf(mac: number, pool: number, what: string): Decider[] {
    const filter = this.addressFilters(mac).find((each) => this.leadsTo(each, pool));
    if (filter === undefined) return [];
    const { hasPools } = this;
    return [
      this.decider('RAH', filter, `with RAL[${filter}]: ${what}`),
      ...(hasPools ? [this.decider('MPSAR', 2 * filter + (pool >> 5), `leads to pool ${pool}`)] : []),
    ];
  }

  /** The VLAN filter by which a pool is a member, as what decided; none if there is none. */
  memberOf(vlan: number, pool: number): Decider[] {
    for (let i = 0; i < VLAN_FILTERS; i++) {
      const filter = this.get('PFVLVF', i);
      if ((filter & VALID) === 0 || (filter & 0xfff) !== vlan || !this.bit('PFVLVFB', 64 * i + pool))
        continue;
      return [
        this.decider('PFVLVF', i, `VLAN ${vlan}`),
        this.decider('PFVLVFB', 2 * i + (pool >> 5), `pool ${pool} is a member`),
      ];
    }
    return [];
  }
}
