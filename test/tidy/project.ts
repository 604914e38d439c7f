import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder that holds package.json. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A file of the project, or one that a rule's own test makes up. */
export interface SourceText {
  /** From the project's root, with forward slashes: `src/base/ring.ts`. */
  path: string;
  text: string;
}

export interface Violation {
  path: string;
  /** Counted from 1. */
  line: number;
  rule: string;
}

/** What a failing test prints: `src/base/ring.ts:12: rule`. */
export function report(violations: readonly Violation[]): string[] {
  return violations.map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
}

/**
 * Files whose name ends in one of `endings`, in and below each of `places` (files or folders of the project; one that
 * does not exist holds no files).
 */
export function readProject(places: readonly string[], endings: readonly string[]): SourceText[] {
  const paths = places.flatMap((place) => {
    const full = join(ROOT, place);
    if (!existsSync(full)) return [];
    if (statSync(full).isFile()) return [place];
    return readdirSync(full, { recursive: true, encoding: 'utf8' }).map(
      (name) => `${place}/${name.replaceAll('\\', '/')}`,
    );
  });
  return paths
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Everything below src/ that is compiled. */
export function readSources(): SourceText[] {
  return readProject(['src'], ['.ts']);
}

/** A violation on each line of the file that `pattern` matches. */
export function matchLines(file: SourceText, pattern: RegExp, rule: (match: string) => string): Violation[] {
  return file.text.split('\n').flatMap((text, index) => {
    const match = pattern.exec(text);
    return match === null ? [] : [{ path: file.path, line: index + 1, rule: rule(match[0]) }];
  });
}
