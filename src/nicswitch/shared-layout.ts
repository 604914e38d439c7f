import { alignUp, checkInteger, checkPowerOfTwo } from '../base/index.ts';

/**
 * What threads need to attach to a {@link SharedSwitch}; `postMessage` and `workerData` pass it on as it is.
 */
export interface SharedSwitchDescriptor {
  /** Frames, rings and all: a SharedArrayBuffer. */
  readonly buffer: ArrayBufferLike;
  /** Where in it the words of control begin, in bytes. */
  readonly controlOffset: number;
}

/** How large the rings of a {@link SharedSwitch} are. */
export interface RingSizes {
  /** Empty slots that each port can hold to fill: entries of its ring to the switch. A power of two; default 64. */
  readonly sendEntries: number;
  /** Frames that wait for each port's receiver: entries of its ring from the switch. Likewise; default 128. */
  readonly receiveEntries: number;
}

/** Says that it is a switch's memory, and how it is cut. */
const MAGIC = 0x5357_0002;

// Words of the head: what the memory is.
const MAGIC_WORD = 0;
const PORTS = 1;
const SLOTS = 2;
const SLOT_BYTES = 3;
const SEND_ENTRIES = 4;
const RECEIVE_ENTRIES = 5;

// Words that threads write are in lines of the cache apart from what others write.
const LINE = 16;

/** 1 once the switch has been closed. */
export const CLOSED = LINE;
/** What the switch's thread sleeps for: 0 nothing, it is awake; {@link FOR_FRAMES} and {@link FOR_ROOM}. */
export const SWITCH_WAITS = 2 * LINE;
/** Counts what has woken the switch's thread. */
export const SWITCH_EVENT = 2 * LINE + 1;
/** What a sleeping switch is woken by: frames that are sent, changes of its configuration, closing, */
export const FOR_FRAMES = 1;
/** and frames that are released. */
export const FOR_ROOM = 2;
/** The mailbox for changes: what it holds, */
export const MAIL_STATE = 3 * LINE;
/** how many bytes, */
export const MAIL_BYTES = 3 * LINE + 1;
/** and a count of its changes, to sleep on. */
export const MAIL_EVENT = 3 * LINE + 2;
const FIRST_PORT = 4 * LINE;

// Words of a port, from its first on. Indices of rings count without end, modulo 2^32.
/** Index behind the last frame sent. Written by the sender. */
export const SEND_TAIL = 0;
/** Index behind the last empty slot given to the sender. Written by the switch. */
export const SEND_LIMIT = LINE;
/** Index behind the last frame delivered. Written by the switch. */
export const RECEIVE_TAIL = LINE + 1;
/** 1 while frames in the ring before this index are those of a VPort that was flushed. Written by the switch. */
export const RECEIVE_FLUSHING = LINE + 2;
export const RECEIVE_FLUSHED = LINE + 3;
/** Index of the oldest frame not released. Written by the receiver. */
export const RECEIVE_HEAD = 2 * LINE;
/** 1 while somebody is attached, */
export const SEND_CLAIM = 3 * LINE;
export const RECEIVE_CLAIM = 3 * LINE + 1;
/** In a claim: the switch itself has that end, for as long as it takes what a former VPort has left there. */
export const HELD_BY_SWITCH = 2;
/** 1 while the thread sleeps, */
export const SEND_WAITS = 3 * LINE + 2;
export const RECEIVE_WAITS = 3 * LINE + 3;
/** and counts of what has woken it. */
export const SEND_EVENT = 3 * LINE + 4;
export const RECEIVE_EVENT = 3 * LINE + 5;
const PORT_WORDS = 4 * LINE;

/** Longest message to the mailbox. */
export const MAILBOX_BYTES = 16_384;

/** Where everything lies in the memory of a {@link SharedSwitch}; the same in all threads. */
export class SharedLayout {
  readonly ports: number;
  readonly slots: number;
  readonly slotBytes: number;
  readonly sendEntries: number;
  readonly receiveEntries: number;
  /** Words of control: those above. */
  readonly control: Int32Array;
  /** Slots, empty ones and those that were sent: that of index i of port p at `p * sendEntries + (i & mask)`. */
  readonly sendItems: Int32Array;
  /** What was delivered, likewise: entries as in {@link NicSwitch.output}. */
  readonly receiveItems: Int32Array;
  readonly mailbox: Uint8Array;

