#!/usr/bin/env node
import { BootError } from '../sim/boot-error.ts';
import { ScenarioError } from '../sim/scenario-error.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { readCommandLine } from './command-line.ts';
import { type Io, oneLine, processIo } from './io.ts';
import { packageVersion } from './version.ts';

/** Commands are loaded when they are called for, so that none waits for what only another needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand,
  step: async () => (await import('./step-command.ts')).stepCommand,
  experiment: async () => (await import('./experiment-command.ts')).experimentCommand,
  waveform: async () => (await import('./waveform-command.ts')).waveformCommand,
  timeline: async () => (await import('./timeline-command.ts')).timelineCommand,
  tlps: async () => (await import('./tlps-command.ts')).tlpsCommand,
  'trace-frame': async () => (await import('./trace-frame.ts')).traceFrameCommand,
  validate: async () => (await import('./validate-command.ts')).validateCommand,
  lspci: async () => (await import('./lspci-command.ts')).lspciCommand,
  topology: async () => (await import('./topology-command.ts')).topologyCommand,
  explain: async () => (await import('./explain-command.ts')).explainCommand,
  schema: async () => (await import('./schema-command.ts')).schemaCommand,
};

const HELP_OPTIONS = ['--help', '--version'];

async function main(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    await io.stdout(await overview());
    return EXIT.done;
  }
  if (name === '--version' || name === '-v') {
    await io.stdout(`${packageVersion()}\n`);
    return EXIT.done;
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    const known = [...Object.keys(COMMANDS), ...HELP_OPTIONS];
    const kind = name.startsWith('-') ? 'option' : 'command';
    throw new UsageError(
      `${oneLine(name)}: unknown ${kind}${didYouMean(name, known)}; allowed ${known.join(', ')}`,
    );
  }
  const command = await COMMANDS[name]();
  if (rest.includes('--help') || rest.includes('-h')) {
    await io.stdout(details(name, command));
    return EXIT.done;
  }
  return command.run(readCommandLine(name, command, rest), io);
}

async function overview(): Promise<string> {
  const lines = ['sriovsim: a cycle-level simulator of an SR-IOV network card and the machine around it', ''];
  for (const [name, load] of Object.entries(COMMANDS)) {
    const { usage, summary } = await load();
    lines.push(`  sriovsim ${name} ${usage}`.trimEnd(), `      ${summary}`);
  }
  lines.push(
    '  sriovsim COMMAND --help | --version',
    '',
    'Exit status: 0 done, 1 the run failed, 2 the input is wrong, 130 or 143 interrupted (the report is partial).',
  );
  return `${lines.join('\n')}\n`;
}

function details(name: string, { usage, summary, options }: Command): string {
  const lines = [`sriovsim ${name} ${usage}`.trimEnd(), `    ${summary}`];
  const shown = Object.entries(options).map(([key, { value, about }]) => ({
    option: value === undefined ? `--${key}` : `--${key} ${value}`,
    about,
  }));
  const width = Math.max(0, ...shown.map(({ option }) => option.length));
  if (shown.length > 0) lines.push('');
  for (const { option, about } of shown) lines.push(`  ${option.padEnd(width)}  ${about}`);
  return `${lines.join('\n')}\n`;
}

/** Wrong input is an error of the user's: one line. All else is the run's, and says where it happened. */
function report(error: unknown, io: Io): number {
  if (error instanceof UsageError || error instanceof ScenarioError) {
    io.stderr(`${oneLine(error.message)}\n`);
    return EXIT.wrongInput;
  }
  if (error instanceof BootError) {
    io.stderr(`sriovsim: ${oneLine(error.message)}\n`);
    return EXIT.failed;
  }
  io.stderr(
    `sriovsim: the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT.failed;
}

const io = processIo();
process.exitCode = await main(process.argv.slice(2), io).catch((error: unknown) => report(error, io));
