import type { Fec, SwitchArbitration, Switching } from '../nic/index.ts';
import type { VirtualTagKind } from '../nicswitch/index.ts';

/** What a user types: every field has a default except the two ends of a traffic entry and the file of a capture. */

/** A scenario as it is written in a file. `parseScenario` checks one, {@link resolveScenario} fills it in. */
export interface Scenario {
  /** Where an editor finds the JSON Schema. Not read. */
  $schema?: string;
  name?: string;
  description?: string;
  /** Seed of every random stream, an integer from 0 to 2^53 - 1. Default 1. */
  seed?: number;
  host?: HostOptions;
  nic?: NicOptions;
  /** The links between root port and card. Default: as the card and the host are. */
  pcie?: PcieOptions;
  guests?: GuestOptions[];
  hostInterface?: HostInterfaceOptions;
  /** Whether a bridge stands between the card and the station at the port, and which. Default `none`. */
  adjacentBridge?: BridgeKind;
  traffic?: TrafficOptions[];
  captures?: CaptureOptions[];
  /** What shall go wrong, and when. */
  faults?: FaultOptions[];
  /** Simulated time that carries traffic but is not measured, in ms. Default 0.2. */
  warmUpMs?: number;
  /** Simulated time that is measured, in ms. Default 2. */
  durationMs?: number;
}

/** The machine around the card. */
export interface HostOptions {
  /** Timing of the root complex, the memory and the IOMMU. Default `xeon-e5-v4`. */
  profile?: string;
  /** Whether DMA goes through second-stage translation. Default true. */
  iommu?: boolean;
  /** Memory that the guests and the host share, in GiB. Default 64. */
  memoryGiB?: number;
}

/** The link of the card, and what there is between it and the root port. */
export interface PcieOptions {
  /** 1 to 6: 2.5, 5, 8, 16, 32 or 64 GT/s a lane. Default: the card's. */
  generation?: number;
  /** 1, 2, 4, 8, 12, 16 or 32. Default: the card's. */
  lanes?: number;
  /** Max_Payload_Size: a power of two from 128 on, as far as the card can. Default: what card and host can. */
  maxPayloadBytes?: number;
  /** Max_Read_Request_Size: a power of two from 128 to 4,096. Default: what card and host can. */
  maxReadRequestBytes?: number;
  /** Where the root complex cuts completions: 64 or 128. Default: the host's. */
  readCompletionBoundary?: number;
  /** What the root port advertises for requests that come up. Default: the host's. */
  rootCredits?: RootCreditOptions;
  /** A switch between root port and card. Default: none. */
  switch?: CardSwitchOptions;
}

/** Flow control credits of a root port, at least those of one request; data in units of 16 bytes. */
export interface RootCreditOptions {
  postedHeaders?: number;
  postedData?: number;
  nonPostedHeaders?: number;
}

/** A PCI Express switch with the card below its only downstream port. */
export interface CardSwitchOptions {
  /** `cut-through` passes a TLP on when its header is there, `store-and-forward` when all of it is. Default `cut-through`. */
  forwarding?: SwitchForwarding;
  /** From that moment to the first symbol of the TLP at the other port. Default 100. */
  latencyNs?: number;
  /** Of the link to the root port. Default: the card's, 5 at most. */
  generation?: number;
  /** Of that link. Default: the card's. */
  lanes?: number;
  /** Whether its downstream port has access control services. Default true. */
  acs?: boolean;
}

/** When a switch passes TLPs on. */
export type SwitchForwarding = 'cut-through' | 'store-and-forward';

