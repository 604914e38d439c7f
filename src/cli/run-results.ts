import { dirname, relative, resolve } from 'node:path';
import type { Report } from '../sim/report.ts';
import { formatJson, formatReportJson } from '../sim/report-json.ts';
import type { LoadedScenario } from '../sim/scenario-resolve.ts';
import type { Io } from './io.ts';
import type { OutFolder } from './out-folder.ts';
import { formatReportText } from './report-text.ts';

/** A scenario that was run, and the file that it is from. */
export interface RunSource {
  readonly loaded: LoadedScenario;
  readonly file: string;
}

/**
 * Hands a report out: files first, because a reader of the standard output who goes away early does not cost them.
 *
 * @param source null for whoever goes on from a snapshot.
 */
export async function deliver(
  report: Report,
  source: RunSource | null,
  asJson: boolean,
  out: OutFolder | undefined,
  io: Io,
): Promise<void> {
  const text = formatReportText(report);
  if (out !== undefined) writeResults(report, text, source, out);
  await io.stdout(asJson ? formatReportJson(report) : text);
}

function writeResults(report: Report, text: string, source: RunSource | null, out: OutFolder): void {
  // Captures are named as seen from the folder, so that what lies there can be run again.
  const seenFrom = <T extends { file: string }>(capture: T): T => {
    if (source === null) return capture;
    const path = relative(out.path, resolve(dirname(source.file), capture.file));
    return { ...capture, file: path.replaceAll('\\', '/') };
  };
  if (source !== null) {
    const { $schema: _, captures, ...rest } = source.loaded.source;
    const scenario = captures === undefined ? rest : { ...rest, captures: captures.map(seenFrom) };
    out.write('scenario.json', formatJson(scenario));
  }
  const scenario = { ...report.scenario, captures: report.scenario.captures.map(seenFrom) };
  out.write('report.json', formatReportJson({ ...report, scenario }));
  out.write('report.txt', text);
  out.write('scenario.resolved.json', formatJson(scenario));
}
