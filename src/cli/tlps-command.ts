import { tlpNames } from '../sim/views/tlp-names.ts';
import {
  type BinaryLog,
  formatTlp,
  LogError,
  type SingleTlp,
  singleTlps,
  TLP_COLUMNS,
  TlpCapture,
  TlpFrames,
  TlpPurposes,
  TlpSummary,
} from '../trace/index.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import type { Io } from './io.ts';
import { CUT_OPTION, checkWindow, windowOf, withLog } from './log-file.ts';
import { plural } from './numbers.ts';
import { checkEnding, OutputFile } from './output-file.ts';
import { FILTER_OPTIONS, type TlpFilter, tlpFilterOf } from './tlp-filter.ts';
import { formatTlpSummary } from './tlp-summary-text.ts';

const LINES = 4096;
/** Version of what `--summary --json` prints. */
const SUMMARY_SCHEMA = 1;

/** `sriovsim tlps` */
export const tlpsCommand: Command = {
  usage:
    'FILE.log [--pcapng FILE.pcapng] [--summary [--json]] [--from-ns T] [--to-ns T] [--function F] [--kind TYPE] [--frame N] [--cut]',
  summary: 'Prints the TLPs of a binary log, one a line, with what each is for.',
  options: {
    pcapng: {
      value: 'FILE.pcapng',
      about: 'Write them into a capture for Wireshark instead, which wireshark/sriovsim-tlp.lua decodes.',
    },
    summary: {
      apartFrom: { pcapng: 'goes to the standard output' },
      about: 'Print what they come to instead: by type, purpose and function, and latencies.',
    },
    json: { about: 'Print the summary as one JSON document.' },
    ...FILTER_OPTIONS,
    ...CUT_OPTION,
  },
  parameters: ['FILE.log'],
  async run(input, io) {
    const { flags, values } = input;
    if (flags.has('json') && !flags.has('summary'))
      throw new UsageError('--json: is for the summary; allowed with --summary');
    const path = values.get('pcapng');
    if (path !== undefined) checkEnding('--pcapng', path, 'pcapng', ['.pcap', '.cap']);
    const output = path === undefined ? undefined : new OutputFile(input.files, '--pcapng', path);
    await withLog(input, io, (log) => show(log, input, output, io));
    return EXIT.done;
  },
};

async function show(
  log: BinaryLog,
  input: CommandInput,
  output: OutputFile | undefined,
  io: Io,
): Promise<void> {
  if (log.header.link === null)
    throw new LogError('says nothing of a link: there are no TLPs to be had from it');
  const window = windowOf(input);
  checkWindow(window, log);
  const frames = new TlpFrames(log);
  const purposes = new TlpPurposes(log, { names: tlpNames(log), frames });
  const filter = tlpFilterOf(input, window, purposes, frames);
  if (output !== undefined) {
    const counts = { packets: 0 };
    output.write(captured(log, purposes, filter, counts));
    await io.stdout(`${output.path}: ${plural(counts.packets, 'TLP')}\n`);
  } else if (input.flags.has('summary')) {
    const summary = new TlpSummary(purposes);
    for (const tlp of chosen(log, filter)) summary.add(tlp);
    const data = summary.data();
    const json = () => `${JSON.stringify({ schema: SUMMARY_SCHEMA, ...data }, null, 2)}\n`;
    await io.stdout(input.flags.has('json') ? json() : formatTlpSummary(data));
  } else {
    await print(log, purposes, filter, io);
  }
}

function* chosen(log: BinaryLog, filter: TlpFilter): Generator<SingleTlp> {
  for (const tlp of singleTlps(log)) if (filter.has(tlp)) yield tlp;
}

async function print(log: BinaryLog, purposes: TlpPurposes, filter: TlpFilter, io: Io): Promise<void> {
  let lines = [TLP_COLUMNS];
  for (const tlp of chosen(log, filter)) {
    lines.push(formatTlp(tlp, purposes));
    if (lines.length < LINES) continue;
    await io.stdout(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) await io.stdout(`${lines.join('\n')}\n`);
}

/** The capture, piece by piece: it is never in memory as a whole. */
function* captured(
  log: BinaryLog,
  purposes: TlpPurposes,
  filter: TlpFilter,
  counts: { packets: number },
): Generator<Uint8Array> {
  const { application, link } = log.header;
  const capture = new TlpCapture(link, purposes.configurations, { application });
  for (const tlp of chosen(log, filter)) {
    capture.add(tlp, purposes.of(tlp));
    yield* capture.takeParts();
  }
  counts.packets = capture.packets;
  yield* capture.parts();
}
