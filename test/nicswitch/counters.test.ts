import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../src/base/index.ts';
import { PortQueues, QUEUE_TAKEN } from '../../src/nicswitch/port-queues.ts';
import { BYTES_IN, BYTES_OUT, FRAMES_IN, RECORD_SHIFT } from '../../src/nicswitch/port-record.ts';
import { SwitchCounters, UNICAST } from '../../src/nicswitch/switch-counters.ts';
import { Bench, BROADCAST, frameBytes, GROUP, mac, putFrame, STRANGER } from './fixtures.ts';

describe('counters of a port', () => {
  it('tell frames and bytes by class, in and out', () => {
    const bench = new Bench(2);
    bench.route(0, { to: mac(1), bytes: 100 });
    bench.route(0, { to: GROUP, bytes: 200 });
    bench.route(0, { to: BROADCAST, bytes: 300 });
    bench.route(bench.wire, { to: mac(1), bytes: 60 });
    expect(bench.nicSwitch.portCounters(0)).toMatchObject({
      framesIn: 3,
      bytesIn: 600,
      unicastIn: 1,
      multicastIn: 1,
      broadcastIn: 1,
      framesOut: 0,
      replicas: 1,
    });
    expect(bench.nicSwitch.portCounters(1)).toMatchObject({
      framesOut: 3,
      bytesOut: 460,
      unicastOut: 2,
      multicastOut: 0,
      broadcastOut: 1,
    });
    expect(bench.nicSwitch.portCounters(bench.wire)).toMatchObject({
      framesIn: 1,
      framesOut: 2,
      bytesOut: 500,
      multicastOut: 1,
      broadcastOut: 1,
    });
  });

  it('do not count a tag that travels beside the frame', () => {
    const bench = new Bench(2);
    bench.route(0, { to: mac(1), bytes: 100 }, 10);
    expect(bench.nicSwitch.portCounters(1).bytesOut).toBe(100);
  });

  it('are of all ports together in the report of the component', () => {
    const bench = new Bench(3, { name: 'veb' });
    bench.route(0, { to: BROADCAST });
    bench.route(0, { to: mac(0) });
    expect(bench.nicSwitch.name).toBe('veb');
    expect(bench.nicSwitch.counters()).toMatchObject({
      framesIn: 2,
      replicas: 2,
      delivered: 3,
      dropped: 1,
      'dropped.sourcePruned': 1,
      'dropped.noMatch': 0,
    });
  });

  it('start again at zero with a reset, which also gives frames in queues back', () => {
    const bench = new Bench(2);
    bench.route(0, { to: mac(1) });
    const slot = bench.frames.take();
    bench.nicSwitch.input.push(0, slot);
    bench.nicSwitch.reset();
    expect(bench.frames.available).toBe(bench.frames.slots);
    expect(bench.nicSwitch.balance()).toEqual({ framesIn: 0, replicas: 0, delivered: 0, dropped: 0 });
    expect(bench.receivers(0, { to: STRANGER })).toBe('txDisabled');
  });

  it('count single frames on where 32 bits end', () => {
    const bytes = 65_000;
    const count = 70_000;
    const bench = new Bench(2, { maxFrameBytes: bytes });
    const slot = putFrame(bench.frames, frameBytes({ to: mac(1) }));
    bench.frames.lengths[slot] = bytes;
    for (let i = 0; i < count; i++) bench.nicSwitch.route(slot, 0);
    expect(count * bytes).toBeGreaterThan(2 ** 32);
    expect(bench.nicSwitch.portCounters(0)).toMatchObject({ framesIn: count, bytesIn: count * bytes });
    expect(bench.nicSwitch.portCounters(1)).toMatchObject({ framesOut: count, bytesOut: count * bytes });
  });

  it('are those of a port of the switch', () => {
    const bench = new Bench(2);
    expect(() => bench.nicSwitch.portCounters(3)).toThrow(/port must be an integer from 0 to 2/);
  });
});

describe('SwitchCounters', () => {
  function made(): { records: Int32Array; output: PortQueues; counters: SwitchCounters } {
    const records = new Int32Array(2 << RECORD_SHIFT);
    const output = new PortQueues(2, 4);
    return { records, output, counters: new SwitchCounters(records, output) };
  }

  it('count on where 32 bits end', () => {
    const { records, counters } = made();
    const frames = 4096;
    const bytes = frames * 65_000;
    for (let i = 0; i < 64; i++) {
      records[FRAMES_IN] += frames;
      records[BYTES_IN] += bytes;
      counters.ran(frames, bytes);
    }
    expect(counters.of(0)).toMatchObject({ framesIn: 64 * frames, bytesIn: 64 * bytes });
    expect(64 * bytes).toBeGreaterThan(2 ** 32);
  });

  it.each([
    ['2^32', 2 ** 32],
    ['2^53', 2 ** 53 - 2 ** 20],
  ])('are exact beyond %s', (_, begin) => {
    const { records, output, counters } = made();
    // As many as that many frames and bytes make them: told in pieces of which each is exact.
    counters.countForwarded(0, begin, 0);
    counters.countIn(0, begin - 1, UNICAST);
    counters.countOut(1, begin - 1, UNICAST);
    const frames = 1000;
    for (let i = 0; i < frames; i++) {
      records[FRAMES_IN]++;
      records[BYTES_IN] += 61;
      records[(1 << RECORD_SHIFT) + BYTES_OUT] += 61;
      output.push(1, i);
      output.shift(1);
      counters.ran(1, 61);
    }
    expect(counters.of(0)).toMatchObject({ framesIn: frames + 1, bytesIn: begin - 1 + 61 * frames });
    expect(counters.of(1)).toMatchObject({ framesOut: frames + 1, bytesOut: begin - 1 + 61 * frames });
    expect(counters.portBalance(0).forwarded).toBe(begin + frames);
    for (let i = 0; i < 3; i++) counters.countOut(1, 1, UNICAST);
    expect(counters.of(1).bytesOut).toBe(begin + 2 + 61 * frames);
  });

  it('count frames through an output queue on where its own count ends at 2^32', () => {
    const { output, counters } = made();
    const { control, controlShift, controlOffset } = output;
    // The queue counts what was taken modulo 2^32.
    control[(1 << controlShift) + controlOffset + QUEUE_TAKEN] = -3;
    counters.settle();
    // It seems to have sent -3 frames, which in 64 bits are many.
    const before = counters.exactOf(1).framesOut;
    for (let i = 0; i < 8; i++) {
      output.push(1, i);
      output.shift(1);
    }
    expect(BigInt.asUintN(64, counters.exactOf(1).framesOut - before)).toBe(8n);
  });

  it('count what has gone through an output queue, taken or not', () => {
    const { output, counters } = made();
    for (let i = 0; i < 10; i++) {
      output.push(1, i);
      if (i === 4) expect(counters.of(1).framesOut).toBe(5);
      output.shift(1);
    }
    output.push(1, 99);
    expect(counters.of(1).framesOut).toBe(11);
  });

  it('do not balance if a frame is lost', () => {
    const { counters } = made();
    counters.countIn(0, 60, UNICAST);
    expect(() => counters.check()).toThrow(AssertionError);
    counters.countForwarded(0, 1, 0);
    expect(() => counters.check()).toThrow(/1 frames in \+ 0 replicas are not 0 delivered \+ 0 dropped/);
    counters.countOut(1, 60, UNICAST);
    counters.check();
  });
});
