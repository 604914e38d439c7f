import { checkInteger, checkOneOf } from '../base/index.ts';
import { isMulticast } from '../wire/index.ts';
import type { FilterBudget } from './filter-budget.ts';
import { checkMac, type MacAddress } from './mac-address.ts';
import type { NicSwitch } from './nic-switch.ts';
import type { PortBalance, PortCounters } from './port-counters.ts';
import { type Refusal, RefusalCounts } from './refusal.ts';
import type { AllowedVlans } from './switch-policy.ts';
import { checkVlan } from './vlan-table.ts';
import { VPortFilters } from './vport-filters.ts';
import type { VPortLimits } from './vport-limits.ts';

/** The function that a VPort belongs to. */
export type VPortOwner = 'pf' | { readonly vf: number };

/**
 * Where a VPort is in its life (NDIS: NDIS_NIC_SWITCH_VPORT_STATE, where what is 'created' is deactivated and
 * what is 'deleted' is undefined).
 */
export type VPortState = 'created' | 'activated' | 'deactivated' | 'deleted';

/** What its driver wants to receive beside its own addresses. */
export type ReceiveMode = 'none' | 'multicast' | 'allMulticast' | 'promiscuous';

/** @internal What a VPort needs of its table. */
export interface VPortHost {
  readonly nicSwitch: NicSwitch;
  readonly limits: VPortLimits;
  readonly budget: FilterBudget;
  /** It is deleted. */
  forget(vport: VPort): void;
}

/**
 * A VPort: identifier, place in the switch, owner, state, and what the host and its guest have set. Methods
 * that begin with `request` are the guest's: they do what the host allows, return why not, and count it. All
 * others are the host's. Further settings are made at {@link VPort.place} of the switch.
 */
export class VPort {
  readonly id: number;
  /** Number of the VPort in the switch. */
  readonly place: number;
  readonly owner: VPortOwner;
  private readonly host: VPortHost;
  private readonly refused = new RefusalCounts();
  private readonly filters: VPortFilters;
  private allowed: { vlans: ReadonlySet<number>; untagged: boolean } | null = null;
  private life: VPortState = 'created';
  private primary: number | null = null;
  /** The address that the host gave it. */
  private given: number | null = null;
  /** Single addresses that its guest has asked for beside its own. */
  private readonly asked = new Set<number>();
  private portVlan: number | null = null;
  private trust = false;
  private mode: ReceiveMode = 'none';
  private lastCounters: PortCounters | null = null;

  /** @internal See {@link VPortTable.create}. */
  constructor(id: number, place: number, owner: VPortOwner, host: VPortHost) {
    this.id = id;
    this.place = place;
    this.owner = owner;
    this.host = host;
    this.filters = new VPortFilters(host.nicSwitch, place, host.limits, host.budget);
    host.nicSwitch.setVPortEnabled(place, true, true);
  }

  get state(): VPortState {
    return this.life;
  }

  /** Its own address, if it has one. */
  get mac(): number | null {
    return this.primary;
  }

  /** Whether its guest is trusted: with other addresses, and with receive modes beyond its groups. */
  get trusted(): boolean {
    return this.trust;
  }

  /** What its driver receives beside its own addresses. */
  get receiveMode(): ReceiveMode {
    return this.mode;
  }

  /** Refusals of what its guest asked for, by reason. */
  get refusals(): Record<Refusal, number> {
    return this.refused.byReason();
  }

  /** What it has seen; for one that is deleted, until then. */
  get counters(): PortCounters {
    return this.lastCounters ?? this.host.nicSwitch.portCounters(this.place);
  }

  /** Both sides of what it has seen. @throws Error if it is deleted. */
  balance(): PortBalance {
    this.checkThere();
    return this.host.nicSwitch.portBalance(this.place);
  }

  /** Takes part from the next frame on. @throws Error if it is active already, or deleted. */
  activate(): void {
    this.checkThere();
    if (this.life === 'activated') throw this.wrongState('is active already');
    this.life = 'activated';
    this.host.nicSwitch.setVPortActive(this.place, true);
  }

