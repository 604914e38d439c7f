import { checkOneOf, checkPowerOfTwo } from '../../base/index.ts';
import { type Component, Probe, type Scheduler } from '../../kernel/index.ts';
import type { BridgePort } from '../bridge.ts';
import { Endpoint } from '../endpoint.ts';
import { PcieLink } from '../link.ts';
import { type BitErrors, LinkErrors } from '../link-errors.ts';
import type { LinkOptions } from '../link-options.ts';
import { TlpPool } from '../tlp-pool.ts';
import type { PcieHierarchy } from '../topology/hierarchy.ts';
import type { HierarchyDevice } from '../topology/structure.ts';
import type { PcieSwitch } from '../topology/switch.ts';
import { FabricCore } from './fabric-core.ts';
import { FabricNode, type FabricNodeOptions } from './fabric-node.ts';
import {
  checkFabricOptions,
  type DeviceTiming,
  deviceTimingOf,
  type FabricOptions,
  linkOptionsOf,
  rootTimingOf,
  switchTimingOf,
} from './fabric-options.ts';
import { checkRequest, type FabricOutcome, type FabricRequest, Transfer } from './fabric-request.ts';
import type { ForwardingTiming, NodePort } from './tlp-node.ts';

/** A processor asks for a cache line at most. */
const PROCESSOR_BYTES = 64;
const PROCESSOR_TAGS = 256;
/** Where endpoints cut completions (PCIe 3.0 2.3.1.1). */
const DEVICE_BOUNDARY = 128;

/** A link that has been made, with what is at its lower end. */
interface MadeLink {
  readonly link: PcieLink;
  readonly options: LinkOptions;
  readonly device: HierarchyDevice;
}

/**
 * A PCI Express hierarchy in time: TLPs travel over the links of a {@link PcieHierarchy}, each with its own generation, width,
 * credits, Acks and SKIPs, and through switches that buffer, arbitrate and keep the order of PCI Express. Where a TLP goes, and
 * which errors come of it, is decided by the hierarchy itself, in the device where the TLP is.
 *
 * Every device must have been connected before. Payload is cut by the least Max_Payload_Size of all links, as software sets it.
 *
 * @example
 * const fabric = new PcieFabric('fabric', scheduler, hierarchy, {
 *   link: () => ({ rate: { generation: 3, lanes: 16 } }),
 *   switchTiming: () => ({ latencyPs: 100_000, forwarding: 'cut-through' }),
 * });
 * fabric.request({ from: card.functions[0], kind: 'write', address, bytes: 4096 }, ({ startPs, endPs }) => {
 *   console.log((endPs - startPs) / 1000); // ns
 * });
 * scheduler.runUntilIdle();
 */
export class PcieFabric implements Component {
  readonly name: string;
  /** Of its links: TLPs that are sent, as in a machine. */
  readonly probe: Probe;
  private readonly scheduler: Scheduler;
  private readonly core: FabricCore;
  private readonly root: FabricNode;
  private readonly nodes: FabricNode[] = [];
  private readonly byEndpoint = new Map<Endpoint, FabricNode>();
  private readonly links = new Map<BridgePort, MadeLink>();
  private transfers = 0;

  /** @throws TypeError or RangeError that names an option that is wrong. */
  constructor(name: string, scheduler: Scheduler, hierarchy: PcieHierarchy, options: FabricOptions = {}) {
    checkFabricOptions(options);
    this.name = name;
    this.scheduler = scheduler;
    this.probe = new Probe(scheduler);
    const tlps = new TlpPool(checkPowerOfTwo('tlps', options.tlps ?? 4096, 64, 1 << 16));
    this.core = new FabricCore(scheduler, tlps, hierarchy);
    const { structure } = hierarchy;
    const connect = (ports: readonly BridgePort[], prefix: string, isRoot: boolean) => {
      for (const [i, port] of ports.entries()) {
        const device = structure.deviceBelow(port);
        if (device === null) continue;
        const at = `${prefix}.${i}`;
        const made = linkOptionsOf(options, port, isRoot, device);
        this.links.set(port, {
          link: new PcieLink(at, scheduler, this.probe, tlps, made),
          options: made,
          device,
        });
        if (!(device instanceof Endpoint)) connect(device.downstream, at, false);
      }
    };
    connect(hierarchy.rootPorts, `${name}.link`, true);
    const made = [...this.links.values()];
    const sizes = made.map((each) => each.options.maxPayloadBytes);
    const maxPayloadBytes = Math.min(4096, ...sizes);
    this.root = new FabricNode(this.core, this.rootOptions(options, maxPayloadBytes));
    for (const each of made) {
      const { device } = each;
      const isEndpoint = device instanceof Endpoint;
      const made = isEndpoint
        ? endpointOptions(each, device, deviceTimingOf(options, device), maxPayloadBytes)
        : this.switchOptions(each, device, switchTimingOf(options, device), maxPayloadBytes);
      const node = new FabricNode(this.core, made);
      this.nodes.push(node);
      if (isEndpoint) this.byEndpoint.set(device, node);
    }
    for (const { node } of [this.root, ...this.nodes]) node.open();
  }

