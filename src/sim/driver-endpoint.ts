import type {
  DataPath,
  FrameTemplate,
  QueuePair,
  ReceiveHandler,
  SaturatingSource,
} from '../drivers/index.ts';
import type { FlowTracker } from './flow-tracker.ts';
import { type FrameSender, type FrameSource, RoundRobin } from './sender.ts';

/** The software above a driver: hands it frames to send and takes what it has received. */
export class DriverEndpoint implements FrameSender, SaturatingSource, ReceiveHandler {
  readonly index: number;
  private path: DataPath | null = null;
  private readonly tracker: FlowTracker;
  private readonly clock: { readonly now: number };
  private readonly sources = new RoundRobin();

  constructor(index: number, tracker: FlowTracker, clock: { readonly now: number }) {
    this.index = index;
    this.tracker = tracker;
    this.clock = clock;
  }

  /** Puts itself above a driver. */
  attach(path: DataPath): void {
    this.path = path;
    path.handler = this;
    if (this.sources.size > 0) path.setSource(this);
  }

  /** The driver is gone, and with it `notSent` frames on its ring; what is offered from now on is not sent either. */
  detach(notSent: number): void {
    this.tracker.endpoints[this.index].notSent += notSent;
    this.path = null;
  }

  /** The driver has stopped its queues, and `notSent` frames were on its ring. */
  stopped(notSent: number): void {
    this.tracker.endpoints[this.index].notSent += notSent;
  }

  send(template: FrameTemplate, sequence: number): boolean {
    return this.path?.send(template, sequence) ?? false;
  }

  addSource(source: FrameSource): void {
    this.sources.add(source);
    this.path?.setSource(this);
  }

  removeSource(source: FrameSource): void {
    this.sources.remove(source);
    if (this.sources.size === 0) this.path?.setSource(null);
  }

  fill(queue: QueuePair, budget: number, transmitPs: number): number {
    const now = this.clock.now;
    const { only } = this.sources;
    if (only !== null) return only.fill(queue, budget, now, transmitPs);
    let count = 0;
    while (count < budget) {
      const template = this.sources.next();
      if (template === null) break;
      queue.post(template, this.sources.sequence(now + count * transmitPs));
      count++;
    }
    return count;
  }

  received(words: Int32Array, at: number, bytes: number, _tci: number, timePs: number): void {
    this.tracker.receive(this.index, words, at, bytes, timePs);
  }
}
