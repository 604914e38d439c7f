import type { ResolvedScenario } from './scenario-resolved.ts';
import type { FaultKind } from './scenario-types.ts';

/** Version of the shape of {@link Report}; it changes when a reader of reports has to. */
export const REPORT_SCHEMA = 'sriovsim-report/1';

/**
 * What a run found out. Everything but `wall` follows from the scenario and its seed: two runs give the same.
 * Rates, latencies, drops and bytes are of the measured span, after the warm-up; `conservation` is of the whole run.
 */
export interface Report {
  schema: typeof REPORT_SCHEMA;
  /** Version of the package. */
  version: string;
  /** Whether the run was interrupted before its end. */
  partial: boolean;
  scenario: ResolvedScenario;
  seed: number;
  /** Digest of the event stream, in hexadecimal. */
  digest: string;
  simulated: SimulatedSpan;
  /** The port, the PF, and every VF in order of its number. */
  endpoints: EndpointReport[];
  flows: FlowReport[];
  pcie: PcieReport;
  /** Null where the host has no IOMMU. */
  iommu: IommuReport | null;
  interrupts: InterruptReport;
  conservation: Conservation;
  /** Faults on demand that have struck, in order of time; only where there are some to strike. */
  faults?: FaultReport[];
  /** Counters of every component by their full names. */
  counters: Record<string, number>;
  /** Figures of the machine that ran the simulation; they stand apart because they differ from run to run. */
  wall?: WallReport;
}

/** Spans of simulated time in ps, counted from power-on. */
export interface SimulatedSpan {
  /** Time that enumeration and the drivers took. */
  bootPs: number;
  /** When the traffic began. */
  startPs: number;
  endPs: number;
  warmUpPs: number;
  measuredPs: number;
  /** Events that the scheduler ran. */
  events: number;
}

/** Frames and their bytes with the FCS. */
export interface FrameCount {
  frames: number;
  bytes: number;
}

/** Time from the sender's wish to send to the receiver's hands, in ns. */
export interface LatencyReport {
  samples: number;
  min: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
  mean: number;
}

/** One VPort, or the physical port with what is beyond it. */
export interface EndpointReport {
  name: string;
  kind: 'port' | 'pf' | 'vf';
  /** Number of the VF. */
  vf?: number;
  /** Name of its guest. */
  guest?: string;
  /** Bus, device and function, such as `01:10.0`. */
  routingId?: string;
  mac?: string;
  /** Port VLAN, or null. */
  vlan?: number | null;
  /** Transmit rates and class that are set for a VF, if they are. */
  maxTxMbps?: number;
  minTxMbps?: number;
  class?: number;
  /** Frames that traffic wanted to send. */
  offered: FrameCount;
  /** Frames that left: a VPort's reached the switch, the station's reached the card. */
  transmitted: FrameCount;
  received: FrameCount;
  /** Rates of `transmitted` and `received`, bytes with the FCS. */
  txGbps: number;
  rxGbps: number;
  txPps: number;
  rxPps: number;
  /** Copies by mirroring rules among the frames received; only where something is mirrored to. */
  mirrored?: number;
  /** Frames with an ECN mark among those received, of flows with `ecn`; only where there is one. */
  marked?: number;
  /** Of the frames received. */
  latencyNs: LatencyReport | null;
  /** Frames that ended here, by reason. */
  drops: Record<string, number>;
  /** Interrupts delivered. */
  interrupts: number;
}

/** One traffic entry or capture, followed from its sender to wherever its frames came out. */
export interface FlowReport {
  name: string;
  from: string;
  to: string;
  offered: number;
  /** Copies that arrived, but for those by mirroring rules; more than `offered` where frames are replicated. */
  delivered: number;
  /** Copies by mirroring rules that arrived; only where the scenario has such rules, or some were made. */
  mirrored?: number;
  /** Of those delivered, frames with an ECN mark (Congestion Experienced); only of a flow with `ecn`. */
  marked?: number;
  /** Frames that did not arrive although later ones did; 0 where frames have several receivers. */
  lost: number;
  reordered: number;
  duplicated: number;
  latencyNs: LatencyReport | null;
}

/** One direction of the link; every symbol time is one of the five kinds of bytes. */
export interface LinkDirectionReport {
  tlps: number;
  tlpBytes: number;
  payloadBytes: number;
  dllpBytes: number;
  skipBytes: number;
  idleBytes: number;
  /** Share of the capacity that is not idle, 0 to 1. */
  utilisation: number;
}

/** The card's link: upstream carries DMA writes, downstream doorbells and read data. */
export interface PcieReport {
  upstream: LinkDirectionReport;
  downstream: LinkDirectionReport;
  /** The link between root port and switch, only of a machine with a switch. */
  rootLink?: { upstream: LinkDirectionReport; downstream: LinkDirectionReport };
  /** Memory Read and Memory Write TLPs of the card, interrupt messages included. */
  readRequests: number;
  writeRequests: number;
  /** Completion TLPs that answered the card's reads: a read may take several. */
  completions: number;
}

/** Translation of DMA addresses. */
export interface IommuReport {
  /** Hits and misses. */
  lookups: number;
  /** Requests that need no translation: those of functions that pass through. */
  bypassed: number;
  hits: number;
  misses: number;
  /** 0 to 1; 1 without lookups. */
  hitRate: number;
  walks: number;
  /** Memory accesses of the walks. */
  walkAccesses: number;
  faults: number;
}

/** Causes that were raised, and what became of them. */
export interface InterruptReport {
  raised: number;
  delivered: number;
  /** Held back by the interrupt rate limit and delivered with a later one. */
  moderated: number;
}

/**
 * Where every frame went, over the whole run with its warm-up:
 * offered + replicas = delivered + dropped + in flight.
 */
export interface Conservation {
  offered: number;
  /** Further copies that the switch made of broadcast, multicast and mirrored frames. */
  replicas: number;
  delivered: number;
  dropped: Record<string, number>;
  droppedTotal: number;
  /** Frames on their way at the end, by where they are. */
  inFlight: Record<string, number>;
  inFlightTotal: number;
  balanced: boolean;
}

/** A fault on demand that has struck. */
export interface FaultReport {
  /** Since power-on. */
  atNs: number;
  kind: FaultKind;
  /** Name of the endpoint that it met, as in `endpoints`; or the direction of the link. */
  target?: string;
  /** What came of it, as the parts of the machine that it met have counted it. */
  consequence: string;
}

/** Figures of the machine that ran the simulation. */
export interface WallReport {
  seconds: number;
  simulatedFramesPerSecond: number;
  eventsPerSecond: number;
}
