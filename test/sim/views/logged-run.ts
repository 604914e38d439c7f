import type { Scenario } from '../../../src/index.ts';
import { logHeader, logTrailer, recordLog, type Simulation } from '../../../src/sim/index.ts';
import { BinaryLog, LogWriter } from '../../../src/trace/index.ts';
import { join } from '../../trace/log-fixture.ts';
import { makeSimulation } from '../rig.ts';

/** Runs a scenario from power-on to its end; `drive` may do so in steps of its own. */
export function loggedRun(
  scenario: Scenario,
  drive: (simulation: Simulation) => void = (simulation) => {
    simulation.boot();
    simulation.advance(simulation.endPs);
  },
): { readonly simulation: Simulation; readonly log: BinaryLog; readonly bytes: Uint8Array } {
  const simulation = makeSimulation(scenario);
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
  recordLog(simulation, writer);
  drive(simulation);
  writer.end(logTrailer(simulation));
  const bytes = join(pieces);
  return { simulation, log: new BinaryLog(bytes), bytes };
}

/** Frames between VFs, from and to the wire, to groups, with tags, of several sizes, and some that are dropped. */
export const MIXED: Scenario = {
  seed: 7,
  guests: [
    { name: 'a', vfs: [{ vlan: 100 }] },
    { name: 'b', vfs: [{ vlan: 100 }] },
    { name: 'c', vfs: [{ trustedVlans: [7] }], ringSize: 64 },
    { name: 'd', driver: 'poll' },
  ],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6 },
    { from: 'a', to: 'port', ratePps: 1e6 },
    { from: 'port', to: 'c', ratePps: 2e6, vlan: 7 },
    { from: 'port', to: 'broadcast', ratePps: 1e5 },
    { from: 'd', to: 'host', ratePps: 2e5, frameBytes: 1518 },
    { from: 'b', to: '02:99:00:00:00:01', ratePps: 1e5, frameBytes: 1518 },
    { from: 'd', to: '02:99:00:00:00:02', ratePps: 1e5, vlan: 9 },
  ],
  warmUpMs: 0.01,
  durationMs: 0.05,
};
