import type { IntRing } from '../base/index.ts';
import { type Component, ProbeKind, type Scheduler } from '../kernel/index.ts';
import type { PcieLink } from './link.ts';
import type { Requester } from './requester.ts';
import { CompletionStatus, FlowClass, ReadOutcome } from './tlp.ts';
import type { LostTlps, Tlp, TlpPool } from './tlp-pool.ts';

/**
 * A link that can go down (DL_Down, PCI Express Base 2.9.1): what is on it, or waits for it, is lost; what is to be sent
 * meanwhile never leaves. Requests of software that expect an answer end with Unsupported Request, stores go nowhere, and
 * the device's own reads and writes end without having happened. When it is up again both ends begin with all credits and
 * with sequence number 0. It is there only while somebody may want the link down.
 */
export class LinkOutage implements LostTlps, Component {
  readonly name: string;
  isDown = false;
  /** Times that it went down, and TLPs that were lost. */
  downs = 0;
  tlpsLost = 0;
  private readonly link: PcieLink;
  private readonly tlps: TlpPool;
  private readonly requester: Requester;
  private readonly software: (tlp: Tlp) => void;
  private readonly held: IntRing | null;

  /**
   * @param software takes back requests of software's, as completions.
   * @param held posted requests that have arrived and are not done, by the numbers of their records.
   */
  constructor(
    scheduler: Scheduler,
    link: PcieLink,
    tlps: TlpPool,
    requester: Requester,
    software: (tlp: Tlp) => void,
    held: IntRing | null = null,
  ) {
    this.name = link.name;
    this.link = link;
    this.tlps = tlps;
    this.requester = requester;
    this.software = software;
    this.held = held;
    for (const direction of [link.upstream, link.downstream]) {
      const ends = scheduler.task(`${direction.name}.lost`, (index) => this.lost(tlps.records[index]));
      // It has no sequence number and takes no credits; its sender learns of it as late as the other end would have.
      direction.deadEnd = (tlp) => scheduler.schedule(direction.flightPs, ends, tlp.index, 0);
    }
    tlps.keeper = this;
  }

  /** The link goes down. @param forGood whether the card is gone with it, for whoever looks on. */
  down(forGood = false): void {
    if (this.isDown) return;
    this.downs++;
    this.restart(true, forGood);
  }

  /** It has been trained again. */
  up(): void {
    if (this.isDown) this.restart(false);
  }

  lost(tlp: Tlp): void {
    const { tlps, requester } = this;
    const isWrite = tlp.flowClass === FlowClass.POSTED;
    this.tlpsLost += tlp.count;
    if (tlp.store === null) {
      tlp.status = CompletionStatus.UNSUPPORTED_REQUEST;
      if (isWrite) tlps.give(tlp);
      else this.software(tlp);
    } else if (isWrite) {
      const { client, cookie } = tlp;
      tlps.give(tlp);
      requester.landed(client, cookie);
    } else {
      tlp.status = ReadOutcome.LOST;
      requester.complete(tlp);
    }
  }

  reset(): void {
    this.downs = this.tlpsLost = 0;
  }

  counters(): Record<string, number> {
    return { downs: this.downs, tlpsLost: this.tlpsLost };
  }

  /** Both ends begin anew; whoever waits for room tries again, which ends on a link that is down. */
  private restart(isDown: boolean, forGood = false): void {
    const { upstream, downstream } = this.link;
    const { probe } = upstream;
    this.isDown = isDown;
    probe.record(ProbeKind.LINK_STATE, Number(!isDown), Number(forGood), 0);
    const { held, tlps } = this;
    if (isDown && held !== null) {
      for (let i = 0; i < held.length; i++) {
        const { index, requester, flowClass } = tlps.records[held.peek(i)];
        // Completions wait there, too.
        if (flowClass === FlowClass.POSTED) probe.record(ProbeKind.WRITE_LOST, index, requester, 0);
      }
    }
    const waiting = [...upstream.restart(isDown), ...downstream.restart(isDown)];
    for (const tlp of waiting) this.lost(tlp);
    upstream.onRoom?.();
    downstream.onRoom?.();
  }
}
