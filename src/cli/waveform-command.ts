import { didYouMean } from '../sim/scenario-suggest.ts';
import { waveformFromLog } from '../sim/views/waveform-from-log.ts';
import { TLP_NAMES, type WaveformSignal } from '../trace/index.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import type { Io } from './io.ts';
import { CUT_OPTION, checkWindow, WINDOW_OPTIONS, windowOf, withLog } from './log-file.ts';
import { plural } from './numbers.ts';
import { checkEnding, OutputFile } from './output-file.ts';
import { packageVersion } from './version.ts';

const USAGE = 'FILE.log (--out FILE.vcd [--from-ns T] [--to-ns T] | --list) [--signals A,B] [--cut]';
/** What stands in every file, because numbers do not say it. */
const TYPES = Object.entries(TLP_NAMES).map(([kind, name]) => `${kind} ${name}`);
const COMMENT = `type: ${TYPES.join(', ')}; z while no TLP is on the link`;

/** `sriovsim waveform` */
export const waveformCommand: Command = {
  usage: USAGE,
  summary: 'Makes a value change dump (VCD) of signals of a binary log, for GTKWave.',
  options: {
    out: { value: 'FILE.vcd', about: 'Where the waveform is written to.' },
    signals: {
      value: 'A,B',
      about:
        'Only these: names that --list prints, scopes of them (link), * for any part (queues.*.tx0.tail).',
    },
    list: {
      apartFrom: {
        out: 'prints the signals and writes no file',
        'from-ns': 'prints the signals of the whole log',
        'to-ns': 'prints the signals of the whole log',
      },
      about: 'Print the signals that there are: name, bits, changes, what each is.',
    },
    ...WINDOW_OPTIONS,
    ...CUT_OPTION,
  },
  parameters: ['FILE.log'],
  async run(input, io) {
    const window = windowOf(input);
    const path = input.values.get('out');
    if (path === undefined && !input.flags.has('list'))
      throw new UsageError(`--out: is missing; allowed waveform ${USAGE}`);
    if (path !== undefined) checkEnding('--out', path, 'VCD', ['.fst', '.lxt', '.lxt2', '.vzt', '.json']);
    const file = path === undefined ? null : new OutputFile(input.files, '--out', path);
    const { waveform, endPs, seed } = await withLog(input, io, (log) => {
      checkWindow(window, log);
      return { waveform: waveformFromLog(log), endPs: log.trailer.endPs, seed: log.header.seed };
    });
    const signals = chosen(input, waveform.signals);
    if (file === null) {
      await list(signals, io);
      return EXIT.done;
    }
    const pieces: string[] = [];
    const changes = waveform.write((piece) => pieces.push(piece), {
      version: `sriovsim ${packageVersion()}`,
      comment: `${COMMENT}; seed ${seed}`,
      fromPs: window.fromPs,
      toPs: Math.min(window.toPs, endPs),
      signals,
    });
    file.write(pieces);
    await io.stdout(`${path}: ${plural(signals.length, 'signal')}, ${plural(changes, 'change')}\n`);
    return EXIT.done;
  },
};

/** The signals that the command line asks for, in their own order. */
function chosen(input: CommandInput, signals: readonly WaveformSignal[]): readonly WaveformSignal[] {
  const asked = input.values.get('signals');
  if (asked === undefined) return signals;
  const wanted = new Set<WaveformSignal>();
  for (const name of asked.split(',')) {
    const found = signals.filter(({ path }) => matches(name, path));
    if (found.length === 0) {
      const paths = signals.map(({ path }) => path);
      throw new UsageError(
        `--signals: there is no ${JSON.stringify(name)}${didYouMean(name, paths)}; allowed what --list prints, scopes of it, * for any part`,
      );
    }
    for (const signal of found) wanted.add(signal);
  }
  return signals.filter((signal) => wanted.has(signal));
}

/** Whether a path is what is asked for, or lies in such a scope. */
function matches(asked: string, path: string): boolean {
  const parts = path.split('.');
  const wanted = asked.split('.');
  return wanted.length <= parts.length && wanted.every((part, i) => part === '*' || part === parts[i]);
}

async function list(signals: readonly WaveformSignal[], io: Io): Promise<void> {
  const rows = signals.map(({ path, width, type, timesPs, about }) => [
    path,
    type === 'event' ? 'event' : String(width),
    String(timesPs.length),
    about,
  ]);
  rows.unshift(['signal', 'bits', 'changes', 'meaning']);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map(([path, bits, changes, about]) =>
    [path.padEnd(widths[0]), bits.padStart(widths[1]), changes.padStart(widths[2]), about].join('  '),
  );
  await io.stdout(`${lines.join('\n')}\n`);
}
