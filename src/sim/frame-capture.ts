import { FramePool } from '../base/index.ts';
import { ProbeKind } from '../kernel/index.ts';
import { NIC_DROP_REASONS } from '../nic/index.ts';
import { type BinaryLog, FrameCapture, LogError, LogKind, type LogRecord } from '../trace/index.ts';
import type { PcapngInterface } from '../wire/index.ts';
import type { RunView } from './run-view.ts';
import type { ResolvedScenario } from './scenario-resolved.ts';
import { VERSION } from './version.ts';

/** What a capture has to know of a card, whether it runs or has run. */
interface Card {
  readonly scenario: ResolvedScenario;
  readonly frames: FramePool;
  readonly uplink: number;
  readonly queuesPerPool: number;
  /** Asked anew for each frame: the PF's VPort is behind those of the VFs, however many there are. */
  readonly pfPort: () => number;
  readonly framesBefore: number;
}

/**
 * A capture of a simulation's card, to be its probe's sink. Interfaces have the names of the report's
 * endpoints.
 */
export function makeFrameCapture(simulation: RunView): FrameCapture {
  const { scenario, machine } = simulation;
  const { data, profile } = machine.nic;
  return captureOf({
    scenario,
    frames: data.frames,
    uplink: data.switch.uplink,
    queuesPerPool: profile.queuesPerPool,
    pfPort: () => simulation.pfPort,
    framesBefore: 0,
  });
}

/**
 * The capture that a simulation would have made while its log was written. A frame's packet ID is its number in the run, as
 * `sriovsim trace-frame` takes it, also where the log holds only the last records.
 *
 * @throws LogError for a log that says nothing of a card.
 */
export function captureFromLog(log: BinaryLog): FrameCapture {
  const { store } = log.header;
  const scenario = log.header.scenario as ResolvedScenario;
  if (store === null) throw new LogError('says nothing of a card: there are no frames to be had from it');
  const frames = new FramePool({ slots: store.slots, slotBytes: store.slotBytes });
  const capture = captureOf({
    scenario,
    frames,
    uplink: store.pools,
    queuesPerPool: store.queuesPerPool,
    pfPort: () => scenario.nic.vfs,
    framesBefore: log.framesLost,
  });
  // What a frame is like stands behind the record that it has come in or gone out.
  let held: LogRecord | null = null;
  const tell = (record: LogRecord | null) => {
    if (record === null) return;
    const { timePs, kind, a, b, c } = record;
    capture.record(timePs, kind as ProbeKind, a, b, c);
  };
  let tags: LogRecord | null = null;
  for (const record of log.records()) {
    if (record.kind === LogKind.FRAME_TAGS) {
      tags = record;
    } else if (record.kind === LogKind.FRAME_BYTES) {
      if (held?.kind === ProbeKind.FRAME_IN) clearSlot(frames, record.a, held.c);
      fillSlot(frames, record, tags);
      tags = null;
    } else {
      tell(held);
      held = record;
      if (record.kind === ProbeKind.FRAME_COPIED) copySlot(frames, record.b, record.a);
    }
  }
  tell(held);
  return capture;
}

/** A frame has come in; what the log does not have of it are zeros. */
function clearSlot(frames: FramePool, slot: number, length: number): void {
  const base = frames.offsetOf(slot);
  frames.u8.fill(0, base, base + length);
  frames.lengths[slot] = length;
}

function fillSlot(frames: FramePool, { a: slot, c, data }: LogRecord, tags: LogRecord | null): void {
  if (data !== null) frames.u8.set(data, frames.offsetOf(slot));
  frames.outerTci[slot] = c;
  if (tags === null) return;
  frames.serviceTag[slot] = tags.a;
  frames.virtualTag[slot] = tags.b;
  frames.virtualTagExtension[slot] = tags.c;
}

function copySlot(frames: FramePool, from: number, to: number): void {
  const base = frames.offsetOf(from);
  frames.u8.copyWithin(frames.offsetOf(to), base, base + frames.lengths[from]);
  frames.lengths[to] = frames.lengths[from];
  for (const column of [frames.outerTci, frames.serviceTag, frames.virtualTag, frames.virtualTagExtension])
    column[to] = column[from];
}

function captureOf({ scenario, frames, uplink, queuesPerPool, pfPort, framesBefore }: Card): FrameCapture {
  return new FrameCapture({
    frames,
    interfaces: interfacesOf(scenario),
    nameOf: (port) => {
      if (port === uplink) return 'port';
      if (port === pfPort()) return 'host';
      return scenario.vfs[port]?.name ?? `vf${port}`;
    },
    queueOf: (port) => (port === uplink ? -1 : port * queuesPerPool),
    cardReasons: NIC_DROP_REASONS,
    framesBefore,
    section: { hardware: `${scenario.nic.profile}, simulated`, application: `sriovsim ${VERSION}` },
  });
}

function interfacesOf({ nic, hostInterface, guests, vfs }: ResolvedScenario): PcapngInterface[] {
  return [
    { name: 'port', description: 'the physical port', bitsPerSecond: Math.round(nic.linkGbps * 1e9) },
    { name: 'host', description: `PF, ${addressOf(hostInterface)}` },
    ...vfs.map((vf) => {
      const owner = vf.guest === null ? '' : ` of guest ${guests[vf.guest].name}`;
      return { name: vf.name, description: `VF ${vf.vf}${owner}, ${addressOf(vf)}` };
    }),
  ];
}

function addressOf({ mac, vlan }: { readonly mac: string; readonly vlan: number | null }): string {
  return vlan === null ? mac : `${mac}, VLAN ${vlan}`;
}
