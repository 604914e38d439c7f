import type { FilterBudget } from './filter-budget.ts';
import type { NicSwitch } from './nic-switch.ts';
import type { Refusal } from './refusal.ts';
import type { VPortLimits } from './vport-limits.ts';

/** The MAC and VLAN filters of one VPort: each is taken from the card's, and written to the switch. */
export class VPortFilters {
  private readonly nicSwitch: NicSwitch;
  private readonly place: number;
  private readonly limits: VPortLimits;
  private readonly budget: FilterBudget;
  private readonly macs = new Set<number>();
  private readonly members = new Set<number>();

  constructor(nicSwitch: NicSwitch, place: number, limits: VPortLimits, budget: FilterBudget) {
    this.nicSwitch = nicSwitch;
    this.place = place;
    this.limits = limits;
    this.budget = budget;
  }

  /** VLANs that it is a member of. */
  get vlans(): readonly number[] {
    return [...this.members];
  }

  /** Adds an address; returns why it could not be. One more time is no change. */
  addMac(address: number): Refusal | null {
    const { macs, budget } = this;
    if (macs.has(address)) return null;
    if (macs.size >= this.limits.macFiltersPerVPort) return 'vportFilters';
    if (!budget.takeMac()) return 'cardFilters';
    if (!this.nicSwitch.addMac(this.place, address)) {
      budget.freeMac();
      return 'cardFilters';
    }
    macs.add(address);
    return null;
  }

  /** Takes an address away; nothing if it is none of its own. */
  removeMac(address: number): void {
    if (!this.macs.delete(address)) return;
    this.nicSwitch.removeMac(this.place, address);
    this.budget.freeMac();
  }

  /** Becomes a member of a VLAN; returns why it could not. One more time is no change. */
  joinVlan(vlan: number): Refusal | null {
    const { members } = this;
    if (members.has(vlan)) return null;
    if (members.size >= this.limits.vlanFiltersPerVPort) return 'vportFilters';
    if (!this.budget.takeVlan(vlan)) return 'cardFilters';
    this.nicSwitch.addVlan(this.place, vlan);
    members.add(vlan);
    return null;
  }

  /** Leaves a VLAN; nothing if it is no member. */
  leaveVlan(vlan: number): void {
    if (!this.members.delete(vlan)) return;
    this.nicSwitch.removeVlan(this.place, vlan);
    this.budget.freeVlan(vlan);
  }

  /** Gives all back to the card. What the switch has of them is taken there with the VPort. */
  giveBack(): void {
    for (let i = this.macs.size; i > 0; i--) this.budget.freeMac();
    for (const vlan of this.members) this.budget.freeVlan(vlan);
  }
}
