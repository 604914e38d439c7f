import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type BenchOptions, type BenchPart, type BenchResult, heapGrowth, interleave } from './harness.ts';
import { type Batch, start, type Workload } from './machine-worker.ts';

/**
 * Simulated time of a batch, in ms: a tenth of a second of wall time, beside which a message to a worker and its waking
 * up do not show.
 */
const BATCH_MS = 4;
/** The same with interrupts, where frames are four times as far apart. */
const INTERRUPT_BATCH_MS = 16;
/** A round of those over which the heap is watched. */
const GROWTH_MS = 2;
/** The same for the port, which carries a fortieth of the frames. */
const PORT_BATCH_MS = 40;

const WITH_INTERRUPTS = 'VF to VF, 64 B, interrupts';
const EVENTS = `events of ${WITH_INTERRUPTS}`;
const IDLE = 'as many events that do nothing';

const SMALL: Workload = { kind: 'vfToVf', frameBytes: 64, driver: 'poll', pageSize: '2M' };

/**
 * The whole machine at cycle level: drivers, rings, PCIe link with credits and DLLPs, IOMMU, switch,
 * interrupts or polling. What each figure is compared to runs in turn with it. Each machine has a worker of
 * its own, so that it runs as it does for a user who has one: of several in one thread V8 compiles the
 * general case, which takes a fifth more time.
 */
export const part: BenchPart = {
  name: 'machine',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const small = new Machine(SMALL);
    const interrupts = new Machine({ ...SMALL, driver: 'interrupt' }, INTERRUPT_BATCH_MS);
    const smallPages = new Machine({ ...SMALL, pageSize: '4K' });
    const large = new Machine({ ...SMALL, frameBytes: 1518 });
    const idle = new Machine({ kind: 'idleEvents' });
    const port = new Machine({ kind: 'portToVf', frameBytes: 1518 });
    await interrupts.batch();
    const { frames: counted, events } = await interrupts.batch();
    const eventsPerFrame = events / counted;
    const rates = await interleave(options, {
      unit: 'frames/s',
      reference: WITH_INTERRUPTS,
      contenders: [
        { name: 'VF to VF, 64 B, polling', run: () => small.frames() },
        { name: WITH_INTERRUPTS, run: () => interrupts.frames() },
        { name: 'VF to VF, 64 B, 4 KiB pages', run: () => smallPages.frames() },
        { name: 'VF to VF, 1518 B, polling', run: () => large.frames() },
        { name: IDLE, run: async () => (await idle.batch()).events / eventsPerFrame },
      ],
    });
    const frames = rates.filter(({ name }) => name !== IDLE);
    // The same samples, counted in events.
    const inEvents = rates
      .filter(({ name }) => name === WITH_INTERRUPTS || name === IDLE)
      .map((row) => asEvents(row, eventsPerFrame));
    const realTime = await interleave(options, {
      unit: 'x real time',
      timing: 'own',
      contenders: [{ name: 'port at 10 Gb/s, 1518 B, to a VF', run: () => port.simulatedOverWall() }],
    });
    for (const machine of [small, interrupts, smallPages, large, idle, port]) await machine.end();
    const rounds = options.quick ? 1 : 10;
    const samples = Math.min(options.samples, 3);
    const run = start(SMALL);
    const growth = heapGrowth(
      { ...options, samples },
      `heap growth over ${rounds * GROWTH_MS} ms of 64 B`,
      () => {
        for (let i = 0; i < rounds; i++) run(GROWTH_MS);
      },
    );
    return [...frames, ...inEvents, ...realTime, growth];
  },
};

/** A row of frames/s as one of events/s. */
function asEvents(row: BenchResult, eventsPerFrame: number): BenchResult {
  const result = {
    ...row,
    unit: 'events/s',
    median: row.median * eventsPerFrame,
    min: row.min * eventsPerFrame,
    max: row.max * eventsPerFrame,
  };
  if (row.name === WITH_INTERRUPTS) result.name = EVENTS;
  else result.comparedTo = EVENTS;
  return result;
}

/** A workload in a worker of its own. */
export class Machine {
  private readonly worker: Worker;
  private readonly batchMs: number;

  constructor(workload: Workload, batchMs = BATCH_MS) {
    this.batchMs = batchMs;
    this.worker = new Worker(new URL('machine-worker.js', import.meta.url), { workerData: workload });
  }

  async frames(): Promise<number> {
    return (await this.batch()).frames;
  }

  async simulatedOverWall(): Promise<number> {
    const started = performance.now();
    let simulated = 0;
    do {
      await this.batch(PORT_BATCH_MS);
      simulated += PORT_BATCH_MS;
    } while (performance.now() - started < 200);
    return simulated / (performance.now() - started);
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  /** Runs so many simulated ms. */
  async batch(simulatedMs = this.batchMs): Promise<Batch> {
    this.worker.postMessage(simulatedMs);
    const [batch] = (await once(this.worker, 'message')) as [Batch];
    return batch;
  }
}
