import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { ClassedBuffer } from '../../src/nic/classed-buffer.ts';

const BYTES = 100;

/** A buffer of two classes in front of queues that take what they have room for; the others keep it waiting. */
function setUp(bytes = 10_000, reserved = 5000) {
  const frames = new FramePool({ slots: 128 });
  const delivered: [queue: number, slot: number][] = [];
  /** Frames that queues can still take; one without an entry takes all. */
  const room = new Map<number, number>();
  const drops = new Set<number>();
  const waiting = new Map<number, number[]>();
  const buffer = new ClassedBuffer(
    frames,
    {
      deliver: (queue, slot) => {
        const left = room.get(queue) ?? Number.POSITIVE_INFINITY;
        if (left > 0) {
          room.set(queue, left - 1);
          delivered.push([queue, slot]);
        } else if (!drops.has(queue)) waiting.set(queue, [...(waiting.get(queue) ?? []), slot]);
      },
      isBlocked: (queue) => (waiting.get(queue)?.length ?? 0) > 0,
    },
    { bufferChanged: () => {} },
    {
      bytes,
      classes: [
        { reservedBytes: reserved, alpha: 0 },
        { reservedBytes: reserved, alpha: 0 },
      ],
    },
  );
  const arrive = (frameClass: number, queue: number): number => {
    const slot = frames.take();
    frames.lengths[slot] = BYTES;
    if (!buffer.arrive(slot, frameClass)) return -1;
    expect(buffer.give(queue, slot, 0)).toBe(true);
    return slot;
  };
  /** A queue gets descriptors for all that waits. */
  const refill = (queue: number) => {
    room.delete(queue);
    for (const slot of waiting.get(queue) ?? []) delivered.push([queue, slot]);
    waiting.delete(queue);
    buffer.unblock();
  };
  return { frames, buffer, delivered, room, drops, waiting, arrive, refill };
}

describe('a queue without descriptors', () => {
  it('that does not drop blocks everything behind it in its class, in order', () => {
    const { buffer, delivered, room, arrive, refill } = setUp();
    room.set(7, 0);
    const first = arrive(0, 7);
    const [second, third, fourth] = [arrive(0, 1), arrive(0, 7), arrive(0, 2)];
    expect(delivered).toEqual([]);
    expect([buffer.headOfLineBlocked[0], buffer.blockedLength, buffer.waitingFor(2)]).toEqual([3, 3, 1]);
    refill(7);
    expect(delivered).toEqual([
      [7, first],
      [1, second],
      [7, third],
      [2, fourth],
    ]);
    expect(buffer.blockedLength).toBe(0);
  });

  it('does not block another class', () => {
    const { buffer, delivered, room, arrive } = setUp();
    room.set(7, 0);
    arrive(0, 7);
    const other = arrive(1, 1);
    expect(delivered).toEqual([[1, other]]);
    expect([...buffer.headOfLineBlocked.subarray(0, 2)]).toEqual([0, 0]);
  });

  it('that drops blocks nobody', () => {
    const { buffer, delivered, room, drops, arrive } = setUp();
    room.set(7, 0);
    drops.add(7);
    arrive(0, 7);
    const behind = arrive(0, 1);
    expect(delivered).toEqual([[1, behind]]);
    expect(buffer.headOfLineBlocked[0]).toBe(0);
  });

  it('fills its class in the end, and what then arrives is dropped and counted for the class', () => {
    const { buffer, room, arrive } = setUp(1000, 500);
    room.set(7, 0);
    const slots = Array.from({ length: 7 }, () => arrive(0, 7));
    expect(slots.filter((slot) => slot < 0)).toHaveLength(2);
    expect([buffer.buffer.refusedBy[0], buffer.buffer.refusedBy[1]]).toEqual([2, 0]);
    expect(arrive(1, 1)).toBeGreaterThanOrEqual(0);
  });
});

describe('frames through classes', () => {
  it('come out once, each queue and class in order, whatever blocks when', () => {
    const step = fc.oneof(
      fc.record({ arrive: fc.nat(1), queue: fc.nat(3) }),
      fc.record({ block: fc.nat(3) }),
      fc.record({ refill: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 90 }), (steps) => {
        const { frames, buffer, delivered, room, arrive, refill } = setUp(20_000, 10_000);
        const sent: [frameClass: number, queue: number, slot: number][] = [];
        for (const what of steps) {
          if ('arrive' in what) sent.push([what.arrive, what.queue, arrive(what.arrive, what.queue)]);
          else if ('block' in what) room.set(what.block, 0);
          else refill(what.refill);
        }
        for (let round = 0; round < 100; round++) for (let queue = 0; queue < 4; queue++) refill(queue);
        expect(delivered.map(([, slot]) => slot).sort((a, b) => a - b)).toEqual(
          sent.map(([, , slot]) => slot).sort((a, b) => a - b),
        );
        for (let c = 0; c < 2; c++) {
          for (let queue = 0; queue < 4; queue++) {
            const wanted = sent.filter(([k, q]) => k === c && q === queue).map(([, , slot]) => slot);
            const seen = delivered
              .filter(([q, slot]) => q === queue && wanted.includes(slot))
              .map(([, slot]) => slot);
            expect(seen).toEqual(wanted);
          }
        }
        for (const [, , slot] of sent) buffer.released(slot);
        expect([buffer.buffer.used, buffer.blockedLength]).toEqual([0, 0]);
        expect(frames.slots - frames.available).toBe(sent.length);
      }),
    );
  });
});
