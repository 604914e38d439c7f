import type { BarWindow } from '../host/index.ts';

const VFTA = 0xa000;
const PFVLVF = 0xf100;
const VIEN = 1 << 31;
const PFVLVFB = 0xf200;

/** The 82599's VLAN filters that pools share (4.6.10.1): a filter for each VLAN that some pool is a member of. */
export class VlanFilters {
  private readonly bar: BarWindow;
  /** VLAN of each of the 64 filters; -1 is free. */
  private readonly filters = new Int32Array(64).fill(-1);

  constructor(bar: BarWindow) {
    this.bar = bar;
  }

  /** The device has been reset, and with it all filters. */
  forget(): void {
    this.filters.fill(-1);
  }

  /** Makes a pool a member of a VLAN, or no longer. False when all filters are taken. */
  setMember(pool: number, vlan: number, member: boolean): boolean {
    const bar = this.bar;
    let filter = this.filters.indexOf(vlan);
    if (filter < 0) {
      if (!member) return true;
      filter = this.filters.indexOf(-1);
      if (filter < 0) return false;
      this.filters[filter] = vlan;
      bar.write32(PFVLVF + 4 * filter, (VIEN | vlan) >>> 0);
      const table = VFTA + 4 * (vlan >> 5);
      bar.write32(table, (bar.read32(table) | (1 << (vlan & 31))) >>> 0);
    }
    const at = PFVLVFB + 8 * filter + 4 * (pool >> 5);
    const bit = 1 << (pool & 31);
    const pools = bar.read32(at);
    bar.write32(at, (member ? pools | bit : pools & ~bit) >>> 0);
    return true;
  }
}
