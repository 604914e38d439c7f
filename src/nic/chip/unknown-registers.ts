import { hex } from '../../base/index.ts';

/** Offsets of BAR 0 that software has touched and no register is at, by function; see {@link UnknownRegisters.counters}. */
export class UnknownRegisters {
  private readonly isStrict: boolean;
  private readonly touched = new Map<string, number>();

  /** @param isStrict an access throws instead of being counted. */
  constructor(isStrict: boolean) {
    this.isStrict = isStrict;
  }

  /**
   * Software reads or writes what is not there.
   *
   * @param fn name of the function, as `pf` or `vf3`.
   * @throws RangeError that names function and offset, if accesses are to be strict.
   */
  note(fn: string, offset: number, access: 'reads' | 'writes'): void {
    const place = `${fn}.0x${hex(offset, 5)}`;
    if (this.isStrict) throw new RangeError(`${place}: software ${access} a register that is not known`);
    const key = `${place}.${access}`;
    this.touched.set(key, (this.touched.get(key) ?? 0) + 1);
  }

  reset(): void {
    this.touched.clear();
  }

  /** How often each was touched, as `pf.0x05fa0.reads`. */
  counters(): Record<string, number> {
    return Object.fromEntries(this.touched);
  }
}
