import { type Scheduler, Timer } from '../kernel/index.ts';
import type { FlowClass } from './tlp.ts';

/** Replays without progress until the link is retrained: REPLAY_NUM has two bits (PCI Express Base 3.6.2.1). */
const REPLAYS = 4;
/** TLPs without an Ack: fewer than sequence numbers of twelve bits can tell from those before by a train (3.6.2.1). */
const MOST_TLPS = 2048 - 128;

/** A train that has left and has no Ack yet. */
export interface ReplayEntry {
  /** Of its record, which is another train's once this one has been delivered. */
  readonly index: number;
  readonly flowClass: FlowClass;
  /** Whether it is one of read requests, which is delivered with its first TLP. */
  readonly isRead: boolean;
  /** Of its first TLP, not cut to twelve bits. */
  readonly sequence: number;
  readonly count: number;
  /** Of each TLP, on the link; of TLPs that differ, the mean. */
  readonly bytes: number;
  /** Whether the receiver has taken all of it, or will have. */
  delivered: boolean;
}

/** Why the buffer is sent again. */
export type ReplayCause = 'Nak' | 'REPLAY_TIMER';

/** Who sends what {@link ReplayBuffer} says. */
export interface Replayer {
  /** All that has no Ack is to be sent again, `tlps` of them, after the link has been retrained or at once. */
  replay(cause: ReplayCause, tlps: number, isRetrained: boolean): void;
}

/**
 * The transmitter's half of Ack and Nak: what has left stays here until it is acknowledged, and is sent again when a Nak
 * comes or REPLAY_TIMER expires (PCI Express Base 3.6.2.1).
 */
export class ReplayBuffer {
  /** Times that REPLAY_TIMER has expired. */
  timeouts = 0;
  /** Trains without an Ack, oldest first. */
  entries: ReplayEntry[] = [];
  /** Sequence number of the last TLP that is acknowledged, not cut to twelve bits. */
  acked: number;
  private last: number;
  private replayNumber = 0;
  private readonly replayer: Replayer;
  private readonly timer: Timer;
  private readonly limitPs: () => number;

  /** @param next sequence number of the next TLP. @param limitPs REPLAY_TIMER limit. */
  constructor(name: string, scheduler: Scheduler, replayer: Replayer, next: number, limitPs: () => number) {
    this.limitPs = limitPs;
    this.replayer = replayer;
    this.acked = this.last = next - 1;
    this.timer = new Timer(scheduler, `${name}.replayTimer`, () => this.expired());
  }

  /** Whether no TLP may leave until an Ack comes. */
  get isFull(): boolean {
    return this.last - this.acked >= MOST_TLPS;
  }

  /** A train leaves; `endPs` is when the last symbol of its first TLP does, from which the timer runs. */
  add(entry: ReplayEntry, endPs: number): void {
    this.entries.push(entry);
    this.last = entry.sequence + entry.count - 1;
    if (!this.timer.pending) this.timer.scheduleAt(endPs + this.limitPs());
  }

  /** What is sent again begins to leave; `endPs` is the end of its first TLP. */
  again(endPs: number): void {
    this.timer.cancel();
    this.timer.scheduleAt(endPs + this.limitPs());
  }

  /** An Ack or a Nak has come: all up to `sequence` is there. */
  acknowledge(sequence: number, isNak: boolean): void {
    const { entries, timer } = this;
    if (sequence > this.acked) {
      this.acked = sequence;
      let done = 0;
      while (done < entries.length && entries[done].sequence + entries[done].count - 1 <= sequence) done++;
      if (done > 0) entries.splice(0, done);
      this.replayNumber = 0;
      timer.cancel();
      if (entries.length > 0) timer.schedule(this.limitPs());
    }
    if (isNak) this.replay('Nak');
  }

  /** The timer stands still for so long. */
  hold(durationPs: number): void {
    const { timer } = this;
    if (!timer.pending) return;
    const { duePs } = timer;
    timer.cancel();
    timer.scheduleAt(duePs + durationPs);
  }

  /** The link begins anew, with sequence number 0. Returns the trains that were not delivered. */
  restart(): ReplayEntry[] {
    const lost = this.entries.filter(({ delivered }) => !delivered);
    this.entries = [];
    this.acked = this.last = -1;
    this.replayNumber = 0;
    this.timer.cancel();
    return lost;
  }

  private expired(): void {
    this.timeouts++;
    this.replay('REPLAY_TIMER');
  }

  private replay(cause: ReplayCause): void {
    if (this.entries.length === 0) return;
    const isRetrained = ++this.replayNumber === REPLAYS;
    if (isRetrained) this.replayNumber = 0;
    this.replayer.replay(cause, this.last - this.acked, isRetrained);
  }
}
