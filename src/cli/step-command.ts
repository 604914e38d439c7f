import { createInterface } from 'node:readline';
import { bootSimulation } from '../sim/boot-error.ts';
import { Simulation } from '../sim/simulation.ts';
import { restoreSimulation, snapshotSimulation } from '../sim/snapshot/index.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { FileUses } from './file-uses.ts';
import { raiseInliningBudget } from './inlining.ts';
import type { Io } from './io.ts';
import { loadScenario } from './load-scenario.ts';
import { OutputFile } from './output-file.ts';
import { resumeFrom } from './snapshot-file.ts';
import { StepSession } from './step-session.ts';

/** `sriovsim step` */
export const stepCommand: Command = {
  usage: 'SCENARIO.json',
  summary:
    'Runs a scenario step by step, by commands from the standard input, one a line: until time 5us, event, counters ("help" lists them).',
  options: {},
  parameters: ['SCENARIO.json'],
  async run({ files, parameters: [file] }, io) {
    const { scenario, captures } = loadScenario(files, file);
    raiseInliningBudget();
    const simulation = new Simulation(scenario, captures);
    const session = new StepSession(simulation, {
      save: (path, current) => {
        const uses = new FileUses();
        uses.read('SCENARIO.json', file);
        new OutputFile(uses, 'snapshot', path).write([snapshotSimulation(current)]);
      },
      load: (path) =>
        resumeFrom(new FileUses(), { take: snapshotSimulation, restore: restoreSimulation }, path, 'restore'),
    });
    bootSimulation(simulation);
    await io.stdout(session.where());
    await goOn(session, io);
    return EXIT.done;
  },
};

/** Until there is no further line, or one that says so. At a terminal a wrong line can be written again. */
async function goOn(session: StepSession, io: Io): Promise<void> {
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    crlfDelay: Number.POSITIVE_INFINITY,
    terminal: false,
  });
  const prompt = () => (isTerminal ? io.stdout('> ') : Promise.resolve());
  let number = 0;
  try {
    await prompt();
    for await (const line of lines) {
      number++;
      try {
        const text = session.act(line);
        if (text === null) return;
        await io.stdout(text);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        if (!isTerminal) throw new UsageError(`standard input, line ${number}: ${error.message}`);
        io.stderr(`${error.message}\n`);
      }
      await prompt();
    }
  } finally {
    lines.close();
  }
}
