import { checkInteger } from '../base/index.ts';
import { checkedBlocks, encodeLogEnd, encodeLogHeader } from './log-encoding.ts';
import { LOG_RECORD_BYTES, type LogHeader, type LogTrailer } from './log-format.ts';
import { RecordMemory } from './record-memory.ts';

/**
 * The last records of a run, in memory that is written over and over. What it holds becomes a binary log when
 * somebody asks, which is when something has gone wrong.
 *
 * @example
 * const ring = new LogRing(4096);
 * simulation.probe.sink = ring;
 * const file = ring.parts(logHeader(simulation), logTrailer(simulation));
 */
export class LogRing extends RecordMemory {
  /** Records that are kept. */
  readonly capacity: number;

  /**
   * @param capacity 1 to 2^24: 24 bytes of memory each.
   * @throws RangeError if it is out of range.
   */
  constructor(capacity: number) {
    super(checkInteger('capacity', capacity, 1, 1 << 24));
    this.capacity = capacity;
  }

  /** Records that are held now. */
  get kept(): number {
    return Math.min(this.written, this.capacity);
  }

  /** What is held, as a whole log in pieces to be written one behind the other. The ring goes on as it is. */
  parts(header: LogHeader, trailer: LogTrailer): Uint8Array[] {
    const { bytes, at, kept } = this;
    const blocks: Uint8Array[] = [];
    let records = 0;
    // Once it is full, the oldest is where the next one goes.
    for (const part of kept < this.capacity
      ? [bytes.subarray(0, at)]
      : [bytes.subarray(at), bytes.subarray(0, at)]) {
      const checked = checkedBlocks(part, records);
      blocks.push(checked);
      records += checked.length / LOG_RECORD_BYTES;
    }
    return [encodeLogHeader(header, this.written - kept), ...blocks, encodeLogEnd(trailer, records)];
  }

  /** The oldest ones are overwritten next. */
  protected full(): void {
    this.at = 0;
  }
}
