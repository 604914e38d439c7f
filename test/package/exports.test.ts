import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../tidy/project.ts';

interface Manifest {
  exports: Record<string, string | { types: string; default: string }>;
  bin: Record<string, string>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
/** `./pcie` and its like, and `.`: what can be imported as a module. */
const modules = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'));

/** Exported files that are no folder's index. */
const SINGLE: Readonly<Record<string, string>> = {
  '.': 'src/index.ts',
  './scenario': 'src/sim/scenario.ts',
  './perfetto': 'src/trace/perfetto.ts',
  './snapshot': 'src/sim/snapshot/index.ts',
};

/** The source that stands behind an exported path. */
const sourceOf = (path: string) => SINGLE[path] ?? `src/${path.slice(2)}/index.ts`;

/** What a script prints in a process of its own: here, the names of the package lead to its sources. */
function runNode(script: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: ROOT,
    encoding: 'utf8',
  });
}

describe('the exported paths', () => {
  it.each(modules)('%s leads to its source, types first', (path) => {
    const built = sourceOf(path).replace('src/', './dist/').replace('.ts', '');
    expect(JSON.stringify(manifest.exports[path])).toBe(
      JSON.stringify({ types: `${built}.d.ts`, default: `${built}.js` }),
    );
    expect(existsSync(join(ROOT, sourceOf(path))), sourceOf(path)).toBe(true);
  });

  it('lead to files that are there once the package is built', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
  });

  it('give plain JavaScript what the sources export', async () => {
    const script = `
      const names = {};
      for (const path of ${JSON.stringify(modules)}) {
        names[path] = Object.keys(await import('sriovsim' + path.slice(1))).sort();
      }
      console.log(JSON.stringify(names));`;
    const expected = await Promise.all(
      modules.map(async (path) => [path, Object.keys(await import(join(ROOT, sourceOf(path)))).sort()]),
    );
    expect(JSON.parse(runNode(script))).toEqual(Object.fromEntries(expected));
  });
});

describe('the folders of src', () => {
  it('can all be imported, but for the command line', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'cli')
      .map((entry) => `./${entry.name}`);
    expect(modules).toEqual(expect.arrayContaining(folders));
  });
});

describe('what two exported paths share', () => {
  it('is one thing: a class from either is the same class', async () => {
    const script = `
      const same = [];
      const seen = new Map();
      for (const path of ${JSON.stringify(modules)}) {
        for (const [name, value] of Object.entries(await import('sriovsim' + path.slice(1)))) {
          if (typeof value !== 'function') continue;
          if (seen.has(name) && seen.get(name) !== value) same.push(path + ' ' + name);
          seen.set(name, value);
        }
      }
      console.log(JSON.stringify(same));`;
    expect(JSON.parse(runNode(script))).toEqual([]);
  });
});

describe('the command', () => {
  it('is a script that Node runs', () => {
    const built = readFileSync(join(ROOT, manifest.bin['sriovsim']), 'utf8');
    expect(built.split('\n')[0]).toBe('#!/usr/bin/env node');
  });
});
