import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../src/base/index.ts';
import { Histogram } from '../../src/kernel/index.ts';
import { formatJson } from '../../src/sim/report-json.ts';
import {
  conservation,
  framesPerSecond,
  gigabitsPerSecond,
  latencyReport,
  linkDirectionReport,
} from '../../src/sim/report-parts.ts';

describe('a report as JSON', () => {
  it('has the same bytes whatever order names came up in', () => {
    const report = (names: readonly string[]) => ({
      version: '1',
      counters: Object.fromEntries(names.map((name) => [name, name.length])),
    });
    const text = formatJson(report(['b', 'a', 'c.d']));
    expect(text).toBe(formatJson(report(['c.d', 'b', 'a'])));
    expect(text).toBe(
      '{\n  "version": "1",\n  "counters": {\n    "a": 1,\n    "b": 1,\n    "c.d": 3\n  }\n}\n',
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('has no %d, which JSON would turn into null', (value) => {
    expect(() => formatJson({ txGbps: value })).toThrow(new AssertionError(`txGbps is ${value} in a report`));
  });
});

describe('the balance of frames', () => {
  const figures = {
    offered: 10,
    replicas: 2,
    delivered: 7,
    dropped: { full: 2, other: 0 },
    inFlight: { wire: 3 },
  };

  it('is offered and replicas against delivered, dropped and in flight', () => {
    expect(conservation(figures)).toEqual({
      offered: 10,
      replicas: 2,
      delivered: 7,
      dropped: { full: 2 },
      droppedTotal: 2,
      inFlight: { wire: 3 },
      inFlightTotal: 3,
      balanced: true,
    });
    expect(conservation({ ...figures, delivered: 6 }).balanced).toBe(false);
  });

  it('has no count below zero', () => {
    expect(() => conservation({ ...figures, inFlight: { wire: -1 } })).toThrow(AssertionError);
  });
});

describe('figures of a report', () => {
  it('are rates over a span of simulated time, and 0 over none', () => {
    const sent = { frames: 1488, bytes: 125_000 };
    expect(framesPerSecond(sent, 1e8)).toBe(14_880_000);
    expect(gigabitsPerSecond(sent, 1e8)).toBe(10);
    expect(framesPerSecond(sent, 0)).toBe(0);
    expect(gigabitsPerSecond(sent, 0)).toBe(0);
  });

  it('say how busy a link was: all that was not idle', () => {
    const direction = {
      tlps: 1,
      tlpBytes: 200,
      payloadBytes: 128,
      dllpBytes: 40,
      skipBytes: 10,
      idleBytes: 750,
    };
    expect(linkDirectionReport(direction)).toEqual({ ...direction, utilisation: 0.25 });
    const none = { tlps: 0, tlpBytes: 0, payloadBytes: 0, dllpBytes: 0, skipBytes: 0, idleBytes: 0 };
    expect(linkDirectionReport(none).utilisation).toBe(0);
  });

  it('have latencies in ns, and none without samples', () => {
    const histogram = new Histogram();
    expect(latencyReport(histogram)).toBeNull();
    histogram.record(1500);
    histogram.record(2500);
    expect(latencyReport(histogram)).toMatchObject({ samples: 2, min: 1.5, max: 2.5, mean: 2 });
  });
});
