import type { FramePool } from '../base/index.ts';
import { TagEdit, virtualTagBytes, writeTaggedHeader } from '../wire/index.ts';
import type { DmaPort } from './dma-port.ts';
import type { DmaRequest } from './dma-request.ts';
import { TagOperation } from './receive-options.ts';
import type { Delivery } from './receive-ring.ts';

/** Offset of the outer tag in a frame: behind the two addresses. */
const TAG_OFFSET = 12;
/** Bytes of an 802.1Q tag. */
export const TAG_BYTES = 4;
const PAGE_BYTES = 4096;

/** Bytes of the store a delivery for the header of a frame whose tags are changed in more ways than one. */
const HEADER_BYTES = 32;

/** Writes frames to memory with tags left out and put in. */
export class TaggedWrite {
  private readonly frames: FramePool;
  private readonly port: DmaPort;
  /** One double word a delivery, for a tag that has to be written on its own. */
  private readonly tagWord: number;
  /** {@link HEADER_BYTES} a delivery. */
  private readonly headers: number;

  /** @param storeOffset first byte of {@link TaggedWrite.storeBytes} in the store. */
  constructor(frames: FramePool, port: DmaPort, storeOffset: number, deliveries: number) {
    this.frames = frames;
    this.port = port;
    this.tagWord = storeOffset >> 2;
    this.headers = storeOffset + 4 * deliveries;
  }

  /** Bytes that it needs in the store. */
  static storeBytes(deliveries: number): number {
    return (4 + HEADER_BYTES) * deliveries;
  }

  /**
   * Writes a piece of a frame as memory shall see it, from its byte `done` on. Returns the trains that takes.
   *
   * @param request with Routing ID, address, bytes and cookie of the piece; spoilt but for the first.
   */
  write(delivery: Delivery, done: number, request: DmaRequest): number {
    const { frames, port } = this;
    const { address, bytes } = request;
    const base = delivery.slot << frames.slotShift;
    if (delivery.operation > TagOperation.INSERT) return this.writeEdited(delivery, done, request);
    const strips = delivery.operation === TagOperation.STRIP;
    const shift = strips ? TAG_BYTES : -TAG_BYTES;
    if (done > 0) {
      request.offset = base + done + shift;
      return port.write(request);
    }
    request.offset = base;
    const tag = strips ? 0 : tagAsWord(frames.outerTci[delivery.slot]);
    const inPage = address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
    if (inPage + TAG_OFFSET + TAG_BYTES <= PAGE_BYTES) {
      request.headBytes = TAG_OFFSET;
      request.skipBytes = strips ? TAG_BYTES : 0;
      request.inserts = strips ? 0 : 1;
      request.insert = tag;
      const trains = port.write(request);
      request.headBytes = 0;
      return trains;
    }
    // A page ends within the addresses or the tag: each part on its own.
    request.bytes = TAG_OFFSET;
    let trains = port.write(request);
    let to = TAG_OFFSET;
    if (!strips) {
      const scratch = this.tagWord + delivery.index;
      frames.i32[scratch] = tag;
      request.address = address + to;
      request.bytes = TAG_BYTES;
      request.offset = scratch << 2;
      trains += port.write(request);
      to += TAG_BYTES;
    }
    if (bytes === to) return trains;
    request.address = address + to;
    request.bytes = bytes - to;
    request.offset = base + to + shift;
    return trains + port.write(request);
  }

  /** The same with any edit of tags: the header is made up in the store, and the rest is where it is. */
  private writeEdited(delivery: Delivery, done: number, request: DmaRequest): number {
    const { frames, port } = this;
    const { slot, operation } = delivery;
    const { address, bytes } = request;
    const shift = frames.lengths[slot] - delivery.bytes;
    const base = frames.offsetOf(slot);
    if (done > 0) {
      request.offset = base + done + shift;
      return port.write(request);
    }
    const store = this.headers + HEADER_BYTES * delivery.index;
    const header = writeTaggedHeader(frames, slot, operation, frames.u8, store);
    const rest = base + header + shift;
    const inPage = address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
    request.offset = store;
    if (inPage + header <= PAGE_BYTES) {
      request.headBytes = header;
      request.skipBytes = rest - (store + header);
      request.inserts = 0;
      const trains = port.write(request);
      request.headBytes = 0;
      return trains;
    }
    request.bytes = header;
    const trains = port.write(request);
    if (bytes === header) return trains;
    request.address = address + header;
    request.bytes = bytes - header;
    request.offset = rest;
    return trains + port.write(request);
  }
}

/** TCI of the (inner) VLAN tag that a delivery leaves out. */
export function strippedTci(frames: FramePool, { slot, operation }: Delivery): number {
  const { u8 } = frames;
  let at = frames.offsetOf(slot) + TAG_OFFSET;
  if ((operation & TagEdit.STRIP_VIRTUAL) !== 0) at += virtualTagBytes((u8[at] << 8) | u8[at + 1]);
  if ((operation & (TagEdit.STRIP_OUTER | TagEdit.BEHIND_OUTER)) !== 0) at += TAG_BYTES;
  return (u8[at + 2] << 8) | u8[at + 3];
}

/** An 802.1Q tag with this TCI as a little-endian double word. */
function tagAsWord(tci: number): number {
  return 0x0081 | ((tci >> 8) << 16) | ((tci & 0xff) << 24);
}
