import { pcieBandwidth } from '../../pcie/index.ts';
import { combinations } from './combinations.ts';
import type { Experiment, ResultValue } from './experiment.ts';
import { measureLink, type Traffic } from './link-bandwidth.ts';
import { LINK_PARAMETERS } from './link-parameters.ts';

/** The closed form's name of what crosses the link. */
const CLOSED_FORM = { write: 'write', read: 'read', readwrite: 'readWrite' } as const;

/** Payload that a link carries, by size of the transfers: the closed form and the simulated link side by side. */
export const pcieBandwidthExperiment: Experiment = {
  name: 'pcie-bandwidth',
  summary: 'Payload that a PCIe link carries, by size of the transfers: closed form and simulated link.',
  note:
    'The closed form charges an Ack and an UpdateFC in so many bytes as the specification allows symbol times; the simulated ' +
    'link keeps to the symbol times, so wide links come out higher.',
  parameters: {
    ...LINK_PARAMETERS,
    direction: {
      about: 'What a device does: writes, reads, or as much of both.',
      default: ['write', 'read', 'readwrite'],
      allowed: ['write', 'read', 'readwrite'],
    },
    sizes: {
      about: 'Bytes of each transfer, which begins with a page.',
      default: [64, 128, 256, 512, 1024, 1500, 2048],
      range: [1, 65_536],
    },
    addressBits: { about: 'Bits of the addresses.', default: [64], allowed: [32, 64] },
  },
  columns: [
    { name: 'generation', unit: '' },
    { name: 'lanes', unit: '' },
    { name: 'mps', unit: 'B' },
    { name: 'mrrs', unit: 'B' },
    { name: 'rcb', unit: 'B' },
    { name: 'direction', unit: '' },
    { name: 'size', unit: 'B' },
    { name: 'addressBits', unit: '' },
    { name: 'closedForm', unit: 'Gb/s' },
    { name: 'simulated', unit: 'Gb/s' },
  ],
  published: [
    {
      source:
        'Neugebauer et al., Understanding PCIe performance for end host networking, SIGCOMM 2018: NFP-6000, Gen 3 x8, reads',
      columns: [
        { name: 'size', unit: 'B' },
        { name: 'measured', unit: 'Gb/s' },
      ],
      rows: [
        [512, 55],
        [2048, 55.6],
      ],
    },
  ],
  plot: {
    x: 'size',
    y: ['simulated', 'closedForm'],
    title: 'Payload a direction, Gb/s',
    logarithmic: true,
  },
  *run(values) {
    for (const point of combinations<Point>(values, NAMES)) yield rowOf(point);
  },
};

const NAMES = ['generation', 'lanes', 'mps', 'mrrs', 'rcb', 'direction', 'sizes', 'addressBits'] as const;

interface Point {
  generation: number;
  lanes: number;
  mps: number;
  mrrs: number;
  rcb: number;
  direction: Traffic;
  sizes: number;
  addressBits: number;
}

function rowOf(point: Point): ResultValue[] {
  const { generation, lanes, mps, mrrs, rcb, direction, sizes: size, addressBits } = point;
  const closed = pcieBandwidth({ ...point, size })[CLOSED_FORM[direction]];
  const simulated = measureLink({
    rate: { generation, lanes },
    mps,
    mrrs,
    rcb,
    size,
    traffic: direction,
    wideAddresses: addressBits === 64,
  });
  return [
    generation,
    lanes,
    mps,
    mrrs,
    rcb,
    direction,
    size,
    addressBits,
    rounded(closed),
    rounded(simulated),
  ];
}

/** To a kilobit a second: what is behind it says nothing. */
function rounded(gbps: number): number {
  return Math.round(gbps * 1e6) / 1e6;
}
