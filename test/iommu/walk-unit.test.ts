import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_IOMMU_PROFILE,
  IOMMU_FAULT,
  IOMMU_MISS,
  type Iommu,
  type IommuProfile,
} from '../../src/iommu/index.ts';
import { Probe, ProbeKind, Scheduler } from '../../src/kernel/index.ts';
import { READ_ONLY, READ_WRITE, Tables } from './setup.ts';

const PAGE = 4096;
const VF = 0x0180;
const ACCESS_PS = 1000;
const HOST = 0x8000_0000;

/** Two functions of one domain and one of another, 64 pages each; times in whole accesses. */
function setUp(profile: Partial<IommuProfile> = {}) {
  const tables = new Tables();
  const table = tables.attach(VF, 1);
  table.map(0, HOST, 64 * PAGE, { ...READ_WRITE, pageBytes: PAGE });
  tables.roots.setContext(VF + 2, { domain: 1, root: table.root, levels: 4 });
  tables.attach(VF + 4, 2).map(0, 2 * HOST, 64 * PAGE, { ...READ_WRITE, pageBytes: PAGE });
  const scheduler = new Scheduler();
  const probe = new Probe(scheduler);
  const iommu = tables.iommu({
    scheduler,
    probe,
    profile: { walkers: 2, memoryAccessPs: ACCESS_PS, walkerRecoveryPs: 0, ...profile },
  });
  const answers: { cookie: number; answer: number; at: number }[] = [];
  const client = {
    translated(cookie: number, answer: number) {
      answers.push({ cookie, answer, at: scheduler.now / ACCESS_PS });
    },
  };
  return { tables, table, scheduler, probe, iommu, answers, client };
}

/** Has the contexts of all three functions cached. */
function warm(iommu: Iommu): void {
  for (const id of [VF, VF + 2, VF + 4]) iommu.translate(id, 63 * PAGE, false);
  iommu.invalidateDomain(1);
  iommu.invalidateDomain(2);
}

