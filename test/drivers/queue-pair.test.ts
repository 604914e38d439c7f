import { beforeEach, describe, expect, it } from 'vitest';
import { type FrameSink, QueuePair, queuePairBytes } from '../../src/drivers/index.ts';
import { FakeDevice } from './fake-device.ts';

const RX = 0x1000;
const TX = 0x2000;
const [LOW, HIGH, LENGTH, SRRCTL, HEAD, TAIL, CONTROL] = [0x00, 0x04, 0x08, 0x14, 0x10, 0x18, 0x28];
const ENABLE = 1 << 25;
const RS = 1 << 27;
const RING = 64;

/** A frame template with a sequence number in its last word. */
const template = (id: number, bytes = 60) => ({
  id,
  words: Int32Array.from({ length: bytes / 4 }, (_, i) => (id << 16) | i),
  bytes,
  sequenceWord: bytes / 4 - 1,
});

let device: FakeDevice;
let queue: QueuePair;
/** Where the rings are, as the driver has told the card. */
let rxRing: number;
let txRing: number;

beforeEach(() => {
  device = new FakeDevice();
  queue = new QueuePair(device.handle, device.bar, {
    receiveRegisters: RX,
    transmitRegisters: TX,
    ringSize: RING,
  });
  queue.start();
  rxRing = device.read(RX + LOW);
  txRing = device.read(TX + LOW);
});

const word = (ring: number, index: number, i: number) => device.memory.read32(ring + 16 * index + 4 * i);
/** What the card writes back when a frame of `bytes` has come into descriptor `index`. */
function receive(index: number, bytes: number, tci = -1): void {
  const buffer = word(rxRing, index, 0);
  device.memory.write32(buffer, 0xf00d_0000 + index);
  device.memory.write32(rxRing + 16 * index + 8, 3 | (tci >= 0 ? 8 : 0));
  device.memory.write32(rxRing + 16 * index + 12, (bytes | (tci >= 0 ? tci << 16 : 0)) >>> 0);
}
/** Reports descriptor `index` as sent. */
const done = (index: number) => device.memory.write32(txRing + 16 * index + 12, 1);

/** Notes the frames of a poll. */
function collect(budget: number) {
  const frames: { first: number; bytes: number; tci: number; position: number }[] = [];
  const sink: FrameSink = {
    frame: (words, at, bytes, tci, position) => frames.push({ first: words[at] >>> 0, bytes, tci, position }),
  };
  expect(queue.poll(budget, sink)).toBe(frames.length);
  return frames;
}

describe('starting', () => {
  it('programs base and length of both rings, buffers of 2 KiB that drop, and enables the queues', () => {
    for (const at of [RX, TX]) {
      expect(device.read(at + LOW) % 4096).toBe(0);
      expect(device.read(at + HIGH)).toBe(0);
      expect(device.read(at + LENGTH)).toBe(RING * 16);
      expect(device.read(at + CONTROL) & ENABLE).toBe(ENABLE);
    }
    expect(device.read(RX + SRRCTL)).toBe(2 | (1 << 25) | (1 << 28));
  });

  it('gives the card all receive descriptors but one, each with a buffer of its own, after the queue is enabled', () => {
    const buffers = Array.from({ length: RING }, (_, i) => word(rxRing, i, 0));
    expect(new Set(buffers).size).toBe(RING);
    for (const buffer of buffers) expect(buffer % 2048).toBe(0);
    expect(device.read(RX + TAIL)).toBe(RING - 1);
    const order = device.writes.map(([offset]) => offset);
    expect(order.indexOf(RX + TAIL)).toBeGreaterThan(order.indexOf(RX + CONTROL));
  });

  it('takes the memory that it says', () => {
    const bytes = queuePairBytes(RING);
    const options = { receiveRegisters: RX, transmitRegisters: TX, ringSize: RING };
    const make = (room: number) => {
      const small = new FakeDevice(room);
      return new QueuePair(small.handle, small.bar, options);
    };
    expect(() => make(bytes)).not.toThrow();
    expect(() => make(bytes - 1)).toThrow(RangeError);
  });

  it.each([0, 32, 100, 8192])('refuses a ring of %d', (ringSize) => {
    const options = { receiveRegisters: RX, transmitRegisters: TX, ringSize };
    expect(() => new QueuePair(device.handle, device.bar, options)).toThrow(RangeError);
  });
});

