import {
  LOG_BLOCK_RECORDS,
  LOG_DATA_BYTES,
  LOG_FIXED_BYTES,
  LOG_KIND_NAMES,
  LOG_MAGIC,
  LOG_RECORD_BYTES,
  LOG_VERSION,
  type LogHeader,
  LogKind,
  type LogTrailer,
} from './log-format.ts';
import { xxh32 } from './xxh32.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const HIGH = 1 / 2 ** 32;
const DATA = LogKind.DATA;
const DATA_BYTES = LOG_DATA_BYTES;

/** Byte of the header's own XXH32, of which it is 0. */
export const LOG_HEADER_CHECK = 36;

/** Writes a record. */
export const putRecord = (
  view: DataView,
  at: number,
  timePs: number,
  kind: number,
  a: number,
  b: number,
  c: number,
): void => {
  view.setInt32(at, kind, true);
  view.setInt32(at + 4, a, true);
  view.setInt32(at + 8, b, true);
  view.setInt32(at + 12, c, true);
  // The low 32 bits of any integer, and what is above them.
  view.setInt32(at + 16, timePs | 0, true);
  view.setInt32(at + 20, (timePs * HIGH) | 0, true);
};

/** Writes a DATA record: up to twenty bytes, and zeros behind them. So few are not worth a call for each. */
export const putData = (
  view: DataView,
  chunk: Uint8Array,
  at: number,
  u8: Uint8Array,
  from: number,
  left: number,
): void => {
  view.setInt32(at, DATA, true);
  const bytes = left < DATA_BYTES ? left : DATA_BYTES;
  for (let i = 0; i < bytes; i++) chunk[at + 4 + i] = u8[from + i];
  for (let i = bytes; i < DATA_BYTES; i++) chunk[at + 4 + i] = 0;
};

/** Writes the CHECK record at `to` of the block from `from` up to there, with `records` of the file in front of it. */
export function putCheck(u8: Uint8Array, from: number, to: number, records: number): void {
  const view = new DataView(u8.buffer, u8.byteOffset, u8.byteLength);
  const count = (to - from) / LOG_RECORD_BYTES;
  putRecord(view, to, records, LogKind.CHECK, xxh32(u8, from, to - from) | 0, count, 0);
}

/**
 * Records in blocks, each with its CHECK behind it.
 *
 * @param records of the file in front of them.
 */
export function checkedBlocks(u8: Uint8Array, records: number): Uint8Array {
  const block = LOG_BLOCK_RECORDS * LOG_RECORD_BYTES;
  const blocks = Math.ceil(u8.length / block);
  const checked = new Uint8Array(u8.length + blocks * LOG_RECORD_BYTES);
  for (let i = 0, to = 0; i < blocks; i++) {
    const part = u8.subarray(i * block, (i + 1) * block);
    checked.set(part, to);
    putCheck(checked, to, to + part.length, records + (to + part.length) / LOG_RECORD_BYTES);
    to += part.length + LOG_RECORD_BYTES;
  }
  return checked;
}

/** The head of a log: {@link LOG_FIXED_BYTES}, then JSON and spaces up to a multiple of the record's size. */
export function encodeLogHeader(header: LogHeader, lost: number): Uint8Array {
  // That of a log that was read knows which ones its program knew.
  const { kinds = Object.fromEntries([...LOG_KIND_NAMES].map(([kind, name]) => [name, kind])) } = header;
  const json = new TextEncoder().encode(JSON.stringify({ ...header, kinds }));
  const bytes = Math.ceil((LOG_FIXED_BYTES + json.length) / LOG_RECORD_BYTES) * LOG_RECORD_BYTES;
  const head = new Uint8Array(bytes).fill(0x20);
  head.fill(0, 0, LOG_FIXED_BYTES);
  head.set(new TextEncoder().encode(LOG_MAGIC));
  const view = new DataView(head.buffer);
  view.setUint32(8, LOG_VERSION, true);
  view.setUint32(12, bytes, true);
  view.setUint32(16, LOG_RECORD_BYTES, true);
  view.setUint32(20, json.length, true);
  setUint53(view, 24, header.seed);
  view.setUint32(32, header.scenarioCrc32, true);
  setUint53(view, 40, lost);
  head.set(json, LOG_FIXED_BYTES);
  view.setUint32(LOG_HEADER_CHECK, xxh32(head, 0, bytes), true);
  return head;
}

/** The end of a log: its trailer, and the record that says how many there were, behind `records` of the file. */
export function encodeLogEnd(trailer: LogTrailer, records: number): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(trailer));
  const last = (1 + Math.ceil(json.length / LOG_DATA_BYTES)) * LOG_RECORD_BYTES;
  const end = new Uint8Array(last + LOG_RECORD_BYTES);
  const view = new DataView(end.buffer);
  putRecord(view, 0, trailer.endPs, LogKind.TRAILER, 0, json.length, 0);
  for (let at = LOG_RECORD_BYTES, done = 0; at < last; at += LOG_RECORD_BYTES, done += LOG_DATA_BYTES)
    putData(view, end, at, json, done, json.length - done);
  const count = records + last / LOG_RECORD_BYTES;
  putRecord(
    view,
    last,
    trailer.endPs,
    LogKind.END,
    count | 0,
    (count / 2 ** 32) | 0,
    xxh32(end, 0, last) | 0,
  );
  return end;
}

/** Writes an integer from 0 to 2^53 as 64 bits. */
function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, (value / 2 ** 32) >>> 0, true);
}

/** Reads 64 bits. */
export function getUint53(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
