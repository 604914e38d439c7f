import { describe, expect, it } from 'vitest';
import { TagOperation } from '../../src/dma/index.ts';
import { ReceiveRig } from './receive-rig.ts';

const { INSERT, STRIP } = TagOperation;

/** How many buffers each frame took that software has received from ring 0. */
function buffers(rig: ReceiveRig): number[] {
  return rig.received[0].map((frame) => frame.buffers);
}

describe('a received frame', () => {
  it('lies in the buffer of the next descriptor when the descriptor is written back', () => {
    const rig = new ReceiveRig();
    rig.post(0);
    for (const bytes of [60, 61, 1514]) rig.send(0, bytes);
    rig.settle();
    expect(rig.received[0].map(({ content }) => content.length)).toEqual([60, 61, 1514]);
    expect(rig.engine.counters()).toMatchObject({ framesWritten: 3, framesDropped: 0 });
    rig.expectIdle();
  });

  it('takes as many buffers as it needs; only the last one ends the packet', () => {
    const rig = new ReceiveRig({ bufferBytes: 256 });
    rig.post(0);
    for (const bytes of [256, 257, 1024, 1500]) rig.send(0, bytes);
    rig.settle();
    expect(buffers(rig)).toEqual([1, 2, 4, 6]);
    rig.expectIdle();
  });

  it('goes on across the wrap of the ring, for as long as software returns buffers', () => {
    for (const ringSize of [8, 24, 64]) {
      const rig = new ReceiveRig({ ringSize, bufferBytes: 128, ringOffset: 4096 - 128 });
      for (let i = 0; i < 300; i++) {
        rig.post(0);
        rig.send(0, 60 + (i % 5) * 40);
        if (i % 3 === 0) rig.settle();
      }
      rig.settle();
      expect(rig.received[0]).toHaveLength(300);
      rig.expectIdle();
    }
  });

  it('goes to several rings from one slot, to each in its own way', () => {
    const rig = new ReceiveRig({ queues: 3 });
    for (const queue of [0, 1, 2]) rig.post(queue);
    const slot = rig.frame(100, 0x2005);
    rig.frames.outerTci[slot] = 0x0123;
    rig.frames.retain(slot, 2);
    rig.deliver(0, slot);
    rig.deliver(1, slot, STRIP);
    rig.deliver(2, slot, INSERT);
    rig.settle();
    expect(rig.received.map(([{ content, tci }]) => [content.length, tci])).toEqual([
      [100, -1],
      [96, 0x2005],
      [104, -1],
    ]);
    expect(rig.released).toEqual([slot, slot, slot]);
    rig.expectIdle();
  });
});

describe('tags', () => {
  for (const [operation, name] of [
    [STRIP, 'left out'],
    [INSERT, 'put in'],
  ] as const) {
    it(`are ${name} wherever the buffer lies, also where its page ends`, () => {
      for (const bufferBytes of [64, 256, 2048]) {
        const bufferOffset = (n: number) => 4096 - (n % 24);
        const rig = new ReceiveRig({ bufferBytes, bufferOffset, ringSize: 64 });
        for (let i = 0; i < 96; i++) {
          rig.post(0);
          const slot = rig.frame([64, 65, 68, 200][i % 4], 0x6fff - i);
          rig.frames.outerTci[slot] = 0x8000 + i;
          rig.deliver(0, slot, operation);
          rig.settle();
        }
        expect(rig.received[0]).toHaveLength(96);
        rig.expectIdle();
      }
    });
  }

  it('may leave no more than the addresses', () => {
    for (const start of [0, 4090]) {
      const rig = new ReceiveRig({ bufferOffset: () => start });
      rig.post(0);
      rig.deliver(0, rig.frame(16, 5), STRIP);
      rig.settle();
      expect(rig.received[0][0].content).toHaveLength(12);
      rig.expectIdle();
    }
  });
});

