import { checkInteger, checkNumber } from '../base/index.ts';
import { ClassArbiter } from './class-arbiter.ts';
import {
  EgressClass,
  type EgressGate,
  EgressGroup,
  EgressQueue,
  EgressVPort,
  QUEUE_GATE,
  VPORT_GATE,
} from './egress-nodes.ts';
import { GateHeap } from './gate-heap.ts';
import type { ByteTime } from './token-bucket.ts';

/** How large an {@link EgressScheduler} is. */
export interface EgressSchedulerOptions {
  /** 1 to 65,536. */
  readonly queues: number;
  /** VPorts that the queues belong to, 1 to 65,536. Default: one. */
  readonly vports?: number;
  /** Traffic classes, 1 to 8. Default: one. */
  readonly classes?: number;
}

/** Nobody: what {@link EgressScheduler.next} returns while no queue may send. */
export const NO_QUEUE = -1;
/** Credit of a VPort a round while nothing else is said: above any frame. */
const DEFAULT_QUANTUM = 16_384;
const MIN_QUANTUM = 2 ** -16;
const MAX_QUANTUM = 2 ** 31;

/**
 * Who sends next: traffic classes, in each the VPorts, and of each VPort the queues.
 *
 * - Classes go by strict priority (all of them, at first; the highest number first) or share what those leave
 *   by weight (IEEE 802.1Qaz, enhanced transmission selection).
 * - VPorts of a class take turns frame by frame, or by weight: {@link EgressScheduler.setWeighted}.
 * - Queues of a VPort take turns frame by frame.
 * - Queues, VPorts and classes can have a rate limit ({@link TokenBucket}). Classes can be paused.
 *
 * A share that one does not use goes to the others: while a frame may go, a queue is named. The scheduler
 * knows no frames: it is told that a queue has some, and how long the one was that it has sent. It holds no
 * clock: time comes with the questions and never goes back. Asking costs the logarithm of the limits that
 * frames wait behind, and allocates nothing.
 *
 * @example
 * const egress = new EgressScheduler({ queues: 2, vports: 2 });
 * egress.setVPortRate(0, byteTimeOf(1_000_000), 0, 0); // 1 Gb/s
 * egress.enqueue(0);
 * egress.next(0); // 0
 * egress.sent(0, 1_250, true);
 * egress.next(1_000_000); // -1: none ...
 * egress.readyPs; // ... before 10,000,000 ps
 */
export class EgressScheduler {
  /**
   * After {@link EgressScheduler.next} has named no queue: no frame may go before this, by the limits; Infinity
   * if none waits for time.
   */
  readyPs = Number.POSITIVE_INFINITY;
  /** Queues that have frames. */
  backlogged = 0;

