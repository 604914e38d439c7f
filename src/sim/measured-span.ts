import { FCS_BYTES } from '../wire/index.ts';
import { type LinkSnapshot, linkSnapshot } from './link-snapshot.ts';
import type { FrameCount } from './report.ts';
import type { RunView } from './run-view.ts';

/** What one endpoint's part of the card had counted. */
export interface EndpointSnapshot {
  readonly transmitted: FrameCount;
  readonly drops: Readonly<Record<string, number>>;
  readonly interrupts: number;
}

/** Counters of the whole machine at one instant; a report is the difference of two. */
export interface Snapshot {
  readonly timePs: number;
  readonly upstream: LinkSnapshot;
  readonly downstream: LinkSnapshot;
  /** Upstream and downstream, of the root port's link if it is another one. */
  readonly rootLink?: readonly LinkSnapshot[];
  readonly iommu: Readonly<Record<string, number>> | null;
  readonly interrupts: { readonly raised: number; readonly delivered: number; readonly moderated: number };
  readonly rootPort: { readonly completionsSent: number };
  readonly requester: { readonly readsIssued: number; readonly writesIssued: number };
  readonly endpoints: readonly EndpointSnapshot[];
}

/** The measured part of a run: what had been counted when it began. */
export class MeasuredSpan {
  readonly startPs: number;
  readonly before: Snapshot;

  constructor(startPs: number, before: Snapshot) {
    this.startPs = startPs;
    this.before = before;
  }

  /** Begins to measure: what comes from `startPs` on counts. */
  static begin(simulation: RunView, startPs: number): MeasuredSpan {
    return new MeasuredSpan(startPs, takeSnapshot(simulation));
  }
}

const NO_PORT = -1;
const NOTHING: EndpointSnapshot = { transmitted: { frames: 0, bytes: 0 }, drops: {}, interrupts: 0 };

/** Reads all counters. */
export function takeSnapshot(simulation: RunView): Snapshot {
  const { machine, station, tracker } = simulation;
  const { nic } = machine;
  const uplink = nic.data.switch.uplink;
  // A VF that is not enabled has no VPort: its number may be the PF's.
  const vfs = simulation.scenario.vfs.map(({ vf }) => (vf < simulation.pfPort ? vf : NO_PORT));
  const ports = [uplink, simulation.pfPort, ...vfs];
  return {
    timePs: machine.scheduler.now,
    upstream: linkSnapshot(machine.link.upstream),
    downstream: linkSnapshot(machine.link.downstream),
    ...machine.parts.between?.snapshot(),
    iommu: machine.iommu === null ? null : { ...machine.iommu.counters() },
    interrupts: {
      raised: nic.interrupts.raised,
      delivered: nic.interrupts.delivered,
      moderated: nic.interrupts.moderated,
    },
    rootPort: { completionsSent: machine.rootPort.completionsSent },
    requester: { readsIssued: nic.requester.readsIssued, writesIssued: nic.requester.writesIssued },
    endpoints: ports.map((port, index) => {
      if (port === NO_PORT) return NOTHING;
      const counters = nic.data.switch.portCounters(port);
      const isPort = index === 0;
      const drops: Record<string, number> = { ...counters.dropped, ...nic.data.drops.byReason(port) };
      drops[isPort ? 'portQueueFull' : 'txRingFull'] = tracker.endpoints[index].notSent;
      return {
        transmitted: isPort
          ? { frames: station.framesSent, bytes: station.bytesSent }
          : { frames: counters.framesIn, bytes: counters.bytesIn + FCS_BYTES * counters.framesIn },
        drops,
        interrupts: isPort ? 0 : nic.interrupts.sent[index - 1],
      };
    }),
  };
}
