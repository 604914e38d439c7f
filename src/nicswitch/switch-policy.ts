import { checkBoolean, checkInteger, checkIntegers, checkKeys, checkOneOf } from '../base/index.ts';
import {
  AND_PORT,
  AS_SWITCH,
  type ForwardingMode,
  NOWHERE,
  TO_PORT,
  VEB,
  VEPA,
  type VPortIsolation,
} from './forwarding.ts';
import type { FrameRate } from './frame-rate-limit.ts';
import { STORM_KINDS, type StormKind } from './storm-control.ts';
import { VPORT_SET } from './switch-tables.ts';
import { TagConfiguration } from './tag-configuration.ts';
import { NUMBER_MASK } from './target.ts';
import { UNTAGGED } from './vlan-table.ts';

const RATE = { framesPerSecond: true, burstFrames: true } as const;
const ALLOWED = { vlans: true, untagged: true } as const;
const TO_VPORT = { vport: true, port: true } as const;

/** VLANs that a VPort may use: see {@link SwitchPolicy.setAllowedVlans}. */
export interface AllowedVlans {
  /** 0 to 4,095. */
  readonly vlans: Iterable<number>;
  /** Whether it may use frames without a tag, and those with VLAN 0, which carry a priority only. Default true. */
  readonly untagged?: boolean;
}

/**
 * What the host lets a VPort do, whatever filters it asks for: whether it takes part, whom it reaches, which
 * VLANs it may use, how many frames to everybody it may send. It stays while its filters are set anew.
 *
 * While the switch is a port extender, the bridge above decides whom a VPort reaches and how much it may send;
 * {@link SwitchPolicy.setVPortActive} and {@link SwitchPolicy.setAllowedVlans} hold here.
 *
 * All methods throw TypeError or RangeError that name the argument.
 */
export class SwitchPolicy extends TagConfiguration {
  /**
   * Whether `vport` takes part at all. All do, at first. Frames from and to one that does not are dropped; its
   * filters stay.
   */
  setVPortActive(vport: number, active: boolean): void {
    this.writeSet(VPORT_SET.ACTIVE, vport, active);
    this.records.compile(vport);
  }

  /** Who exchanges frames with `vport`: see {@link VPortIsolation}; 'shared' at first. */
  setIsolation(vport: number, isolation: VPortIsolation): void {
    checkOneOf('isolation', isolation, ['shared', 'private', 'promiscuous']);
    this.writeSet(VPORT_SET.PRIVATE, vport, isolation === 'private');
    this.writeSet(VPORT_SET.PROMISCUOUS, vport, isolation === 'promiscuous');
    this.records.compileAllDirect();
  }

  /**
   * Where the frames that `vport` sends go: see {@link ForwardingMode}; 'default' at first. Should the VPort
   * that they go to be reset, they go nowhere until this is set anew.
   */
  setForwarding(vport: number, mode: ForwardingMode): void {
    this.vport(vport);
    this.tables.setForwarding(vport, this.wayOf(vport, mode));
    this.records.compileAllDirect();
  }

  /**
   * The VLANs that frames from and to `vport` may have; null, at first, for all. It does not become a member
   * of them: receiving takes membership as well while the filter is on, and sending does where it is checked
   * (`setAntiSpoof`). What counts is the VLAN that a frame has in the switch: with a
   * port VLAN that one.
   */
  setAllowedVlans(vport: number, allowed: AllowedVlans | null): void {
    this.vport(vport);
    this.tables.vlans.setAllowed(vport, allowed === null ? null : rowsOf(allowed));
    this.records.compile(vport);
  }

  /**
   * How many frames of a kind may come in at `port`, a VPort or {@link NicSwitch.uplink}; null, at first, for
   * any number. Frames that are dropped before anybody asks who receives them (malformed, or by a check of the sender) do not
   * count against it; those that nobody then receives do. Times are those of
   * {@link NicSwitchOptions.clock}.
   */
  setStormLimit(port: number, kind: StormKind, rate: FrameRate | null): void {
    checkInteger('port', port, 0, this.uplink);
    checkOneOf('kind', kind, STORM_KINDS);
    if (rate !== null) checkKeys<FrameRate>('rate', rate, RATE);
    this.tables.storms.set(port, kind, rate);
    this.records.compileAllDirect();
  }

  /** Takes from `vport` all its filters and settings: as after construction. */
  resetVPort(vport: number): void {
    this.resetFilters(vport);
    this.clearPolicy(vport);
  }

  private clearPolicy(vport: number): void {
    const { tables } = this;
    for (const kind of STORM_KINDS) tables.storms.set(vport, kind, null);
    tables.vlans.setAllowed(vport, null);
    tables.setForwarding(vport, AS_SWITCH);
    for (let other = 0; other < this.vports; other++) {
      const way = tables.forwarding[other];
      if (way >= 0 && (way & NUMBER_MASK) === vport) {
        tables.setForwarding(other, (way & AND_PORT) === 0 ? NOWHERE : TO_PORT);
      }
    }
    this.setIsolation(vport, 'shared');
    this.setVPortActive(vport, true);
  }

  private wayOf(vport: number, mode: ForwardingMode): number {
    if (typeof mode !== 'object') {
      return { default: AS_SWITCH, veb: VEB, vepa: VEPA, port: TO_PORT }[
        checkOneOf('mode', mode, ['default', 'veb', 'vepa', 'port'])
      ];
    }
    checkKeys<typeof mode>('mode', mode, TO_VPORT);
    const to = checkInteger('mode.vport', mode.vport, 0, this.vports - 1);
    if (to === vport) throw new RangeError(`mode.vport must be another VPort than ${vport}`);
    return mode.port === true ? to | AND_PORT : to;
  }
}

/** The rows of the VLAN table that a list allows. */
function rowsOf(allowed: AllowedVlans): Set<number> {
  checkKeys<AllowedVlans>('allowed', allowed, ALLOWED);
  const rows = new Set(checkIntegers('allowed.vlans', allowed.vlans, 0, 4095));
  if (checkBoolean('allowed.untagged', allowed.untagged ?? true)) rows.add(UNTAGGED).add(0);
  return rows;
}
