import type { Fec, SwitchArbitration, Switching } from '../nic/index.ts';
import type { VirtualTagKind } from '../nicswitch/index.ts';
import type {
  Arrivals,
  BridgeKind,
  DriverKind,
  EcnCapable,
  FaultDirection,
  FaultKind,
  Loopback,
  PageSize,
  PauseUse,
  SwitchForwarding,
  WeightedSize,
} from './scenario-types.ts';

/**
 * A scenario with nothing left open: every default filled in, VFs numbered, addresses assigned, times in ps. Plain
 * data, and all that a run depends on beside the frames of its captures.
 */
export interface ResolvedScenario {
  name: string;
  description: string;
  seed: number;
  host: ResolvedHost;
  nic: ResolvedNic;
  /** Only if the scenario says something of it. */
  pcie?: ResolvedPcie;
  hostInterface: ResolvedHostInterface;
  /** Only with a bridge between card and station. */
  adjacentBridge?: Exclude<BridgeKind, 'none'>;
  guests: ResolvedGuest[];
  /** Every enabled VF in order of its number; the index is the number. */
  vfs: ResolvedVf[];
  flows: ResolvedFlow[];
  captures: ResolvedCapture[];
  /** Only if there are some. */
  faults?: ResolvedFault[];
  /** Traffic runs this long before anything is measured. */
  warmUpPs: number;
  durationPs: number;
}

/** The machine around the card. */
export interface ResolvedHost {
  profile: string;
  iommu: boolean;
  memoryGiB: number;
}

/** The links between root port and card. */
export interface ResolvedPcie {
  generation: number;
  lanes: number;
  maxPayloadBytes: number;
  maxReadRequestBytes: number;
  readCompletionBoundary: number;
  rootCredits: { postedHeaders: number; postedData: number; nonPostedHeaders: number };
  /** Only if there is one. */
  switch?: ResolvedCardSwitch;
}

/** A switch between root port and card; generation and lanes are those of its link to the root port. */
export interface ResolvedCardSwitch {
  forwarding: SwitchForwarding;
  latencyNs: number;
  generation: number;
  lanes: number;
  acs: boolean;
}

/** The card as it is set up. */
export interface ResolvedNic {
  profile: string;
  vfs: number;
  ari: boolean;
  loopback: Loopback;
  linkGbps: number;
  mtu: number;
  port: ResolvedPort;
  /** Only of a port extender. */
  portExtender?: VirtualTagKind;
  /** Only if there are some. */
  mirrors?: ResolvedMirror[];
}

/** A mirroring rule of the card. */
export interface ResolvedMirror {
  to: VPortRef;
  receivedBy: VPortRef[];
  sentBy: VPortRef[];
  uplink: boolean;
  downlink: boolean;
  /** Ascending. */
  vlans: number[];
}

/** The physical port. */
export interface ResolvedPort {
  pause: PauseUse;
  /** Priorities with priority flow control, in ascending order. */
  pfc: number[];
  /** Only if classes do not divide it. */
  transmitBuffer?: 'shared';
  /** Null: as much as headroom leaves. */
  xoffKiB: number | null;
  xonKiB: number | null;
  fec: Fec;
  cableMetres: number;
  /** Only if it is not store-and-forward. */
  switching?: Exclude<Switching, 'store-and-forward'>;
  /** Only with cut-through, and if it is set. */
  transmitThresholdBytes?: number;
  /** Only if some are bad. */
  badFcsEvery?: number;
  /** Only if it is not by order of arrival. */
  arbitration?: Exclude<SwitchArbitration, 'arrival'>;
  /** Only with `weighted`. */
  wireShare?: number;
}

/** The Physical Function's own network interface. */
export interface ResolvedHostInterface {
  mac: string;
  /** Port VLAN, or null. */
  vlan: number | null;
  driver: DriverKind;
  ringSize: number;
}

/** A virtual machine. */
export interface ResolvedGuest {
  name: string;
  memoryMiB: number;
  pageSize: PageSize;
  driver: DriverKind;
  ringSize: number;
  /** Numbers of its VFs, in the order in which `guest.0`, `guest.1`, ... count them. */
  vfs: number[];
}

