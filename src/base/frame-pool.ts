import { assert } from './assert.ts';
import { checkInteger, checkKeys, checkPowerOfTwo } from './check.ts';
import { FreeList } from './free-list.ts';
import { SHARED_SLOT_BYTES, sharedFrames } from './shared-frames.ts';
import { type WordStore, wordStore } from './sparse-memory.ts';

/** How large a {@link FramePool} is. */
export interface FramePoolOptions {
  /** Frames that can be held at once. */
  readonly slots: number;
  /** Bytes a slot: a power of two, at least 64. Default 2,048. */
  readonly slotBytes?: number;
  /** Bytes behind the last slot, for the owner's own use (descriptor caches, say). Default 0. */
  readonly extraBytes?: number;
  /**
   * A SharedArrayBuffer instead of an ArrayBuffer, with lengths and tags in it too, so that other threads can
   * read and write frames: see {@link sharedFrames}. Taking and releasing slots remains one thread's. Default
   * false.
   */
  readonly shared?: boolean;
}

const OPTIONS = { slots: true, slotBytes: true, extraBytes: true, shared: true } as const;

/**
 * Frames as slots of one ArrayBuffer, each with a reference count.
 *
 * A frame lies at `slot * slotBytes` and is passed on as its slot number. A multicast takes a reference for
 * each copy; the bytes stay where they are. A frame is held as it is in memory, without the frame check
 * sequence: {@link FramePool.lengths} of a 64-byte Ethernet frame is 60.
 *
 * @example
 * const pool = new FramePool({ slots: 1024 });
 * const slot = pool.take();
 * pool.u8.set(frame, pool.offsetOf(slot));
 * pool.lengths[slot] = frame.length;
 * pool.retain(slot, 2); // three holders now
 * pool.release(slot);
 */
export class FramePool implements WordStore {
  readonly slots: number;
  readonly slotBytes: number;
  /** log2 of slotBytes: `slot << slotShift` is the offset of a frame. */
  readonly slotShift: number;
  readonly buffer: ArrayBufferLike;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly i64: BigInt64Array;
  /** Bytes of the frame in each slot, without frame check sequence. */
  readonly lengths: Int32Array;
  /**
   * Tag that travels beside the frame in each slot instead of in its bytes: the 16-bit TCI of an 802.1Q tag
   * that the port inserted, or -1 for none.
   */
  readonly outerTci: Int32Array;
  /**
   * A second tag beside the frame, outside of that: EtherType in the upper half, TCI in the lower. Means
   * something only where a tag operation says that it is put in, and is not cleared with the slot.
   */
  readonly serviceTag: Int32Array;
  /**
   * A tag for virtual access beside the frame, outside of all VLAN tags: the 32 bits behind the EtherType of a
   * VN-Tag, or the first 32 of an E-Tag. Means something only where a tag operation says that it is put in.
   */
  readonly virtualTag: Int32Array;
  /** The last 16 bits of an E-Tag in {@link FramePool.virtualTag}, or -1 if that is a VN-Tag. */
  readonly virtualTagExtension: Int32Array;
  /** Holders of each slot; 0 when it is free. */
  readonly references: Int32Array;
  /** First byte of the extra area. */
  readonly extraOffset: number;
  private readonly free: FreeList;

  constructor(options: FramePoolOptions) {
    checkKeys<FramePoolOptions>('options', options, OPTIONS);
    this.slots = checkInteger('slots', options.slots, 1, 1 << 20);
    this.slotBytes = checkPowerOfTwo('slotBytes', options.slotBytes ?? 2048, 64, 1 << 16);
    const extraBytes = checkInteger('extraBytes', options.extraBytes ?? 0, 0, 1 << 28);
    this.slotShift = 31 - Math.clz32(this.slotBytes);
    const shared = options.shared === true;
    this.extraOffset = this.slots * this.slotBytes + (shared ? this.slots * SHARED_SLOT_BYTES : 0);
    const bytes = this.extraOffset + extraBytes;
    this.buffer = shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
    const { u8, i32, i64 } = wordStore(this.buffer);
    this.u8 = u8;
    this.i32 = i32;
    this.i64 = i64;
    const beside = shared ? sharedFrames(this.buffer, this.slots, this.slotBytes) : undefined;
    this.lengths = beside?.lengths ?? new Int32Array(this.slots);
    this.outerTci = beside?.outerTci ?? new Int32Array(this.slots);
    this.outerTci.fill(-1);
    this.serviceTag = beside?.serviceTag ?? new Int32Array(this.slots);
    this.virtualTag = beside?.virtualTag ?? new Int32Array(this.slots);
    this.virtualTagExtension = beside?.virtualTagExtension ?? new Int32Array(this.slots);
    this.references = new Int32Array(this.slots);
    this.free = new FreeList(this.slots);
  }

  /** Slots that can be taken now. */
  get available(): number {
    return this.free.available;
  }

  /** Byte offset of `slot` in {@link FramePool.u8}. */
  offsetOf(slot: number): number {
    return slot << this.slotShift;
  }

  /** A slot with one reference and no outer tag, or -1 when all are held. */
  take(): number {
    const slot = this.free.take();
    if (slot >= 0) {
      this.references[slot] = 1;
      this.outerTci[slot] = -1;
    }
    return slot;
  }

  /** Adds `count` holders to `slot`. */
  retain(slot: number, count = 1): void {
    this.references[slot] += count;
  }

  /** Takes one holder away; the last one frees the slot. */
  release(slot: number): void {
    const left = this.references[slot] - 1;
    assert(left >= 0, 'a slot was released more often than it was held');
    this.references[slot] = left;
    if (left === 0) this.free.give(slot);
  }
}
