import { PollModeDriver } from '../../drivers/index.ts';
import { MICROSECOND } from '../../kernel/index.ts';
import {
  DATA_LINK_OVERHEAD_BYTES,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  linkPsPerByte,
} from '../../pcie/index.ts';
import { INTEL_82599_DMA_READ_PS, intel82599Chip, xeonE5v4 } from '../../profiles/index.ts';
import { FCS_BYTES, wireBytes } from '../../wire/index.ts';
import { createMachine } from '../create-machine.ts';
import { pfHandle } from '../pf-handle.ts';
import { combinations } from './combinations.ts';
import type { Experiment, ResultValue } from './experiment.ts';

/** Until the transmit packet buffer is full of short frames, where the queue is faster than the wire. */
const WARM_UP_PS = 250 * MICROSECOND;
const MEASURED_PS = 250 * MICROSECOND;
/** Linux, DPDK and small drivers all take as many or more. */
const RING_SIZE = 512;
const DESCRIPTOR_BYTES = 16;
const GBPS = 10;

interface Point {
  sizes: number;
  batch: number;
  pthresh: number;
  hthresh: number;
  wthresh: number;
  reports: 'descriptors' | 'head';
}

const NAMES = ['sizes', 'reports', 'batch', 'hthresh', 'pthresh', 'wthresh'] as const;

/** What one queue of an 82599 sends by the thresholds of its descriptors and the batches of its driver. */
export const descriptorBatchingExperiment: Experiment = {
  name: 'descriptor-batching',
  summary:
    'What one queue of an 82599 sends, by the thresholds of TXDCTL and the batches of its polling driver.',
  note:
    'The closed form is the least of the wire, the driver and the cache: a descriptor is fetched into one of its places, ' +
    'which no other has meanwhile, and those that wait for their write-back keep theirs.',
  parameters: {
    reports: {
      about: 'Whether the card reports by descriptors or by its head; then WTHRESH is 0.',
      default: ['descriptors'],
      allowed: ['descriptors', 'head'],
    },
    batch: {
      about: 'Frames that the driver hands over at once; it asks for the status of as many at a time.',
      default: [4, 32],
      range: [1, 64],
    },
    hthresh: {
      about: 'TXDCTL.HTHRESH: descriptors in memory for which it is worth fetching.',
      default: [1],
      range: [0, 127],
    },
    pthresh: {
      about: 'TXDCTL.PTHRESH: descriptors in the cache below which more are fetched.',
      default: [0, 32],
      range: [0, 127],
    },
    wthresh: {
      about: 'TXDCTL.WTHRESH: descriptors that are written back together.',
      default: [0, 8, 32],
      range: [0, 127],
    },
    sizes: { about: 'Bytes of each frame, with check sequence.', default: [64], range: [64, 1518] },
  },
  columns: [
    { name: 'size', unit: 'B' },
    { name: 'reports', unit: '' },
    { name: 'batch', unit: '' },
    { name: 'hthresh', unit: '' },
    { name: 'pthresh', unit: '' },
    { name: 'wthresh', unit: '' },
    { name: 'closedForm', unit: 'Mframe/s' },
    { name: 'simulated', unit: 'Mframe/s' },
    { name: 'descriptorsPerFetch', unit: '' },
    { name: 'framesPerReport', unit: '' },
  ],
  published: [],
  plot: {
    x: 'wthresh',
    y: ['simulated', 'closedForm'],
    besides: ['descriptorsPerFetch', 'framesPerReport'],
    title: 'Frames sent, million a second',
    logarithmic: false,
  },
  *run(values) {
    for (const point of combinations<Point>(values, NAMES)) yield rowOf(point);
  },
};

function rowOf(point: Point): ResultValue[] {
  const { sizes: size, reports, batch, hthresh, pthresh } = point;
  const wthresh = reports === 'head' ? 0 : point.wthresh;
  const { simulation, nic } = createMachine({ nic: intel82599Chip() });
  const { machine } = simulation;
  const { scheduler } = machine;
  const driver = new PollModeDriver(pfHandle(machine), {
    costs: xeonE5v4.software.poll,
    ringSize: RING_SIZE,
    batch,
    hostThreshold: hthresh,
    prefetchThreshold: pthresh,
    writeBackThreshold: wthresh,
    reports,
  });
  driver.start();
  const words = new Int32Array(Math.ceil((size - FCS_BYTES) / 4));
  driver.saturate({ id: 0, words, bytes: size - FCS_BYTES, sequenceWord: -1 });
  scheduler.runUntil(scheduler.now + WARM_UP_PS);
  const { transmit, mac } = nic.data;
  const counts = () => [
    mac.framesSent,
    transmit.framesFetched,
    transmit.rings.fetches,
    transmit.rings.descriptorsFetched,
    transmit.statusWrites,
  ];
  const before = counts();
  scheduler.runUntil(scheduler.now + MEASURED_PS);
  const [frames, taken, fetches, descriptors, writes] = counts().map((count, i) => count - before[i]);
  return [
    ...[size, reports, batch, hthresh, pthresh, wthresh],
    rounded(closedForm(point, wthresh)),
    rounded(frames / (MEASURED_PS / MICROSECOND)),
    fetches === 0 ? null : rounded(descriptors / fetches),
    writes === 0 ? null : rounded(taken / writes),
  ];
}

/** Frames in a microsecond that wire, driver and cache allow, whichever is least. */
function closedForm({ sizes: size, batch }: Point, wthresh: number): number {
  const profile = intel82599Chip();
  const { pollPs, transmitPs } = xeonE5v4.software.poll;
  const wire = (wireBytes(size - FCS_BYTES) * 8000) / GBPS;
  const driver = pollPs / batch + transmitPs;
  // A fetch: the request, memory, a completion with one descriptor at least, and the engine.
  const [numerator, denominator] = linkPsPerByte(profile.pcie.rate);
  const request = DATA_LINK_OVERHEAD_BYTES + HEADER_4DW_BYTES;
  const completion = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES + DESCRIPTOR_BYTES;
  const fetchPs =
    2 * xeonE5v4.linkFlightPs +
    xeonE5v4.memoryReadPs +
    ((request + completion) * numerator) / denominator +
    INTEL_82599_DMA_READ_PS;
  const cache = profile.transmitCacheDescriptors;
  // On average half of a batch that is not full waits for the rest.
  const waiting = Math.max(0, Math.min(wthresh, cache) - 1) / 2;
  return 1e6 / Math.max(wire, driver, fetchPs / (cache - waiting));
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
