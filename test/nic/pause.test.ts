import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { FlowControl, type FlowControlSettings } from '../../src/nic/flow-control.ts';
import { MacPort } from '../../src/nic/mac-port.ts';
import { PacketBuffer } from '../../src/nic/packet-buffer.ts';
import type { MacControl } from '../../src/wire/index.ts';

/** 512 bit times at 10 Gb/s. */
const QUANTUM = 51_200;
/** A frame of 64 bytes at 10 Gb/s, from its first bit of preamble to its last bit, and with the gap. */
const FRAME = 57_600;
const SLOT = 67_200;
const ONE_TO_ONE = [0, 1, 2, 3, 4, 5, 6, 7];

function setUp(change: Partial<FlowControlSettings> = {}) {
  const scheduler = new Scheduler();
  const frames = new FramePool({ slots: 64 });
  const log: [timePs: number, what: number | MacControl][] = [];
  const mac = new MacPort('mac', scheduler, frames, { frameSent: () => {} }, 10);
  mac.peer = {
    frameArrived: (slot) => log.push([scheduler.now, frames.u8[frames.offsetOf(slot)]]),
    controlSent: (control) => log.push([scheduler.now, control]),
  };
  const flow = new FlowControl('flow', scheduler, frames, mac, 10, 1514, {
    honours: 'priority',
    passesControl: false,
    receiveClassOf: ONE_TO_ONE,
    transmitClassOf: ONE_TO_ONE,
    buffer: { bytes: 100_000, classes: [{}] },
    thresholds: [],
    sends: { mode: 'none', quanta: [], refreshQuanta: 0, tellsEnd: 0xff },
    ...change,
  });
  /** Sends a frame of 64 bytes with a priority; it is known by its first byte. */
  const send = (mark: number, priority: number) => {
    const slot = frames.take();
    frames.lengths[slot] = 56;
    frames.outerTci[slot] = priority << 13;
    frames.u8[frames.offsetOf(slot)] = mark;
    mac.send(slot, 4);
  };
  const priority = (...times: [priority: number, quanta: number][]): MacControl => {
    const quanta = new Array<number>(8).fill(0);
    for (const [p, q] of times) quanta[p] = q;
    return { kind: 'priority', enabled: times.reduce((bits, [p]) => bits | (1 << p), 0), quanta };
  };
  return { scheduler, mac, flow, log, send, priority };
}

describe('a pause from the wire', () => {
  it('for all traffic stops it for 512 bit times a quantum, to the bit', () => {
    const { scheduler, flow, log, send } = setUp({ honours: 'link' });
    flow.timers.receive({ kind: 'pause', quanta: 10 });
    send(1, 0);
    send(2, 7);
    scheduler.runUntilIdle();
    expect(log).toEqual([
      [10 * QUANTUM + FRAME, 2],
      [10 * QUANTUM + SLOT + FRAME, 1],
    ]);
    expect(flow.timers.linkOff).toBe(1);
  });

  it('for a priority stops that priority alone', () => {
    const { scheduler, flow, log, send, priority } = setUp();
    flow.timers.receive(priority([3, 100]));
    send(1, 3);
    send(2, 5);
    scheduler.runUntilIdle();
    expect(log).toEqual([
      [FRAME, 2],
      [100 * QUANTUM + FRAME, 1],
    ]);
    expect([flow.timers.off[3], flow.timers.off[5]]).toEqual([1, 0]);
    expect(flow.timers.pausedPs[3]).toBe(100 * QUANTUM);
  });

  it('stops the class that a priority belongs to', () => {
    const { scheduler, flow, log, send, priority } = setUp({ transmitClassOf: [0, 0, 0, 1, 1, 0, 0, 0] });
    flow.timers.receive(priority([3, 4]));
    send(1, 4);
    send(2, 0);
    scheduler.runUntilIdle();
    expect(log.map(([, mark]) => mark)).toEqual([2, 1]);
  });

  it('does not cut off the frame that is being sent', () => {
    const { scheduler, flow, log, send } = setUp({ honours: 'link' });
    send(1, 0);
    send(2, 0);
    scheduler.runUntil(1000);
    flow.timers.receive({ kind: 'pause', quanta: 5 });
    scheduler.runUntilIdle();
    expect(log).toEqual([
      [FRAME, 1],
      [1000 + 5 * QUANTUM + FRAME, 2],
    ]);
  });

  it('of zero quanta ends one at once, and a shorter one replaces a longer one', () => {
    for (const [quanta, at] of [
      [0, 2000],
      [1, 2000 + QUANTUM],
    ]) {
      const { scheduler, flow, log, send } = setUp({ honours: 'link' });
      flow.timers.receive({ kind: 'pause', quanta: 0xffff });
      send(1, 0);
      scheduler.runUntil(2000);
      flow.timers.receive({ kind: 'pause', quanta });
      scheduler.runUntilIdle();
      expect(log).toEqual([[at + FRAME, 1]]);
    }
  });

  it('is ignored by a MAC that honours the other kind, or none', () => {
    for (const honours of ['none', 'priority'] as const) {
      const { flow } = setUp({ honours });
      flow.timers.receive({ kind: 'pause', quanta: 100 });
      expect([flow.timers.paused, flow.timers.ignored]).toEqual([0, 1]);
    }
    const { flow, priority } = setUp({ honours: 'link' });
    flow.timers.receive(priority([0, 9]));
    flow.timers.receive(undefined);
    expect([flow.timers.paused, flow.timers.ignored]).toEqual([0, 2]);
  });
});

