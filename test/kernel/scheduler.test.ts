import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventHandler, Scheduler, Timer } from '../../src/kernel/index.ts';

describe('Scheduler', () => {
  it('runs events in order of time', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const task = scheduler.task('t', (a) => seen.push(a));
    for (const delay of [500, 3, 70_000_000, 1_024, 0, 4_194_304, 4_194_303])
      scheduler.schedule(delay, task, delay, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual([0, 3, 500, 1_024, 4_194_303, 4_194_304, 70_000_000]);
    expect(scheduler.now).toBe(70_000_000);
  });

  it('says what comes next, cancelled events aside', () => {
    const scheduler = new Scheduler();
    const task = scheduler.task('t', () => {});
    const other = scheduler.task('other', () => {});
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([Number.POSITIVE_INFINITY, 0]);
    scheduler.schedule(100, other, 0, 0);
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([100, other]);
    scheduler.schedule(200, task, 0, 0);
    // Before the last of its task: these wait elsewhere.
    scheduler.schedule(50, task, 0, 0);
    scheduler.schedule(100, task, 0, 0);
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([50, task]);
    scheduler.step();
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([100, other]);
    scheduler.step();
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([100, task]);
    scheduler.cancel(task);
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([Number.POSITIVE_INFINITY, 0]);
    scheduler.schedule(9_000_000, other, 0, 0);
    expect([scheduler.nextPs, scheduler.nextTask]).toEqual([9_000_100, other]);
  });

  it('runs events of equal time in the order in which they were scheduled, near and far', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const task = scheduler.task('t', (a) => seen.push(a));
    const due = 10_000_000;
    scheduler.post(due, task, 0, 0); // beyond the horizon: waits in the heap
    scheduler.post(due, task, 1, 0);
    scheduler.runUntil(due - 1_000_000);
    scheduler.post(due, task, 2, 0); // within the horizon: goes to the wheel
    scheduler.post(due, task, 3, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('runs events of equal time in the order in which they were scheduled, across line, wheel and heap', () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const note = (name: string) => scheduler.task(name, (a) => seen.push(`${name}${a}`));
    const [x, y] = [note('x'), note('y')];
    const due = 10_000_000;
    scheduler.post(due, y, 0, 0); // first of its line
    scheduler.post(due + 1, x, 0, 0);
    scheduler.post(due, x, 1, 0); // before the last of its line, far ahead: the heap
    scheduler.post(due, y, 1, 0); // its line again
    scheduler.runUntil(due - 1_000_000);
    scheduler.post(due, x, 2, 0); // the wheel
    scheduler.post(due, y, 2, 0);
    scheduler.post(due, x, 3, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual(['y0', 'x1', 'y1', 'x2', 'y2', 'x3', 'x0']);
  });

  it('keeps the order of a task whose events are scheduled out of order', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const task = scheduler.task('t', (a) => seen.push(a));
    for (const time of [50, 40, 60, 40, 10, 60, 55]) scheduler.schedule(time, task, time, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual([10, 40, 40, 50, 55, 60, 60]);
  });

  it('lets any number of events of a task wait, also if it runs while they are added', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const task = scheduler.task('t', (a) => seen.push(a));
    let next = 0;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 3; i++) scheduler.schedule(1_000 + next, task, next++, 0);
      scheduler.step();
    }
    expect(scheduler.pending).toBe(400);
    scheduler.runUntilIdle();
    expect(seen).toEqual(Array.from({ length: 600 }, (_, i) => i));
  });

  it('keeps the order among more tasks than it compares with each other', () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const tasks = Array.from({ length: 60 }, (_, n) => scheduler.task(`${n}`, (a) => seen.push(`${n}.${a}`)));
    const expected: { time: number; id: string }[] = [];
    for (let i = 0; i < 600; i++) {
      const time = (i * 7919) % 977;
      scheduler.schedule(time, tasks[i % 60], i, 0);
      expected.push({ time, id: `${i % 60}.${i}` });
    }
    expected.sort((x, y) => x.time - y.time);
    scheduler.runUntilIdle();
    expect(seen).toEqual(expected.map(({ id }) => id));
  });

  it('takes back all events of a task, those that were scheduled out of order as well', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const [kept, cancelled] = [0, 1].map((n) => scheduler.task(`${n}`, (a) => seen.push(n * 100 + a)));
    for (const delay of [20, 5, 9_000_000, 30]) {
      scheduler.schedule(delay, kept, 1, 0);
      scheduler.schedule(delay, cancelled, 1, 0);
    }
    scheduler.cancel(cancelled);
    expect(scheduler.pending).toBe(4);
    scheduler.schedule(10, cancelled, 2, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual([1, 102, 1, 1, 1]);
    scheduler.cancel(cancelled);
    expect(scheduler.pending).toBe(0);
  });

  it('agrees with a sorted array on any program of scheduling, cancelling and nested runs', () => {
    const delay = fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 0, max: 20_000_000 }),
    );
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('schedule' as const), task: fc.nat(29), delay }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), task: fc.nat(29), delay }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('step' as const), task: fc.nat(29), delay }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('run' as const), task: fc.nat(29), delay }) },
    );
    // What the main program does, and what the event with number n does when it runs.
    const programs = fc.record({
      tasks: fc.integer({ min: 1, max: 30 }),
      main: fc.array(action, { minLength: 1, maxLength: 60 }),
      handlers: fc.array(fc.array(action, { maxLength: 3 }), { maxLength: 60 }),
    });
    type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;
    const course = (scheduler: Scheduler | SortedArray, { tasks, main, handlers }: Program) => {
      const seen: string[] = [];
      let number = 0;
      const perform = (actions: Program['main']) => {
        for (const { kind, task, delay } of actions) {
          if (kind === 'schedule') scheduler.schedule(delay, numbers[task % tasks], number++, 0);
          else if (kind === 'cancel') scheduler.cancel(numbers[task % tasks]);
          else if (kind === 'step') scheduler.step();
          else scheduler.runUntil(scheduler.now + delay);
          seen.push(`${kind}: ${scheduler.pending} wait`);
        }
      };
      const numbers = Array.from({ length: tasks }, (_, n) =>
        scheduler.task(`${n}`, (a) => {
          seen.push(`${n}.${a} at ${scheduler.now}`);
          if (a < handlers.length) perform(handlers[a]);
        }),
      );
      perform(main);
      while (scheduler.step());
      return seen;
    };
    fc.assert(
      fc.property(programs, (program) => {
        expect(course(new Scheduler(), program)).toEqual(course(new SortedArray(), program));
      }),
      { numRuns: 500 },
    );
  });

  it('takes the same course when it is run in slices', () => {
    const run = (slicePs: number) => {
      const scheduler = new Scheduler();
      const task = scheduler.task('t', (a) => {
        if (a > 0) scheduler.schedule((a * 7919) % 9_000_000, task, a - 1, 0);
      });
      scheduler.schedule(0, task, 300, 0);
      scheduler.schedule(5, task, 300, 0);
      const end = 4_000_000_000;
      for (let t = slicePs; t <= end; t += slicePs) scheduler.runUntil(t);
      return [scheduler.digest, scheduler.events, scheduler.now];
    };
    expect(run(1_000_000)).toEqual(run(4_000_000_000));
  });

  it('may be run from within a handler', () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const inner = scheduler.task('inner', () => seen.push(`inner ${scheduler.now}`));
    const outer = scheduler.task('outer', () => {
      scheduler.schedule(100, inner, 0, 0);
      while (seen.length === 0) scheduler.step();
      seen.push(`outer ${scheduler.now}`);
    });
    scheduler.schedule(10, outer, 0, 0);
    scheduler.runUntil(1_000);
    expect(seen).toEqual(['inner 110', 'outer 110']);
    expect(scheduler.now).toBe(1_000);
  });

  it('keeps the order when what came last was cancelled', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const task = scheduler.task('t', (a) => seen.push(a));
    for (const time of [3_000_000, 10_000_000, 5_000_000]) scheduler.post(time, task, 0, 0);
    scheduler.cancel(task);
    scheduler.runUntilIdle();
    for (const delay of [1, 5, 2, 4000, 4100, 3000, 8000]) scheduler.schedule(delay * 1000, task, delay, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual([1, 2, 5, 3000, 4000, 4100, 8000]);
  });

  it('may be run from within a handler in the middle of what waits of the same task', () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const task = scheduler.task('t', (a) => {
      seen.push(`${a} begins`);
      if (a === 1) {
        scheduler.schedule(1_000, task, 9, 0);
        scheduler.runUntil(300);
      }
      seen.push(`${a} ends`);
    });
    for (let a = 0; a < 4; a++) scheduler.schedule(100 * a, task, a, 0);
    scheduler.runUntilIdle();
    const nested = ['1 begins', '2 begins', '2 ends', '3 begins', '3 ends', '1 ends'];
    expect(seen).toEqual(['0 begins', '0 ends', ...nested, '9 begins', '9 ends']);
    expect(scheduler.now).toBe(1_100);
  });

  it('stops after the event that asks for it', () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    const task = scheduler.task('t', (a) => {
      seen.push(a);
      if (a === 1) scheduler.stop();
    });
    for (let a = 0; a < 4; a++) scheduler.schedule(100 * a, task, a, 0);
    scheduler.runUntil(1_000);
    expect([seen, scheduler.now]).toEqual([[0, 1], 100]);
    scheduler.runUntil(1_000);
    expect([seen, scheduler.now]).toEqual([[0, 1, 2, 3], 1_000]);
  });

  it('lets a watcher look after each event, and takes the same course', () => {
    const course = (watched: boolean) => {
      const scheduler = new Scheduler();
      const seen: string[] = [];
      const looks: string[] = [];
      const leaf = scheduler.task('leaf', (a) => seen.push(`leaf ${a}`));
      const waits = scheduler.task('waits', (a) => {
        scheduler.schedule(5, leaf, a, 0);
        scheduler.runUntil(scheduler.now + 10);
        seen.push(`waits ${a}`);
      });
      const ends = scheduler.task('ends', () => scheduler.stop());
      if (watched) scheduler.watcher = () => looks.push(`${scheduler.now} ${seen.at(-1)}`);
      for (const [delay, task] of [
        [0, leaf],
        [20, waits],
        [40, ends],
        [40, leaf],
        [60, leaf],
      ])
        scheduler.schedule(delay, task, delay, 0);
      scheduler.step();
      scheduler.runUntil(50);
      const stoppedAt = [scheduler.now, seen.length];
      scheduler.runUntilIdle();
      return { seen, looks, stoppedAt, digest: scheduler.digest, now: scheduler.now };
    };
    const { looks, ...watched } = course(true);
    expect({ looks: [], ...watched }).toEqual(course(false));
    expect(watched.stoppedAt).toEqual([40, 3]);
    // An event that waits is looked at when it is over, and what ran meanwhile by itself.
    expect(looks).toEqual([
      '0 leaf 0',
      '25 leaf 20',
      '30 waits 20',
      '40 waits 20',
      '40 leaf 40',
      '60 leaf 60',
    ]);
  });

  it('has a digest that depends on times, tasks and operands', () => {
    const digest = (time: number, a: number, b: number) => {
      const scheduler = new Scheduler();
      const task = scheduler.task('t', () => {});
      scheduler.post(time, task, a, b);
      scheduler.runUntilIdle();
      return scheduler.digest;
    };
    expect(digest(1, 2, 3)).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set([digest(1, 2, 3), digest(2, 2, 3), digest(1, 3, 3), digest(1, 2, 4)]).size).toBe(4);
  });

  it('refuses the past', () => {
    const scheduler = new Scheduler();
    const task = scheduler.task('late', () => {});
    scheduler.runUntil(100);
    expect(() => scheduler.post(99, task, 0, 0)).toThrow('late scheduled at 99 ps, now is 100 ps');
    expect(() => scheduler.schedule(-1, task, 0, 0)).toThrow('late scheduled at 99 ps, now is 100 ps');
    expect(() => scheduler.post(2 ** 53, task, 0, 0)).toThrow('late scheduled at 9007199254740992 ps');
    expect(() => scheduler.post(Number.NaN, task, 0, 0)).toThrow('late scheduled at NaN ps');
    expect(scheduler.pending).toBe(0);
  });
});

