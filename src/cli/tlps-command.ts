import { BinaryLog, formatTlp, LogError, singleTlps, TLP_COLUMNS } from '../trace/index.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { readBytes } from './read-file.ts';

const ALLOWED = 'a binary log that sriovsim run --log wrote';
const LINES = 4096;

/** `sriovsim tlps` */
export const tlpsCommand: Command = {
  usage: 'FILE.log',
  summary: 'Prints the TLPs of a binary log, one a line, with what each is for.',
  options: {},
  parameters: ['FILE.log'],
  async run({ parameters: [file] }, io) {
    try {
      const log = new BinaryLog(bytesOf(file));
      let lines = [TLP_COLUMNS];
      for (const tlp of singleTlps(log)) {
        lines.push(formatTlp(tlp, log.header, log.trailer));
        if (lines.length < LINES) continue;
        await io.stdout(`${lines.join('\n')}\n`);
        lines = [];
      }
      if (lines.length > 0) await io.stdout(`${lines.join('\n')}\n`);
    } catch (error) {
      if (error instanceof LogError) throw new UsageError(`${file}: ${error.message}; allowed ${ALLOWED}`);
      throw error;
    }
    return EXIT.done;
  },
};

function bytesOf(file: string): Uint8Array {
  try {
    return readBytes(file);
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}; allowed ${ALLOWED}`);
  }
}
