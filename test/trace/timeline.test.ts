import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timeline } from '../../src/trace/index.ts';
import { PerfettoWriter } from '../../src/trace/perfetto.ts';
import { join } from './log-fixture.ts';
import { readTrace, slicesOf } from './perfetto-schema.ts';

function read(timeline: Timeline) {
  const pieces: Uint8Array[] = [];
  const counts = timeline.write(new PerfettoWriter((piece) => pieces.push(piece)));
  return { counts, ...readTrace(join(pieces)) };
}

describe('a timeline', () => {
  it('takes events in any order and writes them in that of time', () => {
    const timeline = new Timeline();
    const track = timeline.track('t');
    timeline.slice(track, 5000, 9000, 'late');
    timeline.instant(track, 2000, 'early');
    expect(read(timeline).events.map(({ name }) => name)).toEqual(['early', 'late', undefined]);
  });

  it('leaves out tracks without events, but not those that others lie under', () => {
    const timeline = new Timeline();
    const parent = timeline.track('parent');
    timeline.track('empty', { parent });
    timeline.instant(timeline.track('child', { parent }), 0, 'x');
    timeline.track('nothing');
    const { tracks, counts } = read(timeline);
    expect(tracks.map(({ path }) => path)).toEqual(['parent', 'parent/child']);
    expect(counts).toEqual({ tracks: 2, events: 1, flows: 0 });
  });

  it('puts slices that overlap on tracks of the same name, as few as will do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(20)), { maxLength: 40 }), (spans) => {
        const timeline = new Timeline();
        const track = timeline.track('t');
        spans.forEach(([start, length], i) => {
          timeline.slice(track, start * 1000, (start + length) * 1000, `slice ${i}`);
        });
        const trace = read(timeline);
        const slices = slicesOf(trace);
        expect(slices.map(({ name, ns, endNs }) => `${name} ${ns} ${endNs}`).sort()).toEqual(
          spans.map(([start, length], i) => `slice ${i} ${start} ${start + length}`).sort(),
        );
        // One that takes no time needs a track of its own at most.
        const atOnce = (time: number, shortest: number) =>
          spans.filter(([start, length]) => length >= shortest && start <= time && time < start + length)
            .length;
        const wanted = (time: number) =>
          atOnce(time, 1) + (spans.some(([start, length]) => start === time && length === 0) ? 1 : 0);
        const starts = spans.map(([start]) => start);
        expect(trace.tracks.length).toBeGreaterThanOrEqual(
          Math.max(0, ...starts.map((time) => atOnce(time, 1))),
        );
        expect(trace.tracks.length).toBeLessThanOrEqual(Math.max(0, ...starts.map(wanted)));
        expect(trace.tracks.every(({ path }) => path === 't')).toBe(true);
      }),
    );
  });

  it('keeps what touches its window, whole, and the value that a counter has at its beginning', () => {
    const timeline = new Timeline(10_000, 20_000);
    const track = timeline.track('t');
    const counter = timeline.track('c', { unit: 'frames' });
    expect(timeline.slice(track, 0, 9999, 'before')).toBe(null);
    timeline.slice(track, 0, 10_000, 'into');
    timeline.slice(track, 20_000, 30_000, 'out of');
    expect(timeline.slice(track, 20_001, 30_000, 'behind')).toBe(null);
    expect(timeline.instant(track, 9999, 'before')).toBe(null);
    for (const [timePs, value] of [
      [0, 1],
      [8000, 2],
      [12_000, 2],
      [13_000, 3],
      [21_000, 4],
    ])
      timeline.counter(counter, timePs, value);
    const { events } = read(timeline);
    expect(events.filter(({ type }) => type === 'begin').map(({ name }) => name)).toEqual(['into', 'out of']);
    expect(events.filter(({ type }) => type === 'counter').map(({ ns, value }) => [ns, value])).toEqual([
      [10, 2],
      [13, 3],
    ]);
  });

  it('connects events only if they are all there, in the order of the arrow', () => {
    const timeline = new Timeline(0, 10_000);
    const [later, earlier] = [timeline.track('later'), timeline.track('earlier')];
    const a = timeline.instant(earlier, 5000, 'a');
    const b = timeline.instant(later, 5000, 'b');
    timeline.connect([a, b]);
    timeline.connect([a, timeline.instant(later, 11_000, 'c')]);
    const { events, counts } = read(timeline);
    expect(events.map(({ name, flows, endingFlows }) => [name, flows, endingFlows])).toEqual([
      ['a', [1], []],
      ['b', [], [1]],
    ]);
    expect(counts.flows).toBe(1);
  });
});
