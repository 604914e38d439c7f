import { ceilPowerOfTwo, IntRing } from '../base/index.ts';
import { type EgressScheduler, NO_QUEUE, type Scheduler, Timer } from '../kernel/index.ts';
import { macFrameBytes } from '../wire/index.ts';
import { NONE, type TransmitRing } from './transmit-ring.ts';
import type { Turns } from './transmit-turns.ts';

/**
 * Whose turn it is when rings have limits, weights or priorities: an {@link EgressScheduler} says so, whose
 * queues are the rings. It is asked before a frame is begun, with the present; a ring that has begun one goes
 * on with it. A limit therefore holds up the fetching of frames, as on the 82599. Frames count with padding
 * and frame check sequence.
 */
export class ScheduledTurns implements Turns {
  private readonly rings: readonly TransmitRing[];
  private readonly egress: EgressScheduler;
  private readonly scheduler: Scheduler;
  private readonly timer: Timer;
  /** Queue that the scheduler has named. */
  private chosen = NONE;
  /** Rings that could not go on in the middle of a frame, and now can: they go first. */
  private readonly resumed: IntRing;

  /** @param resume called when a limit lets somebody go. */
  constructor(
    name: string,
    rings: readonly TransmitRing[],
    egress: EgressScheduler,
    scheduler: Scheduler,
    resume: () => void,
  ) {
    this.rings = rings;
    this.egress = egress;
    this.scheduler = scheduler;
    this.timer = new Timer(scheduler, `${name}.limits`, resume);
    this.resumed = new IntRing(ceilPowerOfTwo(rings.length));
  }

  /** 1 if a ring may go now; else a limit may let one go later, and then `resume` is called. */
  get length(): number {
    const { egress, scheduler } = this;
    const named = egress.next(scheduler.now);
    if (this.resumed.length > 0) return 1;
    if (this.chosen !== NONE && this.rings[this.chosen].openSlot !== NONE) return 1;
    this.chosen = named;
    if (named !== NO_QUEUE) return 1;
    this.wakeAt();
    return 0;
  }

  get first(): TransmitRing {
    return this.rings[this.resumed.length > 0 ? this.resumed.peek() : this.chosen];
  }

  add(ring: TransmitRing): void {
    if (ring.isActive === 1 || ring.cached() <= 0) return;
    ring.isActive = 1;
    if (ring.openSlot !== NONE) this.resumed.push(ring.queue);
    else this.egress.enqueue(ring.queue);
  }

  pass(bytes: number): void {
    const ring = this.first;
    const { queue } = ring;
    const more = ring.cached() > 0;
    const counted = bytes === 0 ? 0 : macFrameBytes(bytes);
    if (!more) ring.isActive = 0;
    if (this.resumed.length > 0) {
      this.resumed.shift();
      this.egress.sent(queue, counted, false);
      if (more) this.egress.enqueue(queue);
    } else {
      this.egress.sent(queue, counted, more);
      this.chosen = NONE;
    }
  }

  drop(): void {
    const ring = this.first;
    ring.isActive = 0;
    if (this.resumed.length > 0) this.resumed.shift();
    else {
      this.egress.withdraw(ring.queue);
      this.chosen = NONE;
    }
  }

  /** Those always are in front. */
  bringBegunForward(): boolean {
    return false;
  }

  /** Nobody has a turn any more: another kind of turns is taken. */
  clear(): void {
    this.timer.cancel();
    this.chosen = NONE;
    this.resumed.clear();
    for (const { queue } of this.rings) this.egress.withdraw(queue);
  }

  private wakeAt(): void {
    const { timer } = this;
    const { readyPs } = this.egress;
    if (timer.pending) {
      if (timer.duePs === readyPs) return;
      timer.cancel();
    }
    if (readyPs !== Number.POSITIVE_INFINITY) timer.scheduleAt(readyPs);
  }
}
