import { type FunctionProfile, lspciDump } from '../pcie/index.ts';
import { INTEL, INTEL_82599_SFP, intel82599Config } from '../profiles/intel-82599-config.ts';
import { bringUpCard } from '../sim/card-below-port.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';

/** A card as far as its configuration space goes. */
interface Card {
  functions: () => FunctionProfile[];
  vendorId: number;
  deviceId: number;
  totalVfs: number;
}

const CARDS: Readonly<Record<string, Card>> = {
  'intel-82599': {
    functions: () => intel82599Config(),
    vendorId: INTEL,
    deviceId: INTEL_82599_SFP,
    totalVfs: 64,
  },
};

const DEFAULT_CARD = 'intel-82599';
const VIEWS = ['os', 'raw'] as const;

/** `sriovsim lspci` */
export const lspciCommand: Command = {
  usage: '[--profile NAME] [--vfs N] [--view os|raw] [--no-ari]',
  summary: 'Prints the configuration space of a card and its root port as text that `lspci -F FILE` reads.',
  options: {
    profile: { value: 'NAME', about: `The card. Default ${DEFAULT_CARD}.` },
    vfs: { value: 'N', about: 'Virtual Functions to enable. Default 0.' },
    view: {
      value: 'os|raw',
      about: 'VFs with the IDs that an operating system fills in, or FFFFh as they read. Default os.',
    },
    'no-ari': { about: 'A slot that does not forward ARI: VFs are on the next bus.' },
  },
  parameters: [],
  async run(input, io) {
    const card = readCard(input);
    const vfs = numberOption(input, 'vfs', [0, card.totalVfs], 'integer') ?? 0;
    const view = readView(input);
    const { port, endpoint } = bringUpCard(
      { ...card, functions: card.functions() },
      vfs,
      !input.flags.has('no-ari'),
    );
    await io.stdout(lspciDump([port.function, ...endpoint.allFunctions()], view));
    return EXIT.done;
  },
};

function readCard({ values }: CommandInput): Card {
  const name = values.get('profile') ?? DEFAULT_CARD;
  if (Object.hasOwn(CARDS, name)) return CARDS[name];
  const known = Object.keys(CARDS);
  throw new UsageError(
    `--profile: ${JSON.stringify(name)} is unknown${didYouMean(name, known)}; allowed ${known.join(', ')}`,
  );
}

function readView({ values }: CommandInput): 'os' | 'raw' {
  const name = values.get('view') ?? VIEWS[0];
  const view = VIEWS.find((known) => known === name);
  if (view !== undefined) return view;
  throw new UsageError(`--view: ${JSON.stringify(name)} is unknown; allowed ${VIEWS.join(', ')}`);
}
