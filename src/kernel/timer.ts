import { AssertionError } from '../base/index.ts';
import type { DelayLine, EventHandler } from './delay-line.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * One event of a component that waits at most once: interrupt moderation, time-outs, "the link is free".
 * Scheduling it twice is an error; {@link Timer.cancel} it or {@link Timer.reschedule} it.
 */
export class Timer {
  readonly name: string;
  private readonly scheduler: Scheduler;
  private readonly task: number;
  private readonly line: DelayLine;
  private dueAt = Number.NaN;

  constructor(scheduler: Scheduler, name: string, handler: EventHandler) {
    this.name = name;
    this.scheduler = scheduler;
    this.task = scheduler.task(name, handler);
    this.line = scheduler.line(this.task);
  }

  /** Whether it waits. */
  get pending(): boolean {
    return this.line.count > 0 || this.line.elsewhere > 0;
  }

  /** When it is due, in ps; of use while it waits. */
  get duePs(): number {
    return this.dueAt;
  }

  /** Schedules it `delayPs` from now. */
  schedule(delayPs: number, a = 0, b = 0): void {
    this.check();
    this.dueAt = this.scheduler.now + delayPs;
    this.scheduler.schedule(delayPs, this.task, a, b);
  }

  /** Schedules it at `timePs`. */
  scheduleAt(timePs: number, a = 0, b = 0): void {
    this.check();
    this.dueAt = timePs;
    this.scheduler.post(timePs, this.task, a, b);
  }

  /** Moves it to `delayPs` from now, whether it waits or not. */
  reschedule(delayPs: number, a = 0, b = 0): void {
    this.cancel();
    this.schedule(delayPs, a, b);
  }

  /** Takes it back, if it waits. */
  cancel(): void {
    if (this.pending) this.scheduler.cancel(this.task);
  }

  private check(): void {
    if (this.pending) throw new AssertionError(`${this.name} is scheduled already, for ${this.dueAt} ps`);
  }
}
