import type { DeviceHandle, DmaRegion } from '../../src/host/index.ts';
import { useOffloads } from '../../src/nic/index.ts';
import { createMachine, type RunningMachine } from '../../src/sim/index.ts';
import type { Packet, PacketSpec } from '../wire/packets.ts';

/** Descriptors of each of the rings. */
const SIZE = 128;
const BUFFER_BYTES = 4096;
const BUFFERS = 64;
const [TX, RX, SRRCTL, TAIL, HEAD, CONTROL] = [0x2000, 0x1000, 0x14, 0x18, 0x10, 0x28];
const ENABLE = 1 << 25;
const DEXT = 1 << 29;

export const [EOP, IFCS, RS, VLE, TSE] = [1 << 24, 1 << 25, 1 << 27, 1 << 30, 1 << 31];
export const [IXSM, TXSM] = [1 << 8, 1 << 9];
/** A single frame in one descriptor. */
export const WHOLE = EOP | IFCS | RS;
const L4T = { udp: 0, tcp: 1, sctp: 2 } as const;

/** What a receive descriptor says of a frame, and its bytes. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly hash: number;
  readonly status: number;
  readonly vlan: number;
  readonly buffers: number;
  readonly queue: number;
}

/** A data descriptor: where its data are in the buffer, and its command and options. */
export interface Part {
  readonly at: number;
  readonly bytes: number;
  readonly command: number;
  readonly options?: number;
}

/** A ring of a VF in place of its driver's. */
class RawRing {
  readonly ring: DmaRegion;
  readonly buffers: DmaRegion;
  readonly registers: number;
  readonly handle: DeviceHandle;
  next = 0;

  constructor(handle: DeviceHandle, registers: number, bufferBytes = 0) {
    const bar = handle.bar(0);
    this.handle = handle;
    this.registers = registers;
    this.ring = handle.allocateDma(SIZE * 16);
    this.buffers = handle.allocateDma(BUFFERS * BUFFER_BYTES);
    bar.write32(registers + CONTROL, 0);
    handle.wait(20_000_000);
    bar.write32(registers, this.ring.address % 2 ** 32);
    bar.write32(registers + 4, Math.floor(this.ring.address / 2 ** 32));
    bar.write32(registers + 8, SIZE * 16);
    if (bufferBytes > 0) bar.write32(registers + SRRCTL, (bufferBytes >> 10) | (1 << 25) | (1 << 28));
    bar.write32(registers + CONTROL, ENABLE);
    bar.read32(registers + CONTROL);
  }

  write(words: readonly number[]): void {
    for (const [i, word] of words.entries()) this.ring.write(4 * this.next + i, word | 0);
    this.next = (this.next + 1) % SIZE;
  }

  kick(): void {
    this.handle.bar(0).write32(this.registers + TAIL, this.next);
  }

  address(offset: number): [number, number] {
    const address = this.buffers.address + offset;
    return [address % 2 ** 32, Math.floor(address / 2 ** 32)];
  }
}

/** Two VFs whose queues software of the test's own has, and what leaves by the wire. */
export class OffloadRig {
  readonly machine: RunningMachine;
  /** Frames that left by the wire, and the tags in front of them (-1: none). */
  readonly wire: { bytes: Uint8Array; tci: number }[] = [];
  readonly transmit: RawRing;
  readonly receive: RawRing[] = [];
  private readonly handles: DeviceHandle[];
  private readonly looked = [0, 0];
  private free = 0;

  /**
   * @param bufferBytes of receive buffers: a multiple of 1,024.
   * @param watchesWire without it the station of the machine remains at the other end of the cable.
   */
  constructor(bufferBytes = 2048, queues = 1, watchesWire = true) {
    this.machine = createMachine({ guests: [{ name: 'a' }, { name: 'b' }] });
    const { simulation, nic } = this.machine;
    useOffloads(nic);
    simulation.boot();
    this.handles = [0, 1].map((vf) => {
      const driver = simulation.machine.vfDrivers.get(vf) as unknown as { handle: DeviceHandle };
      return driver.handle;
    });
    const [a, b] = this.handles;
    this.transmit = new RawRing(a, TX);
    for (let queue = 0; queue < queues; queue++) {
      const ring = new RawRing(b, RX + 64 * queue, bufferBytes);
      for (let i = 0; i < BUFFERS; i++) ring.write([...ring.address(i * BUFFER_BYTES), 0, 0]);
      ring.kick();
      this.receive.push(ring);
    }
    if (!watchesWire) return;
    const { frames } = nic.data;
    nic.data.mac.peer = {
      frameArrived: (slot, tci) => {
        const at = frames.offsetOf(slot);
        this.wire.push({ bytes: frames.u8.slice(at, at + frames.lengths[slot]), tci });
      },
    };
  }

