import { NONE, type TransmitRing, type TransmitSlot } from './transmit-ring.ts';

/** Where frames go that are not whole yet. */
export interface EarlySink {
  /**
   * The header of a frame lies in `slot`, all of it has been asked for, and the frames before it in its ring
   * have gone. The sink holds its one reference. `index` is its last descriptor's.
   */
  frameBegun(queue: number, slot: number, index: number): void;
  /** The last read of such a frame has ended: it is whole, or a part of it has failed. */
  frameEnded(slot: number, failed: boolean): void;
  /** A frame that has not been handed over early has come, or failed. */
  frameNotBegun(slot: number): void;
}

/**
 * Hands the frames of a transmit engine over when their header is there: one of each ring at a time, so that
 * those of a ring stay in order. Status is reported when a frame has ended, as always.
 */
export class EarlyHandOver {
  private readonly sink: EarlySink;
  private readonly rings: readonly TransmitRing[];
  private readonly slots: readonly TransmitSlot[];
  private readonly hasHeader: Uint8Array;
  private readonly begun: Uint8Array;

  /** @param slots what the engine knows of the frame in each slot. */
  constructor(slots: readonly TransmitSlot[], rings: readonly TransmitRing[], sink: EarlySink) {
    this.rings = rings;
    this.slots = slots;
    this.sink = sink;
    this.hasHeader = new Uint8Array(slots.length);
    this.begun = new Uint8Array(slots.length);
  }

  /** The header of the frame that is being read into `slot` has come. */
  headerArrived(slot: number): void {
    this.hasHeader[slot] = 1;
    this.handOver(this.rings[this.slots[slot].queue]);
  }

  /** Hands over the first frame of a ring, if it can be and has not been. */
  handOver(ring: TransmitRing): void {
    const first = ring.firstSlot;
    if (first === NONE || this.hasHeader[first] === 0 || this.begun[first] === 1) return;
    const { closed, failed, last } = this.slots[first];
    if (closed === 0 || failed === 1) return;
    this.begun[first] = 1;
    this.sink.frameBegun(ring.queue, first, last);
  }

  /** All reads of a frame have ended; returns whether the sink has it already. */
  ends(slot: number): boolean {
    this.hasHeader[slot] = 0;
    if (this.begun[slot] === 0) {
      this.sink.frameNotBegun(slot);
      return false;
    }
    this.begun[slot] = 0;
    this.sink.frameEnded(slot, this.slots[slot].failed === 1);
    return true;
  }
}
