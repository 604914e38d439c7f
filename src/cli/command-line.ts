import { parseArgs } from 'node:util';
import { didYouMean } from '../sim/scenario-suggest.ts';
import { type Command, type CommandInput, UsageError } from './command.ts';
import { FileUses } from './file-uses.ts';

/**
 * Reads the arguments of a command.
 *
 * @throws {@link UsageError} for an option that the command does not have, one without its value or given twice, those that do
 *   not go together, and arguments too many or too few.
 */
export function readCommandLine(name: string, command: Command, args: readonly string[]): CommandInput {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([key, { value }]) => [
      key,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const parameters: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') parameters.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined;
    if (spec === undefined) throw unknownOption(name, token.rawName, command);
    if (spec.value === undefined) {
      if (token.value !== undefined)
        throw new UsageError(`${token.rawName}: takes no value; allowed ${token.rawName} alone`);
      flags.add(token.name);
    } else {
      // "--out --json" is an --out whose value was forgotten; a value that begins with a dash is written --out=-x.
      if (token.value === undefined || (!token.inlineValue && /^--?[a-z]/.test(token.value))) {
        throw new UsageError(`${token.rawName}: has no value; allowed ${token.rawName} ${spec.value}`);
      }
      if (spec.repeats === true) lists.set(token.name, [...(lists.get(token.name) ?? []), token.value]);
      else if (!values.has(token.name)) values.set(token.name, token.value);
      else
        throw new UsageError(`${token.rawName}: is given twice; allowed ${token.rawName} ${spec.value} once`);
    }
  }
  checkParameters(name, command, parameters);
  checkTogether(command, new Set([...flags, ...values.keys(), ...lists.keys()]));
  return { parameters, flags, values, lists, files: new FileUses() };
}

/**
 * The number that an option gives, or undefined without the option.
 *
 * @throws {@link UsageError}
 */
export function numberOption(
  input: CommandInput,
  name: string,
  [min, max]: readonly [number, number],
  kind: 'integer' | 'number' = 'number',
): number | undefined {
  const text = input.values.get(name);
  if (text === undefined) return undefined;
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max) || (kind === 'integer' && !Number.isSafeInteger(value))) {
    const whole = kind === 'integer' ? 'whole numbers from ' : '';
    throw new UsageError(`--${name}: ${JSON.stringify(text)} does not fit; allowed ${whole}${min} to ${max}`);
  }
  return value;
}

function unknownOption(name: string, option: string, command: Command): UsageError {
  const known = Object.keys(command.options).map((key) => `--${key}`);
  return new UsageError(
    `${option}: unknown option${didYouMean(option, known)}; allowed for ${name} ${known.length === 0 ? `${command.usage}, and no options but --help` : known.join(', ')}`,
  );
}

function checkTogether({ options }: Command, given: ReadonlySet<string>): void {
  for (const name of given) {
    for (const [other, why] of Object.entries(options[name].apartFrom ?? {})) {
      if (given.has(other)) throw new UsageError(`--${name}: ${why}; allowed without --${other}`);
    }
  }
}

function checkParameters(name: string, command: Command, parameters: readonly string[]): void {
  const { usage } = command;
  const missing = command.parameters[parameters.length];
  if (missing !== undefined) throw new UsageError(`${name}: ${missing} is missing; allowed ${name} ${usage}`);
  const { optional = [] } = command;
  const empty = parameters.indexOf('');
  if (empty >= 0) {
    const what = [...command.parameters, ...optional][empty] ?? 'an argument';
    throw new UsageError(`${name}: ${what} is empty; allowed ${name} ${usage}`);
  }
  const extra = parameters[command.parameters.length + optional.length];
  if (extra !== undefined) {
    throw new UsageError(`${name}: unexpected ${JSON.stringify(extra)}; allowed ${name} ${usage}`);
  }
}
