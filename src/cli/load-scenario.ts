import { dirname, resolve } from 'node:path';
import { pcieParts } from '../sim/pcie-of-scenario.ts';
import { formatJson } from '../sim/report-json.ts';
import { parseJsonText } from '../sim/scenario-json.ts';
import { parseScenario } from '../sim/scenario-parse.ts';
import { type LoadedScenario, resolveScenario } from '../sim/scenario-resolve.ts';
import type { Scenario } from '../sim/scenario-types.ts';
import { UsageError } from './command.ts';
import type { FileUses } from './file-uses.ts';
import { readBytes, readText } from './read-file.ts';
import { type Recorded, recordedIn, restated } from './recorded-run.ts';

/** What a file says is to be run. */
export interface LoadedFile extends LoadedScenario {
  /** If the file is the report of a run, and nothing is to be otherwise: what must come out again. */
  readonly recorded: Recorded | null;
}

/**
 * Reads what is to be run, and the captures that are named there: a scenario file, what became of one
 * (`scenario.resolved.json`), or the report of a run, which has that in it.
 *
 * @param overrides what the command line says otherwise.
 * @throws UsageError if the file cannot be read, ScenarioError if it is wrong.
 */
export function loadScenario(files: FileUses, file: string, overrides: Partial<Scenario> = {}): LoadedFile {
  const text = readText(files, 'SCENARIO.json', file, 'a scenario file');
  const json = parseJsonText(text, file);
  const recorded = recordedIn(json, file);
  const readCapture = (name: string) => {
    const path = resolve(dirname(file), name);
    files.read("the scenario's capture", path);
    return readBytes(path);
  };
  const load = (scenario: Scenario) => resolveScenario(scenario, { source: file, readCapture, pcieParts });
  if (recorded === null) return { ...load({ ...parseScenario(json, file), ...overrides }), recorded };
  const scenario = parseScenario(restated(recorded, file), file);
  const loaded = load(scenario);
  // Captures may have changed since, or the report itself.
  if (formatJson(loaded.scenario) !== formatJson(recorded.scenario)) {
    throw new UsageError(
      `${file}: ${differenceOf(recorded.scenario, loaded.scenario)}; allowed what the run was made of`,
    );
  }
  if (Object.keys(overrides).length === 0) return { ...loaded, recorded };
  return { ...load({ ...scenario, ...overrides }), recorded: null };
}

/** The first place where two resolved scenarios differ, and what each has there. */
export function differenceOf(recorded: unknown, found: unknown, path = 'scenario'): string {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null;
  if (isObject(recorded) && isObject(found)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(found)])) {
      if (JSON.stringify(recorded[key]) !== JSON.stringify(found[key]))
        return differenceOf(recorded[key], found[key], `${path}.${key}`);
    }
  }
  const values = [recorded, found].map((value) => JSON.stringify(value) ?? 'nothing');
  return `${path}: was ${values[0]} and would be ${values[1]} now`;
}
