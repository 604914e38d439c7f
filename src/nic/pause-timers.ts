import { type Scheduler, Timer } from '../kernel/index.ts';
import { type MacControl, PAUSE_QUANTUM_BITS, PRIORITIES } from '../wire/index.ts';

/** Which pauses a MAC honours: none, those for all traffic (802.3 annex 31B), or those by priority (802.1Qbb). */
export type PauseMode = 'none' | 'link' | 'priority';

const ALL = (1 << PRIORITIES) - 1;

/**
 * What a MAC has been told to stop: for each priority the instant until which nothing of it may begin. A
 * frame that is being sent is finished. The newest word counts: a shorter pause replaces a longer one, and
 * zero quanta end it at once.
 */
export class PauseTimers {
  /** Bit n is set while priority n may not begin a frame. */
  paused = 0;
  mode: PauseMode = 'none';
  /** Pauses and ends of pauses that were heeded, for all traffic together and by priority. */
  linkOff = 0;
  linkOn = 0;
  readonly off = new Float64Array(PRIORITIES);
  readonly on = new Float64Array(PRIORITIES);
  /** MAC Control frames that were not: of the other kind, or of none that is known. */
  ignored = 0;
  /** Time that each priority was stopped, in ps, as far as it has passed. */
  readonly pausedPs = new Float64Array(PRIORITIES);

  private readonly scheduler: Scheduler;
  private readonly quantumPs: number;
  private readonly resumed: () => void;
  private readonly until = new Float64Array(PRIORITIES);
  private readonly since = new Float64Array(PRIORITIES);
  private readonly timer: Timer;

  /**
   * @param gigabits rate of the port, of whose bit times a quantum has 512.
   * @param resumed called when a priority may send again.
   */
  constructor(scheduler: Scheduler, name: string, gigabits: number, resumed: () => void) {
    this.scheduler = scheduler;
    this.quantumPs = (PAUSE_QUANTUM_BITS * 1000) / gigabits;
    this.resumed = resumed;
    this.timer = new Timer(scheduler, name, () => this.settle());
  }

  /** A MAC Control frame has come in; undefined stands for one that cannot be read. */
  receive(control: MacControl | undefined): void {
    if (control?.kind === 'pause' && this.mode === 'link') {
      if (control.quanta > 0) this.linkOff++;
      else this.linkOn++;
      for (let priority = 0; priority < PRIORITIES; priority++) this.pause(priority, control.quanta);
    } else if (control?.kind === 'priority' && this.mode === 'priority') {
      for (let priority = 0; priority < PRIORITIES; priority++) {
        if (((control.enabled >> priority) & 1) === 0) continue;
        const quanta = control.quanta[priority];
        if (quanta > 0) this.off[priority]++;
        else this.on[priority]++;
        this.pause(priority, quanta);
      }
    } else {
      this.ignored++;
      return;
    }
    this.settle();
  }

  /** Forgets every pause, and honours pauses as `mode` says from now on. */
  setMode(mode: PauseMode): void {
    this.mode = mode;
    this.until.fill(0);
    this.settle();
  }

  resetCounters(): void {
    this.linkOff = this.linkOn = this.ignored = 0;
    for (const counts of [this.off, this.on, this.pausedPs]) counts.fill(0);
  }

  private pause(priority: number, quanta: number): void {
    this.until[priority] = this.scheduler.now + Math.round(quanta * this.quantumPs);
  }

  /** Brings `paused` up to date, and sets the timer for the next end of a pause. */
  private settle(): void {
    const { now } = this.scheduler;
    const before = this.paused;
    let paused = 0;
    let next = Number.POSITIVE_INFINITY;
    for (let priority = 0; priority < PRIORITIES; priority++) {
      const bit = 1 << priority;
      const until = this.until[priority];
      if (until > now) {
        paused |= bit;
        if (until < next) next = until;
        if ((before & bit) === 0) this.since[priority] = now;
      } else if ((before & bit) !== 0) {
        this.pausedPs[priority] += now - this.since[priority];
      }
    }
    this.paused = paused;
    this.timer.cancel();
    if (paused !== 0) this.timer.scheduleAt(next);
    if ((before & ~paused & ALL) !== 0) this.resumed();
  }
}
