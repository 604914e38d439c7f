/** How the queues of a card are divided among pools. */
export interface QueueDivision {
  /** Queues of each pool, a power of two. */
  queuesPerPool: number;
  /** Pool of each queue. */
  readonly pools: number[];
}

/** Gives each pool so many queues, as far as there are any; returns whether that is a change. */
export function divideAmongPools(division: QueueDivision, queuesPerPool: number): boolean {
  if (queuesPerPool === division.queuesPerPool) return false;
  division.queuesPerPool = queuesPerPool;
  for (const queue of division.pools.keys()) division.pools[queue] = Math.floor(queue / queuesPerPool);
  return true;
}
