import { type Component, Probe, type ProbeKind } from '../kernel/index.ts';
import {
  allEnumerated,
  type BridgePort,
  CAP_PCI_EXPRESS,
  type ConfigAccess,
  type CreditAdvertisement,
  type EnumeratedTree,
  enableAcs,
  LINK_ACTIVE_REPORTING,
  LINK_STATUS_ACTIVE,
  type LinkOptions,
  LinkSwitch,
  type PcieFunction,
  PcieLink,
  PcieSwitch,
  SWITCH_CREDITS,
  SwitchPorts,
  type Tlp,
} from '../pcie/index.ts';
import { linkReport, linkSnapshot } from './link-snapshot.ts';
import type { MachineBefore, MachineBehind, PcieBetween, RootLinkSnapshot } from './pcie-parts.ts';
import type { PcieReport } from './report.ts';
import type { ResolvedCardSwitch, ResolvedPcie } from './scenario-resolved.ts';

const DEVICE_CONTROL = 8;
/** Device Capabilities of a port: role-based error reporting, payloads of up to 4,096 bytes. */
export const PORT_CAPABILITIES = 0x8005;

/** Link Capabilities and Link Capabilities 2 of a port that can speeds up to that of a generation: its bit, and all below. */
export function linkAbilities(
  generation: number,
  lanes: number,
): { readonly linkCapabilities: number; readonly linkCapabilities2: number } {
  return { linkCapabilities: (lanes << 4) | generation, linkCapabilities2: ((1 << generation) - 1) << 1 };
}

/** The probe of the root port's link: what is refused there is told, the TLPs on it are not. */
class RootLinkProbe extends Probe {
  private readonly outer: Probe;

  constructor(outer: Probe) {
    super({ now: 0 });
    this.outer = outer;
  }

  override record(kind: ProbeKind, a: number, b: number, c: number): void {
    this.outer.record(kind, a, b, c);
  }
}

/** A PCI Express switch between root port and card: two links, the switch between them, and its configuration space. */
export class CardSwitch implements PcieBetween {
  readonly pcieSwitch: PcieSwitch;
  private readonly pcie: ResolvedPcie;
  private readonly options: ResolvedCardSwitch;
  private upper: PcieLink | null = null;
  private ports: SwitchPorts | null = null;
  private middle: LinkSwitch | null = null;

  constructor(pcie: ResolvedPcie, options: ResolvedCardSwitch) {
    this.pcie = pcie;
    this.options = options;
    const port = { ...linkAbilities(5, 32), deviceCapabilities: PORT_CAPABILITIES };
    const linkCapabilities = port.linkCapabilities | LINK_ACTIVE_REPORTING;
    const linkStatus = statusOf(pcie) | LINK_STATUS_ACTIVE;
    this.pcieSwitch = new PcieSwitch({
      upstream: { ...port, linkStatus: statusOf(options) },
      ports: [{ ...port, linkCapabilities, linkStatus, ...(options.acs ? {} : { acs: null }) }],
    });
  }

  get rootLink(): PcieLink {
    return this.upper as PcieLink;
  }

  get port(): BridgePort {
    return this.pcieSwitch.downstream[0];
  }

  get components(): readonly Component[] {
    return [this.middle as LinkSwitch, this.rootLink];
  }

  get functions(): readonly PcieFunction[] {
    return [this.pcieSwitch.upstream.function, this.port.function];
  }

  makeLinks({ scheduler, probe, tlps }: MachineBefore, options: LinkOptions): PcieLink {
    if (this.upper !== null) throw new RangeError('parts must be those of one machine');
    const { generation, lanes } = this.options;
    // Half at each end; the switch's own part is in its latency.
    const flightPs = Math.round(options.flightPs / 2);
    this.upper = new PcieLink('rootLink', scheduler, new RootLinkProbe(probe), tlps, {
      ...options,
      rate: { generation, lanes },
      flightPs,
      deviceCredits: SWITCH_CREDITS,
    });
    const rootCredits = lesser(SWITCH_CREDITS, options.rootCredits);
    return new PcieLink('pcie', scheduler, probe, tlps, { ...options, flightPs, rootCredits });
  }

  connect({ scheduler, tlps, link, bridge, nic }: MachineBehind): void {
    const { forwarding, latencyNs } = this.options;
    const timing = { forwarding, latencyPs: Math.round(1000 * latencyNs) };
    const ports = new SwitchPorts('pcieSwitch', scheduler, tlps, this.pcieSwitch, {
      rootPort: bridge,
      endpoint: nic.endpoint,
      device: nic,
      origin: nic.requester,
      timing,
    });
    this.ports = ports;
    this.middle = new LinkSwitch('pcieSwitch', scheduler, tlps, this.rootLink, link, timing, ports);
    ports.attach(this.middle.node);
  }

  /** Max_Payload_Size of its ports, and the access control services of all, as an operating system with an IOMMU has them. */
  setUp(access: ConfigAccess, tree: EnumeratedTree): void {
    const code = 24 - Math.clz32(this.pcie.maxPayloadBytes);
    for (const { isBridge, capabilities, routingId } of allEnumerated(tree)) {
      const express = capabilities.find(({ id, extended }) => id === CAP_PCI_EXPRESS && !extended);
      if (!isBridge || express === undefined) continue;
      const at = express.offset + DEVICE_CONTROL;
      access.write(routingId, at, 2, (access.read(routingId, at, 2) & ~0xe0) | (code << 5));
    }
    enableAcs(access, tree);
  }

  readonly takeBack = (tlp: Tlp): void => (this.ports as SwitchPorts).takeBack(tlp);

  snapshot(): RootLinkSnapshot {
    const { upstream, downstream } = this.rootLink;
    return { rootLink: [linkSnapshot(upstream), linkSnapshot(downstream)] };
  }

  report(
    { rootLink: from = [] }: Partial<RootLinkSnapshot>,
    { rootLink: to = [] }: Partial<RootLinkSnapshot>,
    spanPs: number,
  ): Pick<PcieReport, 'rootLink'> {
    const { upstream, downstream } = this.rootLink;
    return {
      rootLink: {
        upstream: linkReport(upstream, from[0], to[0], spanPs),
        downstream: linkReport(downstream, from[1], to[1], spanPs),
      },
    };
  }

  hotReset(): void {
    this.pcieSwitch.hotReset();
  }
}

function statusOf({ generation, lanes }: { readonly generation: number; readonly lanes: number }): number {
  return (lanes << 4) | generation;
}

/** What neither of two buffers overflows with. Completions never wait: a card takes all. */
function lesser(a: CreditAdvertisement, b: CreditAdvertisement): CreditAdvertisement {
  return {
    postedHeaders: Math.min(a.postedHeaders, b.postedHeaders),
    postedData: Math.min(a.postedData, b.postedData),
    nonPostedHeaders: Math.min(a.nonPostedHeaders, b.nonPostedHeaders),
    nonPostedData: Math.min(a.nonPostedData, b.nonPostedData),
    completionHeaders: a.completionHeaders,
    completionData: a.completionData,
  };
}
