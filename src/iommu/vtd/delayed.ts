import type { WalkClock } from '../walk-unit.ts';

/** Something that is done a while after it was asked for; at once without a scheduler. */
export class Delayed {
  private readonly clock: WalkClock | null;
  private readonly delayPs: number;
  private readonly action: () => void;
  private readonly task: number;
  /** Changes with every start, so that an event that does not count any more is known. */
  private generation = 0;

  constructor(clock: WalkClock | null, name: string, delayPs: number, action: () => void) {
    this.clock = clock;
    this.delayPs = delayPs;
    this.action = action;
    this.task = clock === null ? -1 : clock.task(name, (generation) => this.run(generation));
  }

  start(): void {
    this.generation = (this.generation + 1) | 0;
    if (this.clock === null) this.action();
    else this.clock.schedule(this.delayPs, this.task, this.generation, 0);
  }

  /** What was started is not done any more. */
  cancel(): void {
    this.generation = (this.generation + 1) | 0;
  }

  private run(generation: number): void {
    if (generation === this.generation) this.action();
  }
}
