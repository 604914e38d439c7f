/** What each slot of a shared pool has beside its bytes: a length and a tag. */
export const SHARED_SLOT_BYTES = 8;

/** The frames of a shared {@link FramePool}, as any thread sees them. */
export interface SharedFrames {
  /** Frame n begins at `n * slotBytes`. */
  readonly u8: Uint8Array;
  /** Bytes of the frame in each slot. */
  readonly lengths: Int32Array;
  /** TCI of the tag that travels beside each frame, or -1. */
  readonly outerTci: Int32Array;
}

/**
 * The frames in the buffer of a {@link FramePool} that was made with `shared: true`, for another thread than
 * the one that made it. Not checked.
 */
export function sharedFrames(buffer: ArrayBufferLike, slots: number, slotBytes: number): SharedFrames {
  const lengths = slots * slotBytes;
  return {
    u8: new Uint8Array(buffer, 0, lengths),
    lengths: new Int32Array(buffer, lengths, slots),
    outerTci: new Int32Array(buffer, lengths + 4 * slots, slots),
  };
}
