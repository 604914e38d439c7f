import { AssertionError, hex } from '../base/index.ts';
import { DelayLine, type EventHandler, MAX_GAP_PS } from './delay-line.ts';
import { EventWheel, LAG_PS } from './event-wheel.ts';
import { END_OF_TIME } from './time.ts';
import { WaitingEvent } from './waiting-event.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const END = END_OF_TIME;
const MAX_GAP = MAX_GAP_PS;

/** Before all instants. */
const NOTHING = Number.NEGATIVE_INFINITY;

/** Task 0 is that of an event in the wheel which was cancelled. */
const CANCELLED = 0;
/**
 * So many lines are compared with each other; while they all wait for something, what would need one more
 * goes into the wheel.
 */
const LISTED_LINES = 16;

/**
 * The one scheduler of a machine: events are (time, order of scheduling, task, two integers).
 *
 * Most tasks are pipelines: what is scheduled later is due later. Each task therefore has a line of its own,
 * to which such an event is appended; the lines in which something waits form a list by what they hold first.
 * What is due before the last event of its line goes into a timing wheel. Events of equal time run in the
 * order in which they were scheduled, wherever they waited. Idle time is jumped over. Running is re-entrant:
 * a handler may run the scheduler itself to wait for something (a driver that reads a register does).
 *
 * Measured with seven pipelines, as a machine at full load has them: an event takes 0.72 of the time that it
 * takes with the wheel alone, and 0.96 with the lines in a binary heap, whose comparisons no processor
 * foresees. Delays at random, which go through the wheel after all, take 1.2 to 1.25 of the time that they
 * take with the wheel alone.
 *
 * @example
 * const scheduler = new Scheduler();
 * const tick = scheduler.task('tick', (count) => {
 *   if (count > 0) scheduler.schedule(6_400, tick, count - 1, 0);
 * });
 * scheduler.schedule(0, tick, 10, 0);
 * scheduler.runUntil(1_000_000);
 */
export class Scheduler {
  /** The present, in ps. */
  now = Number.NaN;
  /** Events that have run. */
  events = Number.NaN;
  /** Called after each event, to look at what has become of the machine; it must not touch it. Null: nobody looks. */
  watcher: (() => void) | null = null;

  private readonly names: string[] = ['cancelled'];
  /** By task. */
  private readonly lines: DelayLine[];
  private readonly front: DelayLine;
  private readonly wheel: EventWheel;

  /**
   * The line that is due first; from it a list leads by (time, order) to all in which something waits, and
   * ends in one that is due after everything, so that no loop has to look where the list ends.
   */
  private first: DelayLine;
  /** The one that is due after everything. */
  private readonly last: DelayLine;
  private listed = 0;

  /**
   * Number of the next event in the order of scheduling, modulo 2^32: of two that are due at the same time,
   * the one that has less than 2^31 to the other was first.
   */
  private order = 0;
  /** Instant of the event that is about to be put into the wheel. */
  private due = Number.NaN;

  private lastTime = Number.NaN;
  private digestA = 0x6a09e667;
  private digestB = 0xbb67ae85 | 0;
  private stopping = false;
  /**
   * Nothing that is due later runs; once somebody has asked to stop, nothing at all. A field, because an argument is
   * looked at for what it is at each event.
   */
  private limit = Number.NaN;
  /** 1: one event runs at a time. A number, because a truth value is tested in twice as many instructions. */
  private single = 0;
  /**
   * Calls that are under way: of this, and of software that waits by it. 0: the machine stands between two events.
   * @internal
   */
  depth = 0;

  constructor() {
    this.now = 0;
    this.events = 0;
    this.lastTime = 0;
    this.limit = NOTHING;
    const nothing = new WaitingEvent();
    this.last = new DelayLine(CANCELLED, () => {}, nothing);
    this.first = this.last;
    this.front = new DelayLine(CANCELLED, () => {}, nothing);
    this.wheel = new EventWheel(this.front);
    this.lines = [this.front];
  }

  /**
   * Makes a task: the number under which `handler` is scheduled from now on. Components make theirs once, at
   * construction.
   */
  task(name: string, handler: EventHandler): number {
    this.names.push(name);
    return this.lines.push(new DelayLine(this.lines.length, handler, this.wheel.nothing)) - 1;
  }

  /** Names of all tasks, for people; the first is that of no task. */
  get taskNames(): readonly string[] {
    return this.names;
  }

  /** Name of a task, for people. */
  taskName(task: number): string {
    return this.names[task];
  }

