import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseScenarioText } from '../sim/scenario-parse.ts';
import { type LoadedScenario, resolveScenario } from '../sim/scenario-resolve.ts';
import type { Scenario } from '../sim/scenario-types.ts';
import { UsageError } from './command.ts';

/**
 * Reads a scenario file and the captures that it names.
 *
 * @param overrides what the command line says otherwise.
 * @throws {@link UsageError} if the file cannot be read, ScenarioError if it is wrong.
 */
export function loadScenario(file: string, overrides: Partial<Scenario> = {}): LoadedScenario {
  const scenario = parseScenarioText(readText(file), file);
  return resolveScenario(
    { ...scenario, ...overrides },
    { source: file, readCapture: (name) => readBytes(resolve(dirname(file), name)) },
  );
}

function readText(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readBytes(file);
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}; allowed a scenario file`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${file}: is not UTF-8 text; allowed a scenario file`);
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(reasonOf(error as NodeJS.ErrnoException));
  }
}

/** Why a file cannot be used, without the path, which the reader of the error knows by another name. */
export function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'is a directory';
  if (code === 'ENOTDIR') return 'a part of its path is no directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return code ?? message;
}
