import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../src/kernel/index.ts';
import { PipelineArbiter, type PipelineArbiterOptions } from '../../src/nic/index.ts';

const WIRE = 3;
const PORTS = 4;
const SLOTS = 4096;
const LONGEST = 24;

/** A frame that comes at an instant, of a port, and occupies the pipeline for so long. */
interface Frame {
  readonly at: number;
  readonly port: number;
  readonly ps: number;
}

interface Entry extends Frame {
  readonly slot: number;
  readonly entered: number;
}

function run(
  rule: PipelineArbiterOptions['rule'],
  weights: PipelineArbiterOptions['weights'],
  frames: readonly Frame[],
): Entry[] {
  const scheduler = new Scheduler();
  const entries: Entry[] = [];
  const pipeline = {
    occupancyPs: (slot: number) => frames[slot].ps,
    enter: (slot: number) => entries.push({ ...frames[slot], slot, entered: scheduler.now }),
  };
  const options = { rule, weights, ports: PORTS, wire: WIRE, slots: SLOTS, longestPs: LONGEST };
  const arbiter = new PipelineArbiter('arbiter', scheduler, pipeline, options);
  const arrive = scheduler.task('arrive', (slot) => arbiter.push(slot, frames[slot].port));
  for (const [slot, { at }] of frames.entries()) scheduler.post(at, arrive, slot, 0);
  scheduler.runUntilIdle();
  for (let port = 0; port < PORTS; port++) expect(arbiter.waiting(port)).toBe(0);
  return entries;
}

/** `count` frames of a port, all there at once. */
const backlog = (port: number, count: number, ps: number): Frame[] =>
  Array.from({ length: count }, () => ({ at: 0, port, ps }));

const order = (entries: readonly Entry[]): string => entries.map(({ port }) => 'abcW'[port]).join('');

describe('the entrance of the pipeline', () => {
  // Rule, weights (wire, host), frames that wait while one of port c occupies it, the order in which they enter.
  it.each([
    [
      'round-robin',
      undefined,
      [...backlog(0, 4, 2), ...backlog(1, 2, 2), ...backlog(WIRE, 3, 2)],
      'abWabWaWa',
    ],
    ['round-robin', undefined, [...backlog(0, 3, 24), ...backlog(1, 3, 2)], 'ababab'],
    ['wire-first', undefined, [...backlog(0, 3, 2), ...backlog(1, 1, 2), ...backlog(WIRE, 3, 2)], 'WWWabaa'],
    // A round gives each side the longest frame's time: one frame each in turn. That of c was the host's.
    ['weighted', { wire: 1, host: 1 }, [...backlog(0, 3, 24), ...backlog(WIRE, 3, 24)], 'WaWaWa'],
    // Twice as much for the wire; the host's ports take turns among themselves.
    [
      'weighted',
      { wire: 2, host: 1 },
      [...backlog(0, 2, 24), ...backlog(1, 2, 24), ...backlog(WIRE, 6, 24)],
      'WWaWWbWWab',
    ],
    // Time and not frames: a long frame of the wire for twelve short ones.
    ['weighted', undefined, [...backlog(0, 12, 2), ...backlog(WIRE, 3, 24)], 'WaWaaaaaaaaaaaW'],
  ] as const)('%s, weights %j: %#', (rule, weights, frames, expected) => {
    expect(order(run(rule, weights, [{ at: 0, port: 2, ps: 24 }, ...frames]))).toBe(`c${expected}`);
  });

  it('takes a frame at once while nothing is in front of it', () => {
    const entries = run('weighted', undefined, [
      { at: 5, port: 0, ps: 10 },
      { at: 20, port: WIRE, ps: 10 },
      { at: 21, port: 1, ps: 10 },
    ]);
    expect(entries.map(({ entered }) => entered)).toEqual([5, 20, 30]);
  });

  it('lets a short frame wait for no more than one long frame of each other port, with round robin', () => {
    const [, , , ...rest] = run('round-robin', undefined, [
      ...backlog(0, 50, 24),
      ...backlog(1, 50, 24),
      ...backlog(WIRE, 50, 24),
      { at: 100, port: 2, ps: 2 },
    ]);
    const short = rest.find(({ port }) => port === 2);
    // The frame that is entering, then one of each.
    expect(short?.entered).toBe(5 * 24 + 3 * 24);
  });

  it.each([
    [1, 1],
    [3, 1],
    [1, 7],
    [60, 40],
  ])('gives wire and host %d to %d of its time under overload', (wire, host) => {
    const weights = { wire, host };
    const frames = [...backlog(0, 1000, 2), ...backlog(1, 1000, 7), ...backlog(WIRE, 1800, 24)];
    const entries = run('weighted', weights, frames);
    const totals = [0, 0];
    const waiting = [2000, 1800];
    for (const { port, ps } of entries) {
      const side = port === WIRE ? 1 : 0;
      // As long as both want more, at any moment: no more off than what is given in a round.
      if (Math.min(...waiting) === 0) break;
      waiting[side]--;
      totals[side] += ps;
      const behind = Math.abs(totals[1] / wire - totals[0] / host);
      expect(behind).toBeLessThanOrEqual((3 * LONGEST) / Math.min(wire, host));
    }
    expect(totals[0] + totals[1]).toBeGreaterThan(4000);
  });

  it('is never idle while a frame waits, keeps each port in order and loses none', () => {
    const frame = fc.record({
      at: fc.nat(300),
      port: fc.nat(PORTS - 1),
      ps: fc.integer({ min: 1, max: LONGEST }),
    });
    const weight = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(
        fc.constantFrom('round-robin', 'weighted', 'wire-first'),
        fc.record({ wire: weight, host: weight }),
        fc.array(frame, { maxLength: 60 }),
        (rule, weights, unsorted) => {
          const frames = unsorted.sort((a, b) => a.at - b.at);
          const entries = run(rule, weights, frames);
          expect(entries.map(({ slot }) => slot).sort((a, b) => a - b)).toEqual([...frames.keys()]);
          let free = 0;
          for (const [i, entry] of entries.entries()) {
            // The earliest that any of those that are left could have entered.
            const earliest = Math.min(...entries.slice(i).map(({ at }) => at));
            expect(entry.entered).toBe(Math.max(free, earliest));
            free = entry.entered + entry.ps;
            const later = entries.slice(i + 1).filter(({ port }) => port === entry.port);
            for (const { slot } of later) expect(slot).toBeGreaterThan(entry.slot);
            const wireWaits = entries
              .slice(i + 1)
              .some(({ port, at }) => port === WIRE && at < entry.entered);
            if (rule === 'wire-first' && wireWaits) expect(entry.port).toBe(WIRE);
          }
        },
      ),
    );
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a weight of %d', (wire) => {
    expect(() => run('weighted', { wire, host: 1 }, [])).toThrow(RangeError);
  });
});
