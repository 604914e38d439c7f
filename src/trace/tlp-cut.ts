import {
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  FLIT_BYTES,
  FLIT_TLP_BYTES,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  memoryHeaderBytes,
  ohcBytes,
  spanOf,
  TlpKind,
} from '../pcie/index.ts';
import { LogError, type LogLink } from './log-format.ts';
import type { LogTrain } from './log-trains.ts';
import { carriesData, isCompletion, isNonPosted } from './tlp-kinds.ts';
import { piecesOf, type TlpPiece } from './tlp-pieces.ts';
import type { OutstandingRequests, TlpRequest } from './tlp-requests.ts';

/** A single TLP, as it stood on the link. */
export interface SingleTlp {
  /**
   * When its first symbol left, and its last, and when it had arrived; ps, whole. One that is lost ends where the link goes
   * down, at the latest, and arrives at Infinity.
   */
  readonly startPs: number;
  readonly endPs: number;
  readonly arrivalPs: number;
  /**
   * When it is decided what it is for: where software's request arrives, where the device makes its own; of a completion as of
   * its request.
   */
  readonly decidedPs: number;
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
  /** Says nothing of a completion that is not successful. */
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
  /**
   * What the receiver's data link layer makes of it: `good`; `bad`, its LCRC is wrong; `unframed`, its framing is, so that it
   * is none; `discarded`, because it came behind such a one, or while the link was retrained (PCI Express Base 3.6.3.1); these
   * are sent again; `duplicate`, discarded because it was there already; `lost`, because the link went down before its train
   * had arrived; `unknown`, because the log begins within a replay and does not say whether it was `good` or `discarded`: it is sent
   * again, and `good` then.
   */
  readonly received: 'good' | 'bad' | 'unframed' | 'discarded' | 'duplicate' | 'lost' | 'unknown';
  /** Whether it is sent again, from the replay buffer. */
  readonly replayed: boolean;
  /** Of a completion: bytes that its request still misses, its own included. */
  readonly byteCount: number;
  /** Of a completion: kind of the request that it answers; null where the request is not in the log. */
  readonly answers: TlpKind | null;
  /** Credits of its class that are left behind it. */
  readonly headerCredits: number;
  readonly dataCredits: number;
  /** The double word that it carries, unsigned, or a Message Code; null for a payload that lies elsewhere. */
  readonly word: number | null;
  readonly client: number;
  readonly cookie: number;
  /** Byte in the device's store where the payload of its train begins or goes, or -1. */
  readonly place: number;
  /** Bytes of the train in front of it: its own payload is so much further on, unless tags are put in or left out. */
  readonly trainOffset: number;
}

/** A train, and what its TLPs move. */
export interface CutTrain {
  readonly train: LogTrain;
  /** Number of the train in the log, from 0 on. */
  readonly number: number;
  readonly pieces: readonly TlpPiece[];
  /** Bytes of each on the link. */
  readonly sizes: readonly number[];
  /** What it is, or answers; null for posted requests, and where the request is not in the log. */
  readonly request: TlpRequest | null;
}

/** How a train, or the end of one that is sent again, has left. */
export interface Departure {
  /** Which of its TLPs is the first. */
  readonly first: number;
  /** Sequence number of that one, and credits that are left behind all. */
  readonly sequence: number;
  readonly headerCredits: number;
  readonly dataCredits: number;
  readonly leftPs: number;
  readonly arrivalPs: number;
  readonly received: SingleTlp['received'];
  readonly replayed: boolean;
}

/**
 * Cuts a train where the link cuts it.
 *
 * @throws LogError if it does not come out as it was counted.
 */
export function cutTrain(
  train: LogTrain,
  number: number,
  link: LogLink,
  outstanding: OutstandingRequests,
): CutTrain {
  const { kind, tlps, linkBytes, timePs } = train;
  outstanding.note(train);
  const pieces = piecesOf(train, link);
  const sizes = pieces.map((piece) => linkBytesOf(train, piece, link));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (pieces.length !== tlps || total !== linkBytes) {
    throw new LogError(
      `has a train of ${tlps} TLPs and ${linkBytes} bytes at ${timePs} ps that comes out as ${pieces.length} and ${total}`,
    );
  }
  let request: TlpRequest | null = null;
  if (isNonPosted(kind)) request = outstanding.asked(train, pieces);
  else if (isCompletion(kind)) request = outstanding.answered(train);
  return { train, number, pieces, sizes, request };
}

