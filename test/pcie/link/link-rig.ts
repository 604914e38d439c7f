import { Probe, Scheduler } from '../../../src/kernel/index.ts';
import { INFINITE_CREDITS } from '../../../src/pcie/credits.ts';
import { PcieLink } from '../../../src/pcie/link.ts';
import type { LinkDirection } from '../../../src/pcie/link-direction.ts';
import type { LinkOptions } from '../../../src/pcie/link-options.ts';
import {
  DATA_LINK_OVERHEAD_BYTES,
  type FlowClass,
  flowClassOf,
  HEADER_3DW_BYTES,
  TlpKind,
} from '../../../src/pcie/tlp.ts';
import { type Tlp, TlpPool } from '../../../src/pcie/tlp-pool.ts';

/** As a receiver that never runs out advertises. */
export const INFINITE = INFINITE_CREDITS;

/** A train that has arrived, with the number under which it was sent. */
export interface Arrival {
  readonly timePs: number;
  readonly id: number;
  readonly kind: TlpKind;
  readonly flowClass: FlowClass;
  readonly headers: number;
  readonly data: number;
}

export const FLIGHT_PS = 100_000;

/** A link between two ends that note what arrives and give credits back when they are told to. */
export class LinkRig {
  readonly scheduler = new Scheduler();
  readonly tlps = new TlpPool(1024);
  readonly link: PcieLink;
  readonly arrivedUp: Arrival[] = [];
  readonly arrivedDown: Arrival[] = [];
  /** From a train's arrival to the release of its credits; negative: {@link LinkRig.release} alone does it. */
  holdPs: number;
  #ids = 0;
  readonly #release: number;

  constructor(options: Partial<LinkOptions> = {}, holdPs = 0) {
    this.holdPs = holdPs;
    this.link = new PcieLink('link', this.scheduler, new Probe(this.scheduler), this.tlps, {
      rate: { generation: 1, lanes: 1 },
      flightPs: FLIGHT_PS,
      maxPayloadBytes: 256,
      deviceCredits: INFINITE,
      rootCredits: INFINITE,
      ...options,
    });
    const { upstream, downstream } = this.link;
    upstream.receiver = { receive: (tlp) => this.#receive(tlp, upstream, this.arrivedUp) };
    downstream.receiver = { receive: (tlp) => this.#receive(tlp, downstream, this.arrivedDown) };
    this.#release = this.scheduler.task('release', (index, isUp) =>
      this.#giveBack(this.tlps.records[index], isUp === 1 ? upstream : downstream),
    );
  }

  /** A train of `count` TLPs with `bytes` of payload between them (or to read); returns its number. */
  send(direction: LinkDirection, kind: TlpKind, bytes: number, count = 1): number {
    const { tlps } = this;
    const tlp = tlps.take();
    const carries = kind === TlpKind.MEMORY_WRITE || kind === TlpKind.COMPLETION_DATA;
    tlp.kind = kind;
    tlp.flowClass = flowClassOf(kind);
    tlp.bytes = bytes;
    tlp.count = count;
    tlp.linkBytes =
      count * (DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES) + (carries ? Math.ceil(bytes / 4) * 4 : 0);
    tlp.dataCredits = carries ? Math.ceil(bytes / 16) : 0;
    tlp.extraPs = 0;
    const id = this.#ids++;
    tlp.cookie = id;
    direction.send(tlp);
    return id;
  }

  /** Time that `bytes` take on a generation 1 x1 link. */
  static slowPs(bytes: number): number {
    return bytes * 4000;
  }

  /** Gives the credits of an arrived train back, for rigs that hold them. */
  release(direction: LinkDirection, arrival: Arrival): void {
    direction.release(arrival.flowClass, arrival.headers, arrival.data);
  }

  #receive(tlp: Tlp, direction: LinkDirection, arrivals: Arrival[]): void {
    const { tlps } = this;
    arrivals.push({
      timePs: this.scheduler.now,
      id: tlp.cookie,
      kind: tlp.kind,
      flowClass: tlp.flowClass,
      headers: tlp.count,
      data: tlp.dataCredits,
    });
    if (this.holdPs < 0) tlps.give(tlp);
    else
      this.scheduler.schedule(
        this.holdPs,
        this.#release,
        tlp.index,
        direction === this.link.upstream ? 1 : 0,
      );
  }

  #giveBack(tlp: Tlp, direction: LinkDirection): void {
    const { tlps } = this;
    direction.release(tlp.flowClass, tlp.count, tlp.dataCredits);
    tlps.give(tlp);
  }
}
