import { alignUp, checkPowerOfTwo } from '../base/index.ts';
import { type BarWindow, type DeviceHandle, type DmaRegion, SoftwareError } from '../host/index.ts';
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
  /** Whether the card drops a frame for which there is no descriptor; else it waits. Default true. */
  readonly drops?: boolean;
}

/** Takes received frames. */
export interface FrameSink {
  /**
   * A frame: `bytes` of it from word `at` of `words` on. `tci` is the tag that the card took out of it, or
   * -1. `position` counts the frames of one poll.
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
/** SRRCTL: buffers of 2 KiB, one advanced descriptor a buffer; drop when there is none. */
const SRRCTL_2K_ADVANCED = 2 | (1 << 25);
const SRRCTL_DROP_EN = 1 << 28;
/** TXDCTL: prefetch below 32 cached when 8 wait; as ixgbe and DPDK set it. */
const TXDCTL_THRESHOLDS = 32 | (8 << 8);
/** An advanced data descriptor that is a whole frame: DTYP 3, EOP, IFCS, DEXT. */
const TX_COMMAND = (3 << 20) | (1 << 24) | (1 << 25) | (1 << 29);
const TX_REPORT_STATUS = 1 << 27;
const TX_DONE = 1;
const RX_DONE = 1;
const RX_VLAN = 1 << 3;

/**
 * How often, and with what pause, the transmit head is looked at before a queue is stopped: a full ring
 * leaves in that time.
 */
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

/** A descriptor and its buffer as the driver has them mapped: looked up once, used for every frame. */
class RingEntry {
  /** The words that hold the descriptor, and where in them it is. */
  readonly ring: Int32Array;
  readonly at: number;
  /** The words that hold the buffer, and where in them it begins. */
  readonly buffer: Int32Array;
  readonly bufferAt: number;
  /** What the descriptor says of where the buffer is: the two halves of its address. */
  readonly addressLow: number;
  readonly addressHigh: number;
  /** Number of the physical page that holds the descriptor. */
  readonly page: number;
  /** Template whose words lie in the buffer. */
  template = -1;

  constructor(ring: DmaRegion, buffers: DmaRegion, index: number) {
    const word = index * DESCRIPTOR_WORDS;
    this.ring = ring.wordsOf(word);
    this.at = ring.indexOf(word);
    const first = index * BUFFER_WORDS;
    this.buffer = buffers.wordsOf(first);
    this.bufferAt = buffers.indexOf(first);
    const address = buffers.address + index * BUFFER_BYTES;
    this.addressLow = (address % 2 ** 32) | 0;
    this.addressHigh = Math.floor(address / 2 ** 32);
    this.page = ring.pageOf(index * RING_ENTRY_BYTES);
  }

  /** Copies a template's words into the buffer. */
  load(template: FrameTemplate): void {
    this.template = template.id;
    this.buffer.set(template.words, this.bufferAt);
  }
}

/**
 * One transmit and one receive ring as driver software keeps them: descriptors and buffers in memory, the
 * tail registers, and the walk over what is done. `tail === head` is an empty ring, so one descriptor always
 * stays unused.
 */
export class QueuePair {
  readonly ringSize: number;
  /** SRRCTL.DROP_EN, or 0. */
  private readonly dropEnable: number;
  /** Frames handed to the card and received from it. */
  framesPosted = 0;
  framesReceived = 0;
  /** Frames that the card had not fetched when the queues were stopped, by what its head register said. */
  framesAbandoned = 0;
  /** Where the driver was when the queues were last stopped: the next descriptor to fill, and the next one to look at. */
  stoppedTransmitTail = 0;
  stoppedReceiveNext = 0;
  private readonly handle: DeviceHandle;
  private readonly bar: BarWindow;
  private at: QueueRegistersAt;
  private readonly mask: number;
  private readonly txRing: DmaRegion;
  private readonly rxRing: DmaRegion;
  private readonly txEntries: readonly RingEntry[];
  private readonly rxEntries: readonly RingEntry[];
  private txTail = 0;
  private txClean = 0;
  private txRung = 0;
  private rxNext = 0;
  private rxTail = 0;

  constructor(handle: DeviceHandle, bar: BarWindow, options: QueuePairOptions) {
    this.dropEnable = (options.drops ?? true) ? SRRCTL_DROP_EN : 0;
    this.ringSize = checkPowerOfTwo('ringSize', options.ringSize, 64, 4096);
    this.mask = this.ringSize - 1;
    this.handle = handle;
    this.bar = bar;
    this.at = options;
    this.txRing = handle.allocateDma(this.ringSize * RING_ENTRY_BYTES);
    this.rxRing = handle.allocateDma(this.ringSize * RING_ENTRY_BYTES);
    this.txEntries = this.entriesOf(this.txRing);
    this.rxEntries = this.entriesOf(this.rxRing);
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
    bar.write32(rx + SRRCTL, SRRCTL_2K_ADVANCED | this.dropEnable);
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
    throw new SoftwareError(
      `the queue with registers at 0x${registers.toString(16)} does not become enabled`,
    );
  }

