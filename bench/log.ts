import { type BenchOptions, type BenchPart, type BenchResult, interleave } from './harness.ts';
import { Machine } from './machine.ts';
import type { Workload } from './machine-worker.ts';

const FRAMES: Workload = { kind: 'vfToVf', frameBytes: 64, driver: 'poll', pageSize: '2M' };

/**
 * What a binary log of every event costs a machine, and that one which was taken off costs nothing: the same machine with
 * it, without, and without it any more, in turn.
 */
export const part: BenchPart = {
  name: 'log',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const none = new Machine(FRAMES);
    const logged = new Machine({ ...FRAMES, log: 'on' });
    const over = new Machine({ ...FRAMES, log: 'off' });
    const results = await interleave(options, {
      unit: 'frames/s',
      contenders: [
        { name: 'VF to VF, 64 B, no log', run: () => none.frames() },
        { name: 'VF to VF, 64 B, binary log', run: () => logged.frames() },
        { name: 'VF to VF, 64 B, log taken off after the boot', run: () => over.frames() },
      ],
    });
    for (const machine of [none, logged, over]) await machine.end();
    return results;
  },
};
