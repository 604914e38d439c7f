import { checkInteger, checkKeys, checkNumber } from '../base/index.ts';
import type { ProbeKind, ProbeSink } from '../kernel/index.ts';
import { type Breakpoint, type BreakpointOptions, makeBreakpoint } from './breakpoints.ts';
import type { Simulation } from './simulation.ts';

/** Why a run has stopped, and where the machine is. */
export interface Stop {
  /** `steps`: as many as were asked for; `limit`: the instant that was given; `idle`: nothing waits any more. */
  readonly reason: 'breakpoint' | 'steps' | 'limit' | 'idle';
  /** The breakpoint, if that is the reason. */
  readonly breakpoint: BreakpointOptions | null;
  /** The present, in ps from power-on. */
  readonly timePs: number;
  /** Cycle of the card's core clock that the present lies in. */
  readonly cycle: number;
  /** Task of the event that has run last in this stepper, or null. */
  readonly lastEvent: string | null;
  /** Task of the event that comes next and its instant, or null. */
  readonly next: { readonly event: string; readonly timePs: number } | null;
}

/**
 * Runs a simulation by single events or cycles, and up to breakpoints. What it looks at changes nothing: the digest is that of a
 * run without it.
 *
 * An event in which software waits (a driver that reads a register, a write to `sriov_numvfs`) is one step with
 * all that happens meanwhile.
 *
 * @example
 * const stepper = new Stepper(machine.simulation);
 * stepper.break({ frame: { at: 'dropped' } });
 * const stop = stepper.run({ untilPs: 1e9 });
 * stop.reason; // 'breakpoint', and the machine stands behind the event that dropped the frame
 * stepper.step().next?.event;
 */
export class Stepper {
  private readonly simulation: Simulation;
  private readonly breakpoints = new Map<number, Breakpoint>();
  private readonly sink: ProbeSink;
  /** Who had the records before, and still has them. */
  private readonly behind: ProbeSink | null;
  private numbers = 0;
  private lastEvent: string | null = null;
  /** The breakpoints that have stopped before the event that comes next: they do not stop there again. */
  private readonly passed = new Set<Breakpoint>();

  constructor(simulation: Simulation) {
    this.simulation = simulation;
    const { probe } = simulation;
    this.behind = probe.sink;
    this.sink = {
      record: (timePs, kind, a, b, c) => {
        this.note(kind, a, b);
        this.behind?.record(timePs, kind, a, b, c);
      },
    };
    probe.sink = this.sink;
  }

  /**
   * Sets a breakpoint; returns its number.
   *
   * @throws RangeError or TypeError for what is none, or names something that the machine does not have.
   */
  break(options: BreakpointOptions): number {
    this.numbers++;
    this.breakpoints.set(this.numbers, makeBreakpoint(this.simulation, options));
    return this.numbers;
  }

  /** Takes a breakpoint away; false if there is none of this number. */
  clear(number: number): boolean {
    return this.breakpoints.delete(number);
  }

  /** Runs `count` events, whatever breakpoints say. */
  step(count = 1): Stop {
    checkInteger('count', count, 1, Number.MAX_SAFE_INTEGER);
    for (let i = 0; i < count; i++) if (!this.runNext()) return this.stop('idle');
    this.forgetHits();
    return this.stop('steps');
  }

  /** Runs to the edge of the card's core clock that comes `count` cycles later, with what is due at it. */
  stepCycles(count = 1): Stop {
    checkInteger('count', count, 1, Number.MAX_SAFE_INTEGER);
    const period = this.periodPs;
    const edge = (Math.floor(this.simulation.nowPs / period) + count) * period;
    while (this.simulation.machine.scheduler.nextPs <= edge) this.runNext();
    this.simulation.advance(edge);
    this.forgetHits();
    return this.stop('steps');
  }

  /**
   * Runs until a breakpoint says to stop, or everything up to and including `untilPs` has run.
   *
   * @param options `untilPs` in ps from power-on; without it until nothing waits, which with endless traffic is never.
   * @throws TypeError or RangeError for other options.
   */
  run(options: { readonly untilPs?: number } = {}): Stop {
    checkKeys<{ untilPs?: number }>('options', options, { untilPs: true });
    const { untilPs = Number.POSITIVE_INFINITY } = options;
    if (untilPs !== Number.POSITIVE_INFINITY) checkNumber('untilPs', untilPs, 0, Number.MAX_SAFE_INTEGER);
    const { scheduler } = this.simulation.machine;
    for (;;) {
      const { nextPs } = scheduler;
      if (nextPs > untilPs) {
        this.simulation.advance(untilPs);
        return this.stop('limit');
      }
      if (nextPs === Number.POSITIVE_INFINITY) return this.stop('idle');
      for (const breakpoint of this.breakpoints.values()) {
        if (this.passed.has(breakpoint) || !breakpoint.before(nextPs, scheduler.nextTask)) continue;
        this.passed.add(breakpoint);
        return this.stop('breakpoint', breakpoint);
      }
      this.runNext();
      let hit: Breakpoint | null = null;
      // All are asked, so that none keeps a hit for later.
      for (const breakpoint of this.breakpoints.values()) if (breakpoint.after()) hit ??= breakpoint;
      if (hit !== null) return this.stop('breakpoint', hit);
    }
  }

  /** Forgets all breakpoints, and gives the probe back to the sink that it found there. */
  end(): void {
    this.breakpoints.clear();
    const { probe } = this.simulation;
    if (probe.sink === this.sink) probe.sink = this.behind;
  }

  private runNext(): boolean {
    const { scheduler } = this.simulation.machine;
    const { nextPs, nextTask } = scheduler;
    if (nextPs === Number.POSITIVE_INFINITY) return false;
    this.lastEvent = scheduler.taskName(nextTask);
    this.passed.clear();
    return this.simulation.step();
  }

  private note(kind: ProbeKind, a: number, b: number): void {
    for (const breakpoint of this.breakpoints.values()) breakpoint.record(kind, a, b);
  }

  private forgetHits(): void {
    for (const breakpoint of this.breakpoints.values()) breakpoint.after();
  }

  private get periodPs(): number {
    return this.simulation.machine.nic.profile.coreClockPs;
  }

  /** Where the machine is; `steps` is the reason if nothing has run. */
  stop(reason: Stop['reason'] = 'steps', breakpoint: Breakpoint | null = null): Stop {
    const { scheduler } = this.simulation.machine;
    const { now, nextPs, nextTask } = scheduler;
    return {
      reason,
      breakpoint: breakpoint?.options ?? null,
      timePs: now,
      cycle: Math.floor(now / this.periodPs),
      lastEvent: this.lastEvent,
      next:
        nextPs === Number.POSITIVE_INFINITY ? null : { event: scheduler.taskName(nextTask), timePs: nextPs },
    };
  }
}
