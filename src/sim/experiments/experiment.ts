import { didYouMean } from '../scenario-suggest.ts';

/** Version of the JSON of a result. */
export const EXPERIMENT_SCHEMA = 1;

/** What a parameter takes: a list of numbers or words; an experiment does every combination of its parameters. */
export type ParameterSpec = {
  readonly about: string;
  /** Values where nothing is set. */
  readonly default: readonly (number | string)[];
} & (
  | {
      /** Whole numbers in a range. */
      readonly range: readonly [number, number];
    }
  | {
      /** Values that it can have. */
      readonly allowed: readonly (number | string)[];
    }
);

/** A column of a result. */
export interface ResultColumn {
  readonly name: string;
  /** Empty for a number without one, or a word. */
  readonly unit: string;
}

/** A value of a result; null where there is none. */
export type ResultValue = number | string | null;

/** Values of the parameters, filled in and checked. */
export type ParameterValues = Readonly<Record<string, readonly (number | string)[]>>;

/** Points that somebody has measured or calculated, beside which the rows stand. */
export interface PublishedPoints {
  readonly source: string;
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (readonly ResultValue[])[];
}

/**
 * How the rows become a picture: `y` against `x`, all of them names of columns. Parameters that differ between rows
 * make further lines.
 */
export interface PlotSpec {
  readonly x: string;
  /** Columns that differ between rows and make no lines: they say another one again, or are results that are not in the picture. */
  readonly besides?: readonly string[];
  readonly y: readonly string[];
  /** What `y` is, with its unit. */
  readonly title: string;
  /** Whether each step on the x axis doubles. */
  readonly logarithmic: boolean;
}

/** What came of an experiment. */
export interface ExperimentResult {
  readonly schema: number;
  readonly experiment: string;
  readonly parameters: ParameterValues;
  readonly seed: number;
  /** True where it was ended early: there would have been more rows. */
  readonly partial?: true;
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (readonly ResultValue[])[];
  readonly published: readonly PublishedPoints[];
}

/** Something to be found out by simulation, again and again with other parameters. */
export interface Experiment {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** What a reader of the rows has to know, for people. */
  readonly note?: string;
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  readonly columns: readonly ResultColumn[];
  readonly published: readonly PublishedPoints[];
  /** Without it the rows are no picture. */
  readonly plot?: PlotSpec;
  /** The rows for the values of the parameters, found one after the other as they are asked for. */
  run(values: ParameterValues, seed: number): Iterable<readonly ResultValue[]>;
}

/** A parameter is wrong: one line that says which, its value, and what is allowed. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';
}

/**
 * An experiment that goes on row by row, so that it can be ended early.
 *
 * @example
 * const run = new ExperimentRun(pcieBandwidthExperiment, ['lanes=8,16']);
 * while (run.step());
 * run.result.rows;
 */
export class ExperimentRun {
  private readonly experiment: Experiment;
  private readonly values: ParameterValues;
  private readonly seed: number;
  private readonly more: Iterator<readonly ResultValue[]>;
  private readonly rows: (readonly ResultValue[])[] = [];
  private isDone = false;

  /**
   * @param settings `KEY=VALUE` texts; lists have commas.
   * @throws ParameterError for a parameter that the experiment does not have, that is given twice, or a value that it does
   *   not take.
   */
  constructor(experiment: Experiment, settings: readonly string[] = [], seed = 1) {
    this.experiment = experiment;
    this.values = readSettings(experiment, settings);
    this.seed = seed;
    this.more = experiment.run(this.values, seed)[Symbol.iterator]();
  }

  /** Finds out the next row; false if there is no more. */
  step(): boolean {
    const { done, value } = this.more.next();
    if (done === true) this.isDone = true;
    else this.rows.push(value);
    return !this.isDone;
  }

  /** What came of it so far. */
  get result(): ExperimentResult {
    const { experiment, values, seed, rows, isDone } = this;
    return {
      schema: EXPERIMENT_SCHEMA,
      experiment: experiment.name,
      parameters: values,
      seed,
      ...(isDone ? {} : { partial: true as const }),
      columns: experiment.columns,
      rows: [...rows],
      published: experiment.published,
    };
  }
}

/**
 * Runs an experiment.
 *
 * @param settings `KEY=VALUE` texts; lists have commas.
 * @throws ParameterError for a parameter that the experiment does not have, that is given twice, or a value that it does not
 *   take.
 * @example
 * runExperiment(pcieBandwidthExperiment, ['sizes=64,256', 'lanes=8,16']).rows;
 */
export function runExperiment(
  experiment: Experiment,
  settings: readonly string[] = [],
  seed = 1,
): ExperimentResult {
  const run = new ExperimentRun(experiment, settings, seed);
  while (run.step());
  return run.result;
}

function readSettings({ name, parameters }: Experiment, settings: readonly string[]): ParameterValues {
  const values: Record<string, readonly (number | string)[]> = {};
  for (const [key, spec] of Object.entries(parameters)) values[key] = spec.default;
  const given = new Set<string>();
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at <= 0) throw new ParameterError(`${JSON.stringify(setting)}: is no setting; allowed KEY=VALUE`);
    const key = setting.slice(0, at);
    if (!Object.hasOwn(parameters, key)) {
      const known = Object.keys(parameters);
      throw new ParameterError(
        `${key}: ${name} has no such parameter${didYouMean(key, known)}; allowed ${known.join(', ')}`,
      );
    }
    if (given.has(key)) throw new ParameterError(`${key}: is given twice; allowed once, a list with commas`);
    given.add(key);
    values[key] = setting
      .slice(at + 1)
      .split(',')
      .map((text) => readValue(key, text.trim(), parameters[key]));
  }
  return values;
}

function readValue(key: string, text: string, spec: ParameterSpec): number | string {
  const value = /^\d+$/.test(text) ? Number(text) : text;
  if ('allowed' in spec) {
    if (spec.allowed.includes(value)) return value;
    throw new ParameterError(
      `${key}: ${JSON.stringify(text)} does not fit; allowed ${spec.allowed.join(', ')}`,
    );
  }
  const [min, max] = spec.range;
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new ParameterError(
    `${key}: ${JSON.stringify(text)} does not fit; allowed whole numbers from ${min} to ${max}`,
  );
}
