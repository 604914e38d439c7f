import { type CompletionCut, CompletionTrain } from '../pcie/index.ts';

/** What is known of when the bytes of a frame come from host memory: the trains that have left for the card. */
export class FrameArrival {
  private readonly cut: CompletionCut;
  /** Records of trains; the first `count` are this frame's. */
  private readonly trains: CompletionTrain[] = [];
  private count = 0;

  constructor(cut: CompletionCut) {
    this.cut = cut;
  }

  /** Nothing is known any more: the slot has another frame. */
  clear(): void {
    this.count = 0;
  }

  /** A record for one more train. */
  add(): CompletionTrain {
    if (this.count === this.trains.length) this.trains.push(new CompletionTrain(this.cut));
    return this.trains[this.count++];
  }

  /** The train that brings byte `at`, or null while none is on its way. */
  trainOf(at: number): CompletionTrain | null {
    for (let i = 0; i < this.count; i++) {
      const train = this.trains[i];
      if (train.start <= at && at < train.end) return train;
    }
    return null;
  }

  /** When the first `bytes` bytes are all there, in ps; Infinity while some are not on their way. */
  thereAt(bytes: number): number {
    let there = 0;
    for (let at = 0; at < bytes; ) {
      const train = this.trainOf(at);
      if (train === null) return Number.POSITIVE_INFINITY;
      at = Math.min(bytes, train.end);
      there = Math.max(there, train.arrivalOf(at - 1));
    }
    return there;
  }
}
