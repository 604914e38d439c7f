import { RECEIVE_FLUSHED, RECEIVE_FLUSHING, RECEIVE_HEAD } from './shared-layout.ts';
import { entrySlot } from './target.ts';

/**
 * Frames in the ring of a receiver that are those of a VPort which has been flushed.
 *
 * The switch says up to which index they are; who is attached when it does may still read them, they were for
 * him. Whoever holds the receiver's claim next passes over what is left of them: the next receiver when it
 * attaches, or the switch itself while nobody is attached. An entry that was passed over is marked, so that the
 * switch, which alone counts and releases, knows that it reached nobody.
 */
export function passFlushed(
  control: Int32Array,
  words: number,
  items: Int32Array,
  first: number,
  mask: number,
): void {
  if (Atomics.load(control, words + RECEIVE_FLUSHING) === 0) return;
  const end = Atomics.load(control, words + RECEIVE_FLUSHED);
  const head = Atomics.load(control, words + RECEIVE_HEAD);
  if (((end - head) | 0) <= 0) return;
  for (let i = head; i !== end; i = (i + 1) | 0) {
    const at = first + (i & mask);
    items[at] = ~items[at];
  }
  Atomics.store(control, words + RECEIVE_HEAD, end);
}

/** Whether an entry of a receiver's ring was passed over. Entries have no sign otherwise. */
export function wasPassed(entry: number): boolean {
  return entry < 0;
}

/** The slot of an entry of a receiver's ring, passed over or not. */
export function ringSlot(entry: number): number {
  return entrySlot(wasPassed(entry) ? ~entry : entry);
}
