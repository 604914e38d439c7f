/** Random numbers for a fuzz: fast, and the same for the same seed (xorshift, Marsaglia 2003). */
export class Dice {
  private state: number;

  constructor(seed: number) {
    // Never zero.
    this.state = (seed * 2 + 1) | 0;
    for (let i = 0; i < 8; i++) this.word();
  }

  /** Any 32 bits, signed. */
  word(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x;
  }

  /** 0 .. bound - 1. */
  below(bound: number): number {
    return (this.word() >>> 0) % bound;
  }

  /** Whether something happens that does so once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A value for a register: any, few bits, small, a byte four times, none or all. */
  value(): number {
    switch (this.below(6)) {
      case 0:
        return this.word();
      case 1:
        return 1 << this.below(32);
      case 2:
        return this.below(512);
      case 3:
        return this.below(256) * 0x0101_0101;
      case 4:
        return this.word() & this.word() & this.word();
      default:
        return this.oneIn(2) ? 0 : -1;
    }
  }
}
