import {
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  HEADER_3DW_BYTES,
  memoryHeaderBytes,
  spanOf,
  TlpKind,
} from '../pcie/index.ts';
import { LogError, type LogLink } from './log-format.ts';
import type { BinaryLog } from './log-reader.ts';
import { type LogTrain, LogTrains } from './log-trains.ts';
import { piecesOf, type TlpPiece } from './tlp-pieces.ts';
import { isCompletion, isNonPosted, OutstandingRequests, type TlpRequest } from './tlp-requests.ts';

/** A single TLP, as it stood on the link. */
export interface SingleTlp {
  /** When its first symbol left, and its last, and when it had arrived; ps, whole. */
  readonly startPs: number;
  readonly endPs: number;
  readonly arrivalPs: number;
  readonly downstream: boolean;
  /** 0 to 4,095. */
  readonly sequence: number;
  /** Number of its train in the log, from 0 on. */
  readonly train: number;
  /** Its number in its train, from 0 on, and how many TLPs the train has. */
  readonly number: number;
  readonly count: number;
  readonly kind: TlpKind;
  /** Of a configuration request. */
  readonly configType: 0 | 1;
  /** Routing ID. */
  readonly requester: number;
  /** Of a request that wants a completion, and of its completions. Null for all others, and where it is not known. */
  readonly tag: number | null;
  /** Routing ID: of a configuration request, or of the one that a completion answers. */
  readonly target: number;
  readonly address: number;
  /** Bytes written, asked for or brought. */
  readonly bytes: number;
  /** Byte enables of a register write; 0 where `address` and `bytes` say it all. */
  readonly byteEnables: number;
  /** Bytes on the link, framing included. */
  readonly linkBytes: number;
  /** Completion Status; 0 for all that is no completion. */
  readonly status: number;
  readonly poisoned: boolean;
  /** Of a completion: bytes that its request still misses, its own included. */
  readonly byteCount: number;
  /** Of a completion: kind of the request that it answers; null where the request is not in the log. */
  readonly answers: TlpKind | null;
  /** Credits of its class that are left behind it. */
  readonly headerCredits: number;
  readonly dataCredits: number;
  /** The double word that it carries, unsigned; null for a payload that lies elsewhere. */
  readonly word: number | null;
  readonly client: number;
  readonly cookie: number;
  /** Byte in the device's store where the payload of its train begins or goes, or -1. */
  readonly place: number;
  /** Bytes of the train in front of it: its own payload is so much further on, unless tags are put in or left out. */
  readonly trainOffset: number;
}

/**
 * The TLPs of a log one by one, in the order in which their first symbols leave: trains are cut where the link cuts them,
 * by Max_Payload_Size, Max_Read_Request_Size and Read Completion Boundary, and follow each other without a gap at the rate
 * of the link.
 *
 * @throws LogError for a log without a link, and trains that do not come out as they were counted.
 * @example
 * for (const { startPs, downstream, sequence, tag } of singleTlps(new BinaryLog(bytes)))
 *   console.log(startPs, downstream ? 'down' : 'up', sequence, tag);
 */
export function* singleTlps(log: BinaryLog): Generator<SingleTlp> {
  const { link } = log.header;
  if (link === null) throw new LogError('says nothing of a link: there are no TLPs to be had from it');
  const outstanding = new OutstandingRequests(link.tags);
  // The link takes trains before their symbols leave, in both directions: what has not left yet, of each.
  const ahead: [SingleTlp[], SingleTlp[]] = [[], []];
  const trains = new LogTrains();
  let count = 0;
  for (const record of log.records()) {
    const train = trains.add(record);
    if (train === null) continue;
    yield* upTo(ahead, train.timePs);
    ahead[Number(train.downstream)].push(...cut(train, count++, link, outstanding));
  }
  yield* upTo(ahead, Number.POSITIVE_INFINITY);
}

/** Those that leave by `timePs`, both directions in the order of time. */
function* upTo(ahead: readonly SingleTlp[][], timePs: number): Generator<SingleTlp> {
  const at = [0, 0];
  for (;;) {
    const [up, down] = at.map((i, direction) => ahead[direction][i]?.startPs ?? Number.POSITIVE_INFINITY);
    const direction = down < up ? 1 : 0;
    const next = ahead[direction][at[direction]];
    if (next === undefined || next.startPs > timePs) break;
    at[direction]++;
    yield next;
  }
  at.forEach((count, direction) => {
    ahead[direction].splice(0, count);
  });
}

