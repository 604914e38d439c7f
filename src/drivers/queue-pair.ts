import { alignUp, checkPowerOfTwo } from '../base/index.ts';
import type { BarWindow, DeviceHandle, DmaRegion } from '../host/index.ts';
import type { FrameTemplate } from './frame-template.ts';

/** Where the registers of a queue pair are in its BAR. */
export interface QueueRegistersAt {
  /** Offset of the 64 bytes of the receive queue's registers. */
  readonly receiveRegisters: number;
  readonly transmitRegisters: number;
}

/** Where the registers of a queue pair are in its BAR, and how large it is. */
export interface QueuePairOptions extends QueueRegistersAt {
  /** Descriptors of each ring, a power of two from 64 to 4,096. */
  readonly ringSize: number;
}

/** Takes received frames. */
export interface FrameSink {
  /**
   * A frame: `bytes` of it from word `at` of `words` on. `tci` is the tag that the card took out of it, or -1.
   * `position` counts the frames of one poll.
   */
  frame(words: Int32Array, at: number, bytes: number, tci: number, position: number): void;
}

// Registers of a queue (82599 datasheet 8.2.3.8 and 8.2.3.9): the same offsets in both directions.
const BASE_LOW = 0x00;
const BASE_HIGH = 0x04;
const LENGTH = 0x08;
const SRRCTL = 0x14;
const HEAD = 0x10;
const TAIL = 0x18;
const CONTROL = 0x28;
const CONTROL_ENABLE = 1 << 25;
/** Looks at ENABLE before the driver gives up; each is a round trip over the link. */
const ENABLE_POLLS = 1000;
/** SRRCTL: buffers of 2 KiB, one advanced descriptor a buffer, drop when there is none. */
const SRRCTL_2K_ADVANCED_DROP = 2 | (1 << 25) | (1 << 28);
/** TXDCTL: prefetch below 32 cached when 8 wait; as ixgbe and DPDK set it. */
const TXDCTL_THRESHOLDS = 32 | (8 << 8);
/** An advanced data descriptor that is a whole frame: DTYP 3, EOP, IFCS, DEXT. */
const TX_COMMAND = (3 << 20) | (1 << 24) | (1 << 25) | (1 << 29);
const TX_REPORT_STATUS = 1 << 27;
const TX_DONE = 1;
const RX_DONE = 1;
const RX_VLAN = 1 << 3;

/** How often, and with what pause, the transmit head is looked at before a queue is stopped: a full ring leaves in that time. */
const DRAIN_POLLS = 10_000;
const DRAIN_PS = 10_000_000;

const PAGE_BYTES = 4096;
const RING_ENTRY_BYTES = 16;
const DESCRIPTOR_WORDS = RING_ENTRY_BYTES / 4;
const BUFFER_BYTES = 2048;
const BUFFER_WORDS = BUFFER_BYTES / 4;
/** Status is asked for with every 32nd descriptor, and the receive tail is moved by as many at a time. */
const BATCH = 32;

/** Memory that a queue pair with rings of this size takes, in bytes. */
export function queuePairBytes(ringSize: number): number {
  return (
    2 * alignUp(ringSize * RING_ENTRY_BYTES, PAGE_BYTES) + 2 * alignUp(ringSize * BUFFER_BYTES, PAGE_BYTES)
  );
}

/**
 * One transmit and one receive ring as driver software keeps them: descriptors and buffers in memory, the tail registers, and
 * the walk over what is done. `tail === head` is an empty ring, so one descriptor always stays unused.
 */
export class QueuePair {
  readonly ringSize: number;
  /** Frames handed to the card and received from it. */
  framesPosted = 0;
  framesReceived = 0;
  /** Frames that the card had not fetched when the queues were stopped. */
  framesAbandoned = 0;
  private readonly handle: DeviceHandle;
  private readonly bar: BarWindow;
  private at: QueueRegistersAt;
  private readonly mask: number;
  private readonly txRing: DmaRegion;
  private readonly txBuffers: DmaRegion;
  private readonly rxRing: DmaRegion;
  private readonly rxBuffers: DmaRegion;
  /** Template whose words lie in each transmit buffer. */
  private readonly inBuffer: Int32Array;
  private txTail = 0;
  private txClean = 0;
  private txRung = 0;
  private rxNext = 0;
  private rxTail = 0;

