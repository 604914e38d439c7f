import { describe, expect, it } from 'vitest';
import { checkDocs, checkIndexes } from './docs.ts';
import { readSources, report } from './project.ts';

const sources = readSources();

describe('what a folder exports', () => {
  it('is named one by one and has a TSDoc comment', () => {
    expect(report(checkDocs(sources))).toEqual([]);
  });

  it('is stated in its index.ts', () => {
    expect(report(checkIndexes(sources))).toEqual([]);
  });
});

describe('the rule', () => {
  it('catches an export whose declaration has no comment, wherever it is', () => {
    const files = [
      {
        path: 'src/base/index.ts',
        text: [
          "export { bare, type Bare, documented, Renamed as Other } from './a.ts';",
          '/** Here. */',
          'export const here = 1;',
          'export const naked = 2;',
        ].join('\n'),
      },
      {
        path: 'src/base/a.ts',
        text: [
          'export function bare() {}',
          'export interface Bare {}',
          '/** What it does. */',
          'export function documented() {}',
          '// no TSDoc',
          'export class Renamed {}',
        ].join('\n'),
      },
    ];
    expect(report(checkDocs(files)).sort()).toEqual([
      'src/base/index.ts:1: Bare has no TSDoc comment',
      'src/base/index.ts:1: Other has no TSDoc comment',
      'src/base/index.ts:1: bare has no TSDoc comment',
      'src/base/index.ts:4: naked has no TSDoc comment',
    ]);
  });

  it('catches an export with a star', () => {
    const files = [
      { path: 'src/base/index.ts', text: "\nexport * from './a.ts';" },
      { path: 'src/base/a.ts', text: '/** A. */\nexport const a = 1;' },
    ];
    expect(report(checkDocs(files))).toEqual(['src/base/index.ts:2: exports by name, not with *']);
  });

  it('catches a folder without an index', () => {
    const files = [
      { path: 'src/base/a.ts', text: '' },
      { path: 'src/index.ts', text: '' },
      { path: 'src/cli/main.ts', text: '' },
    ];
    expect(report(checkIndexes(files))).toEqual([
      'src/base/index.ts:1: is missing: it says what the folder exports',
    ]);
  });
});
