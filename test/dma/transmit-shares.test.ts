import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/index.ts';
import { ScheduledTurns, type TransmitShare, TransmitShares } from '../../src/dma/index.ts';
import { byteTimeOf, EgressScheduler, Scheduler } from '../../src/kernel/index.ts';
import { TransmitRig, type TransmitRigOptions } from './transmit-rig.ts';

/** A part of so many bytes, the longest frame kept free. */
const part = (thresholdBytes: number, frames = 1000): TransmitShare => ({ thresholdBytes, frames });
const NOTHING = part(-1);

/** Eight parts, of which some are given. */
const parts = (given: Record<number, TransmitShare>): TransmitShare[] =>
  Array.from({ length: 8 }, (_, c) => given[c] ?? NOTHING);

/** A rig whose rings are of these classes; frames leave when the test says so. */
function divided(classes: number[], shares: TransmitShare[] | null, options: TransmitRigOptions = {}) {
  const queues = classes.length;
  const rig = new TransmitRig({ queues, ...options });
  const scheduler = new Scheduler();
  const { engine } = rig;
  const egress = new EgressScheduler({ queues, vports: queues, classes: 8 });
  egress.setClassArbitration('frame');
  const turns = new ScheduledTurns('transmit', engine.rings.all, egress, scheduler, () => engine.resume());
  const account = new TransmitShares(queues, rig.frames.slots, (c, closed) => egress.setPaused(c, closed));
  engine.shares = account;
  for (const [queue, c] of classes.entries()) {
    egress.place(queue, c, queue);
    account.place(queue, c);
  }
  account.divide(shares);
  engine.useTurns(turns);
  rig.holds = true;
  /** Posts `count` frames of so many bytes, and fetches what may be fetched. */
  const post = (queue: number, count: number, bytes: number) => {
    for (let i = 0; i < count; i++) expect(rig.post(queue, { parts: [bytes], report: true })).toBe(true);
    rig.kick(queue);
    rig.port.run();
  };
  return { rig, engine, egress, account, scheduler, post };
}

/** The oldest frame leaves that has more than 100 bytes (those of class 3 do), or that has no more. */
function free(rig: TransmitRig, ofThree: boolean): boolean {
  const index = rig.held.findIndex((slot) => rig.frames.lengths[slot] > 100 === ofThree);
  if (index < 0) return false;
  rig.free(index);
  rig.port.run();
  return true;
}

