import type { Scheduler } from '../../kernel/index.ts';
import type { BridgePort } from '../bridge.ts';
import type { ConfigTarget, ConfigType } from '../config-access.ts';
import type { Endpoint } from '../endpoint.ts';
import { ERROR_MESSAGES } from '../error-report.ts';
import type { Resettable } from '../root-complex.ts';
import { MESSAGE_BASE, type PostedOrigin } from '../root-port-options.ts';
import { busOf } from '../routing-id.ts';
import {
  CompletionStatus,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  TlpKind,
} from '../tlp.ts';
import type { Tlp, TlpPool } from '../tlp-pool.ts';
import { recordRefusal } from '../tlp-record.ts';
import { passes } from '../topology/error-messages.ts';
import { AddressType, headerOf } from '../topology/request.ts';
import { RequestRouting, type RequestStep, type RoutedRequest } from '../topology/request-routing.ts';
import { HierarchyStructure } from '../topology/structure.ts';
import type { PcieSwitch } from '../topology/switch.ts';
import type { SwitchRouting } from './link-switch.ts';
import type { TlpNode } from './tlp-node.ts';

/** From a configuration request's arrival to its completion, in ps. Estimate: as a card's. */
const CONFIG_PS = 100_000;
const UPPER = 0;
const LOWER = 1;
const COMPLETION_BYTES = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;
const { UNSUPPORTED_REQUEST, COMPLETER_ABORT, SUCCESSFUL } = CompletionStatus;

/** What stands around a {@link SwitchPorts}. */
export interface SwitchNeighbours {
  /** The root port, whose link is the upper one. */
  readonly rootPort: BridgePort;
  /** What is below the switch's only downstream port. */
  readonly endpoint: Endpoint;
  /** Is reset with the bus below that port. */
  readonly device: Resettable;
  /** Told of posted requests that the switch refuses. */
  readonly origin: PostedOrigin;
  readonly timing: { readonly latencyPs: number };
}

/** A request as it has come to the switch. */
class SwitchRequest implements RoutedRequest {
  requester = 0;
  isRead = false;
  address = 0;
  readonly addressType = AddressType.UNTRANSLATED;
  throughRootComplex = false;
  private bytes = 0;

  /** A train's first TLP stands for it. */
  fill(tlp: Tlp): this {
    this.requester = tlp.requester;
    this.isRead = tlp.kind === TlpKind.MEMORY_READ;
    this.address = tlp.address;
    this.bytes = this.isRead && tlp.count > 1 ? tlp.requestBytes : Math.ceil(tlp.bytes / tlp.count);
    return this;
  }

  hop(): void {}

  header(): readonly number[] {
    const { isRead, bytes, requester, address } = this;
    return headerOf({ kind: isRead ? 'read' : 'write', bytes }, requester, address);
  }
}

/**
 * The configuration space of a `LinkSwitch`: the type 1 headers of a {@link PcieSwitch} with one downstream port. Configuration
 * requests for its ports end here; memory requests pass by windows, Bus Master Enable and access control services, error
 * messages by SERR# Enable, and what does not pass is answered or dropped, with an error in AER of the port that found it: all
 * by the same code as in a `PcieHierarchy`.
 */
export class SwitchPorts implements SwitchRouting {
  readonly pcieSwitch: PcieSwitch;
  private readonly scheduler: Scheduler;
  private readonly tlps: TlpPool;
  private readonly neighbours: SwitchNeighbours;
  private readonly requests: RequestRouting;
  private readonly request = new SwitchRequest();
  private readonly answer: number;
  private node: TlpNode | null = null;

  constructor(
    name: string,
    scheduler: Scheduler,
    tlps: TlpPool,
    pcieSwitch: PcieSwitch,
    neighbours: SwitchNeighbours,
  ) {
    const { rootPort, endpoint, device } = neighbours;
    this.pcieSwitch = pcieSwitch;
    this.scheduler = scheduler;
    this.tlps = tlps;
    this.neighbours = neighbours;
    const structure = new HierarchyStructure([rootPort]);
    const { downstream } = rootPort;
    structure.connect(rootPort, pcieSwitch, {});
    structure.connect(this.port, endpoint, {});
    // Requests for what is below travel as TLPs.
    rootPort.downstream = downstream;
    this.port.downstream = new BelowPort(device);
    this.requests = new RequestRouting(structure, { translator: null, memory: null, peerToPeer: false });
    this.answer = scheduler.task(`${name}.answer`, (index) => this.answerConfig(tlps.records[index]));
    const { function: upstream } = pcieSwitch.upstream;
    upstream.sendError = (source, code) => this.sendError(source, code);
    this.port.function.sendError = (source, code) => {
      if (passes(upstream, code)) this.sendError(source, code);
    };
  }

  /** The downstream port. */
  get port(): BridgePort {
    return this.pcieSwitch.downstream[0];
  }

  /** Where what the ports make themselves leaves: known before anything runs. */
  attach(node: TlpNode): void {
    this.node = node;
  }

