import { ProbeKind } from '../../kernel/index.ts';
import { type BinaryLog, LogError, LogKind } from '../../trace/index.ts';
import type { MachineParts } from '../machine.ts';
import { CardReplay } from './card-replay.ts';
import { TrainReader } from './trains.ts';

/** A frame as it came into the switch, and the card as it was when the switch decided. */
export interface FoundFrame {
  readonly number: number;
  /** Positions in the log of its FRAME_IN, and of the one that its slot had before; -1 for none. */
  readonly at: number;
  readonly before: number;
  readonly timePs: number;
  readonly slot: number;
  readonly port: number;
  readonly bytes: number;
  /** As far as the log has them. */
  readonly data: Uint8Array | null;
  /** Tag beside it as it came in, or -1. */
  readonly tci: number;
  /** Where it came from: the queue and the last of its descriptors; null from the wire. */
  readonly descriptor: { readonly queue: number; readonly index: number; readonly first: number } | null;
  readonly card: CardReplay;
}

/**
 * Looks for the `number`th frame of a run, counted from 1, in its log, and brings its card to where it was then.
 *
 * @throws LogError if there are fewer, RangeError for no number.
 */
export function findFrame(log: BinaryLog, number: number, parts: MachineParts): FoundFrame {
  if (!Number.isSafeInteger(number) || number < 1)
    throw new RangeError(`number must be a whole number from 1 on, got ${number}`);
  const card = new CardReplay(log, parts);
  const reader = new TrainReader(log);
  /** Where the slots were filled last. */
  const filled = new Map<number, number>();
  /** Last descriptors of queues, and the one in front of that. */
  const taken = new Map<number, { index: number; before: number; slot: number }>();
  let fetched = -1;
  let found: Omit<FoundFrame, 'data' | 'tci' | 'card'> | null = null;
  let data: Uint8Array | null = null;
  let tci = -1;
  const { framesLost } = log;
  let frames = framesLost;
  let at = -1;
  for (const record of log.records()) {
    at++;
    const { kind, a, b, c, timePs } = record;
    const train = reader.take(record);
    if (train !== null) card.train(train);
    else if (kind === ProbeKind.REGISTER_WRITE) card.record(record);
    else if (kind === ProbeKind.TX_DESCRIPTOR) {
      taken.set(a, { index: b, before: taken.get(a)?.index ?? -1, slot: c });
      fetched = a;
    } else if (kind === ProbeKind.FRAME_IN) {
      if (++frames === number) {
        const last = taken.get(fetched);
        const descriptor =
          last?.slot === a ? { queue: fetched, index: last.index, first: last.before + 1 } : null;
        found = { number, at, before: filled.get(a) ?? -1, timePs, slot: a, port: b, bytes: c, descriptor };
      }
      filled.set(a, at);
      fetched = -1;
    } else if (kind === LogKind.FRAME_BYTES && found !== null && data === null && a === found.slot) {
      data = record.data;
      tci = c;
    } else if ((kind === ProbeKind.FRAME_OUT || kind === ProbeKind.FRAME_DROPPED) && a === found?.slot) break;
    else if (kind === ProbeKind.FRAME_COPIED && b === found?.slot) break;
  }
  if (found === null) {
    const has = frames - framesLost;
    const allowed = has === 0 ? 'a log with frames' : `${framesLost + 1} to ${frames}`;
    throw new LogError(`has ${has} frames: there is none of number ${number}; allowed ${allowed}`);
  }
  return { ...found, data, tci, card };
}