describe('a pause to the wire', () => {
  const sends = {
    mode: 'priority',
    quanta: new Array(8).fill(100),
    refreshQuanta: 40,
    tellsEnd: 0xff,
  } as const;
  const thresholds = [{ xoffBytes: 1000, xonBytes: 500 }];
  const fill = (buffer: PacketBuffer, flow: FlowControl, bytes: number) => {
    if (bytes > buffer.used) buffer.admit(0, bytes - buffer.used, true);
    else buffer.release(0, buffer.used - bytes);
    flow.bufferChanged(buffer);
  };

  it('goes out when a class reaches its threshold, and its end when it falls below the lower one', () => {
    const { scheduler, flow, log } = setUp({ sends, thresholds });
    const buffer = new PacketBuffer({ bytes: 2000, classes: [{}] });
    fill(buffer, flow, 999);
    scheduler.runUntil(1000);
    fill(buffer, flow, 1000);
    fill(buffer, flow, 500);
    fill(buffer, flow, 1001);
    scheduler.runUntil(1_000_000);
    fill(buffer, flow, 499);
    scheduler.runUntilIdle();
    expect(log).toEqual([
      [1000 + FRAME, { kind: 'priority', enabled: 1, quanta: [100, 0, 0, 0, 0, 0, 0, 0] }],
      [1_000_000 + FRAME, { kind: 'priority', enabled: 1, quanta: [0, 0, 0, 0, 0, 0, 0, 0] }],
    ]);
    expect([flow.sender.off[0], flow.sender.on[0], flow.sender.stops[0]]).toEqual([1, 1, 1]);
  });

  it('names every priority of the class', () => {
    const { scheduler, flow, log } = setUp({ sends, thresholds, receiveClassOf: [0, 1, 1, 0, 1, 1, 1, 0] });
    fill(new PacketBuffer({ bytes: 2000, classes: [{}] }), flow, 1500);
    scheduler.runUntil(FRAME);
    expect(log[0][1]).toEqual({
      kind: 'priority',
      enabled: 0b1000_1001,
      quanta: [100, 0, 0, 100, 0, 0, 0, 100],
    });
  });

  it('goes out again before it runs out, as long as the class is full', () => {
    const { scheduler, flow, log } = setUp({ sends, thresholds });
    fill(new PacketBuffer({ bytes: 2000, classes: [{}] }), flow, 1500);
    scheduler.runUntil(200 * QUANTUM);
    // 60 of the 100 quanta have passed by then.
    expect(log.map(([time]) => time)).toEqual([0, 1, 2, 3].map((i) => i * 60 * QUANTUM + FRAME));
    expect(flow.sender.off[0]).toBe(4);
  });

  it.each([
    ['without a time to refresh it', 100, 0, [0]],
    ['of no quanta', 0, 40, [0]],
    ['not longer than what is left when it is refreshed', 100, 100, [0, 100]],
  ])('goes out again, or not: %s', (_, quanta, refreshQuanta, expected) => {
    const { scheduler, flow, log, send } = setUp({
      sends: { ...sends, quanta: new Array(8).fill(quanta), refreshQuanta },
      thresholds,
    });
    fill(new PacketBuffer({ bytes: 2000, classes: [{}] }), flow, 1500);
    scheduler.runUntil(50 * QUANTUM);
    send(1, 0);
    scheduler.runUntil(150 * QUANTUM);
    const pauses = log.filter(([, what]) => typeof what !== 'number');
    expect(pauses.map(([time]) => time)).toEqual(expected.map((at) => at * QUANTUM + FRAME));
    expect(log).toHaveLength(expected.length + 1);
  });

  it('is left to run out where its end is not told', () => {
    const { scheduler, flow, log } = setUp({ sends: { ...sends, tellsEnd: 0 }, thresholds });
    const buffer = new PacketBuffer({ bytes: 2000, classes: [{}] });
    fill(buffer, flow, 1500);
    scheduler.runUntil(1_000_000);
    fill(buffer, flow, 0);
    scheduler.runUntilIdle();
    expect(log).toHaveLength(1);
  });

  it('goes in front of all that waits, behind the frame that is being sent', () => {
    const { scheduler, flow, log, send } = setUp({ sends, thresholds });
    send(1, 0);
    send(2, 0);
    fill(new PacketBuffer({ bytes: 2000, classes: [{}] }), flow, 1500);
    scheduler.runUntil(SLOT * 3);
    expect(log.map(([, what]) => (typeof what === 'number' ? what : what.kind))).toEqual([1, 'priority', 2]);
  });

  it('for the link stops all, for as long as any class is full', () => {
    const { scheduler, flow, log } = setUp({ sends: { ...sends, mode: 'link' }, thresholds });
    const buffer = new PacketBuffer({ bytes: 2000, classes: [{}] });
    fill(buffer, flow, 1500);
    scheduler.runUntil(SLOT);
    fill(buffer, flow, 0);
    scheduler.runUntilIdle();
    expect(log.map(([, what]) => what)).toEqual([
      { kind: 'pause', quanta: 100 },
      { kind: 'pause', quanta: 0 },
    ]);
    expect([flow.sender.linkOff, flow.sender.linkOn]).toEqual([1, 1]);
  });

  it('ends as it began when it is set up otherwise meanwhile, even if the wire was not free to say so', () => {
    const link = { ...sends, mode: 'link' } as const;
    const { scheduler, flow, log, send } = setUp({ sends: link, thresholds });
    fill(new PacketBuffer({ bytes: 2000, classes: [{}] }), flow, 1500);
    scheduler.runUntil(SLOT);
    send(1, 0);
    const settings = flow['settings'] as FlowControlSettings;
    flow.configure({ ...settings, sends: { ...sends, mode: 'none', quanta: [], refreshQuanta: 0 } });
    scheduler.runUntilIdle();
    expect(log.map(([, what]) => what)).toEqual([
      { kind: 'pause', quanta: 100 },
      1,
      { kind: 'pause', quanta: 0 },
    ]);
  });

  it('with a dynamic threshold goes out before a frame would lie in the headroom', () => {
    const { flow } = setUp({ sends, thresholds: [{ xoffBytes: 'dynamic', xonBytes: 3000 }] });
    const buffer = new PacketBuffer({ bytes: 10_000, classes: [{ headroomBytes: 2000 }] });
    fill(buffer, flow, 8000 - 1514);
    expect(flow.sender.stopped).toBe(0);
    fill(buffer, flow, 8000 - 1513);
    expect(flow.sender.stopped).toBe(1);
    fill(buffer, flow, 5001);
    expect(flow.sender.stopped).toBe(1);
    fill(buffer, flow, 5000);
    expect(flow.sender.stopped).toBe(0);
  });
});
