import { describe, expect, it } from 'vitest';
import { ReceiveRig } from './receive-rig.ts';

const HOLD_PS = 1_000_000;

/** Counts of descriptors in each write-back so far. */
function counts(rig: ReceiveRig): number[] {
  return rig.writeBacks.map(({ count }) => count);
}

describe('receive write-backs', () => {
  it('go four at a time, as a line of 64 bytes holds', () => {
    const rig = new ReceiveRig({ writeBackHoldPs: HOLD_PS, ringSize: 64 });
    rig.post(0);
    rig.port.run();
    for (let i = 0; i < 9; i++) rig.send(0, 60);
    rig.port.run();
    // The first one after a pause at once.
    expect(counts(rig)).toEqual([1, 4, 4]);
    rig.settle();
    rig.expectIdle();
  });

  it('that do not fill a line wait until the hold time is over, and no longer', () => {
    const rig = new ReceiveRig({ writeBackHoldPs: HOLD_PS });
    rig.post(0);
    rig.port.run();
    for (let i = 0; i < 3; i++) rig.send(0, 60);
    rig.port.run();
    expect(counts(rig)).toEqual([1]);
    rig.scheduler.runUntil(HOLD_PS - 1);
    rig.port.run();
    expect(counts(rig)).toEqual([1]);
    rig.scheduler.runUntil(HOLD_PS);
    rig.port.run();
    expect(counts(rig)).toEqual([1, 2]);
    rig.expectIdle();
  });

  it('after a pause go at once', () => {
    const rig = new ReceiveRig({ writeBackHoldPs: HOLD_PS });
    rig.post(0);
    rig.port.run();
    for (let i = 1; i <= 3; i++) {
      rig.scheduler.runUntil(2 * HOLD_PS * i);
      rig.send(0, 60);
      rig.port.run();
      expect(counts(rig)).toHaveLength(i);
    }
  });

  it('are one piece in the ring and in a page', () => {
    // The ring's third page begins with descriptor 8; it wraps at 24.
    const rig = new ReceiveRig({ writeBackHoldPs: HOLD_PS, ringSize: 24, ringOffset: 4096 - 128 });
    for (let i = 0; i < 100; i++) {
      rig.post(0);
      rig.port.run();
      rig.send(0, 60);
    }
    rig.settle();
    expect(rig.received[0]).toHaveLength(100);
    // Each write reached memory in one piece, and no line goes around the ring.
    expect(rig.writeBacks).toHaveLength(rig.engine.writeBacks);
    for (const { index, count } of rig.writeBacks) {
      expect(count).toBeLessThanOrEqual(4);
      expect(index + count).toBeLessThanOrEqual(24);
    }
    rig.expectIdle();
  });

  it('are one piece in the cache: no line goes around its end', () => {
    const rig = new ReceiveRig({ writeBackHoldPs: HOLD_PS, ringSize: 256 });
    rig.post(0);
    rig.port.run();
    for (let i = 0; i < 200; i++) {
      rig.send(0, 60);
      rig.port.run();
    }
    rig.settle();
    expect(rig.received[0]).toHaveLength(200);
    // One at once, then lines of four, which would go around at 64, 128 and 192.
    expect(counts(rig).slice(0, 19)).toEqual([1, ...new Array(15).fill(4), 3, 4, 4]);
  });

  it('wait for room at the port', () => {
    const rig = new ReceiveRig({ limits: { reads: 100, writes: 8 } });
    rig.post(0);
    for (let i = 0; i < 10; i++) rig.send(0, 60);
    rig.settle();
    expect(rig.received[0]).toHaveLength(10);
    rig.expectIdle();
  });

  it('come behind the bytes of their frames, and free the slot only when these have left', () => {
    const rig = new ReceiveRig();
    rig.post(0);
    rig.port.run();
    rig.send(0, 60);
    expect(rig.port.writes.map(({ bytes }) => bytes)).toEqual([60, 16]);
    expect(rig.frames.available).toBe(rig.frames.slots - 1);
    rig.port.finishWrite();
    expect(rig.frames.available).toBe(rig.frames.slots);
  });
});

