import type { NicProfile } from '../../nic/index.ts';
import type { HostProfile } from '../../profiles/index.ts';
import { type CapturePacket, crc32 } from '../../wire/index.ts';
import type { MakingStep } from '../making-step.ts';
import { pcieParts } from '../pcie-of-scenario.ts';
import type { ResolvedNic, ResolvedScenario } from '../scenario-resolved.ts';
import { HOSTS, machineParts, NICS, Simulation } from '../simulation.ts';
import { VERSION } from '../version.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { GraphReader } from './graph-reader.ts';
import { GraphWriter } from './graph-writer.ts';
import { type LateTasks, lateTasksOf, makeLastParts, makeLateParts } from './late-parts.ts';
import { repeatStep } from './repeat-step.ts';
import { SnapshotError } from './snapshot-error.ts';
import { STATE_TABLE } from './state-table.ts';

/** First bytes of a snapshot, and the version of its format. */
const MAGIC = [0x73, 0x72, 0x69, 0x6f, 0x76, 0x73, 0x6e, 0x70];
const FORMAT = 2;
/** Magic, format, and the CRC-32 of all that follows. */
const HEADER_BYTES = MAGIC.length + 1 + 4;

/** How a simulation was made: what a snapshot has to say before its state means anything. */
interface Making {
  /** Without its flows, and the faults that a program asked for: those are steps. */
  readonly scenario: ResolvedScenario;
  readonly captures: readonly (readonly CapturePacket[])[];
  readonly steps: readonly MakingStep[];
  /** Parts that registers asked for, at any time. */
  readonly lateTasks: LateTasks;
  /** Names of profiles; null for the user's own. */
  readonly hostProfile: string | null;
  readonly nicProfile: string | null;
}

/** What a snapshot does not hold. */
export interface RestoreOptions {
  /** Profile of the host, if it was made with one of its user's own. */
  readonly hostProfile?: HostProfile;
  /** Profile of the card, if it was made with one of its user's own; or what says it, given the card of the scenario. */
  readonly nicProfile?: NicProfile | ((nic: ResolvedNic) => NicProfile | undefined);
}

/**
 * Writes the state of a whole simulation: events, memory, registers, queues, traffic, counters and all else. It can be
 * taken between any two events, and changes nothing. The scenario and the captures that it sends are part of it; a sink
 * of its probe is not, nor are a user's own listeners.
 *
 * @throws {@link SnapshotError} before the boot, in the middle of an event or of software's work, and for what no snapshot
 * can say.
 * @example
 * simulation.advance(simulation.startPs + 1_000_000);
 * const bytes = snapshotSimulation(simulation);
 * const again = restoreSimulation(bytes);
 * again.advance(again.endPs);
 */
export function snapshotSimulation(simulation: Simulation): Uint8Array {
  const { scenario, captures, steps, machine } = simulation;
  if (!simulation.isBooted) throw new SnapshotError('the machine has not been booted');
  if (machine.scheduler.depth > 0 || machine.nic.endpoint.functions.some(({ isTelling }) => isTelling)) {
    throw new SnapshotError('the machine is in the middle of its work: take it when the run has returned');
  }
  const asked = steps.filter(({ kind }) => kind === 'fault').length;
  const { hostProfile, nicProfile } = machine.parts.given ?? machine.parts;
  const making: Making = {
    scenario: {
      ...scenario,
      flows: [],
      ...(scenario.faults === undefined
        ? {}
        : { faults: scenario.faults.slice(0, scenario.faults.length - asked) }),
    },
    captures,
    steps,
    lateTasks: lateTasksOf(simulation),
    hostProfile: nameOf(HOSTS, hostProfile),
    nicProfile: nameOf(NICS, nicProfile),
  };
  const body = new ByteWriter();
  body.text(VERSION);
  new GraphWriter(body, STATE_TABLE).write(making);
  new GraphWriter(body, STATE_TABLE).write(simulation);
  const bytes = body.take();

  const out = new ByteWriter();
  for (const byte of [...MAGIC, FORMAT]) out.byte(byte);
  const crc = crc32(bytes, 0, bytes.length);
  for (let shift = 0; shift < 32; shift += 8) out.byte((crc >>> shift) & 0xff);
  out.raw(bytes);
  return out.take();
}

/**
 * Makes a simulation that is where the one was that wrote the snapshot, and goes on as that does: the same events, report,
 * counters and probe records.
 *
 * @throws {@link SnapshotError} for what is no snapshot, one of another version, a damaged one, or one that needs options.
 */
export function restoreSimulation(snapshot: Uint8Array, options: RestoreOptions = {}): Simulation {
  const body = new ByteReader(checked(snapshot));
  const version = body.text();
  if (version !== VERSION) {
    throw new SnapshotError(`it is of version ${version} of the simulator, this is ${VERSION}`);
  }
  const making = new GraphReader(body, STATE_TABLE).read() as Making;
  const { scenario, captures, steps, lateTasks } = making;
  const { nicProfile } = options;
  const own = {
    pcieParts,
    hostProfile: profileOf(HOSTS, making.hostProfile, options.hostProfile, 'hostProfile'),
    nicProfile: profileOf(
      NICS,
      making.nicProfile,
      typeof nicProfile === 'function' ? nicProfile(scenario.nic) : nicProfile,
      'nicProfile',
    ),
  };
  const simulation = new Simulation(scenario, captures, machineParts(scenario, own));
  for (const step of steps) {
    makeLateParts(simulation, lateTasks);
    repeatStep(simulation, step);
  }
  makeLateParts(simulation, lateTasks);
  makeLastParts(simulation, lateTasks);
  new GraphReader(body, STATE_TABLE).read(simulation);
  if (!body.atEnd) throw new SnapshotError('it goes on behind its end');
  return simulation;
}

/** What follows the header of a snapshot, which is whole. */
function checked(snapshot: Uint8Array): Uint8Array {
  if (!(snapshot instanceof Uint8Array)) throw new TypeError('snapshot must be a Uint8Array');
  if (MAGIC.some((byte, i) => snapshot[i] !== byte)) throw new SnapshotError('this is none');
  const format = snapshot[MAGIC.length];
  if (format !== FORMAT) throw new SnapshotError(`it has format ${format}, this version reads ${FORMAT}`);
  const body = snapshot.subarray(HEADER_BYTES);
  let crc = 0;
  for (let i = 0; i < 4; i++) crc += snapshot[MAGIC.length + 1 + i] * 2 ** (8 * i);
  if (crc32(body, 0, body.length) !== crc) throw new SnapshotError('it is damaged');
  return body;
}

function nameOf(profiles: Readonly<Record<string, unknown>>, profile: unknown): string | null {
  return Object.keys(profiles).find((name) => profiles[name] === profile) ?? null;
}

function profileOf<T>(
  profiles: Readonly<Record<string, T>>,
  name: string | null,
  own: T | undefined,
  option: string,
): T {
  if (name !== null && Object.hasOwn(profiles, name)) return profiles[name];
  if (own === undefined)
    throw new SnapshotError(`it was made with a profile of its own: give options.${option}`);
  return own;
}