/** The card and how its Physical Function is set up. */
export interface NicOptions {
  /** Default `intel-82599`. */
  profile?: string;
  /** Virtual Functions to enable. Default: as many as the guests use. */
  vfs?: number;
  /** Whether the slot forwards ARI, which moves the VFs' Routing IDs. Default true. */
  ari?: boolean;
  /** `veb` switches between VPorts inside the card, `vepa` sends everything to the port. Default `veb`. */
  loopback?: Loopback;
  /** Rate of the physical port in Gb/s. Default: the fastest of the profile. */
  linkGbps?: number;
  /** Largest layer 3 packet in bytes; a frame has 18 more, and 4 more still with a VLAN tag. Default 1500. */
  mtu?: number;
  /** The physical port and its cable. */
  port?: PortOptions;
  /**
   * Makes the card a port extender with that tag, and the bridge at the other end of the wire the one that decides; on
   * the generic profiles. Default: it is none.
   */
  portExtender?: VirtualTagKind;
  /** Rules that copy frames to one VPort more; as many as the card has. Default: none. */
  mirrors?: MirrorOptions[];
}

/**
 * A mirroring rule: frames that any of its conditions holds for are copied to `to`, each once. VPorts are named as in
 * traffic: `host`, a guest (its first VF) or `guest.N`.
 */
export interface MirrorOptions {
  /** Who gets the copies. */
  to: string;
  /** Frames that one of these receives, from wherever they are. */
  receivedBy?: string[];
  /** Frames that one of these sends; on the generic profiles. */
  sentBy?: string[];
  /** Frames from the wire that some VPort receives. Default false. */
  uplink?: boolean;
  /** Frames of VPorts that go to the wire. Default false. */
  downlink?: boolean;
  /** Tagged frames of these VLANs, received by somebody or not. */
  vlans?: number[];
}

/** How traffic classes use the transmit packet buffer. */
export type TransmitBufferUse = 'divided' | 'shared';

/** The physical port: flow control, cable, forward error correction. Both of its ends are set up alike. */
export interface PortOptions {
  /**
   * PAUSE of IEEE 802.3: the card heeds it (`receive`), sends it (`send`), or both. While it sends it no receive
   * queue drops. Default `none`.
   */
  pause?: PauseUse;
  /**
   * Priorities with priority flow control (IEEE 802.1Qbb), which the card heeds and sends; each has a part of
   * the receive buffer of its own, the others share one. Default: none.
   */
  pfc?: number[];
  /**
   * With `pfc`, whether traffic classes of VFs have parts of the transmit buffer, so that one that is stopped
   * holds up no other, or share it. Default `divided`.
   */
  transmitBuffer?: TransmitBufferUse;
  /** KiB of a class in the receive buffer from which on its sender is stopped. Default: headroom is enough. */
  xoffKiB?: number;
  /** KiB below which it goes on. Default: half of `xoffKiB`. */
  xonKiB?: number;
  /** Forward error correction: `none`, `base-r` at 25 and 40 Gb/s, `rs` at 25 and 100 Gb/s. Default `none`. */
  fec?: Fec;
  /** Length of the cable in metres. Default 0. */
  cableMetres?: number;
  /**
   * Whether frames from and to the wire go on when they are whole, or after their header; the latter with
   * `generic-100g`. Default `store-and-forward`.
   */
  switching?: Switching;
  /** With `cut-through`: bytes of a frame in the card before the wire begins with it. Default 256. */
  transmitThresholdBytes?: number;
  /** Every so manieth frame of the station comes with a wrong frame check sequence. Default: none. */
  badFcsEvery?: number;
  /** Who goes next where frames of several ports wait for the switch's pipeline. Default `arrival`. */
  arbitration?: SwitchArbitration;
  /** Per cent of the pipeline's time that the wire has under overload, with `weighted`. Default 50. */
  wireShare?: number;
}

/** How a guest's or the host's network driver works. */
export interface DriverOptions {
  /** `interrupt` sleeps until MSI-X wakes it, `poll` never sleeps. Default `interrupt`. */
  driver?: DriverKind;
  /** Descriptors of each transmit and each receive ring: 64, 128, 256, 512, 1024, 2048 or 4096. Default 512. */
  ringSize?: number;
}

/** A virtual machine and the Virtual Functions given to it. */
export interface GuestOptions extends DriverOptions {
  /** Default `guest1`, `guest2`, ... */
  name?: string;
  /** How many of the next free VFs, or one entry a VF. Default 1. */
  vfs?: number | VfOptions[];
  /** Guest memory in MiB. Default 16. */
  memoryMiB?: number;
  /** Size of the pages that map guest memory in the IOMMU. Default `4K`. */
  pageSize?: PageSize;
}

