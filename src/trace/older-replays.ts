import { ProbeKind } from '../kernel/index.ts';
import { RESENT_DOWNSTREAM, TlpKind, unpackTlpHeader, unpackTlpLink } from '../pcie/index.ts';
import { LOG_RECORD_BYTES, type LogHeader } from './log-format.ts';

/** Operands of a record, as the version that is written has them. */
export interface PresentOperands {
  readonly b: number;
  readonly c: number;
}

/** A train as it left first. */
interface FirstDeparture {
  /** Byte of its TLP_SENT. */
  readonly at: number;
  /** Number of its record in the TLP pool. */
  readonly index: number;
  readonly tlps: number;
  readonly linkBytes: number;
  isRead: boolean;
}

type Trains = readonly Map<number, FirstDeparture>[];

const { TLP_SENT, TLP_HEADER, TLP_LINK, TLP_RESENT, LINK_STATE } = ProbeKind;
const SEQUENCE_MASK = 0xfff;
const UPSTREAM = 0;
const DOWNSTREAM = 1;

/**
 * The TLP_RESENT records, and the TLP_LINK behind them, between two bytes of a log of version 1 or 2, as version 3 has them, by the
 * bytes where they are. Most programs that wrote those did not say in which direction a replay went, which its train tells: it is the
 * last that has left with its sequence number and the same record in the TLP pool. The first ones gave bytes for the number of TLPs.
 * All of them had the rest of a train of reads arrive with its first request, and not with its last.
 */
export function olderReplays(
  header: LogHeader,
  view: DataView,
  first: number,
  end: number,
): ReadonlyMap<number, PresentOperands> {
  const records = new Map<number, PresentOperands>();
  let trains = noTrains();
  let sent: FirstDeparture | null = null;
  let direction = UPSTREAM;
  let resentAt = -1;
  for (let at = first; at < end; at += LOG_RECORD_BYTES) {
    const kind = view.getInt32(at, true);
    const operand = (n: number) => view.getInt32(at + 4 * n, true);
    if (kind === TLP_SENT)
      sent = { at, index: operand(1), linkBytes: operand(2), tlps: operand(3), isRead: false };
    else if (kind === TLP_HEADER) {
      const { downstream, kind: what } = unpackTlpHeader(operand(2));
      direction = downstream ? DOWNSTREAM : UPSTREAM;
      if (sent !== null) sent.isRead = what === TlpKind.MEMORY_READ;
    } else if (kind === TLP_RESENT) resentAt = at;
    else if (kind === LINK_STATE) trains = noTrains();
    else if (kind === TLP_LINK) {
      const { sequence } = unpackTlpLink(operand(1));
      if (resentAt >= 0) {
        const replay = replayAt(header, view, resentAt, sequence, trains);
        records.set(resentAt, replay);
        const number = replay.c & (RESENT_DOWNSTREAM - 1);
        const way = replay.c === number ? UPSTREAM : DOWNSTREAM;
        const train = trains[way].get((sequence - number) & SEQUENCE_MASK);
        records.set(at, { b: operand(2), c: operand(3) + restPs(header, train, number) });
      } else if (sent !== null) trains[direction].set(sequence, sent);
      resentAt = -1;
      sent = null;
    }
  }
  return records;
}

function noTrains(): Trains {
  return [new Map(), new Map()];
}

/** The replay at a byte, whose first TLP has a sequence number. */
function replayAt(
  { kinds }: LogHeader,
  view: DataView,
  at: number,
  sequence: number,
  trains: Trains,
): PresentOperands {
  const [index, b, c] = [4, 8, 12].map((operand) => view.getInt32(at + operand, true));
  // Programs that know this kind say all of it.
  if (kinds?.['WRITE_LOST'] !== undefined || (c & RESENT_DOWNSTREAM) !== 0) return { b, c };
  const [up, down] = trains.map((own) => own.get((sequence - c) & SEQUENCE_MASK));
  const own = [up, down].filter((train) => train?.index === index);
  // A completion has the record of its request, and leaves later.
  const train = own.length === 2 && (up?.at ?? 0) > (down?.at ?? 0) ? up : own.at(-1);
  if (train !== undefined) return { b: train.tlps - c, c: train === down ? c | RESENT_DOWNSTREAM : c };
  // It is in front of the log: at least the replay is not that of another one.
  return { b, c: up !== undefined && down === undefined ? c | RESENT_DOWNSTREAM : c };
}

/** From the arrival of request `first` of a train of reads to that of its last one, if that is not the first of all; ps. */
function restPs({ link }: LogHeader, train: FirstDeparture | undefined, first: number): number {
  if (train?.isRead !== true || first === 0 || link === null) return 0;
  const { linkBytes, tlps } = train;
  const [ps, bytes] = link.psPerByte;
  return Math.round(((linkBytes / tlps) * (tlps - first - 1) * ps) / bytes);
}
