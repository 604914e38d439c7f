import { ceilPowerOfTwo, IntRing } from '../base/index.ts';
import { NONE, type TransmitRing } from './transmit-ring.ts';

/** Whose turn it is: the next frame is that of the first ring. */
export interface Turns {
  /** Rings that have a turn. */
  readonly length: number;
  /** The ring whose turn it is; only if there is one. */
  readonly first: TransmitRing;
  /** A ring that has descriptors gets its turn behind the others, if it has none yet. */
  add(ring: TransmitRing): void;
  /**
   * The first ring is through with its frame of `bytes`: it gets another turn behind the others, if it has
   * descriptors.
   */
  pass(bytes: number): void;
  /** The first ring gets no further turn until it is added again. */
  drop(): void;
  /**
   * What the first ring lacks may be held by a frame that another one is in the middle of (it could not go on
   * for a while): that one first. Returns whether there is one.
   */
  bringBegunForward(): boolean;
  /** Nobody has a turn any more. */
  clear(): void;
}

/** A frame of each ring that has descriptors in its cache, in turn. */
export class TransmitTurns implements Turns {
  private readonly rings: readonly TransmitRing[];
  private readonly queues: IntRing;

  constructor(rings: readonly TransmitRing[]) {
    this.rings = rings;
    this.queues = new IntRing(ceilPowerOfTwo(rings.length));
  }

  get length(): number {
    return this.queues.length;
  }

  get first(): TransmitRing {
    return this.rings[this.queues.peek()];
  }

  add(ring: TransmitRing): void {
    if (ring.isActive === 1 || ring.cached() <= 0) return;
    ring.isActive = 1;
    this.queues.push(ring.queue);
  }

  pass(): void {
    const ring = this.first;
    if (ring.cached() <= 0) this.drop();
    else if (this.queues.length > 1) this.queues.push(this.queues.shift());
  }

  drop(): void {
    this.rings[this.queues.shift()].isActive = 0;
  }

  bringBegunForward(): boolean {
    const queues = this.queues;
    if (this.first.openSlot !== NONE) return false;
    for (let left = queues.length; left > 0; left--) {
      if (this.first.openSlot !== NONE) return true;
      queues.push(queues.shift());
    }
    return false;
  }

  clear(): void {
    this.queues.clear();
  }
}
