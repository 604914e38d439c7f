import type { ProbeKind, ProbeSink } from '../kernel/index.ts';

/** Two sinks in the place of one. */
export class SinkPair implements ProbeSink {
  private readonly first: ProbeSink;
  private readonly second: ProbeSink;

  /** Both see every record, `first` before `second`. */
  constructor(first: ProbeSink, second: ProbeSink) {
    this.first = first;
    this.second = second;
  }

  record(timePs: number, kind: ProbeKind, a: number, b: number, c: number): void {
    this.first.record(timePs, kind, a, b, c);
    this.second.record(timePs, kind, a, b, c);
  }
}
