import { assert, IntRing } from '../../base/index.ts';
import type { Scheduler } from '../../kernel/index.ts';
import type { LinkDirection } from '../link-direction.ts';
import { FlowClass, TlpKind } from '../tlp.ts';
import type { Tlp, TlpPool } from '../tlp-pool.ts';
import type { Foresight } from '../tlp-receiver.ts';

/** Who is told that a TLP has left, and so the buffer that it came from. */
export interface EgressOwner {
  /** Resets of the link that a TLP has come by, when it came. */
  cameAt(tlp: Tlp): number;
  /** The last symbol of a TLP of `source`'s has left by the port `egress`, or never will: its buffer is free. */
  left(
    egress: number,
    source: number,
    flowClass: FlowClass,
    headers: number,
    data: number,
    cameAt: number,
  ): void;
}

const CLASSES = 3;
const NOBODY = -1;
/** Source, class, header and data credits of a TLP, and when it came. */
const VALUES = 5;

/** What a source has for one egress port, by class. */
class SourceQueues {
  readonly byClass: readonly IntRing[];
  /** Posted requests queued before each non-posted one, and before each completion. */
  readonly behind: readonly IntRing[];
  /** Posted requests ever queued, and taken, modulo 2^32. */
  postedQueued = 0;
  postedTaken = 0;
  postedLast = false;

  constructor(places: number) {
    this.byClass = Array.from({ length: CLASSES }, () => new IntRing(places));
    this.behind = Array.from({ length: CLASSES }, () => new IntRing(places));
  }
}

/**
 * The sending side of a port of a switch, of a device or of the root complex: what came from several sources, each a port
 * where TLPs come in or what makes them here, and leaves by one link.
 *
 * Sources take turns TLP by TLP (round robin, the hardware-fixed arbitration of PCIe 3.0 6.3.3.2). Among the TLPs of one
 * source the ordering rules hold (2.4.1): neither a read nor a completion passes a posted request, which passes both. A TLP
 * whose class has no credits waits at the link, and those of its class behind it; other classes go on.
 *
 * It stands before whoever foresees arrivals at the other end of the link, and so knows when a TLP leaves.
 */
export class EgressPort implements Foresight {
  foreseen = 0;
  foreseenPs = 0;
  /** TLPs that had to wait for another one, or for credits. */
  waits = 0;

  private readonly scheduler: Scheduler;
  private readonly direction: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly inner: Foresight | null;
  private readonly number: number;
  private readonly owner: EgressOwner;
  private readonly sources: readonly SourceQueues[];
  private readonly leave: number;
  /** The TLP that waits at the link for credits, by class: the same values as of those that are leaving. */
  private readonly atLink = new Int32Array(CLASSES * VALUES).fill(NOBODY);
  /** TLPs on the link whose last symbol has not left: {@link VALUES} of each. */
  private readonly leaving = new IntRing(128);
  private queued = 0;
  private departures = 0;
  private turn = 0;
  /** When the last symbol of what is on the link has left. */
  private freePs = 0;

  /**
   * @param number of this port, for the owner.
   * @param places of each source and class: as many TLPs as it can have here; a power of two.
   */
  constructor(
    name: string,
    scheduler: Scheduler,
    direction: LinkDirection,
    tlps: TlpPool,
    number: number,
    places: readonly number[],
    owner: EgressOwner,
  ) {
    this.scheduler = scheduler;
    this.direction = direction;
    this.tlps = tlps;
    this.number = number;
    this.owner = owner;
    this.sources = places.map((each) => new SourceQueues(each));
    this.inner = direction.foresight;
    direction.foresight = this;
    direction.onRoom = () => this.restarted();
    this.leave = scheduler.task(`${name}.leave`, (_, epoch) => this.hasLeft(epoch));
  }

  /** TLPs of a source that wait here, of one class. */
  waiting(source: number, flowClass: FlowClass): number {
    return this.sources[source].byClass[flowClass].length;
  }

  /** A TLP of `source`'s is ready to leave. */
  offer(source: number, tlp: Tlp): void {
    const { flowClass } = tlp;
    const queues = this.sources[source];
    const pushed = queues.byClass[flowClass].push(tlp.index);
    assert(pushed, 'a TLP was offered to a full queue');
    if (flowClass === FlowClass.POSTED) queues.postedQueued = (queues.postedQueued + 1) | 0;
    else queues.behind[flowClass].push(queues.postedQueued);
    this.queued++;
    const before = this.departures;
    this.feed();
    if (this.queued > 0 || this.departures === before) this.waits++;
  }