  /**
   * Takes no more part, from the next frame on; its filters stay. What is in its output queue stays there.
   *
   * @throws Error if it is not active, or if it is the default VPort.
   */
  deactivate(): void {
    this.checkThere();
    if (this.id === 0) throw this.wrongState('is the default one: it cannot be deactivated');
    if (this.life !== 'activated') throw this.wrongState('is not active');
    this.life = 'deactivated';
    this.host.nicSwitch.setVPortActive(this.place, false);
  }

  /**
   * Takes it out of use, with all its filters, and gives its identifier and its place back (NDIS:
   * OID_NIC_SWITCH_DELETE_VPORT). Frames that wait in its queues are released and counted dropped.
   *
   * @throws Error if it is the default VPort, or deleted already.
   */
  delete(): void {
    this.checkThere();
    if (this.id === 0) throw this.wrongState('is the default one: it cannot be deleted');
    const { host, place } = this;
    this.filters.giveBack();
    host.nicSwitch.flushVPort(place);
    this.lastCounters = host.nicSwitch.portCounters(place);
    host.nicSwitch.retireVPort(place);
    host.forget(this);
    this.life = 'deleted';
  }

  /** @internal It is deleted with all settings of the switch. */
  end(): void {
    this.lastCounters = this.counters;
    this.filters.giveBack();
    this.life = 'deleted';
  }

  /**
   * Gives it its address, or takes it away. With trust, its guest may still take another.
   *
   * @returns why it could not be: the filters are used up.
   * @throws TypeError or RangeError if it is no single address.
   */
  setMac(mac: MacAddress | null): Refusal | null {
    this.checkThere();
    const address = mac === null ? null : checkMac(mac);
    if (address !== null && !isSingle(address))
      throw new RangeError(`mac must be a single address, got ${mac}`);
    // Without trust its guest keeps no other one, and need not have a filter for it while this one is added.
    if (address !== null && !this.trust && this.primary !== null) this.asked.delete(this.primary);
    const refusal = address === null ? this.dropPrimary() : this.replacePrimary(address);
    if (refusal === null) this.given = address;
    if (!this.trust) this.keepGiven();
    return refusal;
  }

  /**
   * Whether its guest is trusted, as `ip link set DEV vf N trust on`. Losing trust, it loses what it took by it: receive
   * modes, and all addresses but the one that the host gave it, if it did.
   */
  setTrusted(trusted: boolean): void {
    this.checkThere();
    this.trust = trusted;
    if (trusted) return;
    if (needsTrust(this.mode)) this.applyMode('multicast');
    this.keepGiven();
    if (this.given !== null) this.replacePrimary(this.given);
  }

  /**
   * Gives it a port VLAN, the only one that it then is a member of, or takes it away. Its guest may ask for no VLAN
   * then. Returns why it could not be: nothing has changed then.
   *
   * @throws TypeError or RangeError if it is no TCI.
   */
  setPortVlan(tci: number | null): Refusal | null {
    this.checkThere();
    if (tci !== null) checkInteger('tci', tci, 0, 0xffff);
    const { filters } = this;
    const { nicSwitch } = this.host;
    if (tci !== null || this.portVlan !== null) {
      const before = filters.vlans;
      for (const vlan of before) filters.leaveVlan(vlan);
      const refusal = tci === null ? null : filters.joinVlan(tci & 0xfff);
      if (refusal !== null) {
        for (const vlan of before) filters.joinVlan(vlan);
        return refusal;
      }
    }
    this.portVlan = tci;
    nicSwitch.setPortVlan(this.place, tci ?? 'descriptor');
    nicSwitch.setAcceptUntagged(this.place, tci === null);
    return null;
  }

  /**
   * The VLANs that it may use: see `NicSwitch.setAllowedVlans`. Its guest leaves those that are not among them; a port
   * VLAN stays, for when it is allowed again.
   */
  setAllowedVlans(allowed: AllowedVlans | null): void {
    this.checkThere();
    const list =
      allowed === null ? null : { vlans: new Set(allowed.vlans), untagged: allowed.untagged ?? true };
    this.host.nicSwitch.setAllowedVlans(this.place, list);
    this.allowed = list;
    if (this.portVlan !== null) return;
    for (const vlan of this.filters.vlans) if (!this.mayUse(vlan)) this.filters.leaveVlan(vlan);
  }

