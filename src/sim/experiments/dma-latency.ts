import {
  DATA_LINK_OVERHEAD_BYTES,
  FLIT_BYTES,
  FlitPacker,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  linkPsPerByte,
  OHC_BYTES,
} from '../../pcie/index.ts';
import { nfp6000, xeonE5v4 } from '../../profiles/index.ts';
import { combinations } from './combinations.ts';
import { DmaRig } from './dma-rig.ts';
import { type Experiment, ParameterError, type ResultValue } from './experiment.ts';
import { LINK_PARAMETERS } from './link-parameters.ts';

const KIB = 1024;
const READS = 1000;
/** As product briefs of switches have it; see docs/topology.md. */
const SWITCH_PS = 100_000;

interface Point {
  generation: number;
  lanes: number;
  mps: number;
  mrrs: number;
  rcb: number;
  sizes: number;
  caches: 'warm' | 'cold';
  iommu: 'on' | 'off';
  windows: number;
  switch: 'none' | 'cut-through' | 'store-and-forward';
}

const NAMES = [
  'generation',
  'lanes',
  'mps',
  'mrrs',
  'rcb',
  'caches',
  'iommu',
  'switch',
  'windows',
  'sizes',
] as const;

/** Time of a DMA read by its size: what its parts add up to, the simulated machine, and measurements. */
export const dmaLatencyExperiment: Experiment = {
  name: 'dma-latency',
  summary:
    'Time that a device waits for a DMA read, by size: sum of its parts, simulated machine, measurements.',
  note:
    'The closed form adds up one request, two flights over the link, memory, the completions and the device; ' +
    'there is none with the IOMMU, where chance decides. At generation 6 it is the mean over the flits that a TLP may come into.',
  parameters: {
    ...LINK_PARAMETERS,
    caches: {
      about: "Whether the host's caches hold the data.",
      default: ['warm'],
      allowed: ['warm', 'cold'],
    },
    iommu: {
      about: 'Whether the host translates, with pages of 4 KiB.',
      default: ['off'],
      allowed: ['on', 'off'],
    },
    switch: {
      about: 'A switch before the root port, with 100 ns, and how it passes TLPs on.',
      default: ['none'],
      allowed: ['none', 'cut-through', 'store-and-forward'],
    },
    windows: {
      about: 'Memory whose places are read at random, in KiB.',
      default: [8],
      range: [4, 65_536],
    },
    sizes: {
      about: 'Bytes of each read, which begins with a cache line.',
      default: [8, 64, 128, 256, 512, 1024, 1520, 2048],
      range: [1, 4096],
    },
  },
  columns: [
    { name: 'generation', unit: '' },
    { name: 'lanes', unit: '' },
    { name: 'mps', unit: 'B' },
    { name: 'mrrs', unit: 'B' },
    { name: 'rcb', unit: 'B' },
    { name: 'caches', unit: '' },
    { name: 'iommu', unit: '' },
    { name: 'switch', unit: '' },
    { name: 'window', unit: 'KiB' },
    { name: 'size', unit: 'B' },
    { name: 'closedForm', unit: 'ns' },
    { name: 'median', unit: 'ns' },
    { name: 'mean', unit: 'ns' },
    { name: 'max', unit: 'ns' },
  ],
  published: [
    {
      source:
        'Neugebauer et al., Understanding PCIe performance for end host networking, SIGCOMM 2018: NFP-6000, Gen 3 x8, warm caches, no IOMMU',
      columns: [
        { name: 'size', unit: 'B' },
        { name: 'median', unit: 'ns' },
      ],
      rows: [
        [8, 547],
        [64, 547],
        [128, 573],
        [256, 627],
        [512, 707],
        [1024, 853],
        [1520, 987],
        [2048, 1133],
      ],
    },
  ],
  plot: {
    x: 'size',
    y: ['median', 'closedForm'],
    besides: ['mean', 'max'],
    title: 'Time of a DMA read, ns',
    logarithmic: true,
  },
  *run(values, seed) {
    for (const point of combinations<Point>(values, NAMES)) yield rowOf(point, seed);
  },
};

function rowOf(point: Point, seed: number): ResultValue[] {
  if (point.switch !== 'none' && point.generation > 5) {
    throw new ParameterError(`switch: "${point.switch}" does not fit generation 6; allowed none`);
  }
  const { generation, lanes, mps, mrrs, rcb, caches, iommu, windows, sizes: size } = point;
  const forwarding = point.switch;
  const rig = new DmaRig({
    host: xeonE5v4,
    device: nfp6000,
    rate: { generation, lanes },
    mps,
    mrrs,
    rcb,
    cached: caches === 'warm',
    iommu: iommu === 'on' ? xeonE5v4.iommu : null,
    pageBytes: 4 * KIB,
    windowBytes: windows * KIB,
    direction: 'read',
    size,
    seed,
    switchTiming: forwarding === 'none' ? null : { forwarding, latencyPs: SWITCH_PS },
  });
  const times = rig.latencies(READS, READS).sort((a, b) => a - b);
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  return [
    ...[generation, lanes, mps, mrrs, rcb, caches, iommu, forwarding, windows, size],
    iommu === 'on' ? null : closedForm(point),
    times[times.length >> 1],
    Math.round(mean * 1000) / 1000,
    times[times.length - 1],
  ];
}

/** Time of a read without translation, in ns, if nothing else is on the link. */
function closedForm({
  generation,
  lanes,
  mps,
  mrrs,
  caches,
  sizes: size,
  switch: forwarding,
}: Point): number {
  const [numerator, denominator] = linkPsPerByte({ generation, lanes });
  // Each request is answered on its own, in pieces of Max_Payload_Size.
  const answers = Math.floor(size / mrrs) * Math.ceil(mrrs / mps) + Math.ceil((size % mrrs) / mps);
  const words = Math.ceil(size / 4) * 4;
  const framing = generation > 5 ? 0 : DATA_LINK_OVERHEAD_BYTES;
  const request = framing + HEADER_4DW_BYTES;
  const completions = answers * (framing + HEADER_3DW_BYTES) + words;
  const isPartial = size < Math.min(mrrs, words);
  // A switch waits for the headers, behind four bytes of framing, or for the first TLP, each way.
  const waits = {
    none: 0,
    'cut-through': 4 + HEADER_4DW_BYTES + 4 + HEADER_3DW_BYTES,
    'store-and-forward': request + completions / answers,
  };
  const bytes =
    generation > 5
      ? flitBytes(request + (isPartial ? OHC_BYTES : 0)) + flitBytes(completions)
      : request + completions + waits[forwarding];
  const memory = caches === 'warm' ? xeonE5v4.memoryReadPs : xeonE5v4.uncachedReadPs;
  const device = nfp6000.receivePsPerByte * Math.min(size, mps) + nfp6000.movePsPerByte * size;
  const fixed = 2 * xeonE5v4.linkFlightPs + (forwarding === 'none' ? 0 : 2 * SWITCH_PS);
  const ps = fixed + memory + (bytes * numerator) / denominator + device;
  return Math.round(ps) / 1000;
}

/** Bytes of a link in Flit Mode from when TLPs are there until their last flit has left, on average over its flits. */
function flitBytes(tlpBytes: number): number {
  let sum = 0;
  for (let offset = 0; offset < FLIT_BYTES; offset++) {
    const packer = new FlitPacker();
    packer.skipTo(0, offset);
    packer.place(tlpBytes);
    sum += (packer.lastFlit + 1) * FLIT_BYTES - offset;
  }
  return sum / FLIT_BYTES;
}
