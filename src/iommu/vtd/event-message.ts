import type { RegisterFile } from '../../registers/index.ts';
import { IM, IP } from './bits.ts';

/** Takes the messages of a unit's own events: a write of `data` to `address`, which nobody remaps. */
export type EventSink = (address: number, data: number) => void;

/**
 * An event that software is told of by a message, with its four registers: FECTL, FEDATA, FEADDR, FEUADDR for faults
 * (11.4.10 to 11.4.13), IECTL and so on for invalidations. A message that is masked waits: IP says so.
 */
export class EventMessage {
  /** Messages sent. */
  sent = 0;
  private readonly file: RegisterFile;
  private readonly sink: EventSink;
  private readonly control: number;

  /** @param prefix `FE` or `IE`. */
  constructor(file: RegisterFile, prefix: 'FE' | 'IE', sink: EventSink) {
    this.file = file;
    this.sink = sink;
    this.control = file.slot(`${prefix}CTL_REG`);
    file.onWrite(`${prefix}CTL_REG`, () => this.pass());
  }

  /** There is something to tell. */
  raise(): void {
    this.file.values[this.control] |= IP;
    this.pass();
  }

  /** Software has seen to it: a message that waits is not needed any more. */
  serviced(): void {
    this.file.values[this.control] &= ~IP;
  }

  private pass(): void {
    const { values } = this.file;
    const at = this.control;
    if ((values[at] & (IM | IP)) !== IP) return;
    values[at] &= ~IP;
    this.sent++;
    // Data, address and upper address follow the control register.
    this.sink((values[at + 2] >>> 0) + (values[at + 3] >>> 0) * 2 ** 32, values[at + 1] >>> 0);
  }
}
