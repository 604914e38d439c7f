import type { FramePool } from '../base/index.ts';
import { TransmitDescriptor } from './descriptor-format.ts';
import type { DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import type { TransmitEngine } from './transmit-engine.ts';
import { INCOMPLETE, MALFORMED, sizeOfNextFrame } from './transmit-frame.ts';
import { NONE, type TransmitRing, type TransmitSlot } from './transmit-ring.ts';

/** Descriptors that the header of a large send may be spread over. */
const HEADER_PIECES = 4;
/** Bytes of payload that a large send may have: less than this. */
const MOST_PAYLOAD = 1 << 18;

/** What a ring is to send in several frames. */
export interface LargeSendShape {
  /** Bytes at its beginning that go in front of each frame. */
  readonly headerBytes: number;
  /** Payload of each frame but the last, which has what is left. */
  readonly segmentBytes: number;
  /** Bytes behind the header, in all. */
  readonly payloadBytes: number;
}

/** Who is told of the frames of a large send. */
export interface LargeSendOwner {
  /** Frame `index` of a ring's large send is going to be read into `slot`: its header, and then its part of the payload. */
  segmentOpened(ring: TransmitRing, slot: number, index: number, isLast: boolean): void;
}

/** How far a ring is with its large send. */
class LargeSend {
  /** 1 while it is in the middle of one. */
  isActive = 0;
  segmentBytes = 0;
  headerBytes = 0;
  /** Where its header lies: addresses and bytes. */
  readonly addresses = new Float64Array(HEADER_PIECES);
  readonly sizes = new Int32Array(HEADER_PIECES);
  pieces = 0;
  /** Payload that no frame has yet. */
  left = 0;
  /** The frame that is being read, or the next one. */
  index = 0;
  /** Of that frame: pieces of the header that have been asked for, and payload that has not. */
  piece = 0;
  needs = 0;
  /** Bytes of the ring's next descriptor that have been asked for. */
  at = 0;
  /** Index of the descriptor before it. */
  last = 0;
  /** The ring's count of taken descriptors: another one, and the ring has been reset. */
  taken = 0;
}

/**
 * Large sends: frames of one header, which is read again for each, and of a payload that is divided among them. Each is
 * a frame of its ring like others, and other rings have their turns in between (82599 datasheet 7.2.4.2).
 */
export class LargeSends {
  private readonly engine: TransmitEngine;
  private readonly frames: FramePool;
  private readonly port: DmaPort;
  private readonly owner: LargeSendOwner;
  private readonly sends: readonly LargeSend[];
  private readonly descriptor = new TransmitDescriptor();
  private readonly request = new DmaRequest();

  /** @param engine that takes all other frames. */
  constructor(engine: TransmitEngine, frames: FramePool, port: DmaPort, owner: LargeSendOwner) {
    this.engine = engine;
    this.frames = frames;
    this.port = port;
    this.owner = owner;
    this.sends = engine.rings.all.map(() => new LargeSend());
    this.request.client = engine.client;
  }

  /** Whether a ring is in the middle of one: then {@link LargeSends.go} takes what comes next. */
  isActive(ring: TransmitRing): boolean {
    const send = this.sends[ring.queue];
    return send.isActive === 1 && send.taken === ring.taken;
  }

  /**
   * Begins the one whose first descriptor is the ring's next. What contradicts itself is swallowed as a frame that has
   * failed. Returns as `TransmitOffload.takeDescriptor` does.
   */
  start(ring: TransmitRing, shape: LargeSendShape): boolean {
    const { engine } = this;
    const { headerBytes, segmentBytes, payloadBytes } = shape;
    const most = headerBytes + MOST_PAYLOAD;
    const { format, rings } = engine;
    const cached = rings.mostCached(ring);
    const total = sizeOfNextFrame(ring, format, this.frames.i32, this.descriptor, cached, most);
    if (total === INCOMPLETE) {
      // As for any frame: its ring's turn is over until the rest has come.
      ring.wantsMore = 1;
      engine.turns.drop();
      return true;
    }
    const fits = segmentBytes > 0 && headerBytes + segmentBytes <= engine.maxFrameBytes;
    if (
      !fits ||
      payloadBytes === 0 ||
      total !== headerBytes + payloadBytes ||
      !this.findHeader(ring, shape)
    ) {
      if (!engine.hasSlot()) return false;
      engine.open(ring, this.frames.take(), MALFORMED);
      return true;
    }
    const send = this.sends[ring.queue];
    send.isActive = 1;
    send.headerBytes = headerBytes;
    send.segmentBytes = segmentBytes;
    send.left = payloadBytes;
    send.index = 0;
    send.taken = ring.taken;
    return true;
  }

  /** Goes on with a ring's large send: one read. */
  go(ring: TransmitRing): boolean {
    const { engine, descriptor } = this;
    const send = this.sends[ring.queue];
    if (ring.openSlot === NONE && !this.openSegment(ring, send)) return false;
    const slot = engine.slots[ring.openSlot];
    if (send.piece < send.pieces) {
      const bytes = send.sizes[send.piece];
      if (!engine.canRead(bytes)) return false;
      this.read(ring, slot, send.addresses[send.piece], bytes);
      send.piece++;
      return true;
    }
    engine.format.read(this.frames.i32, ring.wordOf(0), descriptor);
    if (descriptor.isData === 0) {
      // Out of place here: it counts for nothing.
      this.consume(ring, send);
      return true;
    }
    const bytes = Math.min(descriptor.bytes - send.at, send.needs);
    if (!engine.canRead(bytes)) return false;
    this.read(ring, slot, descriptor.address + send.at, bytes);
    send.at += bytes;
    send.needs -= bytes;
    if (send.at === descriptor.bytes) {
      this.consume(ring, send);
      if (descriptor.reportStatus === 1) slot.noteReport(send.last);
    }
    if (send.needs > 0) return true;
    send.index++;
    if (send.left === 0) send.isActive = 0;
    engine.close(ring, slot, send.last);
    return true;
  }

  /** Where the header lies, and the payload begins; takes the descriptors that have nothing but header. */
  private findHeader(ring: TransmitRing, { headerBytes }: LargeSendShape): boolean {
    const { descriptor } = this;
    const send = this.sends[ring.queue];
    let left = headerBytes;
    let whole = 0;
    send.pieces = send.at = 0;
    while (left > 0) {
      if (send.pieces === HEADER_PIECES) return false;
      this.engine.format.read(this.frames.i32, ring.wordOf(send.pieces), descriptor);
      if (descriptor.isData === 0) return false;
      const bytes = Math.min(descriptor.bytes, left);
      send.addresses[send.pieces] = descriptor.address;
      send.sizes[send.pieces++] = bytes;
      left -= bytes;
      if (bytes === descriptor.bytes) whole++;
      else send.at = bytes;
    }
    send.last = (ring.takeIndex === 0 ? ring.size : ring.takeIndex) - 1;
    for (; whole > 0; whole--) send.last = ring.consume();
    return true;
  }

  private openSegment(ring: TransmitRing, send: LargeSend): boolean {
    const { engine, frames } = this;
    const payload = Math.min(send.segmentBytes, send.left);
    const bytes = send.headerBytes + payload;
    if (bytes > engine.bufferFree || !engine.canRead(send.sizes[0]) || !engine.hasSlot()) return false;
    const slot = frames.take();
    engine.open(ring, slot, bytes);
    send.piece = 0;
    send.needs = payload;
    send.left -= payload;
    this.owner.segmentOpened(ring, slot, send.index, send.left === 0);
    return true;
  }

  private consume(ring: TransmitRing, send: LargeSend): void {
    send.last = ring.consume();
    send.taken = ring.taken;
    send.at = 0;
  }

  private read(ring: TransmitRing, slot: TransmitSlot, address: number, bytes: number): void {
    const { request, frames } = this;
    request.routingId = ring.routingId;
    request.address = address;
    request.bytes = bytes;
    request.offset = (ring.openSlot << frames.slotShift) + slot.asked;
    request.cookie = ring.openSlot;
    slot.asked += bytes;
    slot.trains += this.port.read(request);
  }
}
