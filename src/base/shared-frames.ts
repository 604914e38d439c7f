/** What each slot of a shared pool has beside its bytes: a length and tags, in five words. */
export const SHARED_SLOT_BYTES = 20;

/** The frames of a shared {@link FramePool}, as any thread sees them. */
export interface SharedFrames {
  /** Frame n begins at `n * slotBytes`. */
  readonly u8: Uint8Array;
  /** Bytes of the frame in each slot. */
  readonly lengths: Int32Array;
  /** TCI of the tag that travels beside each frame, or -1. */
  readonly outerTci: Int32Array;
  /** As in the pool; each means something only where a tag operation says that it is put in. */
  readonly serviceTag: Int32Array;
  readonly virtualTag: Int32Array;
  readonly virtualTagExtension: Int32Array;
  /** Byte offset of a slot in `u8`. */
  offsetOf(slot: number): number;
}

/**
 * The frames in the buffer of a {@link FramePool} that was made with `shared: true`, for another thread than
 * the one that made it. Not checked.
 */
export function sharedFrames(buffer: ArrayBufferLike, slots: number, slotBytes: number): SharedFrames {
  const frameBytes = slots * slotBytes;
  const column = (number: number) => new Int32Array(buffer, frameBytes + 4 * slots * number, slots);
  return {
    u8: new Uint8Array(buffer, 0, frameBytes),
    lengths: column(0),
    outerTci: column(1),
    serviceTag: column(2),
    virtualTag: column(3),
    virtualTagExtension: column(4),
    offsetOf: (slot) => slot * slotBytes,
  };
}
