import { REPORT_SCHEMA, type Report } from '../sim/report.ts';
import type { ResolvedScenario } from '../sim/scenario-resolved.ts';
import { restateScenario } from '../sim/scenario-restate.ts';
import type { Scenario } from '../sim/scenario-types.ts';
import { UsageError } from './command.ts';

/** A run that a file tells of. */
export interface Recorded {
  readonly scenario: ResolvedScenario;
  /** What it came to; null if it was interrupted, or if the file is the scenario alone. */
  readonly result: Pick<Report, 'digest' | 'version'> | null;
}

/**
 * The run that a file tells of; null if it is a scenario as people write them.
 *
 * @throws UsageError for a report of another version.
 */
export function recordedIn(json: unknown, file: string): Recorded | null {
  if (typeof json !== 'object' || json === null) return null;
  if ('flows' in json && 'durationPs' in json) return { scenario: json as ResolvedScenario, result: null };
  const { schema } = json as Partial<Report>;
  if (typeof schema !== 'string' || !schema.startsWith('sriovsim-report/')) return null;
  if (schema !== REPORT_SCHEMA) {
    throw new UsageError(`${file}: schema: ${JSON.stringify(schema)} is unknown; allowed ${REPORT_SCHEMA}`);
  }
  const report = json as Report;
  return { scenario: report.scenario, result: report.partial ? null : report };
}

/** @throws UsageError for a report that is no longer what a run wrote. */
export function restated({ scenario }: Recorded, file: string): Scenario {
  try {
    return restateScenario(scenario);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(
      `${file}: scenario: has been changed (${error.message}); allowed a report as it was written`,
    );
  }
}

/** What is said of a run that did not come to what its report says; null if it did. */
export function otherResult(
  recorded: Recorded | null,
  file: string,
  { digest, version }: Report,
): string | null {
  const result = recorded?.result ?? null;
  if (result === null || result.digest === digest) return null;
  const was = `digest ${result.digest} with version ${result.version}`;
  return `sriovsim: ${file}: the run came to another end: was ${was}, is ${digest} with version ${version}\n`;
}
