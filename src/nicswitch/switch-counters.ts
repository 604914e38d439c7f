import { assert } from '../base/index.ts';
import { DROP, DROP_REASONS, type DropReason, EGRESS_REASONS } from './drop-reason.ts';
import type { Balance, ExactPortCounters, PortBalance, PortCounters } from './port-counters.ts';
import type { PortQueues } from './port-queues.ts';
import {
  RECORD_SHIFT,
  BYTES_IN as RUNNING_BYTES_IN,
  BYTES_OUT as RUNNING_BYTES_OUT,
  FRAMES_IN as RUNNING_FRAMES_IN,
  FRAMES_OUT as RUNNING_FRAMES_OUT,
  OUT_BY_CLASS as RUNNING_OUT_BY_CLASS,
} from './port-record.ts';
import { WideCounts } from './wide-counts.ts';

/** What a frame's destination address is. */
export const UNICAST = 0;
export const MULTICAST = 1;
export const BROADCAST = 2;
/** Too short to have one. */
export const NO_CLASS = 3;

// Offsets within a port's row of doubles.
const FRAMES_IN = 0;
const BYTES_IN = 1;
const FRAMES_OUT = 2;
const BYTES_OUT = 3;
const REPLICAS = 4;
const IN_BY_CLASS = 5;
const OUT_BY_CLASS = 8;
const MIRRORED = 11;
const FORWARDED = 12;
const ROW = 13;
const REASONS = DROP_REASONS.length;
const NOTHING = { framesIn: 0n, replicas: 0n, delivered: 0n, dropped: 0n };
/** Up to here sums of doubles are exact. */
const EXACT = 2 ** 52;
/** What can grow by more than one at a time. */
const CARRIED = [FRAMES_IN, BYTES_IN, FRAMES_OUT, BYTES_OUT, FORWARDED, REPLICAS];
const EGRESS: readonly number[] = EGRESS_REASONS.map((reason) => DROP[reason]);

/**
 * Settle before 32 bits can overflow: a word grows by less than this before it is looked at after a single
 * frame, by less than this in bursts that are told of, and by less than 2^29 in the burst that goes beyond.
 */
const SETTLE_AT = 1 << 29;

/** Lists of receivers that count what went to all of theirs. */
export interface CountedLists {
  /** Calls `count` for each receiver of each list that has been used since, and begins at zero. */
  settle(count: CountListed): void;
}

/** Counts `frames`, and `bytes` in all of them, at `port`. */
export type CountListed = (port: number, frames: number, bytes: number, frameClass: number) => void;

/**
 * Counters of all ports: 64 bits wide, and exact as bigint; numbers are exact to 2^53.
 *
 * Frames and bytes run in 32-bit words of the port records, beside what the data path reads there anyway, and
 * are added to wide counters before they can overflow; frames that go into output queues are counted by these. The
 * classes are counted for group addresses only, on the long way; unicast is what is left.
 */
export class SwitchCounters {
  private readonly lists: CountedLists | null;
  private readonly records: Int32Array;
  private readonly output: PortQueues;
  private readonly ports: number;
  /** Entries that had been put into each output queue when the counters were settled last. */
  private readonly pushed: Int32Array;
  private readonly wideRows: WideCounts;
  private readonly wideDrops: WideCounts;
  /** What is counted in of these. */
  private readonly rows: Float64Array;
  private readonly drops: Float64Array;
  private pending = 0;
  /** What ports had counted before they began anew. */
  private retired: Record<keyof Balance, bigint> = { ...NOTHING };
  private retiredForwarded = 0n;
  private retiredMirrored = 0n;
  private readonly retiredDrops: bigint[] = DROP_REASONS.map(() => 0n);

  /** @param lists where frames to groups are counted for all of their receivers at once. */
  constructor(records: Int32Array, output: PortQueues, lists: CountedLists | null = null) {
    const { ports } = output;
    this.records = records;
    this.lists = lists;
    this.output = output;
    this.ports = ports;
    this.pushed = new Int32Array(ports);
    this.wideRows = new WideCounts(ports * ROW);
    this.wideDrops = new WideCounts(ports * REASONS);
    this.rows = this.wideRows.low;
    this.drops = this.wideDrops.low;
  }

  /** Tells that each port's running words have grown by at most `frames` and `bytes`: 4,096 frames at a time. */
  ran(frames: number, bytes: number): void {
    this.pending = (this.pending + frames + bytes) | 0;
    // Unsigned: lengths are the caller's word, and may be anything for a frame that is dropped.
    if (this.pending >>> 0 >= SETTLE_AT) this.settle();
  }

