import type { DeviceHandle, DmaRegion } from '../../src/host/index.ts';
import { createMachine, type RunningMachine } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';

const [BASE_LOW, BASE_HIGH, LENGTH, HEAD, SRRCTL, TAIL, CONTROL] = [0, 4, 8, 0x10, 0x14, 0x18, 0x28];
export const ENABLE = 1 << 25;
export const [ADVANCED, LEGACY, DROP_EN] = [1 << 25, 0, 1 << 28];
export const FILLER = 0x5a5a_5a5a;
const BUFFER_BYTES = 4096;

/** A ring of the PF's, with a buffer behind each descriptor. */
export class RawRing {
  readonly size: number;
  readonly at: number;
  readonly ring: DmaRegion;
  readonly buffers: DmaRegion;
  private readonly rig: RingRig;

  constructor(rig: RingRig, at: number, size: number) {
    this.rig = rig;
    this.at = at;
    this.size = size;
    this.ring = rig.handle.allocateDma(size * 16);
    this.buffers = rig.handle.allocateDma(size * BUFFER_BYTES);
    this.arm();
  }

  /** Fills in all descriptors for reception, and buffers with a filler. */
  arm(): void {
    for (let i = 0; i < this.size; i++) this.armOne(i);
    for (let word = 0; word < this.buffers.bytes / 4; word++) this.buffers.write(word, FILLER);
  }

  armOne(i: number): void {
    const address = this.addressOf(i);
    [address | 0, Math.floor(address / 2 ** 32), 0, 0].forEach((word, j) => {
      this.ring.write(4 * i + j, word);
    });
  }

  addressOf(i: number): number {
    return this.buffers.address + i * BUFFER_BYTES;
  }

  /** Programs the ring and enables it. */
  start(control = 0): void {
    const { rig, at } = this;
    rig.write(at + BASE_LOW, this.ring.address);
    rig.write(at + BASE_HIGH, Math.floor(this.ring.address / 2 ** 32));
    rig.write(at + LENGTH, this.size * 16);
    if (at < 0x6000) rig.write(at + SRRCTL, control);
    rig.write(at + CONTROL, ENABLE);
  }

  set tail(index: number) {
    this.rig.write(this.at + TAIL, index);
  }

  get head(): number {
    return this.rig.read(this.at + HEAD);
  }

  get isEnabled(): boolean {
    return (this.rig.read(this.at + CONTROL) & ENABLE) !== 0;
  }

  disable(): void {
    this.rig.write(this.at + CONTROL, 0);
  }

  /** The four double words of a descriptor, unsigned. */
  descriptor(i: number): number[] {
    return [0, 1, 2, 3].map((word) => this.ring.read(4 * i + word) >>> 0);
  }

  bytesAt(i: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    this.buffers.readBytes(i * BUFFER_BYTES, bytes, 0, count);
    return bytes;
  }
}

/** The PF of a whole chip without pools, its queues in the hands of the test, and frames from the wire. */
export class RingRig {
  readonly machine: RunningMachine;
  readonly handle: DeviceHandle;

  constructor() {
    this.machine = createMachine({ nic: intel82599Chip({ strict: true }) });
    const { pfDriver } = this.machine.simulation.machine;
    this.handle = pfDriver['handle'] as DeviceHandle;
    pfDriver.stop();
    this.restart();
  }

  /** As after a reset: the port receives all, and there are no pools. */
  restart(): void {
    this.write(0, 1 << 26);
    this.wait(20_000);
    this.handle.configWrite(0x04, 2, 0x0006);
    this.write(0x5080, (1 << 8) | (1 << 9) | (1 << 10));
    this.write(0x3000, 1);
    this.write(0x4a80, 1);
  }

  read(offset: number): number {
    const { pf } = this.machine.nic;
    return this.machine.nic.memoryRead(pf.barBase(0) + offset, 4) >>> 0;
  }

  write(offset: number, value: number): void {
    const { pf } = this.machine.nic;
    this.machine.nic.memoryWrite(pf.barBase(0) + offset, value >>> 0, 15);
  }

  receiveRing(size: number, control: number, queue = 0): RawRing {
    const ring = new RawRing(this, 0x1000 + 64 * queue, size);
    ring.start(control);
    return ring;
  }

  transmitRing(size: number, queue = 0): RawRing {
    const ring = new RawRing(this, 0x6000 + 64 * queue, size);
    ring.start();
    return ring;
  }

  /** Lets so many microseconds pass. */
  wait(microseconds: number): void {
    const { scheduler } = this.machine;
    scheduler.runUntil(scheduler.now + microseconds * MICROSECOND);
  }

  /** A frame has come from the wire; it has no check sequence. */
  arrive(bytes: Uint8Array): void {
    const { data } = this.machine.nic;
    const slot = data.slotForWire(bytes.length);
    if (slot < 0) return;
    data.frames.u8.set(bytes, data.frames.offsetOf(slot));
    data.receiveFromWire(slot);
  }
}

/** A broadcast of so many bytes without check sequence, each byte behind the header told by its place and `seed`. */
export function broadcast(bytes: number, seed = 0, header: readonly number[] = [0x88, 0xb5]): Uint8Array {
  const frame = Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + seed) & 0xff);
  frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, ...header]);
  return frame;
}