  /**
   * The line of a task, for {@link Timer}.
   * @internal
   */
  line(task: number): DelayLine {
    return this.lines[task];
  }

  /** Events that wait. */
  get pending(): number {
    let waiting = 0;
    for (const { count, elsewhere } of this.lines.slice(1)) waiting += count + elsewhere;
    return waiting;
  }

  /**
   * Schedules `task` `delayPs` from now, with two 32-bit integers. Any number of events of a task may wait.
   *
   * The hot path schedules by delay, not by instant: a delay is a small integer. From here on the instant
   * stays in fields.
   *
   * @throws AssertionError if that is before now or behind {@link END_OF_TIME}.
   */
  schedule(delayPs: number, task: number, a: number, b: number): void {
    const line = this.lines[task];
    const time = this.now + delayPs;
    const count = line.count;
    const order = this.order;
    if (count > 0) {
      const gap = time - line.lastTime;
      if (gap >= 0 && gap < MAX_GAP && time <= END) {
        if (count > line.mask) line.grow();
        const { ring } = line;
        const at = ((line.head + count) & line.mask) << 2;
        ring[at] = gap;
        ring[at | 1] = order;
        ring[at | 2] = a;
        ring[at | 3] = b;
        line.count = count + 1;
        line.lastTime = time;
        this.order = (order + 1) | 0;
        return;
      }
    } else if (delayPs >= 0 && time <= END && this.listed < LISTED_LINES) {
      const { ring } = line;
      const at = line.head << 2;
      ring[at | 2] = a;
      ring[at | 3] = b;
      line.count = 1;
      line.time = time;
      line.lastTime = time;
      line.order = order;
      this.order = (order + 1) | 0;
      this.enter(line);
      return;
    }
    this.due = time;
    this.scheduleInWheel(line, a, b);
  }

  /** As {@link Scheduler.schedule}, at `timePs`. */
  post(timePs: number, task: number, a: number, b: number): void {
    this.schedule(timePs - this.now, task, a, b);
  }

  /** Takes back whatever waits of `task`. Prefer {@link Timer} where an event may have to be cancelled. */
  cancel(task: number): void {
    const line = this.lines[task];
    if (line.count > 0) {
      line.clear();
      this.leave(line);
    }
    if (line.elsewhere > 0) {
      this.wheel.cancel(task, line.lastElsewhere, line.elsewhere);
      line.elsewhere = 0;
    }
  }

  /** When the next event is due, in ps; infinity if none waits. */
  get nextPs(): number {
    return this.wheelIsNext() ? this.front.time : this.first.time;
  }

  /** Task of the next event; 0 if none waits. */
  get nextTask(): number {
    if (this.wheelIsNext()) return this.wheel.frontTask;
    return this.first.task;
  }

  /** Whether what comes next waits in the wheel, from which events that were cancelled are taken now. */
  private wheelIsNext(): boolean {
    const { front, first, wheel } = this;
    while (front.count > 0) {
      const isNext =
        front.time < first.time || (front.time === first.time && ((front.order - first.order) | 0) < 0);
      if (!isNext) return false;
      if (wheel.frontTask !== CANCELLED) return true;
      wheel.take();
    }
    return false;
  }

  /** Runs everything up to and including `timePs`, which is then the present. */
  runUntil(timePs: number): void {
    this.stopping = false;
    if (this.runAll(timePs < END_OF_TIME ? timePs : END_OF_TIME, false)) return;
    if (timePs > this.now) this.now = timePs;
  }

  /** Runs the next event, if one waits. Returns whether one ran. */
  step(): boolean {
    const { events } = this;
    this.runAll(END_OF_TIME, true);
    return this.events > events;
  }

  /** Runs until nothing waits. */
  runUntilIdle(): void {
    this.stopping = false;
    this.runAll(END_OF_TIME, false);
  }

  /** Makes {@link Scheduler.runUntil} return after the event that is running. */
  stop(): void {
    this.stopping = true;
    this.limit = NOTHING;
  }

  /**
   * Sixteen hexadecimal digits over every event that has run: its time, task and integers. Two runs with
   * equal digests took the same course.
   */
  get digest(): string {
    return hex(this.digestA, 8) + hex(this.digestB, 8);
  }

