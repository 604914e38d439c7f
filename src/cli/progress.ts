import type { Io } from './io.ts';
import { fixed, percent } from './numbers.ts';
import type { ProgressListener } from './run-simulation.ts';

/** A run that is over by then needs no progress. */
const PATIENCE_MS = 500;
const INTERVAL_MS = 200;
const PS_PER_MS = 1e9;
const CLEAR_LINE = '\r\u001b[K';

/** One line on a terminal that says how far a run is. */
export class ProgressLine {
  private readonly io: Io;
  private shownAt = 0;

  constructor(io: Io) {
    this.io = io;
  }

  readonly listener: ProgressListener = ({ startPs, nowPs, endPs }, wallMs) => {
    if (!this.io.stderrIsTerminal || wallMs < PATIENCE_MS || wallMs < this.shownAt + INTERVAL_MS) return;
    this.shownAt = wallMs;
    const share = Math.max(0, nowPs - startPs) / (endPs - startPs);
    const doneMs = fixed((nowPs - startPs) / PS_PER_MS, 3);
    const totalMs = fixed((endPs - startPs) / PS_PER_MS, 3);
    const left = share > 0.01 ? `, ${fixed((wallMs / 1000) * (1 / share - 1), 0)} s left` : '';
    this.io.stderr(`${CLEAR_LINE}${percent(share, 0)}: ${doneMs} of ${totalMs} ms simulated${left}`);
  };

  /** Takes the line away. */
  clear(): void {
    if (this.shownAt > 0) this.io.stderr(CLEAR_LINE);
  }
}
