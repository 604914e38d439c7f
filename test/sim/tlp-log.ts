import type { Scenario } from '../../src/index.ts';
import { logHeader, logTrailer, recordLog, type Simulation } from '../../src/sim/index.ts';
import { BinaryLog, LogRing, LogWriter } from '../../src/trace/index.ts';
import { join } from '../trace/log-fixture.ts';
import { makeSimulation } from './rig.ts';

/** A scenario that was run from power-on to its end, with its binary log. */
export function loggedRun(scenario: Scenario): { readonly simulation: Simulation; readonly log: BinaryLog } {
  const simulation = makeSimulation(scenario);
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
  recordLog(simulation, writer);
  simulation.boot();
  simulation.advance(simulation.endPs);
  writer.end(logTrailer(simulation));
  return { simulation, log: new BinaryLog(join(pieces)) };
}

/** The last records of a log, as a ring keeps them. */
export function lastOf(log: BinaryLog, records: number): BinaryLog {
  const ring = new LogRing(records);
  log.replay(ring);
  return new BinaryLog(join([...ring.parts(log.header, log.trailer)]));
}

/** Frames of many TLPs and small ones, from VF to VF. */
export const MIXED: Scenario = {
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 5e5, frameBytes: 1518 },
    { from: 'a', to: 'b', ratePps: 5e5 },
  ],
  warmUpMs: 0,
  durationMs: 0.05,
};
