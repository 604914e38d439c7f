import { describe, expect, it } from 'vitest';
import { readProject, report, type SourceText } from './project.ts';
import {
  checkLength,
  checkMembers,
  checkPaths,
  checkWords,
  type LengthException,
  MAX_LINES,
} from './text.ts';

/** Longer than the rest, each for the reason given. */
const LENGTH_EXCEPTIONS: LengthException[] = [];

const code = readProject(['src', 'test', 'bench', 'examples'], ['.ts', '.js', '.mjs']);
const prose = readProject(
  ['docs', 'scenarios', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'],
  ['.md', '.json'],
);
/** The rules cannot be stated or tried without what they forbid. */
const judged = [...code, ...prose].filter(({ path }) => !path.startsWith('test/tidy/'));

describe('the length of files', () => {
  it(`is at most ${MAX_LINES} lines, but for the listed tables`, () => {
    expect(report(checkLength(code, LENGTH_EXCEPTIONS))).toEqual([]);
  });

  const ofLines = (path: string, lines: number): SourceText => ({ path, text: 'x\n'.repeat(lines) });

  it('is counted without the last line end', () => {
    const files = [ofLines('src/a.ts', MAX_LINES), ofLines('src/b.ts', MAX_LINES + 1)];
    expect(report(checkLength(files, []))).toEqual(['src/b.ts:451: has 451 lines, more than 450']);
  });

  it('needs an exception as long as it is beyond, and no longer', () => {
    const files = [ofLines('src/a.ts', MAX_LINES), ofLines('src/b.ts', MAX_LINES + 1)];
    const exceptions = ['src/a.ts', 'src/b.ts', 'src/gone.ts'].map((path) => ({ path, reason: 'a table' }));
    expect(report(checkLength(files, exceptions))).toEqual([
      'src/a.ts:1: needs no exception for its length',
      'src/gone.ts:1: needs no exception for its length',
    ]);
  });
});

describe('private members of the library', () => {
  it('are private by TypeScript', () => {
    expect(report(code.filter(({ path }) => path.startsWith('src/')).flatMap(checkMembers))).toEqual([]);
  });

  it.each(['  #size = 1;', '  readonly #size: number;', '  #grow(by) {}', '    return this.#size;'])(
    '%s is caught',
    (line) => {
      expect(checkMembers({ path: 'src/a.ts', text: `class A {\n${line}\n}` })).toHaveLength(1);
    },
  );

  it.each(["const link = '#size';", '// see #size', ' * [here](x.md#size)', 'private size = 1;'])(
    '%s is not',
    (line) => {
      expect(checkMembers({ path: 'src/a.ts', text: line })).toEqual([]);
    },
  );
});

describe('words that announce work', () => {
  it('are nowhere', () => {
    expect(report(judged.flatMap(checkWords))).toEqual([]);
  });

  it.each(['TODO', 'todo', 'FIXME', 'placeholder', 'Placeholders'])('%s is caught', (word) => {
    expect(report(checkWords({ path: 'src/a.ts', text: `fine\n// ${word}: later` }))).toEqual([
      `src/a.ts:2: '${word}' announces what is not there`,
    ]);
  });

  it('are not seen inside other words', () => {
    expect(checkWords({ path: 'src/a.ts', text: 'const autodoc = methodology;' })).toEqual([]);
  });
});

describe('paths of one machine', () => {
  it('are nowhere', () => {
    expect(report([...code, ...prose].flatMap(checkPaths))).toEqual([]);
  });

  // Paths are put together, so that the rule judges this file as well.
  const roots = ['work', 'root', 'tmp', 'home'];

  it.each(roots)('one below %s is caught', (root) => {
    expect(checkPaths({ path: 'src/a.ts', text: `open('/${root}/x')` })).toHaveLength(1);
  });

  it.each(roots)('one below %s is not seen in addresses, relative paths and patterns', (root) => {
    const text = `'https://example.org/${root}/x' './${root}/x' 'a/${root}/b' '/sys/${root}/net' '**/${root}/*'`;
    expect(checkPaths({ path: 'src/a.ts', text })).toEqual([]);
  });
});
