import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/index.ts';
import { TagOperation } from '../../src/dma/index.ts';
import { TagEdit } from '../../src/wire/index.ts';
import { ReceiveRig, type ReceiveRigOptions } from './receive-rig.ts';

const options: fc.Arbitrary<ReceiveRigOptions> = fc.record({
  queues: fc.integer({ min: 1, max: 4 }),
  ringSize: fc.constantFrom(8, 9, 16, 31, 64, 200),
  ringOffset: fc.constantFrom(0, 128, 4096 - 128, 4096 - 16),
  cacheDescriptors: fc.constantFrom(1, 3, 8, 40, 64),
  bufferBytes: fc.constantFrom(64, 128, 1024, 2048),
  dropEnable: fc.boolean(),
  deliveries: fc.constantFrom(4, 16, 64),
  slots: fc.constantFrom(8, 40),
  writeBackHoldPs: fc.constantFrom(0, 1, 100_000),
  bufferOffset: fc.constantFrom(
    () => 0,
    (n: number) => 4096 - (n % 29),
    (n: number) => (n * 67) % 4096,
  ),
  limits: fc.record({ reads: fc.constantFrom(4, 5, 40), writes: fc.constantFrom(8, 9, 40) }),
});

const { STRIP, INSERT, INSERT_OUTER, INSERT_VIRTUAL, BEHIND_OUTER } = TagEdit;
/** Of frames that have a tag in their bytes, edits of more than one kind. */
const EDITS = [
  STRIP | INSERT,
  INSERT_OUTER,
  INSERT | INSERT_OUTER,
  STRIP | BEHIND_OUTER,
  INSERT | BEHIND_OUTER,
  STRIP | INSERT | INSERT_OUTER | INSERT_VIRTUAL,
];

const thresholds = fc.record({ prefetch: fc.constantFrom(0, 4, 32), host: fc.constantFrom(0, 1, 4) });

type Action = 'send' | 'group' | 'post' | 'port' | 'time' | 'restart' | 'master';
const action = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom<Action>('send', 'post', 'port', 'port', 'port', 'time') },
  { weight: 4, arbitrary: fc.constantFrom<Action>('group', 'master') },
  { weight: 2, arbitrary: fc.constant<Action>('restart') },
);

describe('receive engine', () => {
  it('brings every frame to software once, whole and in order, or drops it and says so; every slot comes back', () => {
    fc.assert(
      fc.property(
        options,
        thresholds,
        fc.array(action, { minLength: 1, maxLength: 300 }),
        fc.nat(),
        (given, { prefetch, host }, program, seed) => {
          const random = new RandomStreams(seed).stream('receive');
          const pick = (bound: number) => random.integer(bound);
          const rig = new ReceiveRig(given);
          const { engine, frames } = rig;
          const queues = engine.rings.all.length;
          for (const ring of engine.rings.all) {
            ring.prefetchThreshold = prefetch;
            ring.hostThreshold = host;
          }
          const operations = [...Object.values(TagOperation), ...EDITS];
          let [delivered, lost] = [0, 0];

          const send = (targets: number[]) => {
            if (frames.available === 0) return;
            const bytes = [60, 61, 64, 127, 600, 1514][pick(6)];
            const slot = rig.frame(bytes, 0x1000 + pick(0x1000));
            frames.outerTci[slot] = 0x2000 + pick(0x1000);
            frames.serviceTag[slot] = 0x88a8_0000 + pick(0x1000);
            frames.virtualTag[slot] = pick(0x1000_0000);
            frames.virtualTagExtension[slot] = pick(0x1000);
            frames.retain(slot, targets.length - 1);
            for (const queue of targets) {
              rig.deliver(queue, slot, operations[pick(3)]);
              delivered++;
            }
          };
          const restart = (queue: number) => {
            engine.disable(queue);
            lost += rig.written[queue].length;
            rig.restart(queue);
          };
          const run: Record<Action, () => void> = {
            send: () => send([pick(queues)]),
            group: () => send(Array.from({ length: queues }, (_, queue) => queue)),
            post: () => rig.post(pick(queues), 1 + pick(8)),
            port: () => rig.port.step(pick),
            time: () => rig.scheduler.step(),
            restart: () => restart(pick(queues)),
            master: () => engine.setMaster(pick(queues), pick(2) > 0),
          };
          for (const next of program) run[next]();
          for (let queue = 0; queue < queues; queue++) engine.setMaster(queue, true);

          // What waits gets its buffers now, without anything else being done.
          const waiting = () =>
            rig.written.reduce((sum, { length }, queue) => sum + length + rig.waiting(queue), 0);
          for (;;) {
            rig.settle(pick);
            if (waiting() === 0) break;
            let posts = 0;
            for (let queue = 0; queue < queues; queue++) {
              if (rig.posted[queue] - rig.seen[queue] === rig.size - 1) continue;
              rig.post(queue);
              posts++;
            }
            if (posts === 0) expect.fail('frames wait, though every ring is full of buffers');
          }
          rig.settle(pick);
          rig.expectIdle();
          const received = rig.received.reduce((sum, { length }) => sum + length, 0);
          expect(received + rig.dropped.length + lost).toBe(delivered);
          expect(rig.released).toHaveLength(delivered);
          expect(engine.framesDropped).toBe(rig.dropped.length);
          expect(engine.framesWritten).toBe(received + lost);
        },
      ),
      { numRuns: 150 },
    );
  });
});
