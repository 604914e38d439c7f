import { ProbeKind } from '../kernel/index.ts';
import {
  DATA_LINK_OVERHEAD_BYTES,
  HEADER_3DW_BYTES,
  memoryHeaderBytes,
  spanOf,
  TlpKind,
  unpackTlpHeader,
  unpackTlpLink,
} from '../pcie/index.ts';
import { LogError } from './log-format.ts';
import type { BinaryLog, LogRecord } from './log-reader.ts';

/** A single TLP, as it stood on the link. */
export interface SingleTlp {
  /** When its first symbol left, and its last; ps, whole. */
  readonly startPs: number;
  readonly endPs: number;
  readonly downstream: boolean;
  /** 0 to 4,095. */
  readonly sequence: number;
  readonly kind: TlpKind;
  /** Routing ID. */
  readonly requester: number;
  /** Of a configuration request. */
  readonly target: number;
  readonly address: number;
  /** Bytes written, asked for or brought. */
  readonly bytes: number;
  /** Bytes on the link, framing included. */
  readonly linkBytes: number;
  readonly status: number;
  /** Credits of its class that were left behind its train. */
  readonly headerCredits: number;
  readonly dataCredits: number;
  /** The double word that it carries, unsigned; null for a payload that lies elsewhere. */
  readonly word: number | null;
  readonly client: number;
  readonly cookie: number;
  /** Byte in the device's store, or -1. */
  readonly place: number;
}

/** A part of what a train moves. */
interface Piece {
  readonly address: number;
  readonly bytes: number;
}

/**
 * The TLPs of a log one by one: trains are cut where the link cuts them, by Max_Payload_Size, Max_Read_Request_Size and
 * Read Completion Boundary, and follow each other without a gap at the rate of the link.
 *
 * @throws LogError for a log without a link, and trains that do not come out as they were counted.
 */
export function* singleTlps(log: BinaryLog): Generator<SingleTlp> {
  if (log.header.link === null)
    throw new LogError('says nothing of a link: there are no TLPs to be had from it');
  let train: LogRecord[] = [];
  for (const record of log.records()) {
    if (record.kind === ProbeKind.TLP_SENT) train = [record];
    else if (train.length > 0 && record.kind === KINDS[train.length]) {
      train.push(record);
      if (train.length < KINDS.length) continue;
      yield* cut(log, train);
      train = [];
    }
  }
}

const KINDS = [
  ProbeKind.TLP_SENT,
  ProbeKind.TLP_ADDRESS,
  ProbeKind.TLP_HEADER,
  ProbeKind.TLP_ORIGIN,
  ProbeKind.TLP_LINK,
] as const;

function* cut({ header: { link } }: BinaryLog, records: readonly LogRecord[]): Generator<SingleTlp> {
  const [sent, where, what, origin, left] = records;
  const { maxPayloadBytes, readCompletionBoundary, psPerByte } = link as NonNullable<typeof link>;
  const header = unpackTlpHeader(what.b);
  const { sequence, headerCredits, dataCredits } = unpackTlpLink(left.a);
  const { kind } = header;
  const whole = { address: (where.a >>> 0) + where.b * 2 ** 32, bytes: where.c };
  const isMemory = kind === TlpKind.MEMORY_READ || kind === TlpKind.MEMORY_WRITE;
  let pieces: readonly Piece[] = Array.from({ length: sent.c }, () => whole);
  if (sent.c > 1 && kind === TlpKind.MEMORY_WRITE) pieces = split(whole, maxPayloadBytes);
  else if (sent.c > 1 && kind === TlpKind.MEMORY_READ) pieces = split(whole, header.requestBytes);
  else if (sent.c > 1 && kind === TlpKind.COMPLETION_DATA)
    pieces = split(whole, header.requestBytes).flatMap((request) =>
      completions(request, maxPayloadBytes, readCompletionBoundary),
    );
  const carries = kind === TlpKind.MEMORY_WRITE || kind === TlpKind.COMPLETION_DATA;
  const sizes = pieces.map(
    ({ address, bytes }) =>
      DATA_LINK_OVERHEAD_BYTES +
      (isMemory ? memoryHeaderBytes(whole.address) : HEADER_3DW_BYTES) +
      (carries ? (header.carriesWord ? 4 : spanOf(address, bytes)) : kind === TlpKind.CONFIG_WRITE ? 4 : 0),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (pieces.length !== sent.c || total !== sent.b) {
    throw new LogError(
      `has a train of ${sent.c} TLPs and ${sent.b} bytes at ${sent.timePs} ps that comes out as ${pieces.length} and ${total}`,
    );
  }
  const lastPs = sent.timePs + left.b;
  const psOf = (bytes: number) => Math.round((bytes * psPerByte[0]) / psPerByte[1]);
  let behind = total;
  for (let i = 0; i < pieces.length; i++) {
    const startPs = lastPs - psOf(behind);
    behind -= sizes[i];
    yield {
      startPs,
      endPs: lastPs - psOf(behind),
      downstream: header.downstream,
      sequence: (sequence + i) & 0xfff,
      kind,
      requester: what.a & 0xffff,
      target: what.a >>> 16,
      address: pieces[i].address,
      bytes: pieces[i].bytes,
      linkBytes: sizes[i],
      status: header.status,
      headerCredits,
      dataCredits,
      word: header.carriesWord && kind !== TlpKind.MEMORY_READ ? what.c >>> 0 : null,
      client: origin.a,
      cookie: origin.b,
      place: origin.c,
    };
  }
}

/** Cut at whole multiples of `size` from the first double word on. */
function split({ address, bytes }: Piece, size: number): Piece[] {
  const pieces: Piece[] = [];
  const end = address + bytes;
  for (let from = address, to = address - (address % 4) + size; from < end; from = to, to += size)
    pieces.push({ address: from, bytes: Math.min(end, to) - from });
  return pieces;
}

/** All but the last end at a multiple of the Read Completion Boundary (PCI Express Base 2.3.1.1). */
function completions({ address, bytes }: Piece, size: number, boundary: number): Piece[] {
  const end = address + bytes;
  const reach = address - (address % 4) + size;
  if (end <= reach) return [{ address, bytes }];
  const first = reach - (reach % boundary);
  const pieces = [{ address, bytes: first - address }];
  for (let from = first; from < end; from += size)
    pieces.push({ address: from, bytes: Math.min(size, end - from) });
  return pieces;
}