  /** Runs what is due by `limit`, or the next event of it; returns false if nothing more is due. */
  private runAll(limit: number, isSingle: boolean): boolean {
    // Of the run of whose event this one is part.
    const { limit: outerLimit, single: outerSingle } = this;
    this.depth++;
    let more: boolean;
    do {
      this.limit = limit;
      this.single = isSingle || this.watcher !== null ? 1 : 0;
      more = this.run();
      if (more) this.watcher?.();
    } while (more && !isSingle && !this.stopping);
    this.depth--;
    this.limit = this.stopping ? NOTHING : outerLimit;
    this.single = outerSingle;
    return more;
  }

  /**
   * Runs what is due by the limit, or one event of it if they run singly. Returns false if it ended because
   * nothing more is due. All in one function, so that no instant is an argument or a result.
   */
  private run(): boolean {
    for (;;) {
      const front = this.front;
      let line = this.first;
      let time = line.time;
      let a: number;
      let b: number;
      if (time < front.time || (time === front.time && ((line.order - front.order) | 0) < 0)) {
        if (time > this.limit) return this.limit === NOTHING;
        const ring = line.ring;
        let head = line.head;
        let at = head << 2;
        a = ring[at | 2];
        b = ring[at | 3];
        head = (head + 1) & line.mask;
        const count = line.count - 1;
        line.head = head;
        line.count = count;
        if (count > 0) {
          at = head << 2;
          line.time = time + ring[at];
          line.order = ring[at | 1];
          this.moveBack(line);
        } else {
          this.first = line.next;
          this.listed--;
        }
      } else {
        time = front.time;
        // Also if nothing waits at all: what there is then is due at infinity.
        if (time > this.limit) return this.limit === NOTHING;
        const event = this.wheel.take();
        const task = event.task;
        if (task === CANCELLED) continue;
        event.task = CANCELLED;
        a = event.a;
        b = event.b;
        line = this.lines[task];
        line.elsewhere--;
      }
      this.now = time;
      this.events++;
      // Two independent lanes; the difference of times is what changes, so its low 32 bits suffice.
      const delta = (time - this.lastTime) | 0;
      this.lastTime = time;
      const h = Math.imul(this.digestA ^ delta ^ Math.imul(line.task, 0x27d4eb2f), 0x9e3779b1);
      this.digestA = h ^ (h >>> 15);
      const g = Math.imul(this.digestB ^ a ^ Math.imul(b, 0x85ebca6b), 0xc2b2ae35);
      this.digestB = g ^ (g >>> 13) ^ h;
      const handler = line.handler;
      handler(a, b);
      if (this.single !== 0) return true;
    }
  }

  private scheduleInWheel(line: DelayLine, a: number, b: number): void {
    const wheel = this.wheel;
    const time = this.due;
    // Not assert(): its message would be built at every call.
    if (!(time >= this.now && time <= END_OF_TIME)) this.refuse(time, line.task);
    const event = wheel.blank();
    const order = this.order;
    this.order = (order + 1) | 0;
    event.time = time;
    event.order = order;
    event.a = a | 0;
    event.b = b | 0;
    event.task = line.task;
    line.lastElsewhere = event;
    line.elsewhere++;
    if (this.now - wheel.base > LAG_PS) wheel.catchUp(this.now);
    wheel.add(event);
  }

  /** Takes a line into the list. */
  private enter(line: DelayLine): void {
    this.listed++;
    const time = line.time;
    let before = this.first;
    // What was scheduled last comes last among equals.
    if (time < before.time) {
      line.next = before;
      this.first = line;
      return;
    }
    let next = before.next;
    while (next.time <= time) {
      before = next;
      next = next.next;
    }
    before.next = line;
    line.next = next;
  }

  /** Takes a line out of the list. */
  private leave(line: DelayLine): void {
    this.listed--;
    let before = this.first;
    if (before === line) {
      this.first = line.next;
      return;
    }
    while (before.next !== line) before = before.next;
    before.next = line.next;
  }

  /** Puts the first line where it belongs, now that its first event has gone. */
  private moveBack(line: DelayLine): void {
    const { time, order } = line;
    let next = line.next;
    if (time < next.time || (time === next.time && ((order - next.order) | 0) < 0)) return;
    this.first = next;
    let before = next;
    next = before.next;
    while (next.time < time || (next.time === time && ((next.order - order) | 0) < 0)) {
      before = next;
      next = next.next;
    }
    before.next = line;
    line.next = next;
  }

  private refuse(timePs: number, task: number): never {
    throw new AssertionError(
      `${this.names[task]} scheduled at ${timePs} ps, now is ${this.now} ps, the end is ${END_OF_TIME} ps`,
    );
  }
}
