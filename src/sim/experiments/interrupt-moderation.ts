import { intel82599, xeonE5v4 } from '../../profiles/index.ts';
import { resolveScenario } from '../scenario-resolve.ts';
import { Simulation } from '../simulation.ts';
import { combinations } from './combinations.ts';
import type { Experiment, ResultValue } from './experiment.ts';

interface Point {
  arrivals: 'constant' | 'poisson';
  rates: number;
  sizes: number;
  intervals: number;
}

const NAMES = ['arrivals', 'rates', 'sizes', 'intervals'] as const;

/** A unit of EITR in ps. */
const UNIT_PS = intel82599.throttleUnitPs;
const { pollPs, receivePs } = xeonE5v4.software.interrupt;
/** From a cause until the guest's driver has looked at its ring and found a frame. */
const DELAY_PS = intel82599.interruptPs + xeonE5v4.guestInterruptPs + pollPs + receivePs;
const PS_PER_SECOND = 1e12;
/** VTEITR of the vector of the VF's queues, and its interval. */
const VTEITR = 0x820;
const INTERVAL_SHIFT = 3;
/** A run has at least as many frames, and as many intervals, and goes on for at least so long. */
const FRAMES = 1000;
const INTERVALS = 200;
const LEAST_MS = 1;
const RING_SIZE = 4096;

/** What EITR of an 82599 makes of interrupts and of latency. */
export const interruptModerationExperiment: Experiment = {
  name: 'interrupt-moderation',
  summary: 'Latency of frames from the wire to a guest against interrupts, by the interval in EITR.',
  note:
    'An interval is in units of 2.048 us. By the closed form an interrupt comes for a frame, or when the interval since the last one is ' +
    'over if there are frames by then, and the driver takes all that there are when it begins, at once. What is not waiting is the ' +
    'latency that the same machine has without moderation at 1,000 frames a second.',
  parameters: {
    arrivals: {
      about: 'How frames come: in equal gaps, or by chance.',
      default: ['poisson'],
      allowed: ['constant', 'poisson'],
    },
    rates: { about: 'Frames a second.', default: [200_000], range: [1000, 5_000_000] },
    sizes: { about: 'Bytes of each frame with its check sequence.', default: [64], range: [64, 1518] },
    intervals: {
      about: 'Intervals in EITR, in units of 2.048 us; 0 for none.',
      default: [0, 1, 2, 5, 10, 20, 50, 100, 200, 511],
      range: [0, 511],
    },
  },
  columns: [
    { name: 'arrivals', unit: '' },
    { name: 'rate', unit: 'frames/s' },
    { name: 'size', unit: 'B' },
    { name: 'interval', unit: '2.048 us' },
    { name: 'closedInterrupts', unit: '/s' },
    { name: 'interrupts', unit: '/s' },
    { name: 'framesPerInterrupt', unit: '' },
    { name: 'closedLatency', unit: 'ns' },
    { name: 'latency', unit: 'ns' },
    { name: 'p99', unit: 'ns' },
    { name: 'lost', unit: '' },
  ],
  published: [],
  plot: {
    x: 'interrupts',
    y: ['latency', 'closedLatency'],
    besides: ['interval', 'closedInterrupts', 'framesPerInterrupt', 'p99', 'lost'],
    title: 'Mean latency, ns',
    logarithmic: true,
  },
  *run(values, seed) {
    const bases = new Map<number, number>();
    for (const point of combinations<Point>(values, NAMES)) {
      const { sizes: size } = point;
      if (!bases.has(size)) {
        const alone: Point = { arrivals: 'constant', rates: 1000, sizes: size, intervals: 0 };
        bases.set(size, measure(alone, seed, 50).latencyNs);
      }
      yield rowOf(point, seed, bases.get(size) as number);
    }
  },
};

