import { assert } from '../base/index.ts';

/** Words of a cache line. */
const LINE_WORDS = 16;

/**
 * One array of 32-bit words that all tables and rings of a switch lie in, each as a view of its own.
 *
 * The data path uses the whole array and the positions of the views in it: what it must load and check anew for each
 * frame, because a loop can be interrupted, it must do for each array.
 */
export class WordArena {
  readonly words: Int32Array;
  #taken = 0;

  /** @param sizes words of each view that will be taken. */
  constructor(sizes: readonly number[]) {
    this.words = new Int32Array(sizes.reduce((sum, size) => sum + wholeLines(size), LINE_WORDS));
  }

  /** The next `size` words, beginning with a cache line. */
  take(size: number): Int32Array {
    const from = this.#taken;
    this.#taken += wholeLines(size);
    assert(this.#taken + LINE_WORDS <= this.words.length, 'more words were taken from the arena than it has');
    return this.words.subarray(from, from + size);
  }
}

/** Index in the arena's words of the first word of `view`. */
export function positionOf(view: Int32Array): number {
  return view.byteOffset >> 2;
}

function wholeLines(words: number): number {
  return (words + LINE_WORDS - 1) & -LINE_WORDS;
}