describe('without a descriptor', () => {
  it('a frame is dropped if the ring says so', () => {
    const rig = new ReceiveRig({ dropEnable: true });
    rig.send(0, 60);
    rig.post(0, 2);
    for (let i = 0; i < 3; i++) rig.send(0, 60);
    rig.settle();
    expect(rig.dropped).toHaveLength(2);
    expect(rig.received[0]).toHaveLength(2);
    expect(rig.released).toHaveLength(4);
    rig.expectIdle();
  });

  it('a frame waits if the ring says so, and those behind it, until software moves the tail', () => {
    const rig = new ReceiveRig();
    for (let i = 0; i < 5; i++) rig.send(0, 60 + i);
    rig.settle();
    expect(rig.engine.waitingFrames(0)).toBe(5);
    rig.post(0, 3);
    rig.settle();
    expect(rig.engine.waitingFrames(0)).toBe(2);
    rig.post(0, 3);
    rig.settle();
    expect(rig.received[0].map(({ content }) => content.length)).toEqual([60, 61, 62, 63, 64]);
    rig.expectIdle();
  });

  it('for all of its buffers, a frame is dropped whole or waits whole', () => {
    for (const dropEnable of [true, false]) {
      const rig = new ReceiveRig({ bufferBytes: 128, dropEnable });
      rig.post(0, 2);
      rig.send(0, 300);
      rig.send(0, 100);
      rig.settle();
      expect(rig.received[0]).toHaveLength(dropEnable ? 1 : 0);
      rig.post(0, 2);
      rig.settle();
      expect(rig.received[0]).toHaveLength(dropEnable ? 1 : 2);
      rig.expectIdle();
    }
  });

  it('in the cache yet, a frame waits for those that are under way, even if the ring says drop', () => {
    const rig = new ReceiveRig({ dropEnable: true });
    rig.post(0, 4);
    for (let i = 0; i < 4; i++) rig.send(0, 60);
    expect(rig.dropped).toEqual([]);
    rig.settle();
    expect(rig.received[0]).toHaveLength(4);
  });

  it('free in the cache, the next ones are fetched when write-backs have landed', () => {
    const rig = new ReceiveRig({ ringSize: 256 });
    rig.post(0);
    rig.port.finishRead();
    while (rig.port.reads.length > 0) rig.port.finishRead();
    // All 64 entries of the cache are taken, none is free before its write-back has landed.
    for (let i = 0; i < 70; i++) rig.send(0, 60);
    expect(rig.engine.waitingFrames(0)).toBe(6);
    rig.settle();
    expect(rig.received[0]).toHaveLength(70);
    rig.expectIdle();
  });
});

describe('a frame of several buffers', () => {
  it('gets them though the thresholds alone would leave them in memory', () => {
    for (const [prefetch, host] of [
      [0, 0],
      [0, 8],
      [2, 4],
    ]) {
      const rig = new ReceiveRig({ bufferBytes: 128 });
      for (const ring of rig.engine.rings.all) {
        ring.prefetchThreshold = prefetch;
        ring.hostThreshold = host;
      }
      rig.post(0, 1);
      rig.settle();
      rig.post(0, 5);
      rig.settle();
      rig.send(0, 700);
      rig.settle();
      expect(buffers(rig)).toEqual([6]);
      rig.expectIdle();
    }
  });

  it('may need more than the cache holds, and more than the ring does', () => {
    for (const dropEnable of [false, true]) {
      const cache = new ReceiveRig({ bufferBytes: 64, cacheDescriptors: 4, dropEnable });
      cache.post(0);
      cache.send(0, 600);
      cache.settle();
      expect(buffers(cache)).toEqual([10]);
      cache.expectIdle();
      const ring = new ReceiveRig({ bufferBytes: 64, ringSize: 8, dropEnable });
      ring.post(0);
      ring.send(0, 1500);
      for (let i = 0; i < 4; i++) {
        ring.settle();
        ring.post(0);
      }
      ring.settle();
      expect(buffers(ring)).toEqual([24]);
      ring.expectIdle();
    }
  });
});

describe('a receive ring', () => {
  it('that cannot be read is disabled with what waits for it, and no other', () => {
    const rig = new ReceiveRig({ queues: 2 });
    rig.engine.rings.ring(0).base = 0x2000_0000;
    rig.port.fails = (address) => address >= 0x2000_0000;
    for (const queue of [0, 1]) {
      rig.send(queue, 60);
      rig.post(queue);
    }
    rig.settle();
    expect(rig.ringFailures).toEqual([0]);
    expect([rig.engine.rings.ring(0).enabled, rig.engine.rings.ring(1).enabled]).toEqual([0, 1]);
    expect(rig.dropped.map(({ queue }) => queue)).toEqual([0]);
    expect(rig.received[1]).toHaveLength(1);
    rig.expectIdle();
  });

  it('ignores a tail that lies outside of it, and starts empty with one from a larger ring', () => {
    const rig = new ReceiveRig({ ringSize: 64 });
    rig.engine.setTail(0, 64);
    expect(rig.engine.rings.ring(0).tail).toBe(0);
    rig.engine.disable(0);
    rig.engine.setTail(0, 50);
    rig.engine.rings.ring(0).size = 16;
    rig.engine.enable(0);
    expect(rig.port.pending).toBe(0);
  });

  it('is fetched up to its tail and no further', () => {
    const rig = new ReceiveRig();
    rig.post(0, 5);
    rig.settle();
    expect(rig.engine.rings.descriptorsFetched).toBe(5);
  });

  it('that is not enabled drops what is delivered to it', () => {
    const rig = new ReceiveRig();
    rig.engine.disable(0);
    rig.send(0, 60);
    expect(rig.dropped).toHaveLength(1);
    rig.expectIdle();
  });

  it('drops what finds all places taken, even if it holds frames otherwise', () => {
    const rig = new ReceiveRig({ deliveries: 4 });
    for (let i = 0; i < 6; i++) rig.send(0, 60);
    expect(rig.dropped).toHaveLength(2);
    rig.post(0);
    rig.settle();
    expect(rig.received[0]).toHaveLength(4);
    rig.expectIdle();
  });
});
