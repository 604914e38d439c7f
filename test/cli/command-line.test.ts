import { describe, expect, it } from 'vitest';
import { type Command, UsageError } from '../../src/cli/command.ts';
import { numberOption, readCommandLine } from '../../src/cli/command-line.ts';
import { FileUses } from '../../src/cli/file-uses.ts';
import { oneLine } from '../../src/cli/io.ts';

const command: Command = {
  usage: 'FILE [--json] [--seed N]',
  summary: '',
  options: { json: { about: '' }, seed: { value: 'N', about: '' } },
  parameters: ['FILE'],
  run: () => Promise.resolve(0),
};

const read = (...args: string[]) => readCommandLine('try', command, args);

describe('a command line', () => {
  it('is read in any order', () => {
    const expected = {
      parameters: ['x'],
      flags: new Set(['json']),
      values: new Map([['seed', '7']]),
      lists: new Map(),
      files: new FileUses(),
    };
    expect(read('x', '--json', '--seed', '7')).toEqual(expected);
    expect(read('--seed=7', '--json', '--', 'x')).toEqual(expected);
  });

  it.each([
    [['x', '--jsno'], '--jsno: unknown option (did you mean "--json"?); allowed for try --json, --seed'],
    [['x', '-q'], '-q: unknown option; allowed for try --json, --seed'],
    [['x', '--__proto__'], '--__proto__: unknown option; allowed for try --json, --seed'],
    [['x', '--json=1'], '--json: takes no value; allowed --json alone'],
    [['x', '--seed'], '--seed: has no value; allowed --seed N'],
    [['x', '--seed', '--json'], '--seed: has no value; allowed --seed N'],
    [[], 'try: FILE is missing; allowed try FILE [--json] [--seed N]'],
    [['x', 'y'], 'try: unexpected "y"; allowed try FILE [--json] [--seed N]'],
  ])('%j is refused', (args, message) => {
    expect(() => read(...args)).toThrow(new UsageError(message));
  });
});

describe('a number on the command line', () => {
  it('is a decimal number in its range', () => {
    expect(numberOption(read('x'), 'seed', [0, 9])).toBeUndefined();
    expect(numberOption(read('x', '--seed', '7.5'), 'seed', [0, 9])).toBe(7.5);
    expect(numberOption(read('x', '--seed', '1e3'), 'seed', [0, 9999], 'integer')).toBe(1000);
  });

  it.each(['-1', '10', '', ' 1', '0x1', 'NaN', 'Infinity', '1.5', '1,000'])('%j is refused', (text) => {
    expect(() => numberOption(read('x', `--seed=${text}`), 'seed', [0, 9], 'integer')).toThrow(
      new UsageError(`--seed: ${JSON.stringify(text)} does not fit; allowed whole numbers from 0 to 9`),
    );
  });
});

describe('one line of text', () => {
  it('has its control characters escaped', () => {
    expect(oneLine('a\nb\r\t\u001b[31m')).toBe('a\\nb\\r\\t\\u001b[31m');
  });
});