/** The TLPs of a train that leaves, from the first that leaves now on: without a gap, at the rate of the link. */
export function tlpsOf(
  { train, number, pieces, sizes, request }: CutTrain,
  departure: Departure,
  { psPerByte, flitMode = false }: LogLink,
): SingleTlp[] {
  const { first, leftPs, received, replayed } = departure;
  const { kind, tlps: count, downstream } = train;
  // In Flit Mode as if DLP, CRC and FEC were spread over the TLPs of their flits.
  const flitBytes = flitMode ? FLIT_BYTES / FLIT_TLP_BYTES : 1;
  const psOf = (bytes: number) => Math.floor((bytes * flitBytes * psPerByte[0]) / psPerByte[1]);
  const creditsOf = (piece: TlpPiece) => Math.ceil(payloadOf(train, piece) / CREDIT_BYTES);
  let behind = 0;
  let creditsBehind = 0;
  for (const size of sizes.slice(first)) behind += size;
  for (const piece of pieces.slice(first)) creditsBehind += creditsOf(piece);
  // A read's train arrives with its first request, the rest of one that is sent again and all others with their last TLP.
  const known = kind === TlpKind.MEMORY_READ && first === 0 ? leftPs - psOf(behind - sizes[first]) : leftPs;
  const flightPs = departure.arrivalPs - known;
  const asked = request?.train ?? train;
  const decidedPs = asked.downstream ? asked.arrivalPs : asked.timePs;
  return pieces.slice(first).map((piece, i) => {
    const size = sizes[first + i];
    const startPs = leftPs - psOf(behind);
    behind -= size;
    creditsBehind -= creditsOf(piece);
    const endPs = leftPs - psOf(behind);
    return {
      startPs,
      endPs,
      arrivalPs: endPs + flightPs,
      decidedPs,
      downstream,
      sequence: (departure.sequence + i) & 0xfff,
      train: number,
      number: first + i,
      count,
      kind,
      configType: train.configType,
      requester: train.requester,
      ...answerOf(train, piece, request),
      address: piece.address,
      byteEnables: train.byteEnables,
      linkBytes: size,
      // What waits at the root port has its state there.
      status: isCompletion(kind) ? train.status : 0,
      poisoned: train.poisoned,
      received,
      replayed,
      headerCredits: departure.headerCredits + count - 1 - first - i,
      dataCredits: departure.dataCredits + creditsBehind,
      word: train.carriesWord && (carriesData(kind) || kind === TlpKind.MESSAGE) ? train.word : null,
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

function linkBytesOf(train: LogTrain, piece: TlpPiece, { flitMode = false }: LogLink): number {
  const { kind, status, carriesWord: isRegister } = train;
  const ohc = flitMode ? ohcBytes({ kind, ...piece, status, isRegister }) : 0;
  return overheadOf(train, flitMode) + payloadOf(train, piece) + ohc;
}

function payloadOf({ kind, carriesWord }: LogTrain, { address, bytes }: TlpPiece): number {
  if (!carriesData(kind)) return 0;
  return carriesWord ? 4 : spanOf(address, bytes);
}

/** Framing, sequence number, LCRC and header; in Flit Mode the header alone. */
function overheadOf({ kind, address }: LogTrain, flitMode: boolean): number {
  const isMemory = kind === TlpKind.MEMORY_READ || kind === TlpKind.MEMORY_WRITE;
  const framing = flitMode ? 0 : DATA_LINK_OVERHEAD_BYTES;
  if (kind === TlpKind.MESSAGE) return framing + HEADER_4DW_BYTES;
  return framing + (isMemory ? memoryHeaderBytes(address) : HEADER_3DW_BYTES);
}