  constructor(handle: DeviceHandle, bar: BarWindow, options: QueuePairOptions) {
    this.ringSize = checkPowerOfTwo('ringSize', options.ringSize, 64, 4096);
    this.mask = this.ringSize - 1;
    this.handle = handle;
    this.bar = bar;
    this.at = options;
    this.txRing = handle.allocateDma(this.ringSize * RING_ENTRY_BYTES);
    this.rxRing = handle.allocateDma(this.ringSize * RING_ENTRY_BYTES);
    this.txBuffers = handle.allocateDma(this.ringSize * BUFFER_BYTES);
    this.rxBuffers = handle.allocateDma(this.ringSize * BUFFER_BYTES);
    this.inBuffer = new Int32Array(this.ringSize).fill(-1);
  }

  /** Moves to other queues of the card: those at `registers` from the next {@link QueuePair.start} on. */
  moveTo(registers: QueueRegistersAt): void {
    this.at = registers;
  }

  /** Programs both rings, which are empty then, enables them, and gives the card all receive buffers. */
  start(): void {
    const { receiveRegisters: rx, transmitRegisters: tx } = this.at;
    const bar = this.bar;
    this.txTail = this.txClean = this.txRung = this.rxNext = 0;
    for (let i = 0; i < this.ringSize; i++) this.armReceive(i);
    for (const [registers, ring] of [
      [rx, this.rxRing],
      [tx, this.txRing],
    ] as const) {
      bar.write32(registers + BASE_LOW, ring.address % 2 ** 32);
      bar.write32(registers + BASE_HIGH, Math.floor(ring.address / 2 ** 32));
      bar.write32(registers + LENGTH, this.ringSize * 16);
    }
    bar.write32(rx + SRRCTL, SRRCTL_2K_ADVANCED_DROP);
    bar.write32(rx + CONTROL, CONTROL_ENABLE);
    bar.write32(tx + CONTROL, CONTROL_ENABLE | TXDCTL_THRESHOLDS);
    // The tail must not move before ENABLE reads back as one (4.6.7).
    this.waitForEnable(rx);
    this.waitForEnable(tx);
    this.rxTail = this.mask;
    bar.write32(rx + TAIL, this.rxTail);
  }

  private waitForEnable(registers: number): void {
    for (let i = 0; i < ENABLE_POLLS; i++) {
      if ((this.bar.read32(registers + CONTROL) & CONTROL_ENABLE) !== 0) return;
    }
    throw new Error(`the queue with registers at 0x${registers.toString(16)} does not become enabled`);
  }

  /** Lets the card fetch what was posted, and disables both queues. Whoever calls has seen to it that nothing is received any more. */
  stop(): void {
    const { receiveRegisters: rx, transmitRegisters: tx } = this.at;
    const bar = this.bar;
    let left = 0;
    for (let i = 0; i < DRAIN_POLLS; i++) {
      left = (this.txTail - bar.read32(tx + HEAD)) & this.mask;
      if (left === 0) break;
      this.handle.wait(DRAIN_PS);
    }
    this.framesAbandoned += left;
    bar.write32(rx + CONTROL, 0);
    bar.write32(tx + CONTROL, 0);
    this.txTail = this.txClean = this.txRung = this.rxNext = 0;
  }

  /** Descriptors that are free for {@link QueuePair.post}. */
  get room(): number {
    return this.mask - ((this.txTail - this.txClean) & this.mask);
  }

  /** Descriptors that the card has not reported done. */
  get outstanding(): number {
    return (this.txTail - this.txClean) & this.mask;
  }

