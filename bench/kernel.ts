import { RandomStreams } from 'sriovsim/base';
import { Scheduler } from 'sriovsim/kernel';
import { type BenchOptions, type BenchPart, type BenchResult, heapGrowth, interleave } from './harness.ts';
import { ClosureQueue, HeapScheduler } from './rivals/schedulers.ts';

/** What the three schedulers have in common. */
interface Contestant {
  task(name: string, handler: (a: number, b: number) => void): number;
  schedule(delayPs: number, task: number, a: number, b: number): void;
  step(): boolean;
}

const BATCH = 20_000;
const DELAYS = 1 << 14;

/**
 * Events per second: a constant number of events waits, and each schedules its successor with a delay as a machine has
 * them (a TLP every few ns, a DMA round trip, now and then a moderated interrupt).
 */
export const part: BenchPart = {
  name: 'kernel',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const results: BenchResult[] = [];
    for (const pending of options.quick ? [64, 4096] : [64, 512, 4096]) {
      const lines = await interleave(options, {
        unit: 'events/s',
        reference: `binary heap, ${pending} pending`,
        contenders: [
          { name: `scheduler, ${pending} pending`, run: holdModel(new Scheduler(), pending) },
          { name: `binary heap, ${pending} pending`, run: holdModel(new HeapScheduler(), pending) },
          { name: `sorted array of closures, ${pending} pending`, run: holdModel(new ClosureQueue(), pending) },
        ],
      });
      results.push(...lines);
    }
    const batches = options.quick ? 50 : 500;
    const batch = holdModel(new Scheduler(), 512);
    const name = `heap growth over ${(batches * BATCH) / 1e6} M events`;
    results.push(
      heapGrowth({ ...options, samples: Math.min(options.samples, 3) }, name, () => {
        for (let i = 0; i < batches; i++) batch();
      }),
    );
    return results;
  },
};

/** Fills `scheduler` with `pending` events; every call of what it returns runs a batch of them. */
function holdModel(scheduler: Contestant, pending: number): () => number {
  const delays = drawDelays();
  let drawn = 0;
  const tasks = [0, 1, 2, 3].map((n) =>
    scheduler.task(`task ${n}`, (a, b) => {
      drawn = (drawn + 1) & (DELAYS - 1);
      scheduler.schedule(delays[drawn], tasks[b & 3], a, b + 1);
    }),
  );
  for (let i = 0; i < pending; i++) scheduler.schedule(delays[i & (DELAYS - 1)], tasks[i & 3], i, i);
  return () => {
    for (let i = 0; i < BATCH; i++) scheduler.step();
    return BATCH;
  };
}

/** 70 % of 1 to 100 ns, 28 % of 400 to 700 ns, 2 % of 2 to 20 us; in ps. */
function drawDelays(): Int32Array {
  const random = new RandomStreams(1).stream('delays');
  return Int32Array.from({ length: DELAYS }, () => {
    const kind = random.integer(100);
    if (kind < 70) return 1_000 + random.integer(99_000);
    if (kind < 98) return 400_000 + random.integer(300_000);
    return 2_000_000 + random.integer(18_000_000);
  });
}