  /**
   * Lets the card fetch what was posted, and disables both queues. Whoever calls has seen to it that nothing
   * is received any more.
   */
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
    this.stoppedTransmitTail = this.txTail;
    this.stoppedReceiveNext = this.rxNext;
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
    this.postSeveral(template, sequence, 1);
  }

  /** As {@link QueuePair.post}, for so many frames with sequence numbers one after another, modulo 2^31. */
  postSeveral(template: FrameTemplate, sequence: number, count: number): void {
    const { txEntries, mask } = this;
    const { id, bytes, sequenceWord } = template;
    const command = bytes | TX_COMMAND;
    const lengths = bytes << 14;
    let index = this.txTail;
    for (let i = 0; i < count; i++) {
      const entry = txEntries[index];
      if (entry.template !== id) entry.load(template);
      if (sequenceWord >= 0) entry.buffer[(entry.bufferAt + sequenceWord) | 0] = (sequence + i) & 0x7fff_ffff;
      const { ring, at } = entry;
      ring[at] = entry.addressLow;
      ring[(at + 1) | 0] = entry.addressHigh;
      ring[(at + 2) | 0] = (index & (BATCH - 1)) === BATCH - 1 ? command | TX_REPORT_STATUS : command;
      ring[(at + 3) | 0] = lengths;
      index = (index + 1) & mask;
    }
    this.txTail = index;
    this.framesPosted += count;
  }

  /** Tells the card of what was posted: the doorbell. */
  ring(): void {
    if (this.txRung === this.txTail) return;
    this.txRung = this.txTail;
    this.bar.write32(this.at.transmitRegisters + TAIL, this.txTail);
  }

  /** Takes back descriptors that the card has reported done. */
  reclaim(): void {
    for (;;) {
      const clean = this.txClean;
      const last = clean | (BATCH - 1);
      // Status comes with the last descriptor of a batch; one that is not posted yet has none.
      if (((last - clean) & this.mask) >= ((this.txTail - clean) & this.mask)) return;
      const { ring, at } = this.txEntries[last];
      if ((ring[at + 3] & TX_DONE) === 0) return;
      ring[at + 3] = 0;
      this.txClean = (last + 1) & this.mask;
    }
  }

  /** Takes up to `budget` received frames and gives their buffers back. Returns how many there were. */
  poll(budget: number, sink: FrameSink): number {
    const { rxEntries, mask } = this;
    let index = this.rxNext;
    let count = 0;
    while (count < budget) {
      const entry = rxEntries[index];
      const { ring, at } = entry;
      const status = ring[(at + 2) | 0];
      if ((status & RX_DONE) === 0) break;
      const last = ring[(at + 3) | 0];
      // Made ready at once, while the words are at hand; the card does not touch it, nor the buffer, before
      // the tail has moved.
      ring[at] = entry.addressLow;
      ring[(at + 1) | 0] = entry.addressHigh;
      ring[(at + 2) | 0] = 0;
      ring[(at + 3) | 0] = 0;
      index = (index + 1) & mask;
      this.rxNext = index;
      const tci = (status & RX_VLAN) !== 0 ? last >>> 16 : -1;
      sink.frame(entry.buffer, entry.bufferAt, last & 0xffff, tci, count);
      count++;
    }
    if (count === 0) return 0;
    this.framesReceived += count;
    const behind = (index - 1 - this.rxTail) & mask;
    if (behind >= BATCH) {
      this.rxTail = (index - 1) & mask;
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

  /**
   * Has a watcher of the handle's called, once, when the card next writes where the next received frame is
   * reported or, while frames are outstanding, the next batch of sent ones: what a polling loop looks at.
   */
  watch(watcher: number): void {
    const { handle } = this;
    handle.watchPage(watcher, this.rxEntries[this.rxNext].page);
    if (this.txTail === this.txClean) return;
    handle.watchPage(watcher, this.txEntries[this.txClean | (BATCH - 1)].page);
  }

  private entriesOf(ring: DmaRegion): readonly RingEntry[] {
    const buffers = this.handle.allocateDma(this.ringSize * BUFFER_BYTES);
    return Array.from({ length: this.ringSize }, (_, index) => new RingEntry(ring, buffers, index));
  }

  private armReceive(index: number): void {
    const { ring, at, addressLow, addressHigh } = this.rxEntries[index];
    ring[at] = addressLow;
    ring[at + 1] = addressHigh;
    ring[at + 2] = 0;
    ring[at + 3] = 0;
  }
}