function cut(train: LogTrain, number: number, link: LogLink, outstanding: OutstandingRequests): SingleTlp[] {
  const { kind, tlps: count, linkBytes } = train;
  outstanding.note(train);
  const pieces = piecesOf(train, link);
  const sizes = pieces.map((piece) => linkBytesOf(train, piece));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (pieces.length !== count || total !== linkBytes) {
    throw new LogError(
      `has a train of ${count} TLPs and ${linkBytes} bytes at ${train.timePs} ps that comes out as ${pieces.length} and ${total}`,
    );
  }
  let request: TlpRequest | null = null;
  if (isNonPosted(kind)) request = outstanding.asked(train, pieces);
  else if (isCompletion(kind)) request = outstanding.answered(train);

  const lastPs = train.leftPs;
  const psOf = (bytes: number) => Math.floor((bytes * link.psPerByte[0]) / link.psPerByte[1]);
  // A read's train arrives with its first request, all others with their last TLP.
  const known = kind === TlpKind.MEMORY_READ ? lastPs - psOf(total - sizes[0]) : lastPs;
  const flightPs = train.arrivalPs - known;
  const credits = sizes.map((size) => Math.ceil((size - overheadOf(train)) / CREDIT_BYTES));
  let behind = total;
  let creditsBehind = credits.reduce((sum, units) => sum + units, 0);
  return pieces.map((piece, i) => {
    const startPs = lastPs - psOf(behind);
    behind -= sizes[i];
    creditsBehind -= credits[i];
    const endPs = lastPs - psOf(behind);
    return {
      startPs,
      endPs,
      arrivalPs: endPs + flightPs,
      downstream: train.downstream,
      sequence: (train.sequence + i) & 0xfff,
      train: number,
      number: i,
      count,
      kind,
      configType: train.configType,
      requester: train.requester,
      ...answerOf(train, piece, request),
      address: piece.address,
      byteEnables: train.byteEnables,
      linkBytes: sizes[i],
      // What waits at the root port has its state there.
      status: isCompletion(kind) ? train.status : 0,
      poisoned: train.poisoned,
      headerCredits: train.headerCredits + count - 1 - i,
      dataCredits: train.dataCredits + creditsBehind,
      word: train.carriesWord && carriesData(kind) ? train.word : null,
      client: train.client,
      cookie: train.cookie,
      place: train.place,
      trainOffset: piece.address - train.address,
    };
  });
}

/** What of a TLP depends on the request that it is or answers. */
function answerOf(
  { kind, target }: LogTrain,
  piece: TlpPiece,
  request: TlpRequest | null,
): Pick<SingleTlp, 'tag' | 'target' | 'answers' | 'byteCount' | 'bytes'> {
  const { bytes, byteCount } = piece;
  const tag = request?.tags[piece.request] ?? -1;
  const common = { tag: tag < 0 ? null : tag, target, answers: null, byteCount, bytes };
  if (!isCompletion(kind) || request === null) return common;
  const asked = request.pieces[piece.request];
  const answers = request.train.kind;
  return {
    ...common,
    target: request.train.target,
    answers,
    // A register's completion brings its double word, of which not all may have been asked for.
    bytes: request.train.downstream ? Math.min(bytes, asked.bytes) : bytes,
    byteCount: kind === TlpKind.COMPLETION || request.train.downstream ? asked.bytes : byteCount,
  };
}

function linkBytesOf(train: LogTrain, { address, bytes }: TlpPiece): number {
  const { kind, carriesWord } = train;
  let payload = 0;
  if (carriesData(kind)) payload = carriesWord ? 4 : spanOf(address, bytes);
  return overheadOf(train) + payload;
}

/** Framing, sequence number, LCRC and header. */
function overheadOf({ kind, address }: LogTrain): number {
  const isMemory = kind === TlpKind.MEMORY_READ || kind === TlpKind.MEMORY_WRITE;
  return DATA_LINK_OVERHEAD_BYTES + (isMemory ? memoryHeaderBytes(address) : HEADER_3DW_BYTES);
}

/** Whether a TLP of this kind has a payload. */
export function carriesData(kind: TlpKind): boolean {
  return kind === TlpKind.MEMORY_WRITE || kind === TlpKind.COMPLETION_DATA || kind === TlpKind.CONFIG_WRITE;
}
