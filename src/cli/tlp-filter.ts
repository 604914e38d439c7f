import { parseRoutingId } from '../pcie/index.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import {
  type LogConfigurations,
  type SingleTlp,
  TLP_NAMES,
  type TlpFrames,
  type TlpPurposes,
} from '../trace/index.ts';
import { type CommandInput, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';
import { type LogWindow, WINDOW_OPTIONS } from './log-file.ts';

/** Options that choose among the TLPs of a log. */
export const FILTER_OPTIONS = {
  ...WINDOW_OPTIONS,
  function: {
    value: 'F',
    repeats: true,
    about: 'Only what has to do with this function: PF, VF3 or 01:10.6; again for further ones.',
  },
  kind: {
    value: 'TYPE',
    repeats: true,
    about: `Only this type: ${Object.values(TLP_NAMES).join(', ')}; again for further ones.`,
  },
  frame: { value: 'N', about: 'Only what carries the payload of this frame, counted from 1.' },
} as const;

/** Which TLPs a command line asks for. */
export interface TlpFilter {
  has(tlp: SingleTlp): boolean;
}

/**
 * The TLPs that a command line asks for.
 *
 * @throws {@link UsageError}
 */
export function tlpFilterOf(
  input: CommandInput,
  { fromPs, toPs }: LogWindow,
  purposes: TlpPurposes,
  frames: TlpFrames,
): TlpFilter {
  const kinds = input.lists.get('kind')?.map(kindOf);
  const functions = input.lists.get('function')?.map((name) => functionOf(name, purposes));
  const frame = frameOf(input, frames);
  return {
    has: (tlp) =>
      tlp.endPs > fromPs &&
      tlp.startPs <= toPs &&
      (kinds === undefined || kinds.includes(TLP_NAMES[tlp.kind])) &&
      (functions === undefined || functions.some((isAsked) => isAsked(tlp))) &&
      (frame === undefined || frames.frameOf(tlp.train) === frame),
  };
}

function kindOf(text: string): string {
  const known: readonly string[] = Object.values(TLP_NAMES);
  const found = known.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  throw new UsageError(
    `--kind: ${JSON.stringify(text)} is no type of TLP${didYouMean(text, known)}; allowed ${known.join(', ')}`,
  );
}

/** What has to do with a function, by its name at that moment or by its Routing ID. */
function functionOf(text: string, purposes: TlpPurposes): (tlp: SingleTlp) => boolean {
  const names = namesOf(purposes.configurations);
  const named = names.find((name) => bare(name) === bare(text));
  if (named !== undefined) return (tlp) => purposes.functionNameOf(tlp) === named;
  try {
    const routingId = parseRoutingId(text);
    return (tlp) => purposes.functionOf(tlp) === routingId;
  } catch {
    const allowed = names.map((name) => name.replace(' ', ''));
    throw new UsageError(
      `--function: ${JSON.stringify(text)} is no function of this log; allowed ${allowed.join(', ')} or a Routing ID like 01:10.6`,
    );
  }
}

/** All that functions are called at some time of a log, in the order of their Routing IDs when there were the most of them. */
function namesOf({ all }: LogConfigurations): readonly string[] {
  const byCount = [...all].sort((a, b) => b.all.length - a.all.length);
  return [
    ...new Set(byCount.flatMap((functions) => functions.all.map((id) => functions.nameOf(id) as string))),
  ];
}

const bare = (name: string) => name.replaceAll(' ', '').toLowerCase();

function frameOf(input: CommandInput, { first, count }: TlpFrames): number | undefined {
  if (input.values.has('frame') && count < first)
    throw new UsageError(
      `--frame: ${input.values.get('frame')} is not there; allowed none, for a log without frames`,
    );
  return numberOption(input, 'frame', [first, count], 'integer');
}
