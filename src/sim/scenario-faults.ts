import type { EndpointDirectory } from './scenario-endpoints.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import { SCENARIO_DEFAULTS as DEFAULTS, FAULT_KINDS, SCENARIO_RANGES as RANGES } from './scenario-limits.ts';
import type { ResolvedFault } from './scenario-resolved.ts';
import { type RunTimes, resolveStart, toPs } from './scenario-times.ts';
import type { FaultDirection, FaultKind, FaultOptions } from './scenario-types.ts';

/** What faults are resolved against. */
export interface FaultContext {
  endpoints: EndpointDirectory;
  times: RunTimes;
  reporter: ProblemReporter;
  /** Whether the host translates. */
  iommu: boolean;
}

/** What a kind of fault takes beside its times. */
interface FaultRule {
  readonly target?: 'needed' | 'vf' | 'any';
  readonly directions?: readonly FaultDirection[];
  /** Whether it lasts. */
  readonly lasts?: true;
  readonly factor?: true;
  /** Where a trial must be able to fail. */
  readonly mostProbable?: number;
  /** Whether bits may be the trials. */
  readonly bits?: true;
}

const RULES: Readonly<Record<FaultKind, FaultRule>> = {
  'bit-error': { directions: ['upstream', 'downstream'], mostProbable: 0.5, bits: true },
  'link-down': { lasts: true },
  'surprise-removal': {},
  'iommu-fault': { target: 'vf', directions: ['read', 'write'] },
  'poisoned-data': { target: 'any' },
  'lost-completion': { target: 'any' },
  'slow-memory': { lasts: true, factor: true },
  flr: { target: 'needed' },
};

/** Resolves the list of faults, if there is one that is not empty; `path` is where it stands. */
export function resolveFaults(
  faults: readonly FaultOptions[] | undefined,
  path: string,
  context: FaultContext,
): { faults?: ResolvedFault[] } {
  if (faults === undefined || faults.length === 0) return {};
  return { faults: faults.map((fault, i) => resolveFault(fault, `${path}[${i}]`, context)) };
}

/** Resolves one fault; `path` is where it stands. */
export function resolveFault(options: FaultOptions, path: string, context: FaultContext): ResolvedFault {
  const { reporter, iommu } = context;
  const { forMs, factor } = options;
  const kind = reporter.oneOf(`${path}.kind`, options.kind, FAULT_KINDS);
  const rule = RULES[kind];
  if (kind === 'iommu-fault' && !iommu) {
    reporter.fail(`${path}.kind`, kind, 'the host has no IOMMU', 'with host.iommu true');
  }
  const unused = (key: keyof FaultOptions, isUsed: boolean | undefined) => {
    if (options[key] !== undefined && isUsed !== true)
      reporter.fail(`${path}.${key}`, options[key], `a fault of kind ${kind} has none`, 'to leave it out');
  };
  unused('target', rule.target !== undefined);
  unused('direction', rule.directions !== undefined);
  unused('forMs', rule.lasts);
  unused('factor', rule.factor);
  unused('bitErrorRate', rule.bits);
  return {
    kind,
    ...resolveTrials(options, path, rule, context),
    target: resolveTarget(options.target, rule, `${path}.target`, context),
    direction:
      options.direction === undefined
        ? null
        : reporter.oneOf(`${path}.direction`, options.direction, rule.directions ?? []),
    forPs:
      rule.lasts === true
        ? toPs(reporter.number(`${path}.forMs`, forMs ?? DEFAULTS.forMs, RANGES.durationMs))
        : 0,
    factor: reporter.number(`${path}.factor`, factor ?? DEFAULTS.factor, RANGES.factor),
  };
}

/** When: at a time, or by chance in a span. */
function resolveTrials(
  options: FaultOptions,
  path: string,
  { mostProbable = RANGES.probability[1], bits }: FaultRule,
  { times, reporter }: FaultContext,
) {
  const { atMs, probability, bitErrorRate, fromMs, toMs } = options;
  const since = reporter.oneOf(`${path}.since`, options.since ?? DEFAULTS.faultSince, ['start', 'power-on']);
  const given = [atMs, probability, bitErrorRate].filter((each) => each !== undefined).length;
  if (given !== 1) {
    const problem =
      given === 0
        ? 'says neither when nor how often'
        : atMs === undefined
          ? 'says how often in two ways'
          : 'says both when and how often';
    const allowed = bits ? 'one of atMs, probability and bitErrorRate' : 'one of atMs and probability';
    reporter.fail(path, options, problem, allowed);
  }
  const start = (ms: number | undefined, key: string) => {
    if (since === 'start') return resolveStart(ms, path, times, reporter, key);
    return toPs(reporter.number(`${path}.${key}`, ms ?? 0, RANGES.timeMs));
  };
  if (atMs !== undefined) {
    const key = fromMs === undefined ? 'toMs' : 'fromMs';
    if (options[key] !== undefined)
      reporter.fail(`${path}.${key}`, options[key], 'a fault at a time has none', 'with probability');
    return { since, atPs: start(atMs, 'atMs'), probability: 0, bitErrorRate: 0, fromPs: 0, toPs: null };
  }
  const fromPs = start(fromMs, 'fromMs');
  const endPs = toMs === undefined ? null : toPs(toMs);
  if (endPs !== null && !(endPs > fromPs)) {
    reporter.fail(`${path}.toMs`, toMs, `${showValue(toMs)} is not behind its begin`, 'more than fromMs');
  }
  const chances = [RANGES.probability[0], mostProbable] as const;
  const chance =
    bitErrorRate === undefined
      ? { probability: reporter.number(`${path}.probability`, probability ?? 0, chances), bitErrorRate: 0 }
      : {
          probability: 0,
          bitErrorRate: reporter.number(`${path}.bitErrorRate`, bitErrorRate, RANGES.bitErrorRate),
        };
  return { since, atPs: null, ...chance, fromPs, toPs: endPs };
}

function resolveTarget(
  target: string | undefined,
  rule: FaultRule,
  path: string,
  { endpoints, reporter }: FaultContext,
) {
  if (target === undefined) {
    if (rule.target === 'needed') reporter.fail(path, target, 'is missing', endpoints.vportNames);
    return null;
  }
  const ref = endpoints.vport(path, target);
  if (rule.target === 'vf' && ref.kind === 'pf') {
    reporter.fail(path, target, 'requests of the host pass untranslated', 'a guest or GUEST.N');
  }
  return ref;
}
