import type { FramePool } from '../base/index.ts';
import { ProbeKind, type ProbeSink } from '../kernel/index.ts';
import { LogKind, type LogTarget } from './log-format.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const { FRAME_IN, FRAME_OUT, FRAME_COPIED } = ProbeKind;

/** Words at the beginning of a frame that may change while the card has it: its tags and its IP header. */
const HEAD_WORDS = 16;
const HEAD_BYTES = 4 * HEAD_WORDS;

/**
 * Puts the bytes of frames into a log: behind each FRAME_IN those of the frame, and behind a FRAME_OUT what the card has
 * changed since: the tags beside the frame, and its first bytes if it was marked.
 */
export class FrameBytes implements ProbeSink {
  private readonly target: LogTarget;
  private readonly frames: FramePool;
  private readonly limit: number;
  // What was logged last, by slot.
  private readonly tags: Int32Array;
  private readonly service: Int32Array;
  private readonly virtual: Int32Array;
  private readonly extension: Int32Array;
  private readonly heads: Int32Array;
  private readonly isMarked: boolean;

  /**
   * @param limit bytes of each frame that are logged at most; 0 for none.
   * @param isMarked whether the card may change the first bytes of a frame, to mark that it has met congestion.
   */
  constructor(target: LogTarget, frames: FramePool, limit: number, isMarked: boolean) {
    const { slots } = frames;
    this.target = target;
    this.frames = frames;
    this.limit = limit;
    this.isMarked = isMarked;
    this.tags = new Int32Array(slots).fill(-1);
    this.service = new Int32Array(slots);
    this.virtual = new Int32Array(slots);
    this.extension = new Int32Array(slots);
    this.heads = new Int32Array(isMarked ? slots * HEAD_WORDS : 0);
  }

  record(timePs: number, kind: ProbeKind, a: number, b: number, c: number): void {
    this.target.record(timePs, kind, a, b, c);
    if (kind === FRAME_IN) this.log(timePs, a, c);
    else if (kind === FRAME_OUT && this.isChanged(a)) {
      const { lengths } = this.frames;
      this.log(timePs, a, lengths[a] < HEAD_BYTES ? lengths[a] : HEAD_BYTES);
    } else if (kind === FRAME_COPIED) this.copied(b, a);
  }

  /** Logs the first bytes of a frame, and keeps what they were. */
  private log(timePs: number, slot: number, length: number): void {
    const { target, frames } = this;
    if (this.areTagsChanged(slot)) {
      this.service[slot] = frames.serviceTag[slot];
      this.virtual[slot] = frames.virtualTag[slot];
      this.extension[slot] = frames.virtualTagExtension[slot];
      target.record(timePs, LogKind.FRAME_TAGS, this.service[slot], this.virtual[slot], this.extension[slot]);
    }
    const bytes = length < this.limit ? length : this.limit;
    const base = frames.offsetOf(slot);
    this.tags[slot] = frames.outerTci[slot];
    target.record(timePs, LogKind.FRAME_BYTES, slot, bytes, this.tags[slot]);
    target.data(frames.u8, base, bytes);
    if (!this.isMarked) return;
    for (let i = 0; i < HEAD_WORDS; i++) this.heads[slot * HEAD_WORDS + i] = frames.i32[(base >> 2) + i];
  }

  private areTagsChanged(slot: number): boolean {
    const { frames } = this;
    return (
      frames.serviceTag[slot] !== this.service[slot] ||
      frames.virtualTag[slot] !== this.virtual[slot] ||
      frames.virtualTagExtension[slot] !== this.extension[slot]
    );
  }

  private isChanged(slot: number): boolean {
    const { frames, heads } = this;
    if (frames.outerTci[slot] !== this.tags[slot] || this.areTagsChanged(slot)) return true;
    if (!this.isMarked) return false;
    const word = frames.offsetOf(slot) >> 2;
    for (let i = 0; i < HEAD_WORDS; i++)
      if (frames.i32[word + i] !== heads[slot * HEAD_WORDS + i]) return true;
    return false;
  }

  /** The copy was logged as the frame was. */
  private copied(from: number, to: number): void {
    for (const column of [this.tags, this.service, this.virtual, this.extension]) column[to] = column[from];
    this.heads.copyWithin(to * HEAD_WORDS, from * HEAD_WORDS, (from + 1) * HEAD_WORDS);
  }
}
