import type { Component, Probe, Scheduler } from '../kernel/index.ts';
import type { Nic, NicProfile } from '../nic/index.ts';
import type {
  BridgePort,
  BridgePortOptions,
  ConfigAccess,
  EnumeratedTree,
  LinkOptions,
  PcieFunction,
  PcieLink,
  Tlp,
  TlpPool,
} from '../pcie/index.ts';
import type { HostProfile } from '../profiles/index.ts';
import type { LinkSnapshot } from './link-snapshot.ts';
import type { PcieReport } from './report.ts';
import type { ProblemReporter } from './scenario-error.ts';
import type { ResolvedPcie } from './scenario-resolved.ts';
import type { Scenario } from './scenario-types.ts';

/**
 * What a scenario with the key `pcie` needs: `pcieParts` of `sriovsim/scenario` is it. Others do without, and do not pay for it.
 */
export interface PcieParts {
  /** Fills in and checks. @param card the profile's name, unless it is one of its user's own. */
  resolve(
    scenario: Pick<Scenario, 'pcie' | 'faults'>,
    card: string,
    own: OwnMachineProfiles,
    reporter: ProblemReporter,
  ): ResolvedPcie;
  /** Parts of a machine that has it. */
  apply<T extends MachineProfiles>(parts: T, pcie: ResolvedPcie): T & PcieMachineParts;
}

/** The profiles that a machine is made of. */
export type MachineProfiles = Required<OwnMachineProfiles>;

/** What a machine has in front of root port and card, and then around them. */
export interface MachineBefore {
  readonly scheduler: Scheduler;
  readonly probe: Probe;
  readonly tlps: TlpPool;
}

/** A machine with root port and card. */
export interface MachineBehind extends MachineBefore {
  /** That of the card. */
  readonly link: PcieLink;
  /** The configuration space of the root port. */
  readonly bridge: BridgePort;
  readonly nic: Nic;
}

/** Profiles of a machine that are not its scenario's. */
export interface OwnMachineProfiles {
  readonly hostProfile?: HostProfile;
  readonly nicProfile?: NicProfile;
}

/** Counters of the root port's link: upstream, downstream. */
export interface RootLinkSnapshot {
  readonly rootLink: readonly LinkSnapshot[];
}

/** What stands between root port and card: made in two steps, before and behind them. */
export interface PcieBetween {
  /** The root port's link. */
  readonly rootLink: PcieLink;
  /** The port that the card's link begins at. */
  readonly port: BridgePort;
  readonly components: readonly Component[];
  /** Functions of its own, from above. */
  readonly functions: readonly PcieFunction[];
  /** Makes the links. Returns that of the card. */
  makeLinks(machine: MachineBefore, options: LinkOptions): PcieLink;
  /** Root port and card are there. */
  connect(machine: MachineBehind): void;
  /** What the root port's link has counted. */
  snapshot(): RootLinkSnapshot;
  /** What it has carried between two snapshots. */
  report(
    from: Partial<RootLinkSnapshot>,
    to: Partial<RootLinkSnapshot>,
    spanPs: number,
  ): Pick<PcieReport, 'rootLink'>;
  /** What software does with it once it has been found. */
  setUp(access: ConfigAccess, tree: EnumeratedTree): void;
  /** Takes back what the card's link, which is down, does not take. */
  readonly takeBack: (tlp: Tlp) => void;
  /** A conventional reset comes down from the root port. */
  hotReset(): void;
}

/** What a {@link MachineParts} has beside profiles, if a scenario says how root port and card are connected. */
export interface PcieMachineParts {
  readonly between?: PcieBetween;
  /** The root port, where it differs. */
  readonly rootPort?: Partial<BridgePortOptions>;
  /** The profiles as they were given. */
  readonly given?: MachineProfiles;
}

/** @throws TypeError if there are none. */
export function needPcieParts(parts: PcieParts | undefined): PcieParts {
  if (parts !== undefined) return parts;
  throw new TypeError(`pcieParts must be an object, got ${parts}`);
}
