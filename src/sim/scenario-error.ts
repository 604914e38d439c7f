import { SCENARIO_RANGES } from './scenario-limits.ts';

/** Where a scenario is wrong and what would be right. */
export interface ScenarioProblem {
  /** The scenario as the user calls it: a file, or `scenario`. */
  source: string;
  /** Where in it, such as `guests[1].vfs[0].vf`; empty for the whole. */
  path: string;
  /** The value found there, or undefined. */
  value: unknown;
  /** What is wrong with it, as the end of a sentence. */
  problem: string;
  /** What may stand there instead. */
  allowed: string;
}

/**
 * A scenario, or an argument of the same shape, is wrong. The message is one line: where, what, and what is
 * allowed.
 */
export class ScenarioError extends RangeError {
  override readonly name = 'ScenarioError';
  readonly source: string;
  readonly path: string;
  readonly value: unknown;
  readonly allowed: string;

  constructor({ source, path, value, problem, allowed }: ScenarioProblem) {
    const place = path === '' ? source : `${source}: ${path}`;
    super(allowed === '' ? `${place}: ${problem}` : `${place}: ${problem}; allowed ${allowed}`);
    this.source = source;
    this.path = path;
    this.value = value;
    this.allowed = allowed;
  }
}

/** Makes the errors of one scenario, so that its name need not be passed along, and checks single values. */
export class ProblemReporter {
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  /** Throws; declared to return nothing so that it reads as a statement that ends the branch. */
  fail(path: string, value: unknown, problem: string, allowed: string): never {
    throw new ScenarioError({ source: this.source, path, value, problem, allowed });
  }

  /** Returns `value` if it is an integer within the range. */
  integer(path: string, value: number, [min, max]: readonly [number, number]): number {
    if (!Number.isInteger(value) || value < min || value > max) {
      this.fail(path, value, `${showValue(value)} is out of range`, `${min} to ${max}`);
    }
    return value;
  }

  /** Returns `value` if it is a number within the range. */
  number(path: string, value: number, [min, max]: readonly [number, number]): number {
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      this.fail(path, value, `${showValue(value)} is out of range`, `${min} to ${max}`);
    }
    return value;
  }

  /** Returns `value` if it is one of `allowed`. */
  oneOf<T extends string>(path: string, value: T, allowed: readonly T[]): T {
    if (!allowed.includes(value))
      this.fail(path, value, `${showValue(value)} is unknown`, allowed.join(', '));
    return value;
  }

  /** A VLAN ID, or null for none. */
  vlan(path: string, value: number | undefined): number | null {
    return value === undefined ? null : this.integer(path, value, SCENARIO_RANGES.vlan);
  }
}

/** `guests[1].vfs[0].vf` from its steps. */
export function formatPath(steps: readonly PropertyKey[]): string {
  let path = '';
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else path += path === '' ? String(step) : `.${String(step)}`;
  }
  return path;
}

/** A value as it fits into one line: short, and with control characters escaped. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}..."`;
}