  /** Bytes that it takes behind the frames. */
  static bytes(ports: number, { sendEntries, receiveEntries }: RingSizes): number {
    const words = FIRST_PORT + ports * (PORT_WORDS + sendEntries + receiveEntries);
    // The frames' end is aligned to a line of the cache by at most one more.
    return words * 4 + MAILBOX_BYTES + LINE * 4;
  }

  /** Writes the head into new memory, and returns what leads other threads to it. */
  static create(
    buffer: ArrayBufferLike,
    offset: number,
    ports: number,
    slots: number,
    slotBytes: number,
    sizes: RingSizes,
  ): SharedSwitchDescriptor {
    const controlOffset = alignUp(offset, LINE * 4);
    const head = new Int32Array(buffer, controlOffset, LINE);
    head[PORTS] = ports;
    head[SLOTS] = slots;
    head[SLOT_BYTES] = slotBytes;
    head[SEND_ENTRIES] = sizes.sendEntries;
    head[RECEIVE_ENTRIES] = sizes.receiveEntries;
    Atomics.store(head, MAGIC_WORD, MAGIC);
    return { buffer, controlOffset };
  }

  /** @throws TypeError if the descriptor is none. */
  constructor(descriptor: SharedSwitchDescriptor) {
    const { buffer, controlOffset } = checkDescriptor(descriptor);
    const head = new Int32Array(buffer, controlOffset, LINE);
    if (Atomics.load(head, MAGIC_WORD) !== MAGIC) {
      throw new TypeError('descriptor must be the descriptor of a SharedSwitch, got other memory');
    }
    this.ports = head[PORTS];
    this.slots = head[SLOTS];
    this.slotBytes = head[SLOT_BYTES];
    this.sendEntries = head[SEND_ENTRIES];
    this.receiveEntries = head[RECEIVE_ENTRIES];
    const controlWords = FIRST_PORT + this.ports * PORT_WORDS;
    let at = controlOffset;
    this.control = new Int32Array(buffer, at, controlWords);
    at += 4 * controlWords;
    this.sendItems = new Int32Array(buffer, at, this.ports * this.sendEntries);
    at += 4 * this.sendItems.length;
    this.receiveItems = new Int32Array(buffer, at, this.ports * this.receiveEntries);
    at += 4 * this.receiveItems.length;
    this.mailbox = new Uint8Array(buffer, at, MAILBOX_BYTES);
  }

  /** First word of `port` in the control words of a `SharedLayout`. */
  wordsOf(port: number): number {
    return FIRST_PORT + port * PORT_WORDS;
  }
}

/** Checks the sizes of rings. */
export function checkSizes(sizes: Partial<RingSizes>): RingSizes {
  return {
    sendEntries: checkPowerOfTwo('sendEntries', sizes.sendEntries ?? 64, 1, 1 << 16),
    receiveEntries: checkPowerOfTwo('receiveEntries', sizes.receiveEntries ?? 128, 1, 1 << 16),
  };
}

function checkDescriptor(descriptor: SharedSwitchDescriptor): SharedSwitchDescriptor {
  const buffer: unknown = descriptor?.buffer;
  if (typeof SharedArrayBuffer === 'undefined' || !(buffer instanceof SharedArrayBuffer)) {
    const got = buffer instanceof ArrayBuffer ? 'an ArrayBuffer' : typeof buffer;
    throw new TypeError(`descriptor.buffer must be a SharedArrayBuffer, got ${got}`);
  }
  const last = buffer.byteLength - LINE * 4;
  const offset = checkInteger('descriptor.controlOffset', descriptor.controlOffset, 0, last);
  if (offset % (LINE * 4) !== 0) {
    throw new RangeError(`descriptor.controlOffset must be a multiple of ${LINE * 4}, got ${offset}`);
  }
  return descriptor;
}
