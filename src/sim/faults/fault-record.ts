import type { FaultReport } from '../report.ts';
import type { FaultKind } from '../scenario-types.ts';

/** A fault that has struck, and what has come of it so far. */
export class FaultRecord {
  readonly kind: FaultKind;
  /** When, in ps from power-on. */
  readonly atPs: number;
  /** Name of what it met, or null. */
  readonly target: string | null;
  /** What has come of it, in order. */
  readonly notes: string[] = [];
  /** Routing ID of the function whose request it met, or -1. */
  routingId = -1;
  /** How that was signed. */
  client = 0;
  cookie = 0;
  /** Whether a later event will tell more. */
  isOpen = false;
  /** Counts at its instant, of which its effect knows the meaning. */
  before: readonly number[] = [];

  constructor(kind: FaultKind, atPs: number, target: string | null) {
    this.kind = kind;
    this.atPs = atPs;
    this.target = target;
  }

  /** As the report has it; `more` is what can be told at the present. */
  report(more: readonly string[]): FaultReport {
    return {
      atNs: this.atPs / 1000,
      kind: this.kind,
      ...(this.target === null ? {} : { target: this.target }),
      consequence: [...this.notes, ...more].join('; '),
    };
  }
}
