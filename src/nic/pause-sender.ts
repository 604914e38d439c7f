import { type Scheduler, Timer } from '../kernel/index.ts';
import { MAX_PAUSE_QUANTA, type MacControl, PAUSE_QUANTUM_BITS, PRIORITIES } from '../wire/index.ts';
import type { PauseMode } from './pause-timers.ts';

/** How a receiver tells its sender to stop and go on. */
export interface PauseSenderOptions {
  readonly mode: PauseMode;
  /** Quanta that a pause lasts, by class (82599: FCTTV). */
  readonly quanta: readonly number[];
  /**
   * A pause is sent again when no more than so many quanta of it are left; 0: it is not (82599: FCRTV). One
   * that is not longer than that runs out before.
   */
  readonly refreshQuanta: number;
  /** Bit n is set if the end of a pause of class n is told, not waited for (82599: FCRTL.XONE). */
  readonly tellsEnd: number;
  /** Class of each priority; a class is stopped by stopping all its priorities. */
  readonly classOf: readonly number[];
}

/** The MAC that sends MAC Control frames in front of all others. */
export interface ControlPort {
  /** There is one to be sent: it will be asked for when the wire is free. */
  controlDue(): void;
}

const NEVER: PauseSenderOptions = {
  mode: 'none',
  quanta: [],
  refreshQuanta: 0,
  tellsEnd: 0,
  classOf: new Array<number>(PRIORITIES).fill(0),
};

/**
 * The receiver's half of flow control: classes that are stopped, and the PAUSE and priority pause frames that
 * say so: at once, again before a pause runs out, and at its end. What a frame says is decided when the wire
 * is free for it, so that it says the newest.
 */
export class PauseSender {
  /** Bit n is set while the sender of class n is told to stop. */
  stopped = 0;
  /** Frames sent for all traffic, and by class. */
  linkOff = 0;
  linkOn = 0;
  readonly off = new Float64Array(PRIORITIES);
  readonly on = new Float64Array(PRIORITIES);
  /** Changes from go to stop, by class. */
  readonly stops = new Float64Array(PRIORITIES);

  private readonly scheduler: Scheduler;
  private readonly port: ControlPort;
  private readonly quantumPs: number;
  private readonly refresh: Timer;
  private options = NEVER;
  /** Classes that the next frame has to name. */
  private due = 0;
  /** Frame of the options before these that has not been sent. */
  private last: MacControl | null = null;
  /** When the pause of each class has to be told again. */
  private readonly refreshAt = new Float64Array(PRIORITIES);

  /** @param gigabits rate of the port, of whose bit times a quantum has 512. */
  constructor(scheduler: Scheduler, name: string, gigabits: number, port: ControlPort) {
    this.scheduler = scheduler;
    this.port = port;
    this.quantumPs = (PAUSE_QUANTUM_BITS * 1000) / gigabits;
    this.refresh = new Timer(scheduler, name, () => this.refreshDue());
  }

  /** Works as `options` say from now on; classes that are stopped are told to go on, in the way they know. */
  configure(options: PauseSenderOptions): void {
    for (let c = 0; c < PRIORITIES; c++) this.go(c);
    if (this.due !== 0) this.last ??= this.frameOf(this.due);
    this.due = 0;
    this.options = options;
  }

  /** The sender of a class has to stop. */
  stop(frameClass: number): void {
    const bit = 1 << frameClass;
    if (this.options.mode === 'none' || (this.stopped & bit) !== 0) return;
    this.stopped |= bit;
    this.stops[frameClass]++;
    this.tell(bit);
  }

  /** The sender of a class may go on. */
  go(frameClass: number): void {
    const bit = 1 << frameClass;
    if ((this.stopped & bit) === 0) return;
    this.stopped &= ~bit;
    this.setTimer();
    if (((this.options.tellsEnd >> frameClass) & 1) !== 0) this.tell(bit);
    else this.due &= ~bit;
  }

  /** The frame that is due, now that the wire is free for it; null for none. */
  next(): MacControl | null {
    const { due, last } = this;
    if (last !== null) {
      this.last = null;
      return last;
    }
    if (due === 0) return null;
    this.due = 0;
    const frame = this.frameOf(due);
    this.setTimer();
    return frame;
  }

  resetCounters(): void {
    this.linkOff = this.linkOn = 0;
    for (const counts of [this.off, this.on, this.stops]) counts.fill(0);
  }

  private frameOf(due: number): MacControl {
    return this.options.mode === 'link' ? this.linkFrame(due) : this.priorityFrame(due);
  }

  /** One class that is stopped stops all. */
  private linkFrame(due: number): MacControl {
    if (this.stopped === 0) {
      this.linkOn++;
      return { kind: 'pause', quanta: 0 };
    }
    let quanta = 0;
    for (let c = 0; c < PRIORITIES; c++) {
      if (((this.stopped >> c) & 1) !== 0) quanta = Math.max(quanta, this.quantaOf(c));
    }
    for (let c = 0; c < PRIORITIES; c++)
      if ((((this.stopped | due) >> c) & 1) !== 0) this.noteSent(c, quanta);
    this.linkOff++;
    return { kind: 'pause', quanta };
  }

  private priorityFrame(due: number): MacControl {
    const { classOf } = this.options;
    const quanta = new Array<number>(PRIORITIES).fill(0);
    let enabled = 0;
    for (let priority = 0; priority < PRIORITIES; priority++) {
      const c = classOf[priority];
      if (((due >> c) & 1) === 0) continue;
      enabled |= 1 << priority;
      if (((this.stopped >> c) & 1) !== 0) quanta[priority] = this.quantaOf(c);
    }
    for (let c = 0; c < PRIORITIES; c++) {
      if (((due >> c) & 1) === 0) continue;
      if (((this.stopped >> c) & 1) !== 0) {
        this.off[c]++;
        this.noteSent(c, this.quantaOf(c));
      } else {
        this.on[c]++;
      }
    }
    return { kind: 'priority', enabled, quanta };
  }

  private quantaOf(frameClass: number): number {
    return this.options.quanta[frameClass] ?? MAX_PAUSE_QUANTA;
  }

  private noteSent(frameClass: number, quanta: number): void {
    const { refreshQuanta } = this.options;
    const isRefreshed = refreshQuanta > 0 && quanta > 0;
    const wait = quanta > refreshQuanta ? quanta - refreshQuanta : quanta;
    this.refreshAt[frameClass] = isRefreshed
      ? this.scheduler.now + Math.round(wait * this.quantumPs)
      : Number.POSITIVE_INFINITY;
  }

  private tell(classes: number): void {
    this.due |= classes;
    this.port.controlDue();
  }

  private refreshDue(): void {
    let again = 0;
    for (let c = 0; c < PRIORITIES; c++) {
      if (this.isWaiting(c) && this.refreshAt[c] <= this.scheduler.now) again |= 1 << c;
    }
    if (again !== 0) this.tell(again);
    this.setTimer();
  }

  private setTimer(): void {
    this.refresh.cancel();
    let next = Number.POSITIVE_INFINITY;
    for (let c = 0; c < PRIORITIES; c++) {
      if (this.isWaiting(c) && this.refreshAt[c] < next) next = this.refreshAt[c];
    }
    if (next < Number.POSITIVE_INFINITY) this.refresh.scheduleAt(next);
  }

  /** Whether a class is stopped, and has been told so. */
  private isWaiting(frameClass: number): boolean {
    return (((this.stopped & ~this.due) >> frameClass) & 1) !== 0;
  }
}
