import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entrySlot } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, frameBytes, mac, putFrame } from './fixtures.ts';

/** What the length of a frame can be made to say, in a slot of 2,048 bytes; and why it is dropped. */
const LENGTHS: [said: number, reason: string][] = [
  [-1, 'runt'],
  [-2_147_483_648, 'runt'],
  [Number.NaN, 'runt'],
  [Number.NEGATIVE_INFINITY, 'runt'],
  [0, 'runt'],
  [13, 'runt'],
  [13.9, 'runt'],
  [1515, 'giant'],
  [2048, 'giant'],
  [2049, 'giant'],
  [65_536, 'giant'],
  [2_147_483_647, 'giant'],
];

/** VPort to VPort, VPort to wire, broadcast; with and without a tag in the bytes or beside. */
const FRAMES = [
  { fields: { to: mac(1) }, tci: -1 },
  { fields: { to: mac(1), from: mac(0), tci: 10 }, tci: -1 },
  { fields: { to: mac(1) }, tci: 10 },
  { fields: { to: 0x02ffffff0000 }, tci: -1 },
  { fields: { to: BROADCAST }, tci: -1 },
];

/** A frame whose length has been overwritten. */
function lying(bench: Bench, said: number, frame = FRAMES[0]): number {
  const slot = putFrame(bench.frames, frameBytes(frame.fields), frame.tci);
  bench.frames.lengths[slot] = said;
  return slot;
}

describe('a length that cannot be', () => {
  describe.each(LENGTHS)('of %d', (said, reason) => {
    it(`is dropped as ${reason}, from everywhere, whatever the frame`, () => {
      const bench = new Bench(2);
      for (const frame of FRAMES) {
        for (const ingress of [0, 1, bench.wire]) {
          // With its tag, a frame of 1,515 bytes is no giant.
          const tagged = frame.fields.tci !== undefined && said === 1515;
          const slot = lying(bench, tagged ? 1519 : said, frame);
          expect(bench.nicSwitch.route(slot, ingress)).toBe(0);
          expect(bench.frames.available).toBe(bench.frames.slots);
        }
      }
      expect(bench.nicSwitch.dropped(reason as 'runt')).toBe(3 * FRAMES.length);
      expect(bench.nicSwitch.balance()).toMatchObject({ delivered: 0, dropped: 3 * FRAMES.length });
      bench.nicSwitch.checkBalance();
    });

    it('is counted as no more than a slot holds, and no less than nothing', () => {
      const bench = new Bench(2);
      bench.nicSwitch.route(lying(bench, said), 0);
      const { bytesIn, framesIn } = bench.nicSwitch.portCounters(0);
      expect(framesIn).toBe(1);
      expect(bytesIn).toBe(Math.min(2048, Math.max(0, bench.frames.lengths[0])));
    });
  });
});

describe('the queues', () => {
  it('go on behind malformed frames: what is between them arrives, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(60), fc.constantFrom(...LENGTHS.map(([said]) => said)), fc.integer()), {
          maxLength: 60,
        }),
        (lengths) => {
          const bench = new Bench(2);
          const { nicSwitch, frames } = bench;
          const good: number[] = [];
          for (const said of lengths) {
            const slot = lying(bench, said);
            if (frames.lengths[slot] >= 14 && frames.lengths[slot] <= 1514) good.push(slot);
            nicSwitch.input.push(0, slot);
          }
          expect(nicSwitch.forward()).toBe(lengths.length);
          const arrived: number[] = [];
          for (let entry = nicSwitch.output.shift(1); entry >= 0; entry = nicSwitch.output.shift(1)) {
            arrived.push(entrySlot(entry));
            frames.release(entrySlot(entry));
          }
          expect(arrived).toEqual(good);
          expect(frames.available).toBe(frames.slots);
          nicSwitch.checkBalance();
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('any bytes of any length', () => {
  it('are delivered or dropped under one reason, and nothing is thrown', () => {
    const bench = new Bench(3);
    bench.nicSwitch.setVlanFilter(true);
    bench.nicSwitch.setMirrorRule(0, { to: 2, uplink: true });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer(),
        fc.integer({ min: -1, max: 0xffff }),
        fc.integer({ min: 0, max: 3 }),
        (bytes, said, tci, ingress) => {
          const { nicSwitch, frames } = bench;
          const slot = putFrame(frames, bytes, tci);
          if ((said & 1) === 0) frames.lengths[slot] = said;
          const before = nicSwitch.balance();
          const count = nicSwitch.route(slot, ingress);
          for (let i = 0; i < count; i++) frames.release(slot);
          expect(frames.available).toBe(frames.slots);
          const { framesIn, delivered, dropped } = nicSwitch.balance();
          expect(framesIn).toBe(before.framesIn + 1);
          expect(delivered).toBe(before.delivered + count);
          if (count === 0) expect(dropped).toBe(before.dropped + 1);
          nicSwitch.checkBalance();
        },
      ),
      { numRuns: 500 },
    );
  });
});
