import {
  completionCount,
  DATA_LINK_OVERHEAD_BYTES,
  HEADER_3DW_BYTES,
  linkPsPerByte,
  pcieBandwidth,
} from '../../pcie/index.ts';
import { combinations } from './combinations.ts';
import type { Experiment, ResultValue } from './experiment.ts';
import { LINK_PARAMETERS } from './link-parameters.ts';
import { LINK_END_PS, PEER_READ_PS, type PeerRedirect, PeerRig, ROOT_TURN_PS } from './peer-rig.ts';

const { lanes, mps, mrrs } = LINK_PARAMETERS;
const WARM_UP_PS = 10_000_000;
/** At least. */
const MEASURED_PS = 20_000_000;
/** A read's completions end at multiples of this at a device (PCIe 3.0 2.3.1.1). */
const BOUNDARY = 128;
const HEADER_BYTES = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;
/** Framing and header: what a switch waits for before it passes a TLP on. */
const HEAD_BYTES = 4 + HEADER_3DW_BYTES;

const NAMES = [
  'generation',
  'lanes',
  'mps',
  'mrrs',
  'forwarding',
  'switchNs',
  'tags',
  'operation',
  'redirect',
  'pairs',
  'sizes',
] as const;

interface Point {
  generation: number;
  lanes: number;
  mps: number;
  mrrs: number;
  forwarding: 'cut-through' | 'store-and-forward';
  switchNs: number;
  tags: number;
  operation: 'read' | 'write';
  redirect: PeerRedirect;
  pairs: number;
  sizes: number;
}

/** Device to device below a switch: directly, or redirected to the root complex by access control services. */
export const peerToPeerExperiment: Experiment = {
  name: 'peer-to-peer',
  summary:
    'Latency and throughput from device to device below a switch, directly and redirected through the root port.',
  note:
    'The closed form of the latency adds up symbols, switches and flights, without DLLPs; that of the throughput is the one of ' +
    'pcie-bandwidth, which charges more DLLPs than the simulated links send, or what the tags keep under way, without credits. ' +
    'A read of more requests than there are tags sends each of the others when an earlier one has its answers. ' +
    'Throughput is that of each pair; what is redirected shares the link of the root port.',
  parameters: {
    generation: { ...LINK_PARAMETERS.generation, range: [1, 5] },
    lanes,
    mps,
    mrrs,
    forwarding: {
      about: 'How the switch passes TLPs on.',
      default: ['cut-through'],
      allowed: ['cut-through', 'store-and-forward'],
    },
    switchNs: { about: 'Latency of the switch, in ns.', default: [100], range: [0, 10_000] },
    tags: { about: 'Reads that a device keeps under way.', default: [256], range: [1, 768] },
    operation: {
      about: 'What the first device of a pair does to the second.',
      default: ['write', 'read'],
      allowed: ['write', 'read'],
    },
    redirect: {
      about:
        'What goes through the root complex: nothing, requests (P2P Request Redirect), completions as well.',
      default: ['off', 'requests'],
      allowed: ['off', 'requests', 'all'],
    },
    pairs: { about: 'Pairs of devices that are busy at once.', default: [2], range: [1, 8] },
    sizes: {
      about: 'Bytes of each transfer, which begins with a BAR.',
      default: [64, 256, 1024, 4096],
      range: [1, 65_536],
    },
  },
  columns: [
    { name: 'generation', unit: '' },
    { name: 'lanes', unit: '' },
    { name: 'mps', unit: 'B' },
    { name: 'mrrs', unit: 'B' },
    { name: 'forwarding', unit: '' },
    { name: 'switchLatency', unit: 'ns' },
    { name: 'tags', unit: '' },
    { name: 'operation', unit: '' },
    { name: 'redirect', unit: '' },
    { name: 'pairs', unit: '' },
    { name: 'size', unit: 'B' },
    { name: 'closedLatency', unit: 'ns' },
    { name: 'latency', unit: 'ns' },
    { name: 'closedThroughput', unit: 'Gb/s' },
    { name: 'throughput', unit: 'Gb/s' },
  ],
  published: [
    {
      source: 'Product briefs of PCI Express switches: cut-through, x16 to x16, at most',
      columns: [
        { name: 'switch', unit: '' },
        { name: 'generation', unit: '' },
        { name: 'switchLatency', unit: 'ns' },
      ],
      rows: [
        ['PEX 8647', 2, 140],
        ['PEX 8747', 3, 100],
      ],
    },
  ],
  plot: {
    x: 'size',
    y: ['latency', 'closedLatency'],
    besides: ['closedThroughput', 'throughput'],
    title: 'Time from device to device, ns',
    logarithmic: true,
  },
  *run(values) {
    for (const point of combinations<Point>(values, NAMES)) yield rowOf(point);
  },
};

