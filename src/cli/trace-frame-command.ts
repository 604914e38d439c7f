import { fileURLToPath } from 'node:url';
import type { FrameLife } from '../sim/index.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import type { FileUses } from './file-uses.ts';
import { formatFrameLife } from './frame-life-text.ts';
import { loadScenario } from './load-scenario.ts';
import { readNamed } from './read-file.ts';

/** What the life of a frame is taken from. */
export interface FrameTracing {
  /** Of a log's frame `number`. */
  fromLog(bytes: Uint8Array, number: number): FrameLife;
  /** Runs a scenario until frame `number` has come to its end. */
  fromScenario(loaded: ReturnType<typeof loadScenario>, number: number): FrameLife;
  /** Whether an error says that the log is wrong, or has no such frame. */
  isWrongInput(error: unknown): error is Error;
}

/** Schema of the JSON form. */
export const FRAME_LIFE_SCHEMA = 'sriovsim-frame-life/1';

const ALLOWED = 'a scenario file, or a binary log that sriovsim run --log wrote';
const LOG_BEGINS = 'SRIOVLOG';
/** The scenario that `npm start` runs; it lies as deep in `dist` as in `src`. */
const DEFAULT_SCENARIO = new URL('../../scenarios/default.json', import.meta.url);

/** `sriovsim trace-frame`, with a way to trace. */
export function makeTraceFrameCommand(tracing: FrameTracing): Command {
  return {
    usage: 'N [FILE] [--json]',
    summary:
      'Prints every step of the Nth frame that came into the switch: of a binary log, or of a scenario, which is run (without FILE the default one).',
    options: { json: { about: 'Print the steps as one JSON document.' } },
    parameters: ['N'],
    optional: ['FILE'],
    async run({ files, parameters: [n, given], flags }, io) {
      const number = frameNumber(n);
      const file = given ?? fileURLToPath(DEFAULT_SCENARIO);
      const life = lifeIn(files, tracing, file, number);
      const document = { schema: FRAME_LIFE_SCHEMA, ...life };
      await io.stdout(flags.has('json') ? `${JSON.stringify(document, null, 2)}\n` : formatFrameLife(life));
      return EXIT.done;
    },
  };
}

function lifeIn(files: FileUses, tracing: FrameTracing, file: string, number: number): FrameLife {
  try {
    const bytes = readNamed(files, 'FILE', file, ALLOWED);
    if (new TextDecoder('latin1').decode(bytes.subarray(0, LOG_BEGINS.length)) === LOG_BEGINS)
      return tracing.fromLog(bytes, number);
    return tracing.fromScenario(loadScenario(files, file), number);
  } catch (error) {
    if (tracing.isWrongInput(error)) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

function frameNumber(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new UsageError(`N: ${JSON.stringify(text)} does not fit; allowed whole numbers from 1`);
}