  /** Tells of a frame that the tables have decided and that does not go into an output queue. */
  ranOne(ingress: number, port: number, bytes: number): void {
    const { records } = this;
    const from = ingress << RECORD_SHIFT;
    const to = port << RECORD_SHIFT;
    const bytesOut = (records[to | RUNNING_BYTES_OUT] + bytes) | 0;
    const bytesIn = (records[from | RUNNING_BYTES_IN] + bytes) | 0;
    records[to | RUNNING_FRAMES_OUT] = (records[to | RUNNING_FRAMES_OUT] + 1) | 0;
    records[to | RUNNING_BYTES_OUT] = bytesOut;
    records[from | RUNNING_FRAMES_IN] = (records[from | RUNNING_FRAMES_IN] + 1) | 0;
    records[from | RUNNING_BYTES_IN] = bytesIn;
    if ((bytesOut | bytesIn) >= SETTLE_AT) this.settle();
  }

  countIn(port: number, bytes: number, frameClass: number): void {
    const at = port * ROW;
    this.rows[at + FRAMES_IN]++;
    this.rows[at + BYTES_IN] += bytes;
    if (frameClass === MULTICAST || frameClass === BROADCAST) this.rows[at + IN_BY_CLASS + frameClass]++;
  }

  /** Tells of a frame to `port` that did not go into its output queue. */
  countOut(port: number, bytes: number, frameClass: number): void {
    const at = port * ROW;
    this.rows[at + FRAMES_OUT]++;
    this.rows[at + BYTES_OUT] += bytes;
    if (frameClass !== UNICAST) this.rows[at + OUT_BY_CLASS + frameClass]++;
  }

  /** Tells how many receivers a frame has that was counted in, and how many of them are replicas. */
  countForwarded(port: number, receivers: number, replicas: number): void {
    this.rows[port * ROW + FORWARDED] += receivers;
    this.rows[port * ROW + REPLICAS] += replicas;
  }

  /** Tells of a frame to a group or to all that went to `receivers` ports by a list. */
  countReplicated(port: number, bytes: number, frameClass: number, receivers: number): void {
    const at = port * ROW;
    const { rows } = this;
    rows[at + FRAMES_IN]++;
    rows[at + BYTES_IN] += bytes;
    rows[at + IN_BY_CLASS + frameClass]++;
    rows[at + FORWARDED] += receivers;
    rows[at + REPLICAS] += receivers - 1;
    this.ran(1, bytes);
  }

  /** Takes back what the list of a frame's receivers counts for `port`, which did not get it. */
  takeBack(port: number, bytes: number, frameClass: number): void {
    const at = port * ROW;
    this.rows[at + BYTES_OUT] -= bytes;
    this.rows[at + OUT_BY_CLASS + frameClass]--;
  }

  /** Takes back that a frame was delivered to `port`, and counts it dropped there. */
  countLost(port: number, bytes: number, frameClass: number, reason: number): void {
    this.settle();
    const at = port * ROW;
    this.rows[at + FRAMES_OUT]--;
    this.rows[at + BYTES_OUT] -= bytes;
    if (frameClass !== UNICAST) this.rows[at + OUT_BY_CLASS + frameClass]--;
    this.countDrop(port, reason);
  }

  /** The same, if the port has been retired since. */
  countRetiredLost(reason: number): void {
    this.retired.delivered--;
    this.retired.dropped++;
    this.retiredDrops[reason]++;
  }

  /** Tells of a copy to `port` that a mirroring rule has made. */
  countMirrored(port: number): void {
    this.rows[port * ROW + MIRRORED]++;
  }

  countDrop(port: number, reason: number): void {
    this.drops[port * REASONS + reason]++;
  }

  of(port: number): PortCounters {
    const { dropped, ...counts } = this.exactOf(port);
    const numbers = Object.entries(counts).map(([name, count]) => [name, Number(count)]);
    const reasons = DROP_REASONS.map((reason) => [reason, Number(dropped[reason])]);
    return { ...Object.fromEntries(numbers), dropped: Object.fromEntries(reasons) } as PortCounters;
  }

  exactOf(port: number): ExactPortCounters {
    this.settle();
    const count = (i: number): bigint => this.wideRows.exact(port * ROW + i);
    const dropped = Object.fromEntries(
      DROP_REASONS.map((reason) => [reason, this.wideDrops.exact(port * REASONS + DROP[reason])]),
    ) as Record<DropReason, bigint>;
    const [framesIn, framesOut] = [count(FRAMES_IN), count(FRAMES_OUT)];
    const [multicastIn, broadcastIn] = [count(IN_BY_CLASS + MULTICAST), count(IN_BY_CLASS + BROADCAST)];
    const [multicastOut, broadcastOut] = [count(OUT_BY_CLASS + MULTICAST), count(OUT_BY_CLASS + BROADCAST)];
    return {
      framesIn,
      bytesIn: count(BYTES_IN),
      unicastIn: wrapped(framesIn - multicastIn - broadcastIn - dropped.runt),
      multicastIn,
      broadcastIn,
      framesOut,
      bytesOut: count(BYTES_OUT),
      unicastOut: wrapped(framesOut - multicastOut - broadcastOut),
      multicastOut,
      broadcastOut,
      replicas: count(REPLICAS),
      mirrored: count(MIRRORED),
      dropped,
    };
  }

