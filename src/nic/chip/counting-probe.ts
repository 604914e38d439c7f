import { Probe, type ProbeKind } from '../../kernel/index.ts';

/** Who counts what happens in a card. */
export interface FrameCounter {
  /** The operands are those of {@link ProbeKind}. */
  count(kind: ProbeKind, a: number, b: number, c: number): void;
}

/** The probe of a card that counts for itself: what it records is counted, and handed on to the probe of all. */
export class CountingProbe extends Probe {
  counter: FrameCounter | null = null;
  private readonly outer: Probe;

  constructor(outer: Probe) {
    super({ now: 0 });
    this.outer = outer;
  }

  override record(kind: ProbeKind, a: number, b: number, c: number): void {
    this.counter?.count(kind, a, b, c);
    this.outer.record(kind, a, b, c);
  }
}
