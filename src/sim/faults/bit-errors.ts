import type { Component } from '../../kernel/index.ts';
import {
  type BitErrors,
  Damage,
  describeErrors,
  LinkErrors,
  type LinkPacket,
  type PcieFunction,
  type ReplayCause,
} from '../../pcie/index.ts';
import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, RequestEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';

/** A TLP that was hit and has not been taken yet. */
interface LostTlp {
  readonly record: FaultRecord;
  readonly sequence: number;
  readonly damage: Damage;
}

/** What becomes of a packet, by how it arrives. */
const DAMAGED: Readonly<Record<Damage, string>> = {
  [Damage.NONE]: '',
  [Damage.CRC]: 'CRC error',
  [Damage.FRAMING]: 'framing error',
  [Damage.RECOVERY]: 'in Recovery',
};

/** Bit errors on one direction of the link. */
class DirectionErrors implements BitErrors {
  readonly link: LinkErrors;
  readonly armed: ArmedFault[] = [];
  private readonly run: FaultRun;
  private readonly direction: 'upstream' | 'downstream';
  private readonly receiver: PcieFunction;
  /** Bits of a byte on the link. */
  private readonly bitsPerByte: number;
  private striking: ArmedFault | null = null;
  /** Errors that are being repaired. */
  private lost: LostTlp[] = [];

  constructor(run: FaultRun, direction: 'upstream' | 'downstream') {
    this.run = run;
    this.direction = direction;
    const { scheduler, link, tlps, nic, parts, bridge } = run.simulation.machine;
    // The port at the upper end of the card's link.
    const above = (parts.between?.port ?? bridge).function;
    const [receiver, transmitter] = direction === 'upstream' ? [above, nic.pf] : [nic.pf, above];
    this.receiver = receiver;
    // 8b/10b; the synchronization headers of 128b/130b belong to no packet.
    this.bitsPerByte = link[direction].rate.generation < 3 ? 10 : 8;
    this.link = new LinkErrors(scheduler, link[direction], tlps, this, receiver, transmitter);
  }

  hits(bytes: number, isTlp: boolean): number {
    let first = -1;
    for (const armed of this.armed) {
      const at = armed.hits(bytes, this.bitsPerByte, isTlp);
      if (at < 0 || (first >= 0 && first <= at)) continue;
      first = at;
      this.striking = armed;
    }
    return first;
  }

  struck(packet: LinkPacket, sequence: number, delayPs: number, damage: Damage): void {
    const record = this.run.struck(this.striking as ArmedFault, this.direction);
    this.striking = null;
    if (packet !== 'TLP') {
      const repair =
        packet === 'UpdateFC' ? 'the next one says it, too' : 'a later Ack or REPLAY_TIMER repairs it';
      record.notes.push(`${DAMAGED[damage]}: ${packet} is lost, ${repair}`);
      return;
    }
    this.lost = this.lost.filter((before) => {
      if (before.sequence !== sequence) return true;
      before.record.notes.push('it is hit again');
      before.record.isOpen = false;
      return false;
    });
    record.before = [this.run.simulation.machine.scheduler.now + delayPs];
    record.isOpen = true;
    this.lost.push({ record, sequence, damage });
  }

  replayed(cause: ReplayCause, sequence: number, tlps: number, isRetrained: boolean): void {
    const retrained = isRetrained ? ' after the link is retrained (REPLAY_NUM Rollover)' : '';
    for (const { record, damage } of this.lost) {
      if (record.notes.length > 0) continue;
      const what = damage === Damage.CRC ? 'LCRC error' : DAMAGED[damage];
      record.notes.push(
        `${what}: ${cause}, replay${retrained} from sequence number ${sequence}, TLPs sent again: ${tlps}`,
      );
    }
  }

  recovered(sequence: number, delayPs: number): void {
    const at = this.lost.findIndex((each) => each.sequence === sequence);
    if (at < 0) return;
    const [{ record }] = this.lost.splice(at, 1);
    record.isOpen = false;
    const { receiver } = this;
    const { scheduler } = this.run.simulation.machine;
    const latePs = scheduler.now + delayPs - record.before[0];
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
