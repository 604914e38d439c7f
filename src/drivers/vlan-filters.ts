import type { BarWindow } from '../host/index.ts';

const VFTA = 0xa000;
const PFVLVF = 0xf100;
const VIEN = 1 << 31;
const PFVLVFB = 0xf200;

const FILTERS = 64;
const FREE = -1;
const FOR_VLAN_0 = 0;

/**
 * The 82599's VLAN filters that pools share (4.6.10.1): a filter for each VLAN that some pool is a member of. The
 * first one is kept for VLAN 0, of which those are members that may use frames without a VLAN; the others are
 * given from the last one on. So Linux's ixgbe has it, and DPDK's.
 */
export class VlanFilters {
  private readonly bar: BarWindow;
  /** VLAN of each filter. */
  private readonly filters = new Int32Array(FILTERS).fill(FREE);
  /** Filters that stay without members, by number. */
  private readonly held = new Set<number>();

  constructor(bar: BarWindow) {
    this.bar = bar;
  }

  /** The device has been reset, and with it all filters. */
  forget(): void {
    this.filters.fill(FREE);
    this.held.clear();
  }

  /**
   * Lets frames of a VLAN pass from the wire whoever is a member, until {@link VlanFilters.forget}. Returns the number
   * of its filter, -1 when all are taken.
   */
  hold(vlan: number): number {
    const filter = this.filterFor(vlan);
    if (filter >= 0) this.held.add(filter);
    return filter;
  }

  /** Makes a pool a member of a VLAN, or no longer. False when all filters are taken. */
  setMember(pool: number, vlan: number, member: boolean): boolean {
    const bar = this.bar;
    if (!member && !this.filters.includes(vlan)) return true;
    const filter = this.filterFor(vlan);
    if (filter < 0) return false;
    const at = PFVLVFB + 8 * filter + 4 * (pool >> 5);
    const bit = 1 << (pool & 31);
    const pools = bar.read32(at);
    bar.write32(at, (member ? pools | bit : pools & ~bit) >>> 0);
    if (!member) this.freeIfUnused(filter);
    return true;
  }

  /** The filter of a VLAN, which may be a new one; -1 when all are taken. */
  private filterFor(vlan: number): number {
    const known = this.filters.indexOf(vlan);
    if (known >= 0) return known;
    const filter = vlan === 0 ? FOR_VLAN_0 : this.filters.lastIndexOf(FREE);
    if (filter < 0 || (filter === FOR_VLAN_0 && vlan !== 0)) return -1;
    this.filters[filter] = vlan;
    this.bar.write32(PFVLVF + 4 * filter, (VIEN | vlan) >>> 0);
    this.admit(vlan, true);
    return filter;
  }

  /** Takes a pool out of all VLANs but `kept`. */
  leaveOthers(pool: number, kept: number): void {
    for (const vlan of this.filters) {
      if (vlan !== FREE && vlan !== kept) this.setMember(pool, vlan, false);
    }
  }

  /** A VLAN that no pool is a member of needs no filter. */
  private freeIfUnused(filter: number): void {
    if (this.held.has(filter)) return;
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
