import { formatRoutingId, parseRoutingId } from '../pcie/index.ts';
import { didYouMean } from '../sim/scenario-suggest.ts';
import {
  type SingleTlp,
  TLP_NAMES,
  type TlpFrames,
  type TlpFunctions,
  type TlpPurposes,
} from '../trace/index.ts';
import { type CommandInput, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';
import { WINDOW_OPTIONS, windowOf } from './log-file.ts';

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
export function tlpFilterOf(input: CommandInput, purposes: TlpPurposes, frames: TlpFrames): TlpFilter {
  const { fromPs, toPs } = windowOf(input);
  const kinds = input.lists.get('kind')?.map(kindOf);
  const functions = input.lists.get('function')?.map((name) => functionOf(name, purposes.functions));
  const frame = frameOf(input, frames.count);
  return {
    has: (tlp) =>
      tlp.endPs > fromPs &&
      tlp.startPs <= toPs &&
      (kinds === undefined || kinds.includes(TLP_NAMES[tlp.kind])) &&
      (functions === undefined || functions.includes(purposes.functionOf(tlp) ?? -1)) &&
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

/** A function by its name or its Routing ID. One that was not there at the end of the run may have been there before. */
function functionOf(text: string, functions: TlpFunctions): number {
  const named = functions.all.find((id) => bare(functions.nameOf(id) ?? '') === bare(text));
  if (named !== undefined) return named;
  try {
    return parseRoutingId(text);
  } catch {
    const names = functions.all.map((id) => (functions.nameOf(id) ?? formatRoutingId(id)).replace(' ', ''));
    throw new UsageError(
      `--function: ${JSON.stringify(text)} is no function of this log; allowed ${names.join(', ')} or a Routing ID like 01:10.6`,
    );
  }
}

const bare = (name: string) => name.replaceAll(' ', '').toLowerCase();

function frameOf(input: CommandInput, count: number): number | undefined {
  if (input.values.has('frame') && count === 0)
    throw new UsageError(
      `--frame: ${input.values.get('frame')} is not there; allowed none, for a log without frames`,
    );
  return numberOption(input, 'frame', [1, count], 'integer');
}
