import { checkInteger } from '../base/index.ts';
import { ProbeKind } from '../kernel/index.ts';
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
  /** FRAME_IN records taken so far. */
  private frames = 0;

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

  override record(timePs: number, kind: number, a: number, b: number, c: number): void {
    if (kind === ProbeKind.FRAME_IN) this.frames++;
    super.record(timePs, kind, a, b, c);
  }

  /** What is held, as a whole log in pieces to be written one behind the other. The ring goes on as it is. */
  parts(header: LogHeader, trailer: LogTrailer): Uint8Array[] {
    const { bytes, at, kept } = this;
    const blocks: Uint8Array[] = [];
    let records = 0;
    let framesLost = this.frames;
    // Once it is full, the oldest is where the next one goes.
    for (const part of kept < this.capacity
      ? [bytes.subarray(0, at)]
      : [bytes.subarray(at), bytes.subarray(0, at)]) {
      framesLost -= framesIn(part);
      const checked = checkedBlocks(part, records);
      blocks.push(checked);
      records += checked.length / LOG_RECORD_BYTES;
    }
    const lost = this.written - kept;
    // Frames are numbered from the first of the run on, also where its record is not kept.
    const head = lost === 0 ? header : { ...header, framesLost };
    return [encodeLogHeader(head, lost), ...blocks, encodeLogEnd(trailer, records)];
  }

  /** The oldest ones are overwritten next. */
  protected full(): void {
    this.at = 0;
  }
}

/** FRAME_IN records among whole ones. */
function framesIn(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frames = 0;
  for (let at = 0; at < bytes.length; at += LOG_RECORD_BYTES)
    if (view.getInt32(at, true) === ProbeKind.FRAME_IN) frames++;
  return frames;
}
