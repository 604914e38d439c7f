import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { FlowControl, type FlowControlSettings, headroomBytes } from '../../src/nic/flow-control.ts';
import { MacPort } from '../../src/nic/mac-port.ts';
import { PacketBuffer } from '../../src/nic/packet-buffer.ts';
import type { MacControl } from '../../src/wire/index.ts';

/** Longest frames, in memory: 1,518 bytes with frame check sequence, 1,538 on the wire, 1,230.4 ns at 10 Gb/s. */
const BYTES = 1514;
const WIRE_PS = 1538 * 800;
const ONE_TO_ONE = [0, 1, 2, 3, 4, 5, 6, 7];

/**
 * Two ports at 10 Gb/s that send the longest frames without a pause, and a receiver at the first that never
 * reads: how many frames does it lose?
 *
 * @param phasePs how much later the first begins to send.
 */
function lost(delayPs: number, headroom: number, phasePs: number, pauses = true): number {
  const scheduler = new Scheduler();
  const frames = new FramePool({ slots: 64 });
  const xoffBytes = 4 * BYTES + 1;
  // Whatever is below the threshold, and the headroom: the frame before the last that fits leaves one byte.
  const buffer = new PacketBuffer({ bytes: xoffBytes - 1 + headroom, classes: [{}] });
  const settings = (sends: boolean): FlowControlSettings => ({
    honours: 'priority',
    passesControl: false,
    receiveClassOf: ONE_TO_ONE.map(() => 0),
    transmitClassOf: ONE_TO_ONE.map(() => 0),
    buffer: { bytes: 1, classes: [{}] },
    thresholds: [{ xoffBytes, xonBytes: 1 }],
    sends: { mode: sends ? 'priority' : 'none', quanta: [0xffff], refreshQuanta: 0x8000, tellsEnd: 1 },
  });
  const port = (name: string, sends: boolean) => {
    const mac = new MacPort(name, scheduler, frames, { frameSent: (slot) => mac.send(slot, 0) }, 10);
    const flow = new FlowControl(`${name}.flow`, scheduler, frames, mac, 10, BYTES, settings(sends));
    return { mac, flow };
  };
  const near = port('near', pauses);
  const far = port('far', false);
  let drops = 0;
  const controls: MacControl[] = [];
  const arrives = scheduler.task('arrives', () => {
    if (!buffer.admit(0, BYTES, true)) drops++;
    near.flow.bufferChanged(buffer);
  });
  const paused = scheduler.task('paused', () => far.flow.timers.receive(controls.shift()));
  far.mac.peer = { frameArrived: () => scheduler.schedule(delayPs, arrives, 0, 0) };
  near.mac.peer = {
    frameArrived: () => {},
    controlSent: (control) => {
      controls.push(control);
      scheduler.schedule(delayPs, paused, 0, 0);
    },
  };
  const frame = () => {
    const slot = frames.take();
    frames.lengths[slot] = BYTES;
    return slot;
  };
  far.mac.send(frame(), 0);
  far.mac.send(frame(), 0);
  scheduler.runUntil(phasePs);
  near.mac.send(frame(), 0);
  near.mac.send(frame(), 0);
  scheduler.runUntil(100 * WIRE_PS);
  return drops;
}

const PHASES = Array.from({ length: 64 }, (_, i) => Math.floor((i * WIRE_PS) / 64));
const worst = (delayPs: number, headroom: number): number =>
  Math.max(...PHASES.map((phase) => lost(delayPs, headroom, phase)));

describe('headroom', () => {
  const needed = (delayPs: number) =>
    headroomBytes({
      linkGbps: 10,
      delayPs,
      responsePs: 0,
      sentFrameBytes: BYTES + 4,
      receivedFrameBytes: BYTES + 4,
    });

  it.each([0, 50_000, 300_000, 1_000_000, 3_333_000])(
    'as derived is enough, however the frames of both directions lie: delay %d ps',
    (delayPs) => {
      expect(worst(delayPs, needed(delayPs))).toBe(0);
    },
  );

  it.each([2, 3, 4])(
    'of one frame less is not, where the window holds %d frames of the other end and the beginning of another',
    (frames) => {
      // Sent frame, pause (84 bytes), and twice the way: a little more than so many frames.
      const delayPs = Math.round((frames * WIRE_PS - WIRE_PS - 84 * 800) / 2) + 20_000;
      expect(worst(delayPs, needed(delayPs))).toBe(0);
      expect(worst(delayPs, needed(delayPs) - (BYTES + 4))).toBeGreaterThan(0);
    },
  );

  it('is of no use to a receiver that does not say stop', () => {
    expect(lost(300_000, needed(300_000), 0, false)).toBeGreaterThan(50);
  });
});
