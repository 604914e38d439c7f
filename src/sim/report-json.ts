import { assert } from '../base/index.ts';
import type { Report } from './report.ts';

/** Objects with a key for each name that came up, in whatever order: these are sorted, all others keep their order. */
const MAPS: ReadonlySet<string> = new Set(['drops', 'dropped', 'inFlight', 'counters']);

/**
 * A report as one JSON document with two spaces of indentation and a newline at its end. Equal reports give equal
 * bytes.
 *
 * @throws AssertionError if a figure is not finite, which JSON cannot say.
 */
export function formatReportJson(report: Report): string {
  return formatJson(report);
}

/** Any plain data in the form of {@link formatReportJson}. */
export function formatJson(data: unknown): string {
  return `${JSON.stringify(data, checkAndSort, 2)}\n`;
}

function checkAndSort(key: string, value: unknown): unknown {
  if (typeof value === 'number') assert(Number.isFinite(value), `${key} is ${value} in a report`);
  if (!MAPS.has(key) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
