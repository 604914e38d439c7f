import * as z from 'zod/mini';
import { SWITCH_ARBITRATIONS, SWITCHINGS } from '../nic/index.ts';
import {
  endpoint,
  flag,
  integer,
  list,
  number,
  object,
  oneOf,
  oneOfNumbers,
  optional,
  type Schema,
  saying,
  text,
  union,
} from './scenario-fields.ts';
import {
  SCENARIO_DEFAULTS as DEFAULTS,
  FAULT_DIRECTIONS,
  FAULT_KINDS,
  SCENARIO_RANGES as RANGES,
  RING_SIZES,
} from './scenario-limits.ts';
import { pcieSchema } from './scenario-pcie-schema.ts';
import { HOST_PROFILE_NAMES, NIC_PROFILE_NAMES } from './scenario-profiles.ts';
import type {
  CaptureFilter,
  CaptureOptions,
  CaptureTiming,
  FaultOptions,
  Forwarding,
  FrameBytes,
  GuestOptions,
  HostInterfaceOptions,
  HostOptions,
  MirrorOptions,
  NicOptions,
  PortOptions,
  Scenario,
  StormLimits,
  TrafficOptions,
  VfOptions,
} from './scenario-types.ts';

// The message of every issue is the text of what is allowed; the parser says what is wrong in its own words.
// Defaults are stated for the reader of the JSON Schema and filled in when the scenario is resolved.

const ENDPOINT = 'host, port, the name of a guest or GUEST.N';
const VPORT = 'host, the name of a guest or GUEST.N';
const GUEST_NAME = 'a letter, then up to 31 letters, digits, _ or -';
const MAC = 'a MAC address such as 02:00:00:00:01:00';

const vlanId = (about: string) => integer(RANGES.vlan, about);

