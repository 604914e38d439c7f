import { RandomStream } from '../../src/base/index.ts';
import { IOMMU_MISS } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { Tables } from './setup.ts';

const PAGE = 4096;
const DEVICE = 0x0100;

/** A device that reads 64 bytes at random addresses of a window, through the IOMMU. */
export interface RandomReads {
  /** Size of the window in pages of 4 KiB. */
  pages: number;
  /** Reads under way at most. */
  outstanding: number;
  /** Least time between two requests, in ps. */
  intervalPs: number;
  /** Latency of a read that needs no walk, in ps. */
  latencyPs: number;
  /** Reads that are translated ahead of the oldest one that waits for a walk; they are answered in order. */
  ahead: number;
  /** Reads to make; the first fifth warms up. */
  reads: number;
}

/** Average latency and throughput of {@link RandomReads}, with the default IOMMU and nothing else in the way. */
export function randomReads(options: RandomReads): { latencyNs: number; gigabits: number } {
  const { pages, outstanding, intervalPs, latencyPs, ahead, reads } = options;
  const tables = new Tables();
  const permissions = { read: true, write: true, pageBytes: PAGE };
  tables.attach(DEVICE, 1).map(0, 2 ** 32, pages * PAGE, permissions);
  const scheduler = new Scheduler();
  const iommu = tables.iommu({ scheduler });
  const random = new RandomStream(`reads of ${pages} pages`);

  const issuedAt = new Float64Array(reads);
  const addresses = Float64Array.from({ length: reads }, () => random.integer(pages) * PAGE);
  const translated = new Uint8Array(reads);
  let issued = 0;
  let arrived = 0;
  let looked = 0;
  let released = 0;
  let completed = 0;
  let nextIssueAt = 0;
  const warm = Math.floor(reads / 5);
  let warmAt = 0;
  let latencySum = 0;

  const client = {
    translated(read: number) {
      translated[read] = 1;
      goOn();
    },
  };
  /** Translates what has arrived, as far ahead as is allowed, and lets what is translated go in order. */
  function goOn(): void {
    for (;;) {
      if (released < looked && translated[released] === 1) {
        scheduler.schedule(latencyPs / 2, complete, released++, 0);
      } else if (looked < arrived && looked - released < ahead) {
        const read = looked++;
        if (iommu.lookup(DEVICE, addresses[read], false) !== IOMMU_MISS) translated[read] = 1;
        else iommu.walk(DEVICE, addresses[read], false, client, read);
      } else {
        return;
      }
    }
  }
  const arrive = scheduler.task('arrive', () => {
    arrived++;
    goOn();
  });
  const complete = scheduler.task('complete', (read) => {
    completed++;
    if (read === warm) warmAt = scheduler.now;
    if (read > warm) latencySum += scheduler.now - issuedAt[read];
    issueMore();
  });
  const issueLater = scheduler.task('issue', () => issueMore());
  function issueMore(): void {
    while (issued < reads && issued - completed < outstanding) {
      if (scheduler.now < nextIssueAt) return;
      issuedAt[issued++] = scheduler.now;
      nextIssueAt = scheduler.now + intervalPs;
      scheduler.schedule(latencyPs / 2, arrive, 0, 0);
      scheduler.schedule(intervalPs, issueLater, 0, 0);
    }
  }
  issueMore();
  scheduler.runUntilIdle();
  const counted = reads - warm - 1;
  return {
    latencyNs: latencySum / counted / 1e3,
    gigabits: (counted * 64 * 8 * 1e3) / (scheduler.now - warmAt),
  };
}
