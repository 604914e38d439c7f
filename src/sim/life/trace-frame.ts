import { ProbeKind } from '../../kernel/index.ts';
import { BinaryLog, LogWriter, SinkPair } from '../../trace/index.ts';
import type { CapturePacket } from '../../wire/index.ts';
import { bootSimulation } from '../boot-error.ts';
import type { MachineParts } from '../machine.ts';
import { pcieParts } from '../pcie-of-scenario.ts';
import { logHeader, logTrailer, recordLog } from '../run-log.ts';
import type { ResolvedScenario } from '../scenario-resolved.ts';
import { machineParts, Simulation } from '../simulation.ts';
import { lifeOfFrame } from './life-of-frame.ts';
import type { FrameLife } from './life-steps.ts';

/** Steps in which a scenario is run until the frame has come in. */
const STEP_PS = 10_000_000;
/** The first time that is given to it then, and how much more each next time. */
const FIRST_PS = 100_000_000;
const MORE = 4;

/**
 * Runs a scenario until its frame `number` has come to its end, and says what became of it.
 *
 * @param captures the frames of `scenario.captures[i]`.
 * @param parts of the machine, as `machineParts` makes them of the scenario and profiles of your own.
 * @throws LogError if there are fewer frames.
 *
 * @example
 * const { scenario } = resolveScenario({ guests: [{ name: 'a' }, { name: 'b' }], traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }] });
 * console.log(traceFrame(scenario, [], 1).steps.map(({ what }) => what));
 */
export function traceFrame(
  scenario: ResolvedScenario,
  captures: readonly (readonly CapturePacket[])[],
  number: number,
  parts: MachineParts = machineParts(scenario, { pcieParts }),
): FrameLife {
  const simulation = new Simulation(scenario, captures, parts);
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
  recordLog(simulation, writer);
  let frames = 0;
  const counter = {
    record: (_: number, kind: number) => {
      if (kind === ProbeKind.FRAME_IN) frames++;
    },
  };
  const { probe } = simulation;
  if (probe.sink !== null) probe.sink = new SinkPair(counter, probe.sink);
  bootSimulation(simulation);
  const { endPs } = simulation;
  const advance = (ps: number) => simulation.advance(Math.min(endPs, simulation.nowPs + ps));
  while (frames < number && simulation.nowPs < endPs) advance(STEP_PS);
  for (let morePs = FIRST_PS; ; morePs *= MORE) {
    advance(morePs);
    const life = lifeOfFrame(soFar(simulation, writer, pieces), number, parts);
    if (simulation.nowPs === endPs || hasEnded(life)) return life;
  }
}

/** Whether nothing more will become of it. */
function hasEnded({ branches, dropped }: FrameLife): boolean {
  if (branches.length === 0) return dropped !== null;
  return branches.every(({ outcome }) => outcome !== 'underWay' && outcome !== 'written');
}

/** The log as it would be if the run ended now. */
function soFar(simulation: Simulation, writer: LogWriter, pieces: readonly Uint8Array[]): BinaryLog {
  const parts = [...pieces, ...writer.pending(logTrailer(simulation))];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new BinaryLog(bytes);
}
