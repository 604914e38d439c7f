import Denque from 'denque';
import { IntRing, RandomStreams } from 'sriovsim/base';
import { Bench } from 'tinybench';
import type { BenchOptions, BenchPart, BenchResult } from './harness.ts';

const BATCH = 10_000;
const HELD = 64;

/** Nanoseconds of the operations that everything above stands on: a queue's push and shift, a random number. */
export const part: BenchPart = {
  name: 'base',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const bench = new Bench({ time: options.quick ? 50 : 400, warmupTime: options.quick ? 20 : 100 });
    const ring = new IntRing(128);
    const denque = new Denque<number>();
    const array: number[] = [];
    const random = new RandomStreams(1).stream('bench');
    for (let i = 0; i < HELD; i++) {
      ring.push(i);
      denque.push(i);
      array.push(i);
    }
    let sink = 0;
    bench
      .add('IntRing, push and shift', () => {
        for (let i = 0; i < BATCH; i++) {
          ring.push(i);
          sink ^= ring.shift();
        }
      })
      .add('denque, push and shift', () => {
        for (let i = 0; i < BATCH; i++) {
          denque.push(i);
          sink ^= denque.shift() as number;
        }
      })
      .add('array, push and shift', () => {
        for (let i = 0; i < BATCH; i++) {
          array.push(i);
          sink ^= array.shift() as number;
        }
      })
      .add('random stream, uint32', () => {
        for (let i = 0; i < BATCH; i++) sink ^= random.uint32();
      });
    await bench.run();
    const lines = bench.tasks.map((task): BenchResult => {
      const { result } = task;
      if (!('latency' in result)) throw new Error(`${task.name} was not measured: ${result.state}`);
      const { p50, min, max, samplesCount } = result.latency;
      // tinybench counts milliseconds a call.
      const nsPerOperation = 1e6 / BATCH;
      return {
        name: task.name,
        unit: 'ns',
        median: p50 * nsPerOperation,
        min: min * nsPerOperation,
        max: max * nsPerOperation,
        samples: samplesCount,
      };
    });
    const [ringLine, ...queues] = lines.slice(0, 3);
    for (const line of queues) {
      line.comparedTo = ringLine.name;
      line.ratio = line.median / ringLine.median;
    }
    // Read once, so that no loop above may be dropped as having no effect.
    if (Number.isNaN(sink)) throw new Error('unreachable');
    return lines;
  },
};
