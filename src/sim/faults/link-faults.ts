import { hex } from '../../base/index.ts';
import type { Component } from '../../kernel/index.ts';
import { formatRoutingId, LinkOutage } from '../../pcie/index.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, TimedEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';
import { enabledRings } from './fault-target.ts';

const COMMAND = 4;

/** A link that goes down, for a time or, with the card, for good. Below it that is a hot reset (PCIe 3.0 6.6.1). */
export class LinkFaults implements TimedEffect {
  private readonly run: FaultRun;
  private readonly outage: LinkOutage;
  /** Faults that keep it down. */
  private holders = 0;

  constructor(run: FaultRun) {
    this.run = run;
    const { scheduler, link, tlps, nic, rootComplex, rootPort, parts } = run.simulation.machine;
    this.outage = new LinkOutage(
      scheduler,
      link,
      tlps,
      nic.requester,
      parts.between?.takeBack ?? rootComplex.onCompletion,
      // What the root port has is not the card's link's any more.
      parts.between ? null : rootPort.posted,
    );
  }

  /** What counts. */
  get components(): readonly Component[] {
    return [this.outage];
  }

  strike(armed: ArmedFault): FaultRecord {
    const { outage } = this;
    const { nic } = this.run.simulation.machine;
    const record = this.run.struck(armed);
    this.holders++;
    if (outage.isDown) {
      record.notes.push('the link is down already');
      return record;
    }
    const rings = enabledRings(nic.data);
    const vfs = nic.pf.sriov?.count ?? 0;
    record.before = [outage.tlpsLost];
    record.isOpen = true;
    nic.hotReset();
    outage.down(armed.fault.kind === 'surprise-removal');
    this.run.linkDown();
    const disabled = rings - enabledRings(nic.data);
    record.notes.push(`DL_Down: hot reset of the card, rings disabled: ${disabled}, VFs gone: ${vfs}`);
    record.notes.push(this.look());
    return record;
  }

  over(record: FaultRecord): void {
    this.holders--;
    if (!this.outage.isDown) return;
    if (this.holders > 0) {
      record.notes.push('the link stays down');
      return;
    }
    record.notes.push(...this.tell(record));
    record.isOpen = false;
    this.outage.up();
    record.notes.push(`the link is up again, and no driver has set the card up: ${this.look()}`);
  }

  tell({ isOpen, before }: FaultRecord): readonly string[] {
    return isOpen ? [`TLPs lost while it is down: ${this.outage.tlpsLost - before[0]}`] : [];
  }

  /** What software sees of the card: its ID, and whether it has kept what it was set to. */
  private look(): string {
    const { rootComplex, nic } = this.run.simulation.machine;
    const { routingId } = nic.pf;
    const id = hex(rootComplex.configRead(routingId, 0, 4), 8);
    const command = hex(rootComplex.configRead(routingId, COMMAND, 2), 4);
    return `configuration reads of ${formatRoutingId(routingId)} are ${id}h, Command ${command}h`;
  }
}
