import { naturalLog, type RandomStream } from '../../base/index.ts';
import type { ResolvedFault } from '../scenario-resolved.ts';

/** A fault that waits for its time, or its trials: whether it strikes at one of them. */
export class ArmedFault {
  readonly fault: ResolvedFault;
  /** Whether trials count: its time, or the begin of its span, has come. */
  isActive = false;
  /** Trials that it passes before the next one that it strikes at. */
  private left = 0;
  private readonly random: RandomStream;

  /** @param random a stream of its own. */
  constructor(fault: ResolvedFault, random: RandomStream) {
    this.fault = fault;
    this.random = random;
  }

  /** Its trials begin. */
  begin(): void {
    this.isActive = true;
    if (this.fault.atPs === null) this.left = this.drawGap();
  }

  /** One trial; whether it strikes. One at a time strikes at the first and is done. */
  strikes(): boolean {
    if (!this.isActive) return false;
    if (this.fault.atPs !== null) {
      this.isActive = false;
      return true;
    }
    if (this.left > 0) {
      this.left--;
      return false;
    }
    this.left = this.drawGap();
    return true;
  }

  /**
   * A packet of `bytes` leaves: in which of them the first wrong bit is, -1 for none. With a bit error rate each bit is a
   * trial; else each TLP is, and it is hit in its middle.
   */
  hits(bytes: number, bitsPerByte: number, isTlp: boolean): number {
    if (!this.isActive) return -1;
    if (this.fault.bitErrorRate === 0) return isTlp && this.strikes() ? bytes >> 1 : -1;
    const bits = bytes * bitsPerByte;
    const at = this.left < bits ? Math.floor(this.left / bitsPerByte) : -1;
    while (this.left < bits) this.left += this.drawGap() + 1;
    this.left -= bits;
    return at;
  }

  /** Trials until it strikes, geometrically distributed: one random number a stroke instead of one a trial. */
  drawGap(): number {
    const probability = this.fault.probability || this.fault.bitErrorRate;
    if (probability >= 1) return 0;
    const uniform = (this.random.uint32() + 1) / 2 ** 32;
    return Math.floor(naturalLog(uniform) / naturalLog(1 - probability));
  }
}
