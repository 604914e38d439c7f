import { timelineFromLog } from '../sim/views/timeline-from-log.ts';
import { PerfettoWriter } from '../trace/perfetto.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { CUT_OPTION, checkWindow, WINDOW_OPTIONS, windowOf, withLog } from './log-file.ts';
import { plural } from './numbers.ts';
import { checkEnding, OutputFile } from './output-file.ts';

/** `sriovsim timeline` */
export const timelineCommand: Command = {
  usage: 'FILE.log --out FILE.perfetto-trace [--from-ns T] [--to-ns T] [--cut]',
  summary: 'Makes a timeline of a binary log, for ui.perfetto.dev.',
  options: {
    out: { value: 'FILE.perfetto-trace', about: 'Where the timeline is written to.' },
    ...WINDOW_OPTIONS,
    ...CUT_OPTION,
  },
  parameters: ['FILE.log'],
  async run(input, io) {
    const path = input.values.get('out');
    if (path === undefined)
      throw new UsageError('--out: is missing; allowed timeline FILE.log --out FILE.perfetto-trace');
    const window = windowOf(input);
    checkEnding('--out', path, 'Perfetto protobuf', ['.json', '.vcd']);
    const file = new OutputFile(input.files, '--out', path);
    const timeline = await withLog(input, io, (log) => {
      checkWindow(window, log);
      return timelineFromLog(log, window);
    });
    const pieces: Uint8Array[] = [];
    const { tracks, events, flows } = timeline.write(new PerfettoWriter((piece) => pieces.push(piece)));
    file.write(pieces);
    await io.stdout(
      `${path}: ${plural(events, 'event')} on ${plural(tracks, 'track')}, ${plural(flows, 'chain of arrows', 'chains of arrows')}\n`,
    );
    return EXIT.done;
  },
};
