import type { BridgePort } from '../bridge.ts';
import { FlowClass } from '../tlp.ts';
import type { Tlp } from '../tlp-pool.ts';
import type { CompletionStep } from '../topology/completion-routing.ts';
import type { RequestRefusal } from '../topology/request-routing.ts';
import type { HierarchyDevice } from '../topology/structure.ts';
import type { CompletionOrigin, Way } from '../topology/ways.ts';
import { type CompleterTiming, FabricCompleter } from './fabric-completer.ts';
import type { FabricCore } from './fabric-core.ts';
import type { Transfer } from './fabric-request.ts';
import { FabricRequester, type RequesterLimits } from './fabric-requester.ts';
import { type FabricCompletion, FabricTlp } from './fabric-tlp.ts';
import { type ForwardingTiming, type NodeOwner, type NodePort, TlpNode } from './tlp-node.ts';

/** What a node is made of. */
export interface FabricNodeOptions {
  readonly name: string;
  /** The switch or endpoint that it is; null for the root complex. */
  readonly device: HierarchyDevice | null;
  /** The ports whose links lead down, in the order of their links. */
  readonly downstream: readonly BridgePort[];
  /** That of the upstream port first, where there is one. */
  readonly links: readonly NodePort[];
  readonly forwarding: ForwardingTiming;
  /** From when something is made here until it is at the port, in ps. */
  readonly outboundPs: number;
  readonly requester: RequesterLimits;
  readonly completer: CompleterTiming;
}

/** A switch, a device, or the root complex with memory and processors: it decides about what comes in as the hierarchy does. */
export class FabricNode implements NodeOwner {
  readonly node: TlpNode;
  private readonly core: FabricCore;
  private readonly device: HierarchyDevice | null;
  private readonly downstream: readonly BridgePort[];
  private readonly requester: FabricRequester;
  private readonly completer: FabricCompleter;
  private readonly outboundPs: number;
  /** From a request that is refused to its completion. */
  private readonly refusePs: number;

  constructor(core: FabricCore, options: FabricNodeOptions) {
    const { name, device, links, forwarding, completer, requester } = options;
    this.core = core;
    this.device = device;
    this.downstream = options.downstream;
    this.outboundPs = options.outboundPs;
    this.refusePs = forwarding.latencyPs;
    this.node = new TlpNode(name, core.scheduler, core.tlps, links, forwarding, this);
    this.requester = new FabricRequester(name, core, requester, (request) => this.launch(request));
    this.completer = new FabricCompleter(
      name,
      core,
      completer,
      core.hierarchy.services.memory,
      (completion, { origin }) => this.startCompletion(completion, origin),
    );
  }
  /** The device, or a processor, reads or writes. */
  start(transfer: Transfer): void {
    this.requester.start(transfer);
  }

  arrived(port: number, tlp: Tlp): void {
    const what = this.core.of(tlp);
    if (what instanceof FabricTlp) this.requestArrived(port, tlp, what);
    else this.completionArrived(port, tlp, what);
  }

  left(flowClass: FlowClass): void {
    if (flowClass === FlowClass.COMPLETION) this.completer.left();
    else this.requester.left(flowClass);
  }

  private requestArrived(port: number, tlp: Tlp, request: FabricTlp): void {
    const { requests } = this.core;
    const below = this.portBelow(port);
    const step =
      below === null ? requests.fromAbove(this.device!, request) : requests.fromBelow(below, request);
    if (step.to === 'above' || step.to === 'below') {
      // The root complex may have had the address translated.
      if (request.address !== tlp.address) request.fill(tlp);
      this.node.forward(port, this.portOf(step), tlp);
    } else if (step.to === 'completer') {
      this.completer.take({ request, ...step }, () => this.taken(port, tlp));
    } else {
      this.taken(port, tlp);
      this.refuse(request, step);
    }
  }

  private completionArrived(port: number, tlp: Tlp, completion: FabricCompletion): void {
    const { completions } = this.core;
    const below = this.portBelow(port);
    const step =
      below === null
        ? completions.fromAbove(this.device!, completion)
        : completions.fromBelow(below, completion);
    if (step.to === 'above' || step.to === 'below') {
      this.node.forward(port, this.portOf(step), tlp);
      return;
    }
    this.taken(port, tlp);
    endCompletion(step, completion);
  }

  private taken(port: number, tlp: Tlp): void {
    this.node.release(port, tlp);
    this.core.give(tlp);
  }

  /** Sends a request that is made here. */
  private launch(request: FabricTlp): void {
    const { requests } = this.core;
    const { from } = request.transfer.request;
    const step = from === null ? requests.fromProcessor(request) : requests.fromFunction(from, request);
    if (step.to === 'above' || step.to === 'below') {
      const tlp = this.core.take(request);
      this.requester.sent(tlp.flowClass);
      this.node.send(this.portOf(step), tlp, this.outboundPs);
    } else if (step.to === 'completer') {
      this.completer.take({ request, ...step }, () => {});
    } else {
      this.refuse(request, step);
    }
  }

  private refuse(request: FabricTlp, { error, status, origin }: RequestRefusal): void {
    const { transfer } = request;
    transfer.error ??= error;
    transfer.throughRootComplex ||= request.throughRootComplex;
    if (!request.isRead) transfer.end(status, this.core.scheduler.now);
    else this.startCompletion(request.completion(0, request.at, status), origin, this.refusePs);
  }

  private startCompletion(completion: FabricCompletion, origin: CompletionOrigin, delayPs = 0): void {
    const step = this.core.completions.start(origin, completion);
    if (step.to === 'above' || step.to === 'below') {
      this.completer.sent();
      this.node.send(this.portOf(step), this.core.take(completion), delayPs);
    } else {
      endCompletion(step, completion);
    }
  }

  /** The port at the number `port` whose link leads down, or null for the upstream port. */
  private portBelow(port: number): BridgePort | null {
    if (this.device === null) return this.downstream[port];
    return port === 0 ? null : this.downstream[port - 1];
  }

  private portOf(way: Way): number {
    if (way.to === 'above') return 0;
    const at = this.downstream.indexOf(way.port);
    return this.device === null ? at : at + 1;
  }
}

/** A completion has come to who waits for it, or never will. */
function endCompletion(step: Exclude<CompletionStep, Way>, completion: FabricCompletion): void {
  const { owner } = completion.request;
  if (step.to === 'requester') owner.complete(completion);
  else owner.lost(completion, step.at, step.reason);
}
