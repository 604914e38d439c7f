import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CreditGate } from '../../../src/pcie/credits.ts';

describe('CreditGate', () => {
  it('lets TLPs pass as long as both header and data credits last', () => {
    const gate = new CreditGate(2, 8);
    expect(gate.allows(0, 2, 8)).toBe(true);
    expect(gate.allows(0, 3, 1)).toBe(false);
    expect(gate.allows(0, 1, 9)).toBe(false);
    gate.consume(1, 8);
    expect(gate.allows(0, 1, 0)).toBe(true);
    expect(gate.allows(0, 1, 1)).toBe(false);
  });

  it('counts credits in at the instant at which their UpdateFC arrives, and not before', () => {
    const gate = new CreditGate(1, 4);
    gate.consume(1, 4);
    expect(gate.nextUpdatePs()).toBe(Number.POSITIVE_INFINITY);
    gate.restore(1000, 1, 4);
    expect(gate.nextUpdatePs()).toBe(1000);
    expect(gate.allows(999, 1, 4)).toBe(false);
    expect(gate.allows(1000, 1, 4)).toBe(true);
  });

  it('is infinite where the receiver has advertised zero', () => {
    const gate = new CreditGate(0, 0);
    expect(gate.infinite).toBe(true);
    gate.consume(1000, 100_000);
    expect(gate.allows(0, 1000, 100_000)).toBe(true);
    expect(gate.restore(10, 1000, 100_000)).toBe(false);
  });

  it('may be infinite for headers or for data alone', () => {
    const headers = new CreditGate(0, 4);
    expect(headers.allows(0, 1000, 4)).toBe(true);
    expect(headers.allows(0, 1, 5)).toBe(false);
    const data = new CreditGate(2, 0);
    expect(data.allows(0, 2, 100_000)).toBe(true);
    expect(data.allows(0, 3, 1)).toBe(false);
  });

  it('joins releases that travel in one UpdateFC', () => {
    const gate = new CreditGate(4, 16);
    gate.consume(4, 16);
    expect(gate.restore(500, 1, 4)).toBe(true);
    expect(gate.restore(500, 1, 4)).toBe(false);
    expect(gate.headersAt(499)).toBe(0);
    expect(gate.headersAt(500)).toBe(2);
  });

  it('advertises less than half of what a credit field can count', () => {
    expect(() => new CreditGate(128, 16)).toThrow('header credits must be an integer from 0 to 127, got 128');
    expect(() => new CreditGate(16, 2048)).toThrow(
      'data credits must be an integer from 0 to 2047, got 2048',
    );
  });

  it('knows when the receiver has nothing left, counting what it has given back', () => {
    const gate = new CreditGate(2, 20);
    expect(gate.isShort(16)).toBe(false);
    gate.consume(1, 8);
    expect(gate.isShort(16)).toBe(true);
    expect(gate.isShort(12)).toBe(false);
    gate.consume(1, 4);
    expect(gate.isShort(1)).toBe(true);
    gate.restore(1000, 1, 8);
    expect(gate.isShort(16)).toBe(false);
    expect(gate.headersAt(1000)).toBe(1);
    expect(gate.isShort(16)).toBe(false);
    expect(new CreditGate(0, 0).isShort(16)).toBe(false);
  });

  it('has its advertisement again after a reset, whatever was under way', () => {
    const gate = new CreditGate(3, 12);
    gate.consume(3, 12);
    gate.restore(100, 1, 4);
    gate.reset();
    expect(gate.headersAt(0)).toBe(3);
    expect(gate.headersAt(1000)).toBe(3);
  });

  it('never gives out early when nobody has looked for a long time', () => {
    const gate = new CreditGate(127, 127);
    gate.consume(127, 127);
    // More updates than can be kept apart, all arrived but the last ones.
    for (let i = 1; i <= 127; i++) gate.restore(i * 1000, 1, 1);
    expect(gate.headersAt(126_999)).toBeLessThanOrEqual(126);
    expect(gate.headersAt(127_000)).toBe(127);
  });

  it('is never negative and never above the advertisement, and gives credits back in order', () => {
    const step = fc.oneof(
      fc.record({
        send: fc.constant(true),
        headers: fc.integer({ min: 1, max: 4 }),
        data: fc.integer({ min: 0, max: 16 }),
      }),
      fc.record({ send: fc.constant(false), headers: fc.constant(0), data: fc.constant(0) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 127 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.tuple(step, fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 5000 })), {
          maxLength: 300,
        }),
        (headers, data, program) => {
          const gate = new CreditGate(headers, data);
          const held: [number, number][] = [];
          const coming: [number, number, number][] = [];
          let [now, lastArrival, freeHeaders, freeData] = [0, 0, headers, data];
          for (const [action, gap, flight] of program) {
            now += gap;
            while (coming.length > 0 && coming[0][0] <= now) {
              freeHeaders += coming[0][1];
              freeData += coming[0][2];
              coming.shift();
            }
            if (action.send) {
              const allowed = action.headers <= freeHeaders && action.data <= freeData;
              expect(gate.allows(now, action.headers, action.data)).toBe(allowed);
              if (!allowed) continue;
              gate.consume(action.headers, action.data);
              held.push([action.headers, action.data]);
              freeHeaders -= action.headers;
              freeData -= action.data;
            } else if (held.length > 0) {
              const [h, d] = held.shift() as [number, number];
              lastArrival = Math.max(lastArrival, now + flight);
              gate.restore(lastArrival, h, d);
              coming.push([lastArrival, h, d]);
            }
            const seen = gate.headersAt(now);
            expect(seen).toBeGreaterThanOrEqual(0);
            expect(seen).toBeLessThanOrEqual(headers);
          }
          const left = held.reduce((sum, [h]) => sum + h, 0);
          expect(gate.headersAt(now + 10_000)).toBe(headers - left);
        },
      ),
    );
  });
});
