import { describe, expect, it } from 'vitest';
import { readSources, report } from './project.ts';
import { checkPurity } from './purity.ts';

/** The command line is where the wall clock, the process and the terminal are. */
const model = readSources().filter(({ path }) => !path.startsWith('src/cli/'));

const check = (text: string) => report(checkPurity({ path: 'src/nic/a.ts', text }));

describe('the model', () => {
  it('uses no clock, no process, no locale and no arithmetic that differs between engines', () => {
    expect(report(model.flatMap(checkPurity))).toEqual([]);
  });
});

describe('the rule', () => {
  it.each([
    ['const t = Date.now();', 'the model may not use Date'],
    ['const d = new Date(0);', 'the model may not use Date'],
    ['const t = performance.now();', 'the model may not use performance'],
    ['if (process.env.X) f();', 'the model may not use process'],
    ['setTimeout(() => {}, 1);', 'the model may not use setTimeout'],
    ['console.log(1);', 'the model may not use console'],
    ['globalThis.x = 1;', 'the model may not use globalThis'],
    ['const r = Math.random();', 'random numbers come from a named stream, not from Math.random'],
    ['const l = Math.log(2);', 'Math.log differs between engines'],
    ['const l = Math.log2(8);', 'Math.log2 differs between engines'],
    ['const l = Math.exp(1);', 'Math.exp differs between engines'],
    ['const l = Math.sin(1);', 'Math.sin differs between engines'],
    ['const { log } = Math;', 'Math is used by the names of its members only'],
    ["const l = Math['log'](2);", 'Math is used by the names of its members only'],
    ["a.localeCompare('b');", "localeCompare depends on the machine's language"],
    ['n.toLocaleString();', "toLocaleString depends on the machine's language"],
  ])('catches %s', (line, rule) => {
    expect(check(`// a comment\n${line}`)).toEqual([`src/nic/a.ts:2: ${rule}`]);
  });

  it.each(['x ** 2', '2 ** 0.5', '10 ** n', 'Math.pow(10, n)', '10 ** -2', '10 ** 300'])(
    'catches the power %s',
    (power) => {
      expect(check(`const p = ${power};`)).toEqual([
        'src/nic/a.ts:1: a power that is neither of two nor made of small whole literals differs between engines',
      ]);
    },
  );

  it.each([
    'const p = 2 ** bits + 2 ** -53 + 10 ** 12 + Math.pow(2, n);',
    'const p = 10n ** BigInt(digits);',
    'const x = Math.floor(Math.sqrt(2) * Math.SQRT1_2);',
    'class Engine { process(frame: number) { this.process(frame); } }',
    'const table = { Date: 1, process: 2 }; table.process++;',
    'function open(window: number) { return window * 2; }',
    '/** Not {@link Math.random}, not Date.now(). */ const text = "process.exit()";',
  ])('lets pass: %s', (text) => {
    expect(check(text)).toEqual([]);
  });
});
