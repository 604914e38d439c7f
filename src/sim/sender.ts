import type { FrameTemplate, QueuePair } from '../drivers/index.ts';

/** What an endpoint offers to the traffic that leaves it. */
export interface FrameSender {
  /** Sends a frame now; false if there is no room, and the frame is lost. */
  send(template: FrameTemplate, sequence: number): boolean;
  /** Keeps itself busy with frames from `source`, in turn with others, until it is taken away. */
  addSource(source: FrameSource): void;
  removeSource(source: FrameSource): void;
}

/** Frames without end. */
export interface FrameSource {
  /** Priority of its frames; 0 if it does not say. */
  readonly priority?: number;
  /**
   * The next frame's template, which the sender sends after {@link FrameSource.sequence}; null when there is
   * none.
   */
  next(): FrameTemplate | null;
  /** Counts the frame of the last {@link FrameSource.next} as offered at `timePs`, and gives its sequence number. */
  sequence(timePs: number): number;
  /**
   * Posts up to `budget` of its frames, offered from `timePs` on, each `spacingPs` after the one before;
   * returns how many. The same as {@link FrameSource.next} and {@link FrameSource.sequence} in turn.
   */
  fill(queue: QueuePair, budget: number, timePs: number, spacingPs: number): number;
}

/** Several sources in turn. */
export class RoundRobin {
  private readonly sources: FrameSource[] = [];
  private turn = 0;
  private last: FrameSource | null = null;

  get size(): number {
    return this.sources.length;
  }

  /** The source, if there is one and no other. */
  get only(): FrameSource | null {
    return this.sources.length === 1 ? this.sources[0] : null;
  }

  add(source: FrameSource): void {
    this.sources.push(source);
  }

  remove(source: FrameSource): void {
    const at = this.sources.indexOf(source);
    if (at >= 0) this.sources.splice(at, 1);
    this.turn = 0;
  }

  /** @param paused priorities, one bit each, that may not be sent. */
  next(paused = 0): FrameTemplate | null {
    for (let left = this.sources.length; left > 0; left--) {
      if (this.turn >= this.sources.length) this.turn = 0;
      const source = this.sources[this.turn++];
      if (paused !== 0 && ((paused >> (source.priority ?? 0)) & 1) !== 0) continue;
      const template = source.next();
      if (template !== null) {
        this.last = source;
        return template;
      }
    }
    return null;
  }

  sequence(timePs: number): number {
    return (this.last as FrameSource).sequence(timePs);
  }
}