  /** Puts a frame on the transmit ring; there must be room. The card sees it after {@link QueuePair.ring}. */
  post(template: FrameTemplate, sequence: number): void {
    const index = this.txTail;
    const buffers = this.txBuffers;
    const first = index * BUFFER_WORDS;
    const words = buffers.wordsOf(first);
    const at = buffers.indexOf(first);
    if (this.inBuffer[index] !== template.id) {
      this.inBuffer[index] = template.id;
      words.set(template.words, at);
    }
    if (template.sequenceWord >= 0) words[at + template.sequenceWord] = sequence;
    const ring = this.txRing;
    const descriptor = ring.wordsOf(index * DESCRIPTOR_WORDS);
    const word = ring.indexOf(index * DESCRIPTOR_WORDS);
    const address = buffers.address + index * BUFFER_BYTES;
    const high = Math.floor(address / 2 ** 32);
    descriptor[word] = address - high * 2 ** 32;
    descriptor[word + 1] = high;
    const report = (index & (BATCH - 1)) === BATCH - 1 ? TX_REPORT_STATUS : 0;
    descriptor[word + 2] = template.bytes | TX_COMMAND | report;
    descriptor[word + 3] = template.bytes << 14;
    this.txTail = (index + 1) & this.mask;
    this.framesPosted++;
  }

  /** Tells the card of what was posted: the doorbell. */
  ring(): void {
    if (this.txRung === this.txTail) return;
    this.txRung = this.txTail;
    this.bar.write32(this.at.transmitRegisters + TAIL, this.txTail);
  }

  /** Takes back descriptors that the card has reported done. */
  reclaim(): void {
    const ring = this.txRing;
    while (this.outstanding > 0) {
      const last = this.txClean | (BATCH - 1);
      // Status comes with the last descriptor of a batch; one that is not posted yet has none.
      if (((last - this.txClean) & this.mask) >= this.outstanding) return;
      const word = last * DESCRIPTOR_WORDS + 3;
      if ((ring.read(word) & TX_DONE) === 0) return;
      ring.write(word, 0);
      this.txClean = (last + 1) & this.mask;
    }
  }

  /** Takes up to `budget` received frames and gives their buffers back. Returns how many there were. */
  poll(budget: number, sink: FrameSink): number {
    const ring = this.rxRing;
    const buffers = this.rxBuffers;
    let count = 0;
    while (count < budget) {
      const index = this.rxNext;
      const words = ring.wordsOf(index * DESCRIPTOR_WORDS);
      const word = ring.indexOf(index * DESCRIPTOR_WORDS);
      const status = words[word + 2];
      if ((status & RX_DONE) === 0) break;
      const last = words[word + 3];
      const first = index * BUFFER_WORDS;
      const tci = (status & RX_VLAN) !== 0 ? last >>> 16 : -1;
      sink.frame(buffers.wordsOf(first), buffers.indexOf(first), last & 0xffff, tci, count);
      this.armReceive(index);
      this.rxNext = (index + 1) & this.mask;
      count++;
    }
    this.framesReceived += count;
    const behind = (this.rxNext - 1 - this.rxTail) & this.mask;
    if (behind >= BATCH) {
      this.rxTail = (this.rxNext - 1) & this.mask;
      this.bar.write32(this.at.receiveRegisters + TAIL, this.rxTail);
    }
    return count;
  }

  /** Index of the next transmit descriptor to be filled. */
  get transmitTail(): number {
    return this.txTail;
  }

  /** Index of the next receive descriptor to be looked at. */
  get receiveNext(): number {
    return this.rxNext;
  }

  /** Where the next receive write-back and the next transmit status will land: what a polling loop watches. */
  get watchPoints(): readonly [DmaRegion, number, DmaRegion, number] {
    const batch = (this.txClean | (BATCH - 1)) & this.mask;
    return [this.rxRing, this.rxNext * 16, this.txRing, batch * 16];
  }

  private armReceive(index: number): void {
    const ring = this.rxRing;
    const words = ring.wordsOf(index * DESCRIPTOR_WORDS);
    const word = ring.indexOf(index * DESCRIPTOR_WORDS);
    const address = this.rxBuffers.address + index * BUFFER_BYTES;
    const high = Math.floor(address / 2 ** 32);
    words[word] = address - high * 2 ** 32;
    words[word + 1] = high;
    words[word + 2] = 0;
    words[word + 3] = 0;
  }
}
