import { matchLines, type SourceText, type Violation } from './project.ts';

/** A file beyond this holds a second idea. */
export const MAX_LINES = 450;

/** A file that may be longer, and why: tables of data, which are read by looking things up. */
export interface LengthException {
  path: string;
  reason: string;
}

/** Files that are too long, and exceptions that are not needed. */
export function checkLength(
  files: readonly SourceText[],
  exceptions: readonly LengthException[],
): Violation[] {
  const lengths = new Map(files.map(({ path, text }) => [path, text.trimEnd().split('\n').length]));
  const excepted = new Set(exceptions.map(({ path }) => path));
  const tooLong = [...lengths]
    .filter(([path, lines]) => lines > MAX_LINES && !excepted.has(path))
    .map(([path, lines]) => ({ path, line: lines, rule: `has ${lines} lines, more than ${MAX_LINES}` }));
  const idle = exceptions
    .filter(({ path }) => (lengths.get(path) ?? 0) <= MAX_LINES)
    .map(({ path }) => ({ path, line: 1, rule: 'needs no exception for its length' }));
  return [...tooLong, ...idle];
}

/** Words that announce work instead of doing it. */
export function checkWords(file: SourceText): Violation[] {
  return matchLines(
    file,
    /\b(TODO|FIXME|TBD)\b|\bplace-?holders?\b/i,
    (word) => `'${word}' announces what is not there`,
  );
}

/** Absolute paths that exist on one machine only. */
export function checkPaths(file: SourceText): Violation[] {
  return matchLines(
    file,
    /(?<![\w.*])\/(work|root|tmp|home)\/[\w.]/,
    (path) => `a path of one machine: ${path}...`,
  );
}

/**
 * A member that JavaScript keeps private. V8 begins such a field as undefined, and then never learns what is
 * in it.
 */
const HASH_MEMBER = /(?<![\w'"`$/&[])#[a-z]\w*(?=\s*[(=;:])|\.#[a-z]/;

/** Members are private by TypeScript. */
export function checkMembers({ path, text }: SourceText): Violation[] {
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(\*|\/\/|\/\*)/.test(line) || !HASH_MEMBER.test(line)) return [];
    return [{ path, line: index + 1, rule: 'members are `private`, not `#`' }];
  });
}
