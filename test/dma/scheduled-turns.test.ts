import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScheduledTurns } from '../../src/dma/index.ts';
import { byteTimeOf, EgressScheduler, Scheduler } from '../../src/kernel/index.ts';
import { TransmitRig, type TransmitRigOptions } from './transmit-rig.ts';

/** A rig whose rings are arbitrated by an {@link EgressScheduler}: a ring a VPort. */
function scheduled(queues: number, options: TransmitRigOptions = {}) {
  const rig = new TransmitRig({ queues, ...options });
  const scheduler = new Scheduler();
  const egress = new EgressScheduler({ queues, vports: queues, classes: 8 });
  const { engine } = rig;
  const turns = new ScheduledTurns('transmit', engine.rings.all, egress, scheduler, () => engine.resume());
  engine.useTurns(turns);
  /** Until no memory access and no limit is under way. */
  const run = () => {
    do rig.port.run();
    while (scheduler.step());
  };
  return { rig, scheduler, egress, turns, run };
}

describe('arbitration by limits, weights and priorities', () => {
  it('holds up the fetching of a frame until its limit lets it go', () => {
    const { rig, scheduler, egress, run } = scheduled(2);
    egress.setQueueRate(0, byteTimeOf(1_000_000), 0, 0); // 8,000 ps a byte
    for (let i = 0; i < 4; i++) rig.post(0, { parts: [96], report: true });
    for (let i = 0; i < 4; i++) rig.post(1, { parts: [40, 20], report: true });
    rig.kick(0);
    rig.kick(1);
    rig.port.run();
    // The other ring goes on meanwhile.
    expect(rig.ended).toEqual([1, 4]);
    expect(scheduler.now).toBe(0);
    scheduler.step();
    rig.port.run();
    expect(rig.ended).toEqual([2, 4]);
    expect(scheduler.now).toBe(100 * 8_000);
    run();
    expect(scheduler.now).toBe(300 * 8_000);
    rig.expectAllDone();
  });

  it('begins frames of a strict class before all of a lower one', () => {
    const { rig, egress, run } = scheduled(2);
    egress.place(1, 7, 1);
    for (let i = 0; i < 5; i++) for (const queue of [0, 1]) rig.post(queue, { parts: [60] });
    rig.kick(0);
    rig.kick(1);
    run();
    // Ring 0 was kicked first, and nothing of ring 1 was cached then.
    expect(rig.outcomes.map(({ queue }) => queue)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
  });

  it('shares by weight between rings that always have frames', () => {
    const { rig, egress, scheduler } = scheduled(2, { ringSize: 32, packetBufferBytes: 4096 });
    egress.setWeighted(true);
    egress.setVPortWeight(0, 2_000);
    egress.setVPortWeight(1, 6_000);
    // Descriptors are fetched before the cache is empty: both always have frames.
    for (const ring of rig.engine.rings.all) ring.prefetchThreshold = 8;
    rig.holds = true;
    const bytes = [0, 0];
    for (let i = 0; i < 1_500; i++) {
      for (const queue of [0, 1]) {
        while (rig.post(queue, { parts: [queue === 0 ? 696 : 296], report: true }));
        rig.kick(queue);
      }
      rig.port.run();
      for (const queue of [0, 1]) rig.reclaim(queue, true);
      // The oldest frame leaves, and makes room for another.
      const before = rig.held.length;
      if (before > 0) rig.free();
    }
    for (const { queue, bytes: content } of rig.outcomes) bytes[queue] += (content?.length ?? 0) + 4;
    expect(bytes[1] / bytes[0]).toBeCloseTo(3, 1);
    expect(scheduler.pending).toBe(0);
  });

  it('goes back to turns frame by frame', () => {
    const { rig, egress, scheduler } = scheduled(2);
    egress.setQueueRate(0, byteTimeOf(1), 0, 0);
    for (let i = 0; i < 3; i++) rig.post(0, { parts: [60], report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.ended[0]).toBe(1);
    rig.engine.useTurns(null);
    rig.port.run();
    expect(rig.ended[0]).toBe(3);
    expect(scheduler.pending).toBe(0);
    rig.expectAllDone();
  });

  it('goes on with a frame in the middle of which its function lost the bus, before anything else', () => {
    const { rig, run } = scheduled(2, { limits: { reads: 5, writes: 64 } });
    rig.post(0, { parts: [100, 100, 100], report: true });
    rig.post(1, { parts: [60], report: true });
    rig.kick(0);
    while (rig.engine.rings.ring(0).openSlot < 0) rig.port.finishRead();
    rig.engine.setMaster(0, false);
    rig.kick(1);
    run();
    expect(rig.ended).toEqual([0, 1]);
    rig.post(1, { parts: [60], report: true });
    rig.engine.setMaster(0, true);
    rig.kick(1);
    run();
    rig.expectAllDone();
  });

  it('loses nothing and delivers each ring in order, whatever the limits, weights and classes', () => {
    const limit = fc.option(fc.integer({ min: 1_000, max: 10_000_000 }));
    const frame = fc.record({
      queue: fc.nat(3),
      parts: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
      contexts: fc.nat(1),
      kick: fc.boolean(),
      stop: fc.option(fc.nat(3), { freq: 6 }),
    });
    fc.assert(
      fc.property(
        fc.array(limit, { minLength: 4, maxLength: 4 }),
        fc.array(fc.nat(7), { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        fc.array(frame, { maxLength: 60 }),
        fc.integer({ min: 5, max: 8 }),
        (limits, classes, weighted, program, reads) => {
          const { rig, egress, scheduler, run } = scheduled(4, {
            limits: { reads, writes: 64 },
            slots: 6,
            packetBufferBytes: 4096,
          });
          for (const [queue, kbps] of limits.entries()) {
            egress.place(queue, classes[queue], queue);
            if (kbps !== null) egress.setQueueRate(queue, byteTimeOf(kbps), 1024 * queue, 0);
          }
          egress.setWeighted(weighted);
          for (const { queue, parts, contexts, kick, stop } of program) {
            rig.reclaim(queue, true);
            rig.post(queue, { parts, contexts, report: true });
            if (kick) rig.kick(queue);
            if (stop !== null) rig.engine.setMaster(stop, false);
            rig.port.run();
            if (stop !== null) rig.engine.setMaster(stop, true);
            if (kick) scheduler.step();
          }
          for (let queue = 0; queue < 4; queue++) rig.kick(queue);
          run();
          rig.expectAllDone();
          expect(egress.backlogged).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
