import type { ResolvedScenario } from '../sim/scenario-resolved.ts';
import { BinaryLog, LogError } from '../trace/index.ts';
import type { CommandInput } from './command.ts';
import { UsageError } from './command.ts';
import { numberOption } from './command-line.ts';
import { type Io, oneLine } from './io.ts';
import { grouped } from './numbers.ts';
import { readNamed } from './read-file.ts';

const ALLOWED = 'a binary log that sriovsim run --log wrote';

/** ps in a ns. */
const NANOSECOND_PS = 1000;
/** Times of a log end here. */
const MAX_NS = Number.MAX_SAFE_INTEGER / NANOSECOND_PS;

/** Option of commands that read a log, for {@link openLog}. */
export const CUT_OPTION = {
  cut: {
    about: 'Read a log that was cut off as far as it is whole: the end is missing if a run was killed.',
  },
} as const;

/** Options of commands that look at a part of a log, for {@link windowOf}. */
export const WINDOW_OPTIONS = {
  'from-ns': { value: 'T', about: 'Leave out what was over by then: ns since power-on.' },
  'to-ns': { value: 'T', about: 'Leave out what began later.' },
} as const;

/**
 * Makes something of the log that the command line names.
 *
 * @throws {@link UsageError} for a file that cannot be read, is no log, or says too little for it.
 */
export async function withLog<T>(
  { files, flags, parameters: [file] }: CommandInput,
  io: Io,
  make: (log: BinaryLog) => T | Promise<T>,
): Promise<T> {
  const bytes = readNamed(files, 'FILE.log', file, ALLOWED);
  try {
    const log = openLog(bytes, file, flags.has('cut'), io);
    tellUnknown(log, file, io);
    return await make(log);
  } catch (error) {
    if (error instanceof LogError) throw new UsageError(`${file}: ${error.message}; allowed ${ALLOWED}`);
    throw error;
  }
}

/** What a view cannot know of a log, one line each. */
export function tellUnknown({ header, lost, isCut }: BinaryLog, file: string, io: Io): void {
  const { startPs = 0, kinds, scenario } = header;
  tellLink(scenario as Partial<ResolvedScenario> | undefined, file, io);
  if (lost > 0 || startPs > 0) {
    const begins =
      lost > 0 ? `${grouped(lost)} records in front of its first are lost` : 'begins in the middle';
    const numbers = header.framesLost === undefined ? '; frames are numbered from the first that it has' : '';
    io.stderr(
      `${oneLine(file)}: ${begins}: what was set or asked for before is unknown until it is set again${numbers}\n`,
    );
  }
  if (!isCut && kinds?.['CONFIGURATION'] === undefined)
    io.stderr(
      `${oneLine(file)}: an older program wrote it: functions and addresses are as at its end all the time\n`,
    );
}

/** Which link TLPs are of, where a machine has two: one line. */
export function tellLink(
  scenario: Pick<ResolvedScenario, 'pcie'> | Record<string, never> | undefined,
  file: string,
  io: Io,
): void {
  if (scenario?.pcie?.switch === undefined) return;
  io.stderr(
    `${oneLine(file)}: TLPs are those of the link between switch and card; what goes up arrives at the switch\n`,
  );
}

/**
 * A log, which may be cut off if the command line says so: then a line says how far it is whole.
 *
 * @throws LogError
 */
export function openLog(bytes: Uint8Array, file: string, cut: boolean, io: Io): BinaryLog {
  const log = new BinaryLog(bytes, { cut });
  if (!log.isCut) return log;
  const whole = `${grouped(log.length)} records are whole, up to ${log.trailer.endPs / NANOSECOND_PS} ns`;
  io.stderr(`${oneLine(file)}: is cut off: ${whole}; what only its end says is missing\n`);
  return log;
}

/** A part of a log, in ps since power-on. */
export interface LogWindow {
  readonly fromPs: number;
  readonly toPs: number;
}

/**
 * Refuses a part of a log that begins behind its end.
 *
 * @throws {@link UsageError}
 */
export function checkWindow({ fromPs }: LogWindow, { trailer: { endPs } }: BinaryLog): void {
  if (fromPs > endPs)
    throw new UsageError(
      `--from-ns: ${fromPs / NANOSECOND_PS} lies behind the end of the log; allowed 0 to ${endPs / NANOSECOND_PS}`,
    );
}

/**
 * The part of a log that the command line asks for; {@link checkWindow} when the log has been read.
 *
 * @throws {@link UsageError}
 */
export function windowOf(input: CommandInput): LogWindow {
  const fromNs = numberOption(input, 'from-ns', [0, MAX_NS]);
  const toNs = numberOption(input, 'to-ns', [0, MAX_NS]);
  const fromPs = Math.round((fromNs ?? 0) * NANOSECOND_PS);
  const toPs = toNs === undefined ? Number.POSITIVE_INFINITY : Math.round(toNs * NANOSECOND_PS);
  if (toPs < fromPs)
    throw new UsageError(`--to-ns: ${toNs} lies before --from-ns; allowed times from ${fromNs} on`);
  return { fromPs, toPs };
}
