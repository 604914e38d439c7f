import type { WalkClock } from '../walk-unit.ts';

/**
 * Takes invalidations to the translation caches of devices (ATS).
 *
 * Each is answered by `VtdUnit.deviceTlbAnswered` with its tag, at once or later.
 */
export interface DeviceTlbs {
  /**
   * @param sourceId Routing ID of the function.
   * @param address first byte of the range, @param bytes its length, a power of two.
   * @param tag what the answer has to give back.
   */
  invalidate(sourceId: number, address: number, bytes: number, tag: number): void;
}

/** The device-TLB invalidations that were not answered. */
export class OutstandingInvalidations {
  /** Number of the next one. */
  next = 0;
  private readonly devices: DeviceTlbs | null;
  private readonly isSupported: boolean;
  private readonly clock: WalkClock | null;
  private readonly timeoutPs: number;
  private readonly task: number;
  /** Functions that have not answered, by number of the invalidation. */
  private readonly open = new Map<number, number>();

  /**
   * @param isSupported DT.
   * @param timedOut called when one was not answered in time.
   */
  constructor(
    devices: DeviceTlbs | null,
    isSupported: boolean,
    clock: WalkClock | null,
    name: string,
    timeoutPs: number,
    timedOut: (sourceId: number) => void,
  ) {
    this.devices = devices;
    this.isSupported = isSupported;
    this.clock = clock;
    this.timeoutPs = timeoutPs;
    this.task =
      clock === null
        ? -1
        : clock.task(name, (tag) => {
            const sourceId = this.open.get(tag);
            if (sourceId === undefined) return;
            this.open.delete(tag);
            timedOut(sourceId);
          });
  }

  /** Sends one; false if there are no device TLBs. */
  begin(sourceId: number, address: number, bytes: number): boolean {
    if (!this.isSupported) return false;
    const tag = this.next;
    this.next = tag + 1;
    if (this.devices === null) return true;
    this.open.set(tag, sourceId);
    if (this.clock !== null) this.clock.schedule(this.timeoutPs, this.task, tag, 0);
    this.devices.invalidate(sourceId, address, bytes, tag);
    return true;
  }

  /** Whether one with a number below `end` is not answered. */
  isOpenBefore(end: number): boolean {
    // The keys are in the order in which they were put in.
    for (const oldest of this.open.keys()) return oldest < end;
    return false;
  }

  /** Takes an answer; false if that function owes none with this tag. */
  answer(sourceId: number, tag: number): boolean {
    return this.open.get(tag) === sourceId && this.open.delete(tag);
  }

  /** Nobody waits for an answer any more. */
  clear(): void {
    this.open.clear();
  }
}
