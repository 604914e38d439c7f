import type { Component } from '../../kernel/index.ts';
import { type BitErrors, describeErrors, LinkErrors } from '../../pcie/index.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, RequestEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';

/** Bit errors on one direction of the link. */
class DirectionErrors implements BitErrors {
  readonly link: LinkErrors;
  readonly armed: ArmedFault[] = [];
  private readonly run: FaultRun;
  private readonly direction: 'upstream' | 'downstream';
  private striking: ArmedFault | null = null;
  /** The error that is being repaired, and its sequence number. */
  private record: FaultRecord | null = null;
  private sequence = 0;

  constructor(run: FaultRun, direction: 'upstream' | 'downstream') {
    this.run = run;
    this.direction = direction;
    const { scheduler, link, tlps, nic, bridge } = run.simulation.machine;
    const [receiver, transmitter] =
      direction === 'upstream' ? [bridge.function, nic.pf] : [nic.pf, bridge.function];
    this.link = new LinkErrors(scheduler, link[direction], tlps, this, receiver, transmitter);
  }

  hits(): boolean {
    const armed = this.armed.find((each) => each.strikes());
    this.striking = armed ?? null;
    return armed !== undefined;
  }

  struck(sequence: number, delayPs: number): void {
    if (this.record?.isOpen && this.sequence === sequence) {
      this.record.notes.push('it is hit again');
      this.record.isOpen = false;
    }
    const record = this.run.struck(this.striking as ArmedFault, this.direction);
    this.striking = null;
    record.before = [this.run.simulation.machine.scheduler.now + delayPs];
    record.isOpen = true;
    this.record = record;
    this.sequence = sequence;
  }

  replayed(sequence: number, tlps: number, isRetrained: boolean): void {
    const retrained = isRetrained ? ' after the link is retrained (REPLAY_NUM Rollover)' : '';
    const note = `LCRC error: Nak, replay${retrained} from sequence number ${sequence}, TLPs sent again: ${tlps}`;
    this.record?.notes.push(note);
  }

  recovered(sequence: number, delayPs: number): void {
    const { record } = this;
    if (record === null || sequence !== this.sequence || !record.isOpen) return;
    record.isOpen = false;
    const { scheduler, bridge, nic } = this.run.simulation.machine;
    const latePs = scheduler.now + delayPs - record.before[0];
    const receiver = this.direction === 'upstream' ? bridge.function : nic.pf;
    record.notes.push(
      `it arrives ${latePs / 1000} ns late`,
      `${receiver.name} then shows ${describeErrors(receiver)}`,
    );
  }
}

/** Bit errors on the link. Both directions are there from the start: what a run is made of is known before it runs. */
export class LinkBitErrors implements RequestEffect {
  private readonly upstream: DirectionErrors;
  private readonly downstream: DirectionErrors;

  constructor(run: FaultRun) {
    this.upstream = new DirectionErrors(run, 'upstream');
    this.downstream = new DirectionErrors(run, 'downstream');
  }

  /** What counts them. */
  get components(): readonly Component[] {
    return [this.upstream.link, this.downstream.link];
  }

  arm(armed: ArmedFault): void {
    const { direction } = armed.fault;
    if (direction !== 'downstream') this.upstream.armed.push(armed);
    if (direction !== 'upstream') this.downstream.armed.push(armed);
  }

  disarm(armed: ArmedFault): void {
    for (const { armed: all } of [this.upstream, this.downstream]) {
      const at = all.indexOf(armed);
      if (at >= 0) all.splice(at, 1);
    }
  }

  tell(record: FaultRecord): readonly string[] {
    return record.isOpen ? ['it has not arrived by now'] : [];
  }
}
