import { checkInteger, checkKeys } from '../base/index.ts';
import type { Endpoint } from './endpoint.ts';
import type { PcieFunction, ResetCause } from './function.ts';

/** How long functions are busy, in ps each; what is left out takes no time. */
export interface ReadinessTimes {
  /** From VF Enable until the VFs answer. Software waits 100 ms, and may then get retries for up to 1 s (SR-IOV 1.1 3.3.3.1). */
  readonly vfEnablePs?: number;
  /** From a Function Level Reset until the function answers. Software waits 100 ms (PCIe 3.0 6.6.2). */
  readonly flrPs?: number;
  /** From D3hot to D0, if that resets the function. Software waits 10 ms (PCI-PM 1.2 5.6.1). */
  readonly d3hotPs?: number;
  /** From a conventional reset. Software waits 100 ms, and may then get retries for up to 1 s (PCIe 3.0 6.6.1). */
  readonly resetPs?: number;
}

const TIMES: Readonly<Record<keyof ReadinessTimes, true>> = {
  vfEnablePs: true,
  flrPs: true,
  d3hotPs: true,
  resetPs: true,
};

/**
 * Functions that need time after a reset, and VFs that need it after VF Enable: until then they answer configuration requests
 * with Configuration Request Retry Status (PCIe 3.0 2.3.1), and keep the registers that such a request would write as
 * they are. Without one of these an endpoint answers at once.
 *
 * @example
 * new Readiness(endpoint, scheduler, { vfEnablePs: 150 * MILLISECOND, flrPs: 20 * MILLISECOND });
 */
export class Readiness {
  private readonly clock: { readonly now: number };
  private readonly times: ReadinessTimes;
  /** By {@link keyOf}: until when a function is busy. */
  private readonly until = new Map<number, number>();

  /**
   * @param clock whose `now` is the time in ps, as a scheduler's.
   * @throws TypeError or RangeError for a time that there is not, or that is no whole number of ps from 0 up.
   */
  constructor(endpoint: Endpoint, clock: { readonly now: number }, times: ReadinessTimes) {
    this.clock = clock;
    this.times = checkTimes(times);
    endpoint.readiness = this;
    for (const { events } of endpoint.functions) {
      events.on('reset', (fn, cause) => this.begin(keyOf(fn), this.after(cause)));
      events.on('vfsEnabled', (pf) => this.begin(keyOfVfs(pf), times.vfEnablePs));
    }
  }

  /** Whether a function answers now. */
  isReady(fn: PcieFunction): boolean {
    if (this.until.size === 0) return true;
    return this.isOver(keyOf(fn)) && (fn.physical === null || this.isOver(keyOfVfs(fn.physical)));
  }

  private after(cause: ResetCause): number | undefined {
    if (cause === 'flr') return this.times.flrPs;
    return cause === 'd3hot' ? this.times.d3hotPs : this.times.resetPs;
  }

  private begin(key: number, ps = 0): void {
    if (ps > 0) this.until.set(key, this.clock.now + ps);
  }

  private isOver(key: number): boolean {
    const until = this.until.get(key);
    if (until === undefined) return true;
    if (until > this.clock.now) return false;
    this.until.delete(key);
    return true;
  }
}

/** Makes the {@link Readiness} of an endpoint that is not there yet: for the profile of a card. */
export type MakeReadiness = (endpoint: Endpoint, clock: { readonly now: number }) => Readiness;

/**
 * Times of a card, for its profile.
 *
 * @throws TypeError or RangeError as {@link Readiness}.
 * @example
 * createMachine({ nic: { ...profiles.nic.intel82599, readiness: readiness({ vfEnablePs: 150e9 }) } });
 */
export function readiness(times: ReadinessTimes): MakeReadiness {
  checkTimes(times);
  return (endpoint, clock) => new Readiness(endpoint, clock, times);
}

function checkTimes(times: ReadinessTimes): ReadinessTimes {
  checkKeys<ReadinessTimes>('times', times, TIMES);
  for (const [name, ps] of Object.entries(times)) {
    if (ps !== undefined) checkInteger(name, ps, 0, Number.MAX_SAFE_INTEGER);
  }
  return times;
}

/** Of all VFs of a PF. */
function keyOfVfs(pf: PcieFunction): number {
  return pf.context.number * 2 ** 17 + 2 ** 16;
}

/** Of one function: VFs are told apart by their index, and from their PF. */
function keyOf(fn: PcieFunction): number {
  return fn.context.number * 2 ** 17 + (fn.isVirtual ? 1 + fn.vfIndex : 0);
}