describe('a transmit buffer with a part for each class', () => {
  it('fetches frames of a class while no more than its threshold lies in the buffer', () => {
    const { rig, account, post } = divided([3], parts({ 3: part(2000) }));
    post(0, 6, 700);
    // 0, 700 and 1,400 are no more than 2,000; 2,100 is.
    expect(rig.ended).toEqual([3]);
    expect([account.bytes[3], account.frames[3], account.highWater[3], account.filled[3]]).toEqual([
      2100, 3, 2100, 1,
    ]);
    rig.free();
    rig.port.run();
    expect([rig.ended[0], account.bytes[3], account.filled[3]]).toEqual([4, 2100, 2]);
    expect(account.counters()['transmitBuffer.class3.bytes']).toBe(2100);
    while (rig.held.length > 0) {
      rig.free();
      rig.port.run();
    }
    expect(account.bytes[3]).toBe(0);
    expect(account.highWater[3]).toBe(2100);
    rig.expectAllDone();
  });

  it('fetches no more frames of a class than it has room to keep account of', () => {
    const { rig, account, post } = divided([3], parts({ 3: part(2000, 2) }));
    post(0, 4, 60);
    expect(rig.ended).toEqual([2]);
    expect(account.bytes[3]).toBe(120);
  });

  it('fetches nothing of a class without a part', () => {
    const { rig, account, post } = divided([3, 0], parts({ 0: part(2000) }));
    post(0, 4, 60);
    post(1, 4, 60);
    expect(rig.ended).toEqual([0, 4]);
    expect(account.filled[3]).toBe(0);
  });

  it('passes over a class whose part is full: the others go on', () => {
    const { rig, account, post } = divided([3, 0], parts({ 0: part(1000), 3: part(2000) }));
    post(0, 8, 700);
    for (let i = 0; i < 40; i++) {
      post(1, 1, 100);
      expect(free(rig, false)).toBe(true);
      rig.reclaim(1, true);
    }
    expect(rig.ended).toEqual([3, 40]);
    expect([account.bytes[0], account.bytes[3]]).toEqual([0, 2100]);
  });

  it('that all share is filled by one class, behind which all wait', () => {
    const { rig, account, post } = divided([3, 0], null, { packetBufferBytes: 3000 });
    post(0, 8, 700);
    post(1, 8, 100);
    // Four frames of 700 bytes leave 200: room for one of 100, behind which it is the fifth's turn.
    expect(rig.ended).toEqual([4, 1]);
    expect([account.bytes[0], account.bytes[3]]).toEqual([100, 2800]);
    expect(free(rig, false)).toBe(true);
    expect(rig.ended).toEqual([4, 1]);
    expect(account.filled[3]).toBe(0);
    expect(free(rig, true)).toBe(true);
    expect(rig.ended).toEqual([5, 2]);
  });

  it('leaves a ring that is passed over its turn among those of its class', () => {
    const { rig, post } = divided([3, 3, 3], parts({ 3: part(100) }));
    for (let queue = 0; queue < 3; queue++) post(queue, 3, 200);
    // One frame fits at a time: each ring in its turn, whoever freed the room. The first had its second turn
    // before the others came.
    expect(rig.ended).toEqual([1, 0, 0]);
    while (rig.held.length > 0) {
      rig.free();
      rig.port.run();
    }
    expect(rig.outcomes.map(({ queue }) => queue)).toEqual([0, 0, 1, 2, 0, 1, 2, 1, 2]);
  });

  it('charges no rate limit and no weight while a class is passed over', () => {
    const { rig, egress, scheduler } = divided([3, 3], parts({ 3: part(100) }));
    egress.setWeighted(true);
    egress.setVPortWeight(0, 6000);
    egress.setVPortWeight(1, 2000);
    egress.setQueueRate(0, byteTimeOf(8_000_000), 4000, 0);
    const tick = scheduler.task('tick', () => {});
    for (let round = 0; round < 400; round++) {
      for (let queue = 0; queue < 2; queue++) {
        rig.reclaim(queue, true);
        while (rig.room(queue) > 1) rig.post(queue, { parts: [196], report: true });
        rig.kick(queue);
      }
      rig.port.run();
      // It stands still for longer than any limit.
      scheduler.schedule(10_000_000, tick, 0, 0);
      while (scheduler.step());
      rig.port.run();
      if (rig.held.length > 0) rig.free();
      rig.port.run();
    }
    const [first, second] = rig.ended;
    expect(first + second).toBeGreaterThan(395);
    expect(first / second).toBeGreaterThan(2.8);
    expect(first / second).toBeLessThan(3.2);
  });

  it('gives back what a frame held whose reads fail, or whose ring is disabled in the middle of it', () => {
    const { rig, engine, account } = divided([3, 0], parts({ 0: part(1000), 3: part(100) }), {
      limits: { reads: 5, writes: 64 },
    });
    rig.post(0, { parts: [300, 20], fails: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes).toEqual([{ queue: 0, bytes: null }]);
    expect([account.bytes[3], account.frames[3]]).toEqual([0, 0]);
    rig.post(0, { parts: [100, 100, 100] });
    rig.kick(0);
    while (engine.rings.ring(0).openSlot < 0) rig.port.finishRead();
    expect(account.bytes[3]).toBe(300);
    rig.expected[0][1] = null;
    engine.disable(0);
    rig.port.run();
    expect([account.bytes[3], account.frames[3]]).toEqual([0, 0]);
  });

  it('keeps account of what is in the buffer when rings change their class', () => {
    const { rig, account, egress, post } = divided([3, 0], parts({ 0: part(1000), 3: part(2000) }));
    post(0, 8, 700);
    egress.place(0, 0, 0);
    account.place(0, 0);
    expect(account.bytes[3]).toBe(2100);
    post(1, 1, 100);
    rig.engine.resume();
    rig.port.run();
    // 100, and of the 700 that follow as many as begin below 1,000.
    expect([account.bytes[0], account.bytes[3]]).toEqual([1500, 2100]);
    while (rig.held.length > 0) {
      rig.free();
      rig.port.run();
    }
    expect([account.bytes[0], account.bytes[3]]).toEqual([0, 0]);
  });

  it('keeps account of a copy that goes on instead of the frame', () => {
    const account = new TransmitShares(1, 8, () => {});
    account.take(0, 5, 700);
    account.leave(5);
    account.copied(6);
    // By now the slot is another frame's.
    account.take(0, 5, 60);
    account.stay();
    expect(account.bytes[0]).toBe(760);
    account.giveBack(6);
    expect(account.bytes[0]).toBe(60);
    account.giveBack(5);
    account.giveBack(5);
    expect([account.bytes[0], account.frames[0]]).toEqual([0, 0]);
  });

  it('has every byte in the part of its class, and none when all has left, whatever happens', () => {
    const frame = fc.record({
      queue: fc.nat(3),
      parts: fc.oneof(
        fc.tuple(fc.integer({ min: 1, max: 1600 })),
        fc.array(fc.constantFrom(0, 60, 300, 900), { minLength: 1, maxLength: 3 }),
      ),
      fails: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    });
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 3, 5), { minLength: 4, maxLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 3, maxLength: 3 }),
        fc.array(frame, { minLength: 1, maxLength: 100 }),
        fc.integer({ min: 5, max: 9 }),
        fc.nat(),
        (classes, thresholds, program, reads, seed) => {
          const random = new RandomStreams(seed).stream('shares');
          const shares = parts({
            0: part(thresholds[0], 7),
            3: part(thresholds[1], 9),
            5: part(thresholds[2], 20),
          });
          const { rig, account, engine } = divided(classes, shares, {
            limits: { reads, writes: 64 },
            ringSize: 32,
          });
          /** Classes whose frames the wire may not take. */
          let paused = 0;
          const classOf = new Map<number, number>();
          const { take } = account;
          account.take = (queue, slot, bytes) => {
            classOf.set(slot, classes[queue]);
            take.call(account, queue, slot, bytes);
          };
          const check = () => {
            for (const [i, c] of [0, 3, 5].entries()) {
              if (account.bytes[c] > thresholds[i] + 1600) expect.fail(`class ${c} has ${account.bytes[c]}`);
            }
            const held = rig.held.reduce((sum, slot) => sum + rig.frames.lengths[slot], 0);
            const all = account.bytes.reduce((sum, bytes) => sum + bytes, 0);
            if (all < held) expect.fail(`${held} bytes are held, and ${all} known of`);
          };
          const leave = (mask: number) => {
            const index = rig.held.findIndex((slot) => ((mask >> (classOf.get(slot) ?? 0)) & 1) === 0);
            if (index >= 0) rig.free(index);
            return index >= 0;
          };
          for (const spec of program) {
            rig.reclaim(spec.queue, true);
            if (rig.room(spec.queue) >= spec.parts.length) rig.post(spec.queue, spec);
            rig.kick(spec.queue);
            for (let steps = random.integer(6); steps > 0; steps--) {
              if (random.integer(4) === 0) paused = random.integer(64);
              if (random.integer(8) === 0) engine.setMaster(random.integer(4), random.integer(2) === 0);
              rig.port.step((bound) => random.integer(bound));
              leave(paused);
              check();
            }
          }
          for (let queue = 0; queue < 4; queue++) engine.setMaster(queue, true);
          do rig.port.run();
          while (leave(0));
          rig.expectAllDone();
          expect([...account.bytes, ...account.frames]).toEqual(new Array(16).fill(0));
        },
      ),
      { numRuns: 150 },
    );
  });
});
