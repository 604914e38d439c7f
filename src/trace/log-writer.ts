import { checkInteger } from '../base/index.ts';
import { encodeLogEnd, encodeLogHeader, putData, putRecord } from './log-encoding.ts';
import {
  LOG_DATA_BYTES,
  LOG_RECORD_BYTES,
  type LogHeader,
  type LogTarget,
  type LogTrailer,
} from './log-format.ts';

/** Takes pieces of a log, one behind the other. A piece is only valid until this returns. */
export type LogOutput = (piece: Uint8Array) => void;

/**
 * Writes every record into a binary log, chunk by chunk. One chunk of memory is used again and again: nothing is
 * allocated while a run goes on. The format is in docs/binary-log.md.
 *
 * @example
 * const pieces: Uint8Array[] = [];
 * const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
 * simulation.probe.sink = writer;
 * simulation.advance(simulation.endPs);
 * writer.end(logTrailer(simulation));
 */
export class LogWriter implements LogTarget {
  /** Records written, those of data included. */
  written = 0;
  private readonly output: LogOutput;
  private readonly chunk: Uint8Array;
  private readonly view: DataView;
  private used = 0;

  /**
   * Writes the header at once.
   *
   * @param chunkRecords records that are written in one piece: 1 to 2^20.
   * @throws RangeError for a size of chunks that is out of range.
   */
  constructor(header: LogHeader, output: LogOutput, chunkRecords = 1 << 15) {
    checkInteger('chunkRecords', chunkRecords, 1, 1 << 20);
    this.output = output;
    this.chunk = new Uint8Array(chunkRecords * LOG_RECORD_BYTES);
    this.view = new DataView(this.chunk.buffer);
    output(encodeLogHeader(header, 0));
  }

  record(timePs: number, kind: number, a: number, b: number, c: number): void {
    putRecord(this.view, this.used, timePs, kind, a, b, c);
    this.next();
  }

  data(u8: Uint8Array, from: number, bytes: number): void {
    for (let done = 0; done < bytes; done += LOG_DATA_BYTES) {
      putData(this.view, this.chunk, this.used, u8, from + done, bytes - done);
      this.next();
    }
  }

  /** Writes what is left, the trailer, and the end. Nothing may follow. */
  end(trailer: LogTrailer): void {
    this.flush();
    this.output(encodeLogEnd(trailer, this.written));
  }

  private next(): void {
    this.used += LOG_RECORD_BYTES;
    this.written++;
    if (this.used === this.chunk.length) this.flush();
  }

  private flush(): void {
    if (this.used > 0) this.output(this.chunk.subarray(0, this.used));
    this.used = 0;
  }
}
