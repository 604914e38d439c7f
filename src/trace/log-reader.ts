import { checkBoolean, checkKeys } from '../base/index.ts';
import { checkBlocks, checkHeaderSum, checkScenario, damaged } from './log-checks.ts';
import { getUint53, LOG_HEADER_CHECK } from './log-encoding.ts';
import {
  LOG_DATA_BYTES,
  LOG_FIXED_BYTES,
  LOG_MAGIC,
  LOG_RECORD_BYTES,
  LOG_VERSION,
  LOG_VERSIONS,
  LogError,
  type LogHeader,
  LogKind,
  type LogTarget,
  type LogTrailer,
} from './log-format.ts';
import { olderReplays, type PresentOperands } from './older-replays.ts';
import { xxh32 } from './xxh32.ts';

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

/** How a log is read. */
export interface LogReading {
  /** Whether one that was cut off is read as far as it is whole. It is refused otherwise. */
  readonly cut?: boolean;
}

/**
 * A binary log that was read. Everything is checked when it is opened: a log that is damaged, cut off, or of another version,
 * is refused. Logs of the first version have no checksums: of their records, only the structure is checked. Records of older versions are read
 * as those of the present one.
 *
 * @example
 * const log = new BinaryLog(bytes);
 * console.log(log.header.seed, log.trailer.digest);
 * for (const { timePs, kind, a, b, c } of log.records()) console.log(timePs, kind, a, b, c);
 */
export class BinaryLog {
  readonly header: LogHeader;
  readonly trailer: LogTrailer;
  /** Records in front of the trailer, those of data included and those of checksums not. */
  readonly length: number;
  /** Records that were overwritten in a ring before it was written. */
  readonly lost: number;
  /** Frames whose FRAME_IN records are among those: the first one that it has is number `framesLost` + 1. */
  readonly framesLost: number;
  /** Whether it was cut off: then the trailer is made up from what is there, without digest and addresses of registers. */
  readonly isCut: boolean;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly first: number;
  /** Byte behind the records. */
  private readonly last: number;
  /** Of logs of older versions, what some records would be now, by their bytes; null for others. */
  private readonly older: ReadonlyMap<number, PresentOperands> | null;

  /**
   * @param bytes the whole log; it is not copied.
   * @param reading what is read beside whole logs.
   * @throws {@link LogError} for what is no log, is damaged or cut off, or has another version; TypeError for what are no
   *   bytes.
   */
  constructor(bytes: Uint8Array, reading: LogReading = {}) {
    if (!(bytes instanceof Uint8Array))
      throw new TypeError(`bytes must be a Uint8Array with a binary log, got ${typeof bytes}`);
    const { cut = false } = checkKeys<LogReading>('reading', reading, { cut: true });
    checkBoolean('reading.cut', cut);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { view } = this;
    const { first, version } = checkHead(bytes, view);
    this.first = first;
    this.header = parseJson(bytes, LOG_FIXED_BYTES, view.getUint32(20, true), 'header') as LogHeader;
    checkScenario(this.header, view);
    this.lost = getUint53(view, 40);
    this.framesLost = this.header.framesLost ?? 0;
    this.isCut = cut && whyCut(bytes, view, first) !== null;
    if (this.isCut) {
      const whole = bytes.length - ((bytes.length - first) % LOG_RECORD_BYTES);
      const { checks, end } = checkBlocks(bytes, view, first, whole);
      this.last = this.wholeUpTo(version === 1 ? whole : end);
      // A frame that is not there as a whole may have checksums within its data.
      this.length = (this.last - first) / LOG_RECORD_BYTES - checks + this.checksIn(this.last, end);
      this.older = this.olderRecords(version);
      this.trailer = this.trailerOfCut();
      return;
    }
    const end = checkEnd(bytes, view, first);
    // Before anything of them is read.
    const { checks, end: checked } = checkBlocks(bytes, view, first, end);
    this.last = this.trailerAt(end);
    this.length = (this.last - first) / LOG_RECORD_BYTES - checks;
    this.older = this.olderRecords(version);
    if (version > 1) this.checkTrailer(checked, end);
    const json = this.dataOf(this.last, end);
    this.trailer = parseJson(json, 0, json.length, 'trailer') as LogTrailer;
    if (getUint53(view, end + 16) !== getUint53(view, this.last + 16))
      throw new LogError(`is damaged: its end, at byte ${end}, has another time than its trailer`);
  }

  /** The records in front of the trailer, oldest first. Data are copies. */
  *records(): Generator<LogRecord> {
    const { view, last } = this;
    for (let at = this.first; at < last; at += LOG_RECORD_BYTES) {
      const kind = view.getInt32(at, true);
      // Behind the gap of a ring: what it belonged to is lost.
      if (kind === LogKind.DATA || kind === LogKind.CHECK) continue;
      yield this.recordAt(at);
    }
  }

  /** Those of some kinds, without the others being looked at. */
  *recordsOf(...kinds: readonly number[]): Generator<LogRecord> {
    const { view, last } = this;
    for (let at = this.first; at < last; at += LOG_RECORD_BYTES)
      if (kinds.includes(view.getInt32(at, true))) yield this.recordAt(at);
  }

  /** Gives every record in front of the trailer to a sink, as it was taken. */
  replay(target: LogTarget): void {
    for (const { timePs, kind, a, b, c, data } of this.records()) {
      target.record(timePs, kind, a, b, c);
      if (data !== null) target.data(data, 0, data.length);
    }
  }

  private olderRecords(version: number): ReadonlyMap<number, PresentOperands> | null {
    const { header, view, first, last } = this;
    return version < LOG_VERSION ? olderReplays(header, view, first, last) : null;
  }

