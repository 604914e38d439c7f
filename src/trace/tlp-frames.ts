import { writeBackOf } from '../dma/index.ts';
import { ProbeKind } from '../kernel/index.ts';
import { TlpKind } from '../pcie/index.ts';
import { type LogStore, receiveClientOf, transmitClientOf } from './log-format.ts';
import type { BinaryLog, LogRecord } from './log-reader.ts';
import { type LogTrain, LogTrains } from './log-trains.ts';
import { isCompletion } from './tlp-kinds.ts';

/** The reads of one frame out of a guest's memory, and the number that the frame gets when it is in the switch. */
interface FrameReads {
  readonly trains: number[];
  frame: number;
}

/**
 * Which frame each train of a log carries a payload of. Frames are numbered by their FRAME_IN records, from 1 on; a frame that
 * a guest sends gets its number when it has been read, so that the log is read before anything is said of it.
 */
export class TlpFrames {
  /** Number of the last frame of the log, and of the first that it may have: 1 unless a ring has lost some. */
  count: number;
  readonly first: number;
  /** By number of the train; 0 for one that carries no frame, or none that is known. */
  private readonly frames: number[] = [];
  private readonly store: LogStore | null;
  // By slot.
  private readonly inSlot = new Map<number, number>();
  private readonly readInto = new Map<number, FrameReads>();
  /** By number of the record of a request that waits for its completion. */
  private readonly asked = new Map<number, FrameReads>();

  constructor(log: BinaryLog) {
    this.store = log.header.store;
    this.count = log.framesLost;
    this.first = log.framesLost + 1;
    const trains = new LogTrains();
    for (const record of log.records()) {
      const train = trains.add(record);
      if (train !== null) this.noteTrain(train);
      else this.noteFrame(record);
    }
    this.readInto.clear();
    this.asked.clear();
  }

  /** Number of the frame whose payload a train carries, from 1 on; 0 for none. */
  frameOf(train: number): number {
    return this.frames[train] ?? 0;
  }

  private noteTrain(train: LogTrain): void {
    const { store, frames } = this;
    const number = frames.push(0) - 1;
    if (store === null) return;
    const { kind, downstream, client, cookie, place, index } = train;
    const slot = Math.floor(place / store.slotBytes);
    if (downstream) {
      const reads = isCompletion(kind) ? this.asked.get(index) : undefined;
      if (reads !== undefined) this.add(reads, number);
      this.asked.delete(index);
    } else if (place < 0 || slot >= store.slots) {
      this.asked.delete(index);
    } else if (kind === TlpKind.MEMORY_READ && client === transmitClientOf(store) && cookie >= 0) {
      // The first read of a frame goes to the beginning of its slot.
      const begins = place === slot * store.slotBytes;
      const reads = (begins ? undefined : this.readInto.get(slot)) ?? { trains: [], frame: 0 };
      this.readInto.set(slot, reads);
      this.asked.set(index, reads);
      this.add(reads, number);
    } else if (
      kind === TlpKind.MEMORY_WRITE &&
      client === receiveClientOf(store) &&
      writeBackOf(cookie) === null
    ) {
      frames[number] = this.inSlot.get(slot) ?? 0;
    }
  }

  private noteFrame({ kind, a, b }: LogRecord): void {
    if (kind === ProbeKind.FRAME_IN) {
      this.count++;
      this.inSlot.set(a, this.count);
      const reads = this.readInto.get(a);
      // The uplink is the port behind those of all pools.
      if (reads === undefined || reads.frame > 0 || b === this.store?.pools) return;
      reads.frame = this.count;
      for (const train of reads.trains) this.frames[train] = this.count;
      reads.trains.length = 0;
    } else if (kind === ProbeKind.FRAME_COPIED) {
      this.inSlot.set(a, this.inSlot.get(b) ?? 0);
    }
  }

  private add(reads: FrameReads, train: number): void {
    if (reads.frame > 0) this.frames[train] = reads.frame;
    else reads.trains.push(train);
  }
}
