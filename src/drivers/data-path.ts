import type { DeviceHandle } from '../host/index.ts';
import type { Timer } from '../kernel/index.ts';
import type { FrameTemplate } from './frame-template.ts';
import type { FrameSink, QueuePair } from './queue-pair.ts';

/** What the software of a data path costs a processor, in ps. */
export interface SoftwareCosts {
  /** A pass of the polling loop, or of the interrupt's soft half. */
  readonly pollPs: number;
  /** A received frame. */
  readonly receivePs: number;
  /** A frame put on the ring. */
  readonly transmitPs: number;
}

/** Sends as fast as the ring takes it. */
export interface SaturatingSource {
  /** Posts up to `budget` frames; returns how many. The n-th is posted `transmitPs` after the one before. */
  fill(queue: QueuePair, budget: number, transmitPs: number): number;
}

/** Takes the frames that a data path receives. */
export interface ReceiveHandler {
  /** `timePs` is when the software comes to look at this frame. */
  received(words: Int32Array, at: number, bytes: number, tci: number, timePs: number): void;
}

/** Frames of one pass, as NAPI and DPDK have it. */
const RECEIVE_BUDGET = 64;
const TRANSMIT_BUDGET = 32;

/**
 * The running half of a network driver over one queue pair, on one processor: interrupt-driven (mask, poll
 * until nothing is left, unmask, as NAPI does) or polling without end.
 */
export class DataPath implements FrameSink {
  readonly queue: QueuePair;
  handler: ReceiveHandler | null = null;
  /** Frames that found the transmit ring full. */
  ringFull = 0;
  interruptsTaken = 0;
  polls = 0;

  private readonly handle: DeviceHandle;
  private readonly unmask: (() => void) | null;
  private readonly next: Timer;
  private readonly watcher: number;
  private source: SaturatingSource | null = null;
  private running = false;
  /** The software's costs, and when it has looked at the ring of a pass. */
  private readonly pollPs: number;
  private readonly receivePs: number;
  private readonly transmitPs: number;
  private lookedPs = 0;
  private lastPoll = 0;

  /** @param unmask lets interrupts through again; null for a data path that polls without end. */
  constructor(handle: DeviceHandle, queue: QueuePair, costs: SoftwareCosts, unmask: (() => void) | null) {
    this.handle = handle;
    this.queue = queue;
    this.pollPs = costs.pollPs;
    this.receivePs = costs.receivePs;
    this.transmitPs = costs.transmitPs;
    this.unmask = unmask;
    this.next = handle.timer('poll', () => this.poll());
    this.watcher = handle.watcher(() => this.wake());
  }

  /** Begins to work: a polling data path looks around, an interrupt-driven one unmasks. */
  start(): void {
    this.running = true;
    this.next.schedule(0);
  }

  /**
   * Ends the work and stops the queues: takes what has been received, lets the card send what it was given,
   * and refuses what is offered from now on. Whoever calls has seen to it that the card receives nothing more
   * for these queues.
   */
  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.next.cancel();
    this.lookedPs = this.handle.now + this.pollPs;
    while (this.queue.poll(RECEIVE_BUDGET, this) > 0);
    this.queue.stop();
  }

  /** Names, or with null takes away, what keeps the transmit ring full. */
  setSource(source: SaturatingSource | null): void {
    this.source = source;
    if (source !== null && this.running && !this.next.pending) this.next.schedule(0);
  }

  /** Sends one frame now. False, and counted, when the ring is full or stopped. */
  send(template: FrameTemplate, sequence: number): boolean {
    const queue = this.queue;
    if (!this.running) {
      this.ringFull++;
      return false;
    }
    if (queue.room === 0) {
      queue.reclaim();
      if (queue.room === 0) {
        this.ringFull++;
        return false;
      }
    }
    queue.post(template, sequence);
    queue.ring();
    return true;
  }

  /** The card's interrupt for this queue pair; the card has masked it. */
  readonly interrupt = (): void => {
    this.interruptsTaken++;
    if (this.running && !this.next.pending) this.next.schedule(0);
  };

  frame(words: Int32Array, at: number, bytes: number, tci: number, position: number): void {
    if (this.handler === null) return;
    this.handler.received(words, at, bytes, tci, this.lookedPs + (position + 1) * this.receivePs);
  }

  private poll(): void {
    const { pollPs, receivePs, transmitPs } = this;
    const queue = this.queue;
    this.polls++;
    this.lastPoll = this.handle.now;
    this.lookedPs = this.lastPoll + pollPs;
    const received = queue.poll(RECEIVE_BUDGET, this);
    queue.reclaim();
    let sent = 0;
    if (this.source !== null && queue.room > 0) {
      sent = this.source.fill(queue, Math.min(TRANSMIT_BUDGET, queue.room), transmitPs);
      queue.ring();
    }
    if (received + sent > 0) {
      this.next.schedule(pollPs + received * receivePs + sent * transmitPs);
    } else if (this.unmask !== null) {
      this.unmask();
    } else {
      queue.watch(this.watcher);
    }
  }

  /** The device has written where the loop looks: the loop sees it in its next pass. */
  private wake(): void {
    if (!this.running || this.next.pending) return;
    const since = this.handle.now - this.lastPoll;
    const passes = Math.ceil(since / this.pollPs);
    this.next.schedule(passes * this.pollPs - since);
  }
}