describe('a receive ring whose function is no bus master', () => {
  it('sends no request of any kind; frames wait, and go on when it may again', () => {
    const rig = new ReceiveRig({ writeBackHoldPs: HOLD_PS });
    rig.post(0, 8);
    rig.port.run();
    for (let i = 0; i < 3; i++) rig.send(0, 60);
    rig.port.run();
    rig.engine.setMaster(0, false);
    rig.send(0, 60);
    rig.post(0);
    rig.settle();
    expect(rig.received[0]).toHaveLength(1);
    expect(rig.engine.waitingFrames(0)).toBe(1);
    rig.engine.setMaster(0, true);
    rig.settle();
    expect(rig.received[0]).toHaveLength(4);
    rig.expectIdle();
  });
});

describe('a receive ring that is disabled', () => {
  it('drops the frames that wait, and frees every slot', () => {
    const rig = new ReceiveRig();
    for (let i = 0; i < 5; i++) rig.send(0, 60);
    rig.engine.disable(0);
    expect(rig.dropped).toHaveLength(5);
    expect(rig.released).toHaveLength(5);
    rig.expectIdle();
  });

  it('lets the bytes of frames that are being written leave their slots first', () => {
    const rig = new ReceiveRig({ bufferBytes: 64 });
    rig.post(0, 3);
    rig.port.run();
    rig.send(0, 60);
    rig.engine.disable(0);
    expect(rig.frames.available).toBe(rig.frames.slots - 1);
    rig.port.onCommit = () => {};
    rig.settle();
    expect(rig.frames.available).toBe(rig.frames.slots);
    expect(rig.released).toHaveLength(1);
  });

  it('frees the slot of a half-written frame once, when what was sent of it has landed', () => {
    const rig = new ReceiveRig({ bufferBytes: 64, ringSize: 8, deliveries: 2 });
    rig.post(0);
    rig.port.run();
    rig.send(0, 1000); // seven buffers of sixteen
    rig.port.finishWrite();
    rig.port.onCommit = () => {};
    rig.engine.disable(0);
    expect(rig.dropped).toHaveLength(1);
    expect(rig.released).toEqual([]);
    rig.engine.enable(0);
    rig.send(0, 60); // takes the other place
    rig.settle();
    expect(rig.released).toHaveLength(1);
    rig.engine.disable(0);
    expect(rig.released).toHaveLength(2);
    expect(rig.frames.available).toBe(rig.frames.slots);
  });

  it('writes back what it had sent unspoilt by the descriptors of its new ring', () => {
    const rig = new ReceiveRig({ ringSize: 256 });
    const look = rig.port.onCommit;
    for (let round = 0; round < 20; round++) {
      rig.post(0, 50);
      while (rig.port.reads.length > 0) rig.port.finishRead();
      for (let i = 0; i < 20; i++) rig.send(0, 60);
      // Write-backs are under way; the old ones must say what they said.
      const backs = rig.port.writes.filter(({ bytes }) => bytes % 16 === 0 && bytes <= 64);
      const before = backs.map(({ offset, bytes }) => [...rig.frames.u8.subarray(offset, offset + bytes)]);
      rig.engine.disable(0);
      rig.port.onCommit = () => {};
      rig.restart(0);
      rig.post(0, 100);
      while (rig.port.reads.length > 0) rig.port.finishRead();
      const after = backs.map(({ offset, bytes }) => [...rig.frames.u8.subarray(offset, offset + bytes)]);
      expect(after).toEqual(before);
      while (rig.port.writes.length > 0) rig.port.finishWrite();
      rig.port.onCommit = look;
      for (let i = 0; i < 90; i++) rig.send(0, 60);
      rig.settle();
      expect(rig.received[0]).toHaveLength(90 * (round + 1));
      rig.engine.disable(0);
      rig.restart(0);
    }
    rig.expectIdle();
  });
});
