/** Something that has its turn in a {@link WeightedRound}. In one at most. */
export class RoundEntry {
  before: RoundEntry = this;
  after: RoundEntry = this;
  /** Whether it is in the round. */
  inRound = false;
  /** Bytes that it is given each round. */
  quantum = Number.NaN;
  /** Bytes that it may still send; below zero when its last frame was longer than what was left. */
  credit = Number.NaN;
  /** The round up to which `credit` has been filled. */
  filled = 0;
}

/**
 * Takes turns among those that have something to send, a frame each. Weighted, an entry goes on while it has
 * credit; when nobody has any left, all get their quantum again (deficit round robin, where a frame may
 * overdraw). What an entry does not use it keeps, up to two quanta. That is the VM arbiter of the 82599
 * family (X550 data sheet, section 7.6.2.3).
 *
 * Quanta may be as small as one likes, also below a frame: an entry is passed over until its quanta make up for
 * what it has sent. Small ones make short rounds, so that shares hold over short times too. With a `leastMean` a
 * frame costs a constant number of steps however small they are: so many rounds are begun at once that those who
 * wait get this much on average.
 */
export class WeightedRound {
  /** Whether credits count: else it is plain round robin, frame by frame. */
  weighted = false;
  /** Heads of two circular lists: who has credit, and who has none in this round. */
  private current = new RoundEntry();
  private spent = new RoundEntry();
  private round = 0;
  private readonly leastMean: number;

  /** @param leastMean what all rounds that are begun at once give to those in them on average, at least. */
  constructor(leastMean = 0) {
    this.leastMean = leastMean;
  }

  /** Whether nobody has anything to send. */
  get empty(): boolean {
    return this.current.after === this.current && this.spent.after === this.spent;
  }

  /** `entry` has something to send, which it had not. */
  enter(entry: RoundEntry): void {
    entry.inRound = true;
    this.append(entry);
  }

  /** `entry` has nothing to send any more, or may not. */
  leave(entry: RoundEntry): void {
    entry.inRound = false;
    unlink(entry);
  }

  /** Whose turn it is; only for a round that is not empty. Asking again changes nothing. */
  first(): RoundEntry {
    for (;;) {
      const first = this.current.after;
      if (first === this.current) this.nextRound();
      else {
        this.fill(first);
        if (!this.weighted || first.credit > 0) return first;
        unlink(first);
        insertBefore(this.spent, first);
      }
    }
  }

  /** `entry` has sent a frame: its next turn is behind the others'. */
  charge(entry: RoundEntry, bytes: number): void {
    if (this.weighted) {
      this.fill(entry);
      entry.credit -= bytes;
    }
    if (!entry.inRound) return;
    unlink(entry);
    this.append(entry);
  }

  /** Gives `entry` a quantum, above 0, and all of it at once. */
  setQuantum(entry: RoundEntry, bytes: number): void {
    entry.quantum = entry.credit = bytes;
    entry.filled = this.round;
    if (!entry.inRound) return;
    unlink(entry);
    this.append(entry);
  }

  private append(entry: RoundEntry): void {
    if (this.weighted) this.fill(entry);
    insertBefore(!this.weighted || entry.credit > 0 ? this.current : this.spent, entry);
  }

  /** All get their quantum; or as many as it takes until one of them has credit, and a step is worth its cost. */
  private nextRound(): void {
    const { current } = this;
    this.current = this.spent;
    this.spent = current;
    const head = this.current;
    let rounds = Number.POSITIVE_INFINITY;
    let quanta = 0;
    let least = 0;
    for (let each = head.after; each !== head; each = each.after) {
      rounds = Math.min(rounds, roundsUntilCredit(each));
      quanta += each.quantum;
      least += this.leastMean;
    }
    if (rounds * quanta < least) {
      rounds = Math.ceil(least / quanta);
      // Who waits keeps all of it, beyond two quanta.
      for (let each = head.after; each !== head; each = each.after) {
        each.credit += rounds * each.quantum;
        each.filled += rounds;
      }
    }
    this.round += rounds;
  }

  private fill(entry: RoundEntry): void {
    const rounds = this.round - entry.filled;
    if (rounds === 0) return;
    entry.filled = this.round;
    const credit = entry.credit + rounds * entry.quantum;
    const most = 2 * entry.quantum;
    entry.credit = credit < most ? credit : most;
  }
}

/** For an entry that has been filled in this round. */
function roundsUntilCredit({ credit, quantum }: RoundEntry): number {
  return Math.floor(-credit / quantum) + 1;
}

function insertBefore(place: RoundEntry, entry: RoundEntry): void {
  entry.before = place.before;
  entry.after = place;
  place.before.after = entry;
  place.before = entry;
}

function unlink(entry: RoundEntry): void {
  entry.before.after = entry.after;
  entry.after.before = entry.before;
}
