import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/index.ts';
import { ReportPolicy } from '../../src/dma/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { TransmitRig, type TransmitRigOptions } from './transmit-rig.ts';

const FLUSH_PS = 10_000;
/** Where heads go: away from rings and buffers. */
const HEAD = 0x8000;

/** A transmit engine whose reports have a policy, and time. */
class PolicyRig extends TransmitRig {
  readonly scheduler = new Scheduler();
  readonly policy: ReportPolicy;
  flushPs = FLUSH_PS;
  /** What was written as heads, in order. */
  readonly heads: number[] = [];

  constructor(options: TransmitRigOptions = {}) {
    super(options);
    const { engine, frames, port, scheduler } = this;
    this.policy = new ReportPolicy(
      engine,
      'transmit',
      scheduler,
      frames,
      port,
      frames.extraOffset,
      () => this.flushPs,
    );
    const check = port.onCommit;
    port.onCommit = (address, bytes) => {
      if (address >= 0x10_0000) check(address, bytes);
      else {
        expect([address % 16, bytes]).toEqual([0, 4]);
        this.heads.push(this.memory.read32(address));
      }
    };
  }

  /** Posts frames of one descriptor each, of which those asked for report, and runs until nothing is under way. */
  send(count: number, reports: (i: number) => boolean = () => true, queue = 0): void {
    for (let i = 0; i < count; i++) expect(this.post(queue, { parts: [60], report: reports(i) })).toBe(true);
    this.kick(queue);
    this.port.run();
  }

  /** First descriptor and number of all writes so far. */
  get written(): number[][] {
    return this.statuses.map(({ index, count }) => [index, count]);
  }
}

let rig: PolicyRig;
beforeEach(() => {
  rig = new PolicyRig();
});

describe('without a write-back threshold', () => {
  it('each descriptor that asks for its status is written back at once, and no other', () => {
    rig.send(4, (i) => i % 2 === 1);
    expect(rig.written).toEqual([
      [1, 1],
      [3, 1],
    ]);
    expect(rig.engine.statusWrites).toBe(2);
  });
});

describe('with a write-back threshold', () => {
  it('as many descriptors are written back together, in one piece', () => {
    rig.policy.setThreshold(0, 4);
    rig.send(3);
    expect(rig.written).toEqual([]);
    rig.send(1);
    expect(rig.written).toEqual([[0, 4]]);
    rig.send(8);
    expect(rig.written.slice(1)).toEqual([
      [4, 4],
      [8, 4],
    ]);
    rig.expectAllDone();
  });

  it('they begin to wait with the first that asks for its status: those between two are written, too', () => {
    rig.policy.setThreshold(0, 4);
    rig.send(3, () => false);
    expect(rig.engine.rings.ring(0).places).toBe(40);
    rig.send(1);
    rig.send(2, () => false);
    rig.send(1);
    expect(rig.written).toEqual([[3, 4]]);
  });

  it('the end of the ring divides what is written', () => {
    rig.policy.setThreshold(0, 8);
    rig.send(12, () => false);
    rig.reclaim(0, true);
    rig.send(8);
    expect(rig.written).toEqual([
      [12, 4],
      [0, 4],
    ]);
  });

  it('the head moves with each frame all the same', () => {
    rig.policy.setThreshold(0, 8);
    rig.send(3);
    expect(rig.engine.rings.ring(0).head).toBe(3);
  });

  it('what waits goes when its time is over, counted from the first of it', () => {
    rig.policy.setThreshold(0, 8);
    rig.send(2);
    rig.scheduler.runUntil(FLUSH_PS - 1);
    rig.send(1);
    expect(rig.port.writes).toEqual([]);
    rig.scheduler.runUntil(FLUSH_PS);
    rig.port.run();
    expect(rig.written).toEqual([[0, 3]]);
  });

  it('a batch that became full leaves its time to none that comes after it', () => {
    rig.policy.setThreshold(0, 2);
    rig.send(1);
    rig.scheduler.runUntil(FLUSH_PS / 2);
    rig.send(2);
    rig.scheduler.runUntil(FLUSH_PS);
    rig.port.run();
    expect(rig.written).toEqual([[0, 2]]);
    rig.scheduler.runUntil(1.5 * FLUSH_PS);
    rig.port.run();
    expect(rig.written[1]).toEqual([2, 1]);
  });

  it('nothing goes by time where there is none, and all by a flush', () => {
    rig.flushPs = Number.POSITIVE_INFINITY;
    rig.policy.setThreshold(0, 8);
    rig.send(3);
    rig.scheduler.runUntil(100 * FLUSH_PS);
    rig.port.run();
    expect(rig.written).toEqual([]);
    rig.policy.flush(0);
    rig.port.run();
    expect(rig.written).toEqual([[0, 3]]);
    rig.send(3);
    expect(rig.written).toHaveLength(1);
  });

  it('what waits keeps its places in the cache, and is written when they are all that is lacking', () => {
    const small = new PolicyRig({ cacheDescriptors: 8, ringSize: 32 });
    small.flushPs = Number.POSITIVE_INFINITY;
    small.policy.setThreshold(0, 6);
    small.send(5);
    expect(small.engine.rings.ring(0).places).toBe(3);
    // Three places are left: a frame of four descriptors needs one more.
    small.post(0, { parts: [60, 60, 60, 60], report: true });
    small.kick(0);
    small.port.run();
    expect(small.written).toEqual([[0, 5]]);
    expect(small.ended[0]).toBe(6);
  });

  it('no more wait for each other than the cache holds', () => {
    const small = new PolicyRig({ cacheDescriptors: 4, ringSize: 32 });
    small.flushPs = Number.POSITIVE_INFINITY;
    small.policy.setThreshold(0, 100);
    small.send(12);
    small.expectAllDone();
  });

  it('nothing waits any more when the threshold is taken away', () => {
    rig.policy.setThreshold(0, 8);
    rig.send(2);
    rig.policy.setThreshold(0, 0);
    rig.port.run();
    expect(rig.written).toEqual([[0, 2]]);
  });

  it('a ring that is disabled forgets what waits, and its time', () => {
    rig.policy.setThreshold(0, 8);
    rig.send(3);
    rig.engine.disable(0);
    rig.scheduler.runUntil(2 * FLUSH_PS);
    rig.port.run();
    expect(rig.written).toEqual([]);
    rig.engine.enable(0);
    expect(rig.engine.rings.ring(0).places).toBe(40);
  });

  it('a function that is no bus master writes nothing, and all of it when it is again', () => {
    rig.policy.setThreshold(0, 2);
    rig.send(1);
    rig.engine.setMaster(0, false);
    rig.scheduler.runUntil(FLUSH_PS);
    expect(rig.port.writes).toEqual([]);
    rig.engine.setMaster(0, true);
    rig.port.run();
    expect(rig.written).toEqual([[0, 1]]);
  });

  it('rings have thresholds of their own', () => {
    const two = new PolicyRig({ queues: 2 });
    two.policy.setThreshold(1, 3);
    two.send(2, undefined, 0);
    two.send(2, undefined, 1);
    expect(two.statuses.map(({ queue }) => queue)).toEqual([0, 0]);
  });
});

