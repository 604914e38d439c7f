import { NIC_DROP_REASONS } from '../nic/index.ts';
import { DROP_REASONS } from '../nicswitch/index.ts';
import { linkPsPerByte } from '../pcie/index.ts';
import { FrameBytes, type LogHeader, type LogTarget, type LogTrailer, SinkPair } from '../trace/index.ts';
import { crc32 } from '../wire/index.ts';
import { BufferLevels } from './buffer-levels.ts';
import { aperturesOf, ConfigurationLog, ringsOf } from './configuration-log.ts';
import { formatJson } from './report-json.ts';
import type { Simulation } from './simulation.ts';
import { VERSION } from './version.ts';

/** What stands at the head of a binary log of this simulation. */
export function logHeader(simulation: Simulation): LogHeader {
  const { scenario, machine } = simulation;
  const { hostProfile, nicProfile } = machine.parts;
  const { profile, data } = machine.nic;
  const text = new TextEncoder().encode(formatJson(scenario));
  return {
    application: `sriovsim ${VERSION}`,
    seed: scenario.seed,
    scenarioCrc32: crc32(text, 0, text.length),
    startPs: simulation.nowPs,
    tasks: machine.scheduler.taskNames,
    components: machine.components.map(({ name }) => name),
    dropReasons: [...DROP_REASONS, ...NIC_DROP_REASONS],
    link: {
      psPerByte: linkPsPerByte(nicProfile.pcie.rate),
      ...(nicProfile.pcie.rate.generation > 5 ? { flitMode: true } : {}),
      maxPayloadBytes: Math.min(hostProfile.maxPayloadBytes, nicProfile.maxPayloadBytes),
      maxReadRequestBytes: Math.min(hostProfile.maxReadRequestBytes, nicProfile.maxReadRequestBytes),
      readCompletionBoundary: hostProfile.readCompletionBoundary,
      tags: profile.tags,
    },
    store: {
      slots: data.frames.slots,
      slotBytes: data.frames.slotBytes,
      queuesPerPool: profile.queuesPerPool,
      pools: profile.pools,
      transmitClient: data.transmit.client,
      receiveClient: data.receive.client,
    },
    scenario,
  };
}

/** What is known of this simulation now, for the end of its log. */
export function logTrailer(simulation: Simulation, error?: unknown): LogTrailer {
  const { machine, nowPs } = simulation;
  const { posted } = machine.rootPort;
  const outcome = nowPs < simulation.endPs ? 'partial' : 'complete';
  return {
    outcome: error === undefined ? outcome : 'failed',
    ...(error === undefined ? {} : { error: String(error) }),
    digest: machine.scheduler.digest,
    endPs: nowPs,
    tasks: machine.scheduler.taskNames,
    components: machine.components.map(({ name }) => name),
    apertures: aperturesOf(machine.nic.endpoint.functions),
    rings: ringsOf(machine.nic),
    waiting: Array.from({ length: posted.length }, (_, i) => posted.peek(i)),
  };
}

/**
 * Records this simulation from now on. A sink that is there already stays.
 *
 * @param frameBytes bytes of each frame that are logged at most; 0 for none, by default all.
 * @returns what ends that: the simulation is as it was before. Of several, the last one that began ends first.
 */
export function recordLog(
  simulation: Simulation,
  target: LogTarget,
  frameBytes = Number.MAX_SAFE_INTEGER,
): () => void {
  const { probe, machine } = simulation;
  const { scheduler } = machine;
  const { data, profile, endpoint } = machine.nic;
  const queues = [data.transmit, data.receive];
  const before = [
    probe.sink,
    scheduler.watcher,
    endpoint.watcher,
    queues.map(({ rings }) => rings.watcher),
  ] as const;
  const sink = frameBytes > 0 ? new FrameBytes(target, data.frames, frameBytes, data.ecn !== null) : target;
  probe.sink = probe.sink === null ? sink : new SinkPair(probe.sink, sink);
  new ConfigurationLog(target, machine.scheduler, machine.nic).watch();
  new BufferLevels(target, machine.scheduler, data, profile.transmitBufferBytes).watch();
  return () => {
    const [first, looked, configured, rings] = before;
    probe.sink = first;
    scheduler.watcher = looked;
    endpoint.watcher = configured;
    for (const [i, queue] of queues.entries()) queue.rings.watcher = rings[i];
  };
}
