import { TokenBucket } from './token-bucket.ts';

/** A rate limit that something waits behind. */
export class Gate extends TokenBucket {
  /** Place in the heap; -1 outside. */
  place = -1;
  /** Whether it lets nothing pass: its bucket was in debt when it was looked at last. */
  closed = false;
}

/** Closed gates by the instant at which they open. */
export class GateHeap<G extends Gate> {
  private readonly gates: G[] = [];
  private count = 0;

  /** The gate that opens first, or null. */
  get first(): G | null {
    return this.count > 0 ? this.gates[0] : null;
  }

  /** Adds a gate. */
  add(gate: G): void {
    const last = this.count++;
    if (last === this.gates.length) this.gates.push(gate);
    this.rise(gate, last);
  }

  /** Takes a gate out again; nothing if it is not in. */
  remove(gate: G): void {
    const at = gate.place;
    if (at < 0) return;
    gate.place = -1;
    const last = this.gates[--this.count];
    if (last === gate) return;
    this.sink(last, at);
    this.rise(last, last.place);
  }

  /** The instant at which a gate opens has changed. */
  moved(gate: G): void {
    if (gate.place < 0) return;
    this.sink(gate, gate.place);
    this.rise(gate, gate.place);
  }

  private rise(gate: G, from: number): void {
    const { gates } = this;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = gates[above];
      if (other.readyPs <= gate.readyPs) break;
      gates[at] = other;
      other.place = at;
      at = above;
    }
    gates[at] = gate;
    gate.place = at;
  }

  private sink(gate: G, from: number): void {
    const { gates, count } = this;
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= count) break;
      if (below + 1 < count && gates[below + 1].readyPs < gates[below].readyPs) below++;
      const other = gates[below];
      if (other.readyPs >= gate.readyPs) break;
      gates[at] = other;
      other.place = at;
      at = below;
    }
    gates[at] = gate;
    gate.place = at;
  }
}
