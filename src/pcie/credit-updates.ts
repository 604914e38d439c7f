import { MICROSECOND, type Scheduler, Timer } from '../kernel/index.ts';
import type { CreditGate } from './credits.ts';
import { Damage, type DataLinkErrors } from './data-link-errors.ts';
import { sendDllp } from './link-again.ts';
import type { LinkDirection } from './link-direction.ts';
import type { FlowClass } from './tlp.ts';

/** The longest between two UpdateFCs of a class, without and with Extended Synch (PCI Express Base 2.6.1.2). */
const PERIOD_PS = [30 * MICROSECOND, 120 * MICROSECOND] as const;

/** An UpdateFC on its way. */
interface Update {
  readonly flowClass: FlowClass;
  /** Credits that its class has been given in all. */
  readonly headers: number;
  readonly data: number;
  readonly damage: Damage;
}

/** The credits of one class. */
interface ClassCredits {
  readonly gate: CreditGate;
  /** Given by the receiver in all, and as the transmitter knows. */
  headers: number;
  data: number;
  knownHeaders: number;
  knownData: number;
  readonly timer: Timer;
  lastPs: number;
}

/**
 * UpdateFCs that can be lost, for one direction: each says what its class has been given in all, so that the next one
 * makes a lost one good; where none follows, the periodic one does (PCI Express Base 2.6.1.2). One that would say nothing
 * new is not sent.
 */
export class CreditUpdates {
  private readonly direction: LinkDirection;
  private readonly scheduler: Scheduler;
  private readonly classes: readonly ClassCredits[];
  private readonly arrive: number;
  private readonly later: number;
  private readonly extendedSynch: () => boolean;
  private flying: Update[] = [];

  /** @param extendedSynch whether the receiver's Extended Synch is set. */
  constructor(scheduler: Scheduler, direction: LinkDirection, extendedSynch: () => boolean) {
    const { name, gates } = direction;
    this.scheduler = scheduler;
    this.direction = direction;
    this.extendedSynch = extendedSynch;
    this.classes = gates.map((gate, i) => ({
      gate,
      headers: 0,
      data: 0,
      knownHeaders: 0,
      knownData: 0,
      timer: new Timer(scheduler, `${name}.updateFC${i}`, () => this.send(i as FlowClass)),
      lastPs: gate.lastUpdatePs,
    }));
    this.arrive = scheduler.task(`${name}.updated`, (epoch) => this.arrived(epoch));
    this.later = scheduler.task(`${name}.released`, (what, epoch) => {
      if (epoch === direction.epoch) this.release((what & 3) as FlowClass, (what >> 2) & 0x3ff, what >> 12);
    });
  }

  /** As {@link LinkDirection.release}. */
  release(flowClass: FlowClass, headers: number, data: number, delayPs = 0): void {
    const { direction, scheduler } = this;
    if (delayPs > 0) {
      const what = flowClass | (headers << 2) | (data << 12);
      scheduler.schedule(delayPs, this.later, what, direction.epoch);
      return;
    }
    const credits = this.classes[flowClass];
    const isShort = credits.gate.isShort(
      direction.largestData[flowClass],
      credits.headers - credits.knownHeaders,
      credits.data - credits.knownData,
    );
    credits.headers += headers;
    credits.data += data;
    const { now } = scheduler;
    const due = isShort ? now : Math.max(now, credits.lastPs + direction.wire.updateLatencyPs);
    this.sendAt(credits.timer, due);
  }

  /** The link begins anew, with the credits of its initialisation. */
  restart(): void {
    this.flying = [];
    for (const credits of this.classes) {
      credits.timer.cancel();
      credits.knownHeaders = credits.headers;
      credits.knownData = credits.data;
      credits.lastPs = Number.NEGATIVE_INFINITY;
    }
  }

  /** No later than that. */
  private sendAt(timer: Timer, timePs: number): void {
    if (timer.pending) {
      if (timer.duePs <= timePs) return;
      timer.cancel();
    }
    timer.scheduleAt(timePs);
  }

  private send(flowClass: FlowClass): void {
    const credits = this.classes[flowClass];
    const { headers, data } = credits;
    if (headers === credits.knownHeaders && data === credits.knownData) return;
    const { direction, scheduler } = this;
    const delayPs = sendDllp(direction.reverse, scheduler.now);
    const damage = direction.reverse.errors?.dllpLeaves('UpdateFC', delayPs) ?? Damage.NONE;
    credits.lastPs = scheduler.now;
    this.flying.push({ flowClass, headers, data, damage });
    scheduler.schedule(delayPs, this.arrive, direction.epoch, 0);
    if (damage !== Damage.NONE)
      this.sendAt(credits.timer, scheduler.now + PERIOD_PS[Number(this.extendedSynch())]);
  }

  private arrived(epoch: number): void {
    const { direction } = this;
    if (epoch !== direction.epoch) return;
    const { flowClass, headers, data, damage } = this.flying.shift() as Update;
    if (damage !== Damage.NONE) {
      (direction.reverse.errors as DataLinkErrors).dllpDamaged(damage);
      return;
    }
    const credits = this.classes[flowClass];
    credits.gate.grant(headers - credits.knownHeaders, data - credits.knownData);
    credits.knownHeaders = headers;
    credits.knownData = data;
    direction.creditsCame();
  }
}
