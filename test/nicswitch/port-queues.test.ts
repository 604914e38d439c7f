import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PortQueues } from '../../src/nicswitch/port-queues.ts';

describe('PortQueues', () => {
  it('gives back what was put in, oldest first, for each port apart', () => {
    const queues = new PortQueues(3, 4);
    queues.push(0, 10);
    queues.push(2, 20);
    queues.push(0, 11);
    expect([queues.shift(0), queues.shift(0), queues.shift(0)]).toEqual([10, 11, -1]);
    expect([queues.shift(1), queues.shift(2)]).toEqual([-1, 20]);
  });

  it('holds as many entries as its capacity, any number, and refuses the next', () => {
    const queues = new PortQueues(1, 3);
    expect([1, 2, 3, 4].map((entry) => queues.push(0, entry))).toEqual([true, true, true, false]);
    expect([queues.length(0), queues.room(0)]).toEqual([3, 0]);
  });

  it('refuses a port that there is not, and changes nothing', () => {
    const queues = new PortQueues(3, 4);
    const words = new Int32Array(4);
    const tries = [
      (port: number) => queues.push(port, 1),
      (port: number) => queues.shift(port),
      (port: number) => queues.pushBurst(port, words, 0, 2),
      (port: number) => queues.shiftBurst(port, words),
      (port: number) => queues.length(port),
      (port: number) => queues.room(port),
      (port: number) => queues.pushed(port),
    ];
    for (const port of [3, 9, -1, 2 ** 31])
      for (const attempt of tries)
        expect(() => attempt(port)).toThrow(
          new RangeError(`port must be an integer from 0 to 2, got ${port}`),
        );
    expect([0, 1, 2].map((port) => [queues.length(port), queues.pushed(port)])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('takes as much of a burst as there is room for', () => {
    const queues = new PortQueues(2, 8);
    const source = Int32Array.from({ length: 20 }, (_, i) => i);
    expect(queues.pushBurst(1, source, 5, 3)).toBe(3);
    expect(queues.pushBurst(1, source, 8, 9)).toBe(5);
    const target = new Int32Array(20);
    expect(queues.shiftBurst(1, target, 2)).toBe(2);
    expect(queues.shiftBurst(1, target.subarray(2))).toBe(6);
    expect(Array.from(target.subarray(0, 8))).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('uses places in front again before it is empty', () => {
    const queues = new PortQueues(1, 2);
    queues.push(0, 1);
    queues.push(0, 2);
    queues.shift(0);
    expect(queues.push(0, 3)).toBe(true);
    expect(queues.push(0, 4)).toBe(false);
    expect([queues.shift(0), queues.shift(0)]).toEqual([2, 3]);
  });

  it('behaves as an array, whatever is done to it', () => {
    const step = fc.record({
      kind: fc.constantFrom('push', 'shift', 'pushBurst', 'shiftBurst'),
      port: fc.integer({ min: 0, max: 1 }),
      count: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queues = new PortQueues(2, 7);
        const expected: number[][] = [[], []];
        const pushed = [0, 0];
        let next = 1;
        for (const { kind, port, count } of steps) {
          const queue = expected[port];
          if (kind === 'push') {
            const fits = queue.length < 7;
            expect(queues.push(port, next)).toBe(fits);
            if (fits) queue.push(next++);
            pushed[port] += fits ? 1 : 0;
          } else if (kind === 'shift') {
            expect(queues.shift(port)).toBe(queue.shift() ?? -1);
          } else if (kind === 'pushBurst') {
            const source = Int32Array.from({ length: count + 1 }, (_, i) => next + i - 1);
            const taken = Math.min(count, 7 - queue.length);
            expect(queues.pushBurst(port, source, 1, count)).toBe(taken);
            for (let i = 0; i < taken; i++) queue.push(next++);
            pushed[port] += taken;
          } else {
            const target = new Int32Array(10).fill(-7);
            const given = queue.splice(0, count);
            expect(queues.shiftBurst(port, target, count)).toBe(given.length);
            expect(Array.from(target)).toEqual([...given, ...new Array(10 - given.length).fill(-7)]);
          }
          expect([queues.length(port), queues.room(port)]).toEqual([queue.length, 7 - queue.length]);
          expect(queues.pushed(port)).toBe(pushed[port]);
        }
      }),
    );
  });

  it.each([0, 65_537, 1.5])('refuses a capacity of %d', (capacity) => {
    expect(() => new PortQueues(1, capacity)).toThrow(/queueEntries must be an integer from 1 to 65536/);
  });
});