const macAddress = (about: string) =>
  z
    .string(saying(MAC))
    .check(
      z.regex(/^[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(\1[0-9A-Fa-f]{2}){4}$/, saying(MAC)),
      z.describe(about),
    );

/** A machine around the card, in a file. */
export const hostSchema: Schema<HostOptions> = object({
  profile: optional(
    oneOf(HOST_PROFILE_NAMES, 'Timing of root complex, memory and IOMMU.'),
    DEFAULTS.hostProfile,
  ),
  iommu: optional(flag('Whether DMA goes through second-stage translation.'), DEFAULTS.iommu),
  memoryGiB: optional(
    integer(RANGES.memoryGiB, 'Memory of guests and host together, in GiB.'),
    DEFAULTS.memoryGiB,
  ),
});

/** The physical port, in a file. */
export const portSchema: Schema<PortOptions> = object({
  pause: optional(
    oneOf(['none', 'receive', 'send', 'both'], 'PAUSE frames that the card heeds and sends.'),
    DEFAULTS.pause,
  ),
  pfc: optional(
    list(integer(RANGES.priority, 'A priority.'), 'Priorities with priority flow control. Default: none.'),
  ),
  transmitBuffer: optional(
    oneOf(['divided', 'shared'], 'With pfc, whether classes of VFs have parts of the transmit buffer.'),
    DEFAULTS.transmitBuffer,
  ),
  xoffKiB: optional(
    integer(
      RANGES.bufferKiB,
      'KiB of a class in the receive buffer that stop its sender. Default: headroom is enough.',
    ),
  ),
  xonKiB: optional(
    integer(RANGES.bufferKiB, 'KiB below which the sender goes on. Default: half of xoffKiB.'),
  ),
  fec: optional(oneOf(['none', 'base-r', 'rs'], 'Forward error correction.'), DEFAULTS.fec),
  cableMetres: optional(number(RANGES.cableMetres, 'Length of the cable.'), DEFAULTS.cableMetres),
  switching: optional(
    oneOf(
      SWITCHINGS,
      'Whether frames from and to the wire go on when they are whole, or after their header.',
    ),
    DEFAULTS.switching,
  ),
  transmitThresholdBytes: optional(
    integer(
      RANGES.transmitThresholdBytes,
      'Bytes of a frame in the card before the wire begins with it, with `cut-through`. Default: 256.',
    ),
  ),
  badFcsEvery: optional(
    integer(
      RANGES.badFcsEvery,
      'Every so manieth frame of the station comes with a wrong frame check sequence. Default: none.',
    ),
  ),
  arbitration: optional(
    oneOf(SWITCH_ARBITRATIONS, "Who goes next where frames of several ports wait for the switch's pipeline."),
    DEFAULTS.arbitration,
  ),
  wireShare: optional(
    number(
      RANGES.wireShare,
      "Per cent of the pipeline's time that the wire has under overload, with `weighted`. Default: 50.",
    ),
  ),
});

/** A mirroring rule, in a file. */
export const mirrorSchema: Schema<MirrorOptions> = object({
  to: endpoint(VPORT, 'Who gets the copies.'),
  receivedBy: optional(list(endpoint(VPORT, 'A VPort.'), 'Frames that one of these receives.')),
  sentBy: optional(list(endpoint(VPORT, 'A VPort.'), 'Frames that one of these sends.')),
  uplink: optional(flag('Frames from the wire that some VPort receives.'), false),
  downlink: optional(flag('Frames of VPorts that go to the wire.'), false),
  vlans: optional(list(vlanId('A VLAN.'), 'Tagged frames of these VLANs, received by somebody or not.')),
});

/** The card, in a file. */
export const nicSchema: Schema<NicOptions> = object({
  profile: optional(oneOf(NIC_PROFILE_NAMES, 'The card.'), DEFAULTS.nicProfile),
  vfs: optional(integer([0, 65_535], 'Virtual Functions to enable. Default: as many as the guests use.')),
  ari: optional(flag('Whether the slot forwards ARI.'), DEFAULTS.ari),
  loopback: optional(
    oneOf(['veb', 'vepa'], 'veb switches inside the card, vepa sends everything to the port.'),
    DEFAULTS.loopback,
  ),
  linkGbps: optional(number([0.001, 1000], 'Rate of the port in Gb/s. Default: the fastest of the profile.')),
  mtu: optional(integer(RANGES.mtu, 'Largest layer 3 packet in bytes.'), DEFAULTS.mtu),
  port: optional(portSchema),
  portExtender: optional(
    oneOf(
      ['etag', 'vntag'],
      'Tag of a port extender (IEEE 802.1BR, VN-Tag): a controlling bridge at the wire decides. Default: none.',
    ),
  ),
  mirrors: optional(list(mirrorSchema, 'Rules that copy frames to one VPort more. Default: none.')),
});

const driverShape = {
  driver: optional(oneOf(['interrupt', 'poll'], 'How the driver learns of its work.'), DEFAULTS.driver),
  ringSize: optional(oneOfNumbers(RING_SIZES, 'Descriptors of each ring.'), DEFAULTS.ringSize),
};

const stormLimit = (about: string) => optional(integer(RANGES.stormPps, about));

/** Storm limits of a VF, in a file. */
export const stormLimitsSchema: Schema<StormLimits> = object({
  broadcast: stormLimit('Frames to all that it may send in a second. Default: any number.'),
  multicast: stormLimit('Frames to groups. Default: any number.'),
  unknownUnicast: stormLimit('Frames to addresses that no filter of the card names. Default: any number.'),
});

/** Where the frames of a VF go, in a file. */
export const forwardingSchema: Schema<Forwarding> = union(
  [
    oneOf(['veb', 'vepa', 'port'], 'Where its frames go. Default: as `nic.loopback` says.'),
    object({
      to: endpoint(VPORT, 'The VPort that gets all its frames.'),
      port: optional(flag('Whether they go to the wire as well.'), false),
    }).check(z.describe('An object: all to one VPort.')),
  ],
  '"veb", "vepa", "port" or { "to", "port" }',
);

/** One VF of a guest, in a file. */
export const vfSchema: Schema<VfOptions> = object({
  vf: optional(integer([0, 65_535], 'Number of the VF. Default: the next free one.')),
  mac: optional(macAddress('Unicast address. Default: made from the numbers of guest and VF.')),
  vlan: optional(vlanId('Port VLAN that the card inserts and removes. Default: none.')),
  vlanPriority: optional(
    integer(
      RANGES.priority,
      'Priority of untagged frames in the port VLAN; priority tags keep theirs. Default: 0.',
    ),
  ),
  trustedVlans: optional(
    list(vlanId('A VLAN.'), 'VLANs whose tags the guest may use itself. Default: none.'),
  ),
  spoofCheck: optional(
    flag('Whether frames with a foreign source address are dropped.'),
    DEFAULTS.spoofCheck,
  ),
  maxTxMbps: optional(
    integer(RANGES.txMbps, 'The VF sends at most so many Mb/s, counted as layer 2. Default: no limit.'),
  ),
  minTxMbps: optional(
    integer(RANGES.txMbps, 'The VF can send at least so many Mb/s while all want more. Default: none.'),
  ),
  class: optional(integer(RANGES.class, 'Traffic class; frames of a higher one go first.'), DEFAULTS.class),
  trust: optional(flag('Whether the guest may take other addresses and receive all groups.'), DEFAULTS.trust),
  forwarding: optional(forwardingSchema),
  selfDelivery: optional(flag('Whether it gets what it sends to all or to its own address.'), false),
  private: optional(
    flag('Whether it exchanges frames with the port and the host only, not with other VFs.'),
    DEFAULTS.private,
  ),
  allowedVlans: optional(
    list(vlanId('A VLAN.'), 'VLANs that tagged frames from and to it may have. Default: all.'),
  ),
  stormLimits: optional(stormLimitsSchema),
});

/** A guest, in a file. */
export const guestSchema: Schema<GuestOptions> = object({
  name: optional(
    z
      .string(saying(GUEST_NAME))
      .check(
        z.regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/, saying(GUEST_NAME)),
        z.describe('Default: guest1, guest2, ...'),
      ),
  ),
  vfs: optional(
    union(
      [integer([0, 65_535], 'How many of the next free VFs.'), list(vfSchema, 'One entry a VF.')],
      'a number of VFs, or a list with one entry a VF',
    ),
    DEFAULTS.vfsPerGuest,
  ),
  memoryMiB: optional(integer(RANGES.memoryMiB, 'Guest memory in MiB.'), DEFAULTS.memoryMiB),
  pageSize: optional(oneOf(['4K', '2M'], 'Pages that map guest memory in the IOMMU.'), DEFAULTS.pageSize),
  ...driverShape,
});

