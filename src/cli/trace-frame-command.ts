import { fileURLToPath } from 'node:url';
import type { FrameLife } from '../sim/index.ts';
import { type BinaryLog, LOG_MAGIC, LogError } from '../trace/index.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import { formOf } from './file-form.ts';
import { formatFrameLife } from './frame-life-text.ts';
import type { Io } from './io.ts';
import { loadScenario } from './load-scenario.ts';
import { CUT_OPTION, openLog, tellLink, tellUnknown } from './log-file.ts';
import { readNamed } from './read-file.ts';

/** What the life of a frame is taken from. */
export interface FrameTracing {
  /** Of a log's frame `number`. */
  fromLog(log: BinaryLog, number: number): FrameLife;
  /** Runs a scenario until frame `number` has come to its end. */
  fromScenario(loaded: ReturnType<typeof loadScenario>, number: number): FrameLife;
}

/** Schema of the JSON form. */
export const FRAME_LIFE_SCHEMA = 'sriovsim-frame-life/1';

const ALLOWED = 'a scenario file, or a binary log that sriovsim run --log wrote';
const LOG_BEGINS = new TextEncoder().encode(LOG_MAGIC);
/** The scenario that `npm start` runs; it lies as deep in `dist` as in `src`. */
const DEFAULT_SCENARIO = new URL('../../scenarios/default.json', import.meta.url);

/** `sriovsim trace-frame`, with a way to trace. */
export function makeTraceFrameCommand(tracing: FrameTracing): Command {
  return {
    usage: 'N [FILE] [--json] [--cut]',
    summary:
      'Prints every step of the Nth frame that came into the switch: of a binary log, or of a scenario, which is run (without FILE the default one).',
    options: { json: { about: 'Print the steps as one JSON document.' }, ...CUT_OPTION },
    parameters: ['N'],
    optional: ['FILE'],
    async run(input, io) {
      const [n, given] = input.parameters;
      const number = frameNumber(n);
      const file = given ?? fileURLToPath(DEFAULT_SCENARIO);
      const life = lifeIn(input, tracing, file, io, number);
      const document = { schema: FRAME_LIFE_SCHEMA, ...life };
      await io.stdout(
        input.flags.has('json') ? `${JSON.stringify(document, null, 2)}\n` : formatFrameLife(life),
      );
      return EXIT.done;
    },
  };
}

function lifeIn({ files, flags }: CommandInput, tracing: FrameTracing, file: string, io: Io, number: number) {
  const bytes = readNamed(files, 'FILE', file, ALLOWED);
  const form = formOf(bytes);
  if (form !== null && form !== formOf(LOG_BEGINS))
    throw new UsageError(`${file}: is ${form}; allowed ${ALLOWED}`);
  const isLog = form !== null;
  if (!isLog && flags.has('cut')) throw new UsageError(`--cut: is for a log; allowed without ${file}`);
  try {
    if (isLog) {
      const log = openLog(bytes, file, flags.has('cut'), io);
      tellUnknown(log, file, io);
      return tracing.fromLog(log, number);
    }
    const loaded = loadScenario(files, file);
    tellLink(loaded.scenario, file, io);
    return tracing.fromScenario(loaded, number);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    // What is wrong with the number says itself what is allowed.
    const allowed = error.message.includes('; allowed ') ? '' : `; allowed ${ALLOWED}`;
    throw new UsageError(`${file}: ${error.message}${allowed}`);
  }
}

function frameNumber(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new UsageError(`N: ${JSON.stringify(text)} does not fit; allowed whole numbers from 1`);
}
