import { Histogram } from '../kernel/index.ts';

/** Frames of a flow whose time of sending is remembered: more than can be on their way at once. */
export const SENT_WINDOW = 1 << 15;
export const SENT_MASK = SENT_WINDOW - 1;
/** Last sequence numbers at each receiver that are checked for duplicates. */
const SEEN_WINDOW = 1 << 12;
const SEEN_MASK = SEEN_WINDOW - 1;

/** One flow at one receiver. */
export class Arrivals {
  /** Copies of frames that came. */
  delivered = 0;
  reordered = 0;
  duplicated = 0;
  /** Of those delivered, with Congestion Experienced. */
  marked = 0;
  highest = -1;
  /** How long they took, since the measurement began. */
  readonly latency = new Histogram();
  private readonly sentPs: Float64Array;
  private readonly seen = new Int32Array(SEEN_WINDOW).fill(-1);

  /** @param sentPs when the flow's frames were sent. */
  constructor(sentPs: Float64Array) {
    this.sentPs = sentPs;
  }

  /** A copy of a frame has come. */
  arrive(sequence: number, timePs: number): void {
    this.delivered++;
    const { seen } = this;
    const place = sequence & SEEN_MASK;
    if (sequence > this.highest) this.highest = sequence;
    else if (seen[place] === sequence) this.duplicated++;
    else if (sequence < this.highest) this.reordered++;
    seen[place] = sequence;
    this.latency.record(timePs - this.sentPs[sequence & SENT_MASK]);
  }
}
