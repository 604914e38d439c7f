import { checkInteger } from '../base/index.ts';
import { encodeLogEnd, encodeLogHeader, putData, putRecord } from './log-encoding.ts';
import {
  LOG_DATA_BYTES,
  LOG_RECORD_BYTES,
  type LogHeader,
  type LogTarget,
  type LogTrailer,
} from './log-format.ts';

/**
 * The last records of a run, in memory that is written over and over. What it holds becomes a binary log when
 * somebody asks, which is when something has gone wrong.
 *
 * @example
 * const ring = new LogRing(4096);
 * simulation.probe.sink = ring;
 * const file = ring.parts(logHeader(simulation), logTrailer(simulation));
 */
export class LogRing implements LogTarget {
  /** Records that are kept. */
  readonly capacity: number;
  /** Records taken, those that were overwritten and those of data included. */
  written = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private next = 0;

  /**
   * @param capacity 1 to 2^24: 24 bytes of memory each.
   * @throws RangeError if it is out of range.
   */
  constructor(capacity: number) {
    this.capacity = checkInteger('capacity', capacity, 1, 1 << 24);
    this.bytes = new Uint8Array(capacity * LOG_RECORD_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }

  record(timePs: number, kind: number, a: number, b: number, c: number): void {
    putRecord(this.view, this.next, timePs, kind, a, b, c);
    this.advance();
  }

  data(u8: Uint8Array, from: number, bytes: number): void {
    for (let done = 0; done < bytes; done += LOG_DATA_BYTES) {
      putData(this.view, this.bytes, this.next, u8, from + done, bytes - done);
      this.advance();
    }
  }

  /** Records that are held now. */
  get kept(): number {
    return Math.min(this.written, this.capacity);
  }

  /** What is held, as a whole log in pieces to be written one behind the other. The ring goes on as it is. */
  parts(header: LogHeader, trailer: LogTrailer): Uint8Array[] {
    const { bytes, next, kept } = this;
    return [
      encodeLogHeader(header, this.written - kept),
      // Once it is full, the oldest is where the next one goes.
      ...(kept < this.capacity ? [] : [bytes.slice(next)]),
      bytes.slice(0, next),
      encodeLogEnd(trailer, kept),
    ];
  }

  private advance(): void {
    this.written++;
    this.next += LOG_RECORD_BYTES;
    if (this.next === this.bytes.length) this.next = 0;
  }
}
