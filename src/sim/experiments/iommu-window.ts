import type { CacheShape, IommuProfile } from '../../iommu/index.ts';
import { nfp6000, xeonE5v4 } from '../../profiles/index.ts';
import { combinations } from './combinations.ts';
import { DmaRig } from './dma-rig.ts';
import type { Experiment, ResultValue } from './experiment.ts';

const KIB = 1024;
const PAGE_BYTES: Readonly<Record<string, number>> = { '4K': 2 ** 12, '2M': 2 ** 21, '1G': 2 ** 30 };
const DOUBLINGS = [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
const { iotlb: IOTLB, walkers: WALKERS } = xeonE5v4.iommu;
/** Until the IOTLB holds what it will, and then long enough for some thousand transfers. */
const WARM_UP_PS = 50_000_000;
const MEASURED_PS = 300_000_000;

interface Point {
  direction: 'read' | 'write';
  sizes: number;
  pageSize: string;
  iotlbSets: number;
  iotlbWays: number;
  walkers: number;
  windows: number;
}

const NAMES = ['direction', 'sizes', 'pageSize', 'iotlbSets', 'iotlbWays', 'walkers', 'windows'] as const;

/** What a device carries at random addresses of a window behind an IOMMU, by size of the window. */
export const iommuWindowExperiment: Experiment = {
  name: 'iommu-window',
  summary:
    'What a device reads or writes at random addresses behind an IOMMU, by the window that they are in.',
  note: 'The device keeps 40 reads under way, which end in order: one that misses the IOTLB holds up those behind it.',
  parameters: {
    direction: { about: 'What the device does.', default: ['read'], allowed: ['read', 'write'] },
    sizes: {
      about: 'Bytes of each transfer, which begins with a cache line.',
      default: [64],
      range: [1, 4096],
    },
    pageSize: {
      about: 'Pages that the window is mapped with.',
      default: ['4K'],
      allowed: Object.keys(PAGE_BYTES),
    },
    iotlbSets: {
      about: 'Sets of the IOTLB.',
      default: [IOTLB.sets],
      allowed: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    },
    iotlbWays: { about: 'Translations in each set.', default: [IOTLB.ways], range: [1, 4096] },
    walkers: { about: 'Page walks at once.', default: [WALKERS], range: [1, 1024] },
    windows: { about: 'The window, in KiB.', default: DOUBLINGS, range: [4, 2 ** 20] },
  },
  columns: [
    { name: 'direction', unit: '' },
    { name: 'size', unit: 'B' },
    { name: 'pageSize', unit: '' },
    { name: 'iotlbSets', unit: '' },
    { name: 'iotlbWays', unit: '' },
    { name: 'walkers', unit: '' },
    { name: 'window', unit: 'KiB' },
    { name: 'throughput', unit: 'Gb/s' },
    { name: 'hitRate', unit: '' },
  ],
  published: [
    {
      source:
        'Neugebauer et al., Understanding PCIe performance for end host networking, SIGCOMM 2018: NFP-6000, Xeon E5-2630 v4, pages of 4 KiB, reads of 64 B',
      columns: [
        { name: 'window', unit: 'KiB' },
        { name: 'throughput', unit: 'Gb/s' },
      ],
      rows: [
        [4, 33.6],
        [256, 33.6],
        [512, 22.87],
        [1024, 15.36],
        [2048, 12.18],
        [4096, 10.73],
        [16_384, 9.94],
        [65_536, 9.84],
      ],
    },
  ],
  plot: { x: 'window', y: ['throughput'], besides: ['hitRate'], title: 'Payload, Gb/s', logarithmic: true },
  *run(values, seed) {
    for (const point of combinations<Point>(values, NAMES)) yield rowOf(point, seed);
  },
};

function rowOf(point: Point, seed: number): ResultValue[] {
  const { direction, sizes: size, pageSize, iotlbSets, iotlbWays, walkers, windows } = point;
  const iotlb: CacheShape = { ...IOTLB, sets: iotlbSets, ways: iotlbWays };
  const iommu: IommuProfile = { ...xeonE5v4.iommu, iotlb, walkers };
  const { maxPayloadBytes: mps, maxReadRequestBytes: mrrs, readCompletionBoundary: rcb } = xeonE5v4;
  const rig = new DmaRig({
    host: xeonE5v4,
    device: nfp6000,
    rate: { generation: 3, lanes: 8 },
    mps,
    mrrs,
    rcb,
    cached: false,
    iommu,
    pageBytes: PAGE_BYTES[pageSize],
    windowBytes: windows * KIB,
    direction,
    size,
    seed,
  });
  const { gbps, hitRate } = rig.throughput(WARM_UP_PS, MEASURED_PS);
  const rounded = (value: number, scale: number) => Math.round(value * scale) / scale;
  return [
    ...[direction, size, pageSize, iotlbSets, iotlbWays, walkers, windows],
    rounded(gbps, 1e3),
    hitRate === null ? null : rounded(hitRate, 1e4),
  ];
}
