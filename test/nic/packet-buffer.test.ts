import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketBuffer } from '../../src/nic/packet-buffer.ts';

describe('the packet buffer', () => {
  // Situation, then frames as [class, bytes, from the wire, taken].
  it.each([
    [
      'a class uses its own part',
      [{ reservedBytes: 100 }, {}],
      [
        [0, 100, false, true],
        [0, 1, true, false],
      ],
      100,
    ],
    [
      'what is reserved for one is not for another',
      [{ reservedBytes: 100 }, { reservedBytes: 100 }],
      [
        [0, 100, true, true],
        [0, 10, true, false],
        [1, 100, true, true],
      ],
      200,
    ],
    [
      'the pool is for all, first come, first served',
      [{}, {}],
      [
        [0, 150, false, true],
        [1, 60, false, false],
        [1, 50, false, true],
      ],
      200,
    ],
    [
      'a class with alpha 1 takes as much as is free: half, then a third with two',
      [{ alpha: 1 }, { alpha: 1 }],
      [
        [0, 100, false, true],
        [0, 1, false, false],
        [1, 50, false, true],
        [1, 1, false, false],
      ],
      200,
    ],
    [
      'headroom is for the wire alone, and only when nothing else is left',
      [{ reservedBytes: 100, headroomBytes: 50 }],
      [
        [0, 100, true, true],
        [0, 50, false, false],
        [0, 50, true, true],
        [0, 1, true, false],
      ],
      150,
    ],
    [
      'headroom is not for another class',
      [{ reservedBytes: 10, headroomBytes: 50 }, { reservedBytes: 10 }],
      [
        [1, 10, true, true],
        [1, 10, true, false],
      ],
      70,
    ],
  ] as const)('%s', (_, classes, frames, bytes) => {
    const buffer = new PacketBuffer({ bytes, classes: [...classes] });
    for (const [frameClass, size, fromWire, taken] of frames) {
      expect(buffer.admit(frameClass, size, fromWire)).toBe(taken);
    }
    const refused = frames.filter(([, , , taken]) => !taken);
    expect(buffer.refusedBy.reduce((sum, count) => sum + count, 0)).toBe(refused.length);
  });

  it('keeps the most that there has been, of each class and in all', () => {
    const buffer = new PacketBuffer({ bytes: 1000, classes: [{}, {}] });
    buffer.admit(0, 300, false);
    buffer.release(0, 300);
    buffer.admit(1, 200, false);
    expect([buffer.highWater, ...buffer.highWaterBy]).toEqual([300, 300, 200]);
    buffer.resetCounters();
    expect([buffer.highWater, ...buffer.highWaterBy]).toEqual([200, 0, 200]);
  });

  it('gives headroom back first, so that the sender may go on late rather than early', () => {
    const buffer = new PacketBuffer({ bytes: 150, classes: [{ reservedBytes: 100, headroomBytes: 50 }] });
    buffer.admit(0, 100, true);
    buffer.admit(0, 40, true);
    buffer.release(0, 50);
    expect([buffer.usedBy[0], buffer.headroomUsed[0]]).toEqual([90, 0]);
  });

  it('refuses parts that are more than the whole', () => {
    const classes = [{ reservedBytes: 60 }, { headroomBytes: 60 }];
    expect(() => new PacketBuffer({ bytes: 100, classes })).toThrow(/classes\[1\]\.headroomBytes.*60/);
  });

  it('never holds more than there is, and ends empty, however frames come and go', () => {
    const part = fc.integer({ min: 0, max: 100 });
    const frame = fc.record({
      c: fc.nat(2),
      bytes: fc.integer({ min: 1, max: 60 }),
      wire: fc.boolean(),
      out: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            reservedBytes: part,
            headroomBytes: part,
            alpha: fc.constantFrom(0, 0.5, 2, Infinity),
          }),
          { minLength: 3, maxLength: 3 },
        ),
        fc.integer({ min: 0, max: 400 }),
        fc.array(frame, { maxLength: 200 }),
        (classes, pool, frames) => {
          const parts = classes.reduce((sum, c) => sum + c.reservedBytes + c.headroomBytes, 0);
          const bytes = Math.max(1, parts + pool);
          const buffer = new PacketBuffer({ bytes, classes });
          const inside: { c: number; bytes: number }[] = [];
          for (const { c, bytes: size, wire, out } of frames) {
            const first = out ? inside.shift() : undefined;
            if (first !== undefined) buffer.release(first.c, first.bytes);
            else if (buffer.admit(c, size, wire)) inside.push({ c, bytes: size });
            const held = inside.reduce((sum, f) => sum + f.bytes, 0);
            expect(buffer.used).toBe(held);
            expect(held).toBeLessThanOrEqual(bytes);
            expect(buffer.sharedFree).toBeGreaterThanOrEqual(0);
            for (let i = 0; i < 3; i++) {
              expect(buffer.headroomUsed[i]).toBeLessThanOrEqual(classes[i].headroomBytes);
              // What is reserved for a class is always there for it.
              const own =
                classes[i].reservedBytes - (buffer.usedBy[i] - buffer.headroomUsed[i] - buffer.sharedUsed[i]);
              expect(own).toBeGreaterThanOrEqual(0);
              if (own > 0) expect(buffer.hasRoomFor(i, own, false)).toBe(true);
            }
          }
          for (const { c, bytes: size } of inside) buffer.release(c, size);
          expect([buffer.used, buffer.sharedFree]).toEqual([0, buffer.shared]);
        },
      ),
    );
  });
});
