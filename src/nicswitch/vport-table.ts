import { checkInteger, checkKeys } from '../base/index.ts';
import { FilterBudget } from './filter-budget.ts';
import { NicSwitch } from './nic-switch.ts';
import type { SwitchCompanion } from './switch-companion.ts';
import { VPort, type VPortHost, type VPortOwner } from './vport.ts';
import { checkLimits, type VPortLimits } from './vport-limits.ts';

/** Identifier of the default VPort (NDIS: NDIS_DEFAULT_VPORT_ID). */
export const DEFAULT_VPORT_ID = 0;

/** How a VPort is created. */
export interface VPortOptions {
  /** The function that it belongs to. Default 'pf'. */
  readonly owner?: VPortOwner;
  /** Its identifier, from 1 on. Default: the lowest that is free. */
  readonly id?: number;
  /** Its place in the switch (82599: the pool). Default: the lowest that is free. */
  readonly place?: number;
}

/** What there is beside the limits. */
export interface VPortTableOptions {
  /** Default: as many as the switch has places, and filters as of a large one. */
  readonly limits?: Partial<VPortLimits>;
  /** Place of the default VPort. Default 0. */
  readonly defaultPlace?: number;
}

const VPORT_OPTIONS = { owner: true, id: true, place: true } as const;
/** A switch has one table: the last that was made. */
const tables = new WeakMap<NicSwitch, VPortTable>();
const TABLE_OPTIONS = { limits: true, defaultPlace: true } as const;

/**
 * The VPorts of a switch as software sees them: with identifiers, states and owners, over the places that the
 * switch numbers from 0. Whatever was set at these places before is taken back. The default VPort, identifier 0,
 * is the PF's, takes the place of the switch's default VPort and is always there. What a place counted for an
 * earlier VPort is not counted for a later one. {@link NicSwitch.reset} deletes all VPorts, and makes a new default
 * one; of several tables, one after the other, only the last has one then.
 *
 * Names and rules are those of NDIS's NIC switches (OID_NIC_SWITCH_CREATE_VPORT and so on), with one
 * difference: a VPort can be deactivated as well, as `ip link set DEV vf N state disable` does on Linux.
 *
 * @example
 * const vports = new VPortTable(nicSwitch, { limits: { vportsPerVf: 1 } });
 * const guest = vports.create({ owner: { vf: 3 } }); // active: on a VF
 * guest.setMac('02:00:00:00:01:00');
 * const queue = vports.create(); // on the PF, for a guest without a VF
 * queue.activate();
 * nicSwitch.route(slot, guest.place);
 * queue.delete();
 */
export class VPortTable implements SwitchCompanion {
  readonly limits: VPortLimits;
  readonly nicSwitch: NicSwitch;
  private readonly byId = new Map<number, VPort>();
  private readonly usedPlaces = new Set<number>();
  private readonly host: VPortHost;
  private readonly defaultPlace: number;

  /** @throws TypeError or RangeError that names the option. */
  constructor(nicSwitch: NicSwitch, options: VPortTableOptions = {}) {
    if (!(nicSwitch instanceof NicSwitch)) throw new TypeError('nicSwitch must be a NicSwitch');
    checkKeys<VPortTableOptions>('options', options, TABLE_OPTIONS);
    this.nicSwitch = nicSwitch;
    this.limits = checkLimits(options.limits ?? {}, nicSwitch.vports);
    this.host = {
      nicSwitch,
      limits: this.limits,
      budget: new FilterBudget(this.limits),
      forget: (vport) => this.forget(vport),
    };
    this.defaultPlace = checkInteger('defaultPlace', options.defaultPlace ?? 0, 0, nicSwitch.vports - 1);
    // The VPorts of an earlier table end with what was set at their places.
    tables.get(nicSwitch)?.resetting();
    for (let place = 0; place < nicSwitch.vports; place++) nicSwitch.retireVPort(place);
    this.begin();
    tables.set(nicSwitch, this);
    nicSwitch.attach(this);
  }

  private begin(): void {
    this.make(DEFAULT_VPORT_ID, this.defaultPlace, 'pf').activate();
    this.nicSwitch.setDefaultVPort(this.defaultPlace);
  }

