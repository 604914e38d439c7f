import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scheduler, Timer } from '../../src/kernel/index.ts';

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

  it('agrees with a sorted list on any program of nested scheduling and cancelling', () => {
    const delays = fc.oneof(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 0, max: 20_000_000 }),
      fc.constant(0),
    );
    const program = fc.array(
      fc.record({ delay: delays, children: fc.array(delays, { maxLength: 3 }), cancel: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(program, (rows) => {
        const scheduler = new Scheduler();
        const seen: string[] = [];
        const expected: { time: number; order: number; id: string }[] = [];
        const model: { time: number; order: number; id: string }[] = [];
        let order = 0;
        const task = scheduler.task('t', (a, b) => {
          seen.push(`${a}.${b}@${scheduler.now}`);
          if (b !== 0) return;
          for (const [i, delay] of rows[a].children.entries()) scheduler.schedule(delay, task, a, i + 1);
        });
        rows.forEach((row, i) => {
          const handle = scheduler.post(row.delay, task, i, 0);
          if (row.cancel) scheduler.cancel(handle);
          else model.push({ time: row.delay, order: order++, id: `${i}.0` });
        });
        while (model.length > 0) {
          model.sort((x, y) => x.time - y.time || x.order - y.order);
          const event = model.shift() as (typeof model)[number];
          expected.push(event);
          const [row, child] = event.id.split('.').map(Number);
          if (child !== 0) continue;
          rows[row].children.forEach((delay, i) => {
            model.push({ time: event.time + delay, order: order++, id: `${row}.${i + 1}` });
          });
        }
        scheduler.runUntilIdle();
        expect(seen).toEqual(expected.map((e) => `${e.id}@${e.time}`));
        expect(scheduler.pending).toBe(0);
      }),
      { numRuns: 300 },
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
    for (const time of [3_000_000, 10_000_000]) scheduler.cancel(scheduler.post(time, task, 0, 0));
    scheduler.runUntilIdle();
    for (const delay of [1, 5, 2, 4000, 4100, 3000, 8000]) scheduler.schedule(delay * 1000, task, delay, 0);
    scheduler.runUntilIdle();
    expect(seen).toEqual([1, 2, 5, 3000, 4000, 4100, 8000]);
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
  });
});

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
});
