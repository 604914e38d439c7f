import { checkPowerOfTwo } from '../base/index.ts';
import type { ProbeKind, ProbeSink } from '../kernel/index.ts';

/** One record of an {@link EventLog}. */
export interface EventRecord {
  readonly timePs: number;
  readonly kind: ProbeKind;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Bytes of a record: time (8), kind (4), three operands (12). */
const RECORD_WORDS = 6;

/**
 * The last events of a run, in a ring of typed arrays: 24 bytes an event, nothing allocated while it runs.
 *
 * @example
 * const log = new EventLog(1024);
 * simulation.probe.sink = log;
 * simulation.advance(simulation.endPs);
 * for (const { timePs, kind } of log.records()) console.log(timePs, kind);
 */
export class EventLog implements ProbeSink {
  readonly capacity: number;
  /** Events recorded, those that were overwritten included. */
  recorded = 0;
  private readonly words: Int32Array;
  private readonly times: Float64Array;

  /** @param capacity events kept; a power of two. */
  constructor(capacity: number) {
    this.capacity = checkPowerOfTwo('capacity', capacity, 1, 1 << 24);
    const buffer = new ArrayBuffer(capacity * RECORD_WORDS * 4);
    this.words = new Int32Array(buffer);
    this.times = new Float64Array(buffer);
  }

  record(timePs: number, kind: ProbeKind, a: number, b: number, c: number): void {
    const at = (this.recorded++ & (this.capacity - 1)) * RECORD_WORDS;
    this.times[at >> 1] = timePs;
    this.words[at + 2] = kind;
    this.words[at + 3] = a;
    this.words[at + 4] = b;
    this.words[at + 5] = c;
  }

  /** The events that are kept, oldest first. */
  *records(): Generator<EventRecord> {
    const kept = Math.min(this.recorded, this.capacity);
    for (let i = this.recorded - kept; i < this.recorded; i++) {
      const at = (i & (this.capacity - 1)) * RECORD_WORDS;
      yield {
        timePs: this.times[at >> 1],
        kind: this.words[at + 2] as ProbeKind,
        a: this.words[at + 3],
        b: this.words[at + 4],
        c: this.words[at + 5],
      };
    }
  }
}
