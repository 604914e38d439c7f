/** What runs when an event is due. `a` and `b` are the 32-bit integers that were given when it was scheduled. */
export type EventHandler = (a: number, b: number) => void;

/** An event that waits, in a line or in the wheel. Made once and used again. */
export class WaitingEvent {
  // NaN first, so that V8 keeps a double in the field from the start.
  time = Number.NaN;
  /** Its number in the order of scheduling. */
  order = Number.NaN;
  a = 0;
  b = 0;
  // The wheel's alone; a line knows its task.
  task = 0;
  next: WaitingEvent = this;
}

/**
 * The events of one task in the order in which they are due: a ring of records that grows by doubling. What waits first
 * is repeated in fields of the line itself, because that is what lines are compared by.
 */
export class DelayLine {
  readonly task: number;
  readonly handler: EventHandler;
  /** When the first event is due, in ps, and its number in the order of scheduling; as they were if none waits. */
  time = Number.NaN;
  order = Number.NaN;
  /** When the last event is due; what is due earlier does not go into the line. */
  lastTime = Number.NaN;
  /** Events that wait: `ring[head]`, and so on around the ring. It is full if their number has passed the mask. */
  count = 0;
  head = 0;
  mask = 0;
  ring: WaitingEvent[] = [new WaitingEvent()];
  /** The line that is due next after this one; of use while an event waits. */
  next: DelayLine;
  /** Events of the task that wait in the wheel, and the one that came last. */
  elsewhere = 0;
  lastElsewhere: WaitingEvent;

  constructor(task: number, handler: EventHandler) {
    this.task = task;
    this.handler = handler;
    this.time = Number.POSITIVE_INFINITY;
    this.order = Number.POSITIVE_INFINITY;
    this.lastTime = Number.NEGATIVE_INFINITY;
    this.next = this;
    this.lastElsewhere = this.ring[0];
  }

  /** Doubles the ring, which is full. */
  grow(): void {
    const { ring, head, count } = this;
    const first = ring.slice(head);
    const rest = ring.slice(0, head);
    const fresh = Array.from({ length: count }, () => new WaitingEvent());
    this.ring = [...first, ...rest, ...fresh];
    this.head = 0;
    this.mask = 2 * count - 1;
  }

  /** Forgets what waits. */
  clear(): void {
    this.count = 0;
    this.lastTime = Number.NEGATIVE_INFINITY;
  }
}