/** The scheduler as one would write it first. */
class SortedArray {
  now = 0;
  private readonly handlers: EventHandler[] = [];
  private readonly queue: { time: number; task: number; a: number; b: number }[] = [];

  get pending(): number {
    return this.queue.length;
  }

  task(_name: string, handler: EventHandler): number {
    return this.handlers.push(handler) - 1;
  }

  schedule(delayPs: number, task: number, a: number, b: number): void {
    const time = this.now + delayPs;
    const after = this.queue.findIndex((event) => event.time > time);
    this.queue.splice(after < 0 ? this.queue.length : after, 0, { time, task, a, b });
  }

  cancel(task: number): void {
    for (let i = this.queue.length - 1; i >= 0; i--) if (this.queue[i].task === task) this.queue.splice(i, 1);
  }

  step(): boolean {
    const event = this.queue.shift();
    if (event === undefined) return false;
    this.now = event.time;
    this.handlers[event.task](event.a, event.b);
    return true;
  }

  runUntil(timePs: number): void {
    while (this.queue.length > 0 && this.queue[0].time <= timePs) this.step();
    if (timePs > this.now) this.now = timePs;
  }
}

describe('Timer', () => {
  it('fires once, can be moved and taken back, and refuses to be scheduled twice', () => {
    const scheduler = new Scheduler();
    const fired: number[] = [];
    const timer = new Timer(scheduler, 'itr', () => fired.push(scheduler.now));
    timer.schedule(100);
    expect(() => timer.schedule(5)).toThrow('itr is scheduled already');
    timer.reschedule(200);
    scheduler.runUntil(150);
    expect(fired).toEqual([]);
    scheduler.runUntil(250);
    expect(fired).toEqual([200]);
    timer.schedule(10);
    timer.cancel();
    scheduler.runUntilIdle();
    expect(fired).toEqual([200]);
    expect(timer.pending).toBe(false);
  });

  it('can be moved and taken back while many others wait', () => {
    const scheduler = new Scheduler();
    const fired: string[] = [];
    const timers = Array.from(
      { length: 40 },
      (_, n) => new Timer(scheduler, `${n}`, () => fired.push(`${n}@${scheduler.now}`)),
    );
    for (const timer of timers) timer.schedule(100);
    expect(timers.every((timer) => timer.pending && timer.duePs === 100)).toBe(true);
    for (const [n, timer] of timers.entries()) if (n % 10 !== 0) timer.cancel();
    expect(scheduler.pending).toBe(4);
    timers[0].reschedule(50);
    timers[30].reschedule(200);
    timers[39].schedule(60);
    scheduler.runUntilIdle();
    expect(fired).toEqual(['0@50', '39@60', '10@100', '20@100', '30@200']);
    expect(timers.some((timer) => timer.pending)).toBe(false);
  });
});