  /** Where the record behind the one at `at` is, whatever checksum is between them. */
  private behind(at: number, end: number): number {
    let next = at + LOG_RECORD_BYTES;
    while (next < end && this.view.getInt32(next, true) === LogKind.CHECK) next += LOG_RECORD_BYTES;
    return next;
  }

  private recordAt(at: number): LogRecord {
    const { view, last } = this;
    const next = this.behind(at, last);
    const hasData = next < last && view.getInt32(next, true) === LogKind.DATA;
    const present = this.older?.get(at);
    return {
      timePs: getUint53(view, at + 16),
      kind: view.getInt32(at, true),
      a: view.getInt32(at + 4, true),
      b: present?.b ?? view.getInt32(at + 8, true),
      c: present?.c ?? view.getInt32(at + 12, true),
      data: hasData ? this.dataOf(at, last) : null,
    };
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
    let from = at;
    for (let i = 0; i < records; i++) {
      from = this.behind(from, end);
      if (from >= end || view.getInt32(from, true) !== LogKind.DATA)
        throw new LogError(`no data at byte ${from}, as announced`);
      const left = Math.min(LOG_DATA_BYTES, bytes - i * LOG_DATA_BYTES);
      data.set(this.bytes.subarray(from + 4, from + 4 + left), i * LOG_DATA_BYTES);
    }
    return data;
  }

  private trailerAt(end: number): number {
    for (let at = end - LOG_RECORD_BYTES; at >= this.first; at -= LOG_RECORD_BYTES) {
      const kind = this.view.getInt32(at, true);
      if (kind === LogKind.TRAILER) return at;
      if (kind !== LogKind.DATA) break;
    }
    throw new LogError('has no trailer in front of its end');
  }

  /** The trailer begins behind the last block, and has the checksum that the END record has. */
  private checkTrailer(checked: number, end: number): void {
    if (checked !== this.last) throw damaged(this.first, checked, end);
    if (this.view.getUint32(end + 12, true) !== xxh32(this.bytes, checked, end - checked))
      throw damaged(this.first, checked, end);
  }

  /** Where the records end of which all data are there, in front of byte `end`. */
  private wholeUpTo(end: number): number {
    const { view, first } = this;
    let data = 0;
    for (let at = end - LOG_RECORD_BYTES; at >= first; at -= LOG_RECORD_BYTES) {
      const kind = view.getInt32(at, true);
      if (kind === LogKind.DATA) data++;
      else if (kind !== LogKind.CHECK) {
        const hasData = data > 0 || kind === LogKind.FRAME_BYTES || kind === LogKind.CONFIGURATION;
        return hasData && data < Math.ceil(view.getInt32(at + 8, true) / LOG_DATA_BYTES) ? at : end;
      }
    }
    return end;
  }

  private checksIn(from: number, end: number): number {
    let checks = 0;
    for (let at = from; at < end; at += LOG_RECORD_BYTES)
      if (this.view.getInt32(at, true) === LogKind.CHECK) checks++;
    return checks;
  }

  private trailerOfCut(): LogTrailer {
    const { tasks, components, startPs = 0 } = this.header;
    let endPs = startPs;
    for (const { timePs } of this.records()) endPs = timePs;
    return { outcome: 'partial', digest: '', endPs, tasks, components, apertures: [] };
  }
}

/** Returns where the records begin, and the version of the format. */
function checkHead(bytes: Uint8Array, view: DataView): { first: number; version: number } {
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, LOG_MAGIC.length));
  if (magic !== LOG_MAGIC.slice(0, bytes.length) || bytes.length === 0) {
    throw new LogError(`is no binary log: does not begin with ${LOG_MAGIC}`);
  }
  if (bytes.length < LOG_FIXED_BYTES) throw truncated(bytes.length, 'within its header');
  const version = view.getUint32(8, true);
  if (!LOG_VERSIONS.includes(version)) {
    throw new LogError(`has version ${version} of the format, and none of ${LOG_VERSIONS.join(', ')}`);
  }
  const first = view.getUint32(12, true);
  const recordBytes = view.getUint32(16, true);
  const json = view.getUint32(20, true);
  if (recordBytes !== LOG_RECORD_BYTES || first % LOG_RECORD_BYTES !== 0 || LOG_FIXED_BYTES + json > first) {
    throw new LogError(`has a header that contradicts itself: ${first} bytes, ${json} of them JSON`);
  }
  if (first > bytes.length) throw truncated(bytes.length, 'within its header');
  if (version > 1) checkHeaderSum(bytes.subarray(0, first), view);
  else if (view.getUint32(LOG_HEADER_CHECK, true) !== 0)
    throw new LogError('is damaged: byte 36 is not 0, as in logs of version 1');
  return { first, version };
}

/** Returns where the END record is. */
function checkEnd(bytes: Uint8Array, view: DataView, first: number): number {
  const why = whyCut(bytes, view, first);
  if (why !== null) throw truncated(bytes.length, why);
  const last = bytes.length - LOG_RECORD_BYTES;
  const records = (last - first) / LOG_RECORD_BYTES;
  const counted = getUint53(view, last + 4);
  if (counted !== records) throw new LogError(`has ${records} records, but its end counts ${counted}`);
  return last;
}

/** Where a log has been cut off behind its header, or null for one that has an end. */
function whyCut(bytes: Uint8Array, view: DataView, first: number): string | null {
  const records = Math.floor((bytes.length - first) / LOG_RECORD_BYTES);
  if ((bytes.length - first) % LOG_RECORD_BYTES !== 0) return `within record ${records}`;
  const hasEnd = records > 0 && view.getInt32(bytes.length - LOG_RECORD_BYTES, true) === LogKind.END;
  return hasEnd ? null : `no end behind ${records} records`;
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