describe('timed walks', () => {
  it('charge each memory access: six for a function never seen, four for one whose context is cached', () => {
    const { iommu, scheduler, answers, client } = setUp();
    iommu.walk(VF, 0x123, false, client, 1);
    scheduler.runUntilIdle();
    iommu.walk(VF, PAGE, true, client, 2);
    scheduler.runUntilIdle();
    expect(answers).toEqual([
      { cookie: 1, answer: HOST + 0x123, at: 6 },
      { cookie: 2, answer: HOST + PAGE, at: 10 },
    ]);
    expect(iommu.counters().walkAccesses).toBe(10);
  });

  it('leave behind what the next look-up hits', () => {
    const { iommu, scheduler, client } = setUp();
    iommu.walk(VF, 0, false, client, 0);
    expect(iommu.lookup(VF, 0, false)).toBe(IOMMU_MISS);
    scheduler.runUntilIdle();
    expect(iommu.lookup(VF, 0, false)).toBe(HOST);
  });

  it('charge one access when the upper levels are cached', () => {
    const { iommu, scheduler, answers, client } = setUp({
      pagingStructureCache: { sets: 1, ways: 8, replacement: 'lru' },
    });
    iommu.walk(VF, 0, false, client, 0);
    scheduler.runUntilIdle();
    iommu.walk(VF, PAGE, false, client, 1);
    scheduler.runUntilIdle();
    expect(answers.map(({ at }) => at)).toEqual([6, 7]);
    expect(iommu.counters().walksShortened).toBe(1);
  });

  it('are never more than there are walkers; further requests wait in order of arrival', () => {
    const { iommu, scheduler, answers, client } = setUp();
    warm(iommu);
    const { walks } = iommu.counters();
    for (let page = 0; page < 6; page++) iommu.walk(VF, page * PAGE, false, client, page);
    expect(iommu.counters().walks - walks).toBe(2);
    scheduler.runUntilIdle();
    expect(answers.map(({ cookie }) => cookie)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(answers.map(({ at }) => at)).toEqual([4, 4, 8, 8, 12, 12]);
    expect(iommu.counters().queued).toBe(4);
  });

  it('start after the recovery of their walker', () => {
    const { iommu, scheduler, answers, client } = setUp({ walkers: 1, walkerRecoveryPs: 500 });
    warm(iommu);
    for (let page = 0; page < 3; page++) iommu.walk(VF, page * PAGE, false, client, page);
    scheduler.runUntilIdle();
    expect(answers.map(({ at }) => at)).toEqual([4, 8.5, 13]);
  });

  it('serve all requests for their page, of whatever function of the domain', () => {
    const { iommu, scheduler, answers, client } = setUp();
    warm(iommu);
    const before = iommu.counters();
    iommu.walk(VF, 0x10, false, client, 0);
    scheduler.runUntil(1500);
    iommu.walk(VF, 0x20, true, client, 1);
    iommu.walk(VF + 2, 0x30, false, client, 2);
    iommu.walk(VF + 4, 0x40, false, client, 3);
    scheduler.runUntilIdle();
    expect(answers).toEqual([
      { cookie: 0, answer: HOST + 0x10, at: 4 },
      { cookie: 1, answer: HOST + 0x20, at: 4 },
      { cookie: 2, answer: HOST + 0x30, at: 4 },
      { cookie: 3, answer: 2 * HOST + 0x40, at: 5.5 },
    ]);
    expect(iommu.counters().walks - before.walks).toBe(2);
    expect(iommu.counters().merged).toBe(2);
  });

  it('serve a request that waited for a walker from the IOTLB, if its page was walked for meanwhile', () => {
    const { iommu, scheduler, answers, client } = setUp({ walkers: 1 });
    warm(iommu);
    const { walks } = iommu.counters();
    iommu.walk(VF, 0, false, client, 0);
    for (let i = 1; i <= 4; i++) iommu.walk(VF, PAGE + i, false, client, i);
    scheduler.runUntilIdle();
    expect(iommu.counters().walks - walks).toBe(2);
    expect(answers.map(({ at }) => at)).toEqual([4, 8, 8, 8, 8]);
  });

  it('refuse each request for its own reason when they are served together', () => {
    const { table, iommu, scheduler, answers, client } = setUp();
    table.map(100 * PAGE, HOST, PAGE, READ_ONLY);
    warm(iommu);
    // A write that fails, a read that joins it and does not, and another write.
    iommu.walk(VF, 100 * PAGE, true, client, 0);
    iommu.walk(VF, 100 * PAGE, false, client, 1);
    iommu.walk(VF, 100 * PAGE + 8, true, client, 2);
    scheduler.runUntilIdle();
    const answerOf = (cookie: number) => answers.find((a) => a.cookie === cookie)?.answer;
    expect([0, 1, 2].map(answerOf)).toEqual([IOMMU_FAULT, HOST, IOMMU_FAULT]);
    // The other way round: the read succeeds, the write that joins it is refused.
    iommu.invalidateDomain(1);
    iommu.walk(VF, 100 * PAGE, false, client, 3);
    iommu.walk(VF, 100 * PAGE, true, client, 4);
    scheduler.runUntilIdle();
    expect([3, 4].map(answerOf)).toEqual([HOST, IOMMU_FAULT]);
    expect(iommu.faultLog.length).toBe(3);
    expect(iommu.counters().faults).toBe(3);
  });

  it('begin again when an invalidation meets them, and find what the tables say then', () => {
    const { table, iommu, scheduler, answers, client } = setUp();
    warm(iommu);
    iommu.walk(VF, 0, false, client, 0);
    iommu.walk(VF + 4, 0, false, client, 1);
    scheduler.runUntil(2500);
    table.unmap(0, PAGE);
    table.map(0, 4 * HOST, PAGE, READ_WRITE);
    iommu.invalidatePages(1, 0, PAGE);
    scheduler.runUntilIdle();
    expect(answers).toEqual([
      { cookie: 1, answer: 2 * HOST, at: 4 },
      { cookie: 0, answer: 4 * HOST, at: 6.5 },
    ]);
    expect(iommu.counters().walksRestarted).toBe(1);
  });

  it('let go the requests that had joined them when they begin again', () => {
    const { tables, iommu, scheduler, answers, client } = setUp();
    warm(iommu);
    iommu.walk(VF, 0, false, client, 0);
    iommu.walk(VF + 2, 0, false, client, 1);
    scheduler.runUntil(1000);
    // The first function moves to the other domain; the second stays.
    const other = tables.attach(VF, 3);
    other.map(0, 3 * HOST, PAGE, READ_WRITE);
    iommu.invalidateContext(VF);
    scheduler.runUntilIdle();
    expect(answers.map(({ cookie, answer }) => [cookie, answer])).toEqual([
      [1, HOST],
      [0, 3 * HOST],
    ]);
  });

  it('answer with the address itself while translation is off, but not before walk() returns', () => {
    const { iommu, scheduler, answers, client } = setUp();
    iommu.enabled = false;
    iommu.walk(VF, 0x1234, true, client, 0);
    expect(answers).toEqual([]);
    scheduler.runUntilIdle();
    expect(answers).toEqual([{ cookie: 0, answer: 0x1234, at: 0 }]);
  });

  it('end without an access where none is needed, but not before walk() returns', () => {
    const { iommu, scheduler, answers, client } = setUp();
    warm(iommu);
    iommu.walk(VF, 2 ** 50, true, client, 0);
    expect(answers).toEqual([]);
    scheduler.runUntilIdle();
    expect(answers).toEqual([{ cookie: 0, answer: IOMMU_FAULT, at: 0 }]);
    expect(iommu.faultLog.take()?.reason).toBe(4);
  });

  it('may be asked for by a client that has just been answered', () => {
    const { iommu, scheduler } = setUp();
    warm(iommu);
    const order: number[] = [];
    const client = {
      translated(cookie: number, answer: number) {
        order.push(cookie);
        expect(answer).toBe(HOST + (cookie % 64) * PAGE);
        if (cookie < 20) iommu.walk(VF, ((cookie + 3) % 64) * PAGE, false, client, cookie + 3);
      },
    };
    for (let cookie = 0; cookie < 3; cookie++) iommu.walk(VF, cookie * PAGE, false, client, cookie);
    scheduler.runUntilIdle();
    expect(order).toEqual(Array.from({ length: 23 }, (_, i) => i));
  });

  it('give a request that joined them nothing old when a client invalidates while it is called', () => {
    const { table, iommu, scheduler, answers, client } = setUp();
    warm(iommu);
    const meddler = {
      translated() {
        table.unmap(0, PAGE);
        table.map(0, 4 * HOST, PAGE, READ_WRITE);
        iommu.invalidateDomain(1);
      },
    };
    iommu.walk(VF, 0, false, meddler, 0);
    iommu.walk(VF, 0, false, client, 1);
    scheduler.runUntilIdle();
    expect(answers).toEqual([{ cookie: 1, answer: 4 * HOST, at: 8 }]);
  });

  it('are dropped by a reset, without a call', () => {
    const { iommu, scheduler, answers, client } = setUp();
    for (let page = 0; page < 5; page++) iommu.walk(VF, page * PAGE, false, client, page);
    scheduler.runUntil(1500);
    iommu.reset();
    iommu.walk(VF, 0, false, client, 9);
    scheduler.runUntilIdle();
    expect(answers).toEqual([{ cookie: 9, answer: HOST, at: 7.5 }]);
  });

  it('are recorded by the probe when they begin, and when they end with what they took', () => {
    const { iommu, scheduler, probe, client } = setUp();
    const records: number[][] = [];
    probe.sink = { record: (...record) => records.push(record) };
    iommu.walk(VF, 5 * PAGE + 1, false, client, 0);
    scheduler.runUntilIdle();
    // Root, context and four tables, of which the last has a page of 4 KiB.
    const outcome = 6 | (1 << 8);
    expect(records).toEqual([
      [0, ProbeKind.PAGE_WALK, VF, 5, 0],
      [6 * ACCESS_PS, ProbeKind.PAGE_WALK_END, VF, 5, outcome],
    ]);
  });

  it('answer every request once, in a time that the number of walkers explains', () => {
    const request = fc.record({
      function: fc.constantFrom(VF, VF + 2, VF + 4, VF + 6),
      page: fc.nat({ max: 70 }),
      isWrite: fc.boolean(),
      gap: fc.nat({ max: 3 * ACCESS_PS }),
    });
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 150 }),
        fc.integer({ min: 1, max: 7 }),
        (requests, walkers) => {
          const { iommu, scheduler, answers, client } = setUp({ walkers });
          requests.forEach((r, i) => {
            scheduler.runUntil(scheduler.now + r.gap);
            const answer = iommu.lookup(r.function, r.page * PAGE, r.isWrite);
            if (answer === IOMMU_MISS) iommu.walk(r.function, r.page * PAGE, r.isWrite, client, i);
            else client.translated(i, answer);
          });
          const lastArrival = scheduler.now;
          scheduler.runUntilIdle();
          expect(answers.map(({ cookie }) => cookie).sort((a, b) => a - b)).toEqual(
            requests.map((_, i) => i),
          );
          const { walks, walkAccesses, lookups } = iommu.counters();
          expect(lookups).toBe(requests.length);
          // No more accesses than all walkers together have time for.
          expect(walkAccesses * ACCESS_PS).toBeLessThanOrEqual(walkers * scheduler.now);
          expect(scheduler.now - lastArrival).toBeLessThanOrEqual(
            Math.ceil(walks / walkers + 1) * 6 * ACCESS_PS,
          );
          for (const { cookie, answer } of answers) {
            const r = requests[cookie];
            const base = { [VF]: HOST, [VF + 2]: HOST, [VF + 4]: 2 * HOST }[r.function];
            expect(answer).toBe(base === undefined || r.page > 63 ? IOMMU_FAULT : base + r.page * PAGE);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('DEFAULT_IOMMU_PROFILE', () => {
  it('makes a miss cost 290 ns with four-level tables, as measured', () => {
    expect(4 * DEFAULT_IOMMU_PROFILE.memoryAccessPs).toBe(290_000);
  });
});
