import type { Component, Probe, Scheduler } from '../kernel/index.ts';
import { LinkDirection } from './link-direction.ts';
import type { LinkOptions } from './link-options.ts';
import type { TlpPool } from './tlp-pool.ts';

/**
 * The two directions of a PCI Express link.
 *
 * @example
 * const link = new PcieLink('link', scheduler, new Probe(scheduler), tlps, options);
 * const port = new RootPort('root port', scheduler, link, tlps, memory, iommu, interrupts, portOptions, () => {});
 * const requester = new Requester('device', link.upstream, tlps, store, requesterOptions);
 * port.connect(requester);
 * link.downstream.receiver = { receive: (tlp) => requester.complete(tlp) };
 * requester.write({ ...request, routingId: 0x0100, address: 0x1000, bytes: 64, client: requester.addClient(client) });
 * scheduler.runUntilIdle();
 * link.upstream.tlpBytes; // 84: framing and LCRC 8, header 12, payload 64
 */
export class PcieLink implements Component {
  readonly name: string;
  /** From the device to the root complex. */
  readonly upstream: LinkDirection;
  /** From the root complex to the device. */
  readonly downstream: LinkDirection;

  constructor(name: string, scheduler: Scheduler, probe: Probe, tlps: TlpPool, options: LinkOptions) {
    this.name = name;
    this.upstream = new LinkDirection(
      `${name}.upstream`,
      scheduler,
      probe,
      tlps,
      options,
      options.rootCredits,
    );
    this.downstream = new LinkDirection(
      `${name}.downstream`,
      scheduler,
      probe,
      tlps,
      options,
      options.deviceCredits,
      1,
    );
    this.upstream.reverse = this.downstream;
    this.downstream.reverse = this.upstream;
  }

  reset(): void {
    this.upstream.reset();
    this.downstream.reset();
  }

  counters(): Record<string, number> {
    return {
      ...prefixed('upstream', this.upstream.counters()),
      ...prefixed('downstream', this.downstream.counters()),
    };
  }
}

function prefixed(prefix: string, counters: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [`${prefix}.${name}`, value]));
}
