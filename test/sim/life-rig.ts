import { writeBackOf } from '../../src/dma/index.ts';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { type FrameLife, logHeader, logTrailer, recordLog, type Simulation } from '../../src/sim/index.ts';
import { BinaryLog, LogWriter } from '../../src/trace/index.ts';
import { join } from '../trace/log-fixture.ts';
import { makeSimulation } from './rig.ts';

/** Runs a scenario, 50 us where it does not say how long, with everything logged from power-on; `prepare` comes before. */
export function logRun(scenario: Scenario, prepare: (simulation: Simulation) => void = () => {}) {
  const simulation = makeSimulation({ warmUpMs: 0, durationMs: 0.05, ...scenario });
  prepare(simulation);
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
  recordLog(simulation, writer);
  simulation.boot();
  simulation.advance(simulation.endPs);
  writer.end(logTrailer(simulation));
  return { simulation, log: new BinaryLog(join(pieces)) };
}

/** Counts the writes of frames that memory takes, where it takes them. */
export function countCommitted({ machine }: Simulation): { count: number } {
  const { rootPort, nic } = machine;
  const port = rootPort as unknown as { commit(tlp: { client: number; cookie: number }): void };
  const commit = port.commit.bind(port);
  const committed = { count: 0 };
  port.commit = (tlp) => {
    const isPayload = tlp.client === nic.data.receive.client && writeBackOf(tlp.cookie) === null;
    const before = rootPort.memoryWrites;
    commit(tlp);
    if (isPayload) committed.count += rootPort.memoryWrites - before;
  };
  return committed;
}

/** Writes of frames that are told to have come to memory, of the lives of all frames of a run, by the end of it. */
export function toldAsCommitted(lives: readonly FrameLife[], endPs: number): number {
  return lives
    .flatMap(({ steps }) => steps)
    .filter(({ kind, what, arrivesPs }) => {
      const isDone = /goes to memory(; sent again)?$/.test(what) && arrivesPs !== null && arrivesPs <= endPs;
      return kind === 'payloadWrite' && isDone;
    }).length;
}

/** The log alone. */
export function logOf(scenario: Scenario): BinaryLog {
  return logRun(scenario).log;
}

/** Frames that have come in. */
export function framesOf(log: BinaryLog): number {
  let frames = 0;
  for (const { kind } of log.records()) if (kind === ProbeKind.FRAME_IN) frames++;
  return frames;
}

/** Steps of a kind, of one receiver or of all. */
export function stepsOf(life: FrameLife, kind: string, branch: number | null = null) {
  return life.steps.filter((step) => step.kind === kind && step.branch === branch);
}

/** Registers that decided in the steps of a kind. */
export function deciders(life: FrameLife, kind: string, branch: number | null = null): string[] {
  return stepsOf(life, kind, branch).flatMap(({ decidedBy }) => decidedBy.map(({ register }) => register));
}
