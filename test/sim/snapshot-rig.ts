import { expect } from 'vitest';
import { logHeader, logTrailer, recordLog, type Simulation } from '../../src/sim/index.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { LogWriter } from '../../src/trace/index.ts';
import { jsonOf } from './rig.ts';

/** A log of what a simulation does from now on; ends it, and gives its bytes. */
export function log(simulation: Simulation): () => Buffer {
  const pieces: Uint8Array[] = [];
  const before = simulation.probe.sink;
  const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
  recordLog(simulation, writer);
  return () => {
    simulation.probe.sink = before;
    writer.end(logTrailer(simulation));
    return Buffer.concat(pieces);
  };
}

/** Runs to an instant, and so many events further. */
export interface Moment {
  readonly ps: number;
  readonly events: number;
}

function runTo(simulation: Simulation, { ps, events }: Moment): void {
  simulation.advance(Math.max(simulation.nowPs, ps));
  for (let i = 0; i < events; i++) simulation.step();
}

/** Where two arrays of bytes differ first; -1 if they are the same. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (Buffer.compare(a, b) === 0) return -1;
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length : at;
}

/**
 * Restores a simulation at each of some moments, in order of time, and runs both on to the next: the log of what they do,
 * the snapshot of where they come to and the report are the same bytes.
 */
export function checkMoments(
  simulation: Simulation,
  moments: readonly Moment[],
  restore: (bytes: Uint8Array) => Simulation = restoreSimulation,
): void {
  let bytes: Uint8Array | null = null;
  let restored: Simulation | null = null;
  const last = { ps: simulation.endPs, events: 0 };
  for (const moment of [...moments, last]) {
    const logs = restored === null ? [] : [log(simulation), log(restored)];
    const both = restored === null ? [simulation] : [simulation, restored];
    for (const each of both) runTo(each, moment);
    const [first, second] = logs.map((end) => end());
    bytes = snapshotSimulation(simulation);
    if (restored !== null) {
      // Before anybody looks at a report: that counts in what is due by then.
      expect(firstDifference(snapshotSimulation(restored), bytes)).toBe(-1);
      expect(restored.machine.scheduler.digest).toBe(simulation.machine.scheduler.digest);
      expect(firstDifference(first, second)).toBe(-1);
      expect(jsonOf(restored)).toBe(jsonOf(simulation));
      bytes = snapshotSimulation(simulation);
    }
    if (moment === last) return;
    restored = restore(bytes);
    // What was read is what would be written.
    expect(firstDifference(snapshotSimulation(restored), bytes)).toBe(-1);
  }
}
