import type { RegisterFile } from '../../registers/index.ts';
import type { WalkClock } from '../walk-unit.ts';
import { CAIG_SHIFT, CIRG_SHIFT, IAIG_SHIFT, ICC, IIRG_SHIFT, IVT, pageOf, QIE } from './bits.ts';
import { Delayed } from './delayed.ts';
import type { Invalidator } from './invalidator.ts';

const IVA_MASK_BITS = 0x3f;
const IVA_HINT = 1 << 6;

/**
 * Invalidation by registers (VT-d 6.5.1): CCMD, IVA and IOTLB_REG. ICC and IVT stay set while it goes on; when they are
 * clear, CAIG and IAIG say what was invalidated, and nothing if the request was not understood, or if invalidations
 * are queued, which excludes this way.
 */
export class RegisterInvalidation {
  done = 0;
  ignored = 0;
  private readonly file: RegisterFile;
  private readonly invalidator: Invalidator;
  private readonly contextDelay: Delayed;
  private readonly iotlbDelay: Delayed;
  private readonly status: number;
  private readonly contextLow: number;
  private readonly context: number;
  private readonly iotlb: number;
  /** IVA, which cannot be read. */
  private addressLow = 0;
  private addressHigh = 0;
  /** What was asked for when ICC was set: domain and function. */
  private contextRequest = 0;
  /** And when IVT was set. */
  private requestLow = 0;
  private requestHigh = 0;

  constructor(
    file: RegisterFile,
    invalidator: Invalidator,
    clock: WalkClock | null,
    name: string,
    commandPs: number,
  ) {
    this.file = file;
    this.invalidator = invalidator;
    this.status = file.slot('GSTS_REG');
    this.contextLow = file.slot('CCMD_REG');
    this.context = file.slot('CCMD_REG_HI');
    this.iotlb = file.slot('IOTLB_REG_HI');
    this.contextDelay = new Delayed(clock, `${name}.context`, commandPs, () => this.invalidateContexts());
    this.iotlbDelay = new Delayed(clock, `${name}.iotlb`, commandPs, () => this.invalidateTranslations());
    file.onWrite('IVA_REG', (_, __, written) => {
      this.addressLow = written;
    });
    file.onWrite('IVA_REG_HI', (_, __, written) => {
      this.addressHigh = written;
    });
    file.onWrite('CCMD_REG_HI', (_, __, written, before) => {
      if (this.isTaken(this.context, written, before, ICC, CAIG_SHIFT)) {
        this.contextRequest = file.values[this.contextLow];
        this.contextDelay.start();
      }
    });
    file.onWrite('IOTLB_REG_HI', (_, __, written, before) => {
      if (this.isTaken(this.iotlb, written, before, IVT, IAIG_SHIFT)) {
        this.requestLow = this.addressLow;
        this.requestHigh = this.addressHigh;
        this.iotlbDelay.start();
      }
    });
  }

  /** As after power-on. */
  reset(): void {
    this.contextDelay.cancel();
    this.iotlbDelay.cancel();
    this.done = 0;
    this.ignored = 0;
    this.addressLow = 0;
    this.addressHigh = 0;
  }

  /** Whether a write of a command register begins an invalidation; its granularity is open from then on. */
  private isTaken(
    slot: number,
    written: number,
    before: number,
    begin: number,
    actualShift: number,
  ): boolean {
    const { values } = this.file;
    if ((before & begin) !== 0) {
      // One is under way: software has to wait for it.
      values[slot] = before;
      this.ignored++;
      return false;
    }
    if ((written & begin) === 0) return false;
    values[slot] &= ~(3 << actualShift);
    if ((values[this.status] & QIE) === 0) return true;
    values[slot] &= ~begin;
    this.ignored++;
    return false;
  }

  private invalidateContexts(): void {
    const value = this.file.values[this.context];
    const request = this.contextRequest;
    const granularity = (value >>> CIRG_SHIFT) & 3;
    const actual = this.invalidator.contexts(granularity, request & 0xffff, request >>> 16, value & 3);
    this.finish(this.context, ICC, actual << CAIG_SHIFT);
  }

  private invalidateTranslations(): void {
    const value = this.file.values[this.iotlb];
    const low = this.requestLow;
    const actual = this.invalidator.translations(
      (value >>> IIRG_SHIFT) & 3,
      value & 0xffff,
      pageOf(low, this.requestHigh),
      low & IVA_MASK_BITS,
      (low & IVA_HINT) !== 0,
    );
    this.finish(this.iotlb, IVT, actual << IAIG_SHIFT);
  }

  private finish(slot: number, begin: number, actual: number): void {
    const { values } = this.file;
    values[slot] = (values[slot] & ~begin) | actual;
    if (actual === 0) this.ignored++;
    else this.done++;
  }
}