  /** Counts on from what all ports had counted, which balances. */
  restore(ports: readonly ExactPortCounters[]): void {
    this.clear();
    for (const [port, counters] of ports.entries()) {
      const { framesIn, framesOut, replicas, dropped } = counters;
      const set = (i: number, count: bigint) => this.wideRows.set(port * ROW + i, count);
      set(FRAMES_IN, framesIn);
      set(BYTES_IN, counters.bytesIn);
      set(FRAMES_OUT, framesOut);
      set(BYTES_OUT, counters.bytesOut);
      set(REPLICAS, replicas);
      set(MIRRORED, counters.mirrored);
      set(IN_BY_CLASS + MULTICAST, counters.multicastIn);
      set(IN_BY_CLASS + BROADCAST, counters.broadcastIn);
      set(OUT_BY_CLASS + MULTICAST, counters.multicastOut);
      set(OUT_BY_CLASS + BROADCAST, counters.broadcastOut);
      let forwarded = framesIn + replicas;
      for (const reason of DROP_REASONS) {
        this.wideDrops.set(port * REASONS + DROP[reason], dropped[reason]);
        if (!EGRESS.includes(DROP[reason])) forwarded -= dropped[reason];
      }
      set(FORWARDED, forwarded);
    }
  }

  /** Copies that mirroring rules have made, to all ports together. */
  get mirrored(): bigint {
    let sum = this.retiredMirrored;
    for (let port = 0; port < this.ports; port++) sum += this.wideRows.exact(port * ROW + MIRRORED);
    return wrapped(sum);
  }

  balance(): Balance {
    const { framesIn, replicas, delivered, dropped } = this.exactBalance();
    return {
      framesIn: Number(framesIn),
      replicas: Number(replicas),
      delivered: Number(delivered),
      dropped: Number(dropped),
    };
  }

  exactBalance(): Record<keyof Balance, bigint> {
    this.settle();
    const sum = { ...this.retired };
    for (let port = 0; port < this.ports; port++) this.addTo(sum, port);
    return {
      framesIn: wrapped(sum.framesIn),
      replicas: wrapped(sum.replicas),
      delivered: wrapped(sum.delivered),
      dropped: wrapped(sum.dropped),
    };
  }

  private addTo(sum: Record<keyof Balance, bigint>, port: number): void {
    const { wideRows, wideDrops } = this;
    sum.framesIn += wideRows.exact(port * ROW + FRAMES_IN);
    sum.replicas += wideRows.exact(port * ROW + REPLICAS);
    sum.delivered += wideRows.exact(port * ROW + FRAMES_OUT);
    for (let i = 0; i < REASONS; i++) {
      if (this.drops[port * REASONS + i] !== 0 || wideDrops.isWide) {
        sum.dropped += wideDrops.exact(port * REASONS + i);
      }
    }
  }

  portBalance(port: number): PortBalance {
    this.settle();
    const { wideRows, wideDrops } = this;
    const at = port * ROW;
    let lost = 0;
    for (const reason of EGRESS) lost += wideDrops.value(port * REASONS + reason);
    let dropped = -lost;
    for (let i = 0; i < REASONS; i++) dropped += wideDrops.value(port * REASONS + i);
    const delivered = wideRows.value(at + FRAMES_OUT);
    return {
      framesIn: wideRows.value(at + FRAMES_IN),
      replicas: wideRows.value(at + REPLICAS),
      forwarded: wideRows.value(at + FORWARDED),
      dropped,
      offered: delivered + lost,
      delivered,
      lost,
    };
  }

  /** Of all ports that were retired. */
  retiredBalance(): PortBalance {
    const { framesIn, replicas, delivered, dropped } = this.retired;
    const lost = EGRESS.reduce((sum, reason) => sum + this.retiredDrops[reason], 0n);
    return {
      framesIn: Number(wrapped(framesIn)),
      replicas: Number(wrapped(replicas)),
      forwarded: Number(wrapped(this.retiredForwarded)),
      dropped: Number(wrapped(dropped - lost)),
      offered: Number(wrapped(delivered + lost)),
      delivered: Number(wrapped(delivered)),
      lost: Number(wrapped(lost)),
    };
  }

