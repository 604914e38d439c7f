import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/index.ts';
import { type FrameSpec, TransmitRig, type TransmitRigOptions } from './transmit-rig.ts';

const options: fc.Arbitrary<TransmitRigOptions> = fc.record({
  queues: fc.integer({ min: 1, max: 5 }),
  ringSize: fc.constantFrom(8, 9, 16, 31, 64, 200),
  ringOffset: fc.constantFrom(0, 128, 4096 - 128, 4096 - 16),
  cacheDescriptors: fc.constantFrom(1, 3, 8, 40, 64),
  packetBufferBytes: fc.constantFrom(1000, 1600, 2000, 5000, 100_000),
  slots: fc.constantFrom(6, 10, 40),
  reservedSlots: fc.constantFrom(0, 1),
  limits: fc.record({ reads: fc.constantFrom(5, 6, 9, 40), writes: fc.constantFrom(8, 9, 20) }),
});

const frame: fc.Arbitrary<FrameSpec> = fc.record({
  parts: fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 1600 })),
    fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
    fc.array(fc.constantFrom(0, 60, 900, 1601), { minLength: 1, maxLength: 3 }),
  ),
  contexts: fc.constantFrom(0, 0, 1, 2),
  contextReports: fc.boolean(),
  report: fc.boolean(),
  fails: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

const thresholds = fc.record({ prefetch: fc.constantFrom(0, 4, 32), host: fc.constantFrom(0, 1, 4) });

describe('transmit engine', () => {
  it('brings every frame out once, whole, in order, with the status that software waits for', () => {
    fc.assert(
      fc.property(
        options,
        thresholds,
        fc.array(fc.tuple(fc.nat(4), frame), { minLength: 1, maxLength: 120 }),
        fc.nat(),
        fc.boolean(),
        (given, { prefetch, host }, frames, seed, byHead) => {
          const random = new RandomStreams(seed).stream('transmit');
          const pick = (bound: number) => random.integer(bound);
          const rig = new TransmitRig(given);
          const { engine, port } = rig;
          rig.holds = true;
          const queues = engine.rings.all.length;
          for (const ring of engine.rings.all) {
            ring.prefetchThreshold = prefetch;
            ring.hostThreshold = host;
          }
          const waiting: FrameSpec[][] = Array.from({ length: queues }, () => []);
          for (const [queue, spec] of frames) waiting[queue % queues].push(spec);
          const heads = new Array(queues).fill(0);
          const check = () => {
            for (let queue = 0; queue < queues; queue++) {
              const head = rig.headNumber(queue);
              if (head < heads[queue]) expect.fail(`head went back from ${heads[queue]} to ${head}`);
              if (head > rig.doneNumber(queue)) expect.fail('the head is beyond what is done');
              heads[queue] = head;
            }
          };
          const post = (queue: number) => {
            rig.reclaim(queue, byHead);
            const next = waiting[queue][0];
            if (next === undefined) return;
            // Software that goes by the head asks for no status: it would come late, on descriptors that are
            // in use again.
            const wishes = { ...next, report: !byHead, contextReports: !byHead && next.contextReports };
            if (!rig.post(queue, wishes)) return;
            waiting[queue].shift();
            if (pick(3) > 0 || waiting[queue].length === 0) rig.kick(queue);
          };
          const actions = [
            () => post(pick(queues)),
            () => post(pick(queues)),
            () => port.step(pick),
            () => port.step(pick),
            () => rig.held.length > 0 && rig.free(pick(rig.held.length)),
            // Now and then a function may send no requests for a while.
            () => engine.setMaster(pick(queues), pick(4) > 0),
          ];
          let steps = 0;
          while (waiting.some((specs) => specs.length > 0)) {
            actions[pick(actions.length)]();
            check();
            if (++steps > 100_000) expect.fail('the engine stands still');
            // Frames that no longer fit before the tail is moved must not block software.
            if (steps % 50 === 0) for (let queue = 0; queue < queues; queue++) rig.kick(queue);
          }
          for (let queue = 0; queue < queues; queue++) {
            engine.setMaster(queue, true);
            rig.kick(queue);
          }
          while (port.pending > 0 || rig.held.length > 0) {
            actions[2 + pick(3)]();
            check();
          }
          rig.expectAllDone();
          expect(engine.rings.descriptorsFetched).toBe(
            rig.posted.reduce((sum, { length }) => sum + length, 0),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});