  /** Its guest takes `mac` as its address. */
  requestMac(mac: MacAddress): Refusal | null {
    this.checkThere();
    const address = checkMac(mac);
    if (!isSingle(address)) return this.refused.count('invalidMac');
    const isOther = this.given !== null && !this.trust && address !== this.primary;
    return this.refused.count(isOther ? 'notTrusted' : this.replacePrimary(address));
  }

  /** Its guest wants frames to `mac` as well, a single address or a group's. */
  requestFilter(mac: MacAddress): Refusal | null {
    this.checkThere();
    const address = checkMac(mac);
    if (!isSingle(address) && !isMulticast(address)) return this.refused.count('invalidMac');
    if (isSingle(address) && this.given !== null && !this.trust && address !== this.primary) {
      return this.refused.count('notTrusted');
    }
    const refusal = this.filters.addMac(address);
    if (refusal === null && isSingle(address)) this.asked.add(address);
    return this.refused.count(refusal);
  }

  /** Its guest no longer wants frames to `mac`. */
  releaseFilter(mac: MacAddress): void {
    this.checkThere();
    this.release(checkMac(mac));
  }

  /** Its guest wants to be a member of `vlan`. */
  requestVlan(vlan: number): Refusal | null {
    this.checkThere();
    checkVlan(vlan);
    if (this.portVlan !== null) return this.refused.count('portVlan');
    if (!this.mayUse(vlan)) return this.refused.count('vlanNotAllowed');
    return this.refused.count(this.filters.joinVlan(vlan));
  }

  /** Its guest leaves `vlan`; a port VLAN it cannot leave. */
  releaseVlan(vlan: number): void {
    this.checkThere();
    if (this.portVlan === null) this.filters.leaveVlan(vlan);
  }

  /**
   * Its guest wants to receive more than its own addresses. Without trust it gets groups that it asked for at
   * most, as from Linux's ixgbe. Returns what it has got.
   */
  requestReceiveMode(mode: ReceiveMode): ReceiveMode {
    this.checkThere();
    checkOneOf('mode', mode, ['none', 'multicast', 'allMulticast', 'promiscuous']);
    const isRefused = needsTrust(mode) && !this.trust;
    if (isRefused) this.refused.count('notTrusted');
    this.applyMode(isRefused ? 'multicast' : mode);
    return this.mode;
  }

  private applyMode(mode: ReceiveMode): void {
    const { nicSwitch } = this.host;
    this.mode = mode;
    nicSwitch.setAcceptMulticastHash(this.place, mode !== 'none');
    nicSwitch.setMulticastPromiscuous(this.place, needsTrust(mode));
    nicSwitch.setUnicastPromiscuous(this.place, mode === 'promiscuous');
  }

  private mayUse(vlan: number): boolean {
    const { allowed } = this;
    return allowed === null || allowed.vlans.has(vlan) || (vlan === 0 && allowed.untagged);
  }

  /** Its guest asks for no other single address than the one that the host gave, if it did. */
  private keepGiven(): void {
    const { given } = this;
    if (given === null) return;
    for (const address of this.asked) if (address !== given) this.release(address);
  }

  /** What its guest asked for it asks for no longer; its own address stays. */
  private release(address: number): void {
    this.asked.delete(address);
    if (address !== this.primary) this.filters.removeMac(address);
  }

  private dropPrimary(): null {
    const { primary } = this;
    this.primary = null;
    if (primary !== null && !this.asked.has(primary)) this.filters.removeMac(primary);
    return null;
  }

  /** The new address takes the filter of the old one, unless its guest asked for that one as well. */
  private replacePrimary(address: number): Refusal | null {
    const before = this.primary;
    if (before === address) return null;
    this.dropPrimary();
    const refusal = this.filters.addMac(address);
    if (refusal === null) this.primary = address;
    else if (before !== null) {
      this.filters.addMac(before);
      this.primary = before;
    }
    return refusal;
  }

  private checkThere(): void {
    if (this.life === 'deleted') throw this.wrongState('is deleted');
  }

  private wrongState(problem: string): Error {
    return new Error(`VPort ${this.id} ${problem}`);
  }
}

function needsTrust(mode: ReceiveMode): boolean {
  return mode === 'allMulticast' || mode === 'promiscuous';
}

/** Whether it is an address that a VPort can have. */
function isSingle(address: number): boolean {
  return address !== 0 && !isMulticast(address);
}
