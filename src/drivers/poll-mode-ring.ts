import type { BarWindow, DeviceHandle, DmaRegion } from '../host/index.ts';
import { SoftwareError } from '../host/index.ts';

/** Registers of a queue, in both directions (82599 data sheet 8.2.3.8 and 8.2.3.9). */
const BASE_LOW = 0x00;
const BASE_HIGH = 0x04;
const LENGTH = 0x08;
const TAIL = 0x18;
const CONTROL = 0x28;
const ENABLE = 1 << 25;
/** Looks at ENABLE before the driver gives up. */
const POLLS = 1000;

const DESCRIPTOR_BYTES = 16;
const DESCRIPTOR_WORDS = DESCRIPTOR_BYTES / 4;
const BUFFER_BYTES = 2048;
const BUFFER_WORDS = BUFFER_BYTES / 4;

/** Packet buffers of 2 KiB in memory that driver and card share, by number. */
export class PollModeBuffers {
  private readonly region: DmaRegion;

  constructor(handle: DeviceHandle, count: number) {
    this.region = handle.allocateDma(count * BUFFER_BYTES);
  }

  /** The words that hold a buffer, */
  words(buffer: number): Int32Array {
    return this.region.wordsOf(buffer * BUFFER_WORDS);
  }

  /** and where in them it begins. */
  at(buffer: number): number {
    return this.region.indexOf(buffer * BUFFER_WORDS);
  }

  /** Where the card finds it. */
  address(buffer: number): number {
    return this.region.address + buffer * BUFFER_BYTES;
  }
}

/**
 * A descriptor ring as a driver keeps it. The tail is one place behind the last descriptor that is the card's; a tail that is
 * the head means that none is, so one always stays unused (7.1.9, 7.2.3.3).
 */
export class PollModeRing {
  readonly mask: number;
  /** Buffer that belongs to each descriptor. */
  readonly buffers: Int32Array;
  /** The next descriptor that the card will be done with, and the next one that it will be given. */
  next = 0;
  tail = 0;
  private readonly bar: BarWindow;
  private readonly registers: number;
  private readonly memory: DmaRegion;
  private rung = 0;

  /**
   * @param registers offset of the queue's registers.
   * @param firstBuffer of those that are its descriptors'.
   */
  constructor(
    handle: DeviceHandle,
    bar: BarWindow,
    registers: number,
    descriptors: number,
    firstBuffer: number,
  ) {
    this.bar = bar;
    this.registers = registers;
    this.mask = descriptors - 1;
    this.memory = handle.allocateDma(descriptors * DESCRIPTOR_BYTES);
    this.buffers = Int32Array.from({ length: descriptors }, (_, i) => firstBuffer + i);
  }

  /** Where the ring is, and how long it is. */
  place(): void {
    const { bar, registers, memory } = this;
    this.next = this.tail = this.rung = 0;
    bar.write32(registers + BASE_LOW, memory.address % 2 ** 32);
    bar.write32(registers + BASE_HIGH, Math.floor(memory.address / 2 ** 32));
    bar.write32(registers + LENGTH, memory.bytes);
  }

  /** Enables the queue, and waits until it says that it is: before that the tail must not move (4.6.7, 4.6.8). */
  enable(control: number): void {
    const { bar, registers } = this;
    bar.write32(registers + CONTROL, (control | ENABLE) >>> 0);
    for (let i = 0; i < POLLS; i++) {
      if ((bar.read32(registers + CONTROL) & ENABLE) !== 0) return;
    }
    throw new SoftwareError(
      `the queue with registers at 0x${registers.toString(16)} does not become enabled`,
    );
  }

  /** A register of the queue. */
  write(register: number, value: number): void {
    this.bar.write32(this.registers + register, value >>> 0);
  }

  /** Descriptors that the card has and is not known to be done with. */
  get outstanding(): number {
    return (this.tail - this.next) & this.mask;
  }

  /** Descriptors that it can be given. */
  get room(): number {
    return this.mask - this.outstanding;
  }

  /** A double word of a descriptor. */
  read(index: number, word: number): number {
    return this.memory.read(index * DESCRIPTOR_WORDS + word);
  }

  /** Fills in a descriptor: an address, and two double words. */
  fill(index: number, address: number, third: number, fourth: number): void {
    const word = index * DESCRIPTOR_WORDS;
    this.memory.write(word, (address % 2 ** 32) | 0);
    this.memory.write(word + 1, Math.floor(address / 2 ** 32));
    this.memory.write(word + 2, third);
    this.memory.write(word + 3, fourth);
  }

  /** Tells the card of a tail that has moved: the doorbell. */
  ring(): void {
    if (this.rung === this.tail) return;
    this.rung = this.tail;
    this.bar.write32(this.registers + TAIL, this.tail);
  }

  /** Number of the page in which a descriptor lies. */
  pageOf(index: number): number {
    return this.memory.pageOf(index * DESCRIPTOR_BYTES);
  }
}