  passes(node: TlpNode, fromAbove: boolean, tlp: Tlp): boolean {
    const { kind, flowClass } = tlp;
    if (flowClass === FlowClass.COMPLETION) return true;
    if (kind === TlpKind.MESSAGE) return this.messagePasses(node, tlp);
    if (kind !== TlpKind.CONFIG_READ && kind !== TlpKind.CONFIG_WRITE) {
      const { requests, pcieSwitch, port } = this;
      const request = this.request.fill(tlp);
      const step = fromAbove ? requests.fromAbove(pcieSwitch, request) : requests.fromBelow(port, request);
      if (step.to === 'above' || step.to === 'below') return true;
      this.refuse(node, fromAbove ? UPPER : LOWER, tlp, step);
      return false;
    }
    const type = this.configRoute(tlp);
    if (type >= 0) {
      tlp.configType = type;
      return true;
    }
    const delayPs = node.restPs(UPPER, tlp) + CONFIG_PS;
    node.release(UPPER, tlp);
    this.scheduler.schedule(delayPs, this.answer, tlp.index, 0);
    return false;
  }

  /** A request of software's, or the answer to one, has met a link that is down: it is completed as an Unsupported Request. */
  readonly takeBack = (tlp: Tlp): void => {
    this.complete(tlp, UNSUPPORTED_REQUEST, 0);
    this.node!.send(UPPER, tlp);
  };

  /** As which type a configuration request goes on below the downstream port; -1 for one that ends here. */
  private configRoute({ configType, target }: Tlp): ConfigType | -1 {
    const { port } = this;
    if (configType === 0 || this.pcieSwitch.upstream.configRoute(target) !== 1) return -1;
    return port.covers(busOf(target)) ? port.configRoute(target) : -1;
  }

  /** It is for a port, or for nobody. */
  private answerConfig(tlp: Tlp): void {
    const { pcieSwitch } = this;
    const { kind, target, address, bytes } = tlp;
    const type = tlp.configType as ConfigType;
    const isWrite = kind === TlpKind.CONFIG_WRITE;
    const value = isWrite
      ? Number(pcieSwitch.configWrite(target, address, bytes, tlp.data >>> 0, type)) - 1
      : pcieSwitch.configRead(target, address, bytes, type);
    this.complete(tlp, value < 0 ? UNSUPPORTED_REQUEST : SUCCESSFUL, value < 0 || isWrite ? 0 : 4);
    tlp.data = value | 0;
    this.node!.send(UPPER, tlp);
  }

  private messagePasses(node: TlpNode, tlp: Tlp): boolean {
    const { port, pcieSwitch } = this;
    // Ports judge errors alone: INTx goes through, whatever their Interrupt Disable says (7.5.1.1).
    if (!ERROR_MESSAGES.includes(tlp.data)) return true;
    if (passes(port.function, tlp.data) && passes(pcieSwitch.upstream.function, tlp.data)) return true;
    node.release(LOWER, tlp);
    this.tlps.give(tlp);
    return false;
  }

  private refuse(node: TlpNode, from: number, tlp: Tlp, step: RequestStep): void {
    node.release(from, tlp);
    const { origin, timing } = this.neighbours;
    const isWrite = tlp.flowClass === FlowClass.POSTED;
    if (from === LOWER) recordRefusal(node.ports[LOWER].in.probe, tlp, Number(isWrite));
    if (isWrite) {
      const { client, cookie } = tlp;
      this.tlps.give(tlp);
      origin.landed(client, cookie);
      return;
    }
    const isAbort = 'status' in step && step.status === 'completer-abort';
    this.complete(tlp, isAbort ? COMPLETER_ABORT : UNSUPPORTED_REQUEST, 0);
    node.send(from, tlp, timing.latencyPs);
  }

  /** Turns a request into its completions, in the same record. */
  private complete(tlp: Tlp, status: CompletionStatus, bytes: number): void {
    tlp.kind = bytes > 0 ? TlpKind.COMPLETION_DATA : TlpKind.COMPLETION;
    tlp.flowClass = FlowClass.COMPLETION;
    tlp.status = status;
    tlp.bytes = bytes;
    tlp.dataCredits = bytes > 0 ? 1 : 0;
    tlp.linkBytes = tlp.count * COMPLETION_BYTES + bytes;
    tlp.extraPs = 0;
  }

  /** An error of a port's own. */
  private sendError(source: number, code: number): void {
    const tlp = this.tlps.take();
    tlp.kind = TlpKind.MESSAGE;
    tlp.flowClass = FlowClass.POSTED;
    tlp.requester = source;
    tlp.address = MESSAGE_BASE;
    tlp.bytes = tlp.dataCredits = tlp.headBytes = tlp.extraPs = 0;
    tlp.count = 1;
    tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + HEADER_4DW_BYTES;
    tlp.store = null;
    tlp.client = -1;
    tlp.data = code;
    this.node!.send(UPPER, tlp);
  }
}

/** What is below the downstream port: it is reached by TLPs alone. */
class BelowPort implements ConfigTarget {
  private readonly device: Resettable;

  constructor(device: Resettable) {
    this.device = device;
  }

  configRead(): number {
    return -1;
  }

  configWrite(): boolean {
    return false;
  }

  hotReset(): void {
    this.device.hotReset();
  }
}