  foresee(tlp: Tlp, delayPs: number, bytes = tlp.linkBytes): boolean {
    const { direction, atLink, leaving } = this;
    const { flowClass, count, linkBytes } = tlp;
    const at = VALUES * flowClass;
    assert(atLink[at] !== NOBODY, 'a TLP left that this port has not sent');
    // The arrival of a train of reads is that of its first request, that of its end that of its last symbol.
    const isWholeRead = tlp.kind === TlpKind.MEMORY_READ && bytes === linkBytes;
    const others = isWholeRead && count > 1 ? linkBytes - linkBytes / count : 0;
    const leftPs = delayPs - tlp.extraPs - direction.flightPs + Math.ceil(others * direction.psPerByte);
    this.freePs = this.scheduler.now + leftPs;
    this.departures++;
    for (let i = 0; i < VALUES; i++) {
      assert(leaving.push(atLink[at + i]), 'more TLPs on a link than it takes at once');
    }
    atLink[at] = NOBODY;
    this.scheduler.schedule(leftPs, this.leave, 0, direction.epoch);
    const { inner } = this;
    if (inner === null || !inner.foresee(tlp, delayPs, bytes)) return false;
    this.foreseen = inner.foreseen;
    this.foreseenPs = inner.foreseenPs;
    return true;
  }

  private hasLeft(epoch: number): void {
    if (epoch !== this.direction.epoch) return;
    this.tellLeft();
    this.feed();
  }

  private tellLeft(): void {
    const { leaving } = this;
    const [source, flowClass, headers, data, cameAt] = [0, 1, 2, 3, 4].map(() => leaving.shift());
    this.owner.left(this.number, source, flowClass as FlowClass, headers, data, cameAt);
  }

  /** The link was reset: what was on it, or waited at it, is gone. What waits here goes on, or nowhere while it is down. */
  private restarted(): void {
    const { atLink, leaving } = this;
    for (let at = 0; at < atLink.length; at += VALUES) {
      if (atLink[at] === NOBODY) continue;
      for (let i = 0; i < VALUES; i++) leaving.push(atLink[at + i]);
      atLink[at] = NOBODY;
    }
    while (leaving.length > 0) this.tellLeft();
    this.freePs = this.scheduler.now;
    this.feed();
  }

  /** Gives the link what it can take. */
  private feed(): void {
    while (this.queued > 0 && this.scheduler.now >= this.freePs) {
      const source = this.nextSource();
      if (source === NOBODY) return;
      const queues = this.sources[source];
      const flowClass = this.classOf(queues) as FlowClass;
      const tlp = this.tlps.records[queues.byClass[flowClass].shift()];
      if (flowClass === FlowClass.POSTED) queues.postedTaken = (queues.postedTaken + 1) | 0;
      else queues.behind[flowClass].shift();
      if (flowClass !== FlowClass.COMPLETION) queues.postedLast = flowClass === FlowClass.POSTED;
      this.turn = source + 1;
      this.queued--;
      tlp.extraPs = 0;
      const { atLink, direction, owner } = this;
      const { count, dataCredits } = tlp;
      const cameAt = owner.cameAt(tlp);
      if (direction.isDown) {
        direction.send(tlp);
        owner.left(this.number, source, flowClass, count, dataCredits, cameAt);
        continue;
      }
      atLink.set([source, flowClass, count, dataCredits, cameAt], VALUES * flowClass);
      direction.send(tlp);
    }
  }

  /** The first source from the one whose turn it is that has something to send. */
  private nextSource(): number {
    const { sources, turn } = this;
    for (let i = 0; i < sources.length; i++) {
      const source = (turn + i) % sources.length;
      if (this.classOf(sources[source]) !== NOBODY) return source;
    }
    return NOBODY;
  }

  /** Of which class a source can send next: completions first, posted and non-posted requests in turn. */
  private classOf(queues: SourceQueues): FlowClass | -1 {
    if (this.canLeave(queues, FlowClass.COMPLETION)) return FlowClass.COMPLETION;
    const first = queues.postedLast ? FlowClass.NON_POSTED : FlowClass.POSTED;
    if (this.canLeave(queues, first)) return first;
    const second = queues.postedLast ? FlowClass.POSTED : FlowClass.NON_POSTED;
    return this.canLeave(queues, second) ? second : NOBODY;
  }

  private canLeave(queues: SourceQueues, flowClass: FlowClass): boolean {
    if (queues.byClass[flowClass].length === 0 || this.atLink[VALUES * flowClass] !== NOBODY) return false;
    if (flowClass === FlowClass.POSTED) return true;
    return ((queues.behind[flowClass].peek() - queues.postedTaken) | 0) <= 0;
  }
}
