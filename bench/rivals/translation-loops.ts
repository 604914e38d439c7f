import { RandomStream } from 'sriovsim/base';
import type { Iommu } from 'sriovsim/iommu';
import type { Scheduler } from 'sriovsim/kernel';

/** Requests of a batch of look-ups; of walks there are a tenth as many. */
export const BATCH = 20_000;
const WALKS = BATCH / 10;
/** Requests that wait at once in the timed loop: enough for every walker. */
const AT_ONCE = 12;

/** Addresses at random in a window, as many as a batch has. */
function requests(window: number, pages: number, pageBytes: number): Float64Array {
  const random = new RandomStream('requests');
  return Float64Array.from(
    { length: BATCH },
    () => window + random.integer(pages) * pageBytes + random.integer(4096),
  );
}

/** What the look-up loop drives. */
export interface Translator {
  lookup(routingId: number, address: number, isWrite: boolean): number;
}

/** A batch of look-ups, all of which have to hit. */
export function lookupLoop(
  translator: Translator,
  routingId: number,
  window: number,
  pages: number,
  pageBytes: number,
): () => number {
  const addresses = requests(window, pages, pageBytes);
  return () => {
    let missed = 0;
    for (let i = 0; i < BATCH; i++) {
      if (translator.lookup(routingId, addresses[i], (i & 1) === 1) < 0) missed++;
    }
    if (missed > 0) throw new Error(`${missed} of ${BATCH} look-ups missed`);
    return BATCH;
  };
}

/** A batch of translations, almost all of which have to walk. */
export function translateLoop(
  iommu: Iommu,
  routingId: number,
  window: number,
  pages: number,
  pageBytes: number,
): () => number {
  const addresses = requests(window, pages, pageBytes);
  let next = 0;
  return () => {
    for (let i = 0; i < WALKS; i++) {
      if (iommu.translate(routingId, addresses[next], (i & 1) === 1) < 0) throw new Error('refused');
      next = next + 1 === BATCH ? 0 : next + 1;
    }
    return WALKS;
  };
}

/** A batch of walks in simulated time: each answer asks for the next one. */
export function timedLoop(
  iommu: Iommu,
  scheduler: Scheduler,
  routingId: number,
  window: number,
  pages: number,
  pageBytes: number,
): () => number {
  const addresses = requests(window, pages, pageBytes);
  let next = 0;
  let left = 0;
  const client = {
    translated(cookie: number, hostPhysical: number) {
      if (hostPhysical < 0) throw new Error('refused');
      if (left === 0) return;
      left--;
      iommu.walk(routingId, addresses[next], (next & 1) === 1, client, cookie);
      next = next + 1 === BATCH ? 0 : next + 1;
    },
  };
  return () => {
    left = WALKS - AT_ONCE;
    for (let i = 0; i < AT_ONCE; i++) iommu.walk(routingId, addresses[i], false, client, i);
    scheduler.runUntilIdle();
    return WALKS;
  };
}
