import { MICROSECOND, MILLISECOND, type Scheduler } from '../kernel/index.ts';
import { CAP_PCI_EXPRESS } from './capabilities/ids.ts';
import { PCIE_DEVICE_CONTROL_2 } from './capabilities/pci-express.ts';
import type { PcieFunction } from './function.ts';
import type { Requester } from './requester.ts';
import { ReadOutcome } from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';

/** Completion Timeout Disable of Device Control 2. */
const DISABLE = 1 << 4;
/** No time-out earlier than this is recommended where software has not asked for one (PCIe 3.0 2.8). */
const DEFAULT_PS = 10 * MILLISECOND;
/** The shortest time of each range that Completion Timeout Value can name (7.8.16). */
const SHORTEST_PS: Readonly<Record<number, number>> = {
  1: 50 * MICROSECOND,
  2: MILLISECOND,
  5: 16 * MILLISECOND,
  6: 65 * MILLISECOND,
  9: 260 * MILLISECOND,
  10: 1000 * MILLISECOND,
  13: 4000 * MILLISECOND,
  14: 17_000 * MILLISECOND,
};

/**
 * How long a function waits for completions, by Device Control 2 of itself or of a VF's PF, in ps: the shortest time
 * of the range there, infinity where the time-out is disabled.
 */
export function completionTimeoutPs(fn: PcieFunction): number {
  const owner = fn.physical ?? fn;
  const control = owner.config.read16(owner.findCapability(CAP_PCI_EXPRESS) + PCIE_DEVICE_CONTROL_2);
  if ((control & DISABLE) !== 0) return Number.POSITIVE_INFINITY;
  return SHORTEST_PS[control & 0xf] ?? DEFAULT_PS;
}

/**
 * Reads whose completions do not come. As long as completions come in time nobody looks at a clock: one that is lost says
 * so, and only then is its time-out an event.
 */
export class CompletionTimeouts {
  private readonly scheduler: Scheduler;
  private readonly tlps: TlpPool;
  private readonly requester: Requester;
  private readonly expire: number;
  /** Reads that are waited for: the numbers of their records, and each a number of its own. */
  private readonly waiting: number[] = [];
  private readonly serials: number[] = [];
  private last = 0;

  constructor(name: string, scheduler: Scheduler, tlps: TlpPool, requester: Requester) {
    this.scheduler = scheduler;
    this.tlps = tlps;
    this.requester = requester;
    this.expire = scheduler.task(`${name}.timeout`, (_, serial) => {
      const at = this.serials.indexOf(serial);
      if (at >= 0) this.end(at, ReadOutcome.TIMEOUT);
    });
  }

  /** The completions of a read train are lost; returns in what time, in ps, its requester gives up. */
  lose(tlp: Tlp, fn: PcieFunction): number {
    const delayPs = completionTimeoutPs(fn);
    const serial = ++this.last;
    this.waiting.push(tlp.index);
    this.serials.push(serial);
    if (delayPs < Number.POSITIVE_INFINITY) this.scheduler.schedule(delayPs, this.expire, tlp.index, serial);
    return delayPs;
  }

  /** The device is reset: it waits for nothing any more. */
  abandon(): void {
    while (this.waiting.length > 0) this.end(0, ReadOutcome.LOST);
  }

  private end(at: number, outcome: number): void {
    const tlp = this.tlps.records[this.waiting[at]];
    this.waiting.splice(at, 1);
    this.serials.splice(at, 1);
    tlp.status = outcome;
    this.requester.complete(tlp);
  }
}
