import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import { EventLog } from '../../src/trace/index.ts';

describe('an event log', () => {
  it('gives back what it has recorded, oldest first', () => {
    const log = new EventLog(4);
    expect([...log.records()]).toEqual([]);
    log.record(10, ProbeKind.FRAME_IN, 1, 2, 60);
    log.record(2 ** 52, ProbeKind.PAGE_WALK, -1, 0x7fff_ffff, -0x8000_0000);
    expect([...log.records()]).toEqual([
      { timePs: 10, kind: ProbeKind.FRAME_IN, a: 1, b: 2, c: 60 },
      { timePs: 2 ** 52, kind: ProbeKind.PAGE_WALK, a: -1, b: 0x7fff_ffff, c: -0x8000_0000 },
    ]);
  });

  it('keeps the last ones, as many as it holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 300 }), (shift, count) => {
        const log = new EventLog(1 << shift);
        for (let i = 0; i < count; i++) log.record(i, ProbeKind.FRAME_OUT, i, 0, 0);
        const kept = Math.min(count, 1 << shift);
        expect(log.recorded).toBe(count);
        expect([...log.records()].map(({ timePs }) => timePs)).toEqual(
          Array.from({ length: kept }, (_, i) => count - kept + i),
        );
      }),
    );
  });

  it('holds a power of two of them', () => {
    expect(() => new EventLog(1000)).toThrow(RangeError);
    expect(() => new EventLog('1' as never)).toThrow(TypeError);
    expect(new EventLog(1).capacity).toBe(1);
  });
});
