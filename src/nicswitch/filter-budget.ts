import type { VPortLimits } from './vport-limits.ts';

/** The filters of a card, which its VPorts share: how many are in use, and whether there is one more. */
export class FilterBudget {
  private readonly limits: VPortLimits;
  private macs = 0;
  /** How many VPorts are members of each VLAN. */
  private readonly vlanMembers = new Map<number, number>();

  constructor(limits: VPortLimits) {
    this.limits = limits;
  }

  /** MAC and VLAN filters in use. */
  get used(): { readonly macs: number; readonly vlans: number } {
    return { macs: this.macs, vlans: this.vlanMembers.size };
  }

  /** Takes a MAC filter; false if there is none left. */
  takeMac(): boolean {
    if (this.macs >= this.limits.macFilters) return false;
    this.macs++;
    return true;
  }

  /** Gives back what {@link FilterBudget.takeMac} took. */
  freeMac(): void {
    this.macs--;
  }

  /** Takes a share of the filter of `vlan`; false if it has none, and there is none left. */
  takeVlan(vlan: number): boolean {
    const members = this.vlanMembers.get(vlan) ?? 0;
    if (members === 0 && this.vlanMembers.size >= this.limits.vlanFilters) return false;
    this.vlanMembers.set(vlan, members + 1);
    return true;
  }

  /** Gives back what {@link FilterBudget.takeVlan} took. */
  freeVlan(vlan: number): void {
    const members = this.vlanMembers.get(vlan) as number;
    if (members === 1) this.vlanMembers.delete(vlan);
    else this.vlanMembers.set(vlan, members - 1);
  }
}
