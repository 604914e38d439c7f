import { describe, expect, it } from 'vitest';
import { TransmitRig } from './transmit-rig.ts';

describe('frames', () => {
  it('come out whole, in the order of their ring, from one descriptor or several', () => {
    const rig = new TransmitRig();
    for (const parts of [[60], [14, 46], [1, 1, 1, 1], [500, 3, 800]]) rig.post(0, { parts, report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes.map(({ bytes }) => bytes?.length)).toEqual([60, 60, 4, 1303]);
    rig.expectAllDone();
  });

  it('come out in order though their reads end in the opposite one', () => {
    const rig = new TransmitRig();
    for (let i = 0; i < 5; i++) rig.post(0, { parts: [100 + i, 20], report: true });
    rig.kick(0);
    rig.port.finishRead();
    while (rig.port.reads.length > 0) rig.port.finishRead(rig.port.reads.length - 1);
    rig.port.run();
    expect(rig.outcomes.map(({ bytes }) => bytes?.length)).toEqual([120, 121, 122, 123, 124]);
    rig.expectAllDone();
  });

  it('go on across the wrap of the ring, for as long as software likes', () => {
    for (const ringSize of [8, 24, 64]) {
      const rig = new TransmitRig({ ringSize, ringOffset: 4096 - 128 });
      let posted = 0;
      while (posted < 300) {
        while (posted < 300 && rig.post(0, { parts: posted % 3 === 0 ? [50, 10] : [60], report: true }))
          posted++;
        rig.kick(0);
        rig.port.run();
        rig.reclaim(0, false);
      }
      rig.expectAllDone();
      expect(rig.engine.counters()).toMatchObject({ framesFetched: 300, framesFailed: 0 });
    }
  });

  it('are read under the Routing ID of their queue', () => {
    const rig = new TransmitRig({ queues: 2 });
    for (const queue of [0, 1]) {
      rig.post(queue, { parts: [60] });
      rig.kick(queue);
    }
    rig.port.run();
    const ids = rig.port.issued.map(({ routingId }) => routingId).sort();
    expect(ids).toEqual([0x100, 0x100, 0x101, 0x101]);
  });
});

describe('descriptors without data', () => {
  it('are consumed, and reported if they ask for it', () => {
    const rig = new TransmitRig();
    rig.post(0, { parts: [60], contexts: 1, contextReports: true, report: true });
    rig.post(0, { parts: [60], contexts: 2 });
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
    expect(rig.statuses.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  it('are done only after the frames before them: the head never runs ahead and never goes back', () => {
    const rig = new TransmitRig();
    rig.post(0, { parts: [60], report: true });
    rig.post(0, { parts: [60], contexts: 1, contextReports: true, report: true });
    rig.kick(0);
    rig.port.finishRead(); // the descriptors; both frames are being read now
    expect(rig.engine.rings.ring(0).head).toBe(0);
    expect(rig.port.writes).toEqual([]);
    rig.port.finishRead(1); // the second frame's data
    expect(rig.engine.rings.ring(0).head).toBe(0);
    rig.port.run();
    rig.expectAllDone();
  });
});

describe('status', () => {
  it('is written for descriptors that ask for it, in runs where they adjoin', () => {
    const rig = new TransmitRig();
    for (const report of [true, true, false, true]) rig.post(0, { parts: [60], report });
    rig.kick(0);
    rig.port.run();
    expect(rig.statuses.map(({ index, count }) => [index, count])).toEqual([
      [0, 1],
      [1, 1],
      [3, 1],
    ]);
  });

  it('waits for room at the port, and covers no more than what is done', () => {
    const rig = new TransmitRig({ limits: { reads: 100, writes: 8 } });
    for (let i = 0; i < 12; i++) rig.post(0, { parts: [60], report: i % 3 === 2 });
    rig.kick(0);
    while (rig.port.reads.length > 0) rig.port.finishRead();
    expect(rig.port.writes).toHaveLength(1);
    rig.port.run();
    rig.expectAllDone();
  });
});

describe('packet buffer and slots', () => {
  it('hold frames back until room is given back, and then go on', () => {
    const rig = new TransmitRig({ packetBufferBytes: 250 });
    rig.holds = true;
    for (let i = 0; i < 6; i++) rig.post(0, { parts: [100], report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.held).toHaveLength(2);
    for (let left = 6; left > 0; left--) {
      rig.free();
      rig.port.run();
    }
    rig.expectAllDone();
  });

  it('are given back by frames that fail, which others may be waiting for', () => {
    const rig = new TransmitRig({ packetBufferBytes: 100 });
    rig.post(0, { parts: [100], fails: true, report: true });
    rig.post(0, { parts: [100], report: true });
    rig.post(0, { parts: [90, 10], fails: true, report: true });
    rig.post(0, { parts: [10], report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes.map(({ bytes }) => bytes?.length ?? 0)).toEqual([0, 100, 0, 10]);
    rig.expectAllDone();
  });

  it('leave the slots that are reserved for the receive side', () => {
    const rig = new TransmitRig({ slots: 8, reservedSlots: 6 });
    rig.holds = true;
    for (let i = 0; i < 5; i++) rig.post(0, { parts: [60], report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.frames.available).toBe(6);
    for (let left = 5; left > 0; left--) {
      rig.free();
      rig.port.run();
    }
    rig.expectAllDone();
  });

  it('of an overlong frame are waited for like those of any other', () => {
    const rig = new TransmitRig({ slots: 1, maxFrameBytes: 1000 });
    rig.holds = true;
    rig.post(0, { parts: [60], report: true });
    rig.kick(0);
    rig.port.run();
    rig.post(0, { parts: [1601], report: true });
    rig.kick(0);
    rig.port.run();
    rig.free();
    rig.port.run();
    rig.expectAllDone();
  });
});

describe('frames that cannot be sent', () => {
  it('are lost alone: a failed read takes its frame and no other', () => {
    const rig = new TransmitRig();
    for (const fails of [false, true, false]) rig.post(0, { parts: [60, 40], fails, report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes.map(({ bytes }) => bytes !== null)).toEqual([true, false, true]);
    rig.expectAllDone();
  });

  it('are lost when they are too long or have an empty descriptor, and their descriptors are done all the same', () => {
    const rig = new TransmitRig({ ringSize: 32 });
    for (const parts of [[60], [800, 801], [2000], [0], [40, 0, 20], [1600], [60]])
      rig.post(0, { parts, report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes.map(({ bytes }) => bytes?.length ?? -1)).toEqual([60, -1, -1, -1, -1, 1600, 60]);
    rig.expectAllDone();
  });
});

describe('a frame whose end is not there yet', () => {
  it('is waited for, and holds neither slot nor buffer room meanwhile', () => {
    const rig = new TransmitRig({ queues: 2, slots: 1, packetBufferBytes: 100 });
    for (const ring of rig.engine.rings.all) {
      ring.prefetchThreshold = 0;
      ring.hostThreshold = 4;
    }
    rig.post(0, { parts: [40, 40, 20], report: true });
    rig.engine.setTail(0, 1);
    rig.port.run();
    rig.post(1, { parts: [100], report: true });
    rig.kick(1);
    rig.port.run();
    expect(rig.outcomes.map(({ queue }) => queue)).toEqual([1]);
    // The thresholds would leave one more descriptor where it is.
    rig.engine.setTail(0, 2);
    rig.port.run();
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
  });

  it('is lost when it has more descriptors than the chip holds, and the next one comes out', () => {
    const rig = new TransmitRig({ ringSize: 64, cacheDescriptors: 8 });
    rig.post(0, { parts: Array.from({ length: 8 }, () => 10), report: true });
    rig.post(0, { parts: Array.from({ length: 30 }, () => 10), report: true });
    rig.post(0, { parts: [60], report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes.map(({ bytes }) => bytes?.length ?? 0)).toEqual([80, 0, 60]);
    rig.expectAllDone();
  });
});

describe('a ring whose function is no bus master', () => {
  it('sends no request of any kind, and goes on where it stood', () => {
    const rig = new TransmitRig();
    for (let i = 0; i < 6; i++) rig.post(0, { parts: [60, 20], report: true });
    rig.engine.setTail(0, 4);
    rig.port.finishRead();
    rig.engine.setMaster(0, false);
    rig.kick(0);
    rig.port.run();
    expect(rig.outcomes).toHaveLength(2);
    expect(rig.statuses).toEqual([]);
    rig.engine.setMaster(0, true);
    rig.port.run();
    rig.expectAllDone();
  });

  it('goes on with a frame it had begun, though another ring waits for the room which that holds', () => {
    const rig = new TransmitRig({ queues: 2, packetBufferBytes: 200, limits: { reads: 5, writes: 8 } });
    rig.post(0, { parts: [40, 30, 20, 10], report: true });
    rig.kick(0);
    rig.port.finishRead();
    rig.engine.setMaster(0, false);
    rig.post(1, { parts: [150], report: true });
    rig.kick(1);
    rig.port.run();
    expect(rig.outcomes).toEqual([]);
    rig.engine.setMaster(0, true);
    rig.port.run();
    rig.expectAllDone();
  });

  it('does not hold up the others', () => {
    const rig = new TransmitRig({ queues: 2 });
    rig.engine.setMaster(0, false);
    for (const queue of [0, 1]) {
      rig.post(queue, { parts: [60], report: true });
      rig.kick(queue);
    }
    rig.port.run();
    expect(rig.outcomes.map(({ queue }) => queue)).toEqual([1]);
    rig.engine.setMaster(0, true);
    rig.port.run();
    rig.expectAllDone();
  });
});

describe('a ring', () => {
  it('that cannot be read is disabled, and no other', () => {
    const rig = new TransmitRig({ queues: 2 });
    rig.engine.rings.ring(0).base = 0x2000_0000;
    for (const queue of [0, 1]) {
      rig.post(queue, { parts: [60], report: true });
      rig.kick(queue);
    }
    rig.port.run();
    expect(rig.ringFailures).toEqual([0]);
    expect([rig.engine.rings.ring(0).enabled, rig.engine.rings.ring(1).enabled]).toEqual([0, 1]);
    expect(rig.outcomes.map(({ queue }) => queue)).toEqual([1]);
  });

  it('ignores a tail that lies outside of it', () => {
    const rig = new TransmitRig({ ringSize: 8 });
    rig.engine.setTail(0, 8);
    rig.engine.setTail(0, 0xffff);
    rig.port.run();
    expect(rig.port.issued).toEqual([]);
    expect(rig.engine.rings.ring(0).tail).toBe(0);
  });

  it('that is enabled with a tail from a larger ring starts empty', () => {
    const rig = new TransmitRig({ ringSize: 64 });
    rig.engine.disable(0);
    rig.engine.setTail(0, 50);
    rig.engine.rings.ring(0).size = 16;
    rig.engine.enable(0);
    expect(rig.port.pending).toBe(0);
    expect(rig.engine.rings.ring(0).tail).toBe(0);
  });

  it('is fetched up to its tail and no further', () => {
    const rig = new TransmitRig({ ringSize: 16 });
    for (let i = 0; i < 5; i++) rig.post(0, { parts: [60], report: true });
    rig.engine.setTail(0, 3);
    rig.port.run();
    expect(rig.engine.rings.descriptorsFetched).toBe(3);
    expect(rig.outcomes).toHaveLength(3);
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
  });

  it('gets its share among very many, with very few reads under way', () => {
    const queues = 128;
    const rig = new TransmitRig({ queues, limits: { reads: 5, writes: 8 } });
    for (let queue = 0; queue < queues; queue++) {
      for (let i = 0; i < 5; i++) rig.post(queue, { parts: [60], report: i === 4 });
      rig.kick(queue);
    }
    rig.port.run();
    rig.expectAllDone();
    // No ring has its last frame out before every ring has had its first.
    const firsts = new Set(rig.outcomes.slice(0, 4 * queues).map(({ queue }) => queue));
    expect(firsts.size).toBe(queues);
  });

  it('takes turns with the others, a frame each', () => {
    const rig = new TransmitRig({ queues: 3, limits: { reads: 6, writes: 100 } });
    for (const queue of [0, 1, 2]) {
      for (let i = 0; i < 10; i++) rig.post(queue, { parts: [60], report: true });
      rig.kick(queue);
    }
    rig.port.run();
    rig.expectAllDone();
    for (let i = 3; i < 27; i += 3) {
      const turn = rig.outcomes.slice(i, i + 3).map(({ queue }) => queue);
      expect(turn.sort()).toEqual([0, 1, 2]);
    }
  });
});
