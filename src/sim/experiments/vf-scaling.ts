import { MILLISECOND } from '../../kernel/index.ts';
import { intel82599 } from '../../profiles/index.ts';
import { FCS_BYTES, wireBytes } from '../../wire/index.ts';
import { resolveScenario } from '../scenario-resolve.ts';
import type { Scenario } from '../scenario-types.ts';
import { Simulation } from '../simulation.ts';
import { combinations } from './combinations.ts';
import type { Experiment, ResultValue } from './experiment.ts';

const GBPS = 10;
const MEASURED_MS = 0.5;
/** Beside what full rings take. */
const WARM_UP_MS = 0.2;

interface Point {
  vfs: number;
  direction: 'send' | 'receive';
  driver: 'poll' | 'interrupt';
  sizes: number;
  loads: number;
  ringSize: number;
}

const NAMES = ['direction', 'driver', 'sizes', 'loads', 'ringSize', 'vfs'] as const;

/** What VFs have of a port that they share, how evenly, and how long their frames take. */
export const vfScalingExperiment: Experiment = {
  name: 'vf-scaling',
  summary:
    'VFs that share the port of an 82599: what all of them have, how fair that is, and how long frames take.',
  note:
    'The closed form is the wire, or the load that is offered to it; at load 100 every VF sends as much as its ring takes. ' +
    'Fairness is that of Jain: 1 where all have the same, 1/n where one has all. A frame waits for the packet buffer and for the rings of all: closedFormLatency.',
  parameters: {
    direction: {
      about: 'Whether the VFs send to the port, or receive from it.',
      default: ['send'],
      allowed: ['send', 'receive'],
    },
    driver: { about: 'How the drivers of the VFs work.', default: ['poll'], allowed: ['poll', 'interrupt'] },
    sizes: { about: 'Bytes of each frame, with check sequence.', default: [64], range: [64, 1518] },
    loads: {
      about: 'Load of the wire in per cent; 100: as much as goes.',
      default: [50, 100],
      range: [1, 100],
    },
    ringSize: {
      about: 'Descriptors of each ring.',
      default: [64],
      allowed: [64, 128, 256, 512, 1024, 2048, 4096],
    },
    vfs: { about: 'VFs.', default: [1, 2, 4, 8, 16, 32, 63], range: [1, 63] },
  },
  columns: [
    { name: 'direction', unit: '' },
    { name: 'driver', unit: '' },
    { name: 'size', unit: 'B' },
    { name: 'load', unit: '%' },
    { name: 'ringSize', unit: '' },
    { name: 'vfs', unit: '' },
    { name: 'closedForm', unit: 'Mframe/s' },
    { name: 'total', unit: 'Mframe/s' },
    { name: 'least', unit: 'Mframe/s' },
    { name: 'most', unit: 'Mframe/s' },
    { name: 'fairness', unit: '' },
    { name: 'closedFormLatency', unit: 'us' },
    { name: 'latency', unit: 'us' },
    { name: 'latencyP99', unit: 'us' },
  ],
  published: [],
  plot: {
    x: 'vfs',
    y: ['total', 'closedForm'],
    besides: ['least', 'most', 'fairness', 'closedFormLatency', 'latency', 'latencyP99'],
    title: 'Frames of all VFs, million a second',
    logarithmic: true,
  },
  *run(values, seed) {
    for (const point of combinations<Point>(values, NAMES)) yield rowOf(point, seed);
  },
};

function rowOf(point: Point, seed: number): ResultValue[] {
  const { direction, driver, sizes: size, loads: load, ringSize, vfs } = point;
  const framePs = (wireBytes(size - FCS_BYTES) * 8000) / GBPS;
  const wire = 1e6 / framePs;
  // What is in the transmit packet buffer and stands in all rings passes the wire before the last frame of one of them does.
  const buffered = Math.floor(intel82599.transmitBufferBytes / (size - FCS_BYTES));
  const fullPs = (buffered + vfs * (ringSize - 1)) * framePs;
  const simulation = new Simulation(
    resolveScenario(scenarioOf(point, seed, (wire * load * 1e4) / vfs, fullPs), {}).scenario,
  );
  simulation.boot();
  simulation.advance(simulation.endPs);
  const { flows, simulated } = simulation.report();
  const shares = flows.map(({ delivered }) => (delivered * 1e6) / simulated.measuredPs);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const squares = shares.reduce((sum, share) => sum + share * share, 0);
  const latencies = flows.flatMap(({ latencyNs }) => (latencyNs === null ? [] : [latencyNs]));
  const samples = latencies.reduce((sum, each) => sum + each.samples, 0);
  const mean = latencies.reduce((sum, each) => sum + each.mean * each.samples, 0) / samples;
  const isFull = direction === 'send' && load === 100;
  return [
    ...[direction, driver, size, load, ringSize, vfs],
    rounded((wire * load) / 100),
    rounded(total),
    rounded(Math.min(...shares)),
    rounded(Math.max(...shares)),
    squares === 0 ? null : rounded((total * total) / (vfs * squares)),
    isFull ? rounded(fullPs / 1e6) : null,
    samples === 0 ? null : rounded(mean / 1000),
    samples === 0 ? null : rounded(Math.max(...latencies.map(({ p99 }) => p99)) / 1000),
  ];
}

function scenarioOf(point: Point, seed: number, ratePps: number, fullPs: number): Scenario {
  const { direction, driver, sizes: frameBytes, loads, ringSize, vfs } = point;
  const names = Array.from({ length: vfs }, (_, vf) => `vf${vf}`);
  const rate = loads === 100 ? { saturate: true as const } : { ratePps };
  return {
    seed,
    host: { iommu: false },
    guests: names.map((name) => ({ name, driver, ringSize })),
    traffic: names.map((name) => ({
      ...(direction === 'send' ? { from: name, to: 'port' } : { from: 'port', to: name }),
      frameBytes,
      ...rate,
    })),
    warmUpMs: WARM_UP_MS + (loads === 100 ? fullPs / MILLISECOND : 0),
    durationMs: MEASURED_MS,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
