import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  EXPERIMENTS,
  type Experiment,
  type ExperimentResult,
  ExperimentRun,
  ParameterError,
  type ParameterSpec,
} from '../sim/experiments/index.ts';
import { formatJson } from '../sim/report-json.ts';
import { SCENARIO_RANGES } from '../sim/scenario-limits.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';
import { formatResultCsv, formatResultText } from './experiment-text.ts';
import type { FileUses } from './file-uses.ts';
import { raiseInliningBudget } from './inlining.ts';
import { INTERRUPT_STATUS, Interrupts } from './interrupts.ts';
import { plural } from './numbers.ts';
import { checkEnding, OutputFile } from './output-file.ts';
import { formatResultSvg, loadPlotLibrary } from './plot-svg.ts';
import { formatTable } from './text-table.ts';

/** The name that lists what there is. */
const LIST = 'list';

/** `sriovsim experiment` */
export const experimentCommand: Command = {
  usage: 'list | NAME [--set KEY=VALUE]... [--seed N] [--json | --csv] [--svg FILE]',
  summary: 'Finds something out by simulation, for every combination of its parameters.',
  options: {
    set: {
      value: 'KEY=VALUE',
      repeats: true,
      about: 'Set a parameter; a list has commas. `experiment list` names the parameters.',
    },
    seed: { value: 'N', about: 'Seed of the random streams. Default 1.' },
    json: { about: 'Print the result as one JSON document.' },
    csv: {
      apartFrom: { json: 'prints other text on the standard output' },
      about: 'Print the rows as comma-separated values.',
    },
    svg: { value: 'FILE', about: 'Draw the rows, and what others have published, into FILE.' },
  },
  parameters: ['NAME'],
  async run(input, io) {
    const [name] = input.parameters;
    if (name === LIST) {
      const without = ['set', 'seed', 'csv', 'svg'].find((option) => has(input, option));
      if (without !== undefined)
        throw new UsageError(`--${without}: is for one experiment; allowed with its NAME, not with ${LIST}`);
      await io.stdout(input.flags.has('json') ? formatJson(EXPERIMENTS.map(describe)) : list());
      return EXIT.done;
    }
    const experiment = EXPERIMENTS.find((known) => known.name === name);
    if (experiment === undefined) {
      const known = [LIST, ...EXPERIMENTS.map((each) => each.name)];
      throw new UsageError(
        `${JSON.stringify(name)}: unknown experiment${didYouMean(name, known)}; allowed ${known.join(', ')}`,
      );
    }
    const seed = numberOption(input, 'seed', SCENARIO_RANGES.seed, 'integer') ?? 1;
    const svg = input.values.get('svg');
    const picture = svg === undefined ? undefined : await pictureFile(input.files, experiment, svg);
    raiseInliningBudget();
    const interrupts = new Interrupts();
    const result = await run(experiment, input, seed, interrupts);
    if (experiment.plot !== undefined) picture?.write([await formatResultSvg(result, experiment.plot)]);
    await io.stdout(format(result, input, experiment.note));
    if (interrupts.signal === null) return EXIT.done;
    io.stderr(`sriovsim: interrupted: the result is partial, with ${plural(result.rows.length, 'row')}\n`);
    return INTERRUPT_STATUS[interrupts.signal];
  },
};

function has({ flags, values, lists }: CommandInput, option: string): boolean {
  return flags.has(option) || values.has(option) || lists.has(option);
}

/** Before anything runs: the place for a picture, if there is something to draw and to draw with. */
async function pictureFile(files: FileUses, { name, plot }: Experiment, path: string): Promise<OutputFile> {
  if (plot !== undefined) {
    checkEnding('--svg', path, 'SVG', ['.png', '.pdf', '.jpg', '.jpeg', '.eps', '.json', '.csv']);
    await loadPlotLibrary();
    return new OutputFile(files, '--svg', path);
  }
  const drawable = EXPERIMENTS.filter((each) => each.plot !== undefined).map((each) => each.name);
  throw new UsageError(`--svg: the rows of ${name} are no picture; allowed for ${drawable.join(', ')}`);
}

/** To its end, or as far as it has come when a signal asks for an end. */
async function run(experiment: Experiment, input: CommandInput, seed: number, interrupts: Interrupts) {
  try {
    const run = new ExperimentRun(experiment, input.lists.get('set') ?? [], seed);
    while (interrupts.signal === null && run.step()) await nextTurn();
    return run.result;
  } catch (error) {
    if (error instanceof ParameterError) throw new UsageError(`--set ${error.message}`);
    throw error;
  } finally {
    interrupts.release();
  }
}

function format(result: ExperimentResult, { flags }: CommandInput, note = ''): string {
  if (flags.has('json')) return formatJson(result);
  return flags.has('csv') ? formatResultCsv(result) : formatResultText(result, note);
}

/** An experiment without what it does. */
function describe({ name, summary, parameters, columns }: Experiment) {
  return { name, summary, parameters, columns };
}

function list(): string {
  const blocks = EXPERIMENTS.map(({ name, summary, parameters }) => {
    const rows = Object.entries(parameters).map(([key, spec]) => [
      `  ${key}`,
      spec.default.join(','),
      takes(spec),
      spec.about,
    ]);
    const columns = ['  parameter', 'default', 'takes', ''].map((title) => ({
      title,
      align: 'left' as const,
    }));
    return `${name}\n  ${summary}\n${formatTable(columns, rows).join('\n')}\n`;
  });
  return blocks.join('\n');
}

function takes(spec: ParameterSpec): string {
  return 'allowed' in spec ? spec.allowed.join(', ') : `${spec.range[0]} to ${spec.range[1]}`;
}