describe('with a head address', () => {
  it('the head is written where a descriptor asks for its status, and no descriptor is', () => {
    rig.policy.setHeadAddress(0, HEAD);
    for (let twice = 0; twice < 2; twice++) rig.send(2, (i) => i === 1);
    expect(rig.heads).toEqual([2, 4]);
    expect(rig.written).toEqual([]);
    expect(rig.engine.statusWrites).toBe(2);
  });

  it('it is never ahead of what is done, and each ring has its own', () => {
    const two = new PolicyRig({ queues: 2 });
    two.policy.setHeadAddress(0, HEAD);
    two.policy.setHeadAddress(1, HEAD + 16);
    two.send(3, undefined, 0);
    two.send(5, undefined, 1);
    expect([two.memory.read32(HEAD), two.memory.read32(HEAD + 16)]).toEqual([3, 5]);
  });

  it('it waits for room at the port, and then tells of all at once', () => {
    const narrow = new PolicyRig({ limits: { reads: 100, writes: 8 } });
    narrow.policy.setHeadAddress(0, HEAD);
    for (let i = 0; i < 6; i++) narrow.post(0, { parts: [60], report: true });
    narrow.kick(0);
    while (narrow.port.reads.length > 0) narrow.port.finishRead();
    expect(narrow.port.writes).toHaveLength(1);
    narrow.port.run();
    expect(narrow.heads.at(-1)).toBe(6);
    expect(narrow.heads.length).toBeLessThan(6);
  });

  it('descriptors are written again when it is taken away', () => {
    rig.policy.setHeadAddress(0, HEAD);
    rig.send(1);
    rig.policy.setHeadAddress(0, null);
    rig.send(1);
    expect(rig.heads).toEqual([1]);
    expect(rig.written).toEqual([[1, 1]]);
  });
});

describe('reports with any threshold', () => {
  it('come once for each descriptor that asks, in order, whatever the port and the cache leave room for', () => {
    fc.assert(
      fc.property(
        fc.record({
          cacheDescriptors: fc.constantFrom(3, 8, 40),
          ringSize: fc.constantFrom(8, 31, 64),
          limits: fc.record({ reads: fc.constantFrom(5, 40), writes: fc.constantFrom(8, 20) }),
        }),
        fc.integer({ min: 0, max: 127 }),
        fc.array(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 3 }), {
          minLength: 1,
          maxLength: 60,
        }),
        fc.nat(),
        (options, threshold, frames, seed) => {
          const rig = new PolicyRig(options);
          const random = new RandomStreams(seed).stream('policy');
          rig.policy.setThreshold(0, threshold);
          rig.engine.rings.ring(0).prefetchThreshold = random.integer(40);
          for (const parts of frames) {
            while (!rig.post(0, { parts, report: true })) {
              rig.kick(0);
              rig.port.run();
              rig.scheduler.runUntil(rig.scheduler.now + FLUSH_PS / 4);
              rig.reclaim(0, false);
            }
            if (random.integer(3) === 0) rig.kick(0);
            for (let steps = random.integer(6); steps > 0; steps--) rig.port.step((n) => random.integer(n));
          }
          rig.kick(0);
          rig.port.run();
          rig.scheduler.runUntil(rig.scheduler.now + 2 * FLUSH_PS);
          rig.port.run();
          rig.expectAllDone();
        },
      ),
      { numRuns: 40 },
    );
  });
});
