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

/** How frames are counted that a former VPort has not received: it was flushed, or retired as well; */
export const FLUSHED = 1;
export const RETIRED = 2;
/** or the switch was reset, and they are not counted at all. */
export const RESET = 3;

/** Where in the ring of a receiver the frames of former VPorts end, in order, and how those of each are counted. */
export class FlushedFrames {
  private readonly spans: { end: number; kind: number }[] = [];

  /** Whether some are left. */
  get pending(): boolean {
    return this.spans.length > 0;
  }

  /** What is not yet in here, up to index `end` of the ring, is of a former VPort. */
  add(end: number, kind: number): void {
    if (kind === RESET) for (const span of this.spans) span.kind = RESET;
    if (this.spans.at(-1)?.end !== end) this.spans.push({ end, kind });
  }

  /** Those that were flushed are of a VPort that is retired. */
  retire(): void {
    for (const span of this.spans) if (span.kind === FLUSHED) span.kind = RETIRED;
  }

  /** How the frame at `index` is counted. */
  kindOf(index: number): number {
    return this.spans.find(({ end }) => ((end - index) | 0) > 0)?.kind ?? FLUSHED;
  }

  /** The ring has been read up to `head`. */
  readTo(head: number): void {
    while (this.spans.length > 0 && ((this.spans[0].end - head) | 0) <= 0) this.spans.shift();
  }
}

/** Whether an entry of a receiver's ring was passed over. Entries have no sign otherwise. */
export function wasPassed(entry: number): boolean {
  return entry < 0;
}

/** The slot of an entry of a receiver's ring, passed over or not. */
export function ringSlot(entry: number): number {
  return entrySlot(wasPassed(entry) ? ~entry : entry);
}
