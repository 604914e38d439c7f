import type { FramePool, RandomStream } from '../base/index.ts';
import { Ecn, findIpHeader, readEcn, writeEcn } from '../wire/index.ts';

/** When a queue marks packets (RFC 3168; random early detection, or a step where both ends are equal). */
export interface EcnProfile {
  /** Bytes in the queue below which nothing is marked, and from which on everything is. */
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Chance to be marked just below `maxBytes`, 0 to 1; it grows linearly from 0 at `minBytes`. */
  readonly maxProbability: number;
  /** What becomes of an IP packet that would be marked but whose transport does not understand marks. */
  readonly nonEct: 'pass' | 'drop';
}

/** Instead of a slot: the frame is to be dropped. */
export const ECN_DROP = -1;

/**
 * Marks IP packets that find their queue long. The mark is set in the frame's slot if nobody else holds it;
 * a replica that others hold too is copied to a slot of its own first, so that only the receiver behind the
 * long queue sees the mark: hardware writes it into the bytes as they leave. If no slot is free, the packet
 * goes unmarked, and is counted.
 */
export class EcnMarker {
  marked = 0;
  /** Packets without ECN that were dropped, that passed, and ECN-capable ones without a slot for a copy. */
  dropped = 0;
  passed = 0;
  unmarked = 0;

  private readonly frames: FramePool;
  private readonly profile: EcnProfile;
  private readonly random: RandomStream;

  constructor(frames: FramePool, profile: EcnProfile, random: RandomStream) {
    this.frames = frames;
    this.profile = profile;
    this.random = random;
  }

  /**
   * Looks at a frame that joins a queue with so many bytes. Returns the slot that goes on, which holds the
   * reference now, or {@link ECN_DROP}: then it is still the caller's.
   */
  enqueue(slot: number, queueBytes: number): number {
    if (!this.isLong(queueBytes)) return slot;
    const { frames } = this;
    const base = frames.offsetOf(slot);
    const header = findIpHeader(frames.u8, base, frames.lengths[slot]);
    if (header < 0) return slot;
    const ecn = readEcn(frames.u8, header);
    if (ecn === Ecn.CE) return slot;
    if (ecn === Ecn.NOT_ECT) {
      if (this.profile.nonEct === 'drop') {
        this.dropped++;
        return ECN_DROP;
      }
      this.passed++;
      return slot;
    }
    const own = frames.references[slot] > 1 ? this.copy(slot) : slot;
    if (own < 0) {
      this.unmarked++;
      return slot;
    }
    this.marked++;
    writeEcn(frames.u8, header - base + frames.offsetOf(own), Ecn.CE);
    return own;
  }

  counters(): Record<string, number> {
    const { marked, dropped, passed, unmarked } = this;
    return { 'ecn.marked': marked, 'ecn.dropped': dropped, 'ecn.passed': passed, 'ecn.unmarked': unmarked };
  }

  reset(): void {
    this.marked = this.dropped = this.passed = this.unmarked = 0;
  }

  private isLong(bytes: number): boolean {
    const { minBytes, maxBytes, maxProbability } = this.profile;
    if (bytes < minBytes) return false;
    if (bytes >= maxBytes) return true;
    return this.random.float() < (maxProbability * (bytes - minBytes)) / (maxBytes - minBytes);
  }

  /** The frame, and what travels beside it, in a slot of its own for one of its holders; -1 if there is none. */
  private copy(slot: number): number {
    const { frames } = this;
    const own = frames.take();
    if (own < 0) return own;
    const from = frames.offsetOf(slot);
    frames.u8.copyWithin(frames.offsetOf(own), from, from + frames.lengths[slot]);
    frames.lengths[own] = frames.lengths[slot];
    frames.outerTci[own] = frames.outerTci[slot];
    frames.serviceTag[own] = frames.serviceTag[slot];
    frames.virtualTag[own] = frames.virtualTag[slot];
    frames.virtualTagExtension[own] = frames.virtualTagExtension[slot];
    frames.release(slot);
    return own;
  }
}