  /** Throws AssertionError unless the counters balance, modulo 2^64: at each port, and all together. */
  check(): void {
    this.settle();
    for (let port = 0; port < this.ports; port++) {
      const { framesIn, replicas, forwarded, dropped } = this.portBalance(port);
      const isExact = !this.wideRows.isWide && !this.wideDrops.isWide && framesIn + replicas < EXACT;
      const balances = isExact ? framesIn + replicas === forwarded + dropped : this.excessOf(port) === 0n;
      assert(
        balances,
        `port ${port}: ${framesIn} frames in + ${replicas} replicas are not ${forwarded} forwarded + ${dropped} dropped`,
      );
    }
    const { framesIn, replicas, delivered, dropped } = this.exactBalance();
    assert(
      wrapped(framesIn + replicas) === wrapped(delivered + dropped),
      `${framesIn} frames in + ${replicas} replicas are not ${delivered} delivered + ${dropped} dropped`,
    );
  }

  /** What came in at a port beyond what went on or was dropped. */
  private excessOf(port: number): bigint {
    const { wideRows, wideDrops } = this;
    const at = port * ROW;
    let excess =
      wideRows.exact(at + FRAMES_IN) + wideRows.exact(at + REPLICAS) - wideRows.exact(at + FORWARDED);
    for (let i = 0; i < REASONS; i++) {
      if (!EGRESS.includes(i)) excess -= wideDrops.exact(port * REASONS + i);
    }
    return wrapped(excess);
  }

  /** Begins at zero for `port`. What it has counted stays in the balance of the switch, and in the drops of all. */
  retire(port: number): void {
    this.settle();
    this.addTo(this.retired, port);
    this.retiredForwarded += this.wideRows.exact(port * ROW + FORWARDED);
    this.retiredMirrored += this.wideRows.exact(port * ROW + MIRRORED);
    for (let i = 0; i < REASONS; i++) this.retiredDrops[i] += this.wideDrops.exact(port * REASONS + i);
    this.wideRows.clear(port * ROW, (port + 1) * ROW);
    this.wideDrops.clear(port * REASONS, (port + 1) * REASONS);
  }

  /** Frames and replicas that were dropped for `reason`, at all ports together. */
  droppedInAll(reason: DropReason): bigint {
    let sum = this.retiredDrops[DROP[reason]];
    for (let port = 0; port < this.ports; port++) sum += this.wideDrops.exact(port * REASONS + DROP[reason]);
    return wrapped(sum);
  }

  clear(): void {
    this.settle();
    this.wideRows.clear();
    this.wideDrops.clear();
    this.retiredDrops.fill(0n);
    this.retiredForwarded = 0n;
    this.retiredMirrored = 0n;
    this.retired = { ...NOTHING };
  }

  /** Moves the running words into the wide counters. */
  settle(): void {
    this.pending = 0;
    this.lists?.settle(this.countListed);
    for (let port = 0; port < this.ports; port++) {
      // Each frame that the tables decide has one receiver.
      this.rows[port * ROW + FORWARDED] += this.records[(port << RECORD_SHIFT) + RUNNING_FRAMES_IN];
      this.settleWord(port, RUNNING_FRAMES_IN, FRAMES_IN);
      this.settleWord(port, RUNNING_BYTES_IN, BYTES_IN);
      this.settleWord(port, RUNNING_FRAMES_OUT, FRAMES_OUT);
      this.settleWord(port, RUNNING_BYTES_OUT, BYTES_OUT);
      this.settleWord(port, RUNNING_OUT_BY_CLASS + MULTICAST, OUT_BY_CLASS + MULTICAST);
      this.settleWord(port, RUNNING_OUT_BY_CLASS + BROADCAST, OUT_BY_CLASS + BROADCAST);
      const pushed = this.output.pushed(port);
      this.rows[port * ROW + FRAMES_OUT] += (pushed - this.pushed[port]) | 0;
      this.pushed[port] = pushed;
      for (const counter of CARRIED) this.wideRows.carry(port * ROW + counter);
    }
  }

  private readonly countListed: CountListed = (port, frames, bytes, frameClass) => {
    this.rows[port * ROW + BYTES_OUT] += bytes;
    this.rows[port * ROW + OUT_BY_CLASS + frameClass] += frames;
  };

  private settleWord(port: number, from: number, to: number): void {
    const at = (port << RECORD_SHIFT) + from;
    this.rows[port * ROW + to] += this.records[at];
    this.records[at] = 0;
  }
}

function wrapped(count: bigint): bigint {
  return BigInt.asUintN(64, count);
}
