import type { Component, Scheduler } from '../../kernel/index.ts';
import type { PcieLink } from '../link.ts';
import type { LinkDirection } from '../link-direction.ts';
import { LinkWire } from '../link-wire.ts';
import { FlowClass } from '../tlp.ts';
import type { Tlp, TlpPool } from '../tlp-pool.ts';
import { checkForwarding, type ForwardingTiming, type NodeOwner, TlpNode } from './tlp-node.ts';

/** The most completions, and units of their payload, that the reads of one train of 4 KiB can have. */
const COMPLETIONS = 64;
const COMPLETION_UNITS = 320;
/** Its ports, by number. */
const UPPER = 0;
const LOWER = 1;

/** Decides about what comes to a {@link LinkSwitch}. */
export interface SwitchRouting {
  /** A TLP has come from above, or from below: whether it goes on. If not, it has been taken. */
  passes(node: TlpNode, fromAbove: boolean, tlp: Tlp): boolean;
}

/**
 * A switch between a device and a root port that are made for one link, as `Requester` and `RootPort`: what comes by the link of
 * the one leaves by the link of the other, with the buffers, the order and the time of a switch. Trains pass as trains, each in
 * the time that its TLPs take. By itself it has no configuration space and lets everything pass; `SwitchPorts` give it one.
 * Neither of its links may be in Flit Mode.
 *
 * The lower link may go down. What the switch has begun to pass on goes on its way; an answer that comes for a device which has
 * lost its link since it asked is lost; what the device does not get any more comes to the dead end of the link.
 *
 * It is made behind what stands at the far ends of its links.
 *
 * @example
 * const upper = new PcieLink('upper', scheduler, probe, tlps, { ...options, deviceCredits: switchCredits });
 * const lower = new PcieLink('lower', scheduler, probe, tlps, { ...options, rootCredits: switchCredits });
 * const port = new RootPort('root port', scheduler, upper, tlps, memory, iommu, interrupts, portOptions, () => {});
 * const requester = new Requester('device', lower.upstream, tlps, store, requesterOptions);
 * lower.downstream.receiver = { receive: (tlp) => requester.complete(tlp) };
 * new LinkSwitch('switch', scheduler, tlps, upper, lower, { latencyPs: 100_000, forwarding: 'cut-through' });
 */
export class LinkSwitch implements Component, NodeOwner {
  readonly name: string;
  /** Its buffers and ports: 0 is that of the upper link, 1 that of the lower one. */
  readonly node: TlpNode;
  private readonly tlps: TlpPool;
  private readonly routing: SwitchRouting | null;

  /**
   * @param upper to the root port. @param lower to the device. @param routing Default: everything passes.
   * @throws TypeError or RangeError for a timing that is wrong, a link in Flit Mode, and if a link does not take the trains
   * that come by the other one.
   */
  constructor(
    name: string,
    scheduler: Scheduler,
    tlps: TlpPool,
    upper: PcieLink,
    lower: PcieLink,
    timing: ForwardingTiming,
    routing: SwitchRouting | null = null,
  ) {
    this.name = name;
    this.tlps = tlps;
    this.routing = routing;
    checkForwarding(timing);
    for (const { name, upstream } of [upper, lower]) {
      if (!(upstream.wire instanceof LinkWire)) throw new RangeError(`${name} must not be in Flit Mode`);
    }
    for (const flowClass of [FlowClass.POSTED, FlowClass.NON_POSTED]) {
      const [below, above] = [lower, upper].map(({ upstream }) => upstream.trainLimits(flowClass));
      if (below.headers > above.headers || below.data > above.data) {
        throw new RangeError(`credits of ${lower.name} must be no more than those of ${upper.name}`);
      }
    }
    checkCompletions(upper.downstream);
    const ports = [
      { in: upper.downstream, out: upper.upstream },
      { in: lower.upstream, out: lower.downstream },
    ];
    this.node = new TlpNode(name, scheduler, tlps, ports, timing, this);
    this.node.open();
  }

  arrived(port: number, tlp: Tlp): void {
    const { node, routing } = this;
    if (port === UPPER && tlp.flowClass === FlowClass.COMPLETION && this.isLate(tlp)) {
      node.release(UPPER, tlp);
      this.tlps.lose(tlp);
    } else if (routing === null || routing.passes(node, port === UPPER, tlp)) {
      node.forward(port, port === UPPER ? LOWER : UPPER, tlp);
    }
  }

  left(): void {}

  reset(): void {
    this.node.reset();
  }

  counters(): Record<string, number> {
    return this.node.counters();
  }

  /** Whether the lower link has been reset since the request came by it that a completion answers, in the same record. */
  private isLate(tlp: Tlp): boolean {
    return this.node.cameAt(tlp) !== this.node.ports[LOWER].in.epoch;
  }
}

function checkCompletions(direction: LinkDirection): void {
  const { headers, data } = direction.trainLimits(FlowClass.COMPLETION);
  if (headers >= COMPLETIONS && data >= COMPLETION_UNITS) return;
  throw new RangeError(
    `completion credits must be at least ${COMPLETIONS} and ${COMPLETION_UNITS}, got ${headers} and ${data}`,
  );
}
