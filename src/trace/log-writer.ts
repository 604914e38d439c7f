import { checkInteger } from '../base/index.ts';
import { encodeLogEnd, encodeLogHeader } from './log-encoding.ts';
import type { LogHeader, LogTrailer } from './log-format.ts';
import { RecordMemory } from './record-memory.ts';

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
export class LogWriter extends RecordMemory {
  private readonly output: LogOutput;

  /**
   * Writes the header at once.
   *
   * @param chunkRecords records that are written in one piece: 1 to 2^20.
   * @throws RangeError for a size of chunks that is out of range.
   */
  constructor(header: LogHeader, output: LogOutput, chunkRecords = 1 << 15) {
    super(checkInteger('chunkRecords', chunkRecords, 1, 1 << 20));
    this.output = output;
    output(encodeLogHeader(header, 0));
  }

  /** Writes what is left, the trailer, and the end. Nothing may follow. */
  end(trailer: LogTrailer): void {
    this.full();
    this.output(encodeLogEnd(trailer, this.written));
  }

  /** What is not written yet, and the end of a log that ended now, in pieces. The writer goes on as it is. */
  pending(trailer: LogTrailer): Uint8Array[] {
    return [this.bytes.slice(0, this.at), encodeLogEnd(trailer, this.written)];
  }

  protected full(): void {
    if (this.at > 0) this.output(this.bytes.subarray(0, this.at));
    this.at = 0;
  }
}