function rowOf(point: Point, seed: number, baseNs: number): ResultValue[] {
  const { arrivals, rates: rate, sizes: size, intervals: interval } = point;
  const { interrupts, frames, lost, latencyNs, p99Ns } = measure(point, seed, FRAMES);
  const closed = closedForm(arrivals, rate, interval, baseNs);
  return [
    arrivals,
    rate,
    size,
    interval,
    Math.round(closed.interrupts),
    Math.round(interrupts),
    interrupts === 0 ? null : Math.round((100 * frames) / interrupts) / 100,
    Math.round(closed.latencyNs),
    Math.round(latencyNs),
    Math.round(p99Ns),
    lost,
  ];
}

/**
 * Interrupts a second, and mean latency in ns. The driver looks at its ring so long after a message, and takes what has come by then;
 * before that there is no other message.
 */
function closedForm(arrivals: Point['arrivals'], rate: number, interval: number, baseNs: number) {
  const cyclePs = Math.max(interval * UNIT_PS, DELAY_PS);
  const gapPs = PS_PER_SECOND / rate;
  const writtenNs = baseNs - DELAY_PS / 1000;
  if (arrivals === 'constant') {
    // Either the next frame is later than the counter, or there are frames whenever it is at zero.
    if (gapPs >= cyclePs) return { interrupts: rate, latencyNs: baseNs };
    return { interrupts: PS_PER_SECOND / cyclePs, latencyNs: writtenNs + cyclePs / 2000 };
  }
  // From a message on: the interval, and if no frame has come by then the time until one does, which waits for the driver alone.
  const none = exponential(-cyclePs / gapPs);
  const frames = cyclePs / gapPs + none;
  const waitPs = ((cyclePs / gapPs) * (cyclePs / 2) + none * DELAY_PS) / frames;
  return { interrupts: PS_PER_SECOND / (frames * gapPs), latencyNs: writtenNs + waitPs / 1000 };
}

/** e to the power of x, which is 0 or less, by the same steps in every engine: the series of x / 2^k, squared k times. */
function exponential(x: number): number {
  let halvings = 0;
  let small = x;
  for (; small < -0.5; small /= 2) halvings++;
  let term = 1;
  let sum = 1;
  for (let n = 1; n < 20; n++) {
    term *= small / n;
    sum += term;
  }
  for (let i = 0; i < halvings; i++) sum *= sum;
  return sum;
}

/** A VF whose driver takes interrupts gets frames from the wire, and its vector the interval. */
function measure(
  { arrivals, rates: rate, sizes: size, intervals: interval }: Point,
  seed: number,
  least: number,
) {
  const measuredMs = Math.max(LEAST_MS, (1000 * least) / rate, (INTERVALS * interval * UNIT_PS) / 1e9);
  const { scenario, captures } = resolveScenario({
    seed,
    guests: [{ name: 'guest', driver: 'interrupt', ringSize: RING_SIZE, memoryMiB: 32 }],
    traffic: [{ from: 'port', to: 'guest', frameBytes: size, ratePps: rate, arrivals }],
    warmUpMs: LEAST_MS,
    durationMs: Math.ceil(measuredMs),
  });
  const simulation = new Simulation(scenario, captures);
  simulation.boot();
  const { nic } = simulation.machine;
  nic.pf.sriov
    ?.vf(0)
    .bar(0)
    .write32(VTEITR, interval << INTERVAL_SHIFT, 15);
  simulation.advance(simulation.endPs);
  const { flows, endpoints, simulated } = simulation.report();
  const guest = endpoints.find(({ kind }) => kind === 'vf');
  const seconds = simulated.measuredPs / PS_PER_SECOND;
  const { latencyNs, lost } = flows[0];
  return {
    interrupts: (guest?.interrupts ?? 0) / seconds,
    frames: (guest?.received.frames ?? 0) / seconds,
    lost,
    latencyNs: latencyNs?.mean ?? 0,
    p99Ns: latencyNs?.p99 ?? 0,
  };
}
