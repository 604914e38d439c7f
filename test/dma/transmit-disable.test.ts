import { describe, expect, it } from 'vitest';
import { TransmitRig } from './transmit-rig.ts';

/** Starts a ring afresh, as software does: everything is forgotten but what is under way in the card. */
function restart(rig: TransmitRig): void {
  rig.posted[0].length = 0;
  rig.reclaimed[0] = 0;
  rig.expected[0].splice(0, rig.ended[0]);
  rig.frameCount[0] -= rig.ended[0];
  rig.ended[0] = 0;
  rig.engine.enable(0);
}

describe('a transmit ring that is disabled', () => {
  it('lets frames that are being read go out, and takes no more', () => {
    const rig = new TransmitRig();
    for (let i = 0; i < 3; i++) rig.post(0, { parts: [60] });
    rig.kick(0);
    rig.port.finishRead();
    rig.engine.disable(0);
    rig.post(0, { parts: [60] });
    rig.kick(0);
    expect(rig.engine.inFlight(0)).toBe(3);
    rig.port.run();
    expect(rig.outcomes).toHaveLength(3);
    expect(rig.engine.rings.ring(0).head).toBe(0);
  });

  it('has nothing of a frame whose end it has not seen', () => {
    const rig = new TransmitRig({ packetBufferBytes: 100, slots: 1 });
    rig.post(0, { parts: [60, 30] });
    rig.engine.setTail(0, 1); // the first half only
    rig.port.run();
    expect(rig.frames.available).toBe(1);
    rig.engine.disable(0);
    rig.expected[0] = [];
    rig.frameCount[0] = 0;
    restart(rig);
    rig.post(0, { parts: [100], report: true });
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
  });

  it('loses a frame that waits for the port in the middle, when what has been read of it is there', () => {
    const rig = new TransmitRig({ slots: 1, limits: { reads: 5, writes: 8 }, packetBufferBytes: 200 });
    rig.post(0, { parts: [60, 30, 20, 10] });
    rig.kick(0);
    rig.port.finishRead();
    expect(rig.port.reads).toHaveLength(2);
    rig.expected[0][0] = null;
    rig.engine.disable(0);
    expect(rig.frames.available).toBe(0);
    rig.port.run();
    expect(rig.outcomes).toEqual([{ queue: 0, bytes: null }]);
    expect(rig.frames.available).toBe(1);
    restart(rig);
    rig.post(0, { parts: [150, 50], report: true });
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
  });

  it('loses a frame that has too many descriptors, at once', () => {
    const rig = new TransmitRig({ slots: 1, cacheDescriptors: 4 });
    rig.post(0, { parts: [10, 10, 10, 10, 10, 10] });
    rig.engine.setTail(0, 5);
    rig.port.run();
    expect(rig.frames.available).toBe(0);
    rig.engine.disable(0);
    expect(rig.outcomes).toEqual([{ queue: 0, bytes: null }]);
    expect(rig.frames.available).toBe(1);
  });

  it('starts with head and status of its own when it is enabled again, whatever old frames still come out', () => {
    const rig = new TransmitRig();
    for (let i = 0; i < 3; i++) rig.post(0, { parts: [60], report: true });
    rig.kick(0);
    rig.port.finishRead();
    rig.engine.disable(0);
    rig.posted[0].length = 0;
    rig.engine.enable(0);
    while (rig.outcomes.length < 3) rig.port.finishRead();
    expect(rig.engine.rings.ring(0).head).toBe(0);
    expect(rig.port.writes).toEqual([]);
    restart(rig);
    rig.post(0, { parts: [70], report: true });
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
    expect(rig.statuses.map(({ index, count }) => [index, count])).toEqual([[0, 1]]);
  });

  it('forgets status that found no room at the port', () => {
    const rig = new TransmitRig({ limits: { reads: 100, writes: 8 } });
    for (let i = 0; i < 6; i++) rig.post(0, { parts: [60], report: i % 2 === 0 });
    rig.kick(0);
    while (rig.port.reads.length > 0) rig.port.finishRead();
    rig.engine.disable(0);
    restart(rig);
    rig.port.onCommit = () => {};
    rig.port.finishWrite();
    expect(rig.port.writes).toEqual([]);
  });

  it('does not take descriptors for its new ring from a fetch of the old one', () => {
    const rig = new TransmitRig();
    for (let i = 0; i < 3; i++) rig.post(0, { parts: [60], report: true });
    rig.kick(0);
    rig.engine.disable(0);
    rig.expected[0] = [];
    rig.frameCount[0] = 0;
    restart(rig);
    rig.port.run();
    expect(rig.outcomes).toEqual([]);
    rig.post(0, { parts: [80], report: true });
    rig.kick(0);
    rig.port.run();
    rig.expectAllDone();
  });

  it('is not disabled again when a fetch of the old ring fails', () => {
    const rig = new TransmitRig();
    const base = rig.engine.rings.ring(0).base;
    rig.engine.rings.ring(0).base = 0x2000_0000;
    rig.engine.setTail(0, 4);
    rig.engine.disable(0);
    rig.engine.rings.ring(0).base = base;
    restart(rig);
    rig.post(0, { parts: [80], report: true });
    rig.kick(0);
    rig.port.run();
    expect(rig.ringFailures).toEqual([]);
    rig.expectAllDone();
  });

  it('keeps nothing of a frame it was in the middle of when its ring fails', () => {
    const rig = new TransmitRig({ ringSize: 16, slots: 1, cacheDescriptors: 4 });
    rig.post(0, { parts: [10, 10, 10, 10, 10, 10] });
    rig.engine.setTail(0, 5);
    rig.port.run();
    expect(rig.frames.available).toBe(0);
    rig.engine.rings.ring(0).base = 0x2000_0000;
    rig.kick(0);
    rig.port.run();
    expect(rig.ringFailures).toEqual([0]);
    expect(rig.frames.available).toBe(1);
  });
});
