import {
  BinaryLog,
  formatTlp,
  LogError,
  singleTlps,
  TLP_COLUMNS,
  TlpCapture,
  TlpFunctions,
  tlpPurpose,
} from '../trace/index.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import type { Io } from './io.ts';
import { OutputFile } from './output-file.ts';
import { readBytes } from './read-file.ts';

const ALLOWED = 'a binary log that sriovsim run --log wrote';
const LINES = 4096;

/** `sriovsim tlps` */
export const tlpsCommand: Command = {
  usage: 'FILE.log [--pcapng FILE.pcapng]',
  summary: 'Prints the TLPs of a binary log, one a line, with what each is for.',
  options: {
    pcapng: {
      value: 'FILE.pcapng',
      about: 'Write them into a capture for Wireshark instead, which wireshark/sriovsim-tlp.lua decodes.',
    },
  },
  parameters: ['FILE.log'],
  async run({ parameters: [file], values }, io) {
    const path = values.get('pcapng');
    const output = path === undefined ? undefined : new OutputFile('--pcapng', path);
    try {
      const log = new BinaryLog(bytesOf(file));
      if (output === undefined) await print(log, io);
      else output.write(captured(log));
    } catch (error) {
      if (error instanceof LogError) throw new UsageError(`${file}: ${error.message}; allowed ${ALLOWED}`);
      throw error;
    }
    return EXIT.done;
  },
};

async function print(log: BinaryLog, io: Io): Promise<void> {
  let lines = [TLP_COLUMNS];
  for (const tlp of singleTlps(log)) {
    lines.push(formatTlp(tlp, log.header, log.trailer));
    if (lines.length < LINES) continue;
    await io.stdout(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) await io.stdout(`${lines.join('\n')}\n`);
}

/** The capture, piece by piece: it is never in memory as a whole. */
function* captured(log: BinaryLog): Generator<Uint8Array> {
  const { header, trailer } = log;
  const capture = new TlpCapture(header.link, new TlpFunctions(trailer), { application: header.application });
  for (const tlp of singleTlps(log)) {
    capture.add(tlp, tlpPurpose(tlp, header, trailer));
    yield* capture.takeParts();
  }
  yield* capture.parts();
}

function bytesOf(file: string): Uint8Array {
  try {
    return readBytes(file);
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}; allowed ${ALLOWED}`);
  }
}