/** The PF's own network interface, in a file. */
export const hostInterfaceSchema: Schema<HostInterfaceOptions> = object({
  mac: optional(macAddress('Unicast address.')),
  vlan: optional(vlanId('Port VLAN of the default VPort. Default: none.')),
  ...driverShape,
});

const frameSize = (about: string) => integer(RANGES.frameBytes, about);

/** Frame sizes of a traffic entry, in a file. */
export const frameBytesSchema: Schema<FrameBytes> = union(
  [
    frameSize('One size.'),
    object({
      imix: z.literal(true, saying('true')).check(z.describe('64, 594 and 1518 bytes as 7 : 4 : 1.')),
    }),
    object({ min: frameSize('Smallest size.'), max: frameSize('Largest size.') }),
    list(
      object({
        bytes: frameSize('A size.'),
        weight: integer(RANGES.weight, 'How often, beside the others.'),
      }),
      'A weighted mix.',
    ).check(z.minLength(1, saying('at least one size'))),
  ],
  'a size, { "imix": true }, { "min", "max" } or a list of { "bytes", "weight" }',
);

/** A traffic entry, in a file. */
export const trafficSchema: Schema<TrafficOptions> = object({
  name: optional(text('Default: FROM to TO.')),
  from: endpoint(ENDPOINT, 'Who sends.'),
  to: endpoint(`${ENDPOINT}, broadcast, multicast or a MAC address`, 'Who is meant to receive.'),
  frameBytes: optional(frameBytesSchema, DEFAULTS.frameBytes),
  vlan: optional(vlanId('VLAN that the sender tags its frames with. Default: untagged.')),
  priority: optional(
    integer(RANGES.priority, 'Priority in the tag; without vlan a priority tag. Default: as without.'),
  ),
  ecn: optional(
    union(
      [
        z.literal(true, saying('true')).check(z.describe('`true` is `ect0`.')),
        oneOf(['ect0', 'ect1'], 'IP headers say that ECN marks are understood. Default: they do not.'),
      ],
      'true, ect0, ect1',
    ),
  ),
  ratePps: optional(number(RANGES.ratePps, 'Frames a second.')),
  rateMbps: optional(number(RANGES.rateMbps, 'Megabits a second, FCS included, preamble and gap not.')),
  saturate: optional(z.literal(true, saying('true')).check(z.describe('As fast as the sender can.'))),
  arrivals: optional(oneOf(['constant', 'poisson'], 'Gaps between the frames of a rate.'), DEFAULTS.arrivals),
  startMs: optional(number(RANGES.timeMs, 'Start, in ms after the guests are up.'), DEFAULTS.startMs),
  stopMs: optional(number(RANGES.timeMs, 'End, in ms after the guests are up. Default: the end of the run.')),
  count: optional(integer(RANGES.count, 'Frames after which the entry falls silent. Default: no limit.')),
});

