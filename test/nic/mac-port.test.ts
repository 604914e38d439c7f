import { beforeEach, describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { MacPort } from '../../src/nic/mac-port.ts';
import { wireBytes } from '../../src/wire/index.ts';
import { Card } from './card.ts';

const GAP_BYTES = 12;

describe('the MAC', () => {
  let scheduler: Scheduler;
  let frames: FramePool;
  let arrived: { timePs: number; slot: number; tci: number; stripped: boolean }[];
  let sent: number[];

  function makeMac(gigabits: number): MacPort {
    const mac = new MacPort('mac', scheduler, frames, { frameSent: (slot) => sent.push(slot) }, gigabits);
    mac.peer = {
      frameArrived: (slot, tci, stripped) => arrived.push({ timePs: scheduler.now, slot, tci, stripped }),
    };
    return mac;
  }

  function frame(bytes: number): number {
    const slot = frames.take();
    frames.lengths[slot] = bytes;
    return slot;
  }

  beforeEach(() => {
    scheduler = new Scheduler();
    frames = new FramePool({ slots: 64 });
    arrived = [];
    sent = [];
  });

  it.each([
    [10, 800],
    [1, 8000],
  ])(
    'at %d Gb/s sends a byte in %d ps, with preamble, frame check sequence and gap',
    (gigabits, psPerByte) => {
      const mac = makeMac(gigabits);
      // With preamble, check sequence and gap multiples of four: no gap is longer or shorter than twelve bytes.
      const sizes = [60, 64, 1516];
      for (const bytes of sizes) mac.send(frame(bytes), 0);
      expect(mac.waiting).toBe(3);
      scheduler.runUntilIdle();
      let free = 0;
      for (const [i, bytes] of sizes.entries()) {
        free += wireBytes(bytes) * psPerByte;
        // Whole when its last bit has left; the next begins behind the gap.
        expect(arrived[i].timePs).toBe(free - GAP_BYTES * psPerByte);
      }
      expect(mac.counters()).toEqual({ framesSent: 3, bytesSent: 64 + 68 + 1520 });
      expect(mac.waiting).toBe(0);
    },
  );

  it('keeps the gap behind a frame after which nothing waited', () => {
    const mac = makeMac(10);
    mac.send(frame(60), 0);
    scheduler.runUntil(57_600);
    expect(arrived).toHaveLength(1);
    mac.send(frame(60), 0);
    scheduler.runUntilIdle();
    expect(arrived[1].timePs).toBe(67_200 + 57_600);
  });

  it('pads a short frame to 64 bytes', () => {
    const mac = makeMac(10);
    mac.send(frame(20), 0);
    scheduler.runUntilIdle();
    expect(arrived[0].timePs).toBe((8 + 64) * 800);
    expect(mac.bytesSent).toBe(64);
  });

  it('sends four bytes more for a tag that is put in, four fewer for one that is taken out, and says which', () => {
    const mac = makeMac(10);
    const [tagged, stripped] = [frame(60), frame(100)];
    frames.outerTci[tagged] = 100;
    mac.send(tagged, 4);
    mac.send(stripped, -4);
    scheduler.runUntilIdle();
    expect(arrived).toMatchObject([
      { slot: tagged, tci: 100, stripped: false, timePs: (8 + 68) * 800 },
      { slot: stripped, tci: -1, stripped: true },
    ]);
    expect(mac.bytesSent).toBe(68 + 100);
  });

  it('hands each frame back when its last bit has left, in order', () => {
    const mac = makeMac(10);
    const slots = Array.from({ length: 40 }, () => frame(60));
    for (const slot of slots) mac.send(slot, 0);
    scheduler.runUntilIdle();
    expect(sent).toEqual(slots);
    expect(arrived.map(({ slot }) => slot)).toEqual(slots);
  });
});

describe('the port', () => {
  const RXCTRL = 0x3000;

  it('takes frames from the wire only while RXCTRL.RXEN is set, and counts the others', () => {
    const card = new Card();
    const { data } = card.nic;
    expect(data.slotForWire(60)).toBe(-1);
    card.write(RXCTRL, 1);
    expect(data.slotForWire(60)).toBeGreaterThanOrEqual(0);
    card.write(RXCTRL, 0);
    expect(data.slotForWire(60)).toBe(-1);
    card.write(RXCTRL, 1);
    card.write(0x0, 1 << 26);
    expect(data.slotForWire(60)).toBe(-1);
    expect(data.drops.totals()['receiveDisabled']).toBe(3);
  });
});
