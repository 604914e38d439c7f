import type { FramePool } from '../base/index.ts';
import type { DmaPort } from './dma-port.ts';
import type { DmaRequest } from './dma-request.ts';
import { TagOperation } from './receive-options.ts';
import type { Delivery } from './receive-ring.ts';

/** Offset of the outer tag in a frame: behind the two addresses. */
const TAG_OFFSET = 12;
/** Bytes of an 802.1Q tag. */
export const TAG_BYTES = 4;
const PAGE_BYTES = 4096;

/** Writes frames to memory with their outer tag left out or put in. */
export class TaggedWrite {
  private readonly frames: FramePool;
  private readonly port: DmaPort;
  /** One double word a delivery, for a tag that has to be written on its own. */
  private readonly tagWord: number;

  /** @param storeOffset first of 4 bytes a delivery in the store. */
  constructor(frames: FramePool, port: DmaPort, storeOffset: number) {
    this.frames = frames;
    this.port = port;
    this.tagWord = storeOffset >> 2;
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
}

/** TCI of the tag in the bytes of a frame that starts at `base`. */
export function tciInBytes(u8: Uint8Array, base: number): number {
  return (u8[base + TAG_OFFSET + 2] << 8) | u8[base + TAG_OFFSET + 3];
}

/** An 802.1Q tag with this TCI as a little-endian double word. */
function tagAsWord(tci: number): number {
  return 0x0081 | ((tci >> 8) << 16) | ((tci & 0xff) << 24);
}
