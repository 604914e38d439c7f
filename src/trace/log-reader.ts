import { getUint53 } from './log-encoding.ts';
import {
  LOG_DATA_BYTES,
  LOG_FIXED_BYTES,
  LOG_MAGIC,
  LOG_RECORD_BYTES,
  LOG_VERSION,
  LogError,
  type LogHeader,
  LogKind,
  type LogTarget,
  type LogTrailer,
} from './log-format.ts';

/** A record of a log, with the data that belong to it. */
export interface LogRecord {
  readonly timePs: number;
  /** One of `ProbeKind` or {@link LogKind}; a later program may write others. */
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Null for a record that has none. */
  readonly data: Uint8Array | null;
}

/**
 * A binary log that was read. Everything is checked when it is opened: a log that is cut off, or of another version, is
 * refused.
 *
 * @example
 * const log = new BinaryLog(bytes);
 * console.log(log.header.seed, log.trailer.digest);
 * for (const { timePs, kind, a, b, c } of log.records()) console.log(timePs, kind, a, b, c);
 */
export class BinaryLog {
  readonly header: LogHeader;
  readonly trailer: LogTrailer;
  /** Records in front of the trailer, those of data included. */
  readonly length: number;
  /** Records that were overwritten in a ring before it was written. */
  readonly lost: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly first: number;
  private readonly last: number;

  /**
   * @param bytes the whole log; it is not copied.
   * @throws {@link LogError} for what is no log, is cut off, or has another version.
   */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { view } = this;
    this.first = checkHead(bytes, view);
    this.header = parseJson(bytes, LOG_FIXED_BYTES, view.getUint32(20, true), 'header') as LogHeader;
    this.lost = getUint53(view, 40);
    this.last = checkEnd(bytes, view, this.first);
    const at = this.trailerAt();
    this.length = (at - this.first) / LOG_RECORD_BYTES;
    const json = this.dataOf(at, this.last);
    this.trailer = parseJson(json, 0, json.length, 'trailer') as LogTrailer;
  }

  /** The records in front of the trailer, oldest first. Data are copies. */
  *records(): Generator<LogRecord> {
    const { view } = this;
    const end = this.first + this.length * LOG_RECORD_BYTES;
    for (let at = this.first; at < end; at += LOG_RECORD_BYTES) {
      const kind = view.getInt32(at, true);
      // Behind the gap of a ring: what it belonged to is lost.
      if (kind === LogKind.DATA) continue;
      const hasData =
        at + LOG_RECORD_BYTES < end && view.getInt32(at + LOG_RECORD_BYTES, true) === LogKind.DATA;
      yield {
        timePs: getUint53(view, at + 16),
        kind,
        a: view.getInt32(at + 4, true),
        b: view.getInt32(at + 8, true),
        c: view.getInt32(at + 12, true),
        data: hasData ? this.dataOf(at, end) : null,
      };
    }
  }

  /** Gives every record in front of the trailer to a sink, as it was taken. */
  replay(target: LogTarget): void {
    for (const { timePs, kind, a, b, c, data } of this.records()) {
      target.record(timePs, kind, a, b, c);
      if (data !== null) target.data(data, 0, data.length);
    }
  }

  /** The data behind the record at `at`: as many as it says, and as there are. */
  private dataOf(at: number, end: number): Uint8Array {
    const { view } = this;
    const bytes = view.getInt32(at + 8, true);
    const records = Math.ceil(bytes / LOG_DATA_BYTES);
    if (bytes < 0 || at + (records + 1) * LOG_RECORD_BYTES > end) {
      throw new LogError(`record at byte ${at} announces ${bytes} bytes of data, which are not there`);
    }
    const data = new Uint8Array(bytes);
    for (let i = 0; i < records; i++) {
      const from = at + (i + 1) * LOG_RECORD_BYTES;
      if (view.getInt32(from, true) !== LogKind.DATA)
        throw new LogError(`no data at byte ${from}, as announced`);
      const left = Math.min(LOG_DATA_BYTES, bytes - i * LOG_DATA_BYTES);
      data.set(this.bytes.subarray(from + 4, from + 4 + left), i * LOG_DATA_BYTES);
    }
    return data;
  }

  private trailerAt(): number {
    for (let at = this.last - LOG_RECORD_BYTES; at >= this.first; at -= LOG_RECORD_BYTES) {
      const kind = this.view.getInt32(at, true);
      if (kind === LogKind.TRAILER) return at;
      if (kind !== LogKind.DATA) break;
    }
    throw new LogError('has no trailer in front of its end');
  }
}

/** Returns where the records begin. */
function checkHead(bytes: Uint8Array, view: DataView): number {
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, LOG_MAGIC.length));
  if (magic !== LOG_MAGIC.slice(0, bytes.length) || bytes.length === 0) {
    throw new LogError(`is no binary log: does not begin with ${LOG_MAGIC}`);
  }
  if (bytes.length < LOG_FIXED_BYTES) throw truncated(bytes.length, 'within its header');
  const version = view.getUint32(8, true);
  if (version !== LOG_VERSION) {
    throw new LogError(`has version ${version} of the format; allowed ${LOG_VERSION}`);
  }
  const first = view.getUint32(12, true);
  const recordBytes = view.getUint32(16, true);
  const json = view.getUint32(20, true);
  if (recordBytes !== LOG_RECORD_BYTES || first % LOG_RECORD_BYTES !== 0 || LOG_FIXED_BYTES + json > first) {
    throw new LogError(`has a header that contradicts itself: ${first} bytes, ${json} of them JSON`);
  }
  if (first > bytes.length) throw truncated(bytes.length, 'within its header');
  return first;
}

/** Returns where the END record is. */
function checkEnd(bytes: Uint8Array, view: DataView, first: number): number {
  const records = Math.floor((bytes.length - first) / LOG_RECORD_BYTES);
  if ((bytes.length - first) % LOG_RECORD_BYTES !== 0)
    throw truncated(bytes.length, `within record ${records}`);
  const last = bytes.length - LOG_RECORD_BYTES;
  if (records === 0 || view.getInt32(last, true) !== LogKind.END) {
    throw truncated(bytes.length, `no end behind ${records} records`);
  }
  const counted = getUint53(view, last + 4);
  if (counted !== records - 1) {
    throw new LogError(`has ${records - 1} records, but its end counts ${counted}`);
  }
  return last;
}

function truncated(bytes: number, where: string): LogError {
  return new LogError(`is truncated after ${bytes} bytes: ${where}`);
}

function parseJson(bytes: Uint8Array, from: number, length: number, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, from + length)));
  } catch {
    throw new LogError(`has a ${what} that is no JSON`);
  }
}