function rowOf(point: Point): ResultValue[] {
  const { generation, lanes, mps, mrrs, forwarding, switchNs, tags, operation, redirect, pairs, sizes } =
    point;
  const make = () =>
    new PeerRig({
      rate: { generation, lanes },
      mps,
      mrrs,
      switchTiming: { forwarding, latencyPs: 1000 * switchNs },
      redirect,
      pairs,
      tags,
      kind: operation,
      size: sizes,
    });
  return [
    ...[generation, lanes, mps, mrrs, forwarding, switchNs, tags, operation, redirect, pairs, sizes],
    rounded(closedLatency(point)),
    rounded(make().latency()),
    rounded(closedThroughput(point)),
    rounded(make().throughput(WARM_UP_PS, MEASURED_PS)),
  ];
}

/** Time of a transfer if nothing else is under way, in ns. */
function closedLatency(point: Point): number {
  const { mps, mrrs, operation, redirect, sizes: size } = point;
  const words = Math.ceil(size / 4) * 4;
  if (operation === 'write') {
    const count = Math.ceil(size / mps);
    return (
      wayPs(point, redirect !== 'off', count * HEADER_BYTES + words, HEADER_BYTES + Math.min(mps, words)) /
      1000
    );
  }
  // The first requests go ahead; their answers take longer than the requests. What finds no tag waits for the answers of an
  // earlier one.
  const ends: number[] = [];
  for (const [i, bytes] of requestsOf(size, mrrs).entries()) {
    const alone = readPs(point, bytes);
    const answered = i === 0 ? alone : ends[i - 1] + answerPs(point, bytes);
    ends.push(i < point.tags ? answered : Math.max(answered, ends[i - point.tags] + alone));
  }
  return ends[ends.length - 1] / 1000;
}

/** Bytes of the requests of a read. */
function requestsOf(size: number, mrrs: number): number[] {
  return Array.from({ length: Math.ceil(size / mrrs) }, (_, i) => Math.min(mrrs, size - i * mrrs));
}

/** Bytes of the completions of one request on a link. */
function answerBytes(mps: number, bytes: number): number {
  return completionCount(0, bytes, mps, BOUNDARY) * HEADER_BYTES + Math.ceil(bytes / 4) * 4;
}

/** Their time on a link. */
function answerPs({ generation, lanes, mps }: Point, bytes: number): number {
  const [numerator, denominator] = linkPsPerByte({ generation, lanes });
  return (answerBytes(mps, bytes) * numerator) / denominator;
}

/** Time of one request and its answers if nothing else is under way, in ps. */
function readPs(point: Point, bytes: number): number {
  const { mps, redirect } = point;
  const request = wayPs(point, redirect !== 'off', HEADER_BYTES, HEADER_BYTES);
  const largest = HEADER_BYTES + Math.min(mps, Math.ceil(bytes / 4) * 4);
  return request + PEER_READ_PS + wayPs(point, redirect === 'all', answerBytes(mps, bytes), largest);
}

/**
 * What TLPs that follow each other take from device to device: their symbols once, and at each node what it waits for.
 *
 * @param bytes of all of them. @param largest bytes of the largest.
 */
function wayPs(
  { generation, lanes, forwarding, switchNs }: Point,
  isRedirected: boolean,
  bytes: number,
  largest: number,
) {
  const [numerator, denominator] = linkPsPerByte({ generation, lanes });
  const waits = forwarding === 'cut-through' ? HEAD_BYTES : largest;
  const switches = isRedirected ? 2 : 1;
  const symbols = bytes + switches * waits + (isRedirected ? largest : 0);
  const fixed =
    2 * LINK_END_PS + switches * 1000 * switchNs + (isRedirected ? ROOT_TURN_PS + 2 * LINK_END_PS : 0);
  return fixed + (symbols * numerator) / denominator;
}

/** What each pair can move, in Gb/s: its share of the link that is shared, or what its tags keep under way. */
function closedThroughput(point: Point): number {
  const { generation, lanes, mps, mrrs, operation, redirect, pairs, tags, sizes: size } = point;
  const link = pcieBandwidth({ generation, lanes, mps, mrrs, size, addressBits: 32 });
  if (operation === 'write') return link.write / (redirect === 'off' ? 1 : pairs);
  const shared = redirect === 'all' ? link.read / pairs : link.read;
  // A tag carries one request after the other.
  const turnsPs = requestsOf(size, mrrs).reduce((sum, bytes) => sum + readPs(point, bytes), 0);
  return Math.min(shared, (tags * size * 8000) / turnsPs);
}

/** To a thousandth: what is behind it says nothing. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