describe('sending', () => {
  it('writes the frame into guest memory and a descriptor of one whole frame, and rings once', () => {
    queue.post(template(1), 7);
    queue.post(template(1), 8);
    expect(device.writtenTo(TX + TAIL)).toEqual([]);
    queue.ring();
    queue.ring();
    expect(device.writtenTo(TX + TAIL)).toEqual([2]);
    for (const [index, sequence] of [
      [0, 7],
      [1, 8],
    ]) {
      const buffer = word(txRing, index, 0);
      expect(device.memory.read32(buffer)).toBe(0x1_0000);
      expect(device.memory.read32(buffer + 56)).toBe(sequence);
      // DTYP 3, EOP, IFCS, DEXT; the length in both places.
      expect(word(txRing, index, 2)).toBe((60 | (3 << 20) | (1 << 24) | (1 << 25) | (1 << 29)) >>> 0);
      expect(word(txRing, index, 3)).toBe(60 << 14);
    }
  });

  it('asks for status with every 32nd descriptor', () => {
    for (let i = 0; i < RING - 1; i++) queue.post(template(1), i);
    const asking = Array.from({ length: RING }, (_, i) => i).filter((i) => (word(txRing, i, 2) & RS) !== 0);
    expect(asking).toEqual([31]);
  });

  it('has room for one frame fewer than the ring has descriptors', () => {
    expect(queue.room).toBe(RING - 1);
    for (let i = 0; i < RING - 1; i++) queue.post(template(1), i);
    expect([queue.room, queue.outstanding]).toEqual([0, RING - 1]);
  });

  it('has room again for a batch when its last descriptor is reported done, and not before', () => {
    for (let i = 0; i < RING - 1; i++) queue.post(template(1), i);
    queue.reclaim();
    expect(queue.room).toBe(0);
    for (let i = 0; i < 31; i++) done(i);
    queue.reclaim();
    expect(queue.room).toBe(0);
    done(31);
    queue.reclaim();
    expect([queue.room, queue.outstanding]).toEqual([32, 31]);
  });

  it('takes back no more than was posted, when a batch is not full', () => {
    for (let i = 0; i < 40; i++) queue.post(template(1), i);
    done(31);
    // Left from an earlier round, say.
    done(63);
    queue.reclaim();
    expect([queue.room, queue.outstanding]).toEqual([RING - 1 - 8, 8]);
  });

  it('goes round the ring without mixing up frames', () => {
    for (let i = 0; i < 10 * RING; i++) {
      const index = i % RING;
      queue.post(template(i % 3, 60 + 4 * (i % 2)), i);
      const buffer = word(txRing, index, 0);
      const bytes = 60 + 4 * (i % 2);
      expect(device.memory.read32(buffer + bytes - 4)).toBe(i);
      expect(device.memory.read32(buffer + 4)).toBe(((i % 3) << 16) | 1);
      expect(word(txRing, index, 2) & 0xffff).toBe(bytes);
      done(index);
      queue.reclaim();
      expect(queue.room).toBeGreaterThanOrEqual(RING - 1 - 31);
    }
    expect(queue.framesPosted).toBe(10 * RING);
  });
});

describe('receiving', () => {
  it('takes frames in the order of the ring, up to the first that is not done, and up to its budget', () => {
    for (const index of [0, 1, 2, 4]) receive(index, 60 + index);
    expect(collect(2)).toEqual([
      { first: 0xf00d_0000, bytes: 60, tci: -1, position: 0 },
      { first: 0xf00d_0001, bytes: 61, tci: -1, position: 1 },
    ]);
    expect(collect(64)).toEqual([{ first: 0xf00d_0002, bytes: 62, tci: -1, position: 0 }]);
    expect(collect(64)).toEqual([]);
    expect(queue.framesReceived).toBe(3);
  });

  it('says which tag the card has taken out', () => {
    receive(0, 60, 0xe064);
    expect(collect(64)).toMatchObject([{ bytes: 60, tci: 0xe064 }]);
  });

  it('arms each descriptor again, and moves the tail by 32 at a time', () => {
    const buffers = Array.from({ length: RING }, (_, i) => word(rxRing, i, 0));
    for (let i = 0; i < 31; i++) receive(i, 60);
    collect(64);
    expect(device.writtenTo(RX + TAIL)).toEqual([RING - 1]);
    receive(31, 60);
    collect(64);
    expect(device.writtenTo(RX + TAIL)).toEqual([RING - 1, 31]);
    for (let i = 0; i < 32; i++) {
      expect([0, 1, 2, 3].map((at) => word(rxRing, i, at))).toEqual([buffers[i], 0, 0, 0]);
    }
  });

  it('goes round the ring', () => {
    for (let i = 0; i < 5 * RING; i++) {
      receive(i % RING, 60);
      expect(collect(64)).toHaveLength(1);
      expect(queue.receiveNext).toBe((i + 1) % RING);
    }
    expect(device.writtenTo(RX + TAIL)).toHaveLength(1 + 10);
  });
});

describe('stopping', () => {
  it('waits until the card has fetched what was posted, then disables both queues', () => {
    for (let i = 0; i < 5; i++) queue.post(template(1), i);
    queue.ring();
    device.scheduler.post(
      50_000_000,
      device.scheduler.task('card', () => device.registers.set(TX + HEAD, 5)),
      0,
      0,
    );
    queue.stop();
    expect(device.scheduler.now).toBeGreaterThanOrEqual(50_000_000);
    expect(queue.framesAbandoned).toBe(0);
    expect([device.read(RX + CONTROL), device.read(TX + CONTROL)]).toEqual([0, 0]);
  });

  it('gives up on a card that fetches nothing, and counts what is left', () => {
    for (let i = 0; i < 5; i++) queue.post(template(1), i);
    queue.ring();
    queue.stop();
    expect(queue.framesAbandoned).toBe(5);
    expect(device.scheduler.now).toBe(100_000_000_000);
  });

  it('leaves rings that can be started again, at other registers too', () => {
    for (let i = 0; i < 5; i++) queue.post(template(1), i);
    receive(0, 60);
    collect(1);
    device.registers.set(TX + HEAD, 5);
    queue.stop();
    queue.moveTo({ receiveRegisters: 0x3000, transmitRegisters: 0x4000 });
    queue.start();
    expect([queue.room, queue.transmitTail, queue.receiveNext]).toEqual([RING - 1, 0, 0]);
    expect(device.read(0x3000 + LOW)).toBe(rxRing);
    queue.post(template(2), 9);
    queue.ring();
    expect(device.writtenTo(0x4000 + TAIL)).toEqual([1]);
    expect(device.memory.read32(word(txRing, 0, 0) + 56)).toBe(9);
  });
});
