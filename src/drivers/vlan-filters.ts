import type { BarWindow } from '../host/index.ts';

const VFTA = 0xa000;
const PFVLVF = 0xf100;
const VIEN = 1 << 31;
const PFVLVFB = 0xf200;

const FILTERS = 64;
const FREE = -1;

/** The 82599's VLAN filters that pools share (4.6.10.1): a filter for each VLAN that some pool is a member of. */
export class VlanFilters {
  private readonly bar: BarWindow;
  /** VLAN of each filter. */
  private readonly filters = new Int32Array(FILTERS).fill(FREE);

  constructor(bar: BarWindow) {
    this.bar = bar;
  }

  /** The device has been reset, and with it all filters. */
  forget(): void {
    this.filters.fill(FREE);
  }

  /** Makes a pool a member of a VLAN, or no longer. False when all filters are taken. */
  setMember(pool: number, vlan: number, member: boolean): boolean {
    const bar = this.bar;
    let filter = this.filters.indexOf(vlan);
    if (filter < 0) {
      if (!member) return true;
      filter = this.filters.indexOf(FREE);
      if (filter < 0) return false;
      this.filters[filter] = vlan;
      bar.write32(PFVLVF + 4 * filter, (VIEN | vlan) >>> 0);
      this.admit(vlan, true);
    }
    const at = PFVLVFB + 8 * filter + 4 * (pool >> 5);
    const bit = 1 << (pool & 31);
    const pools = bar.read32(at);
    bar.write32(at, (member ? pools | bit : pools & ~bit) >>> 0);
    if (!member) this.freeIfUnused(filter);
    return true;
  }

  /** A VLAN that no pool is a member of needs no filter. */
  private freeIfUnused(filter: number): void {
    const bar = this.bar;
    const at = PFVLVFB + 8 * filter;
    if ((bar.read32(at) | bar.read32(at + 4)) !== 0) return;
    bar.write32(PFVLVF + 4 * filter, 0);
    this.admit(this.filters[filter], false);
    this.filters[filter] = FREE;
  }

  /** Whether frames of a VLAN pass from the wire. */
  private admit(vlan: number, admitted: boolean): void {
    const table = VFTA + 4 * (vlan >> 5);
    const bit = 1 << (vlan & 31);
    const before = this.bar.read32(table);
    this.bar.write32(table, (admitted ? before | bit : before & ~bit) >>> 0);
  }
}
