import { describe, expect, it } from 'vitest';
import { PerfettoWriter } from '../../src/trace/perfetto.ts';
import { join } from './log-fixture.ts';
import { readTrace, slicesOf } from './perfetto-schema.ts';

function written(fill: (trace: PerfettoWriter) => void) {
  const pieces: Uint8Array[] = [];
  const trace = new PerfettoWriter((piece) => pieces.push(piece));
  fill(trace);
  trace.finish();
  return { pieces, trace: readTrace(join(pieces)) };
}

describe('a trace for Perfetto', () => {
  it('has tracks under tracks, in the order in which they were added', () => {
    const { trace } = written((writer) => {
      const link = writer.track('link', { description: 'both directions' });
      writer.track('up', { parent: link });
      writer.track('credits', { parent: link, unit: 'credits' });
    });
    expect(trace.tracks.map(({ path }) => path)).toEqual(['link', 'link/up', 'link/credits']);
    expect(trace.tracks.map(({ unit }) => unit)).toEqual([undefined, undefined, 'credits']);
    expect(trace.tracks[0].description).toBe('both directions');
    const ranks = trace.tracks.map(({ rank }) => rank);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
  });

  it('has whole nanoseconds, rounded down, and picoseconds as an argument', () => {
    const { trace } = written((writer) => {
      const track = writer.track('t');
      writer.begin(1999, track, 'a');
      writer.end(2000, track);
      writer.instant(2001, track, 'b');
    });
    expect(trace.events.map(({ ns, args }) => [ns, args['ps']])).toEqual([
      [1, 1999],
      [2, undefined],
      [2, 2001],
    ]);
  });

  it('keeps times, numbers and texts of any size', () => {
    const latest = Number.MAX_SAFE_INTEGER;
    const args = { big: latest, low: -latest, zero: 0, text: 'größe', empty: '' };
    const { trace } = written((writer) => {
      const track = writer.track('t');
      writer.counter(0, writer.track('c', { unit: 'x' }), -5);
      writer.instant(latest, track, 'end of time', { args });
    });
    expect(trace.events[0].value).toBe(-5);
    expect(trace.events[1].ns).toBe(Math.floor(latest / 1000));
    expect(trace.events[1].args).toEqual({ ...args, ps: latest });
  });

  it('has flows that begin, pass on and end', () => {
    const { trace } = written((writer) => {
      const track = writer.track('t');
      writer.instant(0, track, 'a', { flows: [1, 2 ** 40] });
      writer.begin(5, track, 'b', { flows: [1] });
      writer.end(9, track);
      writer.instant(9, track, 'c', { endingFlows: [1, 2 ** 40] });
    });
    expect(trace.events.map(({ flows }) => flows)).toEqual([[1, 2 ** 40], [1], [], []]);
    expect(trace.events.at(-1)?.endingFlows).toEqual([1, 2 ** 40]);
  });

  it('names each event and argument once, across the pieces that it comes in', () => {
    const { pieces, trace } = written((writer) => {
      const track = writer.track('t');
      for (let i = 0; i < 40_000; i++) {
        writer.begin(i * 1000, track, `name ${i % 10}`, { args: { [`key ${i % 7}`]: i } });
        writer.end(i * 1000 + 500, track);
      }
    });
    expect(pieces.length).toBeGreaterThan(1);
    const slices = slicesOf(trace);
    expect(slices.length).toBe(40_000);
    expect(slices.every(({ name, args }, i) => name === `name ${i % 10}` && args[`key ${i % 7}`] === i)).toBe(
      true,
    );
  });

  it('refuses an event before the one that was written last', () => {
    written((writer) => {
      const track = writer.track('t');
      writer.instant(5, track, 'a');
      expect(() => writer.instant(4, track, 'b')).toThrow(RangeError);
      expect(() => writer.instant(Number.NaN, track, 'b')).toThrow(RangeError);
    });
  });
});
