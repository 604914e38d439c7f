import { ProbeKind, type ProbeSink } from '../kernel/index.ts';
import type { RingRecord } from './ring-record.ts';

/** Version of the format that is written, which docs/binary-log.md describes. */
export const LOG_VERSION = 3;
/**
 * Versions that are read. Logs of the first have no checksums; neither it nor the second says in which direction a TLP is sent again,
 * which is found out when they are read.
 */
export const LOG_VERSIONS: readonly number[] = [1, 2, LOG_VERSION];
/** Bytes of a record. */
export const LOG_RECORD_BYTES = 24;
/** Bytes of a DATA record that are data: all behind its kind. */
export const LOG_DATA_BYTES = 20;

/** The first eight bytes of a log, in ASCII. */
export const LOG_MAGIC = 'SRIOVLOG';
/** Records that one checksum is of, at most. */
export const LOG_BLOCK_RECORDS = 1023;

/** Bytes in front of the header's JSON. */
export const LOG_FIXED_BYTES = 48;

/** Kinds of records that are the log's own; all others are the probe's. */
export const LogKind = {
  /** Twenty bytes of data that belong to the record in front, which says in b how many bytes there are in all. */
  DATA: 0x100,
  /**
   * A frame, behind a FRAME_IN or FRAME_OUT record: a = frame slot, b = bytes from its first on that follow as data, c =
   * the VLAN tag beside the frame, or -1.
   */
  FRAME_BYTES: 0x101,
  /** What is known at the end: b = bytes of JSON that follow as data. */
  TRAILER: 0x102,
  /** The last record: a and b = low and high 32 bits of the number of records in front of it, c = XXH32 of the trailer. */
  END: 0x103,
  /**
   * Of the FRAME_BYTES that follow: a, b, c = service tag, virtual tag and its extension beside the frame, where they are
   * others than were logged last.
   */
  FRAME_TAGS: 0x104,
  /**
   * Behind a block of records: a = XXH32 of them, b = how many there are, c = 0; in place of the time, how many records of
   * the file are in front of it.
   */
  CHECK: 0x105,
  /**
   * The functions of the card begin to answer to other Routing IDs or addresses: b = bytes of JSON that follow as data: what was
   * so and what is so from now on, as in {@link LogTrailer.apertures}.
   */
  CONFIGURATION: 0x106,
  /** A descriptor ring begins: a, b, c as `unpackRing` has them. */
  RING_STARTED: 0x107,
  /** A descriptor ring is disabled, its head and tail are 0, whatever has caused it: a, b, c as before, of what it has been. */
  RING_STOPPED: 0x108,
} as const;

/** One of {@link LogKind}. */
export type LogKind = (typeof LogKind)[keyof typeof LogKind];

/** Names of all kinds of records, by their numbers. */
export const LOG_KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries({ ...ProbeKind, ...LogKind }).map(([name, kind]) => [kind, name]),
);

/** The link of a run, as its TLPs are taken apart by it. */
export interface LogLink {
  /** A byte takes so many ps over all lanes, as numerator and denominator. */
  readonly psPerByte: readonly [number, number];
  /** Whether it is in Flit Mode: then TLPs have neither framing nor sequence numbers nor LCRC. Default false. */
  readonly flitMode?: boolean;
  readonly maxPayloadBytes: number;
  readonly maxReadRequestBytes: number;
  readonly readCompletionBoundary: number;
  /** Tags that the device has for reads. */
  readonly tags: number;
}

/** Where frames and descriptors lie in the device's store. */
export interface LogStore {
  /** Slot n begins at n x slotBytes. */
  readonly slots: number;
  readonly slotBytes: number;
  /** From the last slot's end on: caches of descriptors. */
  readonly queuesPerPool: number;
  /** Pools, of which each has a VPort of that number; the uplink is behind them. */
  readonly pools: number;
  /** Numbers under which the halves of the DMA engine sign their requests; logs of older programs have none. */
  readonly transmitClient?: number;
  readonly receiveClient?: number;
}

/** Number under which the transmit half of the DMA engine signs its requests. Older programs gave it the first. */
export function transmitClientOf(store: LogStore | null): number {
  return store?.transmitClient ?? 0;
}

/** As {@link transmitClientOf}, for the receive half, which had the second. */
export function receiveClientOf(store: LogStore | null): number {
  return store?.receiveClient ?? 1;
}

/** What stands at the head of a log. */
export interface LogHeader {
  /** The program that wrote it. */
  readonly application: string;
  readonly seed: number;
  /** CRC-32 of the resolved scenario's JSON. */
  readonly scenarioCrc32: number;
  /** When it begins, in ps from power-on; logs written before there was such a thing have none and begin at 0. */
  readonly startPs?: number;
  /** Names of the tasks by their numbers, of the components, of the reasons for drops by their numbers. */
  readonly tasks: readonly string[];
  readonly components: readonly string[];
  readonly dropReasons: readonly string[];
  readonly link: LogLink | null;
  readonly store: LogStore | null;
  /** The resolved scenario, which says all else. */
  readonly scenario: unknown;
  /** FRAME_IN records among those that were lost in front of the first; logs that older programs have cut do not say. */
  readonly framesLost?: number;
  /** Kinds of records that the program knew, by their names: one that writes a log puts them in itself. */
  readonly kinds?: Readonly<Record<string, number>>;
}

/** A range of memory addresses that registers of a function, or of one VF behind the other, answer to. */
export interface LogAperture {
  /** Routing ID of the function; of VFs that of the first. */
  readonly routingId: number;
  /** From one VF's Routing ID to the next; 0 for a function that is none. */
  readonly stride: number;
  /** VFs; 1 for a function that is none. */
  readonly count: number;
  readonly virtual: boolean;
  readonly bar: number;
  /** Whether it answers: Memory Space Enable, for VFs VF MSE. Older logs do not say. */
  readonly enabled?: boolean;
  /** 0 if it does not answer. */
  readonly base: number;
  /** Bytes of one function's share. */
  readonly bytes: number;
}

/** What is known at the end of a run. */
export interface LogTrailer {
  /** How it ended; a failed one with what was wrong. */
  readonly outcome: 'complete' | 'partial' | 'failed';
  readonly error?: string;
  readonly digest: string;
  readonly endPs: number;
  readonly tasks: readonly string[];
  readonly components: readonly string[];
  readonly apertures: readonly LogAperture[];
  /** Descriptor rings that run; older logs do not say. */
  readonly rings?: readonly RingRecord[];
  /** Writes and messages that wait at the root port, by the numbers of their trains' records; older logs do not say. */
  readonly waiting?: readonly number[];
}

/** Takes records and the data behind them. */
export interface LogTarget extends ProbeSink {
  record(timePs: number, kind: number, a: number, b: number, c: number): void;
  /** Data that belong to the record before: `bytes` from `from` on. */
  data(u8: Uint8Array, from: number, bytes: number): void;
}

/** A log that is wrong. The message is one line. */
export class LogError extends Error {
  override readonly name = 'LogError';
}
