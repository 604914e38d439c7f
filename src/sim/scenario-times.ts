import type { ProblemReporter } from './scenario-error.ts';
import { SCENARIO_DEFAULTS as DEFAULTS, SCENARIO_RANGES as RANGES } from './scenario-limits.ts';
import type { Scenario } from './scenario-types.ts';

const PS_PER_MS = 1e9;

/** The length of a run, in the unit of the file and in ps. */
export interface RunTimes {
  warmUpPs: number;
  durationPs: number;
  endMs: number;
  endPs: number;
}

/** Whole ps from ms. */
export function toPs(ms: number): number {
  return Math.round(ms * PS_PER_MS);
}

/** How long a scenario runs. */
export function resolveTimes({ warmUpMs, durationMs }: Scenario): RunTimes {
  const warmUpPs = toPs(warmUpMs ?? DEFAULTS.warmUpMs);
  const durationPs = toPs(durationMs ?? DEFAULTS.durationMs);
  const endPs = warmUpPs + durationPs;
  return { warmUpPs, durationPs, endPs, endMs: endPs / PS_PER_MS };
}

/** When something starts, in ps; `path` is the entry whose `key` says so. */
export function resolveStart(
  startMs: number | undefined,
  path: string,
  times: RunTimes,
  reporter: ProblemReporter,
  key = 'startMs',
): number {
  const start = startMs ?? DEFAULTS.startMs;
  const startPs = toPs(start);
  if (!(start >= RANGES.timeMs[0]) || startPs >= times.endPs) {
    const problem = `starts at ${start} ms, but the run ends at ${times.endMs} ms`;
    reporter.fail(`${path}.${key}`, start, problem, `0 to less than ${times.endMs}`);
  }
  return startPs;
}
