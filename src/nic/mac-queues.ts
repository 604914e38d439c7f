import { IntRing } from '../base/index.ts';
import { EgressScheduler } from '../kernel/index.ts';
import { PRIORITIES } from '../wire/index.ts';

/** Frames that wait for the wire, by class. Who sends next an {@link EgressScheduler} says: at first the highest class. */
export class MacQueues {
  /** Bytes that wait, and the most there have been, by class. */
  readonly bytes = new Int32Array(PRIORITIES);
  readonly highWater = new Int32Array(PRIORITIES);
  /** Frames that wait. */
  length = 0;
  /** Has a queue for each class, which is in the class of its number: weights and limits are set here. */
  readonly scheduler = new EgressScheduler({ queues: PRIORITIES, classes: PRIORITIES });

  private readonly entries: readonly IntRing[];
  private readonly sizes: readonly IntRing[];
  private paused = 0;

  /** @param capacity frames of a class, a power of two. */
  constructor(capacity: number) {
    this.entries = Array.from({ length: PRIORITIES }, () => new IntRing(capacity));
    this.sizes = Array.from({ length: PRIORITIES }, () => new IntRing(capacity));
    for (let c = 0; c < PRIORITIES; c++) this.scheduler.place(c, c, 0);
  }

  push(frameClass: number, entry: number, bytes: number): void {
    this.entries[frameClass].push(entry);
    this.sizes[frameClass].push(bytes);
    this.length++;
    const waiting = this.bytes[frameClass] + bytes;
    this.bytes[frameClass] = waiting;
    if (waiting > this.highWater[frameClass]) this.highWater[frameClass] = waiting;
    this.scheduler.enqueue(frameClass);
  }

  /** The entry that is sent at `nowPs`, of the classes whose bit in `paused` is clear; -1 if there is none. */
  shift(paused: number, nowPs: number): number {
    if (this.length === 0) return -1;
    this.setPaused(paused);
    const frameClass = this.scheduler.next(nowPs);
    if (frameClass < 0) return -1;
    const entries = this.entries[frameClass];
    const bytes = this.sizes[frameClass].shift();
    this.length--;
    this.bytes[frameClass] -= bytes;
    const entry = entries.shift();
    this.scheduler.sent(frameClass, bytes, entries.length > 0);
    return entry;
  }

  private setPaused(paused: number): void {
    const changed = paused ^ this.paused;
    if (changed === 0) return;
    this.paused = paused;
    for (let c = 0; c < PRIORITIES; c++) {
      if (((changed >> c) & 1) !== 0) this.scheduler.setPaused(c, ((paused >> c) & 1) !== 0);
    }
  }
}
