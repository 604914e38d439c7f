import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { DROP_REASONS, NicSwitch } from '../../src/nicswitch/index.ts';
import * as record from '../../src/nicswitch/port-record.ts';
import * as layout from '../../src/nicswitch/shared-layout.ts';
import { ROOT } from '../tidy/project.ts';
import { codeBlocks } from './markdown.ts';

const page = readFileSync(join(ROOT, 'docs/nic-switch.md'), 'utf8');

/** What stands between two marks. */
function part(name: string): string {
  const [, found] = page.match(new RegExp(`<!-- begin ${name} -->(.*)<!-- end ${name} -->`, 's')) ?? [];
  return found ?? '';
}

/** What stands in backquotes. */
function quoted(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name);
}

/** Rows of the table of a port's words: the words, and the names that they have. */
function recordRows(): { words: number[]; names: string[] }[] {
  return [...page.matchAll(/^\| (\d+)(?:( to|,) (\d+))? \| (`[^|]+`) \|/gm)].map(([, from, , to, names]) => {
    const last = Number(to ?? from);
    const words = Array.from({ length: last - Number(from) + 1 }, (_, i) => Number(from) + i);
    return { words, names: [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name) };
  });
}

describe('docs/nic-switch.md', () => {
  it('has a program that prints what it says', () => {
    const [program, printed] = codeBlocks(part('program'));
    const { outputText } = ts.transpileModule(program.code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', outputText], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(output).toBe(printed.code);
  });

  it('gives each word of a port its name', () => {
    const rows = recordRows();
    expect(rows.flatMap(({ words }) => words)).toEqual(
      Array.from({ length: 1 << record.RECORD_SHIFT }, (_, word) => word),
    );
    for (const { words, names } of rows) {
      for (const [i, name] of names.entries()) {
        // The classes of frames that are counted there begin with 1.
        const first = name === 'OUT_BY_CLASS' ? 1 : 0;
        expect((record as Record<string, unknown>)[name], name).toBe(words[i] - first);
      }
    }
  });

  it('tells when a frame is dropped for each of the reasons, in their order', () => {
    const rows = [...part('reasons').matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, names]) => quoted(names));
    expect(rows).toEqual(DROP_REASONS);
  });

  it('names methods that there are for what the switch can be told', () => {
    const [, table] = page.match(/^## What it can be told$(.*?)^## /ms) ?? [];
    const named = quoted(table ?? '').filter((name) => /^(add|set)[A-Z]/.test(name));
    expect(named.length).toBeGreaterThan(25);
    for (const name of named) expect(name in NicSwitch.prototype, name).toBe(true);
  });

  it('names indices of rings that are there', () => {
    const named = [...new Set([...page.matchAll(/`((?:SEND|RECEIVE)_\w+)`/g)].map(([, name]) => name))];
    expect(named.sort()).toEqual(['RECEIVE_HEAD', 'SEND_LIMIT', 'SEND_TAIL']);
    for (const name of named) expect((layout as Record<string, unknown>)[name]).toBeTypeOf('number');
  });
});
