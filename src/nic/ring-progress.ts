import type { Ring } from '../dma/index.ts';

/** Who is told that a queue's descriptors have been written back. */
export interface QueueInterrupts {
  /** @param transmit whether of the transmit half of the pair. */
  queueDone(queue: number, transmit: boolean): void;
}

/** Receive-side scaling. */
export interface QueueSpread {
  /** The queue for the frame in `slot`, of those of a pool. */
  queueFor(pool: number, slot: number): number;
}

/**
 * How far the card has come in the ring of a queue, as the ring's software sees it: the index behind the last
 * descriptor whose frame the card has taken, or given to it. The engine's own registers start again at 0 when
 * a ring fails or is disabled; what lies in the ring by then still lies there.
 */
export class RingProgress {
  index = 0;
  private readonly ring: Ring;

  constructor(ring: Ring) {
    this.ring = ring;
  }

  /** The frame of descriptor `index` is done with. */
  done(index: number): void {
    const next = (index + 1) | 0;
    this.index = next === this.ring.size ? 0 : next;
  }

  /** The frame of the descriptor behind the last one is done with. */
  nextDone(): void {
    this.done(this.index);
  }

  /** The ring begins anew. */
  start(): void {
    this.index = 0;
  }
}