  /** @internal All VPorts end with the settings of the switch. */
  resetting(): void {
    for (const vport of this.list) vport.end();
    this.byId.clear();
    this.usedPlaces.clear();
  }

  /** @internal */
  wasReset(): void {
    if (tables.get(this.nicSwitch) === this) this.begin();
  }

  /** The default VPort. */
  get default(): VPort {
    return this.get(DEFAULT_VPORT_ID);
  }

  /** VPorts that there are, by identifier. */
  get list(): readonly VPort[] {
    return [...this.byId.values()].sort((a, b) => a.id - b.id);
  }

  /** MAC and VLAN filters in use. */
  get filtersUsed(): { readonly macs: number; readonly vlans: number } {
    return this.host.budget.used;
  }

  /** The VPort with this identifier. @throws RangeError if there is none. */
  get(id: number): VPort {
    const vport = this.byId.get(id);
    if (vport === undefined) {
      const ids = [...this.byId.keys()].slice(0, 9).join(', ');
      throw new RangeError(`id must be that of a VPort, such as ${ids}, got ${String(id)}`);
    }
    return vport;
  }

  /** The VPort at a place of the switch, if there is one. */
  at(place: number): VPort | null {
    return this.list.find((vport) => vport.place === place) ?? null;
  }

  /**
   * Creates a VPort (NDIS: OID_NIC_SWITCH_CREATE_VPORT). One on a VF is active at once; one on the PF when it
   * is activated.
   *
   * @throws TypeError or RangeError that names the option, or the limit that is reached.
   */
  create(options: VPortOptions = {}): VPort {
    checkKeys<VPortOptions>('options', options, VPORT_OPTIONS);
    const owner = checkOwner(options.owner ?? 'pf');
    const { limits } = this;
    const siblings = this.list.filter((vport) => sameOwner(vport.owner, owner)).length;
    if (this.byId.size >= limits.vports) throw limitReached('VPorts', limits.vports);
    if (owner === 'pf' && siblings >= limits.vportsOnPf) {
      throw limitReached('VPorts on the PF', limits.vportsOnPf);
    }
    if (owner !== 'pf' && siblings >= limits.vportsPerVf) {
      throw limitReached(`VPorts on VF ${owner.vf}`, limits.vportsPerVf);
    }
    const { vports: places } = this.nicSwitch;
    const id = this.free('id', options.id, 1, Number.MAX_SAFE_INTEGER, (each) => this.byId.has(each));
    const place = this.free('place', options.place, 0, places - 1, (each) => this.usedPlaces.has(each));
    const vport = this.make(id, place, owner);
    if (owner !== 'pf') vport.activate();
    return vport;
  }

  private make(id: number, place: number, owner: VPortOwner): VPort {
    const vport = new VPort(id, place, owner, this.host);
    this.byId.set(id, vport);
    this.usedPlaces.add(place);
    return vport;
  }

  /** `wanted` if it is free, else the lowest that is. */
  private free(
    name: string,
    wanted: number | undefined,
    first: number,
    last: number,
    isTaken: (value: number) => boolean,
  ): number {
    if (wanted !== undefined) {
      checkInteger(name, wanted, first, last);
      if (isTaken(wanted)) throw new RangeError(`${name} ${wanted} belongs to another VPort`);
      return wanted;
    }
    let value = first;
    while (isTaken(value)) value++;
    return value;
  }

  private forget(vport: VPort): void {
    this.byId.delete(vport.id);
    this.usedPlaces.delete(vport.place);
  }
}

function checkOwner(owner: VPortOwner): VPortOwner {
  if (owner === 'pf') return owner;
  if (typeof owner !== 'object' || owner === null) {
    throw new TypeError(`owner must be 'pf' or { vf }, got ${String(owner)}`);
  }
  return { vf: checkInteger('owner.vf', owner.vf, 0, 65_535) };
}

function sameOwner(one: VPortOwner, other: VPortOwner): boolean {
  if (one === 'pf' || other === 'pf') return one === other;
  return one.vf === other.vf;
}

function limitReached(what: string, limit: number): RangeError {
  return new RangeError(`there are already ${limit} ${what}: no more are possible`);
}
