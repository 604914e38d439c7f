import { Scheduler } from 'sriovsim/kernel';
import {
  type BenchOptions,
  type BenchPart,
  type BenchResult,
  freshCopy,
  heapGrowth,
  interleave,
} from './harness.ts';
import type * as HoldModel from './rivals/hold-model.ts';
import { BATCH_EVENTS } from './rivals/hold-model.ts';
import { ClosureQueue, HeapScheduler } from './rivals/schedulers.ts';

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
          { name: `scheduler, ${pending} pending`, run: await holdModel(new Scheduler(), pending) },
          { name: `binary heap, ${pending} pending`, run: await holdModel(new HeapScheduler(), pending) },
          {
            name: `sorted array of closures, ${pending} pending`,
            run: await holdModel(new ClosureQueue(), pending),
          },
        ],
      });
      results.push(...lines);
    }
    const batches = options.quick ? 50 : 500;
    const batch = await holdModel(new Scheduler(), 512);
    const name = `heap growth over ${(batches * BATCH_EVENTS) / 1e6} M events`;
    results.push(
      heapGrowth({ ...options, samples: Math.min(options.samples, 3) }, name, () => {
        for (let i = 0; i < batches; i++) batch();
      }),
    );
    return results;
  },
};

/** Each contestant gets a model that the compiler has seen with no other. */
async function holdModel(scheduler: HoldModel.Contestant, pending: number): Promise<() => number> {
  const model = await freshCopy<typeof HoldModel>(new URL('./rivals/hold-model.js', import.meta.url));
  return model.holdModel(scheduler, pending);
}
