import { RandomStreams } from 'sriovsim/base';

/** What the schedulers under comparison have in common. */
export interface Contestant {
  task(name: string, handler: (a: number, b: number) => void): number;
  schedule(delayPs: number, task: number, a: number, b: number): void;
  step(): boolean;
}

/** Events in a batch. */
export const BATCH_EVENTS = 20_000;
const DELAYS = 1 << 14;

/** Fills `scheduler` with `pending` events; every call of what it returns runs a batch of them. */
export function holdModel(scheduler: Contestant, pending: number): () => number {
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
    for (let i = 0; i < BATCH_EVENTS; i++) scheduler.step();
    return BATCH_EVENTS;
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
