import type { BarWindow } from '../host/index.ts';
import { macHighWord, macLowWord } from '../wire/index.ts';

// PF registers (82599 datasheet 8.2.3.7).
const MCSTCTRL = 0x5090;
const MCSTCTRL_MFE = 1 << 2;
const MTA = 0x5200;
const RAL = 0xa200;
const RAH = 0xa204;
const RAH_AV = 1 << 31;
const MPSAR = 0xa600;

/** Receive addresses that there are. */
export const RECEIVE_ADDRESSES = 128;

/** Index of the receive address that the administrator has set for a VF: from the last one down. */
export function addressOfVf(vf: number): number {
  return RECEIVE_ADDRESSES - 1 - vf;
}

/** The 82599's filters by address: receive addresses, which lead to pools, and the hash table of groups (7.1.1.1). */
export class AddressFilters {
  private readonly bar: BarWindow;

  constructor(bar: BarWindow) {
    this.bar = bar;
  }

  /** Receive address `index` leads to `pool`. */
  set(index: number, mac: number, pool: number): void {
    const { bar } = this;
    bar.write32(RAL + 8 * index, macLowWord(mac) >>> 0);
    bar.write32(RAH + 8 * index, (macHighWord(mac) | RAH_AV) >>> 0);
    bar.write32(MPSAR + 8 * index, pool < 32 ? (1 << pool) >>> 0 : 0);
    bar.write32(MPSAR + 8 * index + 4, pool < 32 ? 0 : (1 << (pool - 32)) >>> 0);
  }

  /** Receive address `index` leads nowhere. */
  clear(index: number): void {
    this.bar.write32(RAH + 8 * index, 0);
  }

  /** Group addresses with these hashes pass to the pools that take any. */
  admitGroups(hashes: readonly number[]): void {
    const { bar } = this;
    if (hashes.length > 0) bar.write32(MCSTCTRL, MCSTCTRL_MFE);
    for (const hash of hashes) {
      const at = MTA + 4 * (hash >> 5);
      bar.write32(at, (bar.read32(at) | (1 << (hash & 31))) >>> 0);
    }
  }
}
