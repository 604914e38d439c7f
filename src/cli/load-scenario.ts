import { dirname, resolve } from 'node:path';
import { parseScenarioText } from '../sim/scenario-parse.ts';
import { type LoadedScenario, resolveScenario } from '../sim/scenario-resolve.ts';
import type { Scenario } from '../sim/scenario-types.ts';
import type { FileUses } from './file-uses.ts';
import { readBytes, readText } from './read-file.ts';

/**
 * Reads a scenario file and the captures that it names.
 *
 * @param overrides what the command line says otherwise.
 * @throws UsageError if the file cannot be read, ScenarioError if it is wrong.
 */
export function loadScenario(
  files: FileUses,
  file: string,
  overrides: Partial<Scenario> = {},
): LoadedScenario {
  const scenario = parseScenarioText(readText(files, 'SCENARIO.json', file, 'a scenario file'), file);
  return resolveScenario(
    { ...scenario, ...overrides },
    {
      source: file,
      readCapture: (name) => {
        const path = resolve(dirname(file), name);
        files.read("the scenario's capture", path);
        return readBytes(path);
      },
    },
  );
}