  private readonly queues: EgressQueue[];
  private readonly vports: EgressVPort[];
  private readonly classes: EgressClass[];
  private readonly arbiter: ClassArbiter;
  private readonly closed = new GateHeap<EgressGate>();
  /** Classes in which a queue can go, and those that may not. */
  private active = 0;
  private paused = 0;
  private weighted = false;
  private nowPs = Number.NaN;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: EgressSchedulerOptions) {
    const queues = checkInteger('queues', options.queues, 1, 1 << 16);
    const vports = checkInteger('vports', options.vports ?? 1, 1, 1 << 16);
    const classes = checkInteger('classes', options.classes ?? 1, 1, 8);
    this.nowPs = 0;
    this.classes = Array.from({ length: classes }, (_, index) => new EgressClass(index));
    this.vports = Array.from({ length: vports }, (_, index) => new EgressVPort(index));
    this.arbiter = new ClassArbiter(this.classes);
    this.queues = Array.from({ length: queues }, (_, index) => {
      const vport = this.vports[Math.floor((index * vports) / queues)];
      return new EgressQueue(index, this.group(this.classes[0], vport));
    });
  }

  /**
   * Says where a queue belongs: a class and a VPort. At first all are in class 0, and the VPorts have equal
   * runs of queues.
   */
  place(queue: number, trafficClass: number, vport: number): void {
    const record = this.queueOf(queue);
    const group = this.group(this.classOf(trafficClass), this.vportOf(vport));
    const { backlogged } = record;
    this.withdraw(queue);
    record.group = group;
    if (backlogged) this.enqueue(queue);
  }

  /** A class goes before all weighted ones and before strict ones of lower number. All do, at first. */
  setStrict(trafficClass: number): void {
    this.arbiter.setStrict(this.classOf(trafficClass));
  }

  /**
   * A class shares with the other weighted ones what strict ones leave, in proportion to `quantumBytes`. What
   * it does not use it keeps, up to `maxCreditBytes` (default: two quanta). A class with a quantum of 0 never
   * sends.
   */
  setClassWeight(
    trafficClass: number,
    quantumBytes: number,
    maxCreditBytes: number = 2 * quantumBytes,
  ): void {
    checkInteger('quantumBytes', quantumBytes, 0, MAX_QUANTUM);
    checkInteger('maxCreditBytes', maxCreditBytes, quantumBytes > 0 ? 1 : 0, 2 * MAX_QUANTUM);
    this.arbiter.setQuantum(this.classOf(trafficClass), quantumBytes, maxCreditBytes);
  }

  /**
   * How classes are arbitrated: 'priority' as above, at first; 'index' likewise, but a strict class goes only
   * before those of lower number (82599 family: weighted strict priority, LSP); 'frame': a frame of each.
   */
  setClassArbitration(how: 'priority' | 'index' | 'frame'): void {
    this.arbiter.weighted = how !== 'frame';
    this.arbiter.strictFirst = how === 'priority';
  }

  /** Whether the VPorts of a class share by weight (true) or take turns frame by frame (false, at first). */
  setWeighted(weighted: boolean): void {
    this.weighted = weighted;
    for (const { groups } of this.vports) {
      for (const group of groups) group.trafficClass.groups.weighted = weighted;
    }
    // Those without credit are back among the others.
    for (const { groups } of this.vports) {
      for (const group of groups) group.trafficClass.groups.setQuantum(group, group.quantum);
    }
  }

  /**
   * Weight of a VPort: what it may send a round, in bytes, from 2^-16 on, whole or not. All have the same at
   * first, 16,384. Shares are exact for any value, and the shorter a round is the shorter the time over which they
   * hold; a turn costs least when none is below the longest frame.
   *
   * @param trafficClass in this class only. Default: in all that it has queues in.
   */
  setVPortWeight(vport: number, quantumBytes: number, trafficClass?: number): void {
    checkNumber('quantumBytes', quantumBytes, MIN_QUANTUM, MAX_QUANTUM);
    const only = trafficClass === undefined ? null : this.classOf(trafficClass);
    for (const group of this.vportOf(vport).groups) {
      if (only === null || group.trafficClass === only) {
        group.trafficClass.groups.setQuantum(group, quantumBytes);
      }
    }
  }

  /** Limits a queue; null takes the limit away. Arguments are those of {@link TokenBucket.setRate}. */
  setQueueRate(queue: number, byteTime: ByteTime | null, windowBytes: number, nowPs: number): void {
    this.setRate(this.queueOf(queue).gate, byteTime, windowBytes, nowPs);
  }

  /** Limits a VPort, over all its queues and classes. */
  setVPortRate(vport: number, byteTime: ByteTime | null, windowBytes: number, nowPs: number): void {
    this.setRate(this.vportOf(vport).gate, byteTime, windowBytes, nowPs);
  }

  /** Limits a class. */
  setClassRate(trafficClass: number, byteTime: ByteTime | null, windowBytes: number, nowPs: number): void {
    this.setRate(this.classOf(trafficClass).gate, byteTime, windowBytes, nowPs);
  }

  /** Stops a class, or lets it go on (priority flow control). */
  setPaused(trafficClass: number, paused: boolean): void {
    const { bit } = this.classOf(trafficClass);
    this.paused = paused ? this.paused | bit : this.paused & ~bit;
  }

  /** `queue` has a frame. Nothing if that is known. */
  enqueue(queue: number): void {
    const record = this.queues[queue];
    if (record.backlogged) return;
    record.backlogged = true;
    this.backlogged++;
    if (record.gate.closed) this.closed.add(record.gate);
    else this.wake(record);
  }

  /** `queue` has no frame any more, without having sent it. Nothing if that is known. */
  withdraw(queue: number): void {
    const record = this.queues[queue];
    if (!record.backlogged) return;
    record.backlogged = false;
    this.backlogged--;
    this.closed.remove(record.gate);
    if (record.inRound) this.sleep(record);
  }

  /**
   * The queue whose frame may start at `nowPs`, or {@link NO_QUEUE}; then {@link EgressScheduler.readyPs} says
   * when to ask again. Asking changes no turn: until {@link EgressScheduler.sent} the answer is the same,
   * unless somebody of higher right comes.
   */
  next(nowPs: number): number {
    this.nowPs = nowPs;
    return this.select();
  }

  /**
   * A frame of `queue` starts, at the instant of the last {@link EgressScheduler.next}.
   *
   * @param bytes its length, at most 65,535, as limits and weights count it.
   * @param more whether the queue has another frame.
   */
  sent(queue: number, bytes: number, more: boolean): void {
    const record = this.queues[queue];
    const { group } = record;
    const { trafficClass, vport } = group;
    this.arbiter.charge(trafficClass, bytes);
    trafficClass.groups.charge(group, bytes);
    group.queues.charge(record, bytes);
    if (!more) this.withdraw(queue);
    if (record.gate.limited) this.charge(record.gate, bytes);
    if (vport.gate.limited) this.charge(vport.gate, bytes);
    if (trafficClass.gate.limited) this.charge(trafficClass.gate, bytes);
  }

  private select(): number {
    const { closed, arbiter } = this;
    for (let gate = closed.first; gate !== null && gate.readyPs <= this.nowPs; gate = closed.first) {
      closed.remove(gate);
      this.open(gate);
    }
    const classes = arbiter.eligible(this.active & ~this.paused);
    if (classes === 0) {
      const { first } = closed;
      this.readyPs = first === null ? Number.POSITIVE_INFINITY : first.readyPs;
      return NO_QUEUE;
    }
    const group = arbiter.pick(classes).groups.first() as EgressGroup;
    const queue = group.queues.first() as EgressQueue;
    return queue.gate.index;
  }

  private setRate(gate: EgressGate, byteTime: ByteTime | null, windowBytes: number, nowPs: number): void {
    if (byteTime !== null) {
      gate.setRate(byteTime, windowBytes, nowPs);
      return;
    }
    gate.clear();
    if (!gate.closed) return;
    this.closed.remove(gate);
    this.open(gate);
  }

  private charge(gate: EgressGate, bytes: number): void {
    gate.charge(this.nowPs, bytes);
    this.closed.moved(gate);
    if (gate.readyPs > this.nowPs && !gate.closed) this.close(gate);
  }

  private close(gate: EgressGate): void {
    gate.closed = true;
    if (gate.kind === QUEUE_GATE) {
      const record = this.queues[gate.index];
      if (!record.backlogged) return;
      this.sleep(record);
      this.closed.add(gate);
    } else if (gate.kind === VPORT_GATE) {
      const vport = this.vports[gate.index];
      for (const group of vport.groups) if (group.inRound) this.leave(group);
      if (vport.waiting > 0) this.closed.add(gate);
    } else {
      const trafficClass = this.classes[gate.index];
      this.active &= ~trafficClass.bit;
      if (!trafficClass.groups.empty) this.closed.add(gate);
    }
  }

  private open(gate: EgressGate): void {
    gate.closed = false;
    if (gate.kind === QUEUE_GATE) {
      const record = this.queues[gate.index];
      if (record.backlogged) this.wake(record);
    } else if (gate.kind === VPORT_GATE) {
      for (const group of this.vports[gate.index].groups) if (!group.queues.empty) this.enter(group);
    } else {
      const trafficClass = this.classes[gate.index];
      if (!trafficClass.groups.empty) this.active |= trafficClass.bit;
    }
  }

  /** A queue can go, as far as it is concerned: so can its group, its VPort and its class, if their limits let it. */
  private wake(record: EgressQueue): void {
    const { group } = record;
    const { vport } = group;
    const first = group.queues.empty;
    group.queues.enter(record);
    if (!first) return;
    vport.waiting++;
    if (!vport.gate.closed) this.enter(group);
    else if (vport.waiting === 1) this.closed.add(vport.gate);
  }

  private enter(group: EgressGroup): void {
    const { trafficClass } = group;
    const first = trafficClass.groups.empty;
    trafficClass.groups.enter(group);
    if (!first) return;
    if (trafficClass.gate.closed) this.closed.add(trafficClass.gate);
    else this.active |= trafficClass.bit;
  }

  /** The reverse of `wake`. */
  private sleep(record: EgressQueue): void {
    const { group } = record;
    const { vport } = group;
    group.queues.leave(record);
    if (!group.queues.empty) return;
    if (--vport.waiting === 0) this.closed.remove(vport.gate);
    if (group.inRound) this.leave(group);
  }

  private leave(group: EgressGroup): void {
    const { trafficClass } = group;
    trafficClass.groups.leave(group);
    if (!trafficClass.groups.empty) return;
    this.active &= ~trafficClass.bit;
    this.closed.remove(trafficClass.gate);
  }

  private group(trafficClass: EgressClass, vport: EgressVPort): EgressGroup {
    for (const group of vport.groups) if (group.trafficClass === trafficClass) return group;
    const group = new EgressGroup(trafficClass, vport);
    trafficClass.groups.weighted = this.weighted;
    trafficClass.groups.setQuantum(group, DEFAULT_QUANTUM);
    vport.groups.push(group);
    return group;
  }

  private queueOf(queue: number): EgressQueue {
    return this.queues[checkInteger('queue', queue, 0, this.queues.length - 1)];
  }

  private vportOf(vport: number): EgressVPort {
    return this.vports[checkInteger('vport', vport, 0, this.vports.length - 1)];
  }

  private classOf(trafficClass: number): EgressClass {
    return this.classes[checkInteger('trafficClass', trafficClass, 0, this.classes.length - 1)];
  }
}
