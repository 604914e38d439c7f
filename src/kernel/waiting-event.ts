/** An event that waits in the wheel. Made once and used again. */
export class WaitingEvent {
  /** When it is due, in ps. */
  time = Number.NaN;
  /** Its number in the order of scheduling, modulo 2^32. */
  order = 0;
  a = 0;
  b = 0;
  task = 0;
  /** What is due next in the same bucket. */
  next: WaitingEvent = this;
}
