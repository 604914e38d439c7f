import type { Component, Scheduler } from '../../kernel/index.ts';
import type { PcieLink } from '../link.ts';
import type { LinkDirection } from '../link-direction.ts';
import { LinkWire } from '../link-wire.ts';
import { FlowClass } from '../tlp.ts';
import type { TlpPool } from '../tlp-pool.ts';
import { checkForwarding, type ForwardingTiming, TlpNode } from './tlp-node.ts';

/** The most completions, and units of their payload, that the reads of one train of 4 KiB can have. */
const COMPLETIONS = 64;
const COMPLETION_UNITS = 320;

/**
 * A switch between a device and a root port that are made for one link, as `Requester` and `RootPort`: what comes by the link of
 * the one leaves by the link of the other, with the buffers, the order and the time of a switch. Trains pass as trains, each in
 * the time that its TLPs take. It has no configuration space, and neither of its links may go down
 * or be in Flit Mode.
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
export class LinkSwitch implements Component {
  readonly name: string;
  private readonly node: TlpNode;

  /**
   * @param upper to the root port. @param lower to the device.
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
  ) {
    this.name = name;
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
    this.node = new TlpNode(name, scheduler, tlps, ports, timing, {
      arrived: (port, tlp) => this.node.forward(port, 1 - port, tlp),
      left: () => {},
    });
    this.node.open();
  }

  reset(): void {
    this.node.reset();
  }

  counters(): Record<string, number> {
    return this.node.counters();
  }
}

function checkCompletions(direction: LinkDirection): void {
  const { headers, data } = direction.trainLimits(FlowClass.COMPLETION);
  if (headers >= COMPLETIONS && data >= COMPLETION_UNITS) return;
  throw new RangeError(
    `completion credits must be at least ${COMPLETIONS} and ${COMPLETION_UNITS}, got ${headers} and ${data}`,
  );
}
