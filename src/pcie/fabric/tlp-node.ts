import { ceilPowerOfTwo, checkInteger, checkKeys, checkOneOf } from '../../base/index.ts';
import { type Component, MICROSECOND, type Scheduler } from '../../kernel/index.ts';
import type { LinkDirection } from '../link-direction.ts';
import { FlowClass } from '../tlp.ts';
import type { Tlp, TlpPool } from '../tlp-pool.ts';
import { type EgressOwner, EgressPort } from './egress-port.ts';
import { type IngressOwner, IngressPort } from './ingress-port.ts';

/** The two directions of the link at a port, as the port sees them. */
export interface NodePort {
  readonly in: LinkDirection;
  readonly out: LinkDirection;
}

/** How TLPs pass from port to port. */
export interface ForwardingTiming {
  /**
   * From a TLP's header (cut-through), or its last symbol (store-and-forward), at the port where it comes in to its first
   * symbol at the port where it leaves, if nothing is in its way, in ps.
   */
  readonly latencyPs: number;
  readonly forwarding: 'cut-through' | 'store-and-forward';
}

const TIMING: Readonly<Record<keyof ForwardingTiming, true>> = { latencyPs: true, forwarding: true };

/** A switch's timing, checked. @throws TypeError or RangeError that names what is wrong. */
export function checkForwarding(timing: ForwardingTiming): ForwardingTiming {
  checkKeys('timing', timing, TIMING);
  checkInteger('latencyPs', timing.latencyPs, 0, 100 * MICROSECOND);
  checkOneOf('forwarding', timing.forwarding, ['cut-through', 'store-and-forward']);
  return timing;
}

/** What a node does with TLPs that come in. */
export interface NodeOwner {
  /** A TLP has come in: it is passed on with `forward`, or taken with `release`. */
  arrived(port: number, tlp: Tlp): void;
  /** One that was made here has left. */
  left(flowClass: FlowClass): void;
}

/**
 * What has ports on links: a switch, the root complex, a device. TLPs come in at a port, stay in its buffer of their class,
 * and leave by another one; when a TLP has left, its buffer is free and its credits go back to where it came from. With
 * cut-through a TLP is passed on while it still comes in; where the link that it leaves by is faster than the one that it
 * comes by, just so late that it does not run dry.
 */
export class TlpNode implements Component, EgressOwner, IngressOwner {
  readonly name: string;
  /** TLPs passed from port to port. */
  forwarded = 0;
  readonly ports: readonly NodePort[];
  private readonly scheduler: Scheduler;
  private readonly tlps: TlpPool;
  private readonly latencyPs: number;
  private readonly owner: NodeOwner;
  private readonly ingress: readonly IngressPort[];
  private readonly egress: EgressPort[] = [];
  private readonly offer: number;
  /** Resets of the link that a TLP has come by, when it came, by the number of its record. */
  private readonly came: Int32Array;

  constructor(
    name: string,
    scheduler: Scheduler,
    tlps: TlpPool,
    ports: readonly NodePort[],
    timing: ForwardingTiming,
    owner: NodeOwner,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.tlps = tlps;
    this.ports = ports;
    this.latencyPs = timing.latencyPs;
    this.owner = owner;
    const isCutThrough = timing.forwarding === 'cut-through';
    this.came = new Int32Array(tlps.capacity);
    this.ingress = ports.map(
      (port, i) => new IngressPort(`${name}.${i}`, scheduler, port.in, tlps, i, isCutThrough, this),
    );
    this.offer = scheduler.task(`${name}.forward`, (index, ports) =>
      this.egress[ports & 0xffff].offer(ports >>> 16, tlps.records[index]),
    );
  }

  /** Begins to send: once who stands at the other ends of its links is there. */
  open(): void {
    const { name, scheduler, tlps, ports } = this;
    // A place for all that a port has given credits for; behind the ports what is made here.
    const { capacity } = tlps;
    const places = ports.map((port) => ceilPowerOfTwo(Math.min(capacity, mostHeaders(port.in))));
    places.push(ceilPowerOfTwo(capacity));
    for (const [i, { out }] of ports.entries()) {
      this.egress.push(new EgressPort(`${name}.${i}`, scheduler, out, tlps, i, places, this));
    }
  }

  /** Passes a TLP that has come in at the port `from` on to the port `to`. */
  forward(from: number, to: number, tlp: Tlp): void {
    this.forwarded += tlp.count;
    this.came[tlp.index] = this.ports[from].in.epoch;
    const rest = this.ingress[from].restBytes(tlp);
    const still = this.restPs(from, tlp);
    const lasts = Math.floor(rest * this.ports[to].out.psPerByte);
    const delayPs = this.latencyPs + Math.max(0, still - lasts);
    this.scheduler.schedule(delayPs, this.offer, tlp.index, (from << 16) | to);
  }

  /** Sends a TLP that was made here by the port `to`, in `delayPs`. */
  send(to: number, tlp: Tlp, delayPs = 0): void {
    if (delayPs === 0) this.egress[to].offer(this.ports.length, tlp);
    else this.scheduler.schedule(delayPs, this.offer, tlp.index, (this.ports.length << 16) | to);
  }

  arrived(port: number, tlp: Tlp): void {
    this.owner.arrived(port, tlp);
  }

  /** Resets of the link that a TLP has come by, when it came. */
  cameAt({ index }: Tlp): number {
    return this.came[index];
  }

  /** ps until all of a TLP that has come in is there. */
  restPs(port: number, tlp: Tlp): number {
    return Math.floor(this.ingress[port].restBytes(tlp) * this.ports[port].in.psPerByte);
  }

  /** TLPs of a class that were made here and wait at the port `to`. */
  waiting(to: number, flowClass: FlowClass): number {
    return this.egress[to].waiting(this.ports.length, flowClass);
  }

  /** A TLP has been taken out of the buffer of the port where it came in, or will have been when all of it is there. */
  release(port: number, tlp: Tlp): void {
    this.ports[port].in.release(tlp.flowClass, tlp.count, tlp.dataCredits, this.restPs(port, tlp));
  }

  left(
    _egress: number,
    source: number,
    flowClass: FlowClass,
    headers: number,
    data: number,
    cameAt: number,
  ): void {
    const from = this.ports[source]?.in;
    if (from === undefined) this.owner.left(flowClass);
    // After a reset of the link all its credits are back.
    else if (from.epoch === cameAt) from.release(flowClass, headers, data);
  }

  reset(): void {
    this.forwarded = 0;
    for (const port of this.egress) port.waits = 0;
  }

  counters(): Record<string, number> {
    const waits = this.egress.reduce((sum, port) => sum + port.waits, 0);
    return { forwarded: this.forwarded, waits };
  }
}

function mostHeaders(direction: LinkDirection): number {
  const { POSTED, NON_POSTED, COMPLETION } = FlowClass;
  return Math.max(...[POSTED, NON_POSTED, COMPLETION].map((each) => direction.trainLimits(each).headers));
}
