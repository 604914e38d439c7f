import { type FrameRate, FrameRateLimit, type SwitchClock } from './frame-rate-limit.ts';

/**
 * What a storm is made of: frames to all, to groups, and to single addresses that no filter names. The switch
 * does not learn what is beyond the wire, so that a VPort's frames to stations there are unknown as well.
 */
export type StormKind = 'broadcast' | 'multicast' | 'unknownUnicast';

/** What storm limits tell apart. */
export const STORM_KINDS: readonly StormKind[] = ['broadcast', 'multicast', 'unknownUnicast'];
/** Index into {@link STORM_KINDS}. */
export const BROADCAST_STORM = 0;
export const MULTICAST_STORM = 1;
export const UNKNOWN_UNICAST_STORM = 2;

const KINDS = STORM_KINDS.length;

/** The storm limits of all ports, for what comes in there. */
export class StormControl {
  /** How many limits there are at all. */
  count = 0;
  private readonly clock: SwitchClock | null;
  private readonly limits: (FrameRateLimit | null)[];

  constructor(ports: number, clock: SwitchClock | null) {
    this.clock = clock;
    this.limits = new Array<FrameRateLimit | null>(ports * KINDS).fill(null);
  }

  /** Sets a limit, or takes it away. The same limit once more is no change: the bucket goes on as it is. */
  set(port: number, kind: StormKind, rate: FrameRate | null): void {
    const at = port * KINDS + STORM_KINDS.indexOf(kind);
    const before = this.limits[at];
    if (rate !== null && before?.isFor(rate)) return;
    this.limits[at] = rate === null ? null : this.bucket(kind, rate);
    this.count += (rate === null ? 0 : 1) - (before === null ? 0 : 1);
  }

  isLimited(port: number, kind: number): boolean {
    return this.limits[port * KINDS + kind] !== null;
  }

  /** Whether a frame of this kind that comes in at `port` now is one too many. */
  exceeds(port: number, kind: number): boolean {
    const limit = this.limits[port * KINDS + kind];
    return limit !== null && !limit.take((this.clock as SwitchClock).now);
  }

  clear(): void {
    this.limits.fill(null);
    this.count = 0;
  }

  private bucket(kind: StormKind, rate: FrameRate): FrameRateLimit {
    if (this.clock === null) throw new TypeError('a storm limit needs a clock: give the switch one');
    return new FrameRateLimit(kind, rate, this.clock.now);
  }
}
