import { lspciDump, SriovError, sriovOf } from '../pcie/index.ts';
import { CARD_CONFIGS, type CardConfig } from '../profiles/card-configs.ts';
import { bringUpCard } from '../sim/card-below-port.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import { bootedMachine, functionsOf } from './booted-machine.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';

const DEFAULT_CARD = CARD_CONFIGS[0].name;
const VIEWS = ['os', 'raw'] as const;

/** `sriovsim lspci` */
export const lspciCommand: Command = {
  usage:
    '[--profile NAME] [--ports N] [--vfs N] [--view os|raw] [--no-ari] [--errata] | --scenario FILE.json',
  summary: 'Prints the configuration space of a card and its root port as text that `lspci -F FILE` reads.',
  options: {
    scenario: {
      value: 'FILE.json',
      about: 'Of the machine of a scenario when it has booted instead, with the ports of its switch.',
      apartFrom: Object.fromEntries(
        ['profile', 'ports', 'vfs', 'no-ari', 'errata'].map((option) => [option, 'says what the machine is']),
      ),
    },
    profile: { value: 'NAME', about: `The card. Default ${DEFAULT_CARD}.` },
    ports: { value: 'N', about: 'Ports of the card, one PF each. Default: as most cards of the kind have.' },
    vfs: { value: 'N', about: 'Virtual Functions to enable in each PF. Default 0.' },
    view: {
      value: 'os|raw',
      about: 'VFs with the IDs that an operating system fills in, or FFFFh as they read. Default os.',
    },
    'no-ari': { about: 'A slot that does not forward ARI: VFs are on the next bus.' },
    errata: { about: 'With the deviations of the real chip from the specification, where they are known.' },
  },
  parameters: [],
  async run(input, io) {
    const file = input.values.get('scenario');
    if (file !== undefined) {
      const view = readView(input);
      const functions = functionsOf(bootedMachine(input.files, file));
      for (const fn of functions) await io.stdout(lspciDump([fn], view));
      return EXIT.done;
    }
    const card = readCard(input);
    const functions = card.functions(readPorts(input, card), input.flags.has('errata'));
    const vfs = numberOption(input, 'vfs', [0, 65_535], 'integer') ?? 0;
    const view = readView(input);
    const { port, endpoint } = bringUp(functions, vfs, !input.flags.has('no-ari'));
    // One function at a time: tens of thousands of VFs are more text than fits a string.
    for (const fn of [port.function, ...endpoint.allFunctions()]) await io.stdout(lspciDump([fn], view));
    return EXIT.done;
  },
};

function bringUp(functions: ReturnType<CardConfig['functions']>, vfs: number, ari: boolean) {
  const most = Math.min(...functions.map((fn) => sriovOf(fn)?.options.totalVfs ?? 0));
  if (vfs > most)
    throw new UsageError(`--vfs: "${vfs}" does not fit; allowed whole numbers from 0 to ${most}`);
  try {
    return bringUpCard(functions, { vfs, ari });
  } catch (error) {
    if (!(error instanceof SriovError)) throw error;
    throw new UsageError(`--vfs: "${vfs}" does not fit: ${error.message}; allowed fewer`);
  }
}

function readCard({ values }: CommandInput): CardConfig {
  const name = values.get('profile') ?? DEFAULT_CARD;
  const card = CARD_CONFIGS.find((each) => each.name === name);
  if (card !== undefined) return card;
  const known = CARD_CONFIGS.map((each) => each.name);
  throw new UsageError(
    `--profile: ${JSON.stringify(name)} is unknown${didYouMean(name, known)}; allowed ${known.join(', ')}`,
  );
}

function readPorts(input: CommandInput, { name, ports }: CardConfig): number {
  const sorted = [...ports].sort((a, b) => a - b);
  const count = numberOption(input, 'ports', [sorted[0], sorted[sorted.length - 1]], 'integer') ?? ports[0];
  if (ports.includes(count)) return count;
  throw new UsageError(`--ports: "${count}" does not fit ${name}; allowed ${sorted.join(', ')}`);
}

function readView({ values }: CommandInput): 'os' | 'raw' {
  const name = values.get('view') ?? VIEWS[0];
  const view = VIEWS.find((known) => known === name);
  if (view !== undefined) return view;
  throw new UsageError(`--view: ${JSON.stringify(name)} is unknown; allowed ${VIEWS.join(', ')}`);
}
