import { CUT_THROUGH_BYTES, type Fec, type SwitchArbitration, type Switching } from '../nic/index.ts';
import { ETHERNET_HEADER_BYTES, FCS_BYTES } from '../wire/index.ts';
import type {
  Arrivals,
  BridgeKind,
  DriverKind,
  FaultDirection,
  FaultKind,
  Loopback,
  PageSize,
  PauseUse,
  TransmitBufferUse,
} from './scenario-types.ts';

/** What a scenario leaves out. The published JSON Schema states the same values. */
export const SCENARIO_DEFAULTS = {
  seed: 1,
  hostProfile: 'xeon-e5-v4',
  iommu: true,
  memoryGiB: 64,
  nicProfile: 'intel-82599',
  ari: true,
  loopback: 'veb' as Loopback,
  mtu: 1500,
  adjacentBridge: 'none' as BridgeKind,
  pause: 'none' as PauseUse,
  fec: 'none' as Fec,
  cableMetres: 0,
  transmitBuffer: 'divided' as TransmitBufferUse,
  switching: 'store-and-forward' as Switching,
  arbitration: 'arrival' as SwitchArbitration,
  wireShare: 50,
  vfsPerGuest: 1,
  memoryMiB: 16,
  pageSize: '4K' as PageSize,
  driver: 'interrupt' as DriverKind,
  ringSize: 512,
  spoofCheck: true,
  class: 0,
  trust: false,
  private: false,
  frameBytes: 64,
  arrivals: 'constant' as Arrivals,
  startMs: 0,
  captureFrom: 'port',
  faultSince: 'start' as const,
  factor: 10,
  forMs: 0.1,
  loop: 1,
  warmUpMs: 0.2,
  durationMs: 2,
};

/** Allowed ranges, both ends included. */
export const SCENARIO_RANGES = {
  seed: [0, Number.MAX_SAFE_INTEGER],
  memoryGiB: [1, 4096],
  // RFC 791: every link carries 68 bytes. 9710 + 18 = 9728 is the largest frame of the drivers for the 82599.
  // Drivers have buffers of 2 KiB and send a frame from one: no jumbo frames.
  mtu: [68, 1500],
  bufferKiB: [1, 65_536],
  // 40 km is the longest reach of an 802.3 port at these rates.
  cableMetres: [0, 40_000],
  wireShare: [1, 99],
  // From the header on; more than the longest frame is store-and-forward.
  transmitThresholdBytes: [CUT_THROUGH_BYTES, 2048],
  badFcsEvery: [1, 1_000_000_000],
  priority: [0, 7],
  memoryMiB: [4, 1_048_576],
  // 802.1Q: 0 is a priority tag, 4095 is reserved.
  vlan: [1, 4094],
  // What of these a card can do, its profile says.
  txMbps: [1, 1_000_000],
  class: [0, 7],
  // Whole frames a second, as the switch's token buckets count.
  stormPps: [0, 1_000_000_000],
  frameBytes: [64, 9732],
  weight: [1, 1_000_000],
  ratePps: [0.001, 1e9],
  rateMbps: [0.001, 1e6],
  speedup: [0.001, 1e6],
  timeMs: [0, 3_600_000],
  // A thousandth is 1 us: shorter runs measure nothing.
  durationMs: [0.001, 3_600_000],
  count: [1, Number.MAX_SAFE_INTEGER],
  loop: [1, 1_000_000],
  // 32 bits of a random number decide.
  probability: [1e-9, 1],
  // With more, long TLPs would hardly ever arrive.
  bitErrorRate: [1e-12, 1e-4],
  // A thousandfold of a memory access is a fifth of a millisecond.
  factor: [1, 1000],
} as const satisfies Record<string, readonly [number, number]>;

/** What can go wrong on demand. */
export const FAULT_KINDS = [
  'bit-error',
  'link-down',
  'surprise-removal',
  'iommu-fault',
  'poisoned-data',
  'lost-completion',
  'slow-memory',
  'flr',
] as const satisfies FaultKind[];

/** What a fault meets. */
export const FAULT_DIRECTIONS = [
  'read',
  'write',
  'upstream',
  'downstream',
] as const satisfies FaultDirection[];

/** Descriptors of a ring: drivers for the 82599 allow 64 to 4096, and those of this project count modulo a power of two. */
export const RING_SIZES = [64, 128, 256, 512, 1024, 2048, 4096] as const;

/** Header and FCS around a packet of MTU size. */
export const FRAME_OVERHEAD_BYTES = ETHERNET_HEADER_BYTES + FCS_BYTES;

/** The simple IMIX: IP packets of 40 (padded), 576 and 1500 bytes as 7 : 4 : 1, in Ethernet frames. */
export const SIMPLE_IMIX = [
  { bytes: 64, weight: 7 },
  { bytes: 594, weight: 4 },
  { bytes: 1518, weight: 1 },
] as const;

/** Names that mean something else where an endpoint is expected. */
export const RESERVED_NAMES = ['host', 'port', 'broadcast', 'multicast'] as const;

/** The station at the far end of the physical port. */
export const STATION_MAC = '02:00:00:ff:00:01';
export const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';
/** The group that multicast traffic is sent to: 224.0.0.1, all hosts. */
export const MULTICAST_MAC = '01:00:5e:00:00:01';
