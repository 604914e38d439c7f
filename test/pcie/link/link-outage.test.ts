import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompletionStatus, LinkOutage, ReadOutcome, type Tlp } from '../../../src/pcie/index.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { DmaRig, ForeseeingTranslator, memoryRequest, PagedTranslator } from './dma-rig.ts';

const rootCredits = {
  postedHeaders: 8,
  postedData: 64,
  nonPostedHeaders: 8,
  nonPostedData: 8,
  completionHeaders: 0,
  completionData: 0,
};
const deviceCredits = { ...rootCredits, postedHeaders: 4, postedData: 4 };

function rigWithOutage(foresees = true) {
  const Translator = foresees ? ForeseeingTranslator : PagedTranslator;
  const rig = new DmaRig({
    translator: (scheduler) => new Translator(scheduler, () => 300_000),
    link: { rootCredits, deviceCredits },
  });
  const answers: number[] = [];
  const software = (tlp: Tlp) => {
    answers.push(tlp.status);
    rig.tlps.give(tlp);
  };
  const outage = new LinkOutage(rig.scheduler, rig.link, rig.tlps, rig.requester, software);
  /** A request of software's for a register. */
  const ask = (kind: TlpKind) => {
    const tlp = rig.tlps.take();
    const isWrite = kind === TlpKind.MEMORY_WRITE;
    Object.assign(tlp, { kind, requester: 0, address: 0xd000_0000, bytes: 4, count: 1, extraPs: 0 });
    Object.assign(tlp, {
      store: null,
      client: isWrite ? -1 : -3,
      dataCredits: isWrite ? 1 : 0,
      linkBytes: 24,
    });
    tlp.flowClass = isWrite ? FlowClass.POSTED : FlowClass.NON_POSTED;
    rig.port.sendDown(tlp);
  };
  return { rig, outage, ask, answers };
}

describe('a link that is down', () => {
  it('answers software with Unsupported Request, and loses what it stores', () => {
    const { rig, outage, ask, answers } = rigWithOutage();
    outage.down();
    // More than the device had advertised credits for.
    for (let i = 0; i < 20; i++) ask(TlpKind.MEMORY_READ);
    for (let i = 0; i < 20; i++) ask(TlpKind.MEMORY_WRITE);
    rig.scheduler.runUntilIdle();
    expect(answers).toEqual(Array.from({ length: 20 }, () => CompletionStatus.UNSUPPORTED_REQUEST));
    expect(outage.counters()).toEqual({ downs: 1, tlpsLost: 40 });
    expect(rig.isIdle).toBe(true);
  });

  it('ends reads and writes of the device without their having happened', () => {
    const { rig, outage } = rigWithOutage();
    outage.down();
    rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 1));
    rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 2));
    rig.scheduler.runUntilIdle();
    expect(rig.writes).toEqual([1]);
    expect(rig.committed).toEqual([]);
    expect(rig.reads.map(({ cookie, status }) => [cookie, status])).toEqual([[2, ReadOutcome.LOST]]);
    expect(rig.isIdle).toBe(true);
  });
});

describe('whenever a link goes down and comes up', () => {
  const step = fc.record({
    what: fc.constantFrom('read', 'write', 'register', 'store', 'down', 'up'),
    bytes: fc.integer({ min: 1, max: 1500 }),
    waitPs: fc.integer({ min: 0, max: 400_000 }),
  });

  it.each([true, false])(
    'every request ends once, and all tags, records and credits come back; foresight: %s',
    (foresees) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
          const { rig, outage, ask, answers } = rigWithOutage(foresees);
          const trains = { read: 0, write: 0, register: 0 };
          for (const { what, bytes, waitPs } of steps) {
            const address = 0x10_0000 + bytes * 64;
            if (what === 'read' && rig.requester.canRead(bytes)) {
              trains.read += rig.requester.read(memoryRequest(1, address, bytes, 0, rig.client, 1));
            } else if (what === 'write' && rig.requester.canWrite()) {
              trains.write += rig.requester.write(memoryRequest(1, address, bytes, 0, rig.client, 1));
            } else if (what === 'register') {
              trains.register++;
              ask(TlpKind.MEMORY_READ);
            } else if (what === 'store') ask(TlpKind.MEMORY_WRITE);
            else if (what === 'down') outage.down();
            else if (what === 'up') outage.up();
            rig.scheduler.runUntil(rig.scheduler.now + waitPs);
          }
          outage.up();
          rig.scheduler.runUntilIdle();
          rig.scheduler.runUntil(rig.scheduler.now + 10_000_000);
          expect(rig.reads).toHaveLength(trains.read);
          expect(rig.writes).toHaveLength(trains.write);
          // Those that were answered by the device have come to the root port, which tells nobody here.
          expect(answers.length).toBeLessThanOrEqual(trains.register);
          expect(rig.requester.counters()['tagsInUse']).toBe(0);
          expect(rig.tlps.capacity - rig.tlps.available).toBe(trains.register - answers.length);
          for (const direction of [rig.link.upstream, rig.link.downstream]) {
            for (const flowClass of [FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION]) {
              const { headers } = direction.trainLimits(flowClass);
              expect(direction.headerCredits(flowClass)).toBe(headers);
            }
          }
          // And it works.
          rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 5));
          rig.scheduler.runUntilIdle();
          expect(rig.reads.at(-1)).toMatchObject({ cookie: 5, status: CompletionStatus.SUCCESSFUL });
        }),
        { numRuns: 300 },
      );
    },
  );
});