  /** A register of the PF, and of VF b. */
  writePf(offset: number, value: number): void {
    this.machine.nic.pf.bar(0).write32(offset, value >>> 0, 15);
  }

  readPf(offset: number): number {
    return this.machine.nic.pf.bar(0).read32(offset, 4) >>> 0;
  }

  writeVf(offset: number, value: number): void {
    this.handles[1].bar(0).write32(offset, value >>> 0);
  }

  /** A context descriptor for a packet. */
  context(
    packet: Pick<Packet, 'macBytes' | 'networkBytes' | 'transportBytes'>,
    { ip, protocol }: Pick<PacketSpec, 'ip' | 'protocol'>,
    more: { vlan?: number; mss?: number; idx?: number } = {},
  ): void {
    const { vlan = 0, mss = 0, idx = 0 } = more;
    this.transmit.write([
      packet.networkBytes | (packet.macBytes << 9) | (vlan << 16),
      0,
      (L4T[protocol] << 11) | (ip === 4 ? 1 << 10 : 0) | (2 << 20) | DEXT,
      (mss << 16) | (packet.transportBytes << 8) | (idx << 4),
    ]);
  }

  /** Puts bytes into the transmit buffer; returns where. */
  put(bytes: Uint8Array): number {
    const at = this.free;
    this.transmit.buffers.writeBytes(at, bytes, 0, bytes.length);
    this.free += (bytes.length + 63) & ~63;
    return at;
  }

  /** Advanced data descriptors. */
  post(...parts: readonly Part[]): void {
    for (const { at, bytes, command, options = 0 } of parts)
      this.transmit.write([...this.transmit.address(at), bytes | (3 << 20) | DEXT | command, options]);
  }

  /** One frame in one descriptor. */
  postFrame(bytes: Uint8Array, options = 0, command = WHOLE): void {
    const paylen = bytes.length << 14;
    this.post({ at: this.put(bytes), bytes: bytes.length, command, options: options | paylen });
  }

  /** Hands everything to the card, and lets it work. */
  run(ps = 200_000_000): void {
    this.transmit.kick();
    this.machine.scheduler.runUntil(this.machine.scheduler.now + ps);
  }

  /** Where the card is in the transmit ring, and whether it has reported the descriptor before that. */
  head(): { head: number; done: boolean } {
    const head = this.handles[0].bar(0).read32(TX + HEAD);
    const last = (head + SIZE - 1) % SIZE;
    return { head, done: (this.transmit.ring.read(4 * last + 3) & 1) !== 0 };
  }

  /** Frames that VF b has received since it was last asked. */
  takeReceived(): Received[] {
    return this.receive.flatMap((ring, queue) => this.takeFrom(ring, queue));
  }

  private takeFrom({ ring, buffers }: RawRing, queue: number): Received[] {
    const frames: Received[] = [];
    let pieces: number[] = [];
    let count = 0;
    for (; (ring.read(4 * this.looked[queue] + 2) & 1) !== 0; this.looked[queue]++) {
      const word = 4 * this.looked[queue];
      const [type, hash, status, last] = [0, 1, 2, 3].map((i) => ring.read(word + i));
      const from = this.looked[queue] * BUFFER_BYTES;
      for (let i = 0; i < (last & 0xffff); i++)
        pieces.push((buffers.read((from + i) >> 2) >>> (8 * (i & 3))) & 0xff);
      count++;
      if ((status & 2) === 0) continue;
      const bytes = Uint8Array.from(pieces);
      frames.push({ bytes, type, hash: hash >>> 0, status, vlan: last >>> 16, buffers: count, queue });
      pieces = [];
      count = 0;
    }
    return frames;
  }
}

/** Addressed to nobody that the card knows: it goes to the wire. */
export function toWire(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set([0x02, 0xee, 0, 0, 0, 1]);
  return copy;
}