/** One Virtual Function and what the hypervisor sets for it through the Physical Function. */
export interface VfOptions {
  /** Number of the VF, from 0. Default: the next free one. */
  vf?: number;
  /** Unicast address. Default: 02:00:00:00:GG:II from the guest's number, from 1, and the VF's place in the guest. */
  mac?: string;
  /** Port VLAN that the card inserts and removes. Default: none. */
  vlan?: number;
  /** Priority of untagged frames in the port VLAN, 0 to 7; those with a priority tag (VLAN 0) keep theirs. Default 0. */
  vlanPriority?: number;
  /** VLANs whose tags the guest may use itself. Default: none. */
  trustedVlans?: number[];
  /** Whether the card drops frames with a source address that is not the VF's. Default true. */
  spoofCheck?: boolean;
  /** The VF sends at most so many Mb/s (layer 2). Default: no limit. */
  maxTxMbps?: number;
  /** The VF can send at least so many Mb/s while all want more. Default: none. */
  minTxMbps?: number;
  /** Traffic class, 0 to 7; frames of a higher one go first. Default 0. */
  class?: number;
  /** Whether its guest may take other addresses and receive all groups. Default false. */
  trust?: boolean;
  /** Where the frames that it sends go; on the generic profiles. Default: as `loopback` of the card says. */
  forwarding?: Forwarding;
  /** Whether it gets what it sends to all or to its own address (82599: PFVMTXSW). Default false. */
  selfDelivery?: boolean;
  /** Whether it exchanges frames with the port and the host only, and not with other VFs. Default false. */
  private?: boolean;
  /** VLANs that tagged frames from and to it may have. Default: all. */
  allowedVlans?: number[];
  /** Frames of a kind that it may send in a second. Default: any number. */
  stormLimits?: StormLimits;
}

/** Frames a second to all, to groups, and to addresses that no filter of the card names. */
export interface StormLimits {
  broadcast?: number;
  multicast?: number;
  unknownUnicast?: number;
}

/** The Physical Function's own network interface, the default VPort. */
export interface HostInterfaceOptions extends DriverOptions {
  /** Unicast address. Default 02:00:00:00:00:00. */
  mac?: string;
  /** Port VLAN of the default VPort. Default: none. */
  vlan?: number;
}

/** A stream of synthetic frames. Exactly one of `ratePps`, `rateMbps` and `saturate` is given. */
export interface TrafficOptions {
  /** Default: `FROM to TO`. */
  name?: string;
  /** `host`, `port`, a guest (its first VF) or `guest.N` (its VF number N, from 0). */
  from: string;
  /** As `from`, or `broadcast`, `multicast` or a MAC address. */
  to: string;
  /** Frame sizes as the sender hands them over: from the destination address to the FCS. Default 64. */
  frameBytes?: FrameBytes;
  /** VLAN that the sender tags its frames with. Default: untagged. */
  vlan?: number;
  /** Priority in the frames' tag, 0 to 7; without `vlan` the tag is a priority tag (VLAN 0). Default: as it is without. */
  priority?: number;
  /** Whether its IP headers say that marks are understood: ECT(0) (also `true`) or ECT(1). Default: they do not. */
  ecn?: EcnCapable | true;
  /** Frames a second. */
  ratePps?: number;
  /** Megabits a second, FCS included, preamble and gap not. */
  rateMbps?: number;
  /** As fast as the sender can. */
  saturate?: true;
  /** Gaps between the frames of a rate. Default `constant`. */
  arrivals?: Arrivals;
  /** Start, in ms after the guests are up. Default 0. */
  startMs?: number;
  /** End, in ms after the guests are up. Default: the end of the run. */
  stopMs?: number;
  /** Frames after which the entry falls silent. Default: no limit. */
  count?: number;
}

