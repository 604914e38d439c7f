import { explainConfig, formatExplained, lspciAddress, parseLspciDump } from '../pcie/index.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { readStandardInput, readText } from './read-file.ts';

const ALLOWED = 'text that lspci -x, -xxx or -xxxx printed';

/** `sriovsim explain` */
export const explainCommand: Command = {
  usage: 'DUMP.txt | -',
  summary:
    'Prints configuration spaces that `lspci -xxxx` dumped register by register, field by field; - reads them from the standard input.',
  options: {},
  parameters: ['DUMP.txt'],
  async run({ files, parameters: [file] }, io) {
    const functions =
      file === '-'
        ? readDump('standard input', await readStandardInput(ALLOWED))
        : readDump(file, readText(files, 'DUMP.txt', file, ALLOWED));
    const parts = functions.map(
      (fn) => `${lspciAddress(fn)} ${fn.title}\n\n${formatExplained(explainConfig(fn.bytes))}`,
    );
    await io.stdout(`${parts.join('\n').trimEnd()}\n`);
    return EXIT.done;
  },
};

function readDump(file: string, text: string) {
  const functions = parse(file, text);
  if (functions.length === 0) throw new UsageError(`${file}: has no function; allowed ${ALLOWED}`);
  const empty = functions.find(({ bytes }) => bytes.length < 64);
  if (empty !== undefined) {
    throw new UsageError(
      `${file}: ${lspciAddress(empty)} has ${empty.bytes.length} bytes; allowed ${ALLOWED}`,
    );
  }
  return functions;
}

function parse(file: string, text: string) {
  try {
    return parseLspciDump(text);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${file}: ${error.message}; allowed ${ALLOWED}`);
    throw error;
  }
}
