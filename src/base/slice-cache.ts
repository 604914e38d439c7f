/** Parts of an array that are kept, by where they begin. A power of two. */
const KEPT = 1024;
/** Two parts that begin in the same 2 KiB take turns: frames and buffers lie on multiples of that. */
const PLACE_SHIFT = 11;

const NOTHING = new Uint8Array(0);

/** A part of an array. */
class Slice {
  start = 0;
  bytes = -1;
  view: Uint8Array = NOTHING;
}

/**
 * Parts of one byte array as arrays of their own, which a native copy needs as its source. Making one costs
 * as much as copying 1,500 bytes, and leaves work for the garbage collector; frames begin at the same places
 * and have the same sizes again and again.
 */
export class SliceCache {
  /** What the parts are parts of. */
  readonly bytes: Uint8Array;
  private readonly slices: Slice[];
  private readonly mask: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const places = Math.min(KEPT, Math.max(1, bytes.length >> PLACE_SHIFT));
    // A power of two, rounded down.
    const length = 1 << (31 - Math.clz32(places));
    this.slices = Array.from({ length }, () => new Slice());
    this.mask = length - 1;
  }

  /** The `bytes` bytes from `start` on. */
  slice(start: number, bytes: number): Uint8Array {
    const slice = this.slices[(start >> PLACE_SHIFT) & this.mask];
    if (slice.start !== start || slice.bytes !== bytes) {
      slice.start = start;
      slice.bytes = bytes;
      slice.view = this.bytes.subarray(start, start + bytes);
    }
    return slice.view;
  }
}
