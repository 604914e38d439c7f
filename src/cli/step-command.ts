import { fstatSync, realpathSync } from 'node:fs';
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
import { partsOf, wholeChip } from './whole-chip.ts';

const restore = (bytes: Uint8Array) => restoreSimulation(bytes, { nicProfile: wholeChip });

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
    const simulation = new Simulation(scenario, captures, partsOf(scenario));
    const saved = new Set<string>();
    const restored = new Set<string>();
    const session = new StepSession(simulation, {
      save: (path, current) => {
        const uses = files.copy();
        noteStreams(uses);
        for (const name of restored) uses.read('restore', name);
        new OutputFile(uses, 'snapshot', path).write([snapshotSimulation(current)]);
        saved.add(realpathSync(path));
      },
      load: (path) => {
        const snapshots = { take: snapshotSimulation, restore };
        const loaded = resumeFrom(new FileUses(), snapshots, path, 'restore');
        // What it has written itself, it may write again.
        if (!saved.has(realpathSync(path))) restored.add(path);
        return loaded;
      },
      copy: (current) => restore(snapshotSimulation(current)),
    });
    bootSimulation(simulation);
    await io.stdout(session.where());
    await goOn(session, io);
    return EXIT.done;
  },
};

/** Files that the standard streams come from or go to. */
function noteStreams(uses: FileUses): void {
  const isFile = (fd: number) => {
    try {
      return fstatSync(fd).isFile();
    } catch {
      return false;
    }
  };
  if (isFile(0)) uses.read('the standard input', '/dev/stdin');
  if (isFile(1)) uses.write('the standard output', '/dev/stdout');
}

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