/** A recorded capture that an endpoint sends again. */
export interface CaptureOptions {
  /** pcap or pcapng, relative to the scenario file. */
  file: string;
  /** Who sends the frames. Default `port`. */
  from?: string;
  /** When: as recorded, at a constant rate, or as recorded but `speedup` times as fast. Default `recorded`. */
  timing?: CaptureTiming;
  /** Start, in ms after the guests are up. Default 0. */
  startMs?: number;
  /** How often the capture is sent. Default 1. */
  loop?: number;
  /** Only frames with these addresses. Default: all. */
  filter?: CaptureFilter;
}

/** What can go wrong on demand. */
export type FaultKind =
  | 'bit-error'
  | 'link-down'
  | 'surprise-removal'
  | 'iommu-fault'
  | 'poisoned-data'
  | 'lost-completion'
  | 'slow-memory'
  | 'flr';

/** What a fault meets: reads or writes of a device, or a direction of the link. */
export type FaultDirection = 'read' | 'write' | 'upstream' | 'downstream';

/**
 * A fault: once at `atMs`, or by chance with `probability` from `fromMs` to `toMs`. Of faults that meet a request, each
 * request that fits is a trial, and `atMs` means the first one from then on; of the others each microsecond is.
 */
export interface FaultOptions {
  kind: FaultKind;
  /** When, in ms after the guests are up. */
  atMs?: number;
  /** Chance of each trial, above 0. */
  probability?: number;
  /** Bit errors: chance of each bit of the packets that are sent, TLPs and DLLPs alike, above 0. */
  bitErrorRate?: number;
  /** With `probability` or `bitErrorRate`: when it begins, in ms after the guests are up. Default 0. */
  fromMs?: number;
  /** With `probability` or `bitErrorRate`: when it ends. Default: the end of the run. */
  toMs?: number;
  /** What times count from; from power-on they reach into the boot. Default `start`. */
  since?: 'start' | 'power-on';
  /** The function that it meets: `host` (the PF), a guest (its first VF) or `guest.N`. */
  target?: string;
  direction?: FaultDirection;
  /** How long it lasts, in ms. */
  forMs?: number;
  /** Slow memory: every access takes so many times as long. Default 10. */
  factor?: number;
}

/**
 * Frame sizes in bytes with the FCS: one size; the simple IMIX (64, 594 and 1518 bytes as 7 : 4 : 1); a weighted list;
 * or every size of a range alike.
 */
export type FrameBytes = number | { imix: true } | WeightedSize[] | { min: number; max: number };

/** One size of a mix and how often it comes up beside the others. */
export interface WeightedSize {
  bytes: number;
  weight: number;
}

/** Addresses that a frame of a capture must have to be sent. */
export interface CaptureFilter {
  source?: string;
  destination?: string;
}

/** When the frames of a capture are sent. */
export type CaptureTiming = 'recorded' | { ratePps: number } | { speedup: number };

/** What a port does with PAUSE frames. */
export type PauseUse = 'none' | 'receive' | 'send' | 'both';

/**
 * What the card's cable leads to: the station itself, or a bridge that learns addresses, with the station behind it. A
 * bridge with reflective relay sends frames back to the card that came from there (IEEE 802.1Qbg).
 */
export type BridgeKind = 'none' | 'plain' | 'reflective-relay';

/** Whether the card switches between its own VPorts. */
export type Loopback = 'veb' | 'vepa';

/**
 * Where the frames of a VF go: to VPorts and the wire as a bridge has it (`veb`), all to the wire and back from an
 * adjacent bridge (`vepa`), all to the wire with nothing expected back (`port`), or all to one VPort, with `port` to
 * the wire as well.
 */
export type Forwarding = Loopback | 'port' | { to: string; port?: boolean };

/** How a driver learns of its work. */
export type DriverKind = 'interrupt' | 'poll';

/** Page sizes of a guest's second-stage table. */
export type PageSize = '4K' | '2M';

/** How an IP packet says that its transport understands ECN marks (RFC 3168). */
export type EcnCapable = 'ect0' | 'ect1';

/** Gaps between frames: all alike, or exponentially distributed. */
export type Arrivals = 'constant' | 'poisson';
