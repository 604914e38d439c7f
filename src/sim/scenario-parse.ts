import type * as z from 'zod/mini';
import { CARD_CONFIGS } from '../profiles/card-configs.ts';
import { formatPath, ScenarioError, showValue } from './scenario-error.ts';
import { parseJsonText } from './scenario-json.ts';
import { scenarioSchema } from './scenario-schema.ts';
import { didYouMean } from './scenario-suggest.ts';
import type { Scenario } from './scenario-types.ts';

type Issue = z.core.$ZodIssue;

/**
 * Checks the form of a scenario: keys, types and ranges. What hangs together across fields is checked by
 * `resolveScenario`.
 *
 * @param json what `JSON.parse` returned, or an object of the same shape.
 * @param source what the scenario is called in errors.
 * @throws `ScenarioError` for the first thing that is wrong; misspelt keys come first.
 *
 * @example
 * ```ts
 * const scenario = parseScenario({ guests: [{ name: 'a' }, { name: 'b' }] });
 * ```
 */
export function parseScenario(json: unknown, source = 'scenario'): Scenario {
  return checkForm(scenarioSchema, json, source);
}

/**
 * {@link parseScenario} for the text of a file; an error of syntax names line and column.
 *
 * @throws `ScenarioError`
 */
export function parseScenarioText(text: string, source = 'scenario'): Scenario {
  return parseScenario(parseJsonText(text, source), source);
}

/**
 * Checks the form of a part of a scenario, such as `guestSchema`.
 *
 * @param path where the part stands, for the error.
 * @throws `ScenarioError`
 */
export function checkForm<T>(
  schema: z.ZodMiniType<T, T>,
  value: unknown,
  source = 'scenario',
  path: readonly PropertyKey[] = [],
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(descend);
  const issue = issues.find((candidate) => candidate.code === 'unrecognized_keys') ?? issues[0];
  const found = valueAt(value, issue.path);
  const steps = [...path, ...issue.path];
  if (issue.code === 'unrecognized_keys') steps.push(issue.keys[0]);
  throw new ScenarioError({
    source,
    path: formatPath(steps),
    value: found,
    problem: problemOf(issue, found, steps),
    allowed: issue.message,
  });
}

function problemOf(issue: Issue, value: unknown, path: readonly PropertyKey[]): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown key${didYouMean(issue.keys[0], issue.message.split(', '))}`;
    case 'invalid_value':
      if (typeof value === 'string') {
        if (path.at(-1) === 'profile' && CARD_CONFIGS.some(({ name }) => name === value)) {
          return `${showValue(value)} has a configuration space and no data path`;
        }
        return `${showValue(value)} is unknown${didYouMean(value, issue.values.map(String))}`;
      }
      break;
    case 'too_small':
    case 'too_big':
      if (typeof value === 'number') return `${value} is out of range`;
      break;
    case 'invalid_type':
      if (value === undefined) return 'is missing';
      if (typeof value === 'number' && issue.expected === 'int') return `${value} is not whole`;
      if (issue.expected === 'object') return `${showValue(value)} stands where an object belongs`;
      break;
  }
  return `${showValue(value)} does not fit`;
}

/** An issue of a union says that no branch fits: the branch that was meant says why. */
function descend(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const branches = issue.errors.filter((errors) => !errors.some(isOfOtherKind));
  if (branches.length === 0) return issue;
  branches.sort((a, b) => unknownKeys(a) - unknownKeys(b) || a.length - b.length);
  const inner = branches[0].find((candidate) => candidate.code === 'unrecognized_keys') ?? branches[0][0];
  return descend({ ...inner, path: [...issue.path, ...inner.path] });
}

/** A number where the branch has an object, and the like: this branch was not meant. */
function isOfOtherKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  // A fraction where an integer belongs is of the right kind.
  return issue.code === 'invalid_value' || (issue.code === 'invalid_type' && issue.expected !== 'int');
}

function unknownKeys(errors: readonly Issue[]): number {
  return errors.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