const captureTimingSchema: Schema<CaptureTiming> = union(
  [
    oneOf(['recorded'], 'As recorded.'),
    object({ ratePps: number(RANGES.ratePps, 'At a constant rate, in frames a second.') }),
    object({ speedup: number(RANGES.speedup, 'As recorded, but so many times as fast.') }),
  ],
  '"recorded", { "ratePps": ... } or { "speedup": ... }',
);

const captureFilterSchema: Schema<CaptureFilter> = object({
  source: optional(macAddress('Only frames from this address.')),
  destination: optional(macAddress('Only frames to this address.')),
});

/** A capture to send again, in a file. */
export const captureSchema: Schema<CaptureOptions> = object({
  file: z
    .string(saying('the name of a pcap or pcapng file'))
    .check(
      z.minLength(1, saying('the name of a pcap or pcapng file')),
      z.describe('pcap or pcapng, relative to the scenario file.'),
    ),
  from: optional(endpoint(ENDPOINT, 'Who sends.'), DEFAULTS.captureFrom),
  timing: optional(captureTimingSchema, 'recorded'),
  startMs: optional(number(RANGES.timeMs, 'Start, in ms after the guests are up.'), DEFAULTS.startMs),
  loop: optional(integer(RANGES.loop, 'How often the capture is sent.'), DEFAULTS.loop),
  filter: optional(captureFilterSchema),
});

/** A fault on demand, in a file. */
export const faultSchema: Schema<FaultOptions> = object({
  kind: oneOf(FAULT_KINDS, 'What goes wrong.'),
  atMs: optional(number(RANGES.timeMs, 'When, in ms after the guests are up.')),
  probability: optional(number(RANGES.probability, 'Chance of each trial, instead of a time.')),
  bitErrorRate: optional(number(RANGES.bitErrorRate, 'Bit errors: chance of each bit, instead.')),
  fromMs: optional(number(RANGES.timeMs, 'Begin of the trials. Default: with the traffic.')),
  toMs: optional(number(RANGES.timeMs, 'End of the trials. Default: the end of the run.')),
  since: optional(
    oneOf(['start', 'power-on'], 'What its times count from: when the guests are up, or power-on.'),
    DEFAULTS.faultSince,
  ),
  target: optional(endpoint(VPORT, 'Whose requests it meets, or who is reset.')),
  direction: optional(oneOf(FAULT_DIRECTIONS, 'Which requests it meets. Default: any.')),
  forMs: optional(number(RANGES.durationMs, 'How long it lasts, if it does.')),
  factor: optional(number(RANGES.factor, 'How many times as long memory takes. Default: 10.')),
});

/** A whole scenario file. */
export const scenarioSchema: Schema<Scenario> = object({
  $schema: optional(text('Where an editor finds this schema.')),
  name: optional(text('A name for the report.')),
  description: optional(text('What the scenario is about.')),
  seed: optional(integer(RANGES.seed, 'Seed of every random stream.'), DEFAULTS.seed),
  host: optional(hostSchema),
  nic: optional(nicSchema),
  pcie: optional(pcieSchema),
  guests: optional(list(guestSchema, 'Virtual machines and their VFs.')),
  hostInterface: optional(hostInterfaceSchema),
  adjacentBridge: optional(
    oneOf(
      ['none', 'plain', 'reflective-relay'],
      'A bridge between card and station; with reflective relay it also sends back to the card (IEEE 802.1Qbg).',
    ),
    DEFAULTS.adjacentBridge,
  ),
  traffic: optional(list(trafficSchema, 'Streams of synthetic frames.')),
  captures: optional(list(captureSchema, 'Recorded captures to send again.')),
  faults: optional(list(faultSchema, 'What shall go wrong, and when.')),
  warmUpMs: optional(
    number(RANGES.timeMs, 'Simulated ms with traffic that are not measured.'),
    DEFAULTS.warmUpMs,
  ),
  durationMs: optional(number(RANGES.durationMs, 'Simulated ms that are measured.'), DEFAULTS.durationMs),
});

/** The JSON Schema (2020-12) of a scenario file, as published in `schema/scenario.schema.json`. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(scenarioSchema, {
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      if ((zodSchema as unknown) !== trafficSchema) return;
      jsonSchema.oneOf = ['ratePps', 'rateMbps', 'saturate'].map((key) => ({ required: [key] }));
    },
  });
  const { $schema, ...rest } = schema;
  return { $schema, title: 'sriovsim scenario', ...rest };
}
