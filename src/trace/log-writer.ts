import { checkInteger } from '../base/index.ts';
import { checkedBlocks, encodeLogEnd, encodeLogHeader, putCheck } from './log-encoding.ts';
import { LOG_BLOCK_RECORDS, LOG_RECORD_BYTES, type LogHeader, type LogTrailer } from './log-format.ts';
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
  /** Bytes of a block without its CHECK; where the one that is being filled begins; CHECKs of those before. */
  private readonly blockBytes: number;
  private blockFrom = 0;
  private checks = 0;

  /**
   * Writes the header at once.
   *
   * @param chunkRecords records that are written in one piece, about: 1 to 2^20.
   * @throws RangeError for a size of chunks that is out of range.
   */
  constructor(header: LogHeader, output: LogOutput, chunkRecords = 1 << 15) {
    checkInteger('chunkRecords', chunkRecords, 1, 1 << 20);
    const block = Math.min(chunkRecords, LOG_BLOCK_RECORDS);
    super(Math.round(chunkRecords / block) * (block + 1));
    this.blockBytes = block * LOG_RECORD_BYTES;
    this.limit = this.blockBytes;
    this.output = output;
    output(encodeLogHeader(header, 0));
  }

  /** Writes what is left, the trailer, and the end. Nothing may follow. */
  end(trailer: LogTrailer): void {
    this.closeBlock();
    this.flush();
    this.output(encodeLogEnd(trailer, this.written + this.checks));
  }

  /** What is not written yet, and the end of a log that ended now, in pieces. The writer goes on as it is. */
  pending(trailer: LogTrailer): Uint8Array[] {
    const { bytes, blockFrom, at } = this;
    const records = this.written + this.checks;
    const left = bytes.subarray(blockFrom, at);
    const checked = checkedBlocks(left, records - left.length / LOG_RECORD_BYTES);
    const check = left.length === 0 ? 0 : 1;
    return [bytes.slice(0, blockFrom), checked, encodeLogEnd(trailer, records + check)];
  }

  protected full(): void {
    this.closeBlock();
    if (this.at === this.bytes.length) this.flush();
    this.limit = this.at + this.blockBytes;
  }

  private closeBlock(): void {
    const { blockFrom, at } = this;
    if (at === blockFrom) return;
    putCheck(this.bytes, blockFrom, at, this.written + this.checks);
    this.checks++;
    this.at = at + LOG_RECORD_BYTES;
    this.blockFrom = this.at;
  }

  private flush(): void {
    if (this.at > 0) this.output(this.bytes.subarray(0, this.at));
    this.at = 0;
    this.blockFrom = 0;
  }
}
