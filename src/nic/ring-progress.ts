/**
 * How far the card has come in the ring of each queue, as the ring's software sees it: the index behind the last descriptor whose
 * frame the card has taken, or given to it. The engine's own registers start again at 0 when a ring fails or is disabled; what
 * lies in the ring by then still lies there.
 */
export class RingProgress {
  readonly index: Int32Array;
  private readonly size: Int32Array;

  /** @param size descriptors in each ring. */
  constructor(size: Int32Array) {
    this.index = new Int32Array(size.length);
    this.size = size;
  }

  /** The frame of descriptor `index` is done with. */
  done(queue: number, index: number): void {
    const next = index + 1;
    this.index[queue] = next === this.size[queue] ? 0 : next;
  }

  /** The frame of the descriptor behind the last one is done with. */
  nextDone(queue: number): void {
    this.done(queue, this.index[queue]);
  }

  /** The ring begins anew. */
  start(queue: number): void {
    this.index[queue] = 0;
  }
}
