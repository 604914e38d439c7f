import { assert } from '../base/index.ts';
import { type Histogram, NANOSECOND, SECOND } from '../kernel/index.ts';
import type { Conservation, FrameCount, LatencyReport, LinkDirectionReport } from './report.ts';

/** The latency of a histogram, in ns; null without samples. */
export function latencyReport(histogram: Histogram): LatencyReport | null {
  if (histogram.samples === 0) return null;
  return {
    samples: histogram.samples,
    min: histogram.minPs / NANOSECOND,
    p50: histogram.percentile(0.5) / NANOSECOND,
    p99: histogram.percentile(0.99) / NANOSECOND,
    p999: histogram.percentile(0.999) / NANOSECOND,
    max: histogram.maxPs / NANOSECOND,
    mean: histogram.meanPs / NANOSECOND,
  };
}

/** Frames a second over a span of ps; 0 over none. */
export function framesPerSecond({ frames }: FrameCount, spanPs: number): number {
  return spanPs === 0 ? 0 : (frames * SECOND) / spanPs;
}

/** Gb/s over a span of ps; 0 over none. One bit a ns is one Gb/s. */
export function gigabitsPerSecond({ bytes }: FrameCount, spanPs: number): number {
  return spanPs === 0 ? 0 : (bytes * 8 * NANOSECOND) / spanPs;
}

/** A direction of the link with its utilisation worked out. */
export function linkDirectionReport(figures: Omit<LinkDirectionReport, 'utilisation'>): LinkDirectionReport {
  const busy = figures.tlpBytes + figures.dllpBytes + figures.skipBytes;
  const capacity = busy + figures.idleBytes;
  return { ...figures, utilisation: capacity === 0 ? 0 : busy / capacity };
}

/** The balance of all frames with its sums. Reasons and places with no frame are left out. */
export function conservation(
  figures: Pick<Conservation, 'offered' | 'replicas' | 'delivered' | 'dropped' | 'inFlight'>,
): Conservation {
  const { offered, replicas, delivered } = figures;
  const dropped = withoutZeros(figures.dropped);
  const inFlight = withoutZeros(figures.inFlight);
  const droppedTotal = sum(dropped);
  const inFlightTotal = sum(inFlight);
  const balanced = offered + replicas === delivered + droppedTotal + inFlightTotal;
  return { offered, replicas, delivered, dropped, droppedTotal, inFlight, inFlightTotal, balanced };
}

/** The entries of a map of counts that are not zero, by name. */
export function withoutZeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(counts).filter(([, count]) => count !== 0);
  for (const [name, count] of entries) assert(count > 0, `${name} counts ${count}`);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