  /**
   * Reads or writes, beginning now. What becomes of it is told once, when its last TLP has ended: before this returns where
   * none sets out.
   *
   * @throws TypeError or RangeError if the request is malformed or its function is not of this hierarchy.
   */
  request(request: FabricRequest, done: (outcome: FabricOutcome) => void): void {
    checkRequest(request);
    const { from } = request;
    const node = from === null ? this.root : this.byEndpoint.get(this.core.structure.endpointWith(from));
    if (node === undefined) {
      throw new RangeError(`from must have been connected before the fabric was made, ${from?.name} was not`);
    }
    node.start(new Transfer(request, this.scheduler.now, this.transfers++, done));
  }

  /**
   * The link below a port.
   *
   * @throws RangeError if nothing is connected to the port.
   */
  link(port: BridgePort): PcieLink {
    const made = this.links.get(port);
    if (made === undefined) throw new RangeError(`port must have a link, ${port.function.name} has none`);
    return made.link;
  }

  /**
   * Has bit errors on the link below a port, in one of its directions, from now on.
   *
   * @throws RangeError if nothing is connected to the port.
   */
  addErrors(port: BridgePort, direction: 'upstream' | 'downstream', errors: BitErrors): LinkErrors {
    checkOneOf('direction', direction, ['upstream', 'downstream']);
    const { [direction]: disturbed } = this.link(port);
    const device = this.core.structure.deviceBelow(port)!;
    const below = device instanceof Endpoint ? device.functions[0] : device.upstream.function;
    const ends = direction === 'upstream' ? [port.function, below] : [below, port.function];
    return new LinkErrors(this.scheduler, disturbed, this.core.tlps, errors, ends[0], ends[1]);
  }

  /** Resets the counters of links and nodes; what is under way goes on. */
  reset(): void {
    for (const { link } of this.links.values()) {
      link.upstream.resetCounters();
      link.downstream.resetCounters();
    }
    for (const { node } of [this.root, ...this.nodes]) node.reset();
  }

  /**
   * Of every link and every node, by its place: `link.0.1` is below port 1 of the switch at root port 0, `link.0.switch` that
   * switch.
   */
  counters(): Record<string, number> {
    const { capacity, available } = this.core.tlps;
    const counters: Record<string, number> = { tlpsUnderWay: capacity - available };
    const parts = [
      ...[...this.links.values()].map(({ link }) => link),
      ...[this.root, ...this.nodes].map(({ node }) => node),
    ];
    for (const part of parts) {
      const prefix = part.name.slice(this.name.length + 1);
      for (const [key, value] of Object.entries(part.counters())) counters[`${prefix}.${key}`] = value;
    }
    return counters;
  }
  private rootOptions(options: FabricOptions, maxPayloadBytes: number): FabricNodeOptions {
    const { latencyPs, memoryReadPs, outboundPs, readCompletionBoundary } = rootTimingOf(options);
    const downstream = this.core.hierarchy.rootPorts.filter((port) => this.links.has(port));
    return {
      name: `${this.name}.root`,
      device: null,
      downstream,
      links: downstream.map((port) => this.portAbove(port)),
      forwarding: { latencyPs, forwarding: 'store-and-forward' },
      outboundPs,
      requester: {
        tags: PROCESSOR_TAGS,
        maxPayloadBytes: PROCESSOR_BYTES,
        maxReadRequestBytes: PROCESSOR_BYTES,
      },
      completer: { readPs: memoryReadPs, readCompletionBoundary, maxPayloadBytes },
    };
  }

  private switchOptions(
    { link }: MadeLink,
    device: PcieSwitch,
    forwarding: ForwardingTiming,
    maxPayloadBytes: number,
  ): FabricNodeOptions {
    const downstream = device.downstream.filter((port) => this.links.has(port));
    return {
      name: `${link.name}.switch`,
      device,
      downstream,
      links: [below(link), ...downstream.map((port) => this.portAbove(port))],
      forwarding,
      outboundPs: 0,
      // A switch asks for nothing and has nothing to read; it answers what it refuses.
      requester: { tags: 1, maxPayloadBytes, maxReadRequestBytes: maxPayloadBytes },
      completer: { readPs: 0, readCompletionBoundary: DEVICE_BOUNDARY, maxPayloadBytes },
    };
  }

  /** The end of a port's link at the port. */
  private portAbove(port: BridgePort): NodePort {
    const { upstream, downstream } = this.link(port);
    return { in: upstream, out: downstream };
  }
}

/** The end of a link at the device below it. */
function below({ upstream, downstream }: PcieLink): NodePort {
  return { in: downstream, out: upstream };
}

function endpointOptions(
  { link }: MadeLink,
  device: Endpoint,
  { readPs, tags, maxReadRequestBytes }: DeviceTiming,
  maxPayloadBytes: number,
): FabricNodeOptions {
  return {
    name: `${link.name}.device`,
    device,
    downstream: [],
    links: [below(link)],
    forwarding: { latencyPs: 0, forwarding: 'store-and-forward' },
    outboundPs: 0,
    requester: { tags, maxPayloadBytes, maxReadRequestBytes },
    completer: { readPs, readCompletionBoundary: DEVICE_BOUNDARY, maxPayloadBytes },
  };
}
