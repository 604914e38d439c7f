import { setImmediate as nextTurn } from 'node:timers/promises';
import { bootSimulation } from '../sim/boot-error.ts';
import type { FaultReport, Report } from '../sim/report.ts';
import { type InterruptSignal, Interrupts } from './interrupts.ts';

/** What a run needs of a simulation. Times are in ps from power-on. */
export interface Runnable {
  /** Whether it is booted: one that goes on from a snapshot is. */
  readonly isBooted: boolean;
  /** Enumerates the bus and starts the drivers. */
  boot(): void;
  /** Its faults on demand. */
  readonly faults?: { report(): readonly FaultReport[] };
  /** Simulates up to an instant. How a run is cut into slices does not change its outcome. */
  advance(untilPs: number): void;
  /** When the traffic begins. */
  readonly startPs: number;
  readonly scenario: { readonly warmUpPs: number; readonly durationPs: number };
  readonly endPs: number;
  readonly nowPs: number;
  report(options: { partial: boolean }): Report;
  /** Captures the card's frames from now on; `parts` are the file's until then. */
  captureFrames(): { parts(): Iterable<Uint8Array> };
}

/** How a run went. */
export interface RunOutcome {
  report: Report;
  /** The signal that ended it early, or null. */
  interruptedBy: InterruptSignal | null;
}

/** Something to be done at a moment of a run. */
export interface RunMoment {
  /** When: ps from the beginning of the traffic. */
  readonly ps: number;
  act(): void;
}

/** Told after each slice. */
export type ProgressListener = (simulation: Runnable, wallMs: number) => void;

/** Wall time between looks at signals and progress, in ms. */
const SLICE_MS = 30;
/** The first slice simulates this share of the run: nobody knows yet how fast it goes. */
const FIRST_SHARE = 1 / 1000;
/** No slice simulates less than this share, however long it takes: a run comes to its end. */
const LEAST_SHARE = 1 / 10_000;

/**
 * Runs a simulation to its end, or to the first SIGINT or SIGTERM: then the report is of what was simulated until
 * then. A second signal ends the process as if nobody had asked for a report.
 */
export async function runToEnd(
  simulation: Runnable,
  onProgress: ProgressListener = () => {},
  moment: RunMoment | null = null,
): Promise<RunOutcome> {
  const interrupts = new Interrupts();
  try {
    const started = performance.now();
    if (!simulation.isBooted) bootSimulation(simulation);
    await nextTurn();
    const runPs = simulation.endPs - simulation.nowPs;
    let stopPs = moment === null ? Number.POSITIVE_INFINITY : simulation.startPs + moment.ps;
    let slicePs = Math.ceil(runPs * FIRST_SHARE);
    while (simulation.nowPs < simulation.endPs && interrupts.signal === null) {
      const before = performance.now();
      simulation.advance(Math.min(simulation.endPs, simulation.nowPs + slicePs, stopPs));
      if (simulation.nowPs >= stopPs) {
        moment?.act();
        stopPs = Number.POSITIVE_INFINITY;
      }
      const now = performance.now();
      slicePs = Math.max(Math.ceil(runPs * LEAST_SHARE), nextSlice(slicePs, now - before));
      onProgress(simulation, now - started);
      await nextTurn();
    }
    const seconds = (performance.now() - started) / 1000;
    const report = simulation.report({ partial: simulation.nowPs < simulation.endPs });
    return { report: { ...report, wall: wallReport(report, seconds) }, interruptedBy: interrupts.signal };
  } finally {
    interrupts.release();
  }
}

/** Aims at {@link SLICE_MS}, by at most a factor of four at a time: load varies over a run. */
function nextSlice(slicePs: number, tookMs: number): number {
  const factor = Math.min(4, Math.max(0.25, SLICE_MS / Math.max(tookMs, 0.01)));
  return Math.round(slicePs * factor);
}

function wallReport({ conservation, simulated }: Report, seconds: number) {
  const perSecond = (count: number) => (seconds === 0 ? 0 : count / seconds);
  return {
    seconds,
    simulatedFramesPerSecond: perSecond(conservation.delivered),
    eventsPerSecond: perSecond(simulated.events),
  };
}
