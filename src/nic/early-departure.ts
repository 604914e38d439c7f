import type { FramePool } from '../base/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import { FCS_BYTES, PREAMBLE_BYTES } from '../wire/index.ts';
import type { FrameArrival } from './frame-arrival.ts';

/** The MAC as {@link EarlyDeparture} needs it. */
export interface EarlyMac {
  /** Time that `bytes` take on the wire, in ps. */
  durationPs(bytes: number): number;
  /** A frame begun at `startPs` leaves whole, with `bytes` bytes behind the preamble. */
  departs(entry: number, startPs: number, bytes: number): void;
  /** The same for one that ends after `bytes` bytes, with a wrong frame check sequence. */
  breaksOff(entry: number, startPs: number, bytes: number): void;
}

/** Who knows more about frames that leave early. */
export interface EarlyFrames {
  /** Whether a read of the frame has failed: what is not on its way by now never comes. */
  isFailed(slot: number): boolean;
  /** It is known what becomes of the frame that the MAC has begun. */
  settled(slot: number): void;
}

/** No frame. */
const NONE = -1;

/**
 * A frame that the MAC has begun before it was whole. Byte `k` of it leaves `PREAMBLE_BYTES + k` byte times
 * after its start, and has to be there by then: with its completion, of which nobody sees a part. The first
 * that is not is where the frame breaks off.
 *
 * As long as everything up to the end is on its way this is known at once. Else it is looked at again when the
 * wire comes to the first byte that is not.
 */
export class EarlyDeparture {
  private readonly scheduler: Scheduler;
  private readonly frames: FramePool;
  private readonly mac: EarlyMac;
  private readonly arrivals: readonly FrameArrival[];
  private readonly owner: EarlyFrames;
  private readonly due: number;

  private slot = NONE;
  private entry = 0;
  private startPs = Number.NaN;
  private bytes = 0;
  /** By how much the tags that are put in or taken out move all behind them. */
  private shift = 0;
  /** Bytes of the frame that are known to be in time. */
  private inTime = 0;

  constructor(
    name: string,
    scheduler: Scheduler,
    frames: FramePool,
    mac: EarlyMac,
    arrivals: readonly FrameArrival[],
    owner: EarlyFrames,
  ) {
    this.scheduler = scheduler;
    this.frames = frames;
    this.mac = mac;
    this.arrivals = arrivals;
    this.owner = owner;
    this.due = scheduler.task(name, () => this.look());
  }

  /** Whether the frame in a slot is the one that is being sent, and it is not known yet what becomes of it. */
  isUnderWay(slot: number): boolean {
    return this.slot === slot;
  }

  /** The MAC begins with a frame at `startPs`, whose tags are there; it takes `bytes` bytes behind the preamble. */
  begin(entry: number, slot: number, startPs: number, bytes: number): void {
    this.entry = entry;
    this.slot = slot;
    this.startPs = startPs;
    this.bytes = bytes;
    this.shift = bytes - FCS_BYTES - this.frames.lengths[slot];
    this.inTime = 0;
    this.look();
  }

  private look(): void {
    const { slot, scheduler } = this;
    const arrival = this.arrivals[slot];
    const bytes = this.frames.lengths[slot];
    let at = this.inTime;
    while (at < bytes) {
      const neededPs = this.neededPs(at);
      const train = arrival.trainOf(at);
      if (train === null && neededPs > scheduler.now && !this.owner.isFailed(slot)) {
        this.inTime = at;
        scheduler.schedule(neededPs - scheduler.now, this.due, 0, 0);
        return;
      }
      if (train === null || train.arrivalOf(at) > neededPs) {
        this.breakOff(at);
        return;
      }
      at = train.endOf(at);
    }
    const { entry, startPs } = this;
    this.slot = NONE;
    this.owner.settled(slot);
    this.mac.departs(entry, startPs, this.bytes);
  }

  private breakOff(at: number): void {
    const { slot, entry, startPs, shift } = this;
    this.slot = NONE;
    this.owner.settled(slot);
    this.mac.breaksOff(entry, startPs, at + shift + FCS_BYTES);
  }

  /** When the wire comes to byte `at`, in ps. The first of a frame are where they are, whatever its tags. */
  private neededPs(at: number): number {
    const before = at === 0 ? 0 : at + this.shift;
    return this.startPs + this.mac.durationPs(PREAMBLE_BYTES + before);
  }
}
