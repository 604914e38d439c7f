import type { EgressClass } from './egress-nodes.ts';

/**
 * Which class is next: by strict priority, by credits, or frame by frame in turn. Classes are bits of a word;
 * the higher the number, the higher the priority.
 */
export class ClassArbiter {
  /** False: one frame of each class in its turn. */
  weighted = true;
  /** Whether strict classes go before all others, or only before those of lower number. */
  strictFirst = true;
  private readonly classes: readonly EgressClass[];
  /** Classes that need no credit. */
  private strict = 0;
  /** Classes that get credit, and those that have some. */
  private refilled = 0;
  private credited = 0;
  private last = 0;

  /** All are strict, at first. */
  constructor(classes: readonly EgressClass[]) {
    this.classes = classes;
    for (const { bit } of classes) this.strict |= bit;
  }

  setStrict(trafficClass: EgressClass): void {
    this.strict |= trafficClass.bit;
    this.refilled &= ~trafficClass.bit;
    this.credited &= ~trafficClass.bit;
  }

  /** @param quantum 0 for a class that gets nothing, and so never has its turn. */
  setQuantum(trafficClass: EgressClass, quantum: number, maxCredit: number): void {
    const { bit } = trafficClass;
    this.strict &= ~bit;
    trafficClass.quantum = trafficClass.credit = quantum;
    trafficClass.maxCredit = maxCredit;
    this.refilled = quantum > 0 ? this.refilled | bit : this.refilled & ~bit;
    this.noteCredit(trafficClass);
  }

  /** Those of `classes` that can have a turn at all. */
  eligible(classes: number): number {
    return this.weighted ? classes & (this.strict | this.refilled) : classes;
  }

  /** The next of `classes`, which is not empty and all eligible; asking again gives the same answer. */
  pick(classes: number): EgressClass {
    if (!this.weighted) {
      const after = classes & ((1 << this.last) - 1);
      return this.highest(after !== 0 ? after : classes);
    }
    const strict = classes & this.strict;
    if (strict !== 0 && this.strictFirst) return this.highest(strict);
    if ((classes & (this.strict | this.credited)) === 0) this.refill(classes);
    return this.highest(classes & (this.strict | this.credited));
  }

  /** A class has sent a frame. */
  charge(trafficClass: EgressClass, bytes: number): void {
    this.last = trafficClass.gate.index;
    if ((this.refilled & trafficClass.bit) === 0) return;
    trafficClass.credit -= bytes;
    this.noteCredit(trafficClass);
  }

  /** As many refills of all as it takes until one of `classes` has credit. */
  private refill(classes: number): void {
    let rounds = Number.POSITIVE_INFINITY;
    for (const { bit, credit, quantum } of this.classes) {
      if ((classes & bit) !== 0) rounds = Math.min(rounds, Math.floor(-credit / quantum) + 1);
    }
    for (const each of this.classes) {
      if ((this.refilled & each.bit) === 0) continue;
      each.credit = Math.min(each.credit + rounds * each.quantum, each.maxCredit);
      this.noteCredit(each);
    }
  }

  private noteCredit({ bit, credit }: EgressClass): void {
    this.credited = credit > 0 && (this.refilled & bit) !== 0 ? this.credited | bit : this.credited & ~bit;
  }

  private highest(classes: number): EgressClass {
    return this.classes[31 - Math.clz32(classes)];
  }
}