/** A Virtual Function that is enabled. */
export interface ResolvedVf {
  vf: number;
  /** As in reports: `a` for the only VF of guest a, `a.1` for one of several, `VF 5` for one that no guest has. */
  name: string;
  /** Index of its guest, or null. */
  guest: number | null;
  mac: string;
  /** Port VLAN, or null. */
  vlan: number | null;
  /** Only where it was given. */
  vlanPriority?: number;
  trustedVlans: number[];
  spoofCheck: boolean;
  /** Transmit rates in Mb/s; 0 for none. */
  maxTxMbps: number;
  minTxMbps: number;
  trafficClass: number;
  trust: boolean;
  private: boolean;
  /** Only where it was given. */
  forwarding?: ResolvedForwarding;
  /** Only if it does. */
  selfDelivery?: true;
  /** Null for all. */
  allowedVlans: number[] | null;
  /** Frames a second; null for any number. */
  stormLimits: { broadcast: number | null; multicast: number | null; unknownUnicast: number | null };
}

/** Where the frames of a VF go, whatever the card's own mode is. */
export type ResolvedForwarding = Loopback | 'port' | { to: VPortRef; port: boolean };

/** A VPort: one of a VF's, or the PF's own. */
export type VPortRef = { kind: 'vf'; vf: number } | { kind: 'pf' };

/** Something that sends and receives. The PF is the host's own interface, the port stands for what is beyond it. */
export type EndpointRef = VPortRef | { kind: 'port' };

/** Whom a flow is meant for; `mac` is an address that nobody in the scenario has. */
export type TargetRef = EndpointRef | { kind: 'broadcast' } | { kind: 'multicast' } | { kind: 'mac' };

/** Sizes with the FCS: drawn from a weighted list, or from a range with both ends. */
export type FrameSizes =
  | { kind: 'mix'; sizes: WeightedSize[] }
  | { kind: 'uniform'; min: number; max: number };

/** How fast a flow sends: a mean rate, or whatever goes. */
export type FlowRate = { kind: 'rate'; framesPerSecond: number; arrivals: Arrivals } | { kind: 'saturate' };

/** One traffic entry. Times count from the moment at which the guests are up. */
export interface ResolvedFlow {
  name: string;
  from: EndpointRef;
  to: TargetRef;
  sourceMac: string;
  destinationMac: string;
  sizes: FrameSizes;
  /** Tag that the sender puts on, or null. */
  vlan: number | null;
  /** Priority in that tag, or null. */
  priority: number | null;
  /** Only of a flow that is ECN-capable. */
  ecn?: EcnCapable;
  rate: FlowRate;
  startPs: number;
  /** At most the end of the run. */
  stopPs: number;
  /** Frames at most, or null. */
  count: number | null;
}

/** One capture to send again. Its frames are kept beside the scenario. */
export interface ResolvedCapture {
  file: string;
  /** Length and CRC-32 of the file, so that a report says what was sent. */
  fileBytes: number;
  fileCrc32: string;
  /** Frames that pass the filter. */
  frames: number;
  from: EndpointRef;
  timing: { kind: 'recorded'; speedup: number } | { kind: 'rate'; framesPerSecond: number };
  startPs: number;
  loop: number;
  filter: { source: string | null; destination: string | null };
}

/** A fault on demand. Times count from the instant at which the guests are up, or from power-on. */
export interface ResolvedFault {
  kind: FaultKind;
  /** Null: by chance. */
  atPs: number | null;
  /** Of each trial from `fromPs` to `toPs`; 0 for a fault at a time. */
  probability: number;
  /** Of each bit, of a fault that has no other chance; else 0. */
  bitErrorRate: number;
  fromPs: number;
  /** Null: at the end of the run. */
  toPs: number | null;
  since: 'start' | 'power-on';
  /** Null: any function. */
  target: VPortRef | null;
  /** Null: any. */
  direction: FaultDirection | null;
  /** How long it lasts; 0 for one that does not. */
  forPs: number;
  factor: number;
}
